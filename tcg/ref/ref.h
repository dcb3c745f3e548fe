// SPDX-License-Identifier: MIT
//
// The meaning of every floating-point and vector opcode, as a C function: the definition that
// the interpreter runs, that machine code falls back to, and that fuzzing compares with.
//
// Exact per opcodes.def; where that names an Arm instruction, per its pseudocode (Arm ARM, DDI
// 0487, C7 and J1). Floating point runs on the host, in the mode of the host's control register
// and collecting in its sticky flags, which translated code keeps the guest's in; only the
// choice of NaN results is done here, by the unit's IrNanRule. There is no state.
#ifndef TCG_REF_REF_H
#define TCG_REF_REF_H

#include "tcg/ir.h"

/* What an instruction says beside its operands. */
typedef struct IrRefCtl {
    uint64_t imm;
    uint16_t sub;
    uint8_t type;     /* IrType T */
    uint8_t arg_type; /* IrType of the operand that the table calls X; else that of arg0 */
    uint8_t nan_rule; /* IrNanRule of the unit */
} IrRefCtl;

/* d = op(a, b, c). Scalars (i32, i64, f32, f64) stand as bits in lane 0; above, operands may hold
 * anything and results are zero. Operands that the opcode lacks may be NULL; `d` may be one of
 * the operands. Total: sub and imm out of range are reduced, never undefined. */
typedef void IrRefFn(V128 *d, const V128 *a, const V128 *b, const V128 *c, const IrRefCtl *ctl);

/* By IrOp; NULL for opcodes that are neither floating-point nor vector. */
extern IrRefFn *const ir_ref_fns[IR_OP_COUNT];

#endif
