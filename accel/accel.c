// SPDX-License-Identifier: MIT
//
// The engines of this build, in the order in which `-accel help` lists them.
#include "accel/accel.h"

#include "accel/qtest/qtest_accel.h"
#include "accel/tcg/tcg_accel.h"

const AccelType *const accel_types[] = { &tcg_accel_type, &qtest_accel_type, NULL };
