// SPDX-License-Identifier: MIT
//
// Make a program smaller while something about it stays true.
#ifndef TESTS_IR_SHRINK_H
#define TESTS_IR_SHRINK_H

#include "tests/ir/rig.h"

typedef bool ShrinkPredicate(void *opaque, const char *text);

/* The smallest program found (to free()) for which `still` holds, starting with `text`. */
char *shrink_program(const char *text, ShrinkPredicate *still, void *opaque);

#endif
