// SPDX-License-Identifier: MIT
//
// The words of the IR's text form, shared by the printer and the parser (private to tcg/).
#ifndef TCG_TEXT_H
#define TCG_TEXT_H

#include "tcg/ir.h"

/* The words of an enum, ended by NULL. */
extern const char *const ir_cc_names[], *const ir_cond_names[], *const ir_round_names[],
    *const ir_fence_names[], *const ir_reason_names[], *const ir_esize_names[],
    *const ir_rmw_names[], *const ir_sign_names[], *const ir_nan_names[];

typedef struct IrFlagName {
    const char *name;
    uint32_t bit;
} IrFlagName;

/* The flags of `memop` (after its size in bits) and of `exit`; ended by a NULL name. */
extern const IrFlagName ir_memop_flags[], ir_exit_flags[];

/* The words of a sub or imm that is an enum, else NULL. */
const char *const *ir_sub_words(IrSubKind kind);
const char *const *ir_imm_words(IrImmKind kind);

static inline bool ir_kind_is_typed(IrKind kind)
{
    return kind != IR_KIND_ANY_INT && kind != IR_KIND_ANY_FLT && kind != IR_KIND_ANY_SCALAR;
}

/* The type that operand `n` of `insn` has by the table or by its helper; IR_VOID when the table
 * leaves a choice. */
IrType ir_arg_type(const IrInsn *insn, unsigned n);
unsigned ir_arg_count(const IrInsn *insn);
/* The type of the result, or IR_VOID. */
IrType ir_result_type(const IrInsn *insn);

static inline const IrHelper *ir_insn_helper(const IrInsn *insn)
{
    return (const IrHelper *)(uintptr_t)insn->imm;
}

#endif
