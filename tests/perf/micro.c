// SPDX-License-Identifier: MIT
/*
 * Small guest programs that each lean on one thing an emulator must do well: integer code, memory,
 * calls, indirect jumps, atomics, system calls, page faults, processes.  The table at the end names
 * them; sizes are fixed, so that a run is the same work everywhere.
 *
 * usage: micro NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const char *self;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* --- integer code --- */

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
        a[i] = (uint32_t)next_random(&seed);
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

static uint64_t bench_hashing(void)
{
    enum { BLOCKS = 4096, ROUNDS = 40 };
    uint32_t *data = malloc(BLOCKS * 64), state[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t seed = 2;
    for (int i = 0; i < BLOCKS * 16; i++) {
        data[i] = (uint32_t)next_random(&seed);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            mix_block(state, data + i * 16);
        }
    }
    free(data);
    return bench_hash(BENCH_HASH_START, state, sizeof state);
}

/* A register machine with a switch, as interpreters of scripting languages have it. */
enum Op { OP_LOAD, OP_ADD, OP_SUB, OP_MUL, OP_SHR, OP_AND, OP_JNZ, OP_JLT, OP_MOVE, OP_HALT };

typedef struct {
    uint8_t op, a, b, c;
    int32_t value;
} Instruction;

/* The longest Collatz chain from any start below 60000. */
static const Instruction collatz[] = {
    {OP_LOAD, 0, 0, 0, 1},     // start
    {OP_LOAD, 5, 0, 0, 1},     // one
    {OP_LOAD, 6, 0, 0, 3},     // three
    {OP_LOAD, 7, 0, 0, 0},     // longest
    {OP_LOAD, 8, 0, 0, 60000}, // limit
    {OP_MOVE, 1, 0, 0, 0},     // 5: n = start
    {OP_LOAD, 2, 0, 0, 0},     // length = 0
    {OP_ADD, 2, 2, 5, 0},      // 7: length++
    {OP_AND, 3, 1, 5, 0},      // odd?
    {OP_JNZ, 3, 0, 0, 12},     // to the odd case
    {OP_SHR, 1, 1, 5, 0},      // n /= 2
    {OP_JNZ, 5, 0, 0, 14},     // over it
    {OP_MUL, 1, 1, 6, 0},      // 12: n = 3n
    {OP_ADD, 1, 1, 5, 0},      // + 1
    {OP_SUB, 4, 1, 5, 0},      // 14: until n is 1
    {OP_JNZ, 4, 0, 0, 7},      //
    {OP_JLT, 2, 7, 0, 18},     // shorter than the longest: go on
    {OP_MOVE, 7, 2, 0, 0},     //
    {OP_ADD, 0, 0, 5, 0},      // 18: next start
    {OP_JLT, 0, 8, 0, 5},      //
    {OP_HALT, 0, 0, 0, 0},
};

static uint64_t bench_interpreter(void)
{
    uint64_t r[16] = {0};
    for (const Instruction *i = collatz;; i++) {
        switch ((enum Op)i->op) {
        case OP_LOAD: r[i->a] = (uint64_t)i->value; break;
        case OP_ADD: r[i->a] = r[i->b] + r[i->c]; break;
        case OP_SUB: r[i->a] = r[i->b] - r[i->c]; break;
        case OP_MUL: r[i->a] = r[i->b] * r[i->c]; break;
        case OP_SHR: r[i->a] = r[i->b] >> (r[i->c] & 63); break;
        case OP_AND: r[i->a] = r[i->b] & r[i->c]; break;
        case OP_MOVE: r[i->a] = r[i->b]; break;
        case OP_JNZ:
            if (r[i->a]) {
                i = collatz + i->value - 1;
            }
            break;
        case OP_JLT:
            if (r[i->a] < r[i->b]) {
                i = collatz + i->value - 1;
            }
            break;
        case OP_HALT: return r[7];
        }
    }
}

__attribute__((noinline)) static uint64_t fibonacci(unsigned n)
{
    // The barrier keeps the compiler from unrolling the recursion.
    __asm__ volatile("");
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t bench_calls(void)
{
    return fibonacci(36);
}

static uint64_t step_add(uint64_t x) { return x + 0x9e3779b97f4a7c15u; }
static uint64_t step_xor(uint64_t x) { return x ^ x >> 29; }
static uint64_t step_mul(uint64_t x) { return x * 0xbf58476d1ce4e5b9u; }
static uint64_t step_rot(uint64_t x) { return x << 17 | x >> 47; }

static uint64_t bench_indirect(void)
{
    static uint64_t (*const volatile steps[4])(uint64_t) = {step_add, step_xor, step_mul, step_rot};
    uint64_t x = 1, seed = 4;
    for (int i = 0; i < 10000000; i++) {
        x = steps[next_random(&seed) & 3](x);
    }
    return x;
}

/* Big-number arithmetic: a factorial's low 38400 bits by 64 x 64 to 128 bit products. */
static uint64_t bench_bignum(void)
{
    enum { LIMBS = 600 };
    uint64_t number[LIMBS] = {1};
    for (uint64_t factor = 2; factor <= 100000; factor++) {
        unsigned __int128 carry = 0;
        for (int i = 0; i < LIMBS; i++) {
            carry += (unsigned __int128)number[i] * factor;
            number[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    return bench_hash(BENCH_HASH_START, number, sizeof number);
}

/* --- floating point --- */

static uint64_t bench_mandelbrot(void)
{
    uint64_t inside = 0;
    for (int y = 0; y < 600; y++) {
        for (int x = 0; x < 600; x++) {
            double cr = x / 240.0 - 2, ci = y / 300.0 - 1, zr = 0, zi = 0;
            int n = 0;
            while (n < 200 && zr * zr + zi * zi < 4) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                n++;
            }
            inside += (uint64_t)n;
        }
    }
    return inside;
}

/* --- memory --- */

static uint64_t bench_memcpy(void)
{
    enum { SIZE = 1 << 20 };
    static const int sizes[] = {16, 100, 1000, 4096, SIZE};
    char *from = malloc(SIZE), *to = malloc(SIZE);
    memset(from, 5, SIZE);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int size = sizes[s], count = size < 1000 ? 2000000 : (1 << 29) / size;
        for (int i = 0; i < count; i++) {
            memcpy(to, from + (i & 15) % (SIZE - size + 1), (size_t)size);
            __asm__ volatile("" : : "r"(to) : "memory");
        }
    }
    uint64_t sum = bench_hash(BENCH_HASH_START, to, SIZE);
    free(from);
    free(to);
    return sum;
}

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
        uint32_t j = (uint32_t)(next_random(&seed) % i), t = next[2 * i];
        next[2 * i] = next[2 * j];
        next[2 * j] = t;
    }
    uint32_t at = 0;
    for (int i = 0; i < 4000000; i++) {
        at = next[2 * at];
    }
    free(next);
    return at;
}

static uint64_t bench_atomics(void)
{
    uint64_t counter = 0, guard = 0;
    for (int i = 0; i < 10000000; i++) {
        __atomic_fetch_add(&counter, 3, __ATOMIC_SEQ_CST);
        uint64_t expected = guard;
        __atomic_compare_exchange_n(&guard, &expected, expected + counter, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    }
    return guard;
}

/* --- the kernel --- */

static uint64_t bench_syscalls(void)
{
    uint64_t same = 0;
    long pid = getpid();
    for (int i = 0; i < 300000; i++) {
        same += syscall(SYS_getpid) == pid;
    }
    return same;
}

static uint64_t bench_pagefaults(void)
{
    enum { SIZE = 32 << 20 };
    uint64_t sum = 0;
    for (int round = 0; round < 4; round++) {
        char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(memory, SIZE, MADV_NOHUGEPAGE);
        for (int i = 0; i < SIZE; i += 4096) {
            memory[i] = (char)i;
            sum++;
        }
        munmap(memory, SIZE);
    }
    return sum;
}

static uint64_t bench_forkexec(void)
{
    uint64_t good = 0;
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl(self, self, "nothing", (char *)NULL);
            _exit(127);
        }
        int status;
        good += waitpid(child, &status, 0) == child && status == 0;
    }
    return good;
}

/* Two processes hand a byte to and fro: context switches. */
static uint64_t bench_pipes(void)
{
    enum { COUNT = 10000 };
    int there[2], back[2];
    if (pipe(there) || pipe(back)) {
        return 0;
    }
    char byte = 0;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < COUNT; i++) {
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) {
                _exit(1);
            }
        }
        _exit(0);
    }
    uint64_t good = 0;
    for (int i = 0; i < COUNT; i++) {
        good += write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1;
    }
    waitpid(child, NULL, 0);
    return good;
}

static uint64_t bench_nothing(void)
{
    return 0;
}

static const struct {
    const char *name;
    uint64_t (*run)(void);
} benches[] = {
    {"sort", bench_sort},
    {"hash", bench_hashing},
    {"interpreter", bench_interpreter},
    {"calls", bench_calls},
    {"indirect", bench_indirect},
    {"bignum", bench_bignum},
    {"mandelbrot", bench_mandelbrot},
    {"memcpy", bench_memcpy},
    {"strings", bench_strings},
    {"pointers", bench_pointers},
    {"atomics", bench_atomics},
    {"syscalls", bench_syscalls},
    {"pagefaults", bench_pagefaults},
    {"forkexec", bench_forkexec},
    {"pipes", bench_pipes},
    {"nothing", bench_nothing},
};

static int run(const char *name)
{
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        if (strcmp(benches[i].name, name) == 0) {
            double started = bench_now();
            uint64_t sum = benches[i].run();
            if (benches[i].run != bench_nothing) {
                bench_report(name, bench_now() - started, sum);
            }
            return 0;
        }
    }
    fprintf(stderr, "micro: no benchmark called %s\n", name);
    return 1;
}

int main(int argc, char **argv)
{
    self = "/proc/self/exe";
    int status = 0;
    for (int i = 1; i < argc; i++) {
        status |= run(argv[i]);
    }
    return status;
}
