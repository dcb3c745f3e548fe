// SPDX-License-Identifier: MIT
//
// Files of the host for semihosting; contract in hostfiles.h.
#include "hw/arm/hostfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "util/bitops.h"

bool host_files_init(HostFiles *h, const char *root, Error **err)
{
    *h = (HostFiles){ .root = AT_FDCWD, .confined = root };
    if (!root)
        return true;
    h->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return h->root >= 0 || error_set_errno(err, errno, "cannot open the folder '%s' of "
                                           "-semihosting-config root=", root);
}

void host_files_close_all(HostFiles *h)
{
    for (unsigned i = 0; i < HOST_FILES_MAX; i++)
        if (h->files[i].kind != HOST_FILE_NONE)
            host_files_close(h, i + 1);
}

void host_files_destroy(HostFiles *h)
{
    host_files_close_all(h);
    if (h->root >= 0)
        close(h->root);
    h->root = AT_FDCWD;
}

/* ---- names ------------------------------------------------------------------------------- */

static int open_below(const HostFiles *h, const char *name, uint64_t flags, uint64_t mode)
{
    const struct open_how how = {
        .flags = flags | O_CLOEXEC, .mode = mode,
        .resolve = RESOLVE_NO_MAGICLINKS | (h->confined ? RESOLVE_IN_ROOT : 0),
    };
    return (int)syscall(SYS_openat2, h->root, name, &how, sizeof(how));
}

/* The folder that `name` is in, and what it is called there. */
static int open_folder(const HostFiles *h, const char *name, const char **last)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(name, '/');
    *last = slash ? slash + 1 : name;
    size_t len = slash ? (size_t)(slash - name) + 1 : 0;
    if (!**last || !strcmp(*last, ".") || !strcmp(*last, "..") || len >= sizeof(folder)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(folder, name, len);
    folder[len] = '\0';
    return open_below(h, len ? folder : ".", O_PATH | O_DIRECTORY, 0);
}

/* ---- handles ----------------------------------------------------------------------------- */

int64_t host_files_add(HostFiles *h, const HostFile *file)
{
    for (unsigned i = 0; i < HOST_FILES_MAX; i++) {
        if (h->files[i].kind != HOST_FILE_NONE)
            continue;
        h->files[i] = *file;
        return i + 1;
    }
    errno = EMFILE;
    return -1;
}

int64_t host_files_open(HostFiles *h, const char *name, unsigned mode)
{
    static const int flags[] = {
        O_RDONLY, O_RDWR, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_TRUNC,
        O_WRONLY | O_CREAT | O_APPEND, O_RDWR | O_CREAT | O_APPEND,
    };
    struct stat st;
    if (mode / 2 >= ARRAY_SIZE(flags)) { /* odd ones are binary: the same here */
        errno = EINVAL;
        return -1;
    }
    int how = flags[mode / 2];
    int fd = open_below(h, name, (uint64_t)how | O_NONBLOCK | O_NOCTTY,
                        how & O_CREAT ? 0644 : 0);
    if (fd < 0)
        return -1;
    int64_t handle = -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        handle = host_files_add(h, &(HostFile){ .kind = HOST_FILE_REGULAR, .fd = fd });
    else
        errno = EACCES;
    if (handle < 0) {
        int why = errno;
        close(fd);
        errno = why;
    }
    return handle;
}

HostFile *host_files_get(HostFiles *h, uint64_t handle)
{
    if (handle - 1 < HOST_FILES_MAX && h->files[handle - 1].kind != HOST_FILE_NONE)
        return &h->files[handle - 1];
    errno = EBADF;
    return NULL;
}

int host_files_close(HostFiles *h, uint64_t handle)
{
    HostFile *f = host_files_get(h, handle);
    if (!f)
        return -1;
    int result = f->kind == HOST_FILE_REGULAR ? close(f->fd) : 0;
    f->kind = HOST_FILE_NONE;
    return result;
}

/* ---- content ----------------------------------------------------------------------------- */

static ssize_t wrong_kind(void)
{
    errno = EBADF;
    return -1;
}

ssize_t host_file_read(HostFile *f, void *buf, size_t len)
{
    if (f->kind == HOST_FILE_REGULAR)
        return read(f->fd, buf, len);
    if (f->kind != HOST_FILE_BYTES)
        return wrong_kind();
    len = MIN(len, f->len - f->at);
    memcpy(buf, f->bytes + f->at, len);
    f->at += len;
    return (ssize_t)len;
}

ssize_t host_file_write(HostFile *f, const void *buf, size_t len)
{
    return f->kind == HOST_FILE_REGULAR ? write(f->fd, buf, len) : wrong_kind();
}

int host_file_seek(HostFile *f, uint64_t position)
{
    if (f->kind == HOST_FILE_REGULAR)
        return lseek(f->fd, (off_t)position, SEEK_SET) < 0 ? -1 : 0;
    if (f->kind != HOST_FILE_BYTES)
        return (int)wrong_kind();
    f->at = MIN(position, f->len);
    return 0;
}

int64_t host_file_length(HostFile *f)
{
    struct stat st;
    if (f->kind == HOST_FILE_BYTES)
        return (int64_t)f->len;
    if (f->kind != HOST_FILE_REGULAR)
        return wrong_kind();
    return fstat(f->fd, &st) ? -1 : st.st_size;
}

int host_files_remove(HostFiles *h, const char *name)
{
    const char *last;
    int folder = open_folder(h, name, &last);
    if (folder < 0)
        return -1;
    int result = unlinkat(folder, last, 0), why = errno;
    close(folder);
    errno = why;
    return result;
}

int host_files_rename(HostFiles *h, const char *from, const char *to)
{
    const char *old, *new;
    int result = -1, source = open_folder(h, from, &old);
    int target = source < 0 ? -1 : open_folder(h, to, &new);
    if (target >= 0)
        result = renameat(source, old, target, new);
    int why = errno;
    if (source >= 0)
        close(source);
    if (target >= 0)
        close(target);
    errno = why;
    return result;
}
