// SPDX-License-Identifier: MIT
//
// The rounding mode that the host's floating-point instructions are in; one file per host.
#ifndef TCG_REF_HOST_MODE_H
#define TCG_REF_HOST_MODE_H

#include "tcg/ir.h"

IrRound ref_host_round(void);

#endif
