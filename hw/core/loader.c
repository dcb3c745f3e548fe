// SPDX-License-Identifier: MIT
//
// Reading files for guest memory, gzip (RFC 1952, by zlib), and the list of blobs. Contract in
// loader.h.
#include "hw/core/loader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "util/bitops.h"
#include "util/pages.h"

enum { READ_STEP = 1 << 20 };

/* ---- files ------------------------------------------------------------------------------ */

static bool too_big(const FileData *f, uint64_t max_bytes, Error **err)
{
    return error_set(err, "%s '%s' does not fit into %" PRIu64 " MiB of guest memory; give more "
                     "with -m", f->what, f->path, max_bytes >> 20);
}

/* Make room for one more step; sizes of pipes are not known beforehand. */
static bool grow(FileData *f, uint64_t *capacity, Error **err)
{
    if (*capacity - f->size >= READ_STEP)
        return true;
    uint64_t wanted = *capacity + *capacity / 2 + READ_STEP;
    uint8_t *grown = realloc(f->bytes, wanted);
    if (!grown)
        return error_set(err, "out of memory for %s '%s'", f->what, f->path);
    f->bytes = grown;
    *capacity = wanted;
    return true;
}

static bool read_all(FileData *f, int fd, uint64_t capacity, uint64_t max_bytes, Error **err)
{
    for (;;) {
        if (!grow(f, &capacity, err))
            return false;
        ssize_t n = read(fd, f->bytes + f->size, capacity - f->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, errno, "cannot read %s '%s'", f->what, f->path);
        if (n == 0)
            return true;
        f->size += (uint64_t)n;
        if (f->size > max_bytes)
            return too_big(f, max_bytes, err);
    }
}

bool file_read(FileData *f, const char *what, const char *path, uint64_t max_bytes, Error **err)
{
    *f = (FileData){ .what = what, .path = path };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot open %s '%s'", what, path);
    struct stat st;
    uint64_t capacity = 0;
    bool ok = true;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if ((uint64_t)st.st_size > max_bytes)
            ok = too_big(f, max_bytes, err);
        capacity = (uint64_t)st.st_size + READ_STEP;
        f->bytes = ok ? malloc(capacity) : NULL;
        if (f->bytes)
            pages_touch(f->bytes, capacity, true);
        else
            capacity = 0;
    }
    ok = ok && read_all(f, fd, capacity, max_bytes, err);
    close(fd);
    if (ok && f->size == 0)
        ok = error_set(err, "%s '%s' is empty", what, path);
    if (!ok)
        file_free(f);
    return ok;
}

void file_free(FileData *f)
{
    free(f->bytes);
    f->bytes = NULL;
    f->size = 0;
}

/* ---- gzip ------------------------------------------------------------------------------- */

enum { GZIP_WINDOW = 16 + MAX_WBITS }; /* zlib: gzip framing, largest window */

bool file_is_gzip(const FileData *f)
{
    return f->size >= 2 && f->bytes[0] == 0x1f && f->bytes[1] == 0x8b;
}

/* zlib counts in `unsigned`; hand over pieces. */
static void feed(z_stream *z, const FileData *in)
{
    uint64_t used = (uint64_t)(z->next_in - in->bytes);
    z->avail_in = (uInt)MIN(in->size - used, (uint64_t)1 << 30);
}

static bool gzip_error(const FileData *f, int result, Error **err)
{
    if (result == Z_MEM_ERROR)
        return error_set(err, "out of memory for %s '%s'", f->what, f->path);
    if (result == Z_DATA_ERROR)
        return error_set(err, "%s '%s' is a damaged gzip file; copy it anew", f->what, f->path);
    return error_set(err, "%s '%s' is a truncated gzip file; copy it anew", f->what, f->path);
}

/* Inflate one gzip stream of `in`. With `out`, its bytes are appended there (up to max_bytes),
 * without, they are dropped. `*used` is where the stream ends in `in`. */
static bool inflate_stream(const FileData *in, FileData *out, uint64_t max_bytes, uint64_t *used,
                           Error **err)
{
    z_stream z = { .next_in = in->bytes };
    uint8_t dropped[65536];
    uint64_t capacity = 0;
    bool ok = true;
    int r = inflateInit2(&z, GZIP_WINDOW);
    while (r == Z_OK && ok) {
        feed(&z, in);
        z.next_out = dropped;
        z.avail_out = sizeof(dropped);
        if (out) {
            ok = grow(out, &capacity, err);
            if (!ok)
                break;
            z.next_out = out->bytes + out->size;
            z.avail_out = (uInt)MIN(capacity - out->size, (uint64_t)1 << 30);
        }
        uInt room = z.avail_out;
        r = inflate(&z, Z_NO_FLUSH);
        if (out)
            out->size += room - z.avail_out;
        if (out && out->size > max_bytes)
            ok = too_big(in, max_bytes, err);
    }
    *used = (uint64_t)(z.next_in - in->bytes);
    inflateEnd(&z);
    return ok && (r == Z_STREAM_END || gzip_error(in, r, err));
}

bool file_gunzip(FileData *f, uint64_t max_bytes, Error **err)
{
    FileData out = { .what = f->what, .path = f->path };
    uint64_t used;
    if (!inflate_stream(f, &out, max_bytes, &used, err)) {
        file_free(&out);
        return false;
    }
    file_free(f);
    *f = out;
    return true;
}

/* ---- initramfs -------------------------------------------------------------------------- */

/* A number of eight hexadecimal digits in a header of a "newc" archive. */
static uint32_t cpio_field(const uint8_t *header, unsigned n)
{
    char text[9] = { 0 };
    memcpy(text, header + 6 + 8 * n, 8);
    return (uint32_t)strtoul(text, NULL, 16);
}

/* Walk the members of an archive from `at`, to behind its trailer; 0: it ends too early. */
static uint64_t cpio_end(const FileData *f, uint64_t at)
{
    enum { HEADER = 110, FIELD_FILESIZE = 6, FIELD_NAMESIZE = 11 };
    static const char trailer[] = "TRAILER!!!";
    while (f->size - at >= HEADER && memcmp(f->bytes + at, "07070", 5) == 0) {
        const uint8_t *h = f->bytes + at;
        uint64_t name_bytes = cpio_field(h, FIELD_NAMESIZE);
        uint64_t data = align_up(at + HEADER + name_bytes, 4);
        uint64_t next = align_up(data + cpio_field(h, FIELD_FILESIZE), 4);
        if (next > align_up(f->size, 4) || at + HEADER + name_bytes > f->size)
            return 0;
        if (name_bytes == sizeof(trailer) && memcmp(h + HEADER, trailer, sizeof(trailer)) == 0)
            return MIN(next, f->size);
        at = next;
        if (at >= f->size)
            return 0;
    }
    return 0;
}

bool file_check_initrd(const FileData *f, Error **err)
{
    uint64_t at = 0;
    if (f->size >= 5 && memcmp(f->bytes, "07070", 5) == 0) {
        at = cpio_end(f, 0);
        if (!at)
            return error_set(err, "%s '%s' is a truncated cpio archive; copy it anew", f->what,
                             f->path);
    }
    while (at < f->size && f->bytes[at] == 0) /* archives may follow one another */
        at++;
    const FileData rest = { f->what, f->path, f->bytes + at, f->size - at };
    uint64_t used;
    return !file_is_gzip(&rest) || inflate_stream(&rest, NULL, 0, &used, err);
}

/* ---- blobs ------------------------------------------------------------------------------ */

bool blob_add(BlobList *list, const Blob *blob, Hwaddr ram_first, Hwaddr ram_last, Error **err)
{
    assert(blob->mem_bytes >= blob->size);
    Hwaddr last = blob->addr + (blob->mem_bytes - 1);
    if (blob->mem_bytes == 0)
        return true;
    if (blob->addr < ram_first || last > ram_last || last < blob->addr)
        return error_set(err, "%s needs guest memory from 0x%" PRIx64 " to 0x%" PRIx64
                         ", but there is memory from 0x%" PRIx64 " to 0x%" PRIx64 "; %s",
                         blob->what, blob->addr, last, ram_first, ram_last,
                         blob->addr >= ram_first && last >= blob->addr && last >> 40 == 0
                             ? "give more with -m"
                             : "it is linked for another machine");
    for (unsigned i = 0; i < list->count; i++) {
        const Blob *b = &list->blobs[i];
        if (blob->addr < b->addr + b->mem_bytes && b->addr <= last)
            return error_set(err, "%s and %s overlap at 0x%" PRIx64, blob->what, b->what,
                             MAX(blob->addr, b->addr));
    }
    if (list->count == BLOB_MAX)
        return error_set(err, "%s has too many parts; at most %d fit", blob->what, BLOB_MAX);
    list->blobs[list->count++] = *blob;
    return true;
}

void blobs_print(const BlobList *list, FILE *out)
{
    for (unsigned i = 0; i < list->count; i++)
        fprintf(out, "addr=%016llx size=0x%06llx mem=ram name=\"%s\"\n",
                (unsigned long long)list->blobs[i].addr,
                (unsigned long long)list->blobs[i].mem_bytes, list->blobs[i].what);
}

void blobs_write(const BlobList *list, MemorySpace *space)
{
    static const uint8_t zeroes[4096];
    for (unsigned i = 0; i < list->count; i++) {
        const Blob *b = &list->blobs[i];
        memory_write_rom(space, b->addr, b->bytes, b->size);
        for (uint64_t at = b->size; at < b->mem_bytes;) {
            uint64_t n = MIN(sizeof(zeroes), b->mem_bytes - at);
            memory_write_rom(space, b->addr + at, zeroes, n);
            at += n;
        }
    }
}
