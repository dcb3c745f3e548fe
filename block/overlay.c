// SPDX-License-Identifier: MIT
//
// snapshot=on: the disk is only read, what the guest writes goes to a temporary file without a
// name, which vanishes with the process.
//
// The unit is a cluster of 64 KiB; `written` has a bit for each cluster that lives in the
// temporary file, at the same offset as in the disk. The first write to a part of a cluster copies
// the rest. `lock` guards bits and copies; transfers of clusters whose bit is set go without it
// (bits are never cleared).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "block/internal.h"
#include "util/bitops.h"

#define CLUSTER_BITS 16
#define CLUSTER_BYTES (UINT64_C(1) << CLUSTER_BITS)

typedef struct Overlay {
    pthread_mutex_t lock;
    int fd;             /* the temporary file */
    uint64_t *written;
    uint8_t *buffer;    /* one cluster, for copies */
} Overlay;

static bool is_written(const Overlay *o, uint64_t cluster)
{
    return o->written[cluster / 64] >> (cluster % 64) & 1;
}

/* A position in a list of segments. */
typedef struct Cursor {
    const struct iovec *iov;
    size_t skip;
} Cursor;

/* The next piece of at most `len` bytes that lies in one segment. */
static struct iovec cursor_take(Cursor *c, uint64_t len)
{
    while (c->skip == c->iov->iov_len) {
        c->iov++;
        c->skip = 0;
    }
    struct iovec seg = { (char *)c->iov->iov_base + c->skip, MIN(len, c->iov->iov_len - c->skip) };
    c->skip += seg.iov_len;
    return seg;
}

static int read_bytes(int fd, void *buf, size_t len, uint64_t offset)
{
    while (len) {
        ssize_t r = pread(fd, buf, len, (off_t)offset);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return errno;
        if (r == 0) {
            memset(buf, 0, len);
            return 0;
        }
        buf = (char *)buf + r;
        len -= (size_t)r;
        offset += (uint64_t)r;
    }
    return 0;
}

static int write_bytes(int fd, const void *buf, size_t len, uint64_t offset)
{
    while (len) {
        ssize_t r = pwrite(fd, buf, len, (off_t)offset);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? errno : EIO;
        buf = (const char *)buf + r;
        len -= (size_t)r;
        offset += (uint64_t)r;
    }
    return 0;
}

/* Make the cluster live in the temporary file. `whole`: all of it will be overwritten. */
static int own_cluster_locked(BlockBackend *b, uint64_t cluster, bool whole)
{
    Overlay *o = b->overlay;
    if (is_written(o, cluster))
        return 0;
    uint64_t offset = cluster << CLUSTER_BITS;
    size_t len = MIN(CLUSTER_BYTES, b->size_bytes - offset);
    int e = whole ? 0 : read_bytes(b->fd, o->buffer, len, offset);
    if (!e && !whole)
        e = write_bytes(o->fd, o->buffer, len, offset);
    if (!e)
        o->written[cluster / 64] |= BIT(cluster % 64);
    return e;
}

static uint64_t piece_bytes(uint64_t offset, uint64_t len)
{
    return MIN(len, CLUSTER_BYTES - offset % CLUSTER_BYTES);
}

static int overlay_read(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                        uint64_t len)
{
    Overlay *o = b->overlay;
    Cursor c = { iov, 0 };
    int e = 0;
    while (len && !e) {
        struct iovec seg = cursor_take(&c, piece_bytes(offset, len));
        pthread_mutex_lock(&o->lock);
        int fd = is_written(o, offset >> CLUSTER_BITS) ? o->fd : b->fd;
        pthread_mutex_unlock(&o->lock);
        e = read_bytes(fd, seg.iov_base, seg.iov_len, offset);
        offset += seg.iov_len;
        len -= seg.iov_len;
    }
    return e;
}

static int overlay_write(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                         uint64_t len)
{
    Overlay *o = b->overlay;
    Cursor c = { iov, 0 };
    int e = 0;
    pthread_mutex_lock(&o->lock);
    while (len && !e) {
        struct iovec seg = cursor_take(&c, piece_bytes(offset, len));
        e = own_cluster_locked(b, offset >> CLUSTER_BITS, seg.iov_len == CLUSTER_BYTES);
        if (!e)
            e = write_bytes(o->fd, seg.iov_base, seg.iov_len, offset);
        offset += seg.iov_len;
        len -= seg.iov_len;
    }
    pthread_mutex_unlock(&o->lock);
    return e;
}

static int overlay_write_zeroes(BlockBackend *b, uint64_t offset, uint64_t len, bool unmap)
{
    void *zeros = calloc(1, CLUSTER_BYTES);
    int e = zeros ? 0 : ENOMEM;
    while (len && !e) {
        struct iovec seg = { zeros, piece_bytes(offset, len) };
        e = overlay_write(b, &seg, 1, offset, seg.iov_len);
        offset += seg.iov_len;
        len -= seg.iov_len;
    }
    free(zeros);
    return e;
}

/* Nothing of it outlives the process. */
static int overlay_flush(BlockBackend *b)
{
    return 0;
}

static int overlay_discard(BlockBackend *b, uint64_t offset, uint64_t len)
{
    return 0;
}

static void overlay_close(BlockBackend *b)
{
    Overlay *o = b->overlay;
    close(o->fd);
    pthread_mutex_destroy(&o->lock);
    free(o->written);
    free(o->buffer);
    free(o);
    raw_format.close(b);
}

static const BlockFormat overlay_format = {
    .name = "snapshot",
    .read = overlay_read,
    .write = overlay_write,
    .flush = overlay_flush,
    .discard = overlay_discard,
    .write_zeroes = overlay_write_zeroes,
    .close = overlay_close,
};

static int open_temporary(const char **folder)
{
    *folder = getenv("TMPDIR");
    if (!*folder || !**folder)
        *folder = "/var/tmp";
    int fd = open(*folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[4096]; /* a file system without O_TMPFILE */
    if (snprintf(path, sizeof(path), "%s/dragoman-XXXXXX", *folder) >= (int)sizeof(path))
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

bool overlay_create(BlockBackend *b, Error **err)
{
    const char *folder;
    uint64_t clusters = (b->size_bytes + CLUSTER_BYTES - 1) >> CLUSTER_BITS;
    Overlay *o = calloc(1, sizeof(*o));
    if (!o)
        return error_set(err, "out of memory for the snapshot of disk '%s'", b->path);
    o->written = calloc((clusters + 63) / 64, sizeof(uint64_t));
    o->buffer = malloc(CLUSTER_BYTES);
    o->fd = open_temporary(&folder);
    if (!o->written || !o->buffer || o->fd < 0) {
        error_set_errno(err, errno, "cannot make a temporary file in '%s' for the snapshot of disk "
                        "'%s'", folder, b->path);
        if (o->fd >= 0)
            close(o->fd);
        free(o->written);
        free(o->buffer);
        free(o);
        return false;
    }
    pthread_mutex_init(&o->lock, NULL);
    b->overlay = o;
    b->format = &overlay_format;
    return true;
}
