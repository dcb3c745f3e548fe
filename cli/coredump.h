// SPDX-License-Identifier: MIT
//
// The guest's memory and CPUs as an ELF core file, for debuggers and crash analysers.
#ifndef CLI_COREDUMP_H
#define CLI_COREDUMP_H

#include "hw/core/machine.h"

/* While the CPUs are paused. A PT_LOAD for each stretch of RAM and ROM, by physical address, and a
 * NT_PRSTATUS note with the general registers of each CPU. */
bool coredump_write(const Machine *m, const char *path, Error **err) MUST_CHECK;

#endif
