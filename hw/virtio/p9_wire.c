// SPDX-License-Identifier: MIT
//
// Fields of 9P2000.L messages; contract in p9.h. Numbers and layouts are those of Linux'
// include/net/9p/9p.h. Hosts are little-endian.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include "hw/virtio/p9.h"
#include "util/bitops.h"

/* ---- reading ---------------------------------------------------------------------------- */

static const uint8_t *take(P9Reader *r, size_t len)
{
    if ((size_t)(r->end - r->at) < len) {
        r->bad = true;
        r->at = r->end;
        return NULL;
    }
    r->at += len;
    return r->at - len;
}

uint64_t p9_get(P9Reader *r, unsigned bytes)
{
    uint64_t value = 0;
    const uint8_t *at = take(r, bytes);
    if (at)
        memcpy(&value, at, bytes);
    return value;
}

int p9_get_text(P9Reader *r, char *buf, size_t size)
{
    size_t len = p9_get(r, 2);
    const uint8_t *at = take(r, len);
    *buf = '\0';
    if (!at || memchr(at, 0, len))
        return EINVAL;
    if (len >= size)
        return ENAMETOOLONG;
    memcpy(buf, at, len);
    buf[len] = '\0';
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

void p9_put_bytes(P9Writer *w, const void *bytes, size_t len)
{
    if ((size_t)(w->end - w->at) < len) {
        w->full = true;
        return;
    }
    memcpy(w->at, bytes, len);
    w->at += len;
}

void p9_put(P9Writer *w, uint64_t value, unsigned bytes)
{
    p9_put_bytes(w, &value, bytes);
}

void p9_put_text(P9Writer *w, const char *text)
{
    size_t len = strlen(text);
    p9_put(w, len, 2);
    p9_put_bytes(w, text, len);
}

void p9_put_qid(P9Writer *w, P9Qid qid)
{
    p9_put(w, qid.type, 1);
    p9_put(w, qid.version, 4);
    p9_put(w, qid.path, 8);
}

/* ---- attributes ------------------------------------------------------------------------- */

enum { ATTR_BASIC = 0x7ff }; /* everything but birth time, generation and version */

P9Qid p9_qid_of(const FsAttr *attr)
{
    const struct stat *st = &attr->st;
    return (P9Qid){
        .type = S_ISDIR(st->st_mode) ? P9_QID_DIR : S_ISLNK(st->st_mode) ? P9_QID_SYMLINK : 0,
        .version = (uint32_t)((uint64_t)st->st_mtim.tv_sec ^ (uint64_t)st->st_mtim.tv_nsec ^
                              (uint64_t)st->st_size << 8),
        .path = attr->unique,
    };
}

static void put_time(P9Writer *w, const struct timespec *ts)
{
    p9_put(w, (uint64_t)ts->tv_sec, 8);
    p9_put(w, (uint64_t)ts->tv_nsec, 8);
}

void p9_put_attr(P9Writer *w, const FsAttr *attr)
{
    static const struct timespec none = { 0 };
    const struct stat *st = &attr->st;
    p9_put(w, ATTR_BASIC, 8);
    p9_put_qid(w, p9_qid_of(attr));
    p9_put(w, st->st_mode, 4);
    p9_put(w, st->st_uid, 4);
    p9_put(w, st->st_gid, 4);
    p9_put(w, st->st_nlink, 8);
    p9_put(w, st->st_rdev, 8);
    p9_put(w, (uint64_t)st->st_size, 8);
    p9_put(w, (uint64_t)st->st_blksize, 8);
    p9_put(w, (uint64_t)st->st_blocks, 8);
    put_time(w, &st->st_atim);
    put_time(w, &st->st_mtim);
    put_time(w, &st->st_ctim);
    put_time(w, &none); /* birth */
    p9_put(w, 0, 8);    /* generation */
    p9_put(w, 0, 8);    /* version of the data */
}

/* Bits of SETATTR's `valid` */
enum {
    SET_MODE = 0x01, SET_UID = 0x02, SET_GID = 0x04, SET_SIZE = 0x08, SET_ATIME = 0x10,
    SET_MTIME = 0x20, SET_ATIME_GIVEN = 0x80, SET_MTIME_GIVEN = 0x100,
};

static bool get_time(P9Reader *r, uint32_t valid, uint32_t set, uint32_t given,
                     struct timespec *ts)
{
    uint64_t seconds = p9_get(r, 8), ns = p9_get(r, 8);
    if (!(valid & set)) {
        *ts = (struct timespec){ .tv_nsec = UTIME_OMIT };
        return true;
    }
    if (!(valid & given)) {
        *ts = (struct timespec){ .tv_nsec = UTIME_NOW };
        return true;
    }
    *ts = (struct timespec){ (time_t)seconds, (long)ns };
    return ns < 1000000000;
}

bool p9_get_change(P9Reader *r, FsChange *c)
{
    static const struct {
        uint32_t wire;
        unsigned what;
    } bits[] = { { SET_MODE, FS_MODE }, { SET_UID, FS_UID }, { SET_GID, FS_GID },
                 { SET_SIZE, FS_SIZE }, { SET_ATIME | SET_MTIME, FS_TIMES } };
    uint32_t valid = (uint32_t)p9_get(r, 4);
    *c = (FsChange){ 0 };
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        c->what |= valid & bits[i].wire ? bits[i].what : 0;
    c->mode = (uint32_t)p9_get(r, 4);
    c->uid = (uint32_t)p9_get(r, 4);
    c->gid = (uint32_t)p9_get(r, 4);
    c->size = p9_get(r, 8);
    bool atime = get_time(r, valid, SET_ATIME, SET_ATIME_GIVEN, &c->times[0]);
    bool mtime = get_time(r, valid, SET_MTIME, SET_MTIME_GIVEN, &c->times[1]);
    return atime && mtime;
}

int p9_open_flags(uint32_t flags)
{
    static const struct {
        uint32_t wire;
        int host;
    } bits[] = { { 00000001, O_WRONLY }, { 00000002, O_RDWR },   { 00000200, O_EXCL },
                 { 00001000, O_TRUNC },  { 00002000, O_APPEND }, { 00010000, O_DSYNC },
                 { 00200000, O_DIRECTORY }, { 04000000, O_SYNC } };
    int host = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        host |= flags & bits[i].wire ? bits[i].host : 0;
    return host;
}
