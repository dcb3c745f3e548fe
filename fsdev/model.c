// SPDX-License-Identifier: MIT
//
// Security models: how owners, modes and special files of the guest become files of the host, and
// back. Two hand them to the host as they are; two keep them apart, so that an emulator without
// privileges can serve a guest that has root, and a guest cannot make a file of the host set-uid.
// Contract in internal.h.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fsdev/internal.h"

const FsModel fs_models[] = {
    { .name = "passthrough",
      .help = "the host's owners and modes are the guest's; needs root" },
    { .name = "none", .lenient = true,
      .help = "as passthrough, but new files may belong to another owner" },
    { .name = "mapped-xattr", .load = mapped_xattr_load, .store = mapped_xattr_store,
      .hidden_prefix = "user.virtfs.",
      .help = "owners, modes and special files are kept in extended attributes" },
    { .name = "mapped-file", .load = mapped_file_load, .store = mapped_file_store,
      .moved = mapped_file_moved, .linked = mapped_file_linked, .hidden_name = ".virtfs_metadata",
      .help = "the same in files of folders '.virtfs_metadata'" },
    { 0 },
};

static bool begins_with(const char *text, const char *prefix)
{
    return prefix && !strncmp(text, prefix, strlen(prefix));
}

bool fs_name_is_hidden(const FsDev *d, const char *name)
{
    return begins_with(name, d->model->hidden_name);
}

bool fs_xattr_is_hidden(const FsDev *d, const char *name)
{
    return begins_with(name, d->model->hidden_prefix);
}

/* Folders are folders; regular files may stand for anything else. */
static mode_t shown_mode(mode_t host, mode_t kept)
{
    bool free_type = S_ISREG(host) && (S_ISREG(kept) || S_ISLNK(kept) || S_ISCHR(kept) ||
                                       S_ISBLK(kept) || S_ISFIFO(kept) || S_ISSOCK(kept));
    return ((free_type ? kept : host) & S_IFMT) | (kept & 07777);
}

int fs_show(FsDev *d, const FsPlace *p, struct stat *st)
{
    FsMapped m = { 0 };
    int e = fs_is_mapped(d) ? d->model->load(d, p, &m) : 0;
    if (m.known & MAPPED_UID)
        st->st_uid = m.uid;
    if (m.known & MAPPED_GID)
        st->st_gid = m.gid;
    if (m.known & MAPPED_MODE)
        st->st_mode = shown_mode(st->st_mode, m.mode);
    if (m.known & MAPPED_RDEV && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)))
        st->st_rdev = m.rdev;
    return e;
}

/* A descriptor's own mode, without following what it may be a link to. */
static int host_mode(const FsDev *d, int fd, mode_t mode)
{
    char name[16];
    snprintf(name, sizeof(name), "%d", fd);
    return fchmodat(d->proc_fd, name, mode & 07777, 0) < 0 ? errno : 0;
}

static int host_owner(int fd, uint32_t uid, uint32_t gid)
{
    return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
}

int fs_own(FsDev *d, const FsPlace *p, const FsOwner *o)
{
    if (fs_is_mapped(d))
        return d->model->store(d, p, &(FsMapped){
            .known = MAPPED_UID | MAPPED_GID | MAPPED_MODE |
                     (S_ISCHR(o->mode) || S_ISBLK(o->mode) ? MAPPED_RDEV : 0),
            .uid = o->uid, .gid = o->gid, .mode = o->mode, .rdev = o->rdev });
    bool lenient = d->model->lenient;
    int e = host_owner(p->fd, o->uid, o->gid);
    if ((!e || lenient) && !S_ISLNK(o->mode))
        e = host_mode(d, p->fd, o->mode);
    return lenient ? 0 : e;
}

int fs_change_mode(FsDev *d, const FsPlace *p, uint32_t mode)
{
    struct stat st;
    if (!fs_is_mapped(d))
        return host_mode(d, p->fd, mode);
    if (fstat(p->fd, &st) < 0)
        return errno;
    int e = fs_show(d, p, &st);
    return e ? e : d->model->store(d, p, &(FsMapped){
        .known = MAPPED_MODE, .mode = (st.st_mode & S_IFMT) | (mode & 07777) });
}

int fs_change_owner(FsDev *d, const FsPlace *p, uint32_t uid, uint32_t gid)
{
    if (!fs_is_mapped(d))
        return host_owner(p->fd, uid, gid);
    return d->model->store(d, p, &(FsMapped){
        .known = (uid == UINT32_MAX ? 0 : MAPPED_UID) | (gid == UINT32_MAX ? 0 : MAPPED_GID),
        .uid = uid, .gid = gid });
}
