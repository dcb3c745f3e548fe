// SPDX-License-Identifier: MIT
//
// Runs under qemu-aarch64: reads RefRequest records from standard input, executes the
// instructions of the row that each one names, and writes RefAnswer records. See ref_a64_ops.h.
#include <stdio.h>
#include <stdlib.h>
#include "tests/ir/ref_a64_ops.h"


/* One function of one `case` a row: rows have no names. */
#define EXECUTE(op, es, imm, insn)                                                          \
    case __COUNTER__ - FIRST:                                                               \
        __asm__ volatile(".arch armv8.6-a+crypto\n"                                           \
                         "ldp q16, q17, [%0]\n ldr q18, [%0, #32]\n"                        \
                         "movi v31.2d, #0\n movi v19.2d, #0\n " insn "\n str q19, [%1]\n"   \
                         :: "r"(q->v), "r"(r->v)                                            \
                         : "v16", "v17", "v18", "v19", "v31", "memory");                    \
        break;
enum { FIRST = __COUNTER__ + 1 };

static void execute(const RefRequest *q, RefAnswer *r)
{
    switch (q->op) {
        REF_A64_OPS(EXECUTE)
    default: exit(EXIT_FAILURE);
    }
}

int main(void)
{
    static RefRequest in[1024];
    static RefAnswer out[1024];
    size_t n;
    while ((n = fread(in, sizeof(in[0]), 1024, stdin)) > 0) {
        for (size_t i = 0; i < n; i++) {
            execute(&in[i], &out[i]);
        }
        if (fwrite(out, sizeof(out[0]), n, stdout) != n) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
