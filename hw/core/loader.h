// SPDX-License-Identifier: MIT
//
// Loading files into guest memory: reading them with errors a user understands, recognising what
// they are, and a list of pieces ("blobs") that are written to RAM at every reset.
//
// Everything is read and checked when the machine is built, so a bad file is an Error before any
// guest instruction runs; reset only copies.
#ifndef HW_CORE_LOADER_H
#define HW_CORE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/memory.h"
#include "util/error.h"
#include "util/types.h"

/* A file's bytes, owned by the structure. `what` and `path` name it in messages: "kernel", the
 * user's path. */
typedef struct FileData {
    const char *what, *path;
    uint8_t *bytes;
    uint64_t size;
} FileData;

/* Read a whole file of 1 to `max_bytes` bytes. */
bool file_read(FileData *f, const char *what, const char *path, uint64_t max_bytes,
               Error **err) MUST_CHECK;
void file_free(FileData *f);

bool file_is_gzip(const FileData *f);
/* Replace the bytes by what they are compressed from, at most `max_bytes`. Bytes after the end of
 * the compressed stream are ignored. */
bool file_gunzip(FileData *f, uint64_t max_bytes, Error **err) MUST_CHECK;
/* Is a file that ought to be an initramfs cut off? Looks at gzip streams and plain cpio archives;
 * anything else passes. */
bool file_check_initrd(const FileData *f, Error **err) MUST_CHECK;

/* What the bytes are, for a message that it is not what was wanted: "an x86 Linux kernel
 * (bzImage)", "a gzip file"; NULL when unknown. */
const char *image_describe(const uint8_t *bytes, uint64_t size);
/* The names behind e_machine of ELF and Machine of PE; NULL when unknown. */
const char *elf_machine_name(uint16_t machine);
const char *pe_machine_name(uint16_t machine);

/* A run of bytes for guest memory, zero-extended to mem_bytes. */
typedef struct Blob {
    const char *what;
    Hwaddr addr;
    const uint8_t *bytes; /* lives as long as the list */
    uint64_t size, mem_bytes;
} Blob;

enum { BLOB_MAX = 64 };

typedef struct BlobList {
    Blob blobs[BLOB_MAX];
    unsigned count;
} BlobList;

/* Enter a blob, which must lie in [ram_first, ram_last] and overlap no other. */
bool blob_add(BlobList *list, const Blob *blob, Hwaddr ram_first, Hwaddr ram_last,
              Error **err) MUST_CHECK;
/* The text of `info roms`. */
void blobs_print(const BlobList *list, FILE *out);
/* Write all of them; the ranges are RAM. */
void blobs_write(const BlobList *list, MemorySpace *space);

/* A 64-bit little-endian ELF executable's segments, by physical address, become blobs that point
 * into `f`. */
typedef struct ElfInfo {
    Hwaddr entry;     /* physical */
    Hwaddr low, high; /* of all segments; high is exclusive */
} ElfInfo;

bool elf64_load(const FileData *f, uint16_t machine, Hwaddr ram_first, Hwaddr ram_last,
                BlobList *list, ElfInfo *info, Error **err) MUST_CHECK;

#endif
