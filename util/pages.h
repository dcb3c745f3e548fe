// SPDX-License-Identifier: MIT
//
// Large zeroed memory straight from the host's kernel.
#ifndef UTIL_PAGES_H
#define UTIL_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* `bytes` of zeros, of which only what is touched takes memory. They begin where a huge page can, for
 * hosts that give transparent ones unasked. NULL with errno: there is no room for it. */
void *pages_map(size_t bytes);
void pages_unmap(void *p, size_t bytes); /* p may be NULL */
/* These pages will be used soon, wherever they are from: have them all now, which costs less than one
 * after the other. False with errno (EINVAL: a kernel before 5.14): they come when they are used. */
bool pages_touch(void *p, size_t bytes, bool write);

#endif
