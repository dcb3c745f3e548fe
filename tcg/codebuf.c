// SPDX-License-Identifier: MIT
//
// The code buffer: one memfd with two views. Code is written through the writable view and run
// through the executable one; no page is ever both. Who allocates from it holds the engine's
// translation lock.
#include "tcg/codebuf.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "util/bitops.h"

#define MIN_BYTES (UINT64_C(1) << 20)
#define MAX_BYTES ((UINT64_C(1) << 31) - (UINT64_C(1) << 20))

/* Map executable within reach of a rel32 from this program's code, if there is room. */
static const uint8_t *map_near(int fd, size_t bytes)
{
    uintptr_t here = align_down((uintptr_t)&codebuf_init, 1 << 21);
    static const int step_mb = 64;
    for (int mb = step_mb; mb < 1900; mb += step_mb) {
        for (int side = 0; side < 2; side++) {
            uintptr_t distance = (uintptr_t)mb << 20;
            if (distance + bytes > (UINT64_C(1) << 31) - (UINT64_C(64) << 20) ||
                (side == 0 && here < distance + bytes)) {
                continue;
            }
            uintptr_t at = side == 0 ? here - distance - bytes : here + distance;
            void *p = mmap((void *)align_down(at, 4096), bytes, PROT_READ | PROT_EXEC,
                           MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
            if (p != MAP_FAILED) {
                return p;
            }
        }
    }
    return NULL;
}

bool codebuf_init(CodeBuf *cb, size_t bytes, Error **err)
{
    bytes = align_up(MIN(MAX(bytes, MIN_BYTES), MAX_BYTES), 4096);
    int fd = memfd_create("dragoman-code", MFD_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno, "cannot create the translation buffer");
    }
    if (ftruncate(fd, (off_t)bytes) < 0) {
        error_set_errno(err, errno, "cannot size the translation buffer to %zu MiB; try a smaller "
                        "tb-size", bytes >> 20);
        close(fd);
        return false;
    }
    void *rw = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const void *rx = rw == MAP_FAILED ? NULL : map_near(fd, bytes);
    if (rw != MAP_FAILED && !rx) {
        rx = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    int saved = errno;
    close(fd);
    if (rw == MAP_FAILED || rx == MAP_FAILED) {
        if (rw != MAP_FAILED) {
            munmap(rw, bytes);
        }
        return error_set_errno(err, saved, "cannot map the translation buffer of %zu MiB; the host "
                               "must allow executable mappings of a memfd", bytes >> 20);
    }
    *cb = (CodeBuf){ .rw = rw, .rx = rx, .size = bytes };
    return true;
}

void codebuf_fini(CodeBuf *cb)
{
    if (cb->rw) {
        munmap(cb->rw, cb->size);
        munmap((void *)cb->rx, cb->size);
    }
    *cb = (CodeBuf){ 0 };
}
