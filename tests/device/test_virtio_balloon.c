// SPDX-License-Identifier: MIT
//
// The virtio balloon, seen by a driver: pages that go to the host and come back as zeros, reports
// of free pages, statistics, the target, and requests that make no sense.
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include "hw/virtio/virtio_balloon.h"
#include "util/bitops.h"
#include "virtio_rig.h"

enum { Q_INFLATE, Q_DEFLATE, Q_STATS, Q_REPORT };
enum { F_STATS = 1, F_OOM = 2, F_POISON = 4, F_REPORTING = 5 };
enum { C_NUM_PAGES = R_CONFIG, C_ACTUAL = R_CONFIG + 4, C_POISON = R_CONFIG + 12 };

#define PAGE 4096u
#define PAGES_GPA (BENCH_RAM + 0x80000) /* where the tests lend memory */

typedef struct BalloonRig {
    Rig r;
    MemoryListener listener;
    unsigned told; /* bytes of code that were reported as overwritten */
} BalloonRig;

static void count_written(MemoryListener *l, RamAddr addr, uint64_t len)
{
    BalloonRig *b = (BalloonRig *)((char *)l - offsetof(BalloonRig, listener));
    b->told += (unsigned)len;
}

static VirtioBalloon *dev(BalloonRig *b)
{
    return (VirtioBalloon *)b->r.dev;
}

static void open_balloon(BalloonRig *b, uint64_t features)
{
    b->told = 0;
    rig_open(&b->r);
    b->r.bench.m->config.ram_bytes = BENCH_RAM_BYTES;
    rig_plug(&b->r, &virtio_balloon_type, "free-page-reporting=on", "deflate-on-oom=on",
             "guest-stats-polling-interval=1", NULL);
    b->listener = (MemoryListener){ .ram_written = count_written };
    memory_space_add_listener(&b->r.bench.m->memory, &b->listener);
    rig_start(&b->r, features);
}

static bool is_resident(BalloonRig *b, uint64_t gpa)
{
    unsigned char there = 0;
    cr_assert_eq(mincore(rig_host(&b->r, gpa), PAGE, &there), 0);
    return there & 1;
}

/* Lend pages, given as numbers from PAGES_GPA on. */
static void inflate(BalloonRig *b, const uint32_t *pages, unsigned count)
{
    uint64_t list = rig_alloc(&b->r, 4 * count);
    uint32_t *at = rig_host(&b->r, list);
    for (unsigned i = 0; i < count; i++)
        at[i] = PAGES_GPA / PAGE + pages[i];
    rig_run(&b->r, Q_INFLATE, &(RigSeg){ list, 4 * count, false }, 1);
}

Test(virtio_balloon, lends_pages_in_any_order)
{
    BalloonRig b;
    open_balloon(&b, 0);
    memset(rig_host(&b.r, PAGES_GPA), 0x5a, 8 * PAGE);
    inflate(&b, (const uint32_t[]){ 5, 1, 3, 2, 2 }, 5);
    for (unsigned i = 0; i < 8; i++) {
        bool lent = i == 1 || i == 2 || i == 3 || i == 5;
        cr_assert_eq(is_resident(&b, PAGES_GPA + i * PAGE), !lent, "page %u", i);
        cr_assert_eq(r32(&b.r.bench, PAGES_GPA + i * PAGE), lent ? 0 : 0x5a5a5a5a);
    }
    w32(&b.r.bench, PAGES_GPA + PAGE, 7);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA + PAGE), 7, "lent memory is memory still");
    rig_close(&b.r);
}

Test(virtio_balloon, pages_taken_back_need_no_work)
{
    BalloonRig b;
    open_balloon(&b, 0);
    uint64_t list = rig_alloc(&b.r, 4);
    *(uint32_t *)rig_host(&b.r, list) = PAGES_GPA / PAGE;
    w32(&b.r.bench, PAGES_GPA, 9);
    rig_run(&b.r, Q_DEFLATE, &(RigSeg){ list, 4, false }, 1);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA), 9);
    rig_close(&b.r);
}

Test(virtio_balloon, translations_of_lent_pages_are_thrown_away)
{
    BalloonRig b;
    open_balloon(&b, 0);
    b.r.bench.ram.code_pages[(PAGES_GPA - BENCH_RAM) / PAGE + 1] = 1;
    inflate(&b, (const uint32_t[]){ 4 }, 1);
    cr_assert_eq(b.told, 0);
    inflate(&b, (const uint32_t[]){ 0, 1, 2 }, 3);
    cr_assert_eq(b.told, 3 * PAGE);
    rig_close(&b.r);
}

Test(virtio_balloon, pages_that_are_no_memory_are_passed_over)
{
    BalloonRig b;
    open_balloon(&b, 0);
    w32(&b.r.bench, PAGES_GPA, 1);
    inflate(&b, (const uint32_t[]){ 0xffffffffu - PAGES_GPA / PAGE, BENCH_RAM_BYTES / PAGE, 0 }, 3);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA), 0);
    cr_assert_not(rig_is_broken(&b.r));
    rig_close(&b.r);
}

Test(virtio_balloon, a_request_of_odd_length_counts_whole_numbers)
{
    BalloonRig b;
    open_balloon(&b, 0);
    uint64_t list = rig_alloc(&b.r, 16);
    uint32_t numbers[2] = { PAGES_GPA / PAGE, PAGES_GPA / PAGE + 1 };
    memcpy(rig_host(&b.r, list), numbers, sizeof(numbers));
    memset(rig_host(&b.r, PAGES_GPA), 1, 2 * PAGE);
    rig_run(&b.r, Q_INFLATE, &(RigSeg){ list, 7, false }, 1);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA), 0);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA + PAGE), 0x01010101);
    rig_close(&b.r);
}

Test(virtio_balloon, an_endless_request_breaks_the_device)
{
    BalloonRig b;
    open_balloon(&b, 0);
    RigSeg segs[8];
    for (unsigned i = 0; i < ARRAY_SIZE(segs); i++)
        segs[i] = (RigSeg){ BENCH_RAM, BENCH_RAM_BYTES, false };
    rig_add(&b.r, Q_INFLATE, segs, ARRAY_SIZE(segs));
    rig_kick(&b.r, Q_INFLATE);
    cr_assert(rig_is_broken(&b.r));
    rig_close(&b.r);
}

/* The queue after the statistics (Linux) and the one behind it (the specification). */
Test(virtio_balloon, free_pages_are_reported)
{
    for (unsigned queue = Q_REPORT; queue < Q_REPORT + 2; queue++) {
        BalloonRig b;
        open_balloon(&b, BIT(F_REPORTING));
        memset(rig_host(&b.r, PAGES_GPA), 0x33, 8 * PAGE);
        const RigSeg segs[] = { { PAGES_GPA + PAGE, 2 * PAGE, true },
                                { PAGES_GPA + 5 * PAGE + 8, 2 * PAGE, true } };
        rig_run(&b.r, queue, segs, 2);
        for (unsigned i = 0; i < 8; i++)
            cr_assert_eq(r32(&b.r.bench, PAGES_GPA + i * PAGE + 8),
                         i == 1 || i == 2 || i == 6 ? 0 : 0x33333333, "page %u", i);
        rig_close(&b.r);
    }
}

Test(virtio_balloon, poisoned_pages_keep_their_poison)
{
    BalloonRig b;
    open_balloon(&b, BIT(F_REPORTING) | BIT(F_POISON));
    const RigSeg seg = { PAGES_GPA, PAGE, true };
    rig_set_reg(&b.r, C_POISON, 0xaaaaaaaa);
    cr_assert_eq(rig_reg(&b.r, C_POISON), 0xaaaaaaaa);
    w32(&b.r.bench, PAGES_GPA, 0xaaaaaaaa);
    rig_run(&b.r, Q_REPORT, &seg, 1);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA), 0xaaaaaaaa);
    rig_set_reg(&b.r, C_POISON, 0);
    rig_run(&b.r, Q_REPORT, &seg, 1);
    cr_assert_eq(r32(&b.r.bench, PAGES_GPA), 0);
    rig_close(&b.r);
}

static char *text_of(BalloonRig *b)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    virtio_balloon_print(dev(b), f);
    fclose(f);
    return text;
}

Test(virtio_balloon, target_and_size)
{
    BalloonRig b;
    open_balloon(&b, 0);
    cr_assert_eq(rig_reg(&b.r, R_DEVICE_ID), 5);
    uint32_t generation = rig_reg(&b.r, R_CONFIG_GENERATION);
    virtio_balloon_set_target(dev(&b), BENCH_RAM_BYTES / 4);
    cr_assert_eq(rig_reg(&b.r, C_NUM_PAGES), BENCH_RAM_BYTES / PAGE * 3 / 4);
    cr_assert_neq(rig_reg(&b.r, R_CONFIG_GENERATION), generation);
    cr_assert_eq(rig_reg(&b.r, R_INTERRUPT_STATUS), VIRTIO_INT_CONFIG);
    rig_set_reg(&b.r, C_ACTUAL, BENCH_RAM_BYTES / PAGE);
    rig_set_reg(&b.r, C_NUM_PAGES, 0);
    cr_assert_eq(rig_reg(&b.r, C_NUM_PAGES), BENCH_RAM_BYTES / PAGE * 3 / 4, "not the driver's");
    char *text = text_of(&b);
    cr_assert_str_eq(text, "balloon: actual=0\n");
    free(text);
    virtio_balloon_set_target(dev(&b), UINT64_MAX);
    cr_assert_eq(rig_reg(&b.r, C_NUM_PAGES), 0);
    rig_set_reg(&b.r, R_STATUS, 0);
    cr_assert_eq(rig_reg(&b.r, C_ACTUAL), 0, "a reset empties the balloon");
    rig_close(&b.r);
}

Test(virtio_balloon, statistics_are_asked_for_again)
{
    BalloonRig b;
    open_balloon(&b, BIT(F_STATS));
    uint64_t gpa = rig_alloc(&b.r, 32);
    uint8_t *at = rig_host(&b.r, gpa);
    memset(at, 0, 32);
    at[0] = 4; /* free */
    at[2 + 1] = 0x28;
    at[10] = 99; /* nothing that we know */
    at[20] = 3;  /* minor faults */
    at[22] = 17;
    rig_add(&b.r, Q_STATS, &(RigSeg){ gpa, 30, false }, 1);
    rig_kick(&b.r, Q_STATS);
    cr_assert_not(rig_has_used(&b.r, Q_STATS));
    char *text = text_of(&b);
    cr_assert_str_eq(text, "balloon: actual=1\n  minor faults: 17\n  free: 10 KiB\n");
    free(text);
    for (int round = 0; round < 3; round++) {
        bench_run_ms(&b.r.bench, 1100);
        cr_assert(rig_has_used(&b.r, Q_STATS));
        rig_wait(&b.r, Q_STATS);
        rig_add(&b.r, Q_STATS, &(RigSeg){ gpa, 30, false }, 1);
        rig_kick(&b.r, Q_STATS);
    }
    rig_set_reg(&b.r, R_STATUS, 0);
    bench_run_ms(&b.r.bench, 1100);
    text = text_of(&b);
    cr_assert_str_eq(text, "balloon: actual=1\n");
    free(text);
    rig_close(&b.r);
}
