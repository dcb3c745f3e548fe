// SPDX-License-Identifier: MIT
//
// ELF executables of 64 bits, little-endian (System V ABI, "Object Files"): their PT_LOAD segments
// go to their physical addresses. Nothing in the file is trusted.
#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include "hw/core/loader.h"
#include "util/bitops.h"

static bool elf_truncated(const FileData *f, Error **err)
{
    return error_set(err, "%s '%s' is a truncated ELF file; copy it anew", f->what, f->path);
}

static bool check_header(const FileData *f, const Elf64_Ehdr *h, uint16_t machine, Error **err)
{
    const char *name = elf_machine_name(h->e_machine), *wanted = elf_machine_name(machine);
    if (h->e_ident[EI_DATA] != ELFDATA2LSB)
        return error_set(err, "%s '%s' is a big-endian ELF file; use a little-endian one for %s",
                         f->what, f->path, wanted);
    if (h->e_machine != machine)
        return error_set(err, "%s '%s' is an ELF file for %s, not for %s", f->what, f->path,
                         name ? name : "an unknown processor", wanted);
    if (h->e_ident[EI_CLASS] != ELFCLASS64)
        return error_set(err, "%s '%s' is a 32-bit ELF file; use a 64-bit one for %s", f->what,
                         f->path, wanted);
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return error_set(err, "%s '%s' is an ELF object that is not linked; link it first", f->what,
                         f->path);
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0)
        return error_set(err, "%s '%s' is an ELF file with nothing to load", f->what, f->path);
    return true;
}

static bool load_segment(const FileData *f, const Elf64_Phdr *p, Hwaddr ram_first, Hwaddr ram_last,
                         BlobList *list, Error **err)
{
    if (p->p_offset > f->size || p->p_filesz > f->size - p->p_offset)
        return elf_truncated(f, err);
    if (p->p_filesz > p->p_memsz)
        return error_set(err, "%s '%s' is a damaged ELF file: a segment is larger than its memory",
                         f->what, f->path);
    const Blob blob = { .what = f->what, .addr = p->p_paddr, .bytes = f->bytes + p->p_offset,
                        .size = p->p_filesz, .mem_bytes = p->p_memsz };
    if (blob_add(list, &blob, ram_first, ram_last, err))
        return true;
    if (p->p_paddr >> 48)
        error_prepend(err, "%s '%s' is linked for virtual addresses (of Linux use the file "
                      "'Image')", f->what, f->path);
    return false;
}

bool elf64_load(const FileData *f, uint16_t machine, Hwaddr ram_first, Hwaddr ram_last,
                BlobList *list, ElfInfo *info, Error **err)
{
    Elf64_Ehdr h;
    if (f->size < sizeof(h))
        return elf_truncated(f, err);
    memcpy(&h, f->bytes, sizeof(h));
    if (!check_header(f, &h, machine, err))
        return false;
    uint64_t table_bytes = (uint64_t)h.e_phnum * sizeof(Elf64_Phdr);
    if (h.e_phoff > f->size || table_bytes > f->size - h.e_phoff)
        return elf_truncated(f, err);
    *info = (ElfInfo){ .entry = h.e_entry, .low = UINT64_MAX };
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, f->bytes + h.e_phoff + i * sizeof(p), sizeof(p));
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        if (!load_segment(f, &p, ram_first, ram_last, list, err))
            return false;
        info->low = MIN(info->low, p.p_paddr);
        info->high = MAX(info->high, p.p_paddr + p.p_memsz);
        /* the entry is a virtual address where the two differ */
        if (h.e_entry >= p.p_vaddr && h.e_entry - p.p_vaddr < p.p_memsz)
            info->entry = h.e_entry - p.p_vaddr + p.p_paddr;
    }
    if (info->low == UINT64_MAX)
        return error_set(err, "%s '%s' is an ELF file with nothing to load", f->what, f->path);
    if (info->entry < info->low || info->entry >= info->high)
        return error_set(err, "%s '%s' is an ELF file whose entry 0x%" PRIx64
                         " lies outside of it", f->what, f->path, info->entry);
    return true;
}
