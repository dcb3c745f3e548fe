// SPDX-License-Identifier: MIT
//
// Raw disks: a file or block device of the host whose bytes are the disk's bytes.
//
// cache=none and directsync read and write past the page cache (O_DIRECT) wherever a request is
// aligned as the host wants it, and through the buffered descriptor where it is not; Linux keeps
// the two coherent. A file that became shorter under us reads as zeros at its end.
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block/internal.h"
#include "util/bitops.h"

#define SECTOR_BYTES 512u
#define IOV_MAX_SEGMENTS 1024u /* of one system call (IOV_MAX) */
#define ZERO_BUFFER_BYTES (UINT64_C(256) << 10)

/* ---- transfers -------------------------------------------------------------------------- */

static ssize_t transfer_once(int fd, const struct iovec *iov, unsigned n, uint64_t offset,
                             bool write)
{
    ssize_t r;
    do {
        r = write ? pwritev(fd, iov, (int)n, (off_t)offset)
                  : preadv(fd, iov, (int)n, (off_t)offset);
    } while (r < 0 && errno == EINTR);
    return r;
}

/* One segment, from `done` on, however many calls it takes. */
static int transfer_segment(int fd, struct iovec seg, uint64_t offset, bool write)
{
    while (seg.iov_len) {
        ssize_t r = transfer_once(fd, &seg, 1, offset, write);
        if (r < 0)
            return errno;
        if (r == 0 && write)
            return EIO;
        if (r == 0) {
            memset(seg.iov_base, 0, seg.iov_len);
            return 0;
        }
        seg.iov_base = (char *)seg.iov_base + r;
        seg.iov_len -= (size_t)r;
        offset += (uint64_t)r;
    }
    return 0;
}

/* Nearly always one call; after a short one, the rest segment by segment. */
static int transfer(int fd, const struct iovec *iov, unsigned n, uint64_t offset, uint64_t len,
                    bool write)
{
    uint64_t done = 0, at = 0;
    if (n <= IOV_MAX_SEGMENTS) {
        ssize_t r = transfer_once(fd, iov, n, offset, write);
        if (r < 0)
            return errno;
        done = (uint64_t)r;
        if (done == len)
            return 0;
    }
    for (unsigned i = 0; i < n; at += iov[i++].iov_len) {
        if (at + iov[i].iov_len <= done)
            continue;
        uint64_t skip = done > at ? done - at : 0;
        struct iovec seg = { (char *)iov[i].iov_base + skip, iov[i].iov_len - skip };
        int e = transfer_segment(fd, seg, offset + at + skip, write);
        if (e)
            return e;
    }
    return 0;
}

static bool is_aligned(const BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset)
{
    uint64_t all = offset;
    for (unsigned i = 0; i < n; i++)
        all |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
    return all % b->direct_align == 0;
}

static int choose_fd(const BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset)
{
    return b->direct_fd >= 0 && is_aligned(b, iov, n, offset) ? b->direct_fd : b->fd;
}

static bool raw_read_now(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                         uint64_t len)
{
    return n <= IOV_MAX_SEGMENTS && !b->cache->direct &&
           preadv2(b->fd, iov, (int)n, (off_t)offset, RWF_NOWAIT) == (ssize_t)len;
}

static int raw_read(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                    uint64_t len)
{
    if (raw_read_now(b, iov, n, offset, len))
        return 0;
    block_begin_wait(b);
    int e = transfer(choose_fd(b, iov, n, offset), iov, n, offset, len, false);
    block_end_wait(b);
    return e;
}

static int raw_write(BlockBackend *b, const struct iovec *iov, unsigned n, uint64_t offset,
                     uint64_t len)
{
    int fd = choose_fd(b, iov, n, offset);
    bool waits = b->cache->sync || fd == b->direct_fd;
    if (waits)
        block_begin_wait(b);
    int e = transfer(fd, iov, n, offset, len, true);
    if (waits)
        block_end_wait(b);
    return e;
}

static int raw_flush(BlockBackend *b)
{
    block_begin_wait(b);
    int e = fdatasync(b->fd) < 0 ? errno : 0;
    block_end_wait(b);
    return e;
}

/* ---- discard and zeroes ----------------------------------------------------------------- */

static bool is_unsupported(int e)
{
    return e == EOPNOTSUPP || e == ENOTTY || e == ENOSYS || e == EINVAL;
}

static int punch_hole(BlockBackend *b, uint64_t offset, uint64_t len)
{
    int r;
    if (b->is_device) {
        uint64_t range[2] = { offset, len };
        r = ioctl(b->fd, BLKDISCARD, range);
    } else {
        r = fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
    }
    return r < 0 ? errno : 0;
}

/* Advice only: that the host cannot is no error. */
static int raw_discard(BlockBackend *b, uint64_t offset, uint64_t len)
{
    int e = len ? punch_hole(b, offset, len) : 0;
    return is_unsupported(e) ? 0 : e;
}

static int write_zero_bytes(BlockBackend *b, uint64_t offset, uint64_t len)
{
    void *zeros = calloc(1, MIN(len, ZERO_BUFFER_BYTES));
    int e = zeros ? 0 : ENOMEM;
    while (len && !e) {
        struct iovec seg = { zeros, MIN(len, ZERO_BUFFER_BYTES) };
        e = transfer_segment(b->fd, seg, offset, true);
        offset += seg.iov_len;
        len -= seg.iov_len;
    }
    free(zeros);
    return e;
}

static int zero_range(BlockBackend *b, uint64_t offset, uint64_t len)
{
    int r;
    if (b->is_device) {
        uint64_t range[2] = { offset, len };
        r = ioctl(b->fd, BLKZEROOUT, range);
    } else {
        r = fallocate(b->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
    }
    return r < 0 ? errno : 0;
}

static int raw_write_zeroes(BlockBackend *b, uint64_t offset, uint64_t len, bool unmap)
{
    if (!len)
        return 0;
    block_begin_wait(b);
    /* a discarded block device need not read as zeros */
    int e = unmap && !b->is_device ? punch_hole(b, offset, len) : EOPNOTSUPP;
    if (is_unsupported(e))
        e = zero_range(b, offset, len);
    if (is_unsupported(e))
        e = write_zero_bytes(b, offset, len);
    if (!e && b->cache->sync)
        e = fdatasync(b->fd) < 0 ? errno : 0;
    block_end_wait(b);
    return e;
}

static void raw_close(BlockBackend *b)
{
    if (b->direct_fd >= 0)
        close(b->direct_fd);
    if (b->fd >= 0)
        close(b->fd);
}

const BlockFormat raw_format = {
    .name = "raw",
    .read = raw_read,
    .read_now = raw_read_now,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .write_zeroes = raw_write_zeroes,
    .close = raw_close,
};

/* ---- opening ---------------------------------------------------------------------------- */

/* Formats that we know by sight and by name, but do not read. */
typedef struct ForeignFormat {
    const char *name;
    uint32_t magic_offset;
    const char *magic;
} ForeignFormat;

static const ForeignFormat foreign_formats[] = {
    { "qcow2", 0, "QFI\xfb" },     { "qed", 0, "QED" },       { "vmdk", 0, "KDMV" },
    { "vhdx", 0, "vhdxfile" },     { "vpc", 0, "conectix" },  { "vdi", 0x40, "\x7f\x10\xda\xbe" },
    { "parallels", 0, "WithouFreSpacExt" },                   { "luks", 0, "LUKS\xba\xbe" },
};

static bool foreign_error(const char *path, const char *format, Error **err)
{
    return error_set(err, "disk '%s' is of format %s, which is not supported; convert it with "
                     "'qemu-img convert -O raw %s disk.raw' and use format=raw", path, format,
                     path);
}

static bool check_format_name(const BlockOptions *opt, Error **err)
{
    if (!opt->format || strcmp(opt->format, raw_format.name) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(foreign_formats); i++)
        if (strcmp(opt->format, foreign_formats[i].name) == 0)
            return foreign_error(opt->file, opt->format, err);
    return error_set(err, "disk '%s': format '%s' is unknown; use format=raw", opt->file,
                     opt->format);
}

/* Without format= a disk that looks like an image of another format is refused, so that a guest
 * which writes such a header cannot make us read its disk differently. */
static bool check_format_by_sight(const BlockBackend *b, Error **err)
{
    uint8_t head[SECTOR_BYTES];
    if (pread(b->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(foreign_formats); i++) {
        const ForeignFormat *f = &foreign_formats[i];
        if (memcmp(head + f->magic_offset, f->magic, strlen(f->magic)) == 0)
            return foreign_error(b->path, f->name, err);
    }
    fprintf(stderr, "dragoman: warning: disk '%s' has no format=; it is taken as raw (write "
            "format=raw to say so)\n", b->path);
    return true;
}

static int open_flags(const BlockBackend *b, bool write)
{
    return (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | (b->cache->sync ? O_DSYNC : 0);
}

static bool open_file(BlockBackend *b, bool write, Error **err)
{
    /* O_NONBLOCK: a fifo must not make us wait for its writer; files and disks ignore it */
    b->fd = open(b->path, open_flags(b, write) | O_NONBLOCK);
    if (b->fd >= 0)
        return true;
    int e = errno;
    struct stat st;
    if (e == EISDIR)
        return error_set(err, "disk '%s' is a directory; give the file of a disk", b->path);
    if (e == ENOENT)
        return error_set_errno(err, e, "cannot open disk '%s', make one with 'truncate -s 8G %s'",
                               b->path, b->path);
    if (write && (e == EACCES || e == EROFS || e == EPERM) && stat(b->path, &st) == 0 &&
        access(b->path, R_OK) == 0)
        return error_set_errno(err, e, "cannot open disk '%s' for writing, use readonly=on or "
                               "change who may write it", b->path);
    return error_set_errno(err, e, "cannot open disk '%s'", b->path);
}

static bool find_size(BlockBackend *b, Error **err)
{
    struct stat st;
    if (fstat(b->fd, &st) < 0)
        return error_set_errno(err, errno, "cannot examine disk '%s'", b->path);
    if (S_ISDIR(st.st_mode))
        return error_set(err, "disk '%s' is a directory; give the file of a disk", b->path);
    b->is_device = S_ISBLK(st.st_mode);
    if (!b->is_device && !S_ISREG(st.st_mode))
        return error_set(err, "disk '%s' is neither a file nor a block device", b->path);
    if (!b->is_device)
        b->size_bytes = (uint64_t)st.st_size;
    else if (ioctl(b->fd, BLKGETSIZE64, &b->size_bytes) < 0)
        return error_set_errno(err, errno, "cannot find the size of disk '%s'", b->path);
    if (!b->size_bytes)
        return error_set(err, "disk '%s' is empty; give it a size with 'truncate -s 8G %s'",
                         b->path, b->path);
    if (b->size_bytes % SECTOR_BYTES)
        return error_set(err, "disk '%s' has %llu bytes, not a whole number of 512-byte sectors; "
                         "it is cut short, or no disk ('truncate -s %%512 %s' pads it)", b->path,
                         (unsigned long long)b->size_bytes, b->path);
    return true;
}

static bool open_direct(BlockBackend *b, bool write, Error **err)
{
    b->direct_fd = open(b->path, open_flags(b, write) | O_DIRECT);
    if (b->direct_fd < 0)
        return error_set_errno(err, errno, "cannot open disk '%s' past the page cache, use "
                               "cache=writeback instead of cache=%s", b->path, b->cache->name);
    struct stat st;
    b->direct_align = fstat(b->direct_fd, &st) == 0 && is_power_of_2((uint64_t)st.st_blksize)
                          ? MAX((uint32_t)st.st_blksize, SECTOR_BYTES) : 4096;
    return true;
}

bool raw_open(BlockBackend *b, const BlockOptions *opt, Error **err)
{
    bool write = !opt->read_only && !opt->snapshot;
    if (!check_format_name(opt, err))
        return false;
    b->format = &raw_format;
    if (!open_file(b, write, err) || !find_size(b, err))
        return false;
    if (opt->locking && !image_lock(b->fd, b->path, write, err))
        return false;
    if (!opt->format && !check_format_by_sight(b, err))
        return false;
    return !b->cache->direct || open_direct(b, write, err);
}
