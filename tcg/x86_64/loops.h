// SPDX-License-Identifier: MIT
//
// Predecessors of blocks and natural loops, in the arena of the unit that is compiled: loops.c.
#ifndef TCG_X86_64_LOOPS_H
#define TCG_X86_64_LOOPS_H

#include "tcg/x86_64/regalloc.h"
#include "util/bitops.h"

typedef struct RaPred {
    uint32_t from;
    uint32_t next;         /* index of the next edge to the same block + 1; 0: that was the last */
} RaPred;

typedef struct RaLoop {
    uint32_t head;
    uint32_t size;         /* blocks in body */
    uint64_t *body;        /* bit per block, with the head's */
    struct RaLoop *next;
} RaLoop;

typedef struct RaFlow {
    uint32_t block_words;  /* of a set of blocks */
    RaPred *preds;
    uint32_t *first_pred;  /* by block: index of an edge + 1 */
    uint8_t *depth;        /* by block: loops around it, 4 at most */
    RaLoop *loops;
} RaFlow;

static inline bool bit_get(const uint64_t *bits, uint32_t n)
{
    return bits[n / 64] >> (n % 64) & 1;
}

static inline void bit_set(uint64_t *bits, uint32_t n)
{
    bits[n / 64] |= BIT(n % 64);
}

void ra_split_edges(TcgEmit *e);  /* before ra_init(): what leads to a merge is a block of its own */
void ra_find_loops(TcgEmit *e);   /* blocks are ordered; ra->flow stays NULL if there is no merge */
/* NULL: `block` is in none. */
const RaLoop *ra_innermost_loop(const RegAlloc *ra, uint32_t block);

#endif
