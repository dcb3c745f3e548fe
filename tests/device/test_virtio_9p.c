// SPDX-License-Identifier: MIT
//
// A shared folder, seen by a driver that speaks 9P2000.L: the straight way, and what a hostile
// driver or a busy host may do (ways out of the folder, special files, names that are none, endless
// fids, messages that are none, files that move while they are in use).
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include "hw/virtio/p9.h"
#include "hw/virtio/virtio_9p.h"
#include "util/keyval.h"
#include "util/bitops.h"
#include "virtio_rig.h"

#define NO_FID UINT32_MAX
#define MSIZE 65536u
#define OUT_BYTES 0x20000u
#define IN_BYTES 0x10000u

typedef struct P9Rig {
    Rig r;
    char path[32], outside[32]; /* the folder, and one beside it with a file "secret" */
    uint64_t out_gpa, in_gpa;
    uint8_t *out, *in;          /* the message and its answer */
    uint32_t len;
    P9Reader answer;
    uint16_t tag;
} P9Rig;

/* ---- messages --------------------------------------------------------------------------- */

static void put(P9Rig *p, uint64_t value, unsigned bytes)
{
    memcpy(p->out + p->len, &value, bytes);
    p->len += bytes;
}

static void put_text(P9Rig *p, const char *text, size_t len)
{
    put(p, len, 2);
    memcpy(p->out + p->len, text, len);
    p->len += (uint32_t)len;
}

/* Fields by letters: b w d q are numbers of 1, 2, 4 and 8 bytes, s is a string. */
static void compose(P9Rig *p, uint8_t type, const char *fields, va_list ap)
{
    p->len = 4;
    put(p, type, 1);
    put(p, ++p->tag, 2);
    for (; *fields; fields++) {
        if (*fields == 's') {
            const char *text = va_arg(ap, const char *);
            put_text(p, text, strlen(text));
        } else if (*fields == 'q') {
            put(p, va_arg(ap, uint64_t), 8);
        } else {
            put(p, va_arg(ap, unsigned), *fields == 'b' ? 1 : *fields == 'w' ? 2 : 4);
        }
    }
    memcpy(p->out, &p->len, 4);
}

/* Send what was composed; 0, or the error that came back. */
static int send(P9Rig *p)
{
    const RigSeg segs[] = { { p->out_gpa, p->len, false }, { p->in_gpa, IN_BYTES, true } };
    uint8_t type = p->out[4];
    VirtqUsedElem e = rig_run(&p->r, 0, segs, 2);
    uint32_t size;
    memcpy(&size, p->in, 4);
    cr_assert_eq(size, e.len);
    cr_assert_eq(p->in[5] | p->in[6] << 8, p->out[5] | p->out[6] << 8, "another's answer");
    p->answer = (P9Reader){ .at = p->in + P9_HEADER_BYTES, .end = p->in + size };
    if (p->in[4] == P9_LERROR + 1)
        return (int)p9_get(&p->answer, 4);
    cr_assert_eq(p->in[4], type + 1);
    return 0;
}

static int call(P9Rig *p, uint8_t type, const char *fields, ...)
{
    va_list ap;
    va_start(ap, fields);
    compose(p, type, fields, ap);
    va_end(ap);
    return send(p);
}

static uint64_t answer(P9Rig *p, unsigned bytes)
{
    return p9_get(&p->answer, bytes);
}

/* ---- the folder ------------------------------------------------------------------------- */

static const char *host(P9Rig *p, const char *name)
{
    static _Thread_local char path[4][300];
    static _Thread_local unsigned turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", p->path, name);
    return path[turn];
}

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f, "%s", path);
    fputs(text, f);
    fclose(f);
}

static void expect_file(const char *path, const char *text)
{
    char buf[256] = "";
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
    fclose(f);
    cr_assert_str_eq(buf, text);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

static unsigned count_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void attach(P9Rig *p)
{
    cr_assert_eq(call(p, P9_VERSION, "ds", MSIZE, "9P2000.L"), 0);
    cr_assert_eq(call(p, P9_ATTACH, "ddssd", 0u, NO_FID, "root", "", 1000u), 0);
}

/* -fsdev `more`, a device for it, and a driver that attached as fid 0. */
static void open_p9(P9Rig *p, const char *more)
{
    Error *err = NULL;
    Keyval kv;
    char spec[160];
    *p = (P9Rig){ .path = "/var/tmp/test-9p-XXXXXX", .outside = "/var/tmp/test-9p-XXXXXX" };
    cr_assert(mkdtemp(p->path) && mkdtemp(p->outside));
    char secret[64];
    snprintf(secret, sizeof(secret), "%s/secret", p->outside);
    put_file(secret, "secret");
    put_file(host(p, "file"), "contents");
    cr_assert_eq(mkdir(host(p, "dir"), 0755), 0);
    put_file(host(p, "dir/inner"), "inner");
    rig_open(&p->r);
    snprintf(spec, sizeof(spec), "local,id=f,path=%s,%s", p->path, more);
    cr_assert(keyval_parse(&kv, spec, "driver", &err));
    FsDev *d = fsdev_open(&kv, "-fsdev", NULL, &err);
    cr_assert_not_null(d, "%s", err ? error_text(err) : "");
    keyval_free(&kv);
    cr_assert(machine_add_fsdev(p->r.bench.m, d, &err));
    rig_plug(&p->r, &virtio_9p_type, "fsdev=f", "mount_tag=tag", NULL);
    rig_start(&p->r, BIT(VIRTIO_F_INDIRECT_DESC));
    p->out_gpa = rig_alloc(&p->r, OUT_BYTES);
    p->in_gpa = rig_alloc(&p->r, IN_BYTES);
    p->out = rig_host(&p->r, p->out_gpa);
    p->in = rig_host(&p->r, p->in_gpa);
    attach(p);
}

static void close_p9(P9Rig *p)
{
    rig_close(&p->r);
    nftw(p->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(p->outside, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Walk from fid 0 along a path ("" clones it); what is there already is dropped. */
static int walk(P9Rig *p, uint32_t fid, const char *path)
{
    char names[512], *state = NULL;
    unsigned count = 0;
    call(p, P9_CLUNK, "d", fid);
    snprintf(names, sizeof(names), "%s", path);
    for (const char *c = path; *c; c++)
        count += c == path || c[-1] == '/';
    p->len = 4;
    put(p, P9_WALK, 1);
    put(p, ++p->tag, 2);
    put(p, 0, 4);
    put(p, fid, 4);
    put(p, count, 2);
    for (char *n = strtok_r(names, "/", &state); n; n = strtok_r(NULL, "/", &state))
        put_text(p, n, strlen(n));
    memcpy(p->out, &p->len, 4);
    int e = send(p);
    if (!e && answer(p, 2) != count)
        return ENOENT;
    return e;
}

static int open_fid(P9Rig *p, uint32_t fid, unsigned flags)
{
    return call(p, P9_LOPEN, "dd", fid, flags);
}

static int walk_open(P9Rig *p, uint32_t fid, const char *path, unsigned flags)
{
    int e = walk(p, fid, path);
    return e ? e : open_fid(p, fid, flags);
}

static void expect_read(P9Rig *p, uint32_t fid, const char *text)
{
    cr_assert_eq(call(p, P9_READ, "dqd", fid, UINT64_C(0), 1000u), 0);
    size_t len = answer(p, 4);
    cr_assert_eq(len, strlen(text));
    cr_assert_arr_eq(p->answer.at, text, len);
}

typedef struct Attr {
    uint64_t path;
    uint32_t mode, uid, gid;
    uint64_t links, rdev, size;
} Attr;

static Attr get_attr(P9Rig *p, uint32_t fid)
{
    Attr a;
    cr_assert_eq(call(p, P9_GETATTR, "dq", fid, UINT64_C(0x7ff)), 0);
    answer(p, 8);
    answer(p, 5);
    a.path = answer(p, 8);
    a.mode = (uint32_t)answer(p, 4);
    a.uid = (uint32_t)answer(p, 4);
    a.gid = (uint32_t)answer(p, 4);
    a.links = answer(p, 8);
    a.rdev = answer(p, 8);
    a.size = answer(p, 8);
    return a;
}

/* ---- the straight way ------------------------------------------------------------------- */

Test(virtio_9p, mount_tag)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(rig_reg(&p.r, R_DEVICE_ID), 9);
    cr_assert_eq(rig_reg(&p.r, R_CONFIG), 3 | 't' << 16 | 'a' << 24);
    cr_assert_eq(rig_reg(&p.r, R_CONFIG + 4), 'g');
    close_p9(&p);
}

Test(virtio_9p, reads_writes_and_creates)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk_open(&p, 1, "file", 0), 0);
    expect_read(&p, 1, "contents");
    cr_assert_eq(get_attr(&p, 1).size, 8);
    cr_assert_eq(walk(&p, 2, "dir"), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 2u, "new", 01u | 0100u, 0640u, 0u), 0);
    cr_assert_eq(call(&p, P9_WRITE, "dqds", 2u, UINT64_C(3), 5u, "abc"), 0);
    cr_assert_eq(answer(&p, 4), 5);
    cr_assert_eq(call(&p, P9_FSYNC, "dd", 2u, 0u), 0);
    struct stat st;
    cr_assert_eq(stat(host(&p, "dir/new"), &st), 0);
    cr_assert_eq(st.st_mode, S_IFREG | 0640);
    cr_assert_eq(st.st_size, 8);
    cr_assert_eq(call(&p, P9_READ, "dqd", 2u, UINT64_C(0), 10u), EBADF, "it is open for writing");
    cr_assert_eq(call(&p, P9_STATFS, "d", 0u), 0);
    cr_assert_eq(answer(&p, 4), 0x01021997);
    close_p9(&p);
}

/* As much as fits into the rig's answer, in segments of odd sizes, straight from the file. */
Test(virtio_9p, large_reads_in_pieces)
{
    P9Rig p;
    static uint8_t data[60000];
    open_p9(&p, "security_model=none");
    srandom(1);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)random();
    FILE *f = fopen(host(&p, "data"), "w");
    fwrite(data, 1, sizeof(data), f);
    fclose(f);
    cr_assert_eq(walk_open(&p, 1, "data", 0), 0);
    p.len = 4;
    put(&p, P9_READ, 1);
    put(&p, 77, 2);
    put(&p, 1, 4);
    put(&p, 0, 8);
    put(&p, sizeof(data), 4);
    memcpy(p.out, &p.len, 4);
    const RigSeg segs[] = { { p.out_gpa, 10, false }, { p.out_gpa + 10, p.len - 10, false },
                            { p.in_gpa, 5, true }, { p.in_gpa + 5, 7, true },
                            { p.in_gpa + 12, 333, true }, { p.in_gpa + 345, 60000, true } };
    VirtqUsedElem e = rig_run(&p.r, 0, segs, ARRAY_SIZE(segs));
    cr_assert_eq(e.len, 11 + sizeof(data));
    cr_assert_arr_eq(p.in + 11, data, sizeof(data));
    close_p9(&p);
}

static bool list_has(P9Rig *p, unsigned chunk, const char *name, unsigned *total)
{
    uint64_t offset = 0;
    bool found = false;
    for (*total = 0;;) {
        cr_assert_eq(call(p, P9_READDIR, "dqd", 1u, offset, chunk), 0);
        if (!answer(p, 4))
            return found;
        while (p->answer.at < p->answer.end) {
            char entry[256];
            answer(p, 5);
            answer(p, 8);
            offset = answer(p, 8);
            answer(p, 1);
            cr_assert_eq(p9_get_name(&p->answer, entry), 0);
            found |= !strcmp(entry, name);
            ++*total;
        }
    }
}

Test(virtio_9p, folders_are_listed_in_pieces)
{
    P9Rig p;
    unsigned total;
    open_p9(&p, "security_model=none");
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof(name), "dir/entry-%d", i);
        put_file(host(&p, name), "");
    }
    cr_assert_eq(walk_open(&p, 1, "dir", 0200000), 0);
    cr_assert(list_has(&p, 100, "entry-299", &total));
    cr_assert_eq(total, 303);
    cr_assert(list_has(&p, 60000, "inner", &total));
    cr_assert_eq(total, 303);
    cr_assert_eq(call(&p, P9_READDIR, "dqd", 1u, UINT64_C(0), 10u), EINVAL, "no entry fits");
    cr_assert_eq(call(&p, P9_READDIR, "dqd", 1u, UINT64_MAX, 1000u), EINVAL);
    cr_assert_eq(call(&p, P9_READDIR, "dqd", 0u, UINT64_C(0), 1000u), EBADF, "it is not open");
    close_p9(&p);
}

Test(virtio_9p, attributes_change)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk(&p, 1, "file"), 0);
    /* mode, size, both times */
    cr_assert_eq(call(&p, P9_SETATTR, "dddddqqqqq", 1u, 0x1f9u & ~0x40u, 0604u, 0u, 0u, UINT64_C(3),
                      UINT64_C(1000), UINT64_C(5), UINT64_C(2000), UINT64_C(6)), 0);
    struct stat st;
    stat(host(&p, "file"), &st);
    cr_assert_eq(st.st_mode, S_IFREG | 0604);
    cr_assert_eq(st.st_size, 3);
    cr_assert_eq(st.st_atim.tv_sec, 1000);
    cr_assert_eq(st.st_mtim.tv_sec, 2000);
    cr_assert_eq(st.st_mtim.tv_nsec, 6);
    cr_assert_eq(call(&p, P9_SETATTR, "dddddqqqqq", 1u, 0x1f9u, 0u, 0u, 0u, UINT64_C(3),
                      UINT64_C(1000), UINT64_C(1000000000), UINT64_C(0), UINT64_C(0)), EINVAL);
    cr_assert_eq(call(&p, P9_SETATTR, "dddddqqqqq", 1u, 8u, 0u, 0u, 0u, UINT64_MAX, UINT64_C(0),
                      UINT64_C(0), UINT64_C(0), UINT64_C(0)), EFBIG);
    close_p9(&p);
}

Test(virtio_9p, extended_attributes)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk(&p, 1, "file"), 0);
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", 1u, "user.colour", UINT64_C(4), 0u), 0);
    cr_assert_eq(call(&p, P9_WRITE, "dqdw", 1u, UINT64_C(0), 2u, 'b' | 'l' << 8), 0);
    cr_assert_eq(call(&p, P9_WRITE, "dqdw", 1u, UINT64_C(2), 2u, 'u' | 'e' << 8), 0);
    cr_assert_eq(call(&p, P9_WRITE, "dqdw", 1u, UINT64_C(4), 2u, 'x'), ENOSPC);
    cr_assert_eq(call(&p, P9_CLUNK, "d", 1u), 0);
    char value[8] = "";
    cr_assert_eq(getxattr(host(&p, "file"), "user.colour", value, 8), 4);
    cr_assert_str_eq(value, "blue");
    cr_assert_eq(walk(&p, 1, "file"), 0);
    cr_assert_eq(call(&p, P9_XATTRWALK, "dds", 1u, 2u, "user.colour"), 0);
    cr_assert_eq(answer(&p, 8), 4);
    expect_read(&p, 2, "blue");
    cr_assert_eq(call(&p, P9_XATTRWALK, "dds", 1u, 3u, ""), 0);
    cr_assert_eq(call(&p, P9_READ, "dqd", 3u, UINT64_C(0), 100u), 0);
    cr_assert_eq(answer(&p, 4), sizeof("user.colour"), "names end with a NUL");
    cr_assert_eq(call(&p, P9_XATTRWALK, "dds", 1u, 4u, "user.size"), ENODATA);
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", 1u, "user.big", UINT64_C(65537), 0u), E2BIG);
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", 1u, "user.colour", UINT64_C(0), 2u), 0);
    cr_assert_eq(call(&p, P9_CLUNK, "d", 1u), 0);
    cr_assert_lt(getxattr(host(&p, "file"), "user.colour", value, 8), 0, "replaced by nothing");
    close_p9(&p);
}

/* ---- ways out --------------------------------------------------------------------------- */

Test(virtio_9p, dots_stay_in_the_folder)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    uint64_t root = get_attr(&p, 0).path;
    cr_assert_eq(walk(&p, 1, ".."), 0);
    cr_assert_eq(get_attr(&p, 1).path, root);
    cr_assert_eq(walk(&p, 1, "dir/../../../.."), 0);
    cr_assert_eq(get_attr(&p, 1).path, root);
    cr_assert_eq(walk(&p, 1, "dir/../file"), 0);
    close_p9(&p);
}

Test(virtio_9p, names_that_are_none_are_refused)
{
    static const struct {
        const char *name;
        size_t len;
        int e;
    } rows[] = { { "", 0, EINVAL },       { ".", 1, EINVAL },         { "/", 1, EINVAL },
                 { "dir/inner", 9, EINVAL }, { "/etc/passwd", 11, EINVAL },
                 { "../secret", 9, EINVAL }, { "file\0x", 6, EINVAL } };
    P9Rig p;
    open_p9(&p, "security_model=none");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        p.len = 4;
        put(&p, P9_WALK, 1);
        put(&p, ++p.tag, 2);
        put(&p, 0, 4);
        put(&p, 1, 4);
        put(&p, 1, 2);
        put_text(&p, rows[i].name, rows[i].len);
        memcpy(p.out, &p.len, 4);
        cr_assert_eq(send(&p), rows[i].e, "walk to row %zu", i);
    }
    static const char *const new_names[] = { "", ".", "..", "a/b", "../x", "/x" };
    for (size_t i = 0; i < ARRAY_SIZE(new_names); i++) {
        const char *name = new_names[i];
        cr_assert_eq(walk(&p, 1, ""), 0);
        cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, name, 1u, 0644u, 0u), EINVAL, "%s", name);
        cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 0u, name, 0755u, 0u), EINVAL, "%s", name);
        cr_assert_eq(call(&p, P9_SYMLINK, "dssd", 0u, name, "target", 0u), EINVAL, "%s", name);
        cr_assert_eq(call(&p, P9_MKNOD, "dsdddd", 0u, name, 0100644u, 0u, 0u, 0u), EINVAL);
        cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "file", 0u, name), EINVAL, "%s", name);
        cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, name, 0u, "other"), EINVAL, "%s", name);
        cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 0u, name, 0x200u), EINVAL, "%s", name);
    }
    char long_name[300];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 0u, long_name, 0755u, 0u), ENAMETOOLONG);
    close_p9(&p);
}

Test(virtio_9p, links_are_never_followed)
{
    P9Rig p;
    char secret[64];
    open_p9(&p, "security_model=none");
    snprintf(secret, sizeof(secret), "%s/secret", p.outside);
    cr_assert_eq(symlink(p.outside, host(&p, "way_out")), 0);
    cr_assert_eq(symlink(secret, host(&p, "to_secret")), 0);
    cr_assert_eq(symlink("dir", host(&p, "to_dir")), 0);
    cr_assert_eq(symlink(host(&p, "not_there"), host(&p, "dangling")), 0);
    cr_assert_neq(walk(&p, 1, "way_out/secret"), 0);
    cr_assert_neq(walk(&p, 1, "to_dir/inner"), 0, "the guest resolves links, not we");
    cr_assert_eq(walk(&p, 1, "to_secret"), 0);
    cr_assert_eq(get_attr(&p, 1).mode & S_IFMT, S_IFLNK);
    cr_assert_eq(open_fid(&p, 1, 0), ELOOP);
    cr_assert_eq(open_fid(&p, 1, 01000 | 1), ELOOP);
    cr_assert_neq(call(&p, P9_SETATTR, "dddddqqqqq", 1u, 8u, 0u, 0u, 0u, UINT64_C(0), UINT64_C(0),
                       UINT64_C(0), UINT64_C(0), UINT64_C(0)), 0, "truncated what it points to");
    call(&p, P9_SETATTR, "dddddqqqqq", 1u, 1u, 0777u, 0u, 0u, UINT64_C(0), UINT64_C(0), UINT64_C(0),
         UINT64_C(0), UINT64_C(0));
    struct stat st;
    stat(secret, &st);
    cr_assert_eq(st.st_mode & 0777, 0644, "its mode was changed through the link");
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_neq(call(&p, P9_LCREATE, "dsddd", 1u, "to_secret", 01001u, 0644u, 0u), 0);
    cr_assert_neq(call(&p, P9_LCREATE, "dsddd", 1u, "dangling", 1u, 0644u, 0u), 0);
    cr_assert_lt(access(host(&p, "not_there"), F_OK), 0);
    cr_assert_eq(walk(&p, 1, "way_out"), 0);
    cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 1u, "x", 0755u, 0u), ENOTDIR);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 1u, "secret", 0u), ENOTDIR);
    expect_file(secret, "secret");
    cr_assert_eq(walk(&p, 1, "to_secret"), 0);
    cr_assert_eq(call(&p, P9_READLINK, "d", 1u), 0);
    char target[256];
    cr_assert_eq(p9_get_name(&p.answer, target), 0);
    cr_assert_str_eq(target, secret);
    cr_assert_eq(call(&p, P9_LINK, "dds", 0u, 1u, "second"), 0, "a link to a link is one");
    cr_assert_eq(lstat(host(&p, "second"), &st), 0);
    cr_assert(S_ISLNK(st.st_mode));
    close_p9(&p);
}

/* Between a walk and the use of what was found the host puts a link in the way. */
Test(virtio_9p, a_folder_replaced_by_a_link_leads_nowhere)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk(&p, 1, "dir/inner"), 0);
    cr_assert_eq(walk(&p, 2, "dir"), 0);
    cr_assert_eq(rename(host(&p, "dir"), host(&p, "elsewhere")), 0);
    cr_assert_eq(symlink(p.outside, host(&p, "dir")), 0);
    put_file(host(&p, "dir/inner"), "not yours");
    int e = open_fid(&p, 1, 0);
    if (!e)
        expect_read(&p, 1, "inner"); /* by its descriptor: the same file as before */
    e = call(&p, P9_MKDIR, "dsdd", 2u, "made", 0755u, 0u);
    char made[64];
    snprintf(made, sizeof(made), "%s/made", p.outside);
    cr_assert_lt(access(made, F_OK), 0);
    cr_assert(e || access(host(&p, "elsewhere/made"), F_OK) == 0);
    cr_assert_neq(walk(&p, 3, "dir/inner"), 0);
    close_p9(&p);
}

Test(virtio_9p, special_files_are_never_opened)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(mkfifo(host(&p, "fifo"), 0666), 0);
    for (unsigned flags = 0; flags < 3; flags++)
        cr_assert_eq(walk_open(&p, 1, "fifo", flags), ENXIO);
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "fifo", 1u, 0644u, 0u), ENXIO);
    cr_assert_eq(walk(&p, 1, "fifo"), 0);
    cr_assert_eq(get_attr(&p, 1).mode & S_IFMT, S_IFIFO);
    cr_assert_eq(call(&p, P9_MKNOD, "dsdddd", 0u, "pipe", 010600u, 0u, 0u, 0u), 0);
    cr_assert_eq(call(&p, P9_MKNOD, "dsdddd", 0u, "odd", 0170600u, 0u, 0u, 0u), EINVAL);
    close_p9(&p);
}

/* ---- files that move -------------------------------------------------------------------- */

Test(virtio_9p, fids_follow_renamed_folders)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk(&p, 1, "dir/inner"), 0);
    cr_assert_eq(walk(&p, 2, "dir"), 0);
    cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 0u, "other", 0755u, 0u), 0);
    cr_assert_eq(walk(&p, 3, "other"), 0);
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "dir", 3u, "moved"), 0);
    cr_assert_eq(open_fid(&p, 1, 0), 0);
    expect_read(&p, 1, "inner");
    cr_assert_eq(call(&p, P9_RENAME, "dds", 2u, 0u, "back"), 0, "by its fid");
    expect_file(host(&p, "back/inner"), "inner");
    cr_assert_eq(walk(&p, 4, "back/inner"), 0);
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "back", 2u, "below_itself"), EINVAL);
    cr_assert_eq(call(&p, P9_RENAME, "dds", 0u, 2u, "root"), EBUSY);
    close_p9(&p);
}

Test(virtio_9p, unlinked_and_replaced_files_live_on)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk(&p, 1, "file"), 0);
    cr_assert_eq(walk_open(&p, 2, "dir/inner", 0), 0);
    cr_assert_eq(walk(&p, 3, "dir"), 0);
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "file", 3u, "inner"), 0);
    expect_read(&p, 2, "inner");
    cr_assert_eq(get_attr(&p, 2).links, 0);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 3u, "inner", 0u), 0);
    cr_assert_eq(get_attr(&p, 1).size, 8);
    cr_assert_eq(open_fid(&p, 1, 0), 0);
    expect_read(&p, 1, "contents");
    cr_assert_eq(call(&p, P9_REMOVE, "d", 1u), ENOENT);
    cr_assert_eq(call(&p, P9_GETATTR, "dq", 1u, UINT64_C(0)), EBADF, "REMOVE drops the fid");
    close_p9(&p);
}

/* An editor on the host saves by renaming: who walks again finds the new file. */
Test(virtio_9p, files_that_the_host_replaces_are_seen)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk_open(&p, 1, "file", 0), 0);
    put_file(host(&p, "file.new"), "edited");
    cr_assert_eq(rename(host(&p, "file.new"), host(&p, "file")), 0);
    cr_assert_eq(walk_open(&p, 2, "file", 0), 0);
    expect_read(&p, 2, "edited");
    expect_read(&p, 1, "contents");
    close_p9(&p);
}

/* What the host moved can make our names a circle; it is cut. */
Test(virtio_9p, folders_that_the_host_turns_inside_out)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(mkdir(host(&p, "dir/sub"), 0755), 0);
    cr_assert_eq(walk(&p, 1, "dir"), 0);
    cr_assert_eq(walk_open(&p, 2, "dir/sub", 0200000), 0);
    cr_assert_eq(walk(&p, 3, "dir/sub"), 0);
    get_attr(&p, 3);
    cr_assert_eq(rename(host(&p, "dir/sub"), host(&p, "sub")), 0);
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "dir", 3u, "dir"), 0);
    cr_assert_eq(walk(&p, 4, "sub/dir/inner"), 0);
    for (uint32_t fid = 1; fid <= 4; fid++)
        cr_assert_eq(call(&p, P9_CLUNK, "d", fid), 0);
    close_p9(&p);
}

/* ---- read-only and security models ------------------------------------------------------ */

Test(virtio_9p, read_only_folders_do_not_change)
{
    P9Rig p;
    open_p9(&p, "security_model=none,readonly=on");
    cr_assert_eq(walk_open(&p, 1, "file", 0), 0);
    expect_read(&p, 1, "contents");
    cr_assert_eq(call(&p, P9_WRITE, "dqdb", 1u, UINT64_C(0), 1u, 'x'), EBADF);
    cr_assert_eq(walk(&p, 1, "file"), 0);
    cr_assert_eq(open_fid(&p, 1, 1), EROFS);
    cr_assert_eq(open_fid(&p, 1, 2), EROFS);
    cr_assert_eq(open_fid(&p, 1, 01000), EROFS);
    cr_assert_eq(call(&p, P9_SETATTR, "dddddqqqqq", 1u, 1u, 0u, 0u, 0u, UINT64_C(0), UINT64_C(0),
                      UINT64_C(0), UINT64_C(0), UINT64_C(0)), EROFS);
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", 1u, "user.x", UINT64_C(1), 0u), EROFS);
    cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 0u, "x", 0755u, 0u), EROFS);
    cr_assert_eq(call(&p, P9_SYMLINK, "dssd", 0u, "x", "y", 0u), EROFS);
    cr_assert_eq(call(&p, P9_MKNOD, "dsdddd", 0u, "x", 0100644u, 0u, 0u, 0u), EROFS);
    cr_assert_eq(call(&p, P9_LINK, "dds", 0u, 1u, "x"), EROFS);
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "file", 0u, "x"), EROFS);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 0u, "file", 0u), EROFS);
    cr_assert_eq(call(&p, P9_REMOVE, "d", 1u), EROFS);
    cr_assert_eq(walk(&p, 2, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 2u, "x", 1u, 0644u, 0u), EROFS);
    expect_file(host(&p, "file"), "contents");
    close_p9(&p);
}

/* An emulator that is not root makes files of its own user, but with the guest's mode: the mask of
 * the shell that started it is nobody's business. */
Test(virtio_9p, none_keeps_the_mode_where_the_owner_is_refused)
{
    P9Rig p;
    struct stat st;
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    umask(077);
    open_p9(&p, "security_model=none");
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "f", 1u, 0666u, 0u), 0);
    cr_assert_eq(stat(host(&p, "f"), &st), 0);
    cr_expect_eq(st.st_mode, S_IFREG | 0666);
    cr_expect_eq(st.st_uid, geteuid());
    cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 0u, "folder", 01777u, 0u), 0);
    cr_assert_eq(stat(host(&p, "folder"), &st), 0);
    cr_expect_eq(st.st_mode, S_IFDIR | 01777);
    cr_assert_eq(call(&p, P9_MKNOD, "dsdddd", 0u, "pipe", 010622u, 0u, 0u, 0u), 0);
    cr_assert_eq(stat(host(&p, "pipe"), &st), 0);
    cr_expect_eq(st.st_mode, S_IFIFO | 0622);
    close_p9(&p);
}

/* Owners, modes and special files are the guest's; the host sees plain files of its own user. */
static void check_mapped(const char *model)
{
    P9Rig p;
    struct stat st;
    open_p9(&p, model);
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "suid", 1u, 04755u, 42u), 0);
    Attr a = get_attr(&p, 1);
    cr_assert_eq(a.mode, S_IFREG | 04755);
    cr_assert_eq(a.uid, 1000, "of the user who attached");
    cr_assert_eq(a.gid, 42);
    cr_assert_eq(call(&p, P9_SETATTR, "dddddqqqqq", 1u, 7u, 0711u, 7u, 8u, UINT64_C(0), UINT64_C(0),
                      UINT64_C(0), UINT64_C(0), UINT64_C(0)), 0);
    stat(host(&p, "suid"), &st);
    cr_assert_eq(st.st_mode, S_IFREG | 0600);
    cr_assert_eq(st.st_uid, geteuid());
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "suid", 0u, "plain"), 0);
    cr_assert_eq(walk(&p, 1, "plain"), 0);
    cr_assert_eq(call(&p, P9_LINK, "dds", 0u, 1u, "linked"), 0);
    cr_assert_eq(walk(&p, 2, "linked"), 0);
    a = get_attr(&p, 2);
    cr_assert_eq(a.mode, S_IFREG | 0711);
    cr_assert_eq(a.uid, 7);
    cr_assert_eq(a.gid, 8);
    cr_assert_eq(call(&p, P9_MKNOD, "dsdddd", 0u, "null", 020666u, 1u, 3u, 0u), 0);
    cr_assert_eq(walk(&p, 1, "null"), 0);
    a = get_attr(&p, 1);
    cr_assert_eq(a.mode, S_IFCHR | 0666);
    cr_assert_eq(a.rdev, 1 << 8 | 3);
    lstat(host(&p, "null"), &st);
    cr_assert(S_ISREG(st.st_mode));
    cr_assert_eq(call(&p, P9_SYMLINK, "dssd", 0u, "link", "/etc/passwd", 0u), 0);
    lstat(host(&p, "link"), &st);
    cr_assert(S_ISREG(st.st_mode), "no link of the host");
    cr_assert_eq(walk(&p, 1, "link"), 0);
    cr_assert_eq(get_attr(&p, 1).mode & S_IFMT, S_IFLNK);
    cr_assert_eq(call(&p, P9_READLINK, "d", 1u), 0);
    char target[256];
    cr_assert_eq(p9_get_name(&p.answer, target), 0);
    cr_assert_str_eq(target, "/etc/passwd");
    cr_assert_eq(call(&p, P9_MKDIR, "dsdd", 0u, "folder", 0511u, 0u), 0);
    cr_assert_eq(walk(&p, 1, "folder"), 0);
    cr_assert_eq(get_attr(&p, 1).mode, S_IFDIR | 0511);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "f", 1u, 0644u, 0u), 0);
    cr_assert_eq(walk(&p, 1, "folder"), 0);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 0u, "folder", 0x200u), ENOTEMPTY);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 1u, "f", 0u), 0);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 0u, "folder", 0x200u), 0);
    close_p9(&p);
}

Test(virtio_9p, mapped_to_extended_attributes)
{
    check_mapped("security_model=mapped-xattr");
    P9Rig p;
    open_p9(&p, "security_model=mapped");
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "f", 1u, 0644u, 0u), 0);
    cr_assert_eq(walk(&p, 1, "f"), 0);
    cr_assert_eq(call(&p, P9_XATTRWALK, "dds", 1u, 2u, ""), 0);
    cr_assert_eq(answer(&p, 8), 0, "ours are not shown");
    cr_assert_eq(call(&p, P9_XATTRWALK, "dds", 1u, 3u, "user.virtfs.uid"), ENODATA);
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", 1u, "user.virtfs.uid", UINT64_C(0), 0u), 0);
    cr_assert_eq(call(&p, P9_CLUNK, "d", 1u), EPERM);
    cr_assert_eq(walk(&p, 1, "f"), 0);
    cr_assert_eq(call(&p, P9_XATTRWALK, "dds", 1u, 4u, "security.capability"), EOPNOTSUPP);
    close_p9(&p);
}

/* -run-with chroot=: there is no /proc, or one that the guest has made. */
Test(virtio_9p, mapped_behind_another_root)
{
    P9Rig p;
    if (geteuid() != 0)
        return;
    int old_root = open("/", O_PATH | O_DIRECTORY);
    open_p9(&p, "security_model=mapped-xattr");
    cr_assert_eq(chroot(p.path), 0);
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "suid", 1u, 04755u, 42u), 0);
    cr_expect_eq(get_attr(&p, 1).mode, S_IFREG | 04755);
    cr_expect_eq(get_attr(&p, 1).uid, 1000);
    cr_expect_eq(call(&p, P9_MKNOD, "dsdddd", 0u, "pipe", 010666u, 0u, 0u, 0u), 0);
    cr_assert_eq(walk(&p, 1, "pipe"), 0);
    cr_expect_eq(get_attr(&p, 1).mode, S_IFIFO | 0666);
    cr_assert_eq(walk(&p, 1, "suid"), 0);
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", 1u, "user.x", UINT64_C(0), 0u), 0);
    cr_expect_eq(call(&p, P9_CLUNK, "d", 1u), 0);
    cr_assert_eq(walk(&p, 1, "suid"), 0);
    cr_expect_eq(call(&p, P9_XATTRWALK, "dds", 1u, 2u, ""), 0);
    cr_expect_eq(answer(&p, 8), sizeof("user.x"));
    cr_assert_eq(fchdir(old_root), 0);
    cr_assert_eq(chroot("."), 0);
    close_p9(&p);
}

Test(virtio_9p, mapped_to_files)
{
    check_mapped("security_model=mapped-file");
    P9Rig p;
    unsigned total;
    open_p9(&p, "security_model=mapped-file,fmode=0640");
    cr_assert_eq(walk(&p, 1, ""), 0);
    cr_assert_eq(call(&p, P9_LCREATE, "dsddd", 1u, "f", 1u, 0644u, 0u), 0);
    struct stat st;
    stat(host(&p, "f"), &st);
    cr_assert_eq(st.st_mode & 0777, 0640);
    cr_assert_eq(access(host(&p, ".virtfs_metadata/f"), F_OK), 0);
    cr_assert_eq(walk(&p, 1, ".virtfs_metadata"), ENOENT);
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 0u, ".virtfs_metadata", 0x200u), EACCES);
    cr_assert_eq(call(&p, P9_RENAMEAT, "dsds", 0u, "file", 0u, ".virtfs_metadata_root"), EACCES);
    cr_assert_eq(walk_open(&p, 1, "", 0200000), 0);
    cr_assert_not(list_has(&p, 4000, ".virtfs_metadata", &total));
    /* metadata of the host's making that are a trap */
    cr_assert_eq(unlink(host(&p, ".virtfs_metadata/f")), 0);
    cr_assert_eq(mkfifo(host(&p, ".virtfs_metadata/f"), 0666), 0);
    cr_assert_eq(walk(&p, 1, "f"), 0);
    cr_assert_eq(get_attr(&p, 1).mode & 0777, 0640);
    close_p9(&p);
}

/* ---- sessions and limits ---------------------------------------------------------------- */

Test(virtio_9p, versions)
{
    P9Rig p;
    char version[32];
    open_p9(&p, "security_model=none");
    cr_assert_eq(call(&p, P9_VERSION, "ds", UINT32_MAX, "9P2000.L"), 0);
    cr_assert_eq(answer(&p, 4), P9_MSIZE_MAX);
    cr_assert_eq(call(&p, P9_GETATTR, "dq", 0u, UINT64_C(0)), EBADF, "a new session has no fids");
    cr_assert_eq(call(&p, P9_VERSION, "ds", 1000u, "9P2000.L"), EMSGSIZE);
    cr_assert_eq(call(&p, P9_VERSION, "ds", 8192u, "9P2000.u"), 0);
    answer(&p, 4);
    p9_get_text(&p.answer, version, sizeof(version));
    cr_assert_str_eq(version, "unknown");
    cr_assert_eq(call(&p, P9_ATTACH, "ddssd", 0u, NO_FID, "root", "", 0u), EPROTO);
    attach(&p);
    cr_assert_eq(call(&p, P9_ATTACH, "ddssd", 0u, NO_FID, "root", "", 0u), EBADF, "in use");
    cr_assert_eq(call(&p, P9_AUTH, "dssd", 5u, "root", "", 0u), EOPNOTSUPP);
    close_p9(&p);
}

Test(virtio_9p, answers_keep_to_the_message_size)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(call(&p, P9_VERSION, "ds", 4096u, "9P2000.L"), 0);
    cr_assert_eq(call(&p, P9_ATTACH, "ddssd", 0u, NO_FID, "root", "", 0u), 0);
    cr_assert_eq(truncate(host(&p, "file"), 100000), 0);
    cr_assert_eq(walk_open(&p, 1, "file", 0), 0);
    cr_assert_eq(call(&p, P9_READ, "dqd", 1u, UINT64_C(0), UINT32_MAX), 0);
    cr_assert_eq(answer(&p, 4), 4096 - 11);
    cr_assert_eq(call(&p, P9_READ, "dqd", 1u, UINT64_MAX, 100u), EINVAL);
    close_p9(&p);
}

Test(virtio_9p, open_files_are_bounded)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    unsigned fds = count_fds();
    uint32_t fid = 1;
    int e;
    while (!(e = walk_open(&p, fid, "file", 0)))
        fid++;
    cr_assert_eq(e, ENFILE);
    cr_assert_gt(fid, 16);
    attach(&p);
    cr_assert_lt(count_fds(), fds + 8, "a new session closes everything");
    close_p9(&p);
}

/* Straight to the server, which is quicker than a ring: one WALK to "file", from fid 0. */
static int walk_to_file(P9Server *s, P9Room *room, uint32_t fid)
{
    uint8_t in[64], out[23] = { 23, 0, 0, 0, P9_WALK, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0,
                                'f', 'i', 'l', 'e' };
    struct iovec iov[] = { { out, sizeof(out) }, { in, sizeof(in) } };
    const VirtChain c = { .iov = iov, .out_count = 1, .in_count = 1, .out_bytes = sizeof(out),
                          .in_bytes = sizeof(in) };
    memcpy(out + 11, &fid, 4);
    cr_assert_neq(p9_server_answer(s, &c, room), 0);
    return in[4] == P9_WALK + 1 ? 0 : in[7] | in[8] << 8;
}

Test(virtio_9p, fids_are_bounded, .timeout = 60)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    P9Room *room = malloc(sizeof(*room));
    unsigned fds = count_fds();
    uint32_t fid = 1;
    int e;
    while (!(e = walk_to_file(((Virtio9p *)p.r.dev)->server, room, fid)) && fid < 1000000)
        fid++;
    cr_assert_eq(e, ENFILE);
    cr_assert_gt(fid, 100000);
    cr_assert_leq(count_fds(), fds, "a fid that is not open needs no descriptor");
    attach(&p);
    cr_assert_eq(walk(&p, 1, "file"), 0);
    free(room);
    close_p9(&p);
}

Test(virtio_9p, extended_attributes_in_memory_are_bounded)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    uint32_t fid = 1;
    int e = 0;
    while (!e && fid < 1000) {
        cr_assert_eq(call(&p, P9_WALK, "ddws", 0u, ++fid, 1u, "file"), 0);
        e = call(&p, P9_XATTRCREATE, "dsqd", fid, "user.x", UINT64_C(65536), 0u);
    }
    cr_assert_eq(e, ENOMEM);
    cr_assert_eq(call(&p, P9_CLUNK, "d", 2u), EINVAL, "it was not filled");
    cr_assert_eq(call(&p, P9_XATTRCREATE, "dsqd", fid, "user.x", UINT64_C(65536), 0u), 0);
    close_p9(&p);
}

Test(virtio_9p, a_reset_closes_everything)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    unsigned fds = count_fds();
    for (uint32_t fid = 1; fid < 20; fid++)
        cr_assert_eq(walk_open(&p, fid, "file", 0), 0);
    cr_assert_geq(count_fds(), fds + 19);
    rig_set_reg(&p.r, R_STATUS, 0);
    cr_assert_leq(count_fds(), fds);
    close_p9(&p);
}

/* ---- messages that are none ------------------------------------------------------------- */

Test(virtio_9p, flush_is_answered_after_what_it_names)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    cr_assert_eq(call(&p, P9_FLUSH, "w", 1234u), 0, "nothing has that tag");
    cr_assert_eq(call(&p, P9_FLUSH, "w", p.tag + 1u), 0, "its own");
    for (int round = 0; round < 200; round++) {
        p.len = 4;
        put(&p, P9_GETATTR, 1);
        put(&p, 500, 2);
        put(&p, 0, 4);
        put(&p, 0x7ff, 8);
        memcpy(p.out, &p.len, 4);
        uint32_t flush[] = { 9, P9_FLUSH | 501 << 8, 500 };
        uint64_t flush_gpa = p.out_gpa + 4096;
        memcpy(rig_host(&p.r, flush_gpa), flush, 4);
        memcpy((char *)rig_host(&p.r, flush_gpa) + 4, (uint8_t[]){ P9_FLUSH, 245, 1, 244, 1 }, 5);
        const RigSeg get[] = { { p.out_gpa, p.len, false }, { p.in_gpa, 4096, true } };
        const RigSeg end[] = { { flush_gpa, 9, false }, { p.in_gpa + 4096, 4096, true } };
        uint16_t first = rig_add(&p.r, 0, get, 2);
        rig_add(&p.r, 0, end, 2);
        rig_kick(&p.r, 0);
        cr_assert_eq(rig_wait(&p.r, 0).id, first, "FLUSH came first");
        cr_assert_eq(rig_wait(&p.r, 0).len, P9_HEADER_BYTES);
    }
    close_p9(&p);
}

Test(virtio_9p, chains_that_are_no_message_break_the_device)
{
    static const struct {
        uint32_t size, out, in;
    } rows[] = { { 100, 99, 1000 }, { 6, 100, 1000 }, { 0, 0, 100 }, { 19, 19, 10 },
                 { 0xffffffff, 100, 100 } };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        P9Rig p;
        open_p9(&p, "security_model=none");
        memset(p.out, 0, 100);
        memcpy(p.out, &rows[i].size, 4);
        const RigSeg segs[] = { { p.out_gpa, rows[i].out, false }, { p.in_gpa, rows[i].in, true } };
        rig_add(&p.r, 0, rows[i].out ? segs : segs + 1, rows[i].out ? 2 : 1);
        rig_kick(&p.r, 0);
        for (int wait = 0; wait < 2000 && !rig_is_broken(&p.r); wait++)
            usleep(1000);
        cr_assert(rig_is_broken(&p.r), "row %zu", i);
        close_p9(&p);
    }
}

Test(virtio_9p, messages_that_are_cut_short_are_refused)
{
    P9Rig p;
    open_p9(&p, "security_model=none");
    for (unsigned type = 0; type < 256; type++) {
        bool known = type % 2 == 0 && type >= P9_STATFS && type <= P9_REMOVE;
        for (uint32_t len = 0; len < 12 && type != P9_FLUSH && type != P9_LERROR; len++) {
            p.len = 4;
            put(&p, type, 1);
            put(&p, ++p.tag, 2);
            put(&p, 5, 4); /* no such fid */
            put(&p, 0, 8);
            p.len = P9_HEADER_BYTES + len;
            memcpy(p.out, &p.len, 4);
            int e = send(&p);
            cr_assert_neq(e, 0, "type %u of %u bytes", type, p.len);
            cr_assert(known || e == EOPNOTSUPP, "type %u: %d", type, e);
        }
    }
    cr_assert_eq(call(&p, P9_WALK, "ddw", 0u, 1u, 17u), EINVAL);
    cr_assert_eq(call(&p, P9_WALK, "ddw", 0u, 1u, 3u), EINVAL, "names are missing");
    cr_assert_eq(call(&p, P9_UNLINKAT, "dsd", 0u, "file", 0x100u), EINVAL);
    attach(&p);
    cr_assert_eq(walk_open(&p, 1, "file", 2), 0);
    cr_assert_eq(call(&p, P9_WRITE, "dqd", 1u, UINT64_C(0), 1000u), EINVAL, "no data");
    cr_assert_eq(call(&p, P9_WRITE, "dqdb", 1u, UINT64_MAX, 1u, 0u), EFBIG);
    close_p9(&p);
}

static const char *random_name(void)
{
    static const char *const names[] = { "file", "dir", "inner", "..", "x", "y", "way_out",
                                         "secret", "", "a/b" };
    return names[random() % ARRAY_SIZE(names)];
}

static void put_random_name(P9Rig *p)
{
    const char *name = random_name();
    put_text(p, name, random() % 8 ? strlen(name) : strlen(name) / 2);
}

/* A message with fields that need not be its own. */
static void compose_nonsense(P9Rig *p)
{
    unsigned type;
    do
        type = (unsigned)random() % 64 * 2;
    while (type == P9_VERSION && random() % 50);
    p->len = 4;
    put(p, type, 1);
    put(p, ++p->tag, 2);
    put(p, (unsigned)random() % 8, 4);
    for (int i = (int)random() % 6; i > 0; i--) {
        unsigned kind = (unsigned)random() % 4;
        if (kind == 0)
            put(p, (unsigned)random() % 8, 4);
        else if (kind == 1)
            put(p, (unsigned)random() % 16 << random() % 10, 1u << random() % 4);
        else
            put_random_name(p);
    }
    memcpy(p->out, &p->len, 4);
}

/* A message with its own fields: f is a fid, n a name, z, 1, 2, 4 a number of 4 bytes and a count of
 * 2, q a small offset, c a size, m a mode, o flags for opening, r that of removing a folder. */
static void compose_sense(P9Rig *p)
{
    static const struct {
        uint8_t type;
        const char *fields;
    } shapes[] = {
        { P9_WALK, "ff1n" }, { P9_WALK, "ff2nn" }, { P9_LOPEN, "fo" }, { P9_LCREATE, "fnomz" },
        { P9_GETATTR, "fq" }, { P9_READDIR, "fqc" }, { P9_READ, "fqc" }, { P9_WRITE, "fqzz" },
        { P9_RENAMEAT, "fnfn" }, { P9_RENAME, "ffn" }, { P9_UNLINKAT, "fnz" },
        { P9_UNLINKAT, "fnr" }, { P9_MKDIR, "fnmz" }, { P9_CLUNK, "f" }, { P9_REMOVE, "f" },
        { P9_LINK, "ffn" }, { P9_SYMLINK, "fnnz" }, { P9_XATTRWALK, "ffn" }, { P9_FSYNC, "fz" },
        { P9_STATFS, "f" }, { P9_READLINK, "f" }, { P9_FLUSH, "1" },
    };
    size_t n = (size_t)random() % ARRAY_SIZE(shapes);
    p->len = 4;
    put(p, shapes[n].type, 1);
    put(p, ++p->tag, 2);
    for (const char *f = shapes[n].fields; *f; f++) {
        switch (*f) {
        case 'f': put(p, (unsigned)random() % 8, 4); break;
        case 'n': put_random_name(p); break;
        case 'q': put(p, (unsigned)random() % 64, 8); break;
        case 'c': put(p, (unsigned)random() % 600, 4); break;
        case 'm': put(p, 0755, 4); break;
        case 'o': put(p, (unsigned)random() % 3, 4); break;
        case 'r': put(p, 0x200, 4); break;
        case 'z': put(p, 0, 4); break;
        default: put(p, (unsigned)(*f - '0'), 2); break;
        }
    }
    memcpy(p->out, &p->len, 4);
}

/* A folder with traps. */
static unsigned open_traps(P9Rig *p, char secret[64])
{
    open_p9(p, "security_model=mapped-file");
    snprintf(secret, 64, "%s/secret", p->outside);
    cr_assert_eq(symlink(p->outside, host(p, "way_out")), 0);
    cr_assert_eq(mkfifo(host(p, "y"), 0666), 0);
    srandom(9);
    return count_fds();
}

static void close_traps(P9Rig *p, const char *secret, unsigned fds)
{
    cr_assert_not(rig_is_broken(&p->r));
    expect_file(secret, "secret");
    attach(p);
    cr_assert_leq(count_fds(), fds + 2);
    close_p9(p);
}

/* Nothing breaks, nothing outside changes, and afterwards nothing is left. */
Test(virtio_9p, random_messages, .timeout = 100)
{
    P9Rig p;
    char secret[64];
    unsigned fds = open_traps(&p, secret);
    for (int round = 0; round < 20000; round++) {
        compose_nonsense(&p);
        int e = send(&p);
        if (e == EPROTO)
            attach(&p);
        else if (e == EBADF)
            call(&p, P9_WALK, "ddw", 0u, (unsigned)random() % 8, 0u);
    }
    close_traps(&p, secret, fds);
}

/* The same by several threads of the device, about the same fids and files. */
Test(virtio_9p, many_messages_at_once, .timeout = 100)
{
    enum { AT_ONCE = 8 };
    P9Rig p;
    char secret[64];
    unsigned fds = open_traps(&p, secret);
    uint8_t *out = p.out;
    for (int round = 0; round < 3000; round++) {
        for (unsigned i = 0; i < AT_ONCE; i++) {
            p.out = out + i * 1024;
            compose_sense(&p);
            const RigSeg segs[] = { { p.out_gpa + i * 1024, p.len, false },
                                    { p.in_gpa + i * 1024, 1024, true } };
            rig_add(&p.r, 0, segs, 2);
        }
        rig_kick(&p.r, 0);
        for (unsigned i = 0; i < AT_ONCE; i++)
            cr_assert_geq(rig_wait(&p.r, 0).len, P9_HEADER_BYTES);
        p.out = out;
        if (call(&p, P9_STATFS, "d", 0u))
            attach(&p);
    }
    close_traps(&p, secret, fds);
}
