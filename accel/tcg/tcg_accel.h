// SPDX-License-Identifier: MIT
//
// The translation engine's row for accel_types[].
#ifndef ACCEL_TCG_TCG_ACCEL_H
#define ACCEL_TCG_TCG_ACCEL_H

#include "accel/accel.h"

extern const AccelType tcg_accel_type;

#endif
