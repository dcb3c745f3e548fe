// SPDX-License-Identifier: MIT
//
// Memory for host code: mapped twice, writable here and executable there.
#ifndef TCG_CODEBUF_H
#define TCG_CODEBUF_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "util/error.h"

#define CODEBUF_BLOCK (UINT64_C(256) << 10)

typedef struct CodeBuf {
    uint8_t *rw;        /* where code is written */
    const uint8_t *rx;  /* where the same bytes are executed */
    size_t size;        /* bytes */
    size_t used, limit; /* where code is written next, and where it has to end */
    _Atomic uint8_t *touched; /* by block of CODEBUF_BLOCK: the host has pages there */
} CodeBuf;

/* `bytes` is rounded up to pages and limited to less than 2 GiB. The executable mapping is put
 * near this program's own code where possible, so that helpers are reached by direct calls. */
bool codebuf_init(CodeBuf *cb, size_t bytes, Error **err) MUST_CHECK;
void codebuf_fini(CodeBuf *cb);

/* Code is about to be written at `used`. */
void codebuf_prepare(CodeBuf *cb);

static inline const uint8_t *codebuf_rx(const CodeBuf *cb, const uint8_t *rw)
{
    return cb->rx + (rw - cb->rw);
}

static inline uint8_t *codebuf_rw(const CodeBuf *cb, const uint8_t *rx)
{
    return cb->rw + (rx - cb->rx);
}

#endif
