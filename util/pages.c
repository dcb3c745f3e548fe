// SPDX-License-Identifier: MIT
//
// A fault of a page costs a microsecond or more, most of all where the host is a guest itself. Huge
// pages need 512 times fewer, but they are not asked for (MADV_HUGEPAGE): whether programs get them is
// the host's policy, and where the host reports its free memory to a hypervisor they are never there yet,
// and cost more than they spare.
#include "util/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include "util/bitops.h"

#define HUGE_BYTES (UINT64_C(2) << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

static size_t whole_pages(size_t bytes)
{
    return align_up(bytes, 4096);
}

/* At a multiple of a huge page, which is what the kernel has them at. */
void *pages_map(size_t bytes)
{
    size_t want = whole_pages(bytes), all = want + HUGE_BYTES;
    uint8_t *p = mmap(NULL, all, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    uint8_t *at = (uint8_t *)align_up((uintptr_t)p, HUGE_BYTES);
    if (at != p)
        munmap(p, (size_t)(at - p));
    if (at + want != p + all)
        munmap(at + want, (size_t)(p + all - (at + want)));
    return at;
}

void pages_unmap(void *p, size_t bytes)
{
    if (p)
        munmap(p, whole_pages(bytes));
}

bool pages_touch(void *p, size_t bytes, bool write)
{
    uintptr_t first = align_down((uintptr_t)p, 4096), end = align_up((uintptr_t)p + bytes, 4096);
    return !madvise((void *)first, end - first, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}
