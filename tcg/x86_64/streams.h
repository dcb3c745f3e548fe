// SPDX-License-Identifier: MIT
//
// Streams: addresses that move through memory one way while a loop runs, see streams.c.
#ifndef TCG_X86_64_STREAMS_H
#define TCG_X86_64_STREAMS_H

#include "tcg/x86_64/loops.h"

/* Its slot of the frame: how far the base may go until it has to be looked at again (exclusive;
 * 0, or all ones if it falls: now), and the addend of the page. */
typedef struct RaStream {
    struct RaStream *next; /* of the same loop */
    bool falls;
    uint32_t slot;
} RaStream;

typedef struct Streams Streams;

/* NULL: there are no loops. Copies are resolved, and instructions are where they are for now. */
Streams *streams_new(TcgEmit *e);
/* A stream of its own for an access, in `block`, at a constant distance from `base`; NULL: there is
 * none, for nobody knows where `base` goes. */
const RaStream *stream_new(Streams *s, uint32_t block, IrRef base);
/* Give out slots, and make all ways into loops begin their streams. */
void streams_place(Streams *s);

/* memory.c: what streams_place() puts there; imm is the first stream of the loop. */
void emit_begin_streams(TcgEmit *e, const IrInsn *in);

#endif
