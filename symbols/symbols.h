// SPDX-License-Identifier: MIT
//
// Names for the guest's addresses: from an ELF file's symbol table, from a System.map, or from the
// kallsyms tables that a Linux kernel carries in itself.
//
// Addresses in a table are those the kernel was linked for. Where it runs is another matter: before
// its MMU is on at the physical place where it was loaded, later at an address that it may have
// chosen at random (KASLR). symbols_found_vectors() learns the second from the place of the
// exception vectors.
//
// A table is filled by one thread; then it is read by any. The place is atomic.
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/error.h"

typedef struct Symbols Symbols;

Symbols *symbols_create(void); /* empty; NULL when out of memory */
void symbols_destroy(Symbols *s);
size_t symbols_count(const Symbols *s);

/* Fill an empty table. The sources are bytes of a file; false when there are no symbols in them. */
bool symbols_load_elf(Symbols *s, const uint8_t *bytes, size_t size);
bool symbols_load_system_map(Symbols *s, const uint8_t *bytes, size_t size);
/* An uncompressed arm64 Image, whose first byte is at the symbol _text. */
bool symbols_load_kallsyms(Symbols *s, const uint8_t *image, size_t size);
/* A file of either of the first two kinds. */
bool symbols_load_file(Symbols *s, const char *path, Error **err) MUST_CHECK;

/* The symbol _text stands at this physical address while the kernel runs there. */
void symbols_set_physical(Symbols *s, uint64_t address);
/* The running kernel's exception vectors are at this address: its symbol "vectors". An address that
 * cannot be is ignored, and so are all after the first that can. */
void symbols_found_vectors(Symbols *s, uint64_t address);
bool symbols_placed(const Symbols *s); /* true: symbols_found_vectors() has nothing to find */
void symbols_forget_vectors(Symbols *s); /* after a reset */

/* The symbol at or before a running address, and how far before; NULL: there is none. */
const char *symbols_find(const Symbols *s, uint64_t address, uint64_t *offset);
/* "name+0x1c" into `text`, or an empty string; returns whether there is a name. `s` may be NULL. */
bool symbols_describe(const Symbols *s, uint64_t address, char *text, size_t len);
/* The running address of a name. */
bool symbols_address(const Symbols *s, const char *name, uint64_t *address);

#endif
