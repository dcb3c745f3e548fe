// SPDX-License-Identifier: MIT
//
// The board of the fuzzers that need one; see fuzz.h.
#include "hw/arm/virt.h"
#include "tests/fuzz/fuzz.h"

#define RAM_BYTES (UINT64_C(8) << 20)
#define REUSES 256

/* An arm64 Image (Documentation/arch/arm64/booting.rst) of one instruction, a branch to itself. */
static void open_small_image(FuzzFile *f)
{
    static const struct {
        uint32_t code[2];
        uint64_t text_offset, image_size, flags, reserved[3];
        char magic[8];
    } image = { .code = { 0x14000000 }, .image_size = 65536, .flags = 0xa, .magic = "ARM\x64" };
    fuzz_file_open(f, &image, sizeof(image));
}

static bool add_backends(Machine *m, const FuzzBoard *o, Error **err)
{
    return (!o->drive || machine_add_drive(m, o->drive, err)) &&
           (!o->chardev || machine_add_chardev(m, o->chardev, err)) &&
           (!o->netdev || machine_add_netdev(m, o->netdev, err));
}

static bool add_devices(Machine *m, const FuzzBoard *o, Error **err)
{
    for (unsigned i = 0; i < sizeof(o->devices) / sizeof(o->devices[0]); i++)
        if (o->devices[i] && !device_add(m, o->devices[i], err))
            return false;
    return true;
}

Machine *fuzz_board_create(const FuzzBoard *o)
{
    Error *err = NULL;
    FuzzFile kernel;
    Machine *m = machine_create(NULL, &err);
    fuzz_must(m && machine_select_board(m, &virt_board_type, &err) &&
              machine_set(m, "gic-version", o->gic_version ? o->gic_version : "2", &err) &&
              add_backends(m, o, &err), "the machine", err);
    open_small_image(&kernel);
    m->config.ram_bytes = RAM_BYTES;
    m->config.passive = true;
    m->config.kernel = o->kernel ? o->kernel : kernel.path;
    m->config.initrd = o->initrd;
    m->config.dtb = o->dtb;
    bool ok = machine_build(m, &err);
    fuzz_file_close(&kernel);
    m->config.kernel = NULL; /* its bytes are in memory */
    if (ok) {
        fuzz_must(add_devices(m, o, &err), "a device", err);
        machine_reset(m);
        return m;
    }
    error_free(err);
    machine_destroy(m);
    return NULL;
}

Machine *fuzz_board_reuse(FuzzKept *kept)
{
    if (kept->m && kept->uses++ % REUSES == REUSES - 1) {
        machine_destroy(kept->m);
        kept->m = NULL;
    }
    if (kept->m)
        machine_reset(kept->m);
    return kept->m;
}
