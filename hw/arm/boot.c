// SPDX-License-Identifier: MIT
//
// Direct boot of 64-bit Arm kernels; contract and memory layout in boot.h. /chosen and /memory of
// the device tree are written as Linux's Documentation/devicetree and the Devicetree Specification
// (chapters 3.4 and 3.6) say.
#include "hw/arm/boot.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "hw/arm/image.h"
#include "symbols/symbols.h"
#include "util/bitops.h"

#define MIB (UINT64_C(1) << 20)
#define FDT_ALIGN (2 * MIB)      /* the tree must not cross such a boundary */
#define FDT_MAX_BYTES (2 * MIB)
#define INITRD_OFFSET (128 * MIB)
#define IMAGE_ALIGN (2 * MIB)

enum { RNG_SEED_BYTES = 32, KASLR_SEED_BYTES = 8 };

static Hwaddr ram_last(const MachineConfig *c, Hwaddr ram_base)
{
    return ram_base + c->ram_bytes - 1;
}

/* ---- kernel ----------------------------------------------------------------------------- */

static bool is_elf(const FileData *f)
{
    return f->size >= SELFMAG && memcmp(f->bytes, ELFMAG, SELFMAG) == 0;
}

static bool place_elf(ArmBoot *b, const MachineConfig *c, Hwaddr ram_base, Error **err)
{
    ElfInfo info;
    if (!elf64_load(&b->kernel, EM_AARCH64, ram_base, ram_last(c, ram_base), b->blobs, &info, err))
        return false;
    b->entry = info.entry;
    b->kernel_low = info.low;
    b->kernel_high = info.high;
    return true;
}

/* An Image at the very start of RAM would leave no room below it, where firmware tables of other
 * machines are; kernels with text_offset 0 go to the next boundary. */
static bool place_image(ArmBoot *b, const MachineConfig *c, Hwaddr ram_base, Error **err)
{
    Arm64Image image;
    if (!arm64_image_parse(&b->kernel, &image, err))
        return false;
    uint64_t offset = image.text_offset;
    if (offset < GUEST_PAGE_SIZE)
        offset += IMAGE_ALIGN;
    b->is_linux = true;
    b->entry = b->kernel_low = ram_base + offset;
    b->kernel_high = b->entry + image.mem_bytes;
    const Blob blob = { .what = "the kernel", .addr = b->entry, .bytes = b->kernel.bytes,
                        .size = b->kernel.size, .mem_bytes = image.mem_bytes };
    return blob_add(b->blobs, &blob, ram_base, ram_last(c, ram_base), err);
}

static bool load_kernel(ArmBoot *b, const MachineConfig *c, Hwaddr ram_base, Error **err)
{
    if (!file_read(&b->kernel, "kernel", c->kernel, c->ram_bytes, err) ||
        !arm64_image_unpack(&b->kernel, c->ram_bytes, err))
        return false;
    if (is_elf(&b->kernel))
        return place_elf(b, c, ram_base, err);
    if (arm64_image_detect(&b->kernel))
        return place_image(b, c, ram_base, err);
    return arm64_image_refuse(&b->kernel, err);
}

/* ---- initrd ----------------------------------------------------------------------------- */

static bool load_initrd(ArmBoot *b, const MachineConfig *c, Hwaddr ram_base, Error **err)
{
    if (!c->initrd)
        return true;
    if (!file_read(&b->initrd, "initrd", c->initrd, c->ram_bytes, err) ||
        !file_check_initrd(&b->initrd, err))
        return false;
    Hwaddr at = ram_base + MIN(c->ram_bytes / 2, INITRD_OFFSET);
    b->initrd_addr = align_up(MAX(at, b->kernel_high), GUEST_PAGE_SIZE);
    const Blob blob = { .what = "the initrd", .addr = b->initrd_addr, .bytes = b->initrd.bytes,
                        .size = b->initrd.size, .mem_bytes = b->initrd.size };
    return blob_add(b->blobs, &blob, ram_base, ram_last(c, ram_base), err);
}

/* ---- device tree ------------------------------------------------------------------------ */

static bool fdt_failed(const char *what, int code, Error **err)
{
    return error_set(err, "cannot complete %s: %s; use another device tree", what,
                     fdt_strerror(code));
}

static bool read_dtb(ArmBoot *b, const MachineConfig *c, Error **err)
{
    const char *path = c->dtb;
    FileData f;
    if (!file_read(&f, "dtb", path, c->ram_bytes, err))
        return false;
    int r = fdt_check_header(f.bytes);
    if (f.size > FDT_MAX_BYTES)
        error_set(err, "dtb '%s' is larger than 2 MiB, which no device tree may be", path);
    else if (f.size >= sizeof(struct fdt_header) && r == 0 && fdt_totalsize(f.bytes) > f.size)
        error_set(err, "dtb '%s' is truncated; copy it anew", path);
    else if (f.size < sizeof(struct fdt_header) || r != 0)
        error_set(err, "dtb '%s' is not a device tree (a .dtb file made by dtc)", path);
    else if ((r = fdt_check_full(f.bytes, f.size)) != 0)
        error_set(err, "dtb '%s' is a damaged device tree: %s; make it anew", path,
                  fdt_strerror(r));
    else {
        free(b->fdt);
        b->fdt = f.bytes;
        return true;
    }
    file_free(&f);
    return false;
}

/* Put a number of `cells` 32-bit cells at `to`; returns behind it. */
static uint8_t *put_cells(uint8_t *to, int cells, uint64_t value)
{
    for (int i = cells - 1; i >= 0; i--) {
        uint32_t cell = htobe32(i < 2 ? (uint32_t)(value >> (32 * i)) : 0);
        memcpy(to, &cell, sizeof(cell));
        to += sizeof(cell);
    }
    return to;
}

/* Replace all memory nodes by one that says what the machine has. */
static int set_memory(void *fdt, Hwaddr base, uint64_t size)
{
    int address_cells = fdt_address_cells(fdt, 0), size_cells = fdt_size_cells(fdt, 0), node;
    char name[32];
    uint8_t reg[32], *end;
    if (address_cells < 1 || address_cells > 4 || size_cells < 1 || size_cells > 4)
        return -FDT_ERR_BADNCELLS;
    while ((node = fdt_node_offset_by_prop_value(fdt, -1, "device_type", "memory",
                                                 sizeof("memory"))) >= 0) {
        int r = fdt_del_node(fdt, node);
        if (r)
            return r;
    }
    snprintf(name, sizeof(name), "memory@%" PRIx64, base);
    node = fdt_add_subnode(fdt, 0, name);
    if (node < 0)
        return node;
    end = put_cells(put_cells(reg, address_cells, base), size_cells, size);
    int r = fdt_setprop_string(fdt, node, "device_type", "memory");
    return r ? r : fdt_setprop(fdt, node, "reg", reg, (int)(end - reg));
}

static int chosen_node(void *fdt)
{
    int node = fdt_path_offset(fdt, "/chosen");
    return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(fdt, 0, "chosen") : node;
}

static int set_chosen(ArmBoot *b, const MachineConfig *c)
{
    static const uint8_t zeroes[RNG_SEED_BYTES];
    int node = chosen_node(b->fdt), r = MIN(node, 0);
    if (!r && c->append && *c->append)
        r = fdt_setprop_string(b->fdt, node, "bootargs", c->append);
    if (!r && b->initrd.size) {
        r = fdt_setprop_u64(b->fdt, node, "linux,initrd-start", b->initrd_addr);
        if (!r)
            r = fdt_setprop_u64(b->fdt, node, "linux,initrd-end", b->initrd_addr + b->initrd.size);
    }
    if (!r && b->randomness) {
        r = fdt_setprop(b->fdt, node, "rng-seed", zeroes, RNG_SEED_BYTES);
        if (!r)
            r = fdt_setprop(b->fdt, node, "kaslr-seed", zeroes, KASLR_SEED_BYTES);
    }
    return r;
}

static bool complete_fdt(ArmBoot *b, const MachineConfig *c, Hwaddr ram_base, Error **err)
{
    const char *what = c->dtb ? c->dtb : "the device tree";
    size_t size = fdt_totalsize(b->fdt) + (c->append ? strlen(c->append) : 0) + 4096;
    void *roomy = malloc(size);
    if (!roomy)
        return error_set(err, "out of memory for %s", what);
    int r = fdt_open_into(b->fdt, roomy, (int)size);
    free(b->fdt);
    b->fdt = roomy;
    if (!r && c->dtb)
        r = set_memory(b->fdt, ram_base, c->ram_bytes);
    if (!r)
        r = set_chosen(b, c);
    if (!r)
        r = fdt_pack(b->fdt);
    if (r)
        return fdt_failed(what, r, err);
    if (fdt_totalsize(b->fdt) > FDT_MAX_BYTES)
        return error_set(err, "%s is larger than 2 MiB with all options; use a shorter -append",
                         what);
    return true;
}

static bool place_fdt(ArmBoot *b, const MachineConfig *c, Hwaddr ram_base, Error **err)
{
    uint64_t size = fdt_totalsize(b->fdt);
    bool room_below = !c->kernel || (!b->is_linux && b->kernel_low - ram_base >= size);
    Hwaddr at = ram_base + MIN(c->ram_bytes / 2, INITRD_OFFSET);
    at = MAX(at, b->kernel_high);
    if (b->initrd.size)
        at = b->initrd_addr + b->initrd.size;
    b->fdt_addr = room_below ? ram_base : align_up(at, FDT_ALIGN);
    const Blob blob = { .what = "the device tree", .addr = b->fdt_addr, .bytes = b->fdt,
                        .size = size, .mem_bytes = size };
    return blob_add(b->blobs, &blob, ram_base, ram_last(c, ram_base), err);
}

/* ---- all of it -------------------------------------------------------------------------- */

static bool check_config(const MachineConfig *c, Error **err)
{
    const char *lonely = c->initrd ? "-initrd" : c->append ? "-append" : c->dtb ? "-dtb" : NULL;
    if (c->kernel || c->dumpdtb)
        return true;
    return !lonely || error_set(err, "%s needs a kernel; give one with -kernel", lonely);
}

bool arm_boot_load(ArmBoot *b, Machine *m, Hwaddr ram_base, void *fdt, bool randomness,
                   Error **err)
{
    const MachineConfig *c = &m->config;
    *b = (ArmBoot){ .fdt = fdt, .randomness = randomness, .blobs = &m->blobs };
    m->has_program |= c->kernel != NULL;
    return check_config(c, err) && (!c->kernel || load_kernel(b, c, ram_base, err)) &&
           load_initrd(b, c, ram_base, err) && (!c->dtb || read_dtb(b, c, err)) &&
           complete_fdt(b, c, ram_base, err) && place_fdt(b, c, ram_base, err);
}

/* Every boot gets seeds of its own. */
static void new_seeds(ArmBoot *b)
{
    uint8_t seed[RNG_SEED_BYTES];
    int node = fdt_path_offset(b->fdt, "/chosen");
    if (!b->randomness || getrandom(seed, sizeof(seed), 0) != sizeof(seed))
        return;
    fdt_setprop_inplace(b->fdt, node, "rng-seed", seed, RNG_SEED_BYTES);
    if (getrandom(seed, KASLR_SEED_BYTES, 0) == KASLR_SEED_BYTES)
        fdt_setprop_inplace(b->fdt, node, "kaslr-seed", seed, KASLR_SEED_BYTES);
}

void arm_boot_reset(ArmBoot *b, MemorySpace *space)
{
    new_seeds(b);
    blobs_write(b->blobs, space);
}

bool arm_boot_load_symbols(const ArmBoot *b, struct Symbols *symbols)
{
    if (b->is_linux)
        return symbols_load_kallsyms(symbols, b->kernel.bytes, b->kernel.size);
    return symbols_load_elf(symbols, b->kernel.bytes, b->kernel.size);
}

void arm_boot_free(ArmBoot *b)
{
    file_free(&b->kernel);
    file_free(&b->initrd);
    free(b->fdt);
    b->fdt = NULL;
}
