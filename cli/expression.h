// SPDX-License-Identifier: MIT
//
// Arithmetic for the monitor: "$pc + 4 * 8".
#ifndef CLI_EXPRESSION_H
#define CLI_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

/* The value of a "$name"; false: there is no such name. */
typedef bool ExpressionName(void *opaque, const char *name, uint64_t *value);

/* Numbers as in C, names, parentheses, and C's + - * / % & | ^ ~ with C's precedence, on 64 bits.
 * `*end` gets what follows the expression. */
bool expression_parse(const char *text, const char **end, ExpressionName *name, void *opaque,
                      uint64_t *value, Error **err) MUST_CHECK;

#endif
