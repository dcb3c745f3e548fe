// SPDX-License-Identifier: MIT
//
// Extended attributes of a file that is known by an O_PATH descriptor, for which there are no calls:
// regular files and folders are opened for it. What cannot be opened (links, pipes, devices, files
// without read permission) is reached by its name in /proc, where that is the real one: behind
// another root (-run-with chroot=) there is none, or one that a guest has made.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "fsdev/internal.h"

static bool proc_is_here(const FsDev *d)
{
    struct stat ours, here;
    return fstat(d->proc_fd, &ours) == 0 && stat("/proc/self/fd", &here) == 0 &&
           ours.st_dev == here.st_dev;
}

int fs_xattr_open(const FsDev *d, int fd, FsXattrs *x)
{
    int e = fs_reopen(d, fd, O_RDONLY, &x->fd);
    if (!e)
        return 0;
    x->fd = -1;
    snprintf(x->path, sizeof(x->path), "/proc/self/fd/%d", fd);
    return proc_is_here(d) ? 0 : e == EACCES ? EACCES : EOPNOTSUPP;
}

void fs_xattr_close(FsXattrs *x)
{
    if (x->fd >= 0)
        close(x->fd);
}

ssize_t fs_xattr_get(const FsXattrs *x, const char *name, void *buf, size_t size)
{
    return x->fd >= 0 ? fgetxattr(x->fd, name, buf, size) : getxattr(x->path, name, buf, size);
}

ssize_t fs_xattr_list(const FsXattrs *x, char *buf, size_t size)
{
    return x->fd >= 0 ? flistxattr(x->fd, buf, size) : listxattr(x->path, buf, size);
}

int fs_xattr_set(const FsXattrs *x, const char *name, const void *buf, size_t size, int flags)
{
    return x->fd >= 0 ? fsetxattr(x->fd, name, buf, size, flags)
                      : setxattr(x->path, name, buf, size, flags);
}

int fs_xattr_remove(const FsXattrs *x, const char *name)
{
    return x->fd >= 0 ? fremovexattr(x->fd, name) : removexattr(x->path, name);
}
