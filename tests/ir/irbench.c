// SPDX-License-Identifier: MIT
//
// What translation costs, without a guest: nanoseconds per guest instruction for building IR,
// for each pass, and for compiling, over a unit like those of compiled A64 code (loads, sums,
// a flag-setting subtraction and its branch). `irbench [REPEATS]`; the median of the repeats is
// printed. Figures are only comparable within one run on one machine.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/ir/rig.h"
#include "tcg/builder.h"
#include "tcg/internal.h"
#include "tcg/opt/opt.h"
#include "util/bitops.h"
#include "util/clock.h"

#define ROUNDS 200
#define GROUPS 6 /* of the instructions below, in a unit */

enum { STEP_BUILD, STEP_FORWARD, STEP_DEAD, STEP_COMPILE, STEP_COUNT };

static const char *const step_names[STEP_COUNT] = {
    "build", "copy+fold", "dead", "compile (interp)",
};

/* Globals of the rig: x0..x7 are 0..7, nzcv is 12. */
#define NZCV 12

/* ldr x1, [x0, #8]; add x2, x1, #16; sub x2, x2, x3; and w4, w2, #0xff; str x4, [x0, #24];
 * lsl x5, x4, #3; cmp x5, x2; csel x6, x5, x2, hi: 8 instructions. */
static void build_group(IrBuilder *b, Vaddr *pc)
{
    ir_insn_start(b, *pc);
    IrRef a = ir_get(b, IR_I64, 0);
    ir_set(b, IR_I64, ir_ld(b, IR_I64, ir_add(b, IR_I64, a, ir_imm64(b, 8)), 3, 0), 1);
    ir_insn_start(b, *pc + 4);
    ir_set(b, IR_I64, ir_add(b, IR_I64, ir_get(b, IR_I64, 1), ir_imm64(b, 16)), 2);
    ir_insn_start(b, *pc + 8);
    ir_set(b, IR_I64, ir_sub(b, IR_I64, ir_get(b, IR_I64, 2), ir_get(b, IR_I64, 3)), 2);
    ir_insn_start(b, *pc + 12);
    IrRef w = ir_and(b, IR_I32, ir_trunc(b, ir_get(b, IR_I64, 2)), ir_imm32(b, 0xff));
    ir_set(b, IR_I64, ir_zext(b, w), 4);
    ir_insn_start(b, *pc + 16);
    ir_st(b, IR_I64, ir_add(b, IR_I64, ir_get(b, IR_I64, 0), ir_imm64(b, 24)),
          ir_get(b, IR_I64, 4), 3, 0);
    ir_insn_start(b, *pc + 20);
    ir_set(b, IR_I64, ir_shl(b, IR_I64, ir_get(b, IR_I64, 4), ir_imm64(b, 3)), 5);
    ir_insn_start(b, *pc + 24);
    ir_set(b, IR_I32, ir_nzcv_sub(b, IR_I64, ir_get(b, IR_I64, 5), ir_get(b, IR_I64, 2)), NZCV);
    ir_insn_start(b, *pc + 28);
    ir_set(b, IR_I64, ir_self(b, IR_I64, ir_get(b, IR_I32, NZCV), ir_get(b, IR_I64, 5),
                              ir_get(b, IR_I64, 2), IR_COND_HI), 6);
    *pc += 32;
}

/* GROUPS times the above, then subs and b.ne. Returns the number of guest instructions. */
static unsigned build_unit(IrUnit *u)
{
    IrBuilder b;
    Vaddr pc = 0x4000;
    ir_builder_init(&b, u);
    for (unsigned n = 0; n < GROUPS; n++) {
        build_group(&b, &pc);
    }
    uint32_t then = ir_block_create(&b), els = ir_block_create(&b);
    IrRef x = ir_get(&b, IR_I64, 7), one = ir_imm64(&b, 1);
    ir_set(&b, IR_I32, ir_nzcv_sub(&b, IR_I64, x, one), NZCV);
    ir_set(&b, IR_I64, ir_sub(&b, IR_I64, x, one), 7);
    ir_brf(&b, ir_get(&b, IR_I32, NZCV), IR_COND_NE, IR_TARGETS(then, els));
    ir_block_begin(&b, then);
    ir_exit_pc(&b, IR_EXIT_POLL, 0x4000);
    ir_block_begin(&b, els);
    ir_exit_pc(&b, 0, pc + 8);
    return GROUPS * 8 + 2;
}

static unsigned count_insns(const IrUnit *u)
{
    unsigned n = 0;
    for (uint32_t b = 0; b < u->block_count; b++) {
        n += u->blocks[b]->count;
    }
    return n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct Bench {
    IrUnit *u;
    TcgContext *ctx;
    double ns[STEP_COUNT];
    unsigned guest, before, after;
} Bench;

static void run_round(Bench *k)
{
    int64_t t[STEP_COUNT + 1];
    ir_unit_reset(k->u);
    t[0] = host_clock_ns();
    k->guest = build_unit(k->u);
    k->before = count_insns(k->u);
    t[1] = host_clock_ns();
    opt_forward(k->u, (unsigned)TCG_PASS_ALL, NULL);
    t[2] = host_clock_ns();
    opt_dead(k->u);
    t[3] = host_clock_ns();
    TcgCode *code = tcg_compile(k->ctx, k->u);
    t[4] = host_clock_ns();
    assert(code);
    (void)code;
    k->after = count_insns(k->u);
    for (unsigned s = 0; s < STEP_COUNT; s++) {
        k->ns[s] += (double)(t[s + 1] - t[s]);
    }
}

int main(int argc, char **argv)
{
    unsigned repeats = argc > 1 ? strtoul(argv[1], NULL, 0) : 21;
    const TcgConfig config = { .globals = &rig_globals, .buffer_bytes = 64 << 20,
                               .interpreter = true };
    Error *err = NULL;
    Bench k = { .u = ir_unit_create(&rig_globals), .ctx = tcg_context_create(&config, &err) };
    double *ns[STEP_COUNT];
    assert(k.u && k.ctx && repeats);
    for (unsigned s = 0; s < STEP_COUNT; s++) {
        ns[s] = calloc(repeats, sizeof ns[s][0]);
    }
    for (unsigned n = 0; n < repeats; n++) {
        for (unsigned s = 0; s < STEP_COUNT; s++) {
            k.ns[s] = 0;
        }
        for (unsigned round = 0; round < ROUNDS; round++) {
            run_round(&k);
        }
        tcg_flush(k.ctx);
        for (unsigned s = 0; s < STEP_COUNT; s++) {
            ns[s][n] = k.ns[s] / ROUNDS / k.guest;
        }
    }
    printf("%u guest instructions, %u of IR, %u after the passes\n", k.guest, k.before, k.after);
    for (unsigned s = 0; s < STEP_COUNT; s++) {
        qsort(ns[s], repeats, sizeof ns[s][0], compare);
        printf("%-18s %7.1f ns per guest instruction\n", step_names[s], ns[s][repeats / 2]);
        free(ns[s]);
    }
    tcg_context_destroy(k.ctx);
    ir_unit_destroy(k.u);
    return 0;
}
