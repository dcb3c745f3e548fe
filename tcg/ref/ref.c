// SPDX-License-Identifier: MIT
//
// The table of reference functions.
#include "tcg/ref/internal.h"

#define REF_ROW(op, name) [IR_OP_##op] = ref_##name,

IrRefFn *const ir_ref_fns[IR_OP_COUNT] = { REF_OPS(REF_ROW) };
