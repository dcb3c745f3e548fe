// SPDX-License-Identifier: MIT
//
// fw_cfg as firmware uses it: selector and data, the directory, DMA.
#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>
#include "bench.h"
#include "hw/nvram/fw_cfg.h"

enum { BASE = 0x09020000, DATA = BASE, SELECTOR = BASE + 8, DMA = BASE + 16 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };

typedef struct Rig {
    Bench bench;
    FwCfg *f;
} Rig;

static void rig_open(Rig *r)
{
    bench_open(&r->bench);
    r->f = (FwCfg *)bench_device(&r->bench, &fw_cfg_type, NULL);
    bench_map(&r->bench, BASE, &r->f->mmio);
    bench_ready(&r->bench);
}

static void choose(Rig *r, uint16_t key)
{
    bench_write(&r->bench, SELECTOR, 2, htobe16(key));
}

/* Run a DMA request that lies at the start of RAM; returns its control word afterwards. */
static uint32_t dma(Rig *r, uint32_t control, uint32_t length, uint64_t address)
{
    Bench *b = &r->bench;
    w32(b, BENCH_RAM, htobe32(control));
    w32(b, BENCH_RAM + 4, htobe32(length));
    bench_write(b, BENCH_RAM + 8, 8, htobe64(address));
    bench_write(b, DMA, 8, htobe64(BENCH_RAM));
    return be32toh(r32(b, BENCH_RAM));
}

Test(fw_cfg, has_its_signature_and_says_it_can_dma)
{
    Rig r;
    rig_open(&r);
    choose(&r, FW_CFG_SIGNATURE);
    cr_expect_eq(r32(&r.bench, DATA), 0x554d4551, "QEMU, in the order of bytes");
    cr_expect_eq(r32(&r.bench, DATA), 0, "zeroes past the end");
    choose(&r, FW_CFG_ID);
    for (unsigned i = 0; i < 4; i++)
        cr_expect_eq(bench_read(&r.bench, DATA, 1), i ? 0 : 3);
    cr_expect_eq(be64toh(bench_read(&r.bench, DMA, 8)), 0x51454d5520434647);
    choose(&r, 0x3fff);
    cr_expect_eq(bench_read(&r.bench, DATA, 8), 0);
    bench_close(&r.bench);
}

Test(fw_cfg, lists_files_in_a_directory)
{
    Rig r;
    Error *err = NULL;
    rig_open(&r);
    cr_assert(fw_cfg_add_file(r.f, "etc/one", "abc", 3, &err));
    cr_assert(fw_cfg_add_file(r.f, "opt/two", "defgh", 5, &err));
    cr_expect_not(fw_cfg_add_file(r.f, "opt/two", "x", 1, &err));
    error_free(err);
    choose(&r, FW_CFG_FILE_DIR);
    cr_expect_eq(be32toh(r32(&r.bench, DATA)), 2);
    for (unsigned i = 0; i < 2; i++) {
        char name[57] = { 0 };
        cr_expect_eq(be32toh(r32(&r.bench, DATA)), i ? 5 : 3);
        cr_expect_eq(be16toh((uint16_t)bench_read(&r.bench, DATA, 2)), FW_CFG_FILE_FIRST + i);
        bench_read(&r.bench, DATA, 2);
        for (unsigned n = 0; n < 56; n++)
            name[n] = (char)bench_read(&r.bench, DATA, 1);
        cr_expect_str_eq(name, i ? "opt/two" : "etc/one");
    }
    choose(&r, FW_CFG_FILE_FIRST + 1);
    cr_expect_eq(bench_read(&r.bench, DATA, 1), 'd');
    bench_close(&r.bench);
}

Test(fw_cfg, copies_by_dma)
{
    Rig r;
    Error *err = NULL;
    char text[8] = { 0 };
    rig_open(&r);
    cr_assert(fw_cfg_add_file(r.f, "etc/one", "0123456789", 10, &err));
    uint32_t select = (uint32_t)FW_CFG_FILE_FIRST << 16 | DMA_SELECT;
    cr_expect_eq(dma(&r, select | DMA_SKIP, 2, 0), 0);
    cr_expect_eq(dma(&r, DMA_READ, 4, BENCH_RAM + 0x100), 0);
    memory_read(&r.bench.m->memory, BENCH_RAM + 0x100, text, 4);
    cr_expect_str_eq(text, "2345");
    cr_expect_eq(dma(&r, DMA_READ, 7, BENCH_RAM + 0x100), 0);
    memory_read(&r.bench.m->memory, BENCH_RAM + 0x100, text, 7);
    cr_expect_eq(memcmp(text, "6789\0\0", 7), 0, "zeroes past the end");
    /* the address in two halves */
    w32(&r.bench, BENCH_RAM, htobe32(select));
    w32(&r.bench, DMA, 0);
    w32(&r.bench, DMA + 4, htobe32(BENCH_RAM));
    cr_expect_eq(r32(&r.bench, BENCH_RAM), 0);
    bench_close(&r.bench);
}

Test(fw_cfg, refuses_dma_to_devices_and_nowhere)
{
    Rig r;
    rig_open(&r);
    cr_expect_eq(dma(&r, DMA_SELECT | DMA_READ, 4, BASE), DMA_ERROR);
    cr_expect_eq(dma(&r, DMA_SELECT | DMA_READ, 4, 0x7ff00000), DMA_ERROR);
    cr_expect_eq(dma(&r, DMA_READ, 0xffffffff, BENCH_RAM), DMA_ERROR);
    cr_expect_eq(dma(&r, DMA_WRITE, 4, BENCH_RAM + 0x100), DMA_ERROR);
    bench_write(&r.bench, DMA, 8, htobe64(0x123)); /* nothing to answer to */
    bench_write(&r.bench, DMA, 8, htobe64(BASE));
    bench_close(&r.bench);
}
