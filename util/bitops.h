// SPDX-License-Identifier: MIT
//
// Bit fields and small integer helpers that every floor uses. All are total: positions and
// lengths outside the type are assertions, not undefined behaviour.
#ifndef UTIL_BITOPS_H
#define UTIL_BITOPS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (UINT64_C(1) << (n))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* `len` ones from bit 0; len 0..64. */
static inline uint64_t bit_mask(unsigned len)
{
    assert(len <= 64);
    return len == 64 ? UINT64_MAX : BIT(len) - 1;
}

/* The unsigned field of `len` bits from bit `pos`. */
static inline uint64_t bits_get(uint64_t v, unsigned pos, unsigned len)
{
    assert(pos < 64 && len <= 64 - pos);
    return (v >> pos) & bit_mask(len);
}

/* `v` with that field replaced by the low bits of `field`. */
static inline uint64_t bits_set(uint64_t v, unsigned pos, unsigned len, uint64_t field)
{
    uint64_t mask = bit_mask(len) << pos;
    return (v & ~mask) | ((field << pos) & mask);
}

/* The low `len` bits (1..64) of `v` as a signed number. */
static inline int64_t sign_extend(uint64_t v, unsigned len)
{
    assert(len >= 1 && len <= 64);
    return (int64_t)(v << (64 - len)) >> (64 - len);
}

/* Leading zeros of 128 bits; 128 for zero. */
static inline unsigned clz128(unsigned __int128 v)
{
    uint64_t high = (uint64_t)(v >> 64), low = (uint64_t)v;
    if (high) {
        return (unsigned)__builtin_clzll(high);
    }
    return low ? 64 + (unsigned)__builtin_clzll(low) : 128;
}

static inline bool is_power_of_2(uint64_t v)
{
    return v && !(v & (v - 1));
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
    return v & ~(align - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t align)
{
    return (v + align - 1) & ~(align - 1);
}

#endif
