// SPDX-License-Identifier: MIT
//
// Host time by clock_gettime(2), which the vDSO answers without entering the kernel.
#include "util/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t host_clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t host_realtime_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}
