// SPDX-License-Identifier: MIT
//
// The rounding mode of the host's floating-point instructions; one file per host.
#ifndef TCG_REF_HOST_MODE_H
#define TCG_REF_HOST_MODE_H

#include "tcg/ir.h"

IrRound ref_host_round(void);
/* From now on; one of the four modes that hosts have. Sticky flags stay. */
void ref_host_set_round(IrRound mode);

#endif
