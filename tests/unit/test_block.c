// SPDX-License-Identifier: MIT
//
// Raw disks: what can be wrong with the file, locks between two users, every request, the cache
// modes, snapshots, and many requests at once.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "block/block.h"

#define DISK_BYTES (1u << 20)

/* A file of the test; `path` is a template for mkstemp(). */
typedef struct TestDisk {
    char path[40];
} TestDisk;

static TestDisk disk_make(off_t size)
{
    TestDisk d = { "/var/tmp/test-block-XXXXXX" };
    int fd = mkstemp(d.path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, size), 0);
    close(fd);
    return d;
}

static BlockBackend *disk_open(const BlockOptions *opt)
{
    Error *err = NULL;
    BlockBackend *b = block_open(opt, &err);
    cr_assert_not_null(b, "%s", err ? error_text(err) : "");
    return b;
}

static void expect_refused(const BlockOptions *opt, const char *mention)
{
    Error *err = NULL;
    BlockBackend *b = block_open(opt, &err);
    cr_assert_null(b, "%s was accepted", opt->file);
    cr_assert_not_null(strstr(error_text(err), mention), "'%s' does not mention '%s'",
                       error_text(err), mention);
    error_free(err);
}

/* ---- opening ---------------------------------------------------------------------------- */

Test(block, mistakes_are_named)
{
    TestDisk empty = disk_make(0), cut = disk_make(1000), good = disk_make(DISK_BYTES);
    expect_refused(&(BlockOptions){ .format = "raw" }, "file=");
    expect_refused(&(BlockOptions){ .file = "/nonexistent", .format = "raw" }, "No such file");
    expect_refused(&(BlockOptions){ .file = "/var/tmp", .format = "raw" }, "directory");
    expect_refused(&(BlockOptions){ .file = "/var/tmp", .format = "raw", .read_only = true },
                   "directory");
    expect_refused(&(BlockOptions){ .file = "/dev/null", .format = "raw" }, "neither");
    expect_refused(&(BlockOptions){ .file = empty.path, .format = "raw" }, "empty");
    expect_refused(&(BlockOptions){ .file = cut.path, .format = "raw" }, "512");
    expect_refused(&(BlockOptions){ .file = good.path, .format = "rwa" }, "format=raw");
    expect_refused(&(BlockOptions){ .file = good.path, .format = "qcow2" }, "qemu-img convert");
    expect_refused(&(BlockOptions){ .file = good.path, .format = "raw", .cache = "nonne" },
                   "did you mean 'none'");
    unlink(empty.path);
    unlink(cut.path);
    unlink(good.path);
}

Test(block, an_image_of_another_format_is_recognised)
{
    TestDisk d = disk_make(DISK_BYTES);
    int fd = open(d.path, O_WRONLY);
    cr_assert_eq(write(fd, "QFI\xfb\0\0\0\3", 8), 8);
    close(fd);
    expect_refused(&(BlockOptions){ .file = d.path }, "qcow2");
    block_close(disk_open(&(BlockOptions){ .file = d.path, .format = "raw" }));
    unlink(d.path);
}

/* ---- locks ------------------------------------------------------------------------------ */

/* In another process: can it be opened? */
static bool other_process_opens(const char *path, bool read_only)
{
    pid_t pid = fork();
    if (pid == 0) {
        BlockBackend *b = block_open(&(BlockOptions){ .file = path, .format = "raw",
                                                      .locking = true, .read_only = read_only },
                                     NULL);
        _exit(b ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status) == 0;
}

Test(block, a_writer_is_alone)
{
    TestDisk d = disk_make(DISK_BYTES);
    BlockOptions opt = { .file = d.path, .format = "raw", .locking = true };
    BlockBackend *b = disk_open(&opt);
    cr_assert(!other_process_opens(d.path, false));
    cr_assert(!other_process_opens(d.path, true));
    expect_refused(&opt, "in use");
    block_close(b);
    cr_assert(other_process_opens(d.path, false));
    unlink(d.path);
}

/* Of many that start at one moment one gets the disk, and keeps it until the others gave up. */
Test(block, one_of_many_writers_gets_in)
{
    enum { COUNT = 6 };
    int go[2], done[2];
    char byte;
    for (int round = 0; round < 3; round++) {
        TestDisk d = disk_make(DISK_BYTES);
        cr_assert_eq(pipe(go) | pipe(done), 0);
        for (int i = 0; i < COUNT; i++) {
            if (fork() == 0) {
                close(go[1]);
                close(done[1]);
                (void)!read(go[0], &byte, 1);
                BlockBackend *b = block_open(&(BlockOptions){ .file = d.path, .format = "raw",
                                                              .locking = true }, NULL);
                (void)!read(b ? done[0] : -1, &byte, 1);
                _exit(b ? 1 : 0);
            }
        }
        close(go[1]);
        sleep(1);
        close(done[1]);
        int winners = 0, status;
        while (wait(&status) > 0)
            winners += WEXITSTATUS(status);
        cr_expect_eq(winners, 1, "round %d", round);
        close(go[0]);
        close(done[0]);
        unlink(d.path);
    }
}

Test(block, readers_share)
{
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw", .locking = true,
                                                 .read_only = true });
    cr_assert(other_process_opens(d.path, true));
    cr_assert(!other_process_opens(d.path, false));
    block_close(b);
    unlink(d.path);
}

Test(block, locking_can_be_switched_off)
{
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw", .locking = true });
    block_close(disk_open(&(BlockOptions){ .file = d.path, .format = "raw" }));
    block_close(b);
    unlink(d.path);
}

/* ---- requests --------------------------------------------------------------------------- */

typedef struct Waiter {
    BlockRequest req;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool finished;
    int error;
} Waiter;

static void waiter_done(BlockRequest *req, int error)
{
    Waiter *w = req->opaque;
    pthread_mutex_lock(&w->lock);
    w->finished = true;
    w->error = error;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

static int run(BlockBackend *b, BlockRequest req)
{
    Waiter w = { req, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0 };
    w.req.done = waiter_done;
    w.req.opaque = &w;
    block_submit(b, &w.req);
    pthread_mutex_lock(&w.lock);
    while (!w.finished)
        pthread_cond_wait(&w.cond, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return w.error;
}

static int run_io(BlockBackend *b, BlockOp op, uint64_t offset, void *buf, size_t len)
{
    struct iovec iov[3] = { { buf, len / 4 },
                            { (char *)buf + len / 4, len / 4 },
                            { (char *)buf + len / 2, len - len / 2 } };
    return run(b, (BlockRequest){ .op = op, .offset = offset, .len = len, .iov = iov,
                                  .iov_count = 3 });
}

static void fill(uint8_t *buf, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)(seed + i * 7);
}

static void check_reads_and_writes(BlockBackend *b)
{
    static uint8_t out[65536], in[65536];
    for (unsigned i = 0; i < 5; i++) {
        uint64_t offset = i * 131072 + (i & 1) * 512;
        fill(out, sizeof(out), (uint8_t)i);
        cr_assert_eq(run_io(b, BLOCK_WRITE, offset, out, sizeof(out)), 0);
        cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_FLUSH }), 0);
        cr_assert_eq(run_io(b, BLOCK_READ, offset, in, sizeof(in)), 0);
        cr_assert_eq(memcmp(in, out, sizeof(in)), 0);
    }
}

Test(block, reads_what_was_written_in_every_cache_mode)
{
    static const char *const modes[] = { "writeback", "none", "unsafe", "writethrough",
                                         "directsync" };
    TestDisk d = disk_make(DISK_BYTES);
    for (int i = 0; i < 5; i++) {
        Error *err = NULL;
        BlockBackend *b = block_open(&(BlockOptions){ .file = d.path, .format = "raw",
                                                      .cache = modes[i] }, &err);
        if (!b && strstr(error_text(err), "page cache")) { /* a file system without O_DIRECT */
            error_free(err);
            continue;
        }
        cr_assert_not_null(b);
        cr_assert_eq(block_size(b), DISK_BYTES);
        check_reads_and_writes(b);
        block_close(b);
    }
    unlink(d.path);
}

Test(block, requests_beyond_the_end_fail)
{
    uint8_t buf[1024];
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw" });
    cr_assert_eq(run_io(b, BLOCK_READ, DISK_BYTES - 512, buf, 1024), EINVAL);
    cr_assert_eq(run_io(b, BLOCK_WRITE, UINT64_MAX - 511, buf, 1024), EINVAL);
    cr_assert_eq(run_io(b, BLOCK_READ, DISK_BYTES - 1024, buf, 1024), 0);
    block_close(b);
    unlink(d.path);
}

Test(block, a_read_only_disk_is_not_written)
{
    uint8_t buf[512] = { 1 };
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw",
                                                 .read_only = true, .discard = true });
    cr_assert(block_read_only(b));
    cr_assert_eq(run_io(b, BLOCK_WRITE, 0, buf, 512), EROFS);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_DISCARD, .len = 4096 }), EROFS);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_FLUSH }), 0);
    block_close(b);
    unlink(d.path);
}

/* A file that became shorter while it is in use. */
Test(block, what_is_missing_reads_as_zeros)
{
    uint8_t buf[4096];
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw" });
    cr_assert_eq(truncate(d.path, 1024), 0);
    memset(buf, 0xee, sizeof(buf));
    cr_assert_eq(run_io(b, BLOCK_READ, 0, buf, sizeof(buf)), 0);
    for (size_t i = 0; i < sizeof(buf); i++)
        cr_assert_eq(buf[i], 0);
    block_close(b);
    unlink(d.path);
}

static long allocated(const char *path)
{
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    return (long)st.st_blocks;
}

Test(block, discard_and_zeroes)
{
    static uint8_t out[262144], in[262144];
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw",
                                                 .discard = true });
    fill(out, sizeof(out), 3);
    cr_assert_eq(run_io(b, BLOCK_WRITE, 0, out, sizeof(out)), 0);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_FLUSH }), 0);
    long before = allocated(d.path);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_WRITE_ZEROES, .offset = 512, .len = 1024 }), 0);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_DISCARD, .offset = 65536, .len = 65536 }), 0);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_WRITE_ZEROES, .offset = 131072, .len = 65536,
                                        .unmap = true }), 0);
    cr_assert_eq(run_io(b, BLOCK_READ, 0, in, sizeof(in)), 0);
    memset(out + 512, 0, 1024);
    memset(out + 65536, 0, 131072);
    cr_assert_eq(memcmp(in, out, sizeof(in)), 0);
    cr_assert_leq(allocated(d.path), before);
    block_close(b);
    unlink(d.path);
}

Test(block, zeros_that_are_written_are_detected)
{
    static uint8_t buf[65536];
    struct stat before, after;
    for (int unmap = 0; unmap < 2; unmap++) {
        TestDisk d = disk_make(DISK_BYTES);
        BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw",
                                                     .discard = true, .detect_zeroes = true,
                                                     .detect_zeroes_unmap = unmap });
        fill(buf, sizeof(buf), 1);
        cr_assert_eq(run_io(b, BLOCK_WRITE, 0, buf, sizeof(buf)), 0);
        cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_FLUSH }), 0);
        cr_assert_eq(stat(d.path, &before), 0);
        memset(buf, 0, sizeof(buf));
        cr_assert_eq(run_io(b, BLOCK_WRITE, 0, buf, sizeof(buf)), 0);
        cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_FLUSH }), 0);
        cr_assert_eq(stat(d.path, &after), 0);
        if (unmap)
            cr_expect_lt(after.st_blocks, before.st_blocks);
        fill(buf, sizeof(buf), 2);
        cr_assert_eq(run_io(b, BLOCK_READ, 0, buf, sizeof(buf)), 0);
        for (size_t i = 0; i < sizeof(buf); i++)
            cr_assert_eq(buf[i], 0);
        block_close(b);
        unlink(d.path);
    }
}

Test(block, without_discard_the_data_stays)
{
    static uint8_t out[65536], in[65536];
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw" });
    fill(out, sizeof(out), 9);
    cr_assert_eq(run_io(b, BLOCK_WRITE, 0, out, sizeof(out)), 0);
    cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_DISCARD, .len = sizeof(out) }), 0);
    cr_assert_eq(run_io(b, BLOCK_READ, 0, in, sizeof(in)), 0);
    cr_assert_eq(memcmp(in, out, sizeof(in)), 0);
    block_close(b);
    unlink(d.path);
}

Test(block, what_the_host_has_at_hand_is_read_at_once)
{
    uint8_t out[8192], in[8192] = { 0 };
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw" });
    fill(out, sizeof(out), 4);
    cr_assert_eq(run_io(b, BLOCK_WRITE, 4096, out, sizeof(out)), 0);
    struct iovec iov = { in, sizeof(in) };
    if (block_read_now(b, &iov, 1, 4096, sizeof(in))) /* the host need not have it */
        cr_assert_eq(memcmp(in, out, sizeof(in)), 0);
    cr_assert(!block_read_now(b, &iov, 1, DISK_BYTES - 4096, sizeof(in)));
    block_close(b);
    unlink(d.path);
}

/* ---- snapshots -------------------------------------------------------------------------- */

Test(block, a_snapshot_keeps_the_disk)
{
    static uint8_t disk[DISK_BYTES], model[DISK_BYTES], in[DISK_BYTES], piece[200000];
    TestDisk d = disk_make(0);
    int fd = open(d.path, O_RDWR);
    fill(disk, sizeof(disk), 1);
    cr_assert_eq(write(fd, disk, sizeof(disk)), sizeof(disk));
    memcpy(model, disk, sizeof(disk));
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw",
                                                 .snapshot = true });
    srand(7);
    for (int i = 0; i < 100; i++) {
        uint64_t offset = (uint64_t)(rand() % (DISK_BYTES / 512)) * 512;
        size_t len = (size_t)(rand() % 300 + 1) * 512;
        len = len > DISK_BYTES - offset ? DISK_BYTES - offset : len;
        fill(piece, len, (uint8_t)i);
        if (i % 5 == 4) {
            memset(piece, 0, len);
            cr_assert_eq(run(b, (BlockRequest){ .op = BLOCK_WRITE_ZEROES, .offset = offset,
                                                .len = len }), 0);
        } else {
            cr_assert_eq(run_io(b, BLOCK_WRITE, offset, piece, len), 0);
        }
        memcpy(model + offset, piece, len);
    }
    cr_assert_eq(run_io(b, BLOCK_READ, 0, in, sizeof(in)), 0);
    cr_assert_eq(memcmp(in, model, sizeof(in)), 0);
    block_close(b);
    cr_assert_eq(pread(fd, in, sizeof(in), 0), sizeof(in));
    cr_assert_eq(memcmp(in, disk, sizeof(in)), 0, "the disk itself is unchanged");
    close(fd);
    unlink(d.path);
}

/* ---- many at once ----------------------------------------------------------------------- */

enum { MANY = 500 };

static void count_done(BlockRequest *req, int error)
{
    if (!error)
        atomic_fetch_add((atomic_uint *)req->opaque, 1);
}

Test(block, drain_waits_for_all)
{
    static BlockRequest reqs[MANY];
    static struct iovec iov[MANY];
    static uint8_t bufs[MANY][2048];
    atomic_uint finished = 0;
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .file = d.path, .format = "raw" });
    for (unsigned i = 0; i < MANY; i++) {
        iov[i] = (struct iovec){ bufs[i], 2048 };
        reqs[i] = (BlockRequest){ .op = i % 10 == 9 ? BLOCK_FLUSH : i & 1 ? BLOCK_READ : BLOCK_WRITE,
                                  .offset = i * 2048, .len = 2048, .iov = &iov[i], .iov_count = 1,
                                  .done = count_done, .opaque = &finished };
        block_submit(b, &reqs[i]);
    }
    block_drain(b);
    cr_assert_eq(atomic_load(&finished), MANY);
    block_close(b);
    unlink(d.path);
}

Test(block, one_device_claims_a_disk)
{
    Error *err = NULL;
    TestDisk d = disk_make(DISK_BYTES);
    BlockBackend *b = disk_open(&(BlockOptions){ .id = "hd", .file = d.path, .format = "raw" });
    cr_assert(block_claim(b, "first", &err));
    cr_assert(!block_claim(b, "second", &err));
    cr_assert_not_null(strstr(error_text(err), "first"));
    error_free(err);
    block_close(b);
    unlink(d.path);
}
