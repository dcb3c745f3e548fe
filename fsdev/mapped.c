// SPDX-License-Identifier: MIT
//
// Where the mapped security models keep the guest's owners and modes, in the forms that QEMU uses,
// so that a folder can be shared by either:
//
//   mapped-xattr   extended attributes user.virtfs.uid, .gid, .mode (4 bytes) and .rdev (8 bytes),
//                  little-endian
//   mapped-file    FOLDER/.virtfs_metadata/NAME, lines "virtfs.uid=NUMBER" and so on; the root's
//                  are in its own .virtfs_metadata_root
//
// The file system's device lock keeps writers of such files apart.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "fsdev/internal.h"
#include "util/bitops.h"

typedef struct MappedField {
    unsigned bit;
    const char *name;
    size_t offset, bytes;
} MappedField;

static const MappedField fields[] = {
    { MAPPED_UID, "virtfs.uid", offsetof(FsMapped, uid), 4 },
    { MAPPED_GID, "virtfs.gid", offsetof(FsMapped, gid), 4 },
    { MAPPED_MODE, "virtfs.mode", offsetof(FsMapped, mode), 4 },
    { MAPPED_RDEV, "virtfs.rdev", offsetof(FsMapped, rdev), 8 },
};

/* ---- extended attributes ---------------------------------------------------------------- */

int mapped_xattr_load(FsDev *d, const FsPlace *p, FsMapped *m)
{
    FsXattrs x;
    char name[32];
    m->known = 0;
    if (fs_xattr_open(d, p->fd, &x))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const MappedField *f = &fields[i];
        snprintf(name, sizeof(name), "user.%s", f->name);
        if (fs_xattr_get(&x, name, (char *)m + f->offset, f->bytes) == (ssize_t)f->bytes)
            m->known |= f->bit;
        else if (errno != ENODATA && errno != ERANGE)
            break; /* special files and links of the host have none */
        if (f->bit == MAPPED_MODE && !S_ISCHR(m->mode) && !S_ISBLK(m->mode))
            break;
    }
    fs_xattr_close(&x);
    return 0;
}

int mapped_xattr_store(FsDev *d, const FsPlace *p, const FsMapped *m)
{
    FsXattrs x;
    char name[32];
    int e = fs_xattr_open(d, p->fd, &x);
    if (e)
        return e;
    for (size_t i = 0; i < ARRAY_SIZE(fields) && !e; i++) {
        const MappedField *f = &fields[i];
        snprintf(name, sizeof(name), "user.%s", f->name);
        if (m->known & f->bit &&
            fs_xattr_set(&x, name, (const char *)m + f->offset, f->bytes, 0) < 0)
            e = errno;
    }
    fs_xattr_close(&x);
    return e;
}

/* ---- files ------------------------------------------------------------------------------ */

#define META_FOLDER ".virtfs_metadata"
#define META_ROOT ".virtfs_metadata_root"
#define META_BYTES_MAX 512

/* The folder may be full of traps: nothing is followed, nothing waited for. */
static int open_beneath(int dir_fd, const char *path, uint64_t flags, uint64_t mode)
{
    const struct open_how how = {
        .flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

/* The folder with the metadata of `name`, and what the file there is called. */
static int open_meta_folder(int dir_fd, const char *name, bool make, const char **file)
{
    if (!*name) {
        *file = META_ROOT;
        return open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    }
    *file = name;
    if (make)
        mkdirat(dir_fd, META_FOLDER, 0700);
    return open_beneath(dir_fd, META_FOLDER, O_RDONLY | O_DIRECTORY, 0);
}

static int open_meta(int dir_fd, const char *name, bool write)
{
    const char *file;
    int folder = open_meta_folder(dir_fd, name, write, &file);
    if (folder < 0)
        return -1;
    int fd = open_beneath(folder, file, write ? O_WRONLY | O_CREAT : O_RDONLY, write ? 0600 : 0);
    close(folder);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void parse_meta(char *text, FsMapped *m)
{
    char *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
            const MappedField *f = &fields[i];
            size_t n = strlen(f->name);
            if (strncmp(line, f->name, n) || line[n] != '=')
                continue;
            uint64_t value = strtoull(line + n + 1, NULL, 10);
            memcpy((char *)m + f->offset, &value, f->bytes); /* hosts are little-endian */
            m->known |= f->bit;
        }
    }
}

static void load_meta(int dir_fd, const char *name, FsMapped *m)
{
    char text[META_BYTES_MAX + 1];
    m->known = 0;
    int fd = open_meta(dir_fd, name, false);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, META_BYTES_MAX);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    parse_meta(text, m);
}

static int store_meta(int dir_fd, const char *name, const FsMapped *m)
{
    char text[META_BYTES_MAX];
    int len = 0;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const MappedField *f = &fields[i];
        uint64_t value = 0;
        memcpy(&value, (const char *)m + f->offset, f->bytes);
        if (m->known & f->bit)
            len += snprintf(text + len, sizeof(text) - (size_t)len, "%s=%" PRIu64 "\n", f->name,
                            value);
    }
    int fd = open_meta(dir_fd, name, true);
    if (fd < 0)
        return errno;
    int e = pwrite(fd, text, (size_t)len, 0) != len || ftruncate(fd, len) < 0 ? EIO : 0;
    close(fd);
    return e;
}

int mapped_file_load(FsDev *d, const FsPlace *p, FsMapped *m)
{
    m->known = 0;
    if (p->dir_fd < 0)
        return 0;
    pthread_mutex_lock(&d->lock);
    load_meta(p->dir_fd, p->name, m);
    pthread_mutex_unlock(&d->lock);
    return 0;
}

int mapped_file_store(FsDev *d, const FsPlace *p, const FsMapped *m)
{
    if (p->dir_fd < 0)
        return ESTALE;
    FsMapped all;
    pthread_mutex_lock(&d->lock);
    load_meta(p->dir_fd, p->name, &all);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (m->known & fields[i].bit)
            memcpy((char *)&all + fields[i].offset, (const char *)m + fields[i].offset,
                   fields[i].bytes);
    all.known |= m->known;
    int e = store_meta(p->dir_fd, p->name, &all);
    pthread_mutex_unlock(&d->lock);
    return e;
}

static void close_folder(int fd)
{
    if (fd >= 0)
        close(fd);
}

void mapped_file_moved(FsDev *d, int dir_fd, const char *name, int new_dir_fd,
                       const char *new_name)
{
    const char *file, *new_file;
    pthread_mutex_lock(&d->lock);
    int folder = open_meta_folder(dir_fd, name, false, &file);
    int new_folder = new_dir_fd < 0 ? -1 : open_meta_folder(new_dir_fd, new_name, folder >= 0,
                                                            &new_file);
    if (new_folder >= 0 && (folder < 0 || renameat(folder, file, new_folder, new_file) < 0))
        unlinkat(new_folder, new_file, 0); /* of what was there before */
    if (new_dir_fd < 0 && folder >= 0)
        unlinkat(folder, file, 0);
    close_folder(folder);
    close_folder(new_folder);
    pthread_mutex_unlock(&d->lock);
}

/* Both names have the same file of metadata, as they have the same file. */
void mapped_file_linked(FsDev *d, const FsPlace *p, int new_dir_fd, const char *new_name)
{
    static const FsMapped none = { 0 };
    const char *file, *new_file;
    if (p->dir_fd < 0)
        return;
    pthread_mutex_lock(&d->lock);
    int meta = open_meta(p->dir_fd, p->name, false);
    if (meta < 0)
        store_meta(p->dir_fd, p->name, &none);
    int folder = open_meta_folder(p->dir_fd, p->name, false, &file);
    int new_folder = open_meta_folder(new_dir_fd, new_name, true, &new_file);
    if (folder >= 0 && new_folder >= 0)
        linkat(folder, file, new_folder, new_file, 0);
    close_folder(meta);
    close_folder(folder);
    close_folder(new_folder);
    pthread_mutex_unlock(&d->lock);
}
