// SPDX-License-Identifier: MIT
//
// Host instructions for scalar floating point. Opcodes without a row here go by their reference
// function (tcg/ref/), which is also what the rows' out-of-line fix-ups call.
#include "tcg/x86_64/emit.h"

const EmitEntry emit_fp_table[IR_OP_COUNT] = { { NULL, 0 } };
