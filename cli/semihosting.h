// SPDX-License-Identifier: MIT
//
// -semihosting and -semihosting-config.
#ifndef CLI_SEMIHOSTING_H
#define CLI_SEMIHOSTING_H

#include "hw/core/machine.h"
#include "cli/options.h"

/* Of -semihosting-config; ends with NULL. */
extern const char *const semihosting_parameters[];

/* *on: whether the guest gets it; then *c says how, and semihosting_free() is due in any case. */
bool configure_semihosting(SemihostingConfig *c, const Options *o, bool *on,
                           Error **err) MUST_CHECK;
void semihosting_free(SemihostingConfig *c);

#endif
