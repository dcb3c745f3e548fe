// SPDX-License-Identifier: MIT
//
// -object memory-backend-*, -M memory-backend=, -mem-path and -mem-prealloc: where guest memory is.
#ifndef CLI_OBJECTS_H
#define CLI_OBJECTS_H

#include <stdio.h>
#include "cli/create.h"

/* Fills in s->machine->config.ram_source, and ram_bytes where -m did not. */
bool objects_configure(Session *s, const Options *o, Error **err) MUST_CHECK;
void objects_print_types(FILE *out);
bool objects_print_options(const char *type, FILE *out, Error **err) MUST_CHECK;

#endif
