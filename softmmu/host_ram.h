// SPDX-License-Identifier: MIT
//
// Where the bytes of guest memory are on the host: in memory of this process alone, which the host
// may have in huge pages; in an anonymous file (memfd) that another process can map, or one of huge
// pages; in a file of the user's, which is mapped privately if it is not to be written; or in an
// unnamed file in a folder.
#ifndef SOFTMMU_HOST_RAM_H
#define SOFTMMU_HOST_RAM_H

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

/* All zero: memory of this process alone. */
typedef struct HostRamSource {
    const char *path;    /* a file, or a folder; NULL: anonymous */
    bool share;          /* what the guest writes goes to the file at `path`, or to an anonymous one */
    bool huge;           /* without path: an anonymous file of huge pages */
    uint64_t huge_bytes; /* their size; 0: the host's usual one */
    bool prealloc;       /* take the memory now, not when the guest touches it */
} HostRamSource;

typedef struct HostRam {
    uint8_t *bytes;
    uint64_t size;
    int fd;              /* -1: no file */
    bool shared;         /* whoever maps `fd` sees what the guest writes */
    uint64_t page_bytes; /* pieces in which memory can be given back */
} HostRam;

/* `size` bytes, zeros unless a file has others. */
bool host_ram_map(HostRam *r, const char *name, uint64_t size, const HostRamSource *source,
                  Error **err) MUST_CHECK;
void host_ram_unmap(HostRam *r);

#endif
