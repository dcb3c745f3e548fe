// SPDX-License-Identifier: MIT
//
// Inside of the interpreter backend: the compact form of a unit, and the parts that are not the
// main loop (guest memory, helper calls).
#ifndef TCG_INTERP_INTERP_H
#define TCG_INTERP_INTERP_H

#include <ffi.h>
#include <setjmp.h>
#include "tcg/internal.h"

/* Opcodes of the compact form beyond IrOp. */
enum {
    INTERP_GET_LOCAL = IR_OP_COUNT, /* imm: slot of the frame */
    INTERP_SET_LOCAL,
};

#define INTERP_CONST 0x8000u /* operand: constant of the unit, else slot of the frame */

/* An instruction. Block targets are indices of instructions. */
typedef struct InterpInsn {
    uint8_t op;      /* IrOp or above */
    uint8_t type;    /* IrType */
    uint16_t sub;
    uint16_t dst;    /* slot of the frame */
    uint16_t arg[3];
    uint16_t more[2]; /* operands 3, 4 */
    union {
        uint64_t imm;
        struct InterpCall *call;
    };
} InterpInsn;

/* A unit. Slots of the frame are shared by values that do not live at the same time. */
typedef struct InterpUnit {
    TcgCode *code;
    const V128 *consts;
    uint32_t frame_slots;
    uint8_t nan_rule;
    InterpInsn insns[];
} InterpUnit;

/* A helper prepared for libffi; shared by all units of a context. */
typedef struct InterpCall {
    struct InterpCall *next;
    const IrHelper *helper;
    ffi_cif cif;
    ffi_type *types[IR_MAX_ARGS + 1];
} InterpCall;

#define INTERP_CALL_BUCKETS 256

typedef struct InterpContext {
    uint8_t *code; /* one address range, bump-allocated in pieces */
    size_t used, limit, size; /* of code: next to be used, the end of the piece, all */
    InterpCall *calls[INTERP_CALL_BUCKETS];
} InterpContext;

typedef struct InterpThread {
    V128 *frame;
    uint32_t frame_slots;
    IrExitReason reason;
    jmp_buf unwind;
} InterpThread;

/* The state of the main loop. */
typedef struct Interp {
    uint8_t *env;
    const V128 *base[2]; /* frame; constants */
    const InterpInsn *at;
    const InterpUnit *unit;
    const TcgConfig *config;
    TcgThread *thread;
} Interp;

static inline const V128 *interp_operand(const Interp *s, uint16_t r)
{
    return &s->base[r >> 15][r & (INTERP_CONST - 1)];
}

static inline V128 *interp_slot(const Interp *s, uint16_t r)
{
    return (V128 *)&s->base[0][r];
}

/* interp.c: run `unit` until translated code leaves. */
TcgExit interp_run(TcgThread *t, const InterpUnit *unit);

/* memory.c: guest accesses of instruction `i`. */
void interp_load(Interp *s, const InterpInsn *i);
void interp_store(Interp *s, const InterpInsn *i);
void interp_rmw(Interp *s, const InterpInsn *i);
void interp_cas(Interp *s, const InterpInsn *i);

/* call.c */
InterpCall *interp_call_prepare(InterpContext *c, const IrHelper *h); /* NULL: out of memory */
void interp_call(Interp *s, const InterpInsn *i);
void interp_calls_free(InterpContext *c);

#endif
