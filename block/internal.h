// SPDX-License-Identifier: MIT
//
// What the files of block/ share: the backend's structure and the operations of a format.
//
// The worker threads call a format's operations, several at once; a format that has state beyond
// the file guards it by a lock of its own.
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "block/block.h"

/* All operations return 0 or an errno value. Ranges are checked already. */
typedef struct BlockFormat {
    const char *name;
    int (*read)(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                uint64_t len);
    /* the same without waiting; false: it would have to. May be NULL */
    bool (*read_now)(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                     uint64_t len);
    int (*write)(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                 uint64_t len);
    int (*flush)(BlockBackend *b);
    int (*discard)(BlockBackend *b, uint64_t offset, uint64_t len);
    int (*write_zeroes)(BlockBackend *b, uint64_t offset, uint64_t len, bool unmap);
    void (*close)(BlockBackend *b);
} BlockFormat;

typedef struct CacheMode {
    const char *name;
    bool direct;       /* past the host's page cache */
    bool sync;         /* a write is done when it is on the medium */
    bool ignore_flush;
} CacheMode;

#define BLOCK_THREADS_MAX 4u

struct BlockBackend {
    const BlockFormat *format;
    char *id, *path, *user;
    const CacheMode *cache;
    uint64_t size_bytes;
    bool read_only, discard, detect_zeroes, detect_zeroes_unmap;
    bool is_device;       /* a block device of the host, not a file */
    int fd;               /* buffered; carries the locks */
    int direct_fd;        /* O_DIRECT, or -1 */
    uint32_t direct_align;
    struct Overlay *overlay; /* of a snapshot, else NULL */
    atomic_int reported;  /* the last errno value that the user was told of */

    /* The queue; all below is guarded by `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t work, drained;
    BlockRequest *head, **tail;
    unsigned in_flight;   /* queued or being done */
    unsigned running;     /* workers awake and not waiting for the host's disk */
    unsigned idle, wakeups;
    unsigned thread_count;
    pthread_t threads[BLOCK_THREADS_MAX];
    bool stopping;
};

/* A worker is about to wait for the host's disk, and is back: others serve the queue meanwhile. */
void block_begin_wait(BlockBackend *b);
void block_end_wait(BlockBackend *b);

extern const BlockFormat raw_format;
/* Open, check and lock the file; fills in what is above the queue. */
bool raw_open(BlockBackend *b, const BlockOptions *opt, Error **err) MUST_CHECK;

/* Redirect writes to a temporary file that nobody else sees; the disk itself is only read. */
bool overlay_create(BlockBackend *b, Error **err) MUST_CHECK;

/* Advisory locks of a disk that is in use; they respect and are respected by those of QEMU. */
bool image_lock(int fd, const char *path, bool write, Error **err) MUST_CHECK;

#endif
