// SPDX-License-Identifier: MIT
//
// Guest memory on the host; contract in host_ram.h. What would end in a SIGBUS while the guest runs
// (no room for the file, no huge pages) is looked for beforehand.
#include "softmmu/host_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "util/bitops.h"
#include "util/pages.h"

static unsigned long long mib(uint64_t bytes)
{
    return bytes >> 20;
}

/* ---- files ------------------------------------------------------------------------------ */

static bool open_anonymous(HostRam *r, const char *name, const HostRamSource *s, Error **err)
{
    unsigned flags = MFD_CLOEXEC;
    if (s->huge)
        flags |= MFD_HUGETLB;
    if (s->huge && s->huge_bytes)
        flags |= (unsigned)__builtin_ctzll(s->huge_bytes) << MFD_HUGE_SHIFT;
    r->fd = memfd_create(name, flags);
    if (r->fd >= 0)
        return true;
    if (s->huge)
        return error_set(err, "this host has no huge pages of %llu KiB; leave out hugetlb",
                         (unsigned long long)(s->huge_bytes ? s->huge_bytes : 2 << 20) >> 10);
    return error_set_errno(err, errno, "cannot create guest memory '%s'", name);
}

/* A file without a name: it goes with the last process that has it open. */
static int open_unnamed(const char *folder)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/dragoman-ram-XXXXXX", folder) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool open_path(HostRam *r, const HostRamSource *s, Error **err)
{
    struct stat st;
    bool is_folder = stat(s->path, &st) == 0 && S_ISDIR(st.st_mode);
    r->fd = is_folder ? open_unnamed(s->path) : open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (r->fd < 0)
        return error_set_errno(err, errno, "cannot open '%s' for guest memory", s->path);
    r->shared = s->share || is_folder;
    if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return error_set(err, "'%s' is neither a file nor a folder; guest memory needs one of them",
                         s->path);
    return true;
}

static bool enough_room(const HostRam *r, const HostRamSource *s, const struct statfs *fs,
                        Error **err)
{
    struct stat st;
    if (!s->path || !r->shared || fstat(r->fd, &st) < 0)
        return true;
    uint64_t has = (uint64_t)st.st_blocks * 512, room = fs->f_bavail * (uint64_t)fs->f_bsize;
    if (r->size <= has || r->size - has <= room)
        return true;
    return error_set(err, "there is room for %llu MiB of guest memory in '%s', not for %llu MiB; make "
                     "room, or use a smaller -m", mib(has + room), s->path, mib(r->size));
}

static bool size_file(HostRam *r, const HostRamSource *s, Error **err)
{
    struct statfs fs;
    struct stat st;
    r->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    if (fstatfs(r->fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
        r->page_bytes = (uint64_t)fs.f_bsize;
    else if (!enough_room(r, s, &fs, err))
        return false;
    if (r->size % r->page_bytes)
        return error_set(err, "guest memory of %llu MiB does not fill pages of %llu MiB; use -m %llu",
                         mib(r->size), mib(r->page_bytes), mib(align_up(r->size, r->page_bytes)));
    if (fstat(r->fd, &st) == 0 && (uint64_t)st.st_size >= r->size)
        return true;
    return ftruncate(r->fd, (off_t)r->size) == 0 ||
           error_set_errno(err, errno, "cannot size guest memory to %llu MiB; use a smaller -m",
                           mib(r->size));
}

/* ---- mapping ---------------------------------------------------------------------------- */

/* A number from a file of the kernel's: what follows `key`, or the first. 0: there is none. */
static uint64_t read_number(const char *path, const char *key)
{
    char line[256];
    uint64_t value = 0;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtoull(line + strlen(key), NULL, 10);
            break;
        }
    }
    if (f)
        fclose(f);
    return value;
}

static bool no_huge_pages(const HostRam *r, Error **err)
{
    char path[128];
    unsigned long long kib = r->page_bytes >> 10;
    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/free_hugepages", kib);
    return error_set(err, "guest memory of %llu MiB needs %llu huge pages of %llu KiB, and %llu are "
                     "free; raise /proc/sys/vm/nr_hugepages, or use a smaller -m", mib(r->size),
                     (unsigned long long)(r->size / r->page_bytes), kib,
                     (unsigned long long)read_number(path, ""));
}

static bool is_huge(const HostRam *r)
{
    return r->page_bytes > (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Huge pages are reserved by the mapping, others when they are touched. */
static bool map_file(HostRam *r, Error **err)
{
    int flags = (r->shared ? MAP_SHARED : MAP_PRIVATE) | (is_huge(r) ? 0 : MAP_NORESERVE);
    void *p = mmap(NULL, r->size, PROT_READ | PROT_WRITE, flags, r->fd, 0);
    if (p == MAP_FAILED && is_huge(r))
        return no_huge_pages(r, err);
    if (p == MAP_FAILED)
        return error_set_errno(err, errno, "cannot map %llu MiB of guest memory; use a smaller -m",
                               mib(r->size));
    r->bytes = p;
    return true;
}

/* Where the host would rather kill somebody than say that memory is short, we say it. */
static bool preallocate(const HostRam *r, const HostRamSource *s, Error **err)
{
    uint64_t available = read_number("/proc/meminfo", "MemAvailable:") << 10;
    if (!s->path && !is_huge(r) && available && r->size > available)
        return error_set(err, "%llu MiB of guest memory cannot be taken beforehand: the host has %llu "
                         "MiB; use a smaller -m, or leave out -mem-prealloc", mib(r->size),
                         mib(available));
    if (pages_touch(r->bytes, r->size, true))
        return true;
    if (errno == EINVAL && (!r->shared || fallocate(r->fd, 0, 0, (off_t)r->size) == 0))
        return true; /* an older kernel; private pages come when they are touched */
    return error_set_errno(err, errno == EFAULT ? ENOMEM : errno, "%llu MiB of guest memory cannot be "
                           "taken beforehand; use a smaller -m, or leave out -mem-prealloc",
                           mib(r->size));
}

/* The host's kernel gives huge pages to this kind of memory only, unless it is told otherwise. */
static bool map_private(HostRam *r, Error **err)
{
    r->shared = false;
    r->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    r->bytes = pages_map(r->size);
    return r->bytes || error_set_errno(err, errno, "cannot map %llu MiB of guest memory; use a "
                                       "smaller -m", mib(r->size));
}

static bool map_any(HostRam *r, const char *name, const HostRamSource *s, Error **err)
{
    if (!s->path && !s->share && !s->huge)
        return map_private(r, err);
    return (s->path ? open_path(r, s, err) : open_anonymous(r, name, s, err)) &&
           size_file(r, s, err) && map_file(r, err);
}

bool host_ram_map(HostRam *r, const char *name, uint64_t size, const HostRamSource *s, Error **err)
{
    *r = (HostRam){ .fd = -1, .size = size, .shared = true };
    if (map_any(r, name, s, err) && (!s->prealloc || preallocate(r, s, err)))
        return true;
    host_ram_unmap(r);
    return false;
}

void host_ram_unmap(HostRam *r)
{
    if (r->bytes)
        munmap(r->bytes, r->size);
    if (r->fd >= 0)
        close(r->fd);
    r->bytes = NULL;
    r->fd = -1;
}
