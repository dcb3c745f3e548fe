// SPDX-License-Identifier: MIT
//
// The passes in order.
#include "tcg/backend.h"

void tcg_optimise(IrUnit *u, unsigned passes)
{
}
