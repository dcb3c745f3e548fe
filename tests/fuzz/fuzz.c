// SPDX-License-Identifier: MIT
//
// What the fuzzers share; see fuzz.h.
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "util/bitops.h"

uint64_t fuzz_take(FuzzInput *in, unsigned bytes)
{
    uint64_t v = 0;
    size_t n = MIN(in->left, bytes);
    memcpy(&v, in->at, n);
    in->at += n;
    in->left -= n;
    return v;
}

void fuzz_must(bool ok, const char *what, Error *err)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz: %s failed: %s\n", what, err ? error_text(err) : "no reason given");
    abort();
}

void fuzz_file_open(FuzzFile *f, const void *bytes, size_t size)
{
    f->fd = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_must(f->fd >= 0 && write(f->fd, bytes, size) == (ssize_t)size, "memfd_create", NULL);
    snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

void fuzz_file_close(FuzzFile *f)
{
    close(f->fd);
}

static void quit(void *opaque)
{
    mainloop_quit(opaque);
}

void fuzz_poll(Machine *m)
{
    mainloop_post(m->loop, quit, m->loop);
    mainloop_run(m->loop);
}
