// SPDX-License-Identifier: MIT
//
// Memory of a unit, private to tcg/: the arena of its instructions (also used as scratch space by
// passes and backends, by mark and release) and the hash table of its constants.
#ifndef TCG_IR_ARENA_H
#define TCG_IR_ARENA_H

#include "tcg/ir.h"

typedef struct IrArena {
    uint8_t *base;
    size_t used;
    uint32_t *hash; /* open addressing; index of a constant + 1 */
    uint32_t hash_count;
} IrArena;

/* Uninitialised, aligned to 16, never NULL. */
void *ir_arena_alloc(IrArena *a, size_t bytes);

static inline size_t ir_arena_mark(const IrArena *a)
{
    return a->used;
}

/* Forget what was allocated since `mark`. */
void ir_arena_release(IrArena *a, size_t mark);

#endif
