// SPDX-License-Identifier: MIT
/*
 * AES, SHA, CRC and carry-less products by the instructions for them: the Cryptographic Extension
 * and CRC32 for the guest, AES-NI, SHA, SSE4.2 and PCLMULQDQ for the host, which says so where it
 * lacks them.
 *
 * usage: crypto NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { DATA_BYTES = 1 << 16 };

static uint8_t data[DATA_BYTES];

static void fill_data(void)
{
    uint64_t seed = 1;
    for (int i = 0; i < DATA_BYTES; i++) {
        data[i] = (uint8_t)bench_random(&seed);
    }
}

/* Round constants of SHA-256 (FIPS 180-4, 4.2.2), first states of both (5.3). */
static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t sha256_start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
static const uint32_t sha1_start[5] = {
    0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0,
};

#ifdef __aarch64__
#include <arm_acle.h>
#include <arm_neon.h>

typedef uint8x16_t Block;

static inline Block load_block(const void *from) { return vld1q_u8(from); }
static inline void store_block(void *to, Block b) { vst1q_u8(to, b); }
static inline Block xor_blocks(Block a, Block b) { return veorq_u8(a, b); }

static inline Block aes_encrypt(Block b, const Block keys[11])
{
    for (int round = 0; round < 9; round++) {
        b = vaesmcq_u8(vaeseq_u8(b, keys[round]));
    }
    return veorq_u8(vaeseq_u8(b, keys[9]), keys[10]);
}

static inline Block aes_decrypt(Block b, const Block keys[11])
{
    for (int round = 0; round < 9; round++) {
        b = vaesimcq_u8(vaesdq_u8(b, keys[round]));
    }
    return veorq_u8(vaesdq_u8(b, keys[9]), keys[10]);
}

static void sha256_block(uint32_t state[8], const uint8_t *block)
{
    uint32x4_t m[4], abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    uint32x4_t abcd_before = abcd, efgh_before = efgh;
    for (int i = 0; i < 4; i++) {
        m[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        uint32x4_t wk = vaddq_u32(m[i & 3], vld1q_u32(sha256_k + 4 * i)), old = abcd;
        if (i < 12) {
            m[i & 3] = vsha256su1q_u32(vsha256su0q_u32(m[i & 3], m[(i + 1) & 3]), m[(i + 2) & 3],
                                       m[(i + 3) & 3]);
        }
        abcd = vsha256hq_u32(abcd, efgh, wk);
        efgh = vsha256h2q_u32(efgh, old, wk);
    }
    vst1q_u32(state, vaddq_u32(abcd, abcd_before));
    vst1q_u32(state + 4, vaddq_u32(efgh, efgh_before));
}

static void sha1_block(uint32_t state[5], const uint8_t *block)
{
    static const uint32_t sha1_k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32x4_t m[4], abcd = vld1q_u32(state), before = abcd;
    uint32_t e = state[4];
    for (int i = 0; i < 4; i++) {
        m[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
    }
#pragma GCC unroll 20
    for (int i = 0; i < 20; i++) {
        uint32x4_t wk = vaddq_u32(m[i & 3], vdupq_n_u32(sha1_k[i / 5]));
        uint32_t next = vsha1h_u32(vgetq_lane_u32(abcd, 0));
        if (i < 16) {
            m[i & 3] = vsha1su1q_u32(vsha1su0q_u32(m[i & 3], m[(i + 1) & 3], m[(i + 2) & 3]),
                                     m[(i + 3) & 3]);
        }
        abcd = i < 5                ? vsha1cq_u32(abcd, e, wk)
               : i >= 10 && i < 15 ? vsha1mq_u32(abcd, e, wk)
                                    : vsha1pq_u32(abcd, e, wk);
        e = next;
    }
    vst1q_u32(state, vaddq_u32(abcd, before));
    state[4] += e;
}

static inline uint32_t crc32c_step(uint32_t crc, uint64_t value) { return __crc32cd(crc, value); }

/* The carry-less products of the low and of the high halves, added. */
static inline Block clmul_halves(Block a, Block b)
{
    poly64x2_t x = vreinterpretq_p64_u8(a), y = vreinterpretq_p64_u8(b);
    return veorq_u8(
        vreinterpretq_u8_p128(vmull_p64(vgetq_lane_p64(x, 0), vgetq_lane_p64(y, 0))),
        vreinterpretq_u8_p128(vmull_high_p64(x, y)));
}

#define aes_lacks NULL
#define sha_lacks NULL
#define crc_lacks NULL
#define clmul_lacks NULL
#else
#include <cpuid.h>
#include <immintrin.h>

typedef __m128i Block;

static inline Block load_block(const void *from) { return _mm_loadu_si128(from); }
static inline void store_block(void *to, Block b) { _mm_storeu_si128(to, b); }
static inline Block xor_blocks(Block a, Block b) { return _mm_xor_si128(a, b); }

static inline Block aes_encrypt(Block b, const Block keys[11])
{
    b = _mm_xor_si128(b, keys[0]);
    for (int round = 1; round < 10; round++) {
        b = _mm_aesenc_si128(b, keys[round]);
    }
    return _mm_aesenclast_si128(b, keys[10]);
}

static inline Block aes_decrypt(Block b, const Block keys[11])
{
    b = _mm_xor_si128(b, keys[0]);
    for (int round = 1; round < 10; round++) {
        b = _mm_aesdec_si128(b, keys[round]);
    }
    return _mm_aesdeclast_si128(b, keys[10]);
}

/* The instructions want the state as words A B E F and C D G H, from high to low. */
static void sha256_block(uint32_t state[8], const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i m[4], low = _mm_shuffle_epi32(load_block(state), 0x1b);
    __m128i high = _mm_shuffle_epi32(load_block(state + 4), 0x1b);
    __m128i abef = _mm_unpackhi_epi64(high, low), cdgh = _mm_unpacklo_epi64(high, low);
    __m128i abef_before = abef, cdgh_before = cdgh;
    for (int i = 0; i < 4; i++) {
        m[i] = _mm_shuffle_epi8(load_block(block + 16 * i), swap);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i wk = _mm_add_epi32(m[i & 3], load_block(sha256_k + 4 * i));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
        if (i < 12) {
            __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]),
                                        _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
            m[i & 3] = _mm_sha256msg2_epu32(sum, m[(i + 3) & 3]);
        }
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
    store_block(state, _mm_shuffle_epi32(_mm_unpackhi_epi64(cdgh, abef), 0x1b));
    store_block(state + 4, _mm_shuffle_epi32(_mm_unpacklo_epi64(cdgh, abef), 0x1b));
}

/* The first word is the highest here. */
static void sha1_block(uint32_t state[5], const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i m[4], abcd = _mm_shuffle_epi32(load_block(state), 0x1b), before = abcd, old = abcd;
    __m128i e_before = _mm_set_epi32((int)state[4], 0, 0, 0);
    for (int i = 0; i < 4; i++) {
        m[i] = _mm_shuffle_epi8(load_block(block + 16 * i), swap);
    }
#pragma GCC unroll 20
    for (int i = 0; i < 20; i++) {
        __m128i e = i ? _mm_sha1nexte_epu32(old, m[i & 3]) : _mm_add_epi32(e_before, m[0]);
        old = abcd;
        abcd = i < 5    ? _mm_sha1rnds4_epu32(abcd, e, 0)
               : i < 10 ? _mm_sha1rnds4_epu32(abcd, e, 1)
               : i < 15 ? _mm_sha1rnds4_epu32(abcd, e, 2)
                        : _mm_sha1rnds4_epu32(abcd, e, 3);
        if (i < 16) {
            __m128i mixed = _mm_xor_si128(_mm_sha1msg1_epu32(m[i & 3], m[(i + 1) & 3]),
                                          m[(i + 2) & 3]);
            m[i & 3] = _mm_sha1msg2_epu32(mixed, m[(i + 3) & 3]);
        }
    }
    store_block(state, _mm_shuffle_epi32(_mm_add_epi32(abcd, before), 0x1b));
    state[4] = (uint32_t)_mm_extract_epi32(_mm_sha1nexte_epu32(old, e_before), 3);
}

static inline uint32_t crc32c_step(uint32_t crc, uint64_t value)
{
    return (uint32_t)_mm_crc32_u64(crc, value);
}

static inline Block clmul_halves(Block a, Block b)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x00), _mm_clmulepi64_si128(a, b, 0x11));
}

static const char *aes_lacks(void)
{
    return __builtin_cpu_supports("aes") ? NULL : "AES-NI";
}

static const char *sha_lacks(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1 ? NULL : "SHA";
}

static const char *crc_lacks(void)
{
    return __builtin_cpu_supports("sse4.2") ? NULL : "SSE4.2";
}

static const char *clmul_lacks(void)
{
    return __builtin_cpu_supports("pclmul") ? NULL : "PCLMULQDQ";
}
#endif

/* To and fro with round keys that are random numbers, four blocks at a time. */
static uint64_t bench_aes(void)
{
    enum { ROUNDS = 1000 };
    Block keys[11];
    fill_data();
    for (int i = 0; i < 11; i++) {
        keys[i] = load_block(data + 100 * i);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < DATA_BYTES; at += 64) {
            Block b[4];
            for (int i = 0; i < 4; i++) {
                b[i] = aes_encrypt(load_block(data + at + 16 * i), keys);
            }
            for (int i = 0; i < 4 && round % 3 == 2; i++) {
                b[i] = aes_decrypt(b[i], keys);
            }
            for (int i = 0; i < 4; i++) {
                store_block(data + at + 16 * i, b[i]);
            }
        }
    }
    return bench_hash(BENCH_HASH_START, data, DATA_BYTES);
}

static uint64_t bench_sha256(void)
{
    enum { ROUNDS = 2000 };
    uint32_t state[8];
    fill_data();
    memcpy(state, sha256_start, sizeof state);
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < DATA_BYTES; at += 64) {
            sha256_block(state, data + at);
        }
    }
    return bench_hash(BENCH_HASH_START, state, sizeof state);
}

static uint64_t bench_sha1(void)
{
    enum { ROUNDS = 2000 };
    uint32_t state[5];
    fill_data();
    memcpy(state, sha1_start, sizeof state);
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < DATA_BYTES; at += 64) {
            sha1_block(state, data + at);
        }
    }
    return bench_hash(BENCH_HASH_START, state, sizeof state);
}

static uint64_t bench_crc(void)
{
    enum { ROUNDS = 12000 };
    uint32_t crc = ~0u;
    fill_data();
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < DATA_BYTES; at += 8) {
            uint64_t value;
            memcpy(&value, data + at, sizeof value);
            crc = crc32c_step(crc, value);
        }
    }
    return crc;
}

/* Folds data as quick CRCs and GCM's hash do. */
static uint64_t bench_clmul(void)
{
    enum { ROUNDS = 6000 };
    fill_data();
    Block key = load_block(data + 1000), sum = load_block(data);
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < DATA_BYTES; at += 16) {
            sum = xor_blocks(clmul_halves(sum, key), load_block(data + at));
        }
    }
    uint8_t bytes[16];
    store_block(bytes, sum);
    return bench_hash(BENCH_HASH_START, bytes, sizeof bytes);
}

static const Bench benches[] = {
    {"aes", bench_aes, aes_lacks},   {"sha1", bench_sha1, sha_lacks},
    {"sha256", bench_sha256, sha_lacks}, {"crc", bench_crc, crc_lacks},
    {"clmul", bench_clmul, clmul_lacks},
};

BENCH_MAIN(benches)
