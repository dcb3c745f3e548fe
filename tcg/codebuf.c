// SPDX-License-Identifier: MIT
//
// The code buffer: shared memory with two views. Code is written through the writable view and run
// through the executable one; no page is ever both. It has no file, because the host's perf takes
// the names of code in a map (-perfmap) for memory without a file only. Who allocates from it holds
// the engine's translation lock.
#include "tcg/codebuf.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "util/bitops.h"
#include "util/pages.h"

#define PREPARED_BEFORE (UINT64_C(16) << 10) /* the code that is begun may reach so far */
#define MIN_BYTES (UINT64_C(1) << 20)
#define MAX_BYTES ((UINT64_C(1) << 31) - (UINT64_C(1) << 20))

/* A second view of the shared memory at `rw`, in place of the reserved one; it can be executed. */
static const uint8_t *make_view(void *rw, void *reserved, size_t bytes)
{
    if (mremap(rw, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, reserved) != MAP_FAILED &&
        !mprotect(reserved, bytes, PROT_READ | PROT_EXEC))
        return reserved;
    int saved = errno;
    munmap(reserved, bytes);
    errno = saved;
    return NULL;
}

/* Addresses within reach of a rel32 from this program's code, or any. */
static void *reserve(size_t bytes)
{
    static const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
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
            void *p = mmap((void *)align_down(at, 4096), bytes, PROT_NONE,
                           flags | MAP_FIXED_NOREPLACE, -1, 0);
            if (p != MAP_FAILED) {
                return p;
            }
        }
    }
    return mmap(NULL, bytes, PROT_NONE, flags, -1, 0);
}

bool codebuf_init(CodeBuf *cb, size_t bytes, Error **err)
{
    bytes = align_up(MIN(MAX(bytes, MIN_BYTES), MAX_BYTES), 4096);
    void *rw = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    void *reserved = rw == MAP_FAILED ? MAP_FAILED : reserve(bytes);
    const uint8_t *rx = reserved == MAP_FAILED ? NULL : make_view(rw, reserved, bytes);
    _Atomic uint8_t *touched = calloc(bytes / CODEBUF_BLOCK + 1, 1);
    if (rx && !touched) {
        munmap((void *)rx, bytes);
        rx = NULL;
    }
    if (!rx) {
        int saved = errno;
        free((void *)touched);
        if (rw != MAP_FAILED) {
            munmap(rw, bytes);
        }
        return error_set_errno(err, saved, "cannot map the translation buffer of %zu MiB; try a "
                               "smaller tb-size, on a host that allows executable mappings of "
                               "shared memory", bytes >> 20);
    }
    *cb = (CodeBuf){ .rw = rw, .rx = rx, .size = bytes, .limit = bytes, .touched = touched };
    return true;
}

void codebuf_prepare(CodeBuf *cb)
{
    size_t block = MIN(cb->used + PREPARED_BEFORE, cb->size - 1) / CODEBUF_BLOCK;
    if (atomic_load_explicit(&cb->touched[block], memory_order_relaxed)) {
        return;
    }
    atomic_store_explicit(&cb->touched[block], 1, memory_order_relaxed);
    size_t first = block * CODEBUF_BLOCK, bytes = MIN(CODEBUF_BLOCK, cb->size - first);
    pages_touch(cb->rw + first, bytes, true);
    pages_touch((void *)(cb->rx + first), bytes, false);
}

void codebuf_fini(CodeBuf *cb)
{
    if (cb->rw) {
        munmap(cb->rw, cb->size);
        munmap((void *)cb->rx, cb->size);
        free((void *)cb->touched);
    }
    *cb = (CodeBuf){ 0 };
}
