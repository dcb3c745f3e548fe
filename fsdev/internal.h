// SPDX-License-Identifier: MIT
//
// Between the files of fsdev/: the shared folder, the places where files lie, the security models,
// and the nodes.
#ifndef FSDEV_INTERNAL_H
#define FSDEV_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include "fsdev/tree.h"

#define FS_DEVICES_MAX 255u

/* A file of the host: an O_PATH descriptor, and where it was found. */
typedef struct FsPlace {
    int fd;
    int dir_fd;              /* -1: nowhere now, or nobody wants to know */
    char name[NAME_MAX + 1]; /* empty: the root */
    FsNode *dir;             /* whose pin goes with dir_fd */
} FsPlace;

/* What a model keeps beside the file. */
enum { MAPPED_UID = 1, MAPPED_GID = 2, MAPPED_MODE = 4, MAPPED_RDEV = 8 };

typedef struct FsMapped {
    unsigned known; /* MAPPED_... */
    uint32_t uid, gid, mode;
    uint64_t rdev;
} FsMapped;

/* How owners, modes and special files of the guest become files of the host. */
typedef struct FsModel {
    const char *name, *help;
    bool lenient;  /* an owner or a mode that the host refuses is no error */
    /* Of models that keep the guest's attributes apart; else NULL. */
    int (*load)(FsDev *d, const FsPlace *p, FsMapped *m);
    int (*store)(FsDev *d, const FsPlace *p, const FsMapped *m);
    /* Of models that keep them by name: follow a file that went from `name` in `dir_fd` to
     * `new_name` in `new_dir_fd` (-1: it is gone), or got the other name too. */
    void (*moved)(FsDev *d, int dir_fd, const char *name, int new_dir_fd, const char *new_name);
    void (*linked)(FsDev *d, const FsPlace *p, int new_dir_fd, const char *new_name);
    const char *hidden_prefix; /* of extended attributes that are ours */
    const char *hidden_name;   /* names that begin so are ours */
} FsModel;

struct FsDev {
    char *id, *path;
    const FsModel *model;
    bool read_only;
    bool write_out;        /* start writing to the medium at once */
    mode_t file_mode, dir_mode; /* of new files, where the guest's mode is kept apart */
    enum { FS_REMAP, FS_FORBID, FS_WARN } multidevs;
    int root_fd;           /* O_PATH */
    int proc_fd;           /* /proc/self/fd, by which O_PATH descriptors are opened */
    dev_t root_dev;
    unsigned fd_max;       /* of each tree: for nodes, and again for open files */
    pthread_mutex_t lock;  /* guards what follows, and the files of mapped.c */
    dev_t devices[FS_DEVICES_MAX]; /* other file systems below the root, as they were met */
    unsigned device_count;
    bool warned;
};

extern const FsModel fs_models[]; /* ends with name NULL */
/* Of mapped.c. */
int mapped_xattr_load(FsDev *d, const FsPlace *p, FsMapped *m);
int mapped_xattr_store(FsDev *d, const FsPlace *p, const FsMapped *m);
int mapped_file_load(FsDev *d, const FsPlace *p, FsMapped *m);
int mapped_file_store(FsDev *d, const FsPlace *p, const FsMapped *m);
void mapped_file_moved(FsDev *d, int dir_fd, const char *name, int new_dir_fd,
                       const char *new_name);
void mapped_file_linked(FsDev *d, const FsPlace *p, int new_dir_fd, const char *new_name);

/* Open what an O_PATH descriptor stands for, if it is a regular file or a folder. */
int fs_reopen(const FsDev *d, int fd, int flags, int *out);
/* 0, or why the folder's entry with this identity is not shown. */
int fs_check_device(FsDev *d, dev_t dev);
uint64_t fs_unique(FsDev *d, dev_t dev, ino_t ino);

/* ---- xattr.c ---------------------------------------------------------------------------- */

/* A way to the extended attributes of a file. */
typedef struct FsXattrs {
    int fd; /* or -1: by `path` */
    char path[32];
} FsXattrs;

int fs_xattr_open(const FsDev *d, int fd, FsXattrs *x); /* 0 or an errno value */
void fs_xattr_close(FsXattrs *x);
/* As the system calls are: -1 and errno. */
ssize_t fs_xattr_get(const FsXattrs *x, const char *name, void *buf, size_t size);
ssize_t fs_xattr_list(const FsXattrs *x, char *buf, size_t size);
int fs_xattr_set(const FsXattrs *x, const char *name, const void *buf, size_t size, int flags);
int fs_xattr_remove(const FsXattrs *x, const char *name);

/* ---- model.c: the guest's view ---------------------------------------------------------- */

int fs_show(FsDev *d, const FsPlace *p, struct stat *st);
/* Give a new file its owner and mode. */
int fs_own(FsDev *d, const FsPlace *p, const FsOwner *owner);
int fs_change_mode(FsDev *d, const FsPlace *p, uint32_t mode);
int fs_change_owner(FsDev *d, const FsPlace *p, uint32_t uid, uint32_t gid); /* ~0: keep */
bool fs_name_is_hidden(const FsDev *d, const char *name);
bool fs_xattr_is_hidden(const FsDev *d, const char *name);
static inline bool fs_is_mapped(const FsDev *d)
{
    return d->model->load;
}

/* ---- node.c ----------------------------------------------------------------------------- */

struct FsTree {
    FsDev *dev;
    pthread_mutex_t lock; /* guards all nodes */
    FsNode *root;
    FsNode **buckets;
    unsigned node_count;
    unsigned fd_count;    /* descriptors of nodes */
    unsigned gone_count;  /* descriptors of nodes that have no name any more */
    FsNode *idle_head, *idle_tail; /* nodes whose descriptor may be closed, latest use first */
};

int fsnode_init_tree(FsTree *t);
void fsnode_free_tree(FsTree *t);
/* The place of a node, as long as it is pinned. */
int fsnode_pin(FsTree *t, FsNode *n, FsPlace *p);
void fsnode_unpin(FsTree *t, FsNode *n, FsPlace *p);
/* The descriptor only. */
int fsnode_pin_locked(FsTree *t, FsNode *n, int *fd);
void fsnode_unpin_locked(FsTree *t, FsNode *n);
/* The node called `name` in `dir`, if the guest knows it; not counted. */
FsNode *fsnode_find_locked(FsTree *t, FsNode *dir, const char *name);
/* The node called so whose identity is that of `st`; made if there is none. */
int fsnode_take_locked(FsTree *t, FsNode *dir, const char *name, const struct stat *st,
                       FsNode **out);
/* It is about to lose its name: see to it that it can be found by its descriptor. */
void fsnode_keep_locked(FsTree *t, FsNode *n);
/* It lost its name. */
void fsnode_detach_locked(FsTree *t, FsNode *n);
/* It got another name. */
void fsnode_move_locked(FsTree *t, FsNode *n, FsNode *new_dir, const char *new_name);
FsNode *fsnode_get_locked(FsNode *n);
void fsnode_put_locked(FsTree *t, FsNode *n);
/* Its folder, counted for the caller, and its name; false when it has none. */
bool fsnode_where_locked(FsNode *n, FsNode **dir, char name[NAME_MAX + 1]);

#endif
