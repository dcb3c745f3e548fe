// SPDX-License-Identifier: MIT
//
// A 9P2000.L server: contract in p9.h, messages in the specification of 9P2000 (walk, read, ...)
// and in Linux' fs/9p and net/9p (those with an L).
//
// A fid is the driver's number for a file. What a fid stands for never changes: when it is opened,
// or becomes the file that was just created, another P9Fid takes its place in the table. So threads
// that serve messages about one fid need a lock only for the position in a folder and for the bytes
// of an extended attribute.
//
// Bounded are the fids, the open files, and the bytes of extended attributes in our memory; the
// nodes are by the tree. Locks of byte ranges always succeed: the guest's kernel keeps its own
// processes apart, the host's do not take part.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "hw/virtio/p9.h"
#include "util/bitops.h"

#define FIDS_MAX 262144u /* a guest that caches names keeps one for each */
#define BUCKETS 32768u
#define XATTR_BYTES_MAX (UINT64_C(16) << 20)
#define NO_UID UINT32_MAX

typedef enum FidKind { FID_CLOSED, FID_FILE, FID_FOLDER, FID_XATTR_READ, FID_XATTR_WRITE } FidKind;

typedef struct P9Fid P9Fid;
struct P9Fid {
    uint32_t number, uid; /* uid: of the user who attached */
    FidKind kind;
    FsNode *node;
    int fd;               /* of an open file or folder, or -1 */
    pthread_mutex_t lock; /* guards the position of fd, and what follows */
    char *xattr_name;
    uint8_t *xattr;
    size_t xattr_bytes, xattr_filled;
    int xattr_flags;
    unsigned refs;        /* under the server's lock: the table's, and those of messages */
    P9Fid *next;
};

struct P9Server {
    FsTree *tree;
    pthread_mutex_t lock; /* guards the table */
    P9Fid *buckets[BUCKETS];
    unsigned fid_count;
    atomic_uint msize, open_count;
    atomic_ullong xattr_bytes;
};

/* A message being served. The dispatcher looks its first fid up and drops both. */
typedef struct P9Call {
    P9Server *s;
    const VirtChain *c;
    P9Room *room;
    P9Reader in;
    P9Writer out;
    P9Fid *fid, *other;
    uint32_t room_bytes; /* for the answer, its header included */
    uint32_t direct;     /* bytes behind `out` that are in the guest's memory already */
} P9Call;

/* ---- fids ------------------------------------------------------------------------------- */

static P9Fid **find_locked(P9Server *s, uint32_t number)
{
    P9Fid **at = &s->buckets[number % BUCKETS];
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

static P9Fid *get_fid(P9Server *s, uint32_t number)
{
    pthread_mutex_lock(&s->lock);
    P9Fid *f = *find_locked(s, number);
    if (f)
        f->refs++;
    pthread_mutex_unlock(&s->lock);
    return f;
}

static void free_fid(P9Server *s, P9Fid *f)
{
    if (f->fd >= 0) {
        close(f->fd);
        atomic_fetch_sub(&s->open_count, 1);
    }
    atomic_fetch_sub(&s->xattr_bytes, f->xattr_bytes);
    free(f->xattr);
    free(f->xattr_name);
    fstree_put(s->tree, f->node);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void put_fid(P9Server *s, P9Fid *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&s->lock);
    bool last = --f->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (last)
        free_fid(s, f);
}

/* Takes over `node`, also on failure. */
static P9Fid *new_fid(P9Server *s, uint32_t number, uint32_t uid, FidKind kind, FsNode *node)
{
    P9Fid *f = malloc(sizeof(*f));
    if (!f) {
        fstree_put(s->tree, node);
        return NULL;
    }
    *f = (P9Fid){ .number = number, .uid = uid, .kind = kind, .node = node, .fd = -1, .refs = 1 };
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

/* Put `f` into the table: at its free place, or in the place of `old`. On failure it is freed. */
static int enter_fid(P9Server *s, P9Fid *f, P9Fid *old)
{
    pthread_mutex_lock(&s->lock);
    P9Fid **at = find_locked(s, f->number);
    int e = *at != old ? EBADF : !old && s->fid_count >= FIDS_MAX ? ENFILE : 0;
    if (!e) {
        s->fid_count += !old;
        f->next = old ? old->next : NULL;
        *at = f;
    }
    pthread_mutex_unlock(&s->lock);
    put_fid(s, e ? f : old);
    return e;
}

/* Take a fid out of the table; false: it is out already. */
static bool drop_fid(P9Server *s, P9Fid *f)
{
    pthread_mutex_lock(&s->lock);
    P9Fid **at = find_locked(s, f->number);
    bool found = *at == f;
    if (found) {
        *at = f->next;
        s->fid_count--;
    }
    pthread_mutex_unlock(&s->lock);
    if (found)
        put_fid(s, f);
    return found;
}

static void drop_all_fids(P9Server *s)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (;;) {
            pthread_mutex_lock(&s->lock);
            P9Fid *f = s->buckets[i];
            if (f) {
                s->buckets[i] = f->next;
                s->fid_count--;
            }
            pthread_mutex_unlock(&s->lock);
            if (!f)
                break;
            put_fid(s, f);
        }
    }
}

/* ---- helpers of messages ---------------------------------------------------------------- */

static uint32_t get32(P9Call *c)
{
    return (uint32_t)p9_get(&c->in, 4);
}

/* The second fid of a message. */
static int get_other(P9Call *c)
{
    c->other = get_fid(c->s, get32(c));
    return c->other ? 0 : EBADF;
}

static FsOwner get_owner(P9Call *c, uint32_t mode, uint32_t gid)
{
    return (FsOwner){ .mode = mode, .uid = c->fid->uid, .gid = gid };
}

static FsNode *same_node(P9Call *c)
{
    fstree_get(c->s->tree, c->fid->node);
    return c->fid->node;
}

/* Bytes of data that fit into an answer behind `before` other ones. */
static uint32_t data_room(const P9Call *c, uint32_t wanted, uint32_t before)
{
    uint32_t taken = P9_HEADER_BYTES + before;
    return c->room_bytes > taken ? MIN(wanted, c->room_bytes - taken) : 0;
}

/* The part of some segments from `skip` on, at most `len` bytes; the number of segments. */
static unsigned cut_segments(const struct iovec *from, unsigned count, uint64_t skip, uint64_t len,
                             struct iovec *to)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count && len; i++) {
        if (skip >= from[i].iov_len) {
            skip -= from[i].iov_len;
            continue;
        }
        size_t part = MIN(from[i].iov_len - skip, len);
        to[n++] = (struct iovec){ (char *)from[i].iov_base + skip, part };
        skip = 0;
        len -= part;
    }
    return n;
}

/* Count a file that is about to be opened; undone by free_fid() or by the caller. */
static int count_open(P9Server *s)
{
    if (atomic_fetch_add(&s->open_count, 1) < fstree_open_max(s->tree))
        return 0;
    atomic_fetch_sub(&s->open_count, 1);
    return ENFILE;
}

static int reserve_xattr(P9Server *s, size_t bytes)
{
    if (atomic_fetch_add(&s->xattr_bytes, bytes) + bytes <= XATTR_BYTES_MAX)
        return 0;
    atomic_fetch_sub(&s->xattr_bytes, bytes);
    return ENOMEM;
}

/* ---- sessions --------------------------------------------------------------------------- */

static int serve_version(P9Call *c)
{
    char version[16];
    uint32_t msize = get32(c);
    int e = p9_get_text(&c->in, version, sizeof(version));
    if (c->in.bad || msize < P9_MSIZE_MIN)
        return EMSGSIZE;
    drop_all_fids(c->s);
    msize = MIN(msize, P9_MSIZE_MAX);
    bool known = !e && !strcmp(version, "9P2000.L");
    atomic_store(&c->s->msize, known ? msize : 0);
    p9_put(&c->out, msize, 4);
    p9_put_text(&c->out, known ? "9P2000.L" : "unknown");
    return 0;
}

static int serve_auth(P9Call *c)
{
    return EOPNOTSUPP; /* whoever may use the device may use the folder */
}

static int serve_attach(P9Call *c)
{
    FsAttr attr;
    uint32_t number = get32(c);
    get32(c); /* the fid of an authentication */
    if (p9_get_text(&c->in, c->room->text, PATH_MAX) ||
        p9_get_text(&c->in, c->room->text, PATH_MAX))
        return EINVAL;
    uint32_t uid = get32(c);
    if (c->in.bad)
        return EINVAL;
    P9Fid *f = new_fid(c->s, number, uid == NO_UID ? 0 : uid, FID_CLOSED,
                       fstree_root(c->s->tree));
    if (!f)
        return ENOMEM;
    int e = fstree_stat(c->s->tree, f->node, -1, &attr);
    if (e) {
        put_fid(c->s, f);
        return e;
    }
    p9_put_qid(&c->out, p9_qid_of(&attr));
    return enter_fid(c->s, f, NULL);
}

static int serve_flush(P9Call *c)
{
    return 0;
}

/* ---- walking ---------------------------------------------------------------------------- */

static int walk_step(P9Call *c, FsNode **node, FsAttr *attr)
{
    char name[NAME_MAX + 1];
    FsTree *t = c->s->tree;
    FsNode *next;
    int e = p9_get_name(&c->in, name);
    if (e)
        return e;
    if (strcmp(name, "..")) {
        e = fstree_lookup(t, *node, name, &next, attr);
    } else {
        next = fstree_parent(t, *node);
        e = fstree_stat(t, next, -1, attr);
        if (e)
            fstree_put(t, next);
    }
    if (e)
        return e;
    fstree_put(t, *node);
    *node = next;
    return 0;
}

/* A name that is not there ends the walk; what was found before is the answer, but no new fid. */
static int serve_walk(P9Call *c)
{
    uint32_t number = get32(c), count = (uint32_t)p9_get(&c->in, 2), done = 0;
    FsAttr attr;
    int e = 0;
    if (c->in.bad || count > P9_WALK_MAX || c->fid->kind >= FID_XATTR_READ)
        return EINVAL;
    FsNode *node = same_node(c);
    uint8_t *at_count = c->out.at;
    p9_put(&c->out, 0, 2);
    while (done < count && !(e = walk_step(c, &node, &attr))) {
        p9_put_qid(&c->out, p9_qid_of(&attr));
        done++;
    }
    memcpy(at_count, &(uint16_t){ (uint16_t)done }, 2);
    if (done < count) {
        fstree_put(c->s->tree, node);
        return done ? 0 : e;
    }
    P9Fid *f = new_fid(c->s, number, c->fid->uid, FID_CLOSED, node);
    return f ? enter_fid(c->s, f, number == c->fid->number ? c->fid : NULL) : ENOMEM;
}

static int clunk_xattr(P9Server *s, P9Fid *f)
{
    if (f->xattr_filled != f->xattr_bytes)
        return EINVAL;
    /* Linux has no message for the removal: it is a replacement by nothing */
    if (!f->xattr_bytes && f->xattr_flags & XATTR_REPLACE)
        return fstree_remove_xattr(s->tree, f->node, f->xattr_name);
    return fstree_set_xattr(s->tree, f->node, f->xattr_name, f->xattr, f->xattr_bytes,
                            f->xattr_flags);
}

static int serve_clunk(P9Call *c)
{
    P9Fid *f = c->fid;
    int e = drop_fid(c->s, f) ? 0 : EBADF;
    if (e || f->kind != FID_XATTR_WRITE)
        return e;
    pthread_mutex_lock(&f->lock);
    e = clunk_xattr(c->s, f);
    pthread_mutex_unlock(&f->lock);
    return e;
}

static int serve_remove(P9Call *c)
{
    int e = fstree_remove_node(c->s->tree, c->fid->node);
    return drop_fid(c->s, c->fid) ? e : EBADF;
}

/* ---- attributes ------------------------------------------------------------------------- */

static int serve_getattr(P9Call *c)
{
    FsAttr attr;
    p9_get(&c->in, 8); /* what is wanted: the driver gets more than that */
    int e = fstree_stat(c->s->tree, c->fid->node, c->fid->fd, &attr);
    if (!e)
        p9_put_attr(&c->out, &attr);
    return e;
}

static int serve_setattr(P9Call *c)
{
    FsChange change;
    if (!p9_get_change(&c->in, &change) || c->in.bad)
        return EINVAL;
    return fstree_change(c->s->tree, c->fid->node, c->fid->fd, &change);
}

static int serve_statfs(P9Call *c)
{
    enum { P9_MAGIC = 0x01021997 };
    struct statfs st;
    int e = fstree_statfs(c->s->tree, c->fid->node, &st);
    if (e)
        return e;
    p9_put(&c->out, P9_MAGIC, 4);
    p9_put(&c->out, (uint64_t)st.f_bsize, 4);
    p9_put(&c->out, st.f_blocks, 8);
    p9_put(&c->out, st.f_bfree, 8);
    p9_put(&c->out, st.f_bavail, 8);
    p9_put(&c->out, st.f_files, 8);
    p9_put(&c->out, st.f_ffree, 8);
    p9_put(&c->out, 0, 8); /* the host's number for it says nothing here */
    p9_put(&c->out, NAME_MAX, 4);
    return 0;
}

static int serve_readlink(P9Call *c)
{
    size_t len;
    int e = fstree_readlink(c->s->tree, c->fid->node, c->room->text, PATH_MAX - 1, &len);
    if (e)
        return e;
    c->room->text[len] = '\0';
    p9_put_text(&c->out, c->room->text);
    return 0;
}

/* ---- opening and making ----------------------------------------------------------------- */

/* From now on the fid is that open file. */
static int become_open(P9Call *c, FsNode *node, int fd, const FsAttr *attr)
{
    P9Fid *f = new_fid(c->s, c->fid->number, c->fid->uid,
                       S_ISDIR(attr->st.st_mode) ? FID_FOLDER : FID_FILE, node);
    if (!f) {
        close(fd);
        atomic_fetch_sub(&c->s->open_count, 1);
        return ENOMEM;
    }
    f->fd = fd;
    p9_put_qid(&c->out, p9_qid_of(attr));
    p9_put(&c->out, 0, 4); /* as much at a time as fits into a message */
    return enter_fid(c->s, f, c->fid);
}

static int serve_lopen(P9Call *c)
{
    FsAttr attr;
    int fd, flags = p9_open_flags(get32(c));
    if (c->in.bad || c->fid->kind != FID_CLOSED)
        return EINVAL;
    int e = fstree_stat(c->s->tree, c->fid->node, -1, &attr);
    if (!e)
        e = count_open(c->s);
    if (e)
        return e;
    e = fstree_open(c->s->tree, c->fid->node, flags, &fd);
    if (!e)
        return become_open(c, same_node(c), fd, &attr);
    atomic_fetch_sub(&c->s->open_count, 1);
    return e;
}

static int serve_lcreate(P9Call *c)
{
    char name[NAME_MAX + 1];
    FsAttr attr;
    FsNode *node;
    int fd, e = p9_get_name(&c->in, name);
    uint32_t flags = get32(c), mode = get32(c), gid = get32(c);
    if (c->in.bad || c->fid->kind != FID_CLOSED)
        return EINVAL;
    FsOwner owner = get_owner(c, S_IFREG | (mode & 07777), gid);
    if (!e)
        e = count_open(c->s);
    if (e)
        return e;
    e = fstree_create_file(c->s->tree, c->fid->node, name, p9_open_flags(flags), &owner, &node,
                           &fd, &attr);
    if (!e)
        return become_open(c, node, fd, &attr);
    atomic_fetch_sub(&c->s->open_count, 1);
    return e;
}

static int make(P9Call *c, const char *name, const FsOwner *owner)
{
    FsAttr attr;
    int e = c->in.bad ? EINVAL : fstree_make(c->s->tree, c->fid->node, name, owner, &attr);
    if (!e)
        p9_put_qid(&c->out, p9_qid_of(&attr));
    return e;
}

static int serve_mkdir(P9Call *c)
{
    char name[NAME_MAX + 1];
    int e = p9_get_name(&c->in, name);
    uint32_t mode = get32(c), gid = get32(c);
    FsOwner owner = get_owner(c, S_IFDIR | (mode & 07777), gid);
    return e ? e : make(c, name, &owner);
}

static int serve_mknod(P9Call *c)
{
    char name[NAME_MAX + 1];
    int e = p9_get_name(&c->in, name);
    uint32_t mode = get32(c), major = get32(c), minor = get32(c), gid = get32(c);
    FsOwner owner = get_owner(c, mode, gid);
    owner.rdev = makedev(major, minor);
    return e ? e : S_ISDIR(mode) ? EINVAL : make(c, name, &owner);
}

static int serve_symlink(P9Call *c)
{
    char name[NAME_MAX + 1];
    FsAttr attr;
    int e = p9_get_name(&c->in, name);
    if (!e)
        e = p9_get_text(&c->in, c->room->text, PATH_MAX);
    FsOwner owner = get_owner(c, 0, get32(c));
    if (!e)
        e = c->in.bad ? EINVAL : fstree_symlink(c->s->tree, c->fid->node, name, c->room->text,
                                                &owner, &attr);
    if (!e)
        p9_put_qid(&c->out, p9_qid_of(&attr));
    return e;
}

/* ---- names ------------------------------------------------------------------------------ */

static int serve_link(P9Call *c)
{
    char name[NAME_MAX + 1];
    int e = get_other(c);
    if (!e)
        e = p9_get_name(&c->in, name);
    return e ? e : fstree_link(c->s->tree, c->other->node, c->fid->node, name);
}

static int serve_rename(P9Call *c)
{
    char name[NAME_MAX + 1];
    int e = get_other(c);
    if (!e)
        e = p9_get_name(&c->in, name);
    return e ? e : fstree_rename_node(c->s->tree, c->fid->node, c->other->node, name);
}

static int serve_renameat(P9Call *c)
{
    char name[NAME_MAX + 1], new_name[NAME_MAX + 1];
    int e = p9_get_name(&c->in, name);
    if (!e)
        e = get_other(c);
    if (!e)
        e = p9_get_name(&c->in, new_name);
    return e ? e : fstree_rename(c->s->tree, c->fid->node, name, c->other->node, new_name);
}

static int serve_unlinkat(P9Call *c)
{
    enum { REMOVE_FOLDER = 0x200 };
    char name[NAME_MAX + 1];
    int e = p9_get_name(&c->in, name);
    uint32_t flags = get32(c);
    if (c->in.bad || flags & ~(uint32_t)REMOVE_FOLDER)
        return EINVAL;
    return e ? e : fstree_unlink(c->s->tree, c->fid->node, name, flags & REMOVE_FOLDER);
}

/* ---- data ------------------------------------------------------------------------------- */

static int read_xattr(P9Call *c, uint64_t offset, uint32_t count)
{
    P9Fid *f = c->fid;
    size_t n = offset < f->xattr_bytes ? MIN(count, f->xattr_bytes - offset) : 0;
    n = MIN(n, P9_ANSWER_BYTES - 4);
    p9_put(&c->out, n, 4);
    p9_put_bytes(&c->out, f->xattr + offset, n);
    return 0;
}

/* From the file to the guest's memory, behind where the answer's head will be. */
static int serve_read(P9Call *c)
{
    uint64_t offset = p9_get(&c->in, 8);
    uint32_t count = data_room(c, get32(c), 4);
    size_t done = 0;
    if (c->in.bad)
        return EINVAL;
    if (c->fid->kind == FID_XATTR_READ)
        return read_xattr(c, offset, count);
    if (c->fid->kind != FID_FILE)
        return c->fid->kind == FID_FOLDER ? EISDIR : EBADF;
    unsigned n = cut_segments(virtchain_in(c->c), c->c->in_count, P9_HEADER_BYTES + 4, count,
                              c->room->iov);
    int e = n ? fstree_read(c->s->tree, c->fid->fd, c->room->iov, n, offset, &done) : 0;
    p9_put(&c->out, done, 4);
    c->direct = (uint32_t)done;
    return e;
}

static int write_xattr(P9Fid *f, uint64_t offset, const struct iovec *iov, unsigned n,
                       uint32_t count)
{
    pthread_mutex_lock(&f->lock);
    int e = offset != f->xattr_filled || count > f->xattr_bytes - offset ? ENOSPC : 0;
    for (unsigned i = 0; i < n && !e; i++) {
        memcpy(f->xattr + f->xattr_filled, iov[i].iov_base, iov[i].iov_len);
        f->xattr_filled += iov[i].iov_len;
    }
    pthread_mutex_unlock(&f->lock);
    return e;
}

static int serve_write(P9Call *c)
{
    enum { BEFORE_DATA = P9_HEADER_BYTES + 16 };
    uint64_t offset = p9_get(&c->in, 8);
    uint32_t count = get32(c);
    size_t done = count;
    if (c->in.bad || count > c->c->out_bytes - BEFORE_DATA)
        return EINVAL;
    unsigned n = cut_segments(c->c->iov, c->c->out_count, BEFORE_DATA, count, c->room->iov);
    int e = EBADF;
    if (c->fid->kind == FID_XATTR_WRITE)
        e = write_xattr(c->fid, offset, c->room->iov, n, count);
    else if (c->fid->kind == FID_FILE)
        e = n ? fstree_write(c->s->tree, c->fid->fd, c->room->iov, n, offset, &done) : 0;
    p9_put(&c->out, done, 4);
    return e;
}

static int serve_fsync(P9Call *c)
{
    int fd = c->fid->fd;
    uint32_t data_only = get32(c);
    if (fd < 0)
        return EBADF;
    return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0;
}

static bool take_entry(void *opaque, const FsEntry *e)
{
    P9Writer *w = opaque;
    uint8_t *before = w->at;
    p9_put_qid(w, (P9Qid){ .type = e->type == DT_DIR ? P9_QID_DIR : 0, .path = e->unique });
    p9_put(w, e->next_offset, 8);
    p9_put(w, e->type, 1);
    p9_put_text(w, e->name);
    if (w->full)
        w->at = before;
    return !w->full;
}

static int serve_readdir(P9Call *c)
{
    uint64_t offset = p9_get(&c->in, 8);
    uint32_t count = data_room(c, get32(c), 4);
    if (c->in.bad || c->fid->kind != FID_FOLDER)
        return c->in.bad ? EINVAL : EBADF;
    P9Writer entries = { .start = c->out.at + 4, .at = c->out.at + 4,
                         .end = c->out.at + 4 + MIN(count, c->out.end - c->out.at - 4) };
    pthread_mutex_lock(&c->fid->lock);
    int e = fstree_read_dir(c->s->tree, c->fid->fd, offset, take_entry, &entries);
    pthread_mutex_unlock(&c->fid->lock);
    if (!e && entries.full && entries.at == entries.start)
        e = EINVAL; /* not even one fits: an empty answer would be the end */
    p9_put(&c->out, (uint64_t)(entries.at - entries.start), 4);
    c->out.at = entries.at;
    return e;
}

/* ---- extended attributes ---------------------------------------------------------------- */

static int load_xattr(P9Call *c, P9Fid *f, const char *name)
{
    size_t len = 0;
    int e = reserve_xattr(c->s, XATTR_SIZE_MAX);
    if (e)
        return e;
    f->xattr_bytes = XATTR_SIZE_MAX;
    f->xattr = malloc(XATTR_SIZE_MAX);
    if (!f->xattr)
        return ENOMEM;
    e = fstree_get_xattr(c->s->tree, f->node, name, f->xattr, XATTR_SIZE_MAX, &len);
    atomic_fetch_sub(&c->s->xattr_bytes, XATTR_SIZE_MAX - len);
    f->xattr_bytes = len;
    uint8_t *shorter = realloc(f->xattr, len + 1);
    f->xattr = shorter ? shorter : f->xattr;
    return e;
}

static int serve_xattrwalk(P9Call *c)
{
    char name[NAME_MAX + 1];
    uint32_t number = get32(c);
    int e = p9_get_name(&c->in, name);
    if (c->in.bad || e)
        return e ? e : EINVAL;
    P9Fid *f = new_fid(c->s, number, c->fid->uid, FID_XATTR_READ, same_node(c));
    if (!f)
        return ENOMEM;
    e = load_xattr(c, f, name);
    if (e) {
        put_fid(c->s, f);
        return e;
    }
    p9_put(&c->out, f->xattr_bytes, 8);
    return enter_fid(c->s, f, number == c->fid->number ? c->fid : NULL);
}

static int serve_xattrcreate(P9Call *c)
{
    char name[NAME_MAX + 1];
    int e = p9_get_name(&c->in, name);
    uint64_t size = p9_get(&c->in, 8);
    uint32_t flags = get32(c);
    if (c->in.bad || c->fid->kind != FID_CLOSED || flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return EINVAL;
    if (e || size > XATTR_SIZE_MAX)
        return e ? e : E2BIG;
    if (fstree_read_only(c->s->tree))
        return EROFS;
    e = reserve_xattr(c->s, size);
    if (e)
        return e;
    P9Fid *f = new_fid(c->s, c->fid->number, c->fid->uid, FID_XATTR_WRITE, same_node(c));
    if (!f) {
        atomic_fetch_sub(&c->s->xattr_bytes, size);
        return ENOMEM;
    }
    f->xattr_bytes = size;
    f->xattr_flags = (int)flags;
    f->xattr = malloc(size + 1);
    f->xattr_name = strdup(name);
    if (f->xattr && f->xattr_name)
        return enter_fid(c->s, f, c->fid);
    put_fid(c->s, f);
    return ENOMEM;
}

/* ---- locks ------------------------------------------------------------------------------ */

static int serve_lock(P9Call *c)
{
    enum { LOCK_SUCCESS = 0 };
    p9_put(&c->out, LOCK_SUCCESS, 1);
    return 0;
}

/* Nobody else holds a lock. */
static int serve_getlock(P9Call *c)
{
    enum { UNLOCKED = 2 };
    p9_get(&c->in, 1);
    uint64_t start = p9_get(&c->in, 8), length = p9_get(&c->in, 8);
    uint32_t process = get32(c);
    int e = p9_get_text(&c->in, c->room->text, PATH_MAX);
    if (e)
        return e;
    p9_put(&c->out, UNLOCKED, 1);
    p9_put(&c->out, start, 8);
    p9_put(&c->out, length, 8);
    p9_put(&c->out, process, 4);
    p9_put_text(&c->out, c->room->text);
    return 0;
}

/* ---- dispatch --------------------------------------------------------------------------- */

typedef struct P9Message {
    int (*serve)(P9Call *c); /* 0, or an errno value */
    bool has_fid;            /* it begins with a fid that must be there */
} P9Message;

static const P9Message messages[P9_TYPES] = {
    [P9_STATFS] = { serve_statfs, true },
    [P9_LOPEN] = { serve_lopen, true },
    [P9_LCREATE] = { serve_lcreate, true },
    [P9_SYMLINK] = { serve_symlink, true },
    [P9_MKNOD] = { serve_mknod, true },
    [P9_RENAME] = { serve_rename, true },
    [P9_READLINK] = { serve_readlink, true },
    [P9_GETATTR] = { serve_getattr, true },
    [P9_SETATTR] = { serve_setattr, true },
    [P9_XATTRWALK] = { serve_xattrwalk, true },
    [P9_XATTRCREATE] = { serve_xattrcreate, true },
    [P9_READDIR] = { serve_readdir, true },
    [P9_FSYNC] = { serve_fsync, true },
    [P9_LOCK] = { serve_lock, true },
    [P9_GETLOCK] = { serve_getlock, true },
    [P9_LINK] = { serve_link, true },
    [P9_MKDIR] = { serve_mkdir, true },
    [P9_RENAMEAT] = { serve_renameat, true },
    [P9_UNLINKAT] = { serve_unlinkat, true },
    [P9_VERSION] = { serve_version, false },
    [P9_AUTH] = { serve_auth, false },
    [P9_ATTACH] = { serve_attach, false },
    [P9_FLUSH] = { serve_flush, false },
    [P9_WALK] = { serve_walk, true },
    [P9_READ] = { serve_read, true },
    [P9_WRITE] = { serve_write, true },
    [P9_CLUNK] = { serve_clunk, true },
    [P9_REMOVE] = { serve_remove, true },
};

static int serve(P9Call *c, uint8_t type)
{
    const P9Message *m = type < P9_TYPES ? &messages[type] : NULL;
    if (!m || !m->serve)
        return EOPNOTSUPP;
    if (type != P9_VERSION && !atomic_load(&c->s->msize))
        return EPROTO;
    if (m->has_fid) {
        uint32_t number = get32(c);
        c->fid = c->in.bad ? NULL : get_fid(c->s, number);
        if (!c->fid)
            return c->in.bad ? EINVAL : EBADF;
    }
    int e = m->serve(c);
    if (!e && c->out.full)
        e = EMSGSIZE;
    put_fid(c->s, c->fid);
    put_fid(c->s, c->other);
    return e;
}

static uint32_t finish(const P9Call *c, uint8_t type, uint16_t tag)
{
    uint8_t head[P9_HEADER_BYTES];
    size_t len = (size_t)(c->out.at - c->out.start);
    uint32_t size = P9_HEADER_BYTES + (uint32_t)len + c->direct;
    memcpy(head, &size, 4);
    head[4] = type;
    memcpy(head + 5, &tag, 2);
    virtchain_write(c->c, 0, head, sizeof(head));
    virtchain_write(c->c, sizeof(head), c->out.start, len);
    return size;
}

uint32_t p9_server_answer(P9Server *s, const VirtChain *chain, P9Room *room)
{
    size_t got = virtchain_read(chain, 0, room->request, sizeof(room->request));
    uint32_t size, msize = atomic_load(&s->msize);
    uint16_t tag;
    if (got < P9_HEADER_BYTES || chain->in_bytes < P9_ERROR_BYTES)
        return 0;
    memcpy(&size, room->request, 4);
    memcpy(&tag, room->request + 5, 2);
    if (size < P9_HEADER_BYTES || size > chain->out_bytes)
        return 0;
    P9Call c = {
        .s = s, .c = chain, .room = room,
        .in = { .at = room->request + P9_HEADER_BYTES, .end = room->request + MIN(got, size) },
        .room_bytes = (uint32_t)MIN(chain->in_bytes, msize ? msize : P9_MSIZE_MIN),
    };
    size_t answer_bytes = MIN(sizeof(room->answer), c.room_bytes - P9_HEADER_BYTES);
    c.out = (P9Writer){ .start = room->answer, .at = room->answer,
                        .end = room->answer + answer_bytes };
    uint8_t type = room->request[4];
    int e = serve(&c, type);
    if (!e)
        return finish(&c, type + 1, tag);
    c.out.at = c.out.start;
    c.out.end = c.out.start + 4;
    c.direct = 0;
    p9_put(&c.out, (uint64_t)e, 4);
    return finish(&c, P9_LERROR + 1, tag);
}

/* ---- life ------------------------------------------------------------------------------- */

P9Server *p9_server_create(FsDev *d, Error **err)
{
    P9Server *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(err, "out of memory for sharing a folder");
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->tree = fstree_create(d, err);
    if (s->tree)
        return s;
    p9_server_destroy(s);
    return NULL;
}

void p9_server_reset(P9Server *s)
{
    drop_all_fids(s);
    atomic_store(&s->msize, 0);
}

void p9_server_destroy(P9Server *s)
{
    if (!s)
        return;
    drop_all_fids(s);
    fstree_destroy(s->tree);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
