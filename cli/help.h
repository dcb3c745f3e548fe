// SPDX-License-Identifier: MIT
//
// What the program tells about itself.
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>
#include "cli/options.h"

void help_print_short(void);
void help_print_options(void);
void help_print_version(void);
/* Answer '-M help', '-cpu help', '-device help', '-accel help', '-d help' and their '?'. True when
 * one was asked. */
bool help_answer(const Options *o);

#endif
