// SPDX-License-Identifier: MIT
//
// Reference functions of vector opcodes against the A64 instructions that they are made for, as
// qemu-aarch64 executes them. Needs qemu-aarch64-static or qemu-aarch64 in the path, and the
// program of ref_oracle_a64.c, named by REF_A64_PROGRAM; otherwise skipped.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tcg/ref/ref.h"
#include "tests/ir/ref_a64_ops.h"
#include "util/bitops.h"

#define ROUNDS 400u

typedef struct Row {
    uint8_t op;
    uint16_t sub;
    uint64_t imm;
    const char *insn;
} Row;

#define ROW(op, es, imm, insn) { IR_OP_##op, es, imm, insn },
static const Row rows[] = { REF_A64_OPS(ROW) };

static uint64_t rng_state = 42;

static uint64_t rng(void)
{
    uint64_t z = rng_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Lanes at the ends of their range, about the width, or anything. */
static void random_vector(unsigned esize, uint64_t out[2])
{
    unsigned kind = rng() % 4, bits = 8u << esize;
    for (unsigned i = 0; i < 16u >> esize; i++) {
        uint64_t r = rng(), x = r >> 8;
        switch (kind == 3 ? r & 3 : kind) {
        case 0: x = (r & 4 ? BIT(bits - 1) : 0) + (r >> 8) % 5 - 2; break;
        case 1: x = (r >> 8) % (2 * bits + 3) - bits - 1; break;
        default: break;
        }
        memcpy((uint8_t *)out + (i << esize), &x, 1u << esize);
    }
}

static FILE *ask_oracle(const char *program, char *path)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0, "cannot create %s", path);
    FILE *f = fdopen(fd, "wb");
    for (size_t i = 0; i < ROUNDS * ARRAY_SIZE(rows); i++) {
        RefRequest q = { .op = i / ROUNDS };
        for (unsigned k = 0; k < 3; k++) {
            random_vector(rows[q.op].sub, q.v[k]);
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

Test(ref_a64, same_result_as_qemu, .timeout = 300)
{
    const char *program = getenv("REF_A64_PROGRAM");
    if (!program || access(program, X_OK)) {
        cr_skip("REF_A64_PROGRAM names no program: aarch64-linux-gnu-gcc was absent at build time");
    }
    if (system("command -v qemu-aarch64-static qemu-aarch64 >/dev/null")) {
        cr_skip("neither qemu-aarch64-static nor qemu-aarch64 is installed");
    }
    char path[] = "/tmp/ref-requests-XXXXXX";
    FILE *answers = ask_oracle(program, path);
    FILE *requests = fopen(path, "rb");
    cr_assert(answers && requests);

    static unsigned wrong[ARRAY_SIZE(rows)];
    RefRequest q;
    RefAnswer want;
    size_t n = 0;
    while (fread(&q, sizeof(q), 1, requests) == 1 && fread(&want, sizeof(want), 1, answers) == 1) {
        const Row *row = &rows[q.op];
        IrRefCtl ctl = { .type = IR_V128, .arg_type = IR_V128, .sub = row->sub, .imm = row->imm };
        V128 d, v[3];
        memcpy(v, q.v, sizeof(v));
        for (unsigned i = 0; row->op == IR_OP_VSQSHLU && i < 16; i++) {
            v[1].b[i] = (uint8_t)row->imm;
        }
        ir_ref_fns[row->op](&d, &v[0], &v[1], &v[2], &ctl);
        n++;
        if (memcmp(&d, want.v, sizeof(d)) && wrong[q.op]++ == 0) {
            fprintf(stderr, "%s: %016" PRIx64 ":%016" PRIx64 " %016" PRIx64 ":%016" PRIx64
                    " gives %016" PRIx64 ":%016" PRIx64 ", qemu %016" PRIx64 ":%016" PRIx64 "\n",
                    row->insn, q.v[0][1], q.v[0][0], q.v[1][1], q.v[1][0], d.d[1], d.d[0],
                    want.v[1], want.v[0]);
        }
    }
    fclose(requests);
    unlink(path);
    cr_expect_eq(pclose(answers), 0);
    cr_expect_eq(n, ROUNDS * ARRAY_SIZE(rows), "%zu answers", n);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_expect_eq(wrong[i], 0, "%s: %u of %u differ", rows[i].insn, wrong[i], ROUNDS);
    }
}
