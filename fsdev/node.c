// SPDX-License-Identifier: MIT
//
// The nodes of a tree: their identity, their names, and their descriptors; contract in tree.h and
// internal.h.
//
// A node is a file by device and inode number. It hangs in its folder by its name, so renaming a
// folder moves all that is below it at once. A node that was unlinked or replaced has no name any
// more and lives on by its descriptor only, as an open file does. Descriptors are a cache: that of
// a node with a name may be closed, and is opened again along the names when it is needed; what is
// found there must be the same file.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "fsdev/internal.h"

#define NODES_MAX 393216u
#define BUCKETS 32768u

struct FsNode {
    FsNode *parent; /* counted; NULL: the root, or without a name */
    char *name;
    FsNode *hash_next, *idle_prev, *idle_next;
    dev_t dev;
    ino_t ino;
    mode_t type;
    int fd;         /* O_PATH, or -1 */
    unsigned refs, pins;
    bool idle;      /* in the list of those whose descriptor may be closed */
};

/* ---- names ------------------------------------------------------------------------------ */

static FsNode **bucket(FsTree *t, const FsNode *dir, const char *name)
{
    uint64_t hash = (uintptr_t)dir >> 4;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return &t->buckets[(hash ^ hash >> 32) % BUCKETS];
}

FsNode *fsnode_find_locked(FsTree *t, FsNode *dir, const char *name)
{
    FsNode *n = *bucket(t, dir, name);
    while (n && (n->parent != dir || strcmp(n->name, name)))
        n = n->hash_next;
    return n;
}

static void hang_locked(FsTree *t, FsNode *n)
{
    FsNode **at = bucket(t, n->parent, n->name);
    n->hash_next = *at;
    *at = n;
}

static void unhang_locked(FsTree *t, FsNode *n)
{
    FsNode **at = bucket(t, n->parent, n->name);
    while (*at != n)
        at = &(*at)->hash_next;
    *at = n->hash_next;
}

bool fsnode_where_locked(FsNode *n, FsNode **dir, char name[NAME_MAX + 1])
{
    if (!n->parent)
        return false;
    *dir = fsnode_get_locked(n->parent);
    strcpy(name, n->name);
    return true;
}

/* ---- descriptors ------------------------------------------------------------------------ */

static void idle_remove_locked(FsTree *t, FsNode *n)
{
    if (!n->idle)
        return;
    *(n->idle_prev ? &n->idle_prev->idle_next : &t->idle_head) = n->idle_next;
    *(n->idle_next ? &n->idle_next->idle_prev : &t->idle_tail) = n->idle_prev;
    n->idle = false;
}

static void idle_add_locked(FsTree *t, FsNode *n)
{
    n->idle = true;
    n->idle_prev = NULL;
    n->idle_next = t->idle_head;
    *(t->idle_head ? &t->idle_head->idle_prev : &t->idle_tail) = n;
    t->idle_head = n;
}

static void close_fd_locked(FsTree *t, FsNode *n)
{
    if (n->fd < 0)
        return;
    idle_remove_locked(t, n);
    close(n->fd);
    n->fd = -1;
    t->fd_count--;
    t->gone_count -= !n->parent;
}

/* The way from the closest folder with a descriptor; *base gets that. NULL: there is none, or it
 * is too long. */
static char *path_locked(FsNode *n, char path[PATH_MAX], FsNode **base)
{
    char *at = path + PATH_MAX - 1;
    *at = '\0';
    for (; n->fd < 0; n = n->parent) {
        size_t len = n->parent ? strlen(n->name) : 0;
        if (!len || len + 1 > (size_t)(at - path))
            return NULL;
        if (*at)
            *--at = '/';
        at -= len;
        memcpy(at, n->name, len);
    }
    *base = n;
    return at;
}

static bool is_same(const FsNode *n, const struct stat *st)
{
    return n->dev == st->st_dev && n->ino == st->st_ino && n->type == (st->st_mode & S_IFMT);
}

static int open_fd_locked(FsTree *t, FsNode *n)
{
    static const struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    char buf[PATH_MAX];
    FsNode *base;
    const char *path = path_locked(n, buf, &base);
    if (!path)
        return ESTALE;
    while (t->fd_count >= t->dev->fd_max && t->idle_tail)
        if (t->idle_tail != base)
            close_fd_locked(t, t->idle_tail);
        else
            break;
    int fd = (int)syscall(SYS_openat2, base->fd, path, &how, sizeof(how));
    if (fd < 0)
        return errno;
    struct stat st;
    if (fstat(fd, &st) < 0 || !is_same(n, &st)) {
        close(fd);
        return ESTALE;
    }
    n->fd = fd;
    t->fd_count++;
    return 0;
}

int fsnode_pin_locked(FsTree *t, FsNode *n, int *fd)
{
    int e = n->fd < 0 ? open_fd_locked(t, n) : 0;
    *fd = n->fd;
    if (e)
        return e;
    idle_remove_locked(t, n);
    n->pins++;
    return 0;
}

void fsnode_unpin_locked(FsTree *t, FsNode *n)
{
    if (--n->pins == 0 && n->parent)
        idle_add_locked(t, n);
}

static int pin_dir_locked(FsTree *t, FsNode *n, FsPlace *p)
{
    FsNode *dir = n->parent ? n->parent : n == t->root ? n : NULL;
    int e = dir ? fsnode_pin_locked(t, dir, &p->dir_fd) : 0;
    if (!dir || e)
        return e;
    p->dir = fsnode_get_locked(dir);
    strcpy(p->name, n->parent ? n->name : "");
    return 0;
}

int fsnode_pin(FsTree *t, FsNode *n, FsPlace *p)
{
    p->dir_fd = -1;
    p->dir = NULL;
    pthread_mutex_lock(&t->lock);
    int e = fsnode_pin_locked(t, n, &p->fd);
    if (!e && t->dev->model->moved) {
        e = pin_dir_locked(t, n, p);
        if (e)
            fsnode_unpin_locked(t, n);
    }
    pthread_mutex_unlock(&t->lock);
    return e;
}

void fsnode_unpin(FsTree *t, FsNode *n, FsPlace *p)
{
    pthread_mutex_lock(&t->lock);
    fsnode_unpin_locked(t, n);
    if (p->dir) {
        fsnode_unpin_locked(t, p->dir);
        fsnode_put_locked(t, p->dir);
    }
    pthread_mutex_unlock(&t->lock);
}

/* ---- life ------------------------------------------------------------------------------- */

FsNode *fsnode_get_locked(FsNode *n)
{
    n->refs++;
    return n;
}

static void free_node_locked(FsTree *t, FsNode *n)
{
    close_fd_locked(t, n);
    if (n->parent)
        unhang_locked(t, n);
    t->node_count--;
    free(n->name);
    free(n);
}

void fsnode_put_locked(FsTree *t, FsNode *n)
{
    while (n && --n->refs == 0) {
        FsNode *parent = n->parent;
        free_node_locked(t, n);
        n = parent;
    }
}

int fsnode_take_locked(FsTree *t, FsNode *dir, const char *name, const struct stat *st,
                       FsNode **out)
{
    FsNode *n = fsnode_find_locked(t, dir, name);
    if (n && is_same(n, st)) {
        *out = fsnode_get_locked(n);
        return 0;
    }
    if (n)
        fsnode_detach_locked(t, n);
    if (t->node_count >= NODES_MAX)
        return ENFILE;
    n = malloc(sizeof(*n));
    char *copy = n ? strdup(name) : NULL;
    if (!copy) {
        free(n);
        return ENOMEM;
    }
    *n = (FsNode){ .parent = fsnode_get_locked(dir), .name = copy, .dev = st->st_dev,
                   .ino = st->st_ino, .type = st->st_mode & S_IFMT, .fd = -1, .refs = 1 };
    t->node_count++;
    hang_locked(t, n);
    *out = n;
    return 0;
}

/* Not for more than half of the descriptors: the others are lost with their names. */
static bool may_keep_locked(const FsTree *t)
{
    return t->gone_count < t->dev->fd_max / 2;
}

void fsnode_keep_locked(FsTree *t, FsNode *n)
{
    int fd;
    if (may_keep_locked(t) && fsnode_pin_locked(t, n, &fd) == 0)
        fsnode_unpin_locked(t, n);
}

void fsnode_detach_locked(FsTree *t, FsNode *n)
{
    FsNode *parent = n->parent;
    unhang_locked(t, n);
    idle_remove_locked(t, n);
    if (n->fd >= 0 && !n->pins && !may_keep_locked(t))
        close_fd_locked(t, n);
    n->parent = NULL;
    t->gone_count += n->fd >= 0;
    fsnode_put_locked(t, parent);
}

/* Folders that the host moved about may look to us as if one were to go below itself. */
static bool is_below(const FsNode *n, const FsNode *dir)
{
    while (n && n != dir)
        n = n->parent;
    return n;
}

void fsnode_move_locked(FsTree *t, FsNode *n, FsNode *new_dir, const char *new_name)
{
    char *copy = is_below(new_dir, n) ? NULL : strdup(new_name);
    if (!copy) {
        fsnode_detach_locked(t, n);
        return;
    }
    FsNode *old_dir = n->parent;
    unhang_locked(t, n);
    free(n->name);
    n->name = copy;
    n->parent = fsnode_get_locked(new_dir);
    hang_locked(t, n);
    fsnode_put_locked(t, old_dir);
}

int fsnode_init_tree(FsTree *t)
{
    struct stat st;
    t->buckets = calloc(BUCKETS, sizeof(*t->buckets));
    t->root = calloc(1, sizeof(*t->root));
    if (t->root)
        t->root->fd = -1;
    if (!t->buckets || !t->root)
        return ENOMEM;
    t->root->refs = 1;
    t->root->fd = fcntl(t->dev->root_fd, F_DUPFD_CLOEXEC, 0);
    if (t->root->fd < 0 || fstat(t->root->fd, &st) < 0)
        return errno;
    t->root->dev = st.st_dev;
    t->root->ino = st.st_ino;
    t->root->type = S_IFDIR;
    return 0;
}

void fsnode_free_tree(FsTree *t)
{
    if (t->root && t->root->fd >= 0)
        close(t->root->fd);
    free(t->root);
    free(t->buckets);
}
