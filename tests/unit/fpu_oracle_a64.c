// SPDX-License-Identifier: MIT
//
// Runs under qemu-aarch64: reads FpuRequest records from standard input, executes the instruction
// each one names with that FPCR, and writes FpuAnswer records. See fpu_ops.h.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/fpu_ops.h"

#define EXECUTE(name, width, insn, expression)                                              \
    static void execute_##name(const FpuRequest *q, FpuAnswer *r)                           \
    {                                                                                       \
        __asm__ volatile(".arch armv8.5-a+fp16\n"                                           \
                         "fmov d0, %2\n fmov d1, %3\n fmov d2, %4\n mov x0, %2\n"           \
                         "movi d3, #0\n mov x3, xzr\n"                                      \
                         "msr fpcr, %5\n msr fpsr, xzr\n"                                   \
                         insn "\n"                                                          \
                         "mrs %1, fpsr\n msr fpcr, xzr\n"                                   \
                         "fmov x4, d3\n orr %0, x3, x4\n"                                   \
                         : "=&r"(r->result), "=&r"(r->fpsr)                                 \
                         : "r"(q->a), "r"(q->b), "r"(q->c), "r"(q->fpcr)                    \
                         : "x0", "x3", "x4", "v0", "v1", "v2", "v3", "cc", "memory");       \
    }
FPU_OPS(EXECUTE)

#define ENTRY(name, width, insn, expression) execute_##name,
static void (*const execute[])(const FpuRequest *, FpuAnswer *) = { FPU_OPS(ENTRY) };

int main(void)
{
    static FpuRequest in[1024];
    static FpuAnswer out[1024];
    size_t n;
    while ((n = fread(in, sizeof(in[0]), 1024, stdin)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (in[i].op >= sizeof(execute) / sizeof(execute[0])) {
                return EXIT_FAILURE;
            }
            execute[in[i].op](&in[i], &out[i]);
        }
        if (fwrite(out, sizeof(out[0]), n, stdout) != n) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
