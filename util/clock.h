// SPDX-License-Identifier: MIT
//
// Host time. The guest's clocks are built on these in softmmu/clock.h.
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that never goes back (CLOCK_MONOTONIC). */
int64_t host_clock_ns(void);

/* Nanoseconds since 1970 (CLOCK_REALTIME). */
int64_t host_realtime_ns(void);

#endif
