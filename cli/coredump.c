// SPDX-License-Identifier: MIT
//
// ELF core files (System V ABI, chapters 4 and 5; notes as Linux writes them): contract in
// coredump.h. Layout: header, program headers, notes, then memory from a page boundary on. Pages of
// zeroes are left as holes.
#include "cli/coredump.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

static const struct {
    const char *arch; /* as in CpuOps */
    uint16_t machine;
    uint32_t prstatus_bytes, registers_at; /* of struct elf_prstatus, and of pr_reg in it */
} targets[] = {
    { "aarch64", EM_AARCH64, 392, 112 },
};

enum { PRSTATUS_PID_AT = 32, NOTE_NAME_BYTES = 8 };

typedef struct CoreFile {
    FILE *file;
    const Machine *m;
    const FlatView *view;
    uint32_t prstatus_bytes, registers_at;
    uint16_t machine;
} CoreFile;

static bool is_memory(const FlatRange *r)
{
    return r->region->kind != MEM_MMIO;
}

static uint16_t segment_count(const CoreFile *f)
{
    uint16_t n = 1; /* the notes */
    for (size_t i = 0; i < f->view->count; i++)
        n += is_memory(&f->view->ranges[i]);
    return n;
}

static uint64_t notes_bytes(const CoreFile *f)
{
    return f->m->cpu_count * (sizeof(Elf64_Nhdr) + NOTE_NAME_BYTES + (uint64_t)f->prstatus_bytes);
}

static void write_header(const CoreFile *f)
{
    const Elf64_Ehdr h = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_CORE, .e_machine = f->machine, .e_version = EV_CURRENT,
        .e_phoff = sizeof(h), .e_ehsize = sizeof(h), .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = segment_count(f),
    };
    fwrite(&h, sizeof(h), 1, f->file);
}

/* Returns where memory begins. */
static uint64_t write_program_headers(const CoreFile *f)
{
    uint64_t at = sizeof(Elf64_Ehdr) + segment_count(f) * sizeof(Elf64_Phdr);
    const Elf64_Phdr notes = { .p_type = PT_NOTE, .p_offset = at, .p_filesz = notes_bytes(f) };
    fwrite(&notes, sizeof(notes), 1, f->file);
    at = align_up(at + notes.p_filesz, GUEST_PAGE_SIZE);
    uint64_t memory_at = at;
    for (size_t i = 0; i < f->view->count; i++) {
        const FlatRange *r = &f->view->ranges[i];
        if (!is_memory(r))
            continue;
        uint64_t bytes = r->last - r->first + 1;
        const Elf64_Phdr load = { .p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X,
                                  .p_offset = at, .p_vaddr = r->first, .p_paddr = r->first,
                                  .p_filesz = bytes, .p_memsz = bytes, .p_align = 1 };
        fwrite(&load, sizeof(load), 1, f->file);
        at += bytes;
    }
    return memory_at;
}

/* Rows of group "general" are in the order of the kernel's user registers. */
static void write_note(const CoreFile *f, VCPU *cpu)
{
    const Elf64_Nhdr h = { .n_namesz = sizeof("CORE"), .n_descsz = f->prstatus_bytes,
                           .n_type = NT_PRSTATUS };
    uint8_t status[512] = { 0 };
    uint32_t pid = cpu->index + 1, at = f->registers_at;
    memcpy(status + PRSTATUS_PID_AT, &pid, sizeof(pid));
    for (const CpuRegister *r = cpu->ops->registers; r && r->name; r++) {
        if (strcmp(r->group, "general") || at + sizeof(uint64_t) > f->prstatus_bytes)
            continue;
        uint64_t value = vcpu_register_value(cpu, r);
        memcpy(status + at, &value, sizeof(value));
        at += sizeof(value);
    }
    fwrite(&h, sizeof(h), 1, f->file);
    fwrite("CORE\0\0\0", NOTE_NAME_BYTES, 1, f->file);
    fwrite(status, f->prstatus_bytes, 1, f->file);
}

static void write_memory(const CoreFile *f, const FlatRange *r)
{
    static const uint8_t zeroes[GUEST_PAGE_SIZE];
    const uint8_t *host = r->region->host + r->region_offset;
    for (uint64_t left = r->last - r->first + 1; left && !ferror(f->file);) {
        size_t n = (size_t)MIN(left, GUEST_PAGE_SIZE);
        left -= n;
        if (left && !memcmp(host, zeroes, n)) /* the last page makes the file as long as it is */
            fseeko(f->file, (off_t)n, SEEK_CUR);
        else
            fwrite(host, n, 1, f->file);
        host += n;
    }
}

static bool find_target(CoreFile *f, Error **err)
{
    const char *arch = f->m->cpus[0]->ops->arch;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        if (strcmp(targets[i].arch, arch))
            continue;
        f->machine = targets[i].machine;
        f->prstatus_bytes = targets[i].prstatus_bytes;
        f->registers_at = targets[i].registers_at;
        return true;
    }
    return error_set(err, "core files of %s are not known here", arch);
}

bool coredump_write(const Machine *m, const char *path, Error **err)
{
    CoreFile f = { .m = m, .view = atomic_load(&((Machine *)m)->memory.view) };
    if (!find_target(&f, err))
        return false;
    f.file = fopen(path, "we");
    if (!f.file)
        return error_set_errno(err, errno, "cannot write '%s'", path);
    write_header(&f);
    uint64_t memory_at = write_program_headers(&f);
    for (uint32_t i = 0; i < m->cpu_count; i++)
        write_note(&f, m->cpus[i]);
    fseeko(f.file, (off_t)memory_at, SEEK_SET);
    for (size_t i = 0; i < f.view->count; i++)
        if (is_memory(&f.view->ranges[i]))
            write_memory(&f, &f.view->ranges[i]);
    bool failed = ferror(f.file), unwritten = fclose(f.file);
    if (failed || unwritten)
        return error_set_errno(err, errno, "cannot write '%s'", path);
    return true;
}
