// SPDX-License-Identifier: MIT
//
// Host ends of disks. Requests are asynchronous: block_submit() hands one over and returns; a
// worker thread of the backend does it and calls `done` from there (the device takes its lock).
// Requests may finish in any order. Raw files now; formats are further BlockFormat rows.
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>
#include "util/error.h"

typedef struct BlockBackend BlockBackend;

typedef enum BlockOp {
    BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES
} BlockOp;

typedef struct BlockRequest BlockRequest;
struct BlockRequest {
    BlockOp op;
    uint64_t offset, len; /* bytes, within the disk; for read and write len is the sum of iov */
    struct iovec *iov;
    unsigned iov_count;
    bool unmap;           /* write zeroes may deallocate */
    void (*done)(BlockRequest *req, int error); /* 0 or an errno value; on the worker thread */
    void *opaque;
    BlockRequest *next;   /* the backend's */
};

typedef struct BlockOptions {
    const char *id, *file, *format; /* format NULL: raw, with a warning where QEMU warns */
    bool read_only, snapshot, discard, locking;
    bool detect_zeroes;       /* a write of zeros takes no room where the file can do without */
    bool detect_zeroes_unmap; /* and gives back the room that it had */
    const char *cache; /* writeback (default), none, unsafe, writethrough, directsync */
} BlockOptions;

/* Opens and locks the file (OFD locks: shared for readers, exclusive for a writer). */
BlockBackend *block_open(const BlockOptions *opt, Error **err);
void block_close(BlockBackend *b); /* waits for requests, flushes */
const char *block_id(const BlockBackend *b);
uint64_t block_size(const BlockBackend *b); /* bytes */
bool block_read_only(const BlockBackend *b);
void block_print(const BlockBackend *b, FILE *out); /* the text of `info block` */
void block_submit(BlockBackend *b, BlockRequest *req);
/* Read on the caller's thread what the host's page cache has: quicker than a change of threads for
 * a few pages. False: it would have to wait; submit a request. */
bool block_read_now(BlockBackend *b, const struct iovec *iov, unsigned iov_count, uint64_t offset,
                    uint64_t len);
/* Wait until no request is under way. */
void block_drain(BlockBackend *b);
/* Claimed by a device; a second claim is refused. */
bool block_claim(BlockBackend *b, const char *user, Error **err) MUST_CHECK;
void block_release(BlockBackend *b);

#endif
