// SPDX-License-Identifier: MIT
// What the generated recorder of the decoder tests notes about one instruction: the operation
// (enum A64Op) and the arguments in the order of their argument set.
#ifndef TESTS_DECODE_RECORDER_H
#define TESTS_DECODE_RECORDER_H

#include <stdint.h>

struct DisasContext {
    int op;
    int64_t args[8];
};

#endif
