// SPDX-License-Identifier: MIT
/*
 * Single-precision and integer vector programs, 128 bits at a time.  What both instruction sets
 * have is written with the compiler's vector types; the rest is a few functions that are intrinsics
 * of NEON for the guest and of SSE and FMA for the host.  Results are equal bit for bit.
 *
 * usage: vector NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

typedef float F4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));
typedef uint32_t U4 __attribute__((vector_size(16)));
typedef int16_t I8 __attribute__((vector_size(16)));
typedef uint8_t B16 __attribute__((vector_size(16)));

/* --- what differs --- */

#ifdef __aarch64__
#include <arm_neon.h>

/* sum + a * b, rounded once. */
static inline F4 fused(F4 sum, F4 a, F4 b)
{
    return (F4)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
}

#define fused_lane(sum, a, b, lane) \
    ((F4)vfmaq_laneq_f32((float32x4_t)(sum), (float32x4_t)(a), (float32x4_t)(b), lane))

static inline F4 roots(F4 a)
{
    return (F4)vsqrtq_f32((float32x4_t)a);
}

/* The sum of |a - b| is added to `sum`, spread over its lanes somehow. */
static inline U4 differences(U4 sum, B16 a, B16 b)
{
    return (U4)vpadalq_u16((uint32x4_t)sum, vpaddlq_u8(vabdq_u8((uint8x16_t)a, (uint8x16_t)b)));
}

/* The sum of the products is added to `sum`, spread over its lanes somehow. */
static inline I4 products(I4 sum, I8 a, I8 b)
{
    int32x4_t low = vmlal_s16((int32x4_t)sum, vget_low_s16((int16x8_t)a),
                              vget_low_s16((int16x8_t)b));
    return (I4)vmlal_high_s16(low, (int16x8_t)a, (int16x8_t)b);
}

/* (a * share + b * (255 - share) + 128) / 256 of each byte. */
static inline B16 blend(B16 a, B16 b, B16 share)
{
    uint8x16_t x = (uint8x16_t)a, y = (uint8x16_t)b, s = (uint8x16_t)share, r = vmvnq_u8(s);
    uint16x8_t low = vmull_u8(vget_low_u8(x), vget_low_u8(s));
    uint16x8_t high = vmull_high_u8(x, s);
    low = vmlal_u8(low, vget_low_u8(y), vget_low_u8(r));
    high = vmlal_high_u8(high, y, r);
    return (B16)vrshrn_high_n_u16(vrshrn_n_u16(low, 8), high, 8);
}

static inline B16 add_saturating(B16 a, B16 b)
{
    return (B16)vqaddq_u8((uint8x16_t)a, (uint8x16_t)b);
}

/* The bytes of `table` that `at` (below 16) names. */
static inline B16 look_up(B16 table, B16 at)
{
    return (B16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)at);
}

#define vector_lacks NULL
#else
#include <immintrin.h>

static inline F4 fused(F4 sum, F4 a, F4 b)
{
    return (F4)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)sum);
}

#define fused_lane(sum, a, b, lane) \
    fused(sum, a, (F4)_mm_shuffle_ps((__m128)(b), (__m128)(b), (lane) * 0x55))

static inline F4 roots(F4 a)
{
    return (F4)_mm_sqrt_ps((__m128)a);
}

static inline U4 differences(U4 sum, B16 a, B16 b)
{
    return sum + (U4)_mm_sad_epu8((__m128i)a, (__m128i)b);
}

static inline I4 products(I4 sum, I8 a, I8 b)
{
    return sum + (I4)_mm_madd_epi16((__m128i)a, (__m128i)b);
}

static inline B16 blend(B16 a, B16 b, B16 share)
{
    __m128i zero = _mm_setzero_si128(), half = _mm_set1_epi16(128);
    __m128i x = (__m128i)a, y = (__m128i)b, s = (__m128i)share;
    __m128i r = _mm_xor_si128(s, _mm_set1_epi8(-1));
    __m128i low = _mm_add_epi16(
        _mm_mullo_epi16(_mm_unpacklo_epi8(x, zero), _mm_unpacklo_epi8(s, zero)),
        _mm_mullo_epi16(_mm_unpacklo_epi8(y, zero), _mm_unpacklo_epi8(r, zero)));
    __m128i high = _mm_add_epi16(
        _mm_mullo_epi16(_mm_unpackhi_epi8(x, zero), _mm_unpackhi_epi8(s, zero)),
        _mm_mullo_epi16(_mm_unpackhi_epi8(y, zero), _mm_unpackhi_epi8(r, zero)));
    return (B16)_mm_packus_epi16(_mm_srli_epi16(_mm_add_epi16(low, half), 8),
                                 _mm_srli_epi16(_mm_add_epi16(high, half), 8));
}

static inline B16 add_saturating(B16 a, B16 b)
{
    return (B16)_mm_adds_epu8((__m128i)a, (__m128i)b);
}

static inline B16 look_up(B16 table, B16 at)
{
    return (B16)_mm_shuffle_epi8((__m128i)table, (__m128i)at);
}

static const char *vector_lacks(void)
{
    return __builtin_cpu_supports("fma") && __builtin_cpu_supports("sse4.1") ? NULL : "SSE4.1, FMA";
}
#endif

/* --- single precision --- */

static F4 load_floats(const float *from)
{
    F4 v;
    memcpy(&v, from, sizeof v);
    return v;
}

static void fill_floats(float *to, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)((int)(bench_random(&seed) % 20001) - 10000) / 8192.0f;
    }
}

/* A filter of 32 taps over a signal, again and again. */
static uint64_t bench_filter(void)
{
    enum { SIZE = 4096, TAPS = 32, ROUNDS = 3000 };
    static float signal[SIZE + TAPS], filtered[SIZE], taps[TAPS];
    fill_floats(signal, SIZE + TAPS, 1);
    fill_floats(taps, TAPS, 2);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SIZE; i += 8) {
            F4 low = {0}, high = {0};
            for (int k = 0; k < TAPS; k += 4) {
                F4 t = load_floats(taps + k);
                const float *at = signal + i + k;
                low = fused_lane(low, load_floats(at), t, 0);
                high = fused_lane(high, load_floats(at + 4), t, 0);
                low = fused_lane(low, load_floats(at + 1), t, 1);
                high = fused_lane(high, load_floats(at + 5), t, 1);
                low = fused_lane(low, load_floats(at + 2), t, 2);
                high = fused_lane(high, load_floats(at + 6), t, 2);
                low = fused_lane(low, load_floats(at + 3), t, 3);
                high = fused_lane(high, load_floats(at + 7), t, 3);
            }
            low *= 0.125f;
            high *= 0.125f;
            memcpy(filtered + i, &low, sizeof low);
            memcpy(filtered + i + 4, &high, sizeof high);
        }
        signal[round % SIZE] = filtered[round % SIZE] * 0.5f;
    }
    return bench_hash(BENCH_HASH_START, filtered, sizeof filtered);
}

/* Points are turned by a matrix and brought back to length 1. */
static uint64_t bench_points(void)
{
    enum { POINTS = 2048, ROUNDS = 6000 };
    static float points[4 * POINTS];
    static const F4 m[4] = {{0.96f, 0.28f, 0, 0}, {-0.28f, 0.96f, 0, 0},
                            {0, 0, 0.8f, 0.6f}, {0, 0, -0.6f, 0.8f}};
    fill_floats(points, 4 * POINTS, 3);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < POINTS; i++) {
            F4 p = load_floats(points + 4 * i);
            F4 turned = m[0] * p[0];
            turned = fused_lane(turned, m[1], p, 1);
            turned = fused_lane(turned, m[2], p, 2);
            turned = fused_lane(turned, m[3], p, 3);
            F4 square = turned * turned;
            square += __builtin_shufflevector(square, square, 1, 0, 3, 2);
            square += __builtin_shufflevector(square, square, 2, 3, 0, 1);
            turned /= roots(square + 1e-6f);
            memcpy(points + 4 * i, &turned, sizeof turned);
        }
    }
    return bench_hash(BENCH_HASH_START, points, sizeof points);
}

/* Mandelbrot's set, four points at a time, with comparisons and masks. */
static uint64_t bench_escape(void)
{
    enum { SIZE = 800, STEPS = 120 };
    U4 sum = {0};
    for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x += 4) {
            F4 cr = ((F4){0, 1, 2, 3} + (float)x) * (3.0f / SIZE) - 2.0f;
            F4 ci = (F4){0} + ((float)y * (2.0f / SIZE) - 1.0f);
            F4 zr = {0}, zi = {0};
            I4 inside = ~(I4){0};
            for (int n = 0; n < STEPS; n++) {
                F4 rr = zr * zr, ii = zi * zi;
                inside &= rr + ii < 4.0f;
                sum -= (U4)inside;
                zi = fused(ci, zr + zr, zi);
                zr = rr - ii + cr;
                // What is out stays where it is.
                zr = (F4)((I4)zr & inside);
                zi = (F4)((I4)zi & inside);
                cr = (F4)((I4)cr & inside);
                ci = (F4)((I4)ci & inside);
            }
        }
    }
    return bench_hash(BENCH_HASH_START, &sum, sizeof sum);
}

/* --- integers --- */

static void fill_bytes(uint8_t *to, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (uint8_t)bench_random(&seed);
    }
}

static B16 load_bytes(const uint8_t *from)
{
    B16 v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* Looks for blocks of a picture in the one before, as video encoders do. */
static uint64_t bench_motion(void)
{
    enum { WIDTH = 256, HEIGHT = 128, REACH = 8, COLUMNS = WIDTH / 16 - 1, ROUNDS = 160 };
    static uint8_t before[(HEIGHT + 32) * WIDTH], now[HEIGHT * WIDTH];
    fill_bytes(before, sizeof before, 4);
    memcpy(now, before + 5 * WIDTH + 3, sizeof now);
    uint64_t sum = 0;
    for (int n = 0; n < ROUNDS * COLUMNS * (HEIGHT / 16); n++) {
        int block = n % (COLUMNS * (HEIGHT / 16));
        int x = block % COLUMNS * 16, y = block / COLUMNS * 16;
        uint32_t best = UINT32_MAX;
        for (int dy = 0; dy < 2 * REACH; dy++) {
            for (int dx = 0; dx < 16; dx++) {
                U4 difference = {0};
                for (int row = 0; row < 16; row++) {
                    difference = differences(difference, load_bytes(now + (y + row) * WIDTH + x),
                        load_bytes(before + (y + row + dy) * WIDTH + x + dx));
                }
                uint32_t all = difference[0] + difference[1] + difference[2] + difference[3];
                best = all < best ? all : best;
                sum += all;
            }
        }
        sum = sum * 31 + best;
    }
    return sum;
}

/* Lays pictures over each other. */
static uint64_t bench_blend(void)
{
    enum { SIZE = 1 << 16, ROUNDS = 7500 };
    static uint8_t picture[SIZE], over[SIZE], share[SIZE];
    fill_bytes(picture, SIZE, 5);
    fill_bytes(over, SIZE, 6);
    fill_bytes(share, SIZE, 7);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SIZE; i += 16) {
            B16 mixed = blend(load_bytes(picture + i), load_bytes(over + i), load_bytes(share + i));
            mixed = add_saturating(mixed, load_bytes(share + i) >> 6);
            memcpy(picture + i, &mixed, sizeof mixed);
        }
    }
    return bench_hash(BENCH_HASH_START, picture, sizeof picture);
}

/* Scalar products of 16-bit samples. */
static uint64_t bench_samples(void)
{
    enum { SIZE = 8192, LAGS = 1024, ROUNDS = 40 };
    static int16_t samples[SIZE + LAGS];
    uint64_t seed = 8, sum = 0;
    for (int i = 0; i < SIZE + LAGS; i++) {
        samples[i] = (int16_t)(bench_random(&seed) % 1001) - 500;
    }
    for (int lag = 0; lag < LAGS * ROUNDS; lag++) {
        I4 total = {0};
        for (int i = 0; i < SIZE; i += 8) {
            I8 a, b;
            memcpy(&a, samples + i, sizeof a);
            memcpy(&b, samples + i + lag % LAGS, sizeof b);
            total = products(total, a, b);
        }
        sum = sum * 31 + (uint32_t)(total[0] + total[1] + total[2] + total[3]);
    }
    return sum;
}

/* Counts bits and writes hexadecimal digits by tables of 16 bytes. */
static uint64_t bench_tables(void)
{
    enum { SIZE = 1 << 15, ROUNDS = 18000 };
    static uint8_t data[SIZE], digits[SIZE];
    static const B16 bits = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    static const B16 hex = {'0', '1', '2', '3', '4', '5', '6', '7',
                            '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    B16 sum = {0};
    fill_bytes(data, SIZE, 9);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SIZE; i += 16) {
            B16 v = load_bytes(data + i), low = v & 15, high = v >> 4;
            sum += look_up(bits, low) + look_up(bits, high);
            B16 text = look_up(hex, low ^ (high & (uint8_t)round));
            memcpy(digits + i, &text, sizeof text);
        }
        data[round % SIZE] ^= digits[round % SIZE];
    }
    return bench_hash(bench_hash(BENCH_HASH_START, digits, SIZE), &sum, sizeof sum);
}

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                        \
    (a += b, d ^= a, d = ROTATE(d, 16), c += d, b ^= c, b = ROTATE(b, 12), \
     a += b, d ^= a, d = ROTATE(d, 8), c += d, b ^= c, b = ROTATE(b, 7))

/* The stream of ChaCha20 (RFC 8439, 2.3), a row of its state in a vector. */
static uint64_t bench_chacha(void)
{
    enum { BLOCKS = 1000000 };
    const U4 first = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    const U4 key[2] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
    U4 sum = {0};
    for (uint32_t block = 0; block < BLOCKS; block++) {
        U4 counter = {block, 9, 10, 11}, a = first, b = key[0], c = key[1], d = counter;
        for (int round = 0; round < 10; round++) {
            QUARTER(a, b, c, d);
            b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
            c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
            d = __builtin_shufflevector(d, d, 3, 0, 1, 2);
            QUARTER(a, b, c, d);
            b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
            c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
            d = __builtin_shufflevector(d, d, 1, 2, 3, 0);
        }
        sum ^= (a + first) + (b + key[0]) + (c + key[1]) + (d + counter);
    }
    return bench_hash(BENCH_HASH_START, &sum, sizeof sum);
}

static const Bench benches[] = {
    {"filter", bench_filter, vector_lacks},   {"points", bench_points, vector_lacks},
    {"escape", bench_escape, vector_lacks},   {"motion", bench_motion, vector_lacks},
    {"blend", bench_blend, vector_lacks},     {"samples", bench_samples, vector_lacks},
    {"tables", bench_tables, vector_lacks},   {"chacha", bench_chacha, vector_lacks},
};

BENCH_MAIN(benches)
