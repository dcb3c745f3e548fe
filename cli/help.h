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
/* Answer -help, -version, and an option whose value is 'help', '?' or 'NAME,help'; *answered tells
 * whether one was given. False with an Error when there is no help on that NAME. */
bool help_answer(const Options *o, bool *answered, Error **err) MUST_CHECK;

#endif
