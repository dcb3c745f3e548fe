// SPDX-License-Identifier: MIT
//
// Operations on the files of a shared folder; contract in tree.h. Each goes to the host through
// descriptors of nodes: of the folder and one name in it, or of the file itself. What changes names
// holds the tree's lock meanwhile, so that the nodes agree with what happened.
#include "fsdev/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "fsdev/internal.h"
#include "util/bitops.h"

#define OPEN_FLAGS (O_ACCMODE | O_TRUNC | O_APPEND | O_SYNC | O_DSYNC | O_DIRECTORY)

/* ---- life ------------------------------------------------------------------------------- */

FsTree *fstree_create(FsDev *d, Error **err)
{
    FsTree *t = calloc(1, sizeof(*t));
    int e = ENOMEM;
    if (t) {
        t->dev = d;
        pthread_mutex_init(&t->lock, NULL);
        e = fsnode_init_tree(t);
    }
    if (!e)
        return t;
    error_set_errno(err, e, "cannot share folder '%s'", d->path);
    fstree_destroy(t);
    return NULL;
}

void fstree_destroy(FsTree *t)
{
    if (!t)
        return;
    fsnode_free_tree(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool fstree_read_only(const FsTree *t)
{
    return t->dev->read_only;
}

unsigned fstree_open_max(const FsTree *t)
{
    return t->dev->fd_max;
}

void fstree_get(FsTree *t, FsNode *n)
{
    pthread_mutex_lock(&t->lock);
    fsnode_get_locked(n);
    pthread_mutex_unlock(&t->lock);
}

void fstree_put(FsTree *t, FsNode *n)
{
    pthread_mutex_lock(&t->lock);
    fsnode_put_locked(t, n);
    pthread_mutex_unlock(&t->lock);
}

FsNode *fstree_root(FsTree *t)
{
    fstree_get(t, t->root);
    return t->root;
}

FsNode *fstree_parent(FsTree *t, FsNode *n)
{
    char name[NAME_MAX + 1];
    FsNode *dir;
    pthread_mutex_lock(&t->lock);
    if (!fsnode_where_locked(n, &dir, name))
        dir = fsnode_get_locked(n);
    pthread_mutex_unlock(&t->lock);
    return dir;
}

/* ---- names ------------------------------------------------------------------------------ */

static int check_name(const char *name)
{
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/'))
        return EINVAL;
    return strlen(name) > NAME_MAX ? ENAMETOOLONG : 0;
}

static int check_writable(const FsTree *t)
{
    return t->dev->read_only ? EROFS : 0;
}

/* A name that is to be made, changed or removed. */
static int check_change(const FsTree *t, const char *name)
{
    int e = check_writable(t);
    if (!e)
        e = check_name(name);
    return e ? e : fs_name_is_hidden(t->dev, name) ? EACCES : 0;
}

static int take_entry_locked(FsTree *t, FsNode *dir, int dir_fd, const char *name, FsNode **out,
                             struct stat *st)
{
    if (fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno;
    int e = fs_check_device(t->dev, st->st_dev);
    return e ? e : fsnode_take_locked(t, dir, name, st, out);
}

int fstree_lookup(FsTree *t, FsNode *dir, const char *name, FsNode **out, FsAttr *attr)
{
    int fd, e = check_name(name);
    if (!e && fs_name_is_hidden(t->dev, name))
        e = ENOENT;
    if (e)
        return e;
    pthread_mutex_lock(&t->lock);
    e = fsnode_pin_locked(t, dir, &fd);
    if (!e) {
        e = take_entry_locked(t, dir, fd, name, out, &attr->st);
        fsnode_unpin_locked(t, dir);
    }
    pthread_mutex_unlock(&t->lock);
    if (e)
        return e;
    attr->unique = fs_unique(t->dev, attr->st.st_dev, attr->st.st_ino);
    if (fs_is_mapped(t->dev)) {
        e = fstree_stat(t, *out, -1, attr);
        if (e)
            fstree_put(t, *out);
    }
    return e;
}

/* ---- attributes ------------------------------------------------------------------------- */

/* A node's place, or at least its open file. */
static int hold(FsTree *t, FsNode *n, int fd, FsPlace *p)
{
    int e = fsnode_pin(t, n, p);
    if (!e || fd < 0)
        return e;
    *p = (FsPlace){ .fd = fd, .dir_fd = -1 };
    return 0;
}

static void release(FsTree *t, FsNode *n, int fd, FsPlace *p)
{
    if (p->fd != fd)
        fsnode_unpin(t, n, p);
}

static int stat_place(FsTree *t, const FsPlace *p, FsAttr *attr)
{
    if (fstat(p->fd, &attr->st) < 0)
        return errno;
    attr->unique = fs_unique(t->dev, attr->st.st_dev, attr->st.st_ino);
    return fs_show(t->dev, p, &attr->st);
}

int fstree_stat(FsTree *t, FsNode *n, int fd, FsAttr *attr)
{
    FsPlace p;
    int e = hold(t, n, fd, &p);
    if (e)
        return e;
    e = stat_place(t, &p, attr);
    release(t, n, fd, &p);
    return e;
}

static int truncate_place(FsTree *t, const FsPlace *p, int fd, uint64_t size)
{
    int file;
    if (size > INT64_MAX)
        return EFBIG;
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
        return 0;
    int e = fs_reopen(t->dev, p->fd, O_WRONLY, &file);
    if (e)
        return e;
    e = ftruncate(file, (off_t)size) < 0 ? errno : 0;
    close(file);
    return e;
}

static int set_times(FsTree *t, const FsPlace *p, const struct timespec times[2])
{
    char name[16];
    snprintf(name, sizeof(name), "%d", p->fd);
    return utimensat(t->dev->proc_fd, name, times, 0) < 0 ? errno : 0;
}

/* The owner before the mode, whose set-uid bit a new owner clears; times last, as all else changes
 * them. */
static int change_place(FsTree *t, const FsPlace *p, int fd, const FsChange *c)
{
    int e = 0;
    if (c->what & (FS_UID | FS_GID))
        e = fs_change_owner(t->dev, p, c->what & FS_UID ? c->uid : UINT32_MAX,
                            c->what & FS_GID ? c->gid : UINT32_MAX);
    if (!e && c->what & FS_MODE)
        e = fs_change_mode(t->dev, p, c->mode);
    if (!e && c->what & FS_SIZE)
        e = truncate_place(t, p, fd, c->size);
    if (!e && c->what & FS_TIMES)
        e = set_times(t, p, c->times);
    return e;
}

int fstree_change(FsTree *t, FsNode *n, int fd, const FsChange *c)
{
    FsPlace p;
    int e = check_writable(t);
    if (!e)
        e = hold(t, n, fd, &p);
    if (e)
        return e;
    e = change_place(t, &p, fd, c);
    release(t, n, fd, &p);
    return e;
}

int fstree_statfs(FsTree *t, FsNode *n, struct statfs *out)
{
    FsPlace p;
    int e = fsnode_pin(t, n, &p);
    if (e)
        return e;
    e = fstatfs(p.fd, out) < 0 ? errno : 0;
    fsnode_unpin(t, n, &p);
    return e;
}

/* ---- opening ---------------------------------------------------------------------------- */

int fstree_open(FsTree *t, FsNode *n, int flags, int *fd)
{
    FsPlace p;
    flags &= OPEN_FLAGS;
    if (t->dev->read_only && ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC))
        return EROFS;
    int e = fsnode_pin(t, n, &p);
    if (e)
        return e;
    e = fs_reopen(t->dev, p.fd, flags, fd);
    fsnode_unpin(t, n, &p);
    return e;
}

int fstree_read(FsTree *t, int fd, const struct iovec *iov, unsigned count, uint64_t offset,
                size_t *done)
{
    ssize_t n = offset > INT64_MAX ? (errno = EINVAL, -1)
                                   : preadv(fd, iov, (int)count, (off_t)offset);
    *done = (size_t)MAX(n, 0);
    return n < 0 ? errno : 0;
}

int fstree_write(FsTree *t, int fd, const struct iovec *iov, unsigned count, uint64_t offset,
                 size_t *done)
{
    ssize_t n = offset > INT64_MAX ? (errno = EFBIG, -1)
                                   : pwritev(fd, iov, (int)count, (off_t)offset);
    *done = (size_t)MAX(n, 0);
    if (n > 0 && t->dev->write_out)
        sync_file_range(fd, (off_t)offset, n, SYNC_FILE_RANGE_WRITE);
    return n < 0 ? errno : 0;
}

/* ---- new files -------------------------------------------------------------------------- */

/* Something was just made as `name`, and `fd` is it: give it its owner, or take it away again. */
static int finish_new(FsTree *t, const FsPlace *dir, const char *name, int fd,
                      const FsOwner *owner, FsAttr *attr)
{
    FsPlace p = { .fd = fd, .dir_fd = dir->fd };
    strcpy(p.name, name);
    int e = fs_own(t->dev, &p, owner);
    if (!e)
        e = stat_place(t, &p, attr);
    if (e)
        unlinkat(dir->fd, name, S_ISDIR(owner->mode) ? AT_REMOVEDIR : 0);
    return e;
}

static int new_file(FsTree *t, const FsPlace *dir, const char *name, int flags,
                    const FsOwner *owner, int *fd)
{
    mode_t mode = fs_is_mapped(t->dev) ? t->dev->file_mode : owner->mode & 0777;
    *fd = openat(dir->fd, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                 mode);
    return *fd < 0 ? errno : 0;
}

static int open_existing(FsTree *t, FsNode *dir, const char *name, int flags, FsNode **out, int *fd,
                         FsAttr *attr)
{
    int e = fstree_lookup(t, dir, name, out, attr);
    if (e)
        return e;
    e = fstree_open(t, *out, flags, fd);
    if (e)
        fstree_put(t, *out);
    return e;
}

int fstree_create_file(FsTree *t, FsNode *dir, const char *name, int flags, const FsOwner *owner,
                       FsNode **out, int *fd, FsAttr *attr)
{
    FsPlace p;
    int e = check_change(t, name);
    if (!e)
        e = fsnode_pin(t, dir, &p);
    if (e)
        return e;
    e = new_file(t, &p, name, flags & OPEN_FLAGS & ~O_TRUNC, owner, fd);
    if (!e) {
        e = finish_new(t, &p, name, *fd, owner, attr);
        if (!e) {
            pthread_mutex_lock(&t->lock);
            e = fsnode_take_locked(t, dir, name, &attr->st, out);
            pthread_mutex_unlock(&t->lock);
        }
        if (e)
            close(*fd);
    } else if (e == EEXIST && !(flags & O_EXCL)) {
        e = open_existing(t, dir, name, flags, out, fd, attr);
    }
    fsnode_unpin(t, dir, &p);
    return e;
}

static int make_host(FsTree *t, const FsPlace *dir, const char *name, const FsOwner *o)
{
    int fd;
    if (S_ISDIR(o->mode))
        return mkdirat(dir->fd, name, fs_is_mapped(t->dev) ? t->dev->dir_mode : o->mode & 0777) < 0
                   ? errno : 0;
    if (!S_ISREG(o->mode) && !S_ISCHR(o->mode) && !S_ISBLK(o->mode) && !S_ISFIFO(o->mode) &&
        !S_ISSOCK(o->mode))
        return EINVAL;
    if (!fs_is_mapped(t->dev))
        return mknodat(dir->fd, name, o->mode & (S_IFMT | 0777), o->rdev) < 0 ? errno : 0;
    int e = new_file(t, dir, name, O_WRONLY, o, &fd);
    if (!e)
        close(fd);
    return e;
}

/* In the mapped models a link is a file with its target in it. */
static int symlink_host(FsTree *t, const FsPlace *dir, const char *name, const char *target,
                        const FsOwner *o)
{
    int fd;
    size_t len = strlen(target);
    if (!fs_is_mapped(t->dev))
        return symlinkat(target, dir->fd, name) < 0 ? errno : 0;
    int e = new_file(t, dir, name, O_WRONLY, o, &fd);
    if (e)
        return e;
    ssize_t n = write(fd, target, len);
    e = n < 0 ? errno : (size_t)n < len ? ENOSPC : 0;
    close(fd);
    if (e)
        unlinkat(dir->fd, name, 0);
    return e;
}

static int make(FsTree *t, FsNode *dir, const char *name, const char *target,
                const FsOwner *owner, FsAttr *attr)
{
    FsPlace p;
    int e = check_change(t, name);
    if (!e)
        e = fsnode_pin(t, dir, &p);
    if (e)
        return e;
    e = target ? symlink_host(t, &p, name, target, owner) : make_host(t, &p, name, owner);
    if (!e) {
        int fd = openat(p.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        e = fd < 0 ? errno : finish_new(t, &p, name, fd, owner, attr);
        if (fd >= 0)
            close(fd);
    }
    fsnode_unpin(t, dir, &p);
    return e;
}

int fstree_make(FsTree *t, FsNode *dir, const char *name, const FsOwner *owner, FsAttr *attr)
{
    return make(t, dir, name, NULL, owner, attr);
}

int fstree_symlink(FsTree *t, FsNode *dir, const char *name, const char *target,
                   const FsOwner *owner, FsAttr *attr)
{
    FsOwner link = *owner;
    link.mode = S_IFLNK | 0777;
    return make(t, dir, name, target, &link, attr);
}

static int read_mapped_link(FsTree *t, const FsPlace *p, char *buf, size_t size, size_t *len)
{
    FsAttr attr;
    int fd, e = stat_place(t, p, &attr);
    if (!e && !S_ISLNK(attr.st.st_mode))
        e = EINVAL;
    if (!e)
        e = fs_reopen(t->dev, p->fd, O_RDONLY, &fd);
    if (e)
        return e;
    ssize_t n = read(fd, buf, size);
    e = n < 0 ? errno : 0;
    *len = (size_t)MAX(n, 0);
    close(fd);
    return e;
}

int fstree_readlink(FsTree *t, FsNode *n, char *buf, size_t size, size_t *len)
{
    FsPlace p;
    int e = fsnode_pin(t, n, &p);
    if (e)
        return e;
    ssize_t got = readlinkat(p.fd, "", buf, size);
    if (got >= 0)
        *len = (size_t)got;
    else
        e = fs_is_mapped(t->dev) ? read_mapped_link(t, &p, buf, size, len) : EINVAL;
    fsnode_unpin(t, n, &p);
    return e;
}

/* ---- names that change ------------------------------------------------------------------ */

static int link_place(FsTree *t, const FsPlace *p, const FsPlace *dir, const char *name)
{
    char from[16];
    snprintf(from, sizeof(from), "%d", p->fd);
    if (linkat(t->dev->proc_fd, from, dir->fd, name, AT_SYMLINK_FOLLOW) < 0)
        return errno;
    if (t->dev->model->linked)
        t->dev->model->linked(t->dev, p, dir->fd, name);
    return 0;
}

int fstree_link(FsTree *t, FsNode *n, FsNode *dir, const char *name)
{
    FsPlace p, to;
    int e = check_change(t, name);
    if (!e)
        e = fsnode_pin(t, n, &p);
    if (e)
        return e;
    e = fsnode_pin(t, dir, &to);
    if (!e) {
        e = link_place(t, &p, &to, name);
        fsnode_unpin(t, dir, &to);
    }
    fsnode_unpin(t, n, &p);
    return e;
}

/* What is kept beside a file goes where the file goes; new_dir -1: it is gone. */
static void tell_moved(FsTree *t, int dir, const char *name, int new_dir, const char *new_name)
{
    if (t->dev->model->moved)
        t->dev->model->moved(t->dev, dir, name, new_dir, new_name);
}

static int rename_locked(FsTree *t, FsNode *dir, int fd, const char *name, FsNode *new_dir,
                         int new_fd, const char *new_name)
{
    FsNode *from = fsnode_find_locked(t, dir, name);
    FsNode *to = fsnode_find_locked(t, new_dir, new_name);
    if (to)
        fsnode_keep_locked(t, to);
    if (renameat(fd, name, new_fd, new_name) < 0)
        return errno;
    if (dir == new_dir && !strcmp(name, new_name))
        return 0;
    if (to)
        fsnode_detach_locked(t, to);
    if (from)
        fsnode_move_locked(t, from, new_dir, new_name);
    tell_moved(t, fd, name, new_fd, new_name);
    return 0;
}

int fstree_rename(FsTree *t, FsNode *dir, const char *name, FsNode *new_dir, const char *new_name)
{
    int fd, new_fd, e = check_change(t, name);
    if (!e)
        e = check_change(t, new_name);
    if (e)
        return e;
    pthread_mutex_lock(&t->lock);
    e = fsnode_pin_locked(t, dir, &fd);
    if (!e) {
        e = fsnode_pin_locked(t, new_dir, &new_fd);
        if (!e) {
            e = rename_locked(t, dir, fd, name, new_dir, new_fd, new_name);
            fsnode_unpin_locked(t, new_dir);
        }
        fsnode_unpin_locked(t, dir);
    }
    pthread_mutex_unlock(&t->lock);
    return e;
}

/* A folder that holds nothing but our own one is empty. */
static void empty_folder(FsTree *t, int fd, const char *name)
{
    int folder = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    unlinkat(folder, t->dev->model->hidden_name, AT_REMOVEDIR);
    close(folder);
}

static int unlink_locked(FsTree *t, FsNode *dir, int fd, const char *name, bool is_dir)
{
    FsNode *n = fsnode_find_locked(t, dir, name);
    if (n)
        fsnode_keep_locked(t, n);
    if (is_dir && t->dev->model->moved)
        empty_folder(t, fd, name);
    if (unlinkat(fd, name, is_dir ? AT_REMOVEDIR : 0) < 0)
        return errno;
    if (n)
        fsnode_detach_locked(t, n);
    tell_moved(t, fd, name, -1, NULL);
    return 0;
}

int fstree_unlink(FsTree *t, FsNode *dir, const char *name, bool is_dir)
{
    int fd, e = check_change(t, name);
    if (e)
        return e;
    pthread_mutex_lock(&t->lock);
    e = fsnode_pin_locked(t, dir, &fd);
    if (!e) {
        e = unlink_locked(t, dir, fd, name, is_dir);
        fsnode_unpin_locked(t, dir);
    }
    pthread_mutex_unlock(&t->lock);
    return e;
}

/* Where a node is now: its folder, counted, and its name. */
static int find_place(FsTree *t, FsNode *n, FsNode **dir, char name[NAME_MAX + 1])
{
    pthread_mutex_lock(&t->lock);
    bool found = fsnode_where_locked(n, dir, name);
    pthread_mutex_unlock(&t->lock);
    return found ? 0 : n == t->root ? EBUSY : ENOENT;
}

int fstree_rename_node(FsTree *t, FsNode *n, FsNode *new_dir, const char *new_name)
{
    char name[NAME_MAX + 1];
    FsNode *dir;
    int e = find_place(t, n, &dir, name);
    if (e)
        return e;
    e = fstree_rename(t, dir, name, new_dir, new_name);
    fstree_put(t, dir);
    return e;
}

int fstree_remove_node(FsTree *t, FsNode *n)
{
    char name[NAME_MAX + 1];
    FsNode *dir;
    FsAttr attr;
    int e = find_place(t, n, &dir, name);
    if (e)
        return e;
    e = fstree_stat(t, n, -1, &attr);
    if (!e)
        e = fstree_unlink(t, dir, name, S_ISDIR(attr.st.st_mode));
    fstree_put(t, dir);
    return e;
}

/* ---- folders ---------------------------------------------------------------------------- */

/* What getdents64() gives. */
typedef struct HostEntry {
    uint64_t ino;
    int64_t off;
    uint16_t bytes;
    uint8_t type;
    char name[];
} HostEntry;

#define ENTRIES_BYTES 8192

/* The folder above the root is nobody's business, so both dots have the folder's own number. In the
 * mapped models the host's types are not the guest's. */
static FsEntry guest_entry(FsTree *t, const struct stat *dir, const HostEntry *h)
{
    bool dots = !strcmp(h->name, ".") || !strcmp(h->name, "..");
    return (FsEntry){
        .unique = fs_unique(t->dev, dir->st_dev, dots ? dir->st_ino : h->ino),
        .next_offset = (uint64_t)h->off,
        .type = fs_is_mapped(t->dev) && h->type != DT_DIR ? DT_UNKNOWN : h->type,
        .name = h->name,
    };
}

int fstree_read_dir(FsTree *t, int fd, uint64_t offset,
                    bool (*take)(void *opaque, const FsEntry *e), void *opaque)
{
    _Alignas(HostEntry) char buf[ENTRIES_BYTES];
    struct stat st;
    long n;
    if (offset > INT64_MAX || fstat(fd, &st) < 0 || lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return EINVAL;
    while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            const HostEntry *h = (const HostEntry *)(buf + at);
            at += h->bytes;
            FsEntry e = guest_entry(t, &st, h);
            if (!fs_name_is_hidden(t->dev, h->name) && !take(opaque, &e))
                return 0;
        }
    }
    return n < 0 ? errno : 0;
}

/* ---- extended attributes ---------------------------------------------------------------- */

/* The host's own attributes (security., trusted.) are not for guests whose rights are kept apart
 * from the host's. */
static int check_xattr(const FsTree *t, const char *name, int hidden)
{
    if (fs_xattr_is_hidden(t->dev, name))
        return hidden;
    return fs_is_mapped(t->dev) && strncmp(name, "user.", 5) ? EOPNOTSUPP : 0;
}

/* Without the names that are ours; `len` bytes at `list`. */
static size_t filter_names(const FsTree *t, char *list, size_t len)
{
    size_t kept = 0;
    for (size_t at = 0, n; at < len; at += n) {
        n = strnlen(list + at, len - at - 1) + 1;
        if (check_xattr(t, list + at, ENODATA))
            continue;
        memmove(list + kept, list + at, n);
        kept += n;
    }
    return kept;
}

static int list_xattrs(const FsTree *t, const FsXattrs *x, void *buf, size_t size, size_t *len)
{
    char *list = malloc(XATTR_LIST_MAX);
    if (!list)
        return ENOMEM;
    ssize_t n = fs_xattr_list(x, list, XATTR_LIST_MAX);
    int e = n < 0 ? errno : 0;
    if (!e) {
        *len = filter_names(t, list, (size_t)n);
        e = size && *len > size ? ERANGE : 0;
        if (!e && size)
            memcpy(buf, list, *len);
    }
    free(list);
    return e;
}

static int read_xattr(const FsTree *t, const FsXattrs *x, const char *name, void *buf, size_t size,
                      size_t *len)
{
    int e = check_xattr(t, name, ENODATA);
    if (e)
        return e;
    ssize_t n = fs_xattr_get(x, name, buf, size);
    *len = (size_t)MAX(n, 0);
    return n < 0 ? errno : 0;
}

int fstree_get_xattr(FsTree *t, FsNode *n, const char *name, void *buf, size_t size, size_t *len)
{
    FsPlace p;
    FsXattrs x;
    int e = fsnode_pin(t, n, &p);
    if (e)
        return e;
    e = fs_xattr_open(t->dev, p.fd, &x);
    if (!e) {
        e = *name ? read_xattr(t, &x, name, buf, size, len) : list_xattrs(t, &x, buf, size, len);
        fs_xattr_close(&x);
    }
    fsnode_unpin(t, n, &p);
    return e;
}

/* buf NULL: remove it. */
static int change_xattr(FsTree *t, FsNode *n, const char *name, const void *buf, size_t size,
                        int flags)
{
    FsPlace p;
    FsXattrs x;
    int e = check_writable(t);
    if (!e)
        e = check_xattr(t, name, EPERM);
    if (!e)
        e = fsnode_pin(t, n, &p);
    if (e)
        return e;
    e = fs_xattr_open(t->dev, p.fd, &x);
    if (!e) {
        int r = buf ? fs_xattr_set(&x, name, buf, size, flags) : fs_xattr_remove(&x, name);
        e = r < 0 ? errno : 0;
        fs_xattr_close(&x);
    }
    fsnode_unpin(t, n, &p);
    return e;
}

int fstree_set_xattr(FsTree *t, FsNode *n, const char *name, const void *buf, size_t size,
                     int flags)
{
    return change_xattr(t, n, name, size ? buf : "", size, flags);
}

int fstree_remove_xattr(FsTree *t, FsNode *n, const char *name)
{
    return change_xattr(t, n, name, NULL, 0, 0);
}
