// SPDX-License-Identifier: MIT
//
// Soft-float against the A64 instructions it stands for, as qemu-aarch64 executes them, under
// every combination of FPCR modes. Needs qemu-aarch64-static or qemu-aarch64 in the path, and the
// program of fpu_oracle_a64.c, named by FPU_A64_PROGRAM; otherwise skipped. FPU_A64_ROUNDS sets the
// number of operand sets for each instruction.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/fpu_operands.h"
#include "tests/unit/fpu_ops.h"
#include "util/bitops.h"
#include "util/fpu/softfloat.h"

/* The flags of a comparison as FCMP sets them. */
static uint64_t fpu_nzcv(FpOrder order)
{
    static const uint32_t nzcv[] = { 0x80000000, 0x60000000, 0x20000000, 0x30000000 };
    return nzcv[order + 1];
}

static uint64_t fpu_fjcvtzs(uint64_t a, FpStatus *s)
{
    bool exact;
    return (uint32_t)f64_to_i32_js(a, &exact, s);
}

static uint64_t fpu_fjcvtzs_nzcv(uint64_t a, FpStatus *s)
{
    bool exact;
    f64_to_i32_js(a, &exact, s);
    return exact ? 0x40000000 : 0;
}

/* Few instructions use all of a, b, c and s. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define COMPUTE(name, width, insn, expression)                                              \
    static uint64_t compute_##name(uint64_t a, uint64_t b, uint64_t c, FpStatus *s)         \
    {                                                                                       \
        return expression;                                                                  \
    }
FPU_OPS(COMPUTE)

typedef struct Op {
    const char *name;
    unsigned width;
    uint64_t (*compute)(uint64_t a, uint64_t b, uint64_t c, FpStatus *s);
} Op;

#define ENTRY(name, width, insn, expression) { #name, width, compute_##name },
static const Op ops[] = { FPU_OPS(ENTRY) };

static FpStatus status_of_fpcr(uint64_t fpcr)
{
    FpStatus s = FP_STATUS_ARM;
    s.rounding = bits_get(fpcr, 22, 2);
    s.flush_f16 = bits_get(fpcr, 19, 1);
    s.flush_inputs = s.flush_outputs = bits_get(fpcr, 24, 1);
    s.default_nan = bits_get(fpcr, 25, 1);
    s.ahp = bits_get(fpcr, 26, 1);
    return s;
}

static uint64_t random_fpcr(FpuRandom *r)
{
    uint64_t v = fpu_random(r);
    return bits_get(v, 8, 2) << 22 | bits_get(v, 10, 1) << 19 | bits_get(v, 11, 3) << 24;
}

/* Writes the requests to a file, runs the program over it, and returns the answers' stream. */
static FILE *ask_oracle(const char *program, char *path, size_t rounds)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0, "cannot create %s", path);
    FILE *f = fdopen(fd, "wb");
    FpuRandom r = { 0x9e3779b97f4a7c15 };
    for (size_t i = 0; i < rounds * ARRAY_SIZE(ops); i++) {
        unsigned width = ops[i / rounds].width;
        FpuRequest q = { .op = i / rounds, .fpcr = random_fpcr(&r) };
        q.a = fpu_random_operand(&r, width);
        q.b = fpu_random_operand(&r, width);
        q.c = fpu_random_operand(&r, width);
        if (width && fpu_random(&r) % 4 == 0) {
            /* A c near -a * b is rare by chance; c = a or -a at least for b near one. */
            q.c = fpu_random(&r) & 1 ? q.a : FPU_NEG(width, q.a);
        }
        fwrite(&q, sizeof(q), 1, f);
    }
    fclose(f);
    char command[512];
    snprintf(command, sizeof(command),
             "q=$(command -v qemu-aarch64-static || command -v qemu-aarch64) && "
             "exec $q -cpu max '%s' <%s", program, path);
    return popen(command, "r");
}

/* QEMU before 9.1 calls the conversion of a flushed denormal exact (its issue 2375). */
static bool is_known_bug(const FpuRequest *q)
{
    return ops[q->op].compute == compute_fjcvtzs_z && bits_get(q->fpcr, 24, 1) &&
           bits_get(q->a, 52, 11) == 0;
}

Test(fpu_a64, same_result_and_flags_as_qemu, .timeout = 600)
{
    const char *program = getenv("FPU_A64_PROGRAM");
    if (!program || access(program, X_OK)) {
        cr_skip("FPU_A64_PROGRAM names no program: aarch64-linux-gnu-gcc was absent at build time");
    }
    if (system("command -v qemu-aarch64-static qemu-aarch64 >/dev/null")) {
        cr_skip("neither qemu-aarch64-static nor qemu-aarch64 is installed");
    }
    const char *wish = getenv("FPU_A64_ROUNDS");
    size_t rounds = wish ? strtoul(wish, NULL, 10) : 2000;
    char path[] = "/tmp/fpu-requests-XXXXXX";
    FILE *answers = ask_oracle(program, path, rounds);
    FILE *requests = fopen(path, "rb");
    cr_assert(answers && requests);

    unsigned wrong[ARRAY_SIZE(ops)] = { 0 };
    FpuRequest q;
    FpuAnswer expected;
    size_t n = 0;
    while (fread(&q, sizeof(q), 1, requests) == 1 &&
           fread(&expected, sizeof(expected), 1, answers) == 1) {
        FpStatus s = status_of_fpcr(q.fpcr);
        uint64_t result = ops[q.op].compute(q.a, q.b, q.c, &s);
        n++;
        if ((result == expected.result && s.flags == expected.fpsr) || is_known_bug(&q)) {
            continue;
        }
        if (wrong[q.op]++ < 3) {
            fprintf(stderr, "%s fpcr %08" PRIx64 " a %" PRIx64 " b %" PRIx64 " c %" PRIx64
                    ": %" PRIx64 " flags %02x, qemu %" PRIx64 " flags %02" PRIx64 "\n",
                    ops[q.op].name, q.fpcr, q.a, q.b, q.c, result, s.flags, expected.result,
                    expected.fpsr);
        }
    }
    fclose(requests);
    unlink(path);
    cr_expect_eq(pclose(answers), 0);
    cr_expect_eq(n, rounds * ARRAY_SIZE(ops), "%zu answers", n);
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        cr_expect_eq(wrong[i], 0, "%s: %u of %zu differ", ops[i].name, wrong[i], rounds);
    }
}
