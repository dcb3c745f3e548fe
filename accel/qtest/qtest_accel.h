// SPDX-License-Identifier: MIT
//
// The engine without execution (-accel qtest): CPUs exist and stand still, virtual time moves only
// when somebody sets it (softmmu/clock.h). Devices are driven from outside, by server.c.
#ifndef ACCEL_QTEST_QTEST_ACCEL_H
#define ACCEL_QTEST_QTEST_ACCEL_H

#include "accel/accel.h"

extern const AccelType qtest_accel_type;

#endif
