// SPDX-License-Identifier: MIT
//
// Where the bytes of guest memory are on the host: an anonymous file (memfd), one of huge pages, a
// file of the user's, or an unnamed file in a folder. All are files, so that another process can map
// them; but for a file that is not to be written, which is mapped privately.
#ifndef SOFTMMU_HOST_RAM_H
#define SOFTMMU_HOST_RAM_H

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

/* All zero: an anonymous file. */
typedef struct HostRamSource {
    const char *path;    /* a file, or a folder; NULL: anonymous */
    bool share;          /* what the guest writes goes to the file at `path` */
    bool huge;           /* without path: huge pages */
    uint64_t huge_bytes; /* their size; 0: the host's usual one */
    bool prealloc;       /* take the memory now, not when the guest touches it */
} HostRamSource;

typedef struct HostRam {
    uint8_t *bytes;
    uint64_t size;
    int fd;
    bool shared;         /* whoever maps `fd` sees what the guest writes */
    uint64_t page_bytes; /* pieces in which memory can be given back */
} HostRam;

/* `size` bytes, zeros unless a file has others. */
bool host_ram_map(HostRam *r, const char *name, uint64_t size, const HostRamSource *source,
                  Error **err) MUST_CHECK;
void host_ram_unmap(HostRam *r);

#endif
