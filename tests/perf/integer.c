// SPDX-License-Identifier: MIT
/*
 * Integer programs: sorting, hashing, lists, matrices, state machines, calls, indirect jumps,
 * strings, and multiplication of big numbers.  Sizes are fixed, so that a run is the same work
 * everywhere.
 *
 * usage: integer NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* --- sorting and hashing --- */

static void quicksort(uint32_t *a, long low, long high)
{
    while (low < high) {
        uint32_t pivot = a[low + (high - low) / 2];
        long i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) {
                i++;
            }
            while (a[j] > pivot) {
                j--;
            }
            if (i <= j) {
                uint32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - low < high - i) {
            quicksort(a, low, j);
            low = i;
        } else {
            quicksort(a, i, high);
            high = j;
        }
    }
}

static uint64_t bench_sort(void)
{
    enum { COUNT = 2000000 };
    uint32_t *a = malloc(COUNT * sizeof *a);
    uint64_t seed = 1;
    for (int i = 0; i < COUNT; i++) {
        a[i] = bench_random(&seed);
    }
    quicksort(a, 0, COUNT - 1);
    uint64_t sum = bench_hash(BENCH_HASH_START, a, COUNT * sizeof *a);
    free(a);
    return sum;
}

static uint32_t rotate_right(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* The compression function of SHA-256 (FIPS 180-4, 6.2.2), with round constants of our own. */
static void mix_block(uint32_t state[8], const uint32_t *block)
{
    uint32_t w[64], v[8];
    memcpy(w, block, 64);
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
    }
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t t1 = v[7] + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + 0x9e3779b9u * (uint32_t)(i + 1) + w[i];
        uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

static uint64_t bench_mix(void)
{
    enum { BLOCKS = 4096, ROUNDS = 40 };
    uint32_t *data = malloc(BLOCKS * 64), state[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t seed = 2;
    for (int i = 0; i < BLOCKS * 16; i++) {
        data[i] = bench_random(&seed);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            mix_block(state, data + i * 16);
        }
    }
    free(data);
    return bench_hash(BENCH_HASH_START, state, sizeof state);
}

/* A hash table with open addressing: words go in, are counted, and looked up. */
static uint64_t bench_hash_table(void)
{
    enum { BITS = 16, SIZE = 1 << BITS, WORDS = 30000, LOOKUPS = 16000000 };
    typedef struct {
        uint64_t key, count;
    } Slot;
    Slot *table = calloc(SIZE, sizeof *table);
    uint64_t seed = 7, sum = 0;
    for (int i = 0; i < LOOKUPS; i++) {
        uint64_t key = (bench_random(&seed) % WORDS + 1) * 0x9e3779b97f4a7c15u;
        uint32_t at = (uint32_t)((key ^ key >> 31) * 0xbf58476d1ce4e5b9u >> (64 - BITS));
        while (table[at].key && table[at].key != key) {
            at = (at + 1) & (SIZE - 1);
        }
        table[at].key = key;
        sum += ++table[at].count;
    }
    free(table);
    return sum;
}

/* --- lists --- */

typedef struct Node {
    struct Node *next;
    uint32_t value, order;
} Node;

static Node *reverse_list(Node *list)
{
    Node *reversed = NULL;
    while (list) {
        Node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static Node *merge_lists(Node *a, Node *b)
{
    Node head, *tail = &head;
    while (a && b) {
        Node **least = a->value <= b->value ? &a : &b;
        tail->next = *least;
        tail = *least;
        *least = tail->next;
    }
    tail->next = a ? a : b;
    return head.next;
}

static Node *sort_list(Node *list, int count)
{
    if (count < 2) {
        return list;
    }
    Node *last = list;
    for (int i = 1; i < count / 2; i++) {
        last = last->next;
    }
    Node *second = last->next;
    last->next = NULL;
    return merge_lists(sort_list(list, count / 2), sort_list(second, count - count / 2));
}

/* Finds, reverses and sorts in a list whose nodes lie about in memory. */
static uint64_t bench_list(void)
{
    enum { COUNT = 4096, ROUNDS = 150, FINDS = 80 };
    Node *nodes = malloc(COUNT * sizeof *nodes), *list = NULL;
    uint64_t seed = 3, sum = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        Node *node = &nodes[i * 1021 % COUNT];
        *node = (Node){list, 0, i};
        list = node;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (Node *node = list; node; node = node->next) {
            node->value = bench_random(&seed) % (2 * COUNT);
        }
        for (int find = 0; find < FINDS; find++) {
            uint32_t wanted = bench_random(&seed) % (2 * COUNT);
            for (Node *node = list; node && node->value != wanted; node = node->next) {
                sum += node->order & 1;
            }
        }
        list = sort_list(reverse_list(list), COUNT);
        sum = sum * 31 + list->order;
    }
    free(nodes);
    return sum;
}

/* Follows a random cycle through 16 MiB: every step misses caches and translation buffers. */
static uint64_t bench_pointers(void)
{
    enum { COUNT = 1 << 21 };
    uint32_t *next = malloc(COUNT * sizeof *next * 2);
    for (uint32_t i = 0; i < COUNT; i++) {
        next[2 * i] = i;
    }
    uint64_t seed = 3;
    for (uint32_t i = COUNT - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(bench_random(&seed) % i), t = next[2 * i];
        next[2 * i] = next[2 * j];
        next[2 * j] = t;
    }
    uint32_t at = 0;
    for (int i = 0; i < 2000000; i++) {
        at = next[2 * at];
    }
    free(next);
    return at;
}

/* --- matrices --- */

/* Products of integer matrices, with a cut of bits as fixed-point code has it. */
static uint64_t bench_matrix(void)
{
    enum { N = 120, ROUNDS = 200 };
    static int32_t a[N][N], b[N][N], c[N][N];
    uint64_t seed = 5;
    for (int i = 0; i < N * N; i++) {
        a[i / N][i % N] = (int32_t)(bench_random(&seed) & 0xffff) - 0x8000;
        b[i / N][i % N] = (int32_t)(bench_random(&seed) & 0xffff) - 0x8000;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                int64_t sum = 0;
                for (int k = 0; k < N; k++) {
                    sum += (int64_t)a[i][k] * b[k][j];
                }
                c[i][j] = (int32_t)(int16_t)(sum >> 7);
            }
        }
        memcpy(a, c, sizeof a);
    }
    return bench_hash(BENCH_HASH_START, a, sizeof a);
}

/* --- a state machine --- */

typedef enum { START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, POWER, BAD } State;

static State next_state(State state, char c)
{
    int digit = c >= '0' && c <= '9', sign = c == '+' || c == '-';
    switch (state) {
    case START: return digit ? WHOLE : sign ? SIGN : c == '.' ? POINT : BAD;
    case SIGN: return digit ? WHOLE : c == '.' ? POINT : BAD;
    case WHOLE: return digit ? WHOLE : c == '.' ? FRACTION : c == 'e' ? EXPONENT : BAD;
    case POINT: return digit ? FRACTION : BAD;
    case FRACTION: return digit ? FRACTION : c == 'e' ? EXPONENT : BAD;
    case EXPONENT: return digit ? POWER : sign ? EXPONENT_SIGN : BAD;
    case EXPONENT_SIGN: return digit ? POWER : BAD;
    case POWER: return digit ? POWER : BAD;
    case BAD: return BAD;
    }
    return BAD;
}

/* Tells kinds of numbers in a text apart, a character at a time. */
static uint64_t bench_state(void)
{
    enum { SIZE = 1 << 16, ROUNDS = 600 };
    static const char letters[] = "0123456789012345678901234567890123456789+-..eee,,,,,,,,,x";
    char *text = malloc(SIZE);
    uint64_t seed = 6, ends[BAD + 1] = {0};
    for (int i = 0; i < SIZE; i++) {
        text[i] = letters[bench_random(&seed) % (sizeof letters - 1)];
    }
    for (int round = 0; round < ROUNDS; round++) {
        State state = START;
        for (int i = 0; i < SIZE; i++) {
            if (text[i] == ',') {
                ends[state]++;
                state = START;
            } else {
                state = next_state(state, text[i]);
            }
        }
        text[round * 97 % SIZE] ^= 1;
    }
    free(text);
    return bench_hash(BENCH_HASH_START, ends, sizeof ends);
}

/* --- calls and jumps --- */

__attribute__((noinline)) static uint64_t fibonacci(unsigned n)
{
    // The barrier keeps the compiler from unrolling the recursion.
    __asm__ volatile("");
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t bench_calls(void)
{
    return fibonacci(38);
}

static uint64_t step_add(uint64_t x) { return x + 0x9e3779b97f4a7c15u; }
static uint64_t step_xor(uint64_t x) { return x ^ x >> 29; }
static uint64_t step_mul(uint64_t x) { return x * 0xbf58476d1ce4e5b9u; }
static uint64_t step_rot(uint64_t x) { return x << 17 | x >> 47; }

static uint64_t bench_indirect(void)
{
    static uint64_t (*const volatile steps[4])(uint64_t) = {step_add, step_xor, step_mul, step_rot};
    uint64_t x = 1, seed = 4;
    for (int i = 0; i < 25000000; i++) {
        x = steps[bench_random(&seed) & 3](x);
    }
    return x;
}

/* --- strings --- */

static uint64_t bench_strings(void)
{
    enum { SIZE = 4096 };
    static char text[SIZE], copy[SIZE];
    memset(text, 'a', SIZE - 1);
    text[2000] = 'b';
    uint64_t sum = 0;
    for (int i = 0; i < 120000; i++) {
        text[i % 1000] = 'c';
        memcpy(copy, text, SIZE);
        sum += strlen(text + i % 100) + (uint64_t)(strchr(text, 'b') - text);
        sum += (uint64_t)(strcmp(text, copy) == 0) + (memchr(copy, 'z', SIZE) == NULL);
        text[i % 1000] = 'a';
    }
    return sum;
}

/* --- big numbers --- */

/* out = a * b, all of them, by rows of 64 x 64 to 128 bit products. */
static void multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, int limbs)
{
    memset(out, 0, 2 * (size_t)limbs * sizeof *out);
    for (int i = 0; i < limbs; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < limbs; j++) {
            unsigned __int128 sum = (unsigned __int128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        out[i + limbs] = carry;
    }
}

/* A number of 16384 bits is squared again and again; of the square the middle is kept. */
static uint64_t bench_bignum(void)
{
    enum { LIMBS = 256, ROUNDS = 2000 };
    uint64_t number[LIMBS], square[2 * LIMBS], seed = 8;
    for (int i = 0; i < LIMBS; i++) {
        number[i] = (uint64_t)bench_random(&seed) << 32 | bench_random(&seed);
    }
    for (int round = 0; round < ROUNDS; round++) {
        multiply(square, number, number, LIMBS);
        memcpy(number, square + LIMBS / 2, sizeof number);
    }
    return bench_hash(BENCH_HASH_START, number, sizeof number);
}

static const Bench benches[] = {
    {"sort", bench_sort, NULL},
    {"hash", bench_hash_table, NULL},
    {"mix", bench_mix, NULL},
    {"list", bench_list, NULL},
    {"pointers", bench_pointers, NULL},
    {"matrix", bench_matrix, NULL},
    {"state", bench_state, NULL},
    {"calls", bench_calls, NULL},
    {"indirect", bench_indirect, NULL},
    {"strings", bench_strings, NULL},
    {"bignum", bench_bignum, NULL},
};

BENCH_MAIN(benches)
