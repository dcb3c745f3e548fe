// SPDX-License-Identifier: MIT
// A Linux program that writes its own code, in the ways that just-in-time compilers do
// (Arm ARM B2.4.4: clean, invalidate, barriers; here by the compiler's __builtin___clear_cache):
// in a page that is writable and executable, through a second mapping of the same memory, and in a
// page whose protection is toggled.  Several threads do so at once, each in pages of its own, and
// every function must return what was last written into it.  A loop stays and grows hot, while the
// function that it calls is rewritten between its runs.  Then one thread rewrites a function
// while others call it: they must see the old or the new one, and the new one in the end.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 3000, PAGE = 4096, FUNCTIONS = 16, GAP = 64 };
enum { HOT_ROUNDS = 400, HOT_COUNT = 200000 };

typedef uint32_t (*Function)(void);

// movz w0, #low; movk w0, #high, lsl #16; ret
static void write_function(uint32_t *at, uint32_t value)
{
    at[0] = 0x52800000u | (value & 0xffff) << 5;
    at[1] = 0x72a00000u | (value >> 16) << 5;
    at[2] = 0xd65f03c0u;
}

static void *must(void *mapping)
{
    if (mapping == MAP_FAILED) {
        perror("selfmod: mmap");
        exit(2);
    }
    return mapping;
}

static unsigned check(const char *how, char *code, uint32_t i, int f)
{
    const uint32_t want = i * FUNCTIONS + (uint32_t)f, got = ((Function)(void *)(code + f * GAP))();

    if (got != want) {
        printf("selfmod: %s: function %d of round %u returned %u\n", how, f, i, got);
        return 1;
    }
    return 0;
}

// One mapping that may do everything.
static unsigned writable(void)
{
    char *page = must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    unsigned wrong = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (int f = 0; f < FUNCTIONS; f++) {
            write_function((uint32_t *)(page + f * GAP), i * FUNCTIONS + (uint32_t)f);
            __builtin___clear_cache(page + f * GAP, page + f * GAP + 12);
            wrong += check("writable page", page, i, f);
        }
    }
    return wrong;
}

// One mapping to write, one to run.
static unsigned twice(void)
{
    const int fd = memfd_create("selfmod", 0);
    unsigned wrong = 0;

    if (fd < 0 || ftruncate(fd, PAGE) != 0) {
        perror("selfmod: memfd");
        exit(2);
    }
    char *page = must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    char *code = must(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (int f = 0; f < FUNCTIONS; f++) {
            write_function((uint32_t *)(page + f * GAP), i * FUNCTIONS + (uint32_t)f);
        }
        __builtin___clear_cache(code, code + PAGE);
        for (int f = 0; f < FUNCTIONS; f++) {
            wrong += check("second mapping", code, i, f);
        }
    }
    close(fd);
    return wrong;
}

// Never writable and executable at once.
static unsigned toggled(void)
{
    char *page = must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    unsigned wrong = 0;

    for (uint32_t i = 0; i < ROUNDS / 4; i++) {
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
        for (int f = 0; f < FUNCTIONS; f++) {
            write_function((uint32_t *)(page + f * GAP), i * FUNCTIONS + (uint32_t)f);
        }
        mprotect(page, PAGE, PROT_READ | PROT_EXEC);
        __builtin___clear_cache(page, page + PAGE);
        for (int f = 0; f < FUNCTIONS; f++) {
            wrong += check("toggled page", page, i, f);
        }
    }
    return wrong;
}

// x0 times: x2 += what the function at GAP says.
static const uint32_t calling_loop[] = {
    0xaa1e03e9u,    // mov x9, x30
    0xd2800002u,    // mov x2, #0
    0x9400000eu,    // bl GAP
    0xf1000400u,    // subs x0, x0, #1
    0x54ffffc1u,    // b.ne to the bl
    0xaa0203e0u,    // mov x0, x2
    0xaa0903feu,    // mov x30, x9
    0xd65f03c0u,    // ret
};

// A translator that takes its time with hot code must not come too late with what has changed.
static unsigned hot_loop(void)
{
    char *page = must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    uint32_t *function = (uint32_t *)(page + GAP);
    unsigned wrong = 0;

    memcpy(page, calling_loop, sizeof(calling_loop));
    for (uint64_t i = 0; i < HOT_ROUNDS; i++) {
        const uint64_t count = HOT_COUNT / 2 + i * 7919 % HOT_COUNT;
        function[0] = 0x91000042u | (uint32_t)i << 10;  // add x2, x2, #i
        function[1] = 0xd65f03c0u;                      // ret
        __builtin___clear_cache(page, page + PAGE);
        if (((uint64_t (*)(uint64_t))(void *)page)(count) != count * i) {
            printf("selfmod: hot loop: wrong sum in round %u\n", (unsigned)i);
            wrong++;
        }
    }
    return wrong;
}

static void *alone(void *argument)
{
    (void)argument;
    return (void *)(uintptr_t)(writable() + twice() + toggled() + hot_loop());
}

// --- One writes, others run ---------------------------------------------------------------------

typedef struct Shared {
    char *code;
    _Atomic uint32_t written;   // the code of this number is complete and visible
} Shared;

// Calls must never return an older value than the one announced before the call.
static void *caller(void *argument)
{
    Shared *shared = argument;
    uintptr_t wrong = 0;
    uint32_t before;

    do {
        before = atomic_load(&shared->written);
        __asm__ volatile("isb" : : : "memory");
        const uint32_t got = ((Function)(void *)shared->code)();
        if (got < before) {
            wrong++;
        }
    } while (before < ROUNDS);
    return (void *)wrong;
}

// A single instruction (movz w0, #n) may be exchanged while others run it: B and NOP and the like
// are architected, an immediate is one word and single-copy atomic besides.
static unsigned together(void)
{
    Shared shared = {.code = must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))};
    pthread_t callers[THREADS - 1];
    unsigned wrong = 0;

    write_function((uint32_t *)shared.code, 0);
    __builtin___clear_cache(shared.code, shared.code + 12);
    for (int i = 0; i < THREADS - 1; i++) {
        pthread_create(&callers[i], NULL, caller, &shared);
    }
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        atomic_store((_Atomic uint32_t *)shared.code, 0x52800000u | i << 5);
        __builtin___clear_cache(shared.code, shared.code + 4);
        atomic_store(&shared.written, i);
    }
    for (int i = 0; i < THREADS - 1; i++) {
        void *result;
        pthread_join(callers[i], &result);
        wrong += (unsigned)(uintptr_t)result;
    }
    printf("selfmod: %u stale calls of a function that another thread rewrites\n", wrong);
    return wrong;
}

int main(void)
{
    pthread_t threads[THREADS];
    unsigned wrong = 0;

    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, alone, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        wrong += (unsigned)(uintptr_t)result;
    }
    wrong += together();
    printf("selfmod: %u wrong results\n", wrong);
    return wrong != 0;
}
