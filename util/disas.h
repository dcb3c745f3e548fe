// SPDX-License-Identifier: MIT
//
// Disassembly, by capstone: for the log and the monitor.
#ifndef UTIL_DISAS_H
#define UTIL_DISAS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Disas Disas;

/* `arch` and `mode` are capstone's cs_arch and cs_mode. Bytes that are no instruction are printed
 * `step` at a time. NULL: out of memory, or an architecture that capstone was built without. */
Disas *disas_open(int arch, int mode, size_t step);
void disas_close(Disas *d); /* NULL is ignored */

/* Print one instruction as a line; returns how many bytes it had (at least 1 of `size` > 0). */
size_t disas_print(Disas *d, const uint8_t *code, size_t size, uint64_t address, FILE *out);

#endif
