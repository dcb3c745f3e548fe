// SPDX-License-Identifier: MIT
//
// The virtio disk, seen by a driver: every request, whatever the layout of its segments, errors of
// the driver, and a reset while requests are under way.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block/block.h"
#include "hw/virtio/virtio_blk.h"
#include "util/bitops.h"
#include "virtio_rig.h"

#define DISK_BYTES (4u << 20)
#define SECTORS (DISK_BYTES / 512)

enum { T_IN, T_OUT, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP, S_NONE = 0xaa };
enum { F_RO = 5, F_FLUSH = 9, F_DISCARD = 13, F_WRITE_ZEROES = 14 };

static const uint64_t all_features = BIT(F_FLUSH) | BIT(F_DISCARD) | BIT(F_WRITE_ZEROES) |
                                     BIT(VIRTIO_F_INDIRECT_DESC);

typedef struct BlkRig {
    Rig r;
    char path[40];
    int fd;            /* of the disk, to look behind */
    uint64_t header, data, status;
} BlkRig;

static void add_drive(BlkRig *b, const BlockOptions *more)
{
    Error *err = NULL;
    BlockOptions opt = *more;
    strcpy(b->path, "/var/tmp/test-virtio-XXXXXX");
    b->fd = mkostemp(b->path, O_CLOEXEC);
    cr_assert_eq(ftruncate(b->fd, DISK_BYTES), 0);
    opt.id = "hd";
    opt.file = b->path;
    opt.format = "raw";
    BlockBackend *backend = block_open(&opt, &err);
    cr_assert_not_null(backend, "%s", err ? error_text(err) : "");
    cr_assert(machine_add_drive(b->r.bench.m, backend, &err));
    b->header = rig_alloc(&b->r, 64);
    b->status = rig_alloc(&b->r, 1);
    b->data = rig_alloc(&b->r, 65536);
}

static void open_blk(BlkRig *b)
{
    rig_open(&b->r);
    add_drive(b, &(BlockOptions){ .discard = true });
    rig_plug(&b->r, &virtio_blk_type, "drive=hd", "serial=ABC-123", NULL);
    rig_start(&b->r, all_features);
}

static void close_blk(BlkRig *b)
{
    rig_close(&b->r);
    unlink(b->path);
    close(b->fd);
}

static void set_header(BlkRig *b, uint32_t type, uint64_t sector)
{
    uint32_t h[4] = { type, 0, (uint32_t)sector, (uint32_t)(sector >> 32) };
    memcpy(rig_host(&b->r, b->header), h, sizeof(h));
    *(uint8_t *)rig_host(&b->r, b->status) = S_NONE;
}

static uint8_t status(BlkRig *b)
{
    return *(uint8_t *)rig_host(&b->r, b->status);
}

/* A request with `len` bytes of data in the usual layout. */
static uint8_t run(BlkRig *b, uint32_t type, uint64_t sector, uint32_t len)
{
    bool in = type == T_IN || type == T_GET_ID;
    set_header(b, type, sector);
    const RigSeg segs[] = { { b->header, 16, false }, { b->data, len, in }, { b->status, 1, true } };
    const RigSeg without_data[] = { segs[0], segs[2] };
    VirtqUsedElem e = rig_run(&b->r, 0, len ? segs : without_data, len ? 3 : 2);
    cr_assert_eq(e.len, in ? len + 1 : 1);
    return status(b);
}

static uint8_t run_range(BlkRig *b, uint32_t type, uint64_t sector, uint32_t sectors,
                         uint32_t flags)
{
    uint32_t range[4] = { (uint32_t)sector, (uint32_t)(sector >> 32), sectors, flags };
    memcpy(rig_host(&b->r, b->data), range, sizeof(range));
    return run(b, type, 0, 16);
}

static uint8_t *data(BlkRig *b)
{
    return rig_host(&b->r, b->data);
}

static void fill(uint8_t *p, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed + i * 13 + (i >> 8));
}

static uint64_t config(BlkRig *b, uint32_t offset, unsigned size)
{
    return bench_read(&b->r.bench, RIG_BASE + R_CONFIG + offset, size);
}

/* ---- the straight way ------------------------------------------------------------------- */

Test(virtio_blk, configuration)
{
    BlkRig b;
    rig_open(&b.r);
    add_drive(&b, &(BlockOptions){ 0 });
    rig_plug(&b.r, &virtio_blk_type, "drive=hd", "logical_block_size=1024",
             "physical_block_size=4096", "num-queues=2", NULL);
    cr_assert_eq(rig_reg(&b.r, R_DEVICE_ID), 2);
    cr_assert_eq(config(&b, 0, 4), SECTORS);
    cr_assert_eq(config(&b, 0, 8), SECTORS);
    cr_assert_eq(config(&b, 12, 4), 254, "segments");
    cr_assert_eq(config(&b, 20, 4), 1024);
    cr_assert_eq(config(&b, 24, 1), 2, "physical blocks are 4 logical ones");
    cr_assert_eq(config(&b, 34, 2), 2, "queues");
    cr_assert_eq(config(&b, 0xfc, 4), 0, "beyond the end");
    close_blk(&b);
}

Test(virtio_blk, writes_and_reads)
{
    BlkRig b;
    static uint8_t behind[65536];
    open_blk(&b);
    fill(data(&b), 65536, 1);
    cr_assert_eq(run(&b, T_OUT, 100, 65536), S_OK);
    cr_assert_eq(pread(b.fd, behind, sizeof(behind), 100 * 512), 65536);
    cr_assert_eq(memcmp(behind, data(&b), 65536), 0);
    memset(data(&b), 0, 65536);
    cr_assert_eq(run(&b, T_IN, 100, 65536), S_OK);
    cr_assert_eq(memcmp(behind, data(&b), 65536), 0);
    cr_assert_eq(run(&b, T_IN, SECTORS - 1, 512), S_OK);
    cr_assert_eq(run(&b, T_FLUSH, 0, 0), S_OK);
    close_blk(&b);
}

/* Header and data cut anywhere, the status byte at the end of the data's segment. */
Test(virtio_blk, the_layout_of_segments_is_the_drivers_choice)
{
    BlkRig b;
    uint8_t want[1024];
    open_blk(&b);
    uint64_t whole = rig_alloc(&b.r, 16 + 1024 + 1);
    fill(want, sizeof(want), 5);

    set_header(&b, T_OUT, 8);
    memcpy(rig_host(&b.r, whole), rig_host(&b.r, b.header), 16);
    memcpy((uint8_t *)rig_host(&b.r, whole) + 16, want, 1024);
    const RigSeg out[] = { { whole, 5, false }, { whole + 5, 211, false },
                           { whole + 216, 1040 - 216, false }, { b.status, 1, true } };
    rig_run(&b.r, 0, out, 4);
    cr_assert_eq(status(&b), S_OK);

    set_header(&b, T_IN, 8);
    const RigSeg in[] = { { b.header, 7, false }, { b.header + 7, 9, false },
                          { whole, 100, true }, { whole + 100, 925, true } };
    VirtqUsedElem e = rig_run(&b.r, 0, in, 4);
    cr_assert_eq(e.len, 1025);
    cr_assert_eq(memcmp(rig_host(&b.r, whole), want, 1024), 0);
    cr_assert_eq(((uint8_t *)rig_host(&b.r, whole))[1024], S_OK);
    close_blk(&b);
}

Test(virtio_blk, the_serial_number)
{
    BlkRig b;
    open_blk(&b);
    memset(data(&b), 0xee, 32);
    cr_assert_eq(run(&b, T_GET_ID, 0, 20), S_OK);
    cr_assert_eq(memcmp(data(&b), "ABC-123\0\0\0\0\0\0\0\0\0\0\0\0", 20), 0);
    cr_assert_eq(data(&b)[20], 0xee);
    close_blk(&b);
}

Test(virtio_blk, discard_and_write_zeroes)
{
    BlkRig b;
    struct stat before, after;
    open_blk(&b);
    fill(data(&b), 65536, 1);
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(run(&b, T_OUT, i * 128, 65536), S_OK);
    cr_assert_eq(run(&b, T_FLUSH, 0, 0), S_OK);
    fstat(b.fd, &before);
    cr_assert_eq(run_range(&b, T_DISCARD, 128, 128, 0), S_OK);
    cr_assert_eq(run_range(&b, T_WRITE_ZEROES, 256, 128, 1), S_OK);
    cr_assert_eq(run_range(&b, T_WRITE_ZEROES, 385, 1, 0), S_OK);
    fstat(b.fd, &after);
    cr_assert_lt(after.st_blocks, before.st_blocks);
    cr_assert_eq(run(&b, T_IN, 384, 1536), S_OK);
    cr_assert_neq(data(&b)[511], 0);
    for (unsigned i = 512; i < 1024; i++)
        cr_assert_eq(data(&b)[i], 0);
    close_blk(&b);
}

enum { MANY = 5 };

Test(virtio_blk, several_requests_at_once)
{
    BlkRig b;
    open_blk(&b);
    fill(data(&b), MANY * 4096, 77);
    for (int round = 0; round < 50; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            uint64_t h = b.data + 32768 + i * 32;
            uint32_t header[4] = { T_OUT, 0, (uint32_t)(round * 64 + i * 8), 0 };
            memcpy(rig_host(&b.r, h), header, 16);
            const RigSeg segs[] = { { h, 16, false }, { b.data + i * 4096, 4096, false },
                                    { h + 16, 1, true } };
            rig_add(&b.r, 0, segs, 3);
        }
        rig_kick(&b.r, 0);
        for (unsigned i = 0; i < MANY; i++)
            cr_assert_eq(rig_wait(&b.r, 0).len, 1);
    }
    static uint8_t behind[4096];
    cr_assert_eq(pread(b.fd, behind, 4096, (49 * 64 + 4 * 8) * 512), 4096);
    cr_assert_eq(memcmp(behind, data(&b) + 4 * 4096, 4096), 0);
    close_blk(&b);
}

/* ---- mistakes --------------------------------------------------------------------------- */

Test(virtio_blk, requests_out_of_range_fail)
{
    BlkRig b;
    open_blk(&b);
    cr_assert_eq(run(&b, T_IN, SECTORS, 512), S_IOERR);
    cr_assert_eq(run(&b, T_IN, SECTORS - 1, 1024), S_IOERR);
    cr_assert_eq(run(&b, T_OUT, UINT64_MAX, 512), S_IOERR);
    cr_assert_eq(run(&b, T_OUT, UINT64_MAX / 512, 512), S_IOERR);
    cr_assert_eq(run(&b, T_IN, 0, 511), S_IOERR);
    cr_assert_eq(run_range(&b, T_DISCARD, SECTORS - 1, 2, 0), S_IOERR);
    cr_assert_eq(run_range(&b, T_WRITE_ZEROES, UINT64_MAX - 1, 4, 0), S_IOERR);
    cr_assert_eq(run_range(&b, T_WRITE_ZEROES, 0, UINT32_MAX, 0), S_IOERR);
    cr_assert_eq(run_range(&b, T_DISCARD, 0, 1, 1), S_UNSUPP, "unmap is of write zeroes");
    cr_assert_eq(run_range(&b, T_WRITE_ZEROES, 0, 1, 2), S_UNSUPP);
    cr_assert_eq(run(&b, T_DISCARD, 0, 8), S_UNSUPP);
    cr_assert_eq(run(&b, 99, 0, 0), S_UNSUPP);
    cr_assert(!rig_is_broken(&b.r));
    close_blk(&b);
}

Test(virtio_blk, a_request_without_header_or_status_breaks_the_device)
{
    BlkRig b;
    open_blk(&b);
    rig_add(&b.r, 0, &(RigSeg){ b.header, 16, false }, 1);
    rig_kick(&b.r, 0);
    cr_assert(rig_is_broken(&b.r));
    rig_start(&b.r, all_features);
    const RigSeg cut[] = { { b.header, 15, false }, { b.status, 1, true } };
    rig_add(&b.r, 0, cut, 2);
    rig_kick(&b.r, 0);
    cr_assert(rig_is_broken(&b.r));
    rig_start(&b.r, all_features);
    cr_assert_eq(run(&b, T_IN, 0, 512), S_OK);
    close_blk(&b);
}

Test(virtio_blk, a_read_only_disk_says_so)
{
    BlkRig b;
    rig_open(&b.r);
    add_drive(&b, &(BlockOptions){ .read_only = true });
    rig_plug(&b.r, &virtio_blk_type, "drive=hd", NULL);
    rig_start(&b.r, BIT(F_RO) | BIT(F_FLUSH));
    cr_assert_eq(rig_offered(&b.r) & (BIT(F_DISCARD) | BIT(F_WRITE_ZEROES)), 0);
    cr_assert_eq(run(&b, T_OUT, 0, 512), S_IOERR);
    cr_assert_eq(run(&b, T_IN, 0, 512), S_OK);
    cr_assert_eq(run(&b, T_FLUSH, 0, 0), S_OK);
    close_blk(&b);
}

Test(virtio_blk, a_driver_that_does_not_flush_is_served)
{
    BlkRig b;
    rig_open(&b.r);
    add_drive(&b, &(BlockOptions){ 0 });
    rig_plug(&b.r, &virtio_blk_type, "drive=hd", NULL);
    rig_start(&b.r, 0);
    fill(data(&b), 4096, 9);
    cr_assert_eq(run(&b, T_OUT, 0, 4096), S_OK);
    cr_assert_eq(run_range(&b, T_DISCARD, 0, 1, 0), S_UNSUPP, "not negotiated");
    close_blk(&b);
}

Test(virtio_blk, properties_are_checked)
{
    static const char *const rows[][2] = {
        { "logical_block_size", "500" }, { "logical_block_size", "256" },
        { "physical_block_size", "256" }, { "num-queues", "0" }, { "num-queues", "99" },
        { "queue-size", "100" }, { "queue-size", "65536" }, { "min_io_size", "100" },
    };
    BlkRig b;
    rig_open(&b.r);
    add_drive(&b, &(BlockOptions){ 0 });
    for (size_t i = 0; i <= ARRAY_SIZE(rows); i++) {
        Error *err = NULL;
        Device *dev = device_create(b.r.bench.m, &virtio_blk_type, NULL, &err);
        cr_assert(device_attach(&b.r.t->bus.dev, dev, &err));
        if (i < ARRAY_SIZE(rows)) {
            cr_assert(device_set(dev, "drive", "hd", &err));
            cr_assert(device_set(dev, rows[i][0], rows[i][1], &err));
        }
        cr_assert(!device_realize(dev, &err));
        cr_assert_not_null(strstr(error_text(err), i < ARRAY_SIZE(rows) ? rows[i][0] : "drive="));
        error_free(err);
        device_destroy(dev);
    }
    close_blk(&b);
}

/* Requests of random types, places and segments; all in the guest's memory, or nearly. */
static RigSeg random_segment(BlkRig *b)
{
    static const uint32_t lens[] = { 1, 8, 16, 511, 512, 1024, 4096, 8192 };
    uint64_t gpa = b->data + (uint64_t)rand() % 32768;
    return (RigSeg){ rand() % 50 ? gpa : gpa << 20, lens[rand() % ARRAY_SIZE(lens)], rand() & 1 };
}

Test(virtio_blk, requests_of_nonsense_do_no_harm)
{
    BlkRig b;
    open_blk(&b);
    srand(11);
    for (int i = 0; i < 5000; i++) {
        RigSeg segs[5] = { { b.header, rand() % 20 ? 16 : (uint32_t)rand() % 40, false } };
        unsigned count = 1 + (unsigned)rand() % 4;
        set_header(&b, (uint32_t)rand() % 16, (uint64_t)rand() % (SECTORS + 64));
        for (unsigned s = 1; s < count; s++)
            segs[s] = random_segment(&b);
        segs[count++] = (RigSeg){ b.status, 1, true };
        rig_add(&b.r, 0, segs, count);
        rig_kick(&b.r, 0);
        if (rig_is_broken(&b.r) || rand() % 20 == 0)
            rig_start(&b.r, all_features);
        else
            rig_wait(&b.r, 0);
    }
    rig_start(&b.r, all_features);
    cr_assert_eq(run(&b, T_IN, 0, 512), S_OK);
    close_blk(&b);
}

/* ---- reset ------------------------------------------------------------------------------ */

Test(virtio_blk, a_reset_ends_what_is_under_way)
{
    BlkRig b;
    open_blk(&b);
    for (int i = 0; i < 200; i++) {
        set_header(&b, i & 1 ? T_IN : T_FLUSH, 0);
        const RigSeg segs[] = { { b.header, 16, false }, { b.data, 65536, true },
                                { b.status, 1, true } };
        rig_add(&b.r, 0, segs, 3);
        rig_kick(&b.r, 0);
        rig_set_reg(&b.r, R_QUEUE_SEL, 0);
        rig_set_reg(&b.r, i & 2 ? R_STATUS : R_QUEUE_READY, 0);
        uint16_t used = b.r.q[0].used->idx;
        memset(data(&b), 0x5a, 65536);
        usleep(200);
        for (unsigned k = 0; k < 65536; k++)
            cr_assert_eq(data(&b)[k], 0x5a, "memory is the driver's again");
        cr_assert_eq(b.r.q[0].used->idx, used);
        rig_start(&b.r, all_features);
        cr_assert(!rig_irq(&b.r));
    }
    cr_assert_eq(run(&b, T_IN, 0, 512), S_OK);
    close_blk(&b);
}
