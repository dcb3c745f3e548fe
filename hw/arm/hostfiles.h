// SPDX-License-Identifier: MIT
//
// The host's files for semihosting: handles, and what may be reached. Only regular files can be
// opened, because others could keep a vCPU waiting; with a root folder nothing outside it is
// reached, whatever names and symbolic links say (openat2(2), RESOLVE_IN_ROOT). The caller's lock
// guards the table. Functions that fail return -1 and leave why in errno.
#ifndef HW_ARM_HOSTFILES_H
#define HW_ARM_HOSTFILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "util/error.h"

enum { HOST_FILES_MAX = 64 };

/* What a handle stands for. */
typedef enum HostFileKind {
    HOST_FILE_NONE,
    HOST_FILE_REGULAR,
    HOST_FILE_CONSOLE_IN,
    HOST_FILE_CONSOLE_OUT,
    HOST_FILE_CONSOLE_ERROR,
    HOST_FILE_BYTES, /* a constant text */
} HostFileKind;

typedef struct HostFile {
    HostFileKind kind;
    int fd;
    const uint8_t *bytes;
    uint64_t len, at; /* HOST_FILE_BYTES */
} HostFile;

typedef struct HostFiles {
    int root; /* a folder, or AT_FDCWD: everything */
    bool confined;
    HostFile files[HOST_FILES_MAX];
} HostFiles;

/* `root` NULL: no confinement. */
bool host_files_init(HostFiles *h, const char *root, Error **err) MUST_CHECK;
void host_files_close_all(HostFiles *h);
void host_files_destroy(HostFiles *h); /* also after a failed init */

/* Handles are from 1 on. `mode` is that of fopen(), numbered as by SYS_OPEN: r rb r+ r+b w ... */
int64_t host_files_open(HostFiles *h, const char *name, unsigned mode);
/* A handle that is no file of the host. */
int64_t host_files_add(HostFiles *h, const HostFile *file);
HostFile *host_files_get(HostFiles *h, uint64_t handle); /* NULL with EBADF */
int host_files_close(HostFiles *h, uint64_t handle);
ssize_t host_file_read(HostFile *f, void *buf, size_t len);
ssize_t host_file_write(HostFile *f, const void *buf, size_t len);
int host_file_seek(HostFile *f, uint64_t position);
int64_t host_file_length(HostFile *f);
int host_files_remove(HostFiles *h, const char *name);
int host_files_rename(HostFiles *h, const char *from, const char *to);

#endif
