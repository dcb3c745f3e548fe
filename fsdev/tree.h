// SPDX-License-Identifier: MIT
//
// What one guest knows of a shared folder: a tree of nodes (files and folders that it has looked
// up), and the operations on them.
//
// No name leads out of the folder, whoever changes it in the meantime: a name is one component
// without '/', never "." or "..", and is looked up in an open folder without following symbolic
// links; a node that has to be found again is opened with openat2() and RESOLVE_BENEATH,
// NO_SYMLINKS and NO_MAGICLINKS. Only regular files and folders are ever opened for more than
// their name (O_PATH).
//
// Functions return 0 or an errno value. They may be called by several threads; nodes are counted.
// The number of nodes and of host file descriptors is bounded; beyond it there is ENFILE.
#ifndef FSDEV_TREE_H
#define FSDEV_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include "fsdev/fsdev.h"

typedef struct FsTree FsTree;
typedef struct FsNode FsNode;

/* A file as the guest sees it. */
typedef struct FsAttr {
    struct stat st;
    uint64_t unique; /* a number that no other file of the folder has */
} FsAttr;

/* What a new file is to be: `mode` with its type. */
typedef struct FsOwner {
    uint32_t mode, uid, gid;
    dev_t rdev;
} FsOwner;

/* What to change of a file. */
enum {
    FS_MODE = 1, FS_UID = 2, FS_GID = 4, FS_SIZE = 8, FS_TIMES = 16,
};

typedef struct FsChange {
    unsigned what; /* FS_... */
    uint32_t mode, uid, gid;
    uint64_t size;
    struct timespec times[2]; /* access, modification; UTIME_NOW, UTIME_OMIT */
} FsChange;

FsTree *fstree_create(FsDev *d, Error **err);
void fstree_destroy(FsTree *t); /* no node is in use any more */
bool fstree_read_only(const FsTree *t);
/* How many files may be open at a time. */
unsigned fstree_open_max(const FsTree *t);

FsNode *fstree_root(FsTree *t); /* counted for the caller, as are the nodes below */
void fstree_get(FsTree *t, FsNode *n);
void fstree_put(FsTree *t, FsNode *n);
/* The folder that holds `n`; the root's is itself. */
FsNode *fstree_parent(FsTree *t, FsNode *n);
int fstree_lookup(FsTree *t, FsNode *dir, const char *name, FsNode **out, FsAttr *attr);

/* `fd`: the node's open file, or -1. */
int fstree_stat(FsTree *t, FsNode *n, int fd, FsAttr *attr);
int fstree_change(FsTree *t, FsNode *n, int fd, const FsChange *c);
int fstree_statfs(FsTree *t, FsNode *n, struct statfs *out);
/* `flags` are O_ flags of the host: access mode, O_TRUNC, O_APPEND, O_SYNC, O_DSYNC, O_DIRECTORY;
 * others are left out. */
int fstree_open(FsTree *t, FsNode *n, int flags, int *fd);
/* With O_EXCL in `flags` the file must be new. */
int fstree_create_file(FsTree *t, FsNode *dir, const char *name, int flags, const FsOwner *owner,
                       FsNode **out, int *fd, FsAttr *attr);
/* Of an open file; fewer bytes than asked for are no error. */
int fstree_read(FsTree *t, int fd, const struct iovec *iov, unsigned count, uint64_t offset,
                size_t *done);
int fstree_write(FsTree *t, int fd, const struct iovec *iov, unsigned count, uint64_t offset,
                 size_t *done);
/* A folder, device node, pipe or socket, by the type in owner->mode. */
int fstree_make(FsTree *t, FsNode *dir, const char *name, const FsOwner *owner, FsAttr *attr);
int fstree_symlink(FsTree *t, FsNode *dir, const char *name, const char *target,
                   const FsOwner *owner, FsAttr *attr);
/* Without a NUL; the length goes to *len. */
int fstree_readlink(FsTree *t, FsNode *n, char *buf, size_t size, size_t *len);
int fstree_link(FsTree *t, FsNode *n, FsNode *dir, const char *name);
int fstree_rename(FsTree *t, FsNode *dir, const char *name, FsNode *new_dir, const char *new_name);
int fstree_unlink(FsTree *t, FsNode *dir, const char *name, bool is_dir);
/* The same by node, where it is now. */
int fstree_rename_node(FsTree *t, FsNode *n, FsNode *new_dir, const char *new_name);
int fstree_remove_node(FsTree *t, FsNode *n);

/* Entries of an open folder from position `offset` on (0, or what an entry said). */
typedef struct FsEntry {
    uint64_t unique, next_offset;
    uint8_t type; /* DT_... */
    const char *name;
} FsEntry;
/* Calls `take` until it returns false or all entries are told. */
int fstree_read_dir(FsTree *t, int fd, uint64_t offset,
                    bool (*take)(void *opaque, const FsEntry *e), void *opaque);

/* Extended attributes; an empty `name` stands for the list of names. The length goes to *len;
 * `size` 0 asks for it only. */
int fstree_get_xattr(FsTree *t, FsNode *n, const char *name, void *buf, size_t size, size_t *len);
int fstree_set_xattr(FsTree *t, FsNode *n, const char *name, const void *buf, size_t size,
                     int flags);
int fstree_remove_xattr(FsTree *t, FsNode *n, const char *name);

#endif
