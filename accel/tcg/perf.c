// SPDX-License-Identifier: MIT
//
// Files by which the host's perf names translated code: a map (Linux, tools/perf/Documentation,
// jit-interface.txt) and a dump with the code itself (jitdump-specification.txt), from which
// `perf inject -j` makes small ELF files.
//
// A unit is called after the guest's symbol, or after its address where there is none. Written
// under the translation lock. perf learns of the dump by our mapping it executable.
#include "accel/tcg/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { JITDUMP_VERSION = 1, MACHINE_X86_64 = 62 };
enum { RECORD_CODE_LOAD = 0, RECORD_CODE_CLOSE = 3 };
#define JITDUMP_MAGIC 0x4a695444u /* "JiTD" */

struct PerfFiles {
    FILE *map, *dump;
    void *marker; /* a page of the dump */
    uint64_t next_index;
};

typedef struct DumpHeader {
    uint32_t magic, version, size, machine, pad, pid;
    uint64_t timestamp_ns, flags;
} DumpHeader;

typedef struct RecordHeader {
    uint32_t kind, size;
    uint64_t timestamp_ns;
} RecordHeader;

typedef struct CodeLoad { /* then the name with its NUL, then the code */
    RecordHeader header;
    uint32_t pid, tid;
    uint64_t vma, address, code_bytes, index;
} CodeLoad;

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* perf's own clock under `perf record -k mono`. */
static uint64_t timestamp_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- opening ---------------------------------------------------------------------------- */

static bool open_map(PerfFiles *p, Error **err)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
    p->map = fopen(path, "we");
    return p->map || error_set_errno(err, errno, "cannot write '%s' for -perfmap", path);
}

static bool open_dump(PerfFiles *p, Error **err)
{
    char path[64];
    snprintf(path, sizeof(path), "jit-%d.dump", (int)getpid());
    const DumpHeader h = { JITDUMP_MAGIC, JITDUMP_VERSION, sizeof(h), MACHINE_X86_64, 0,
                           (uint32_t)getpid(), timestamp_ns(), 0 };
    p->dump = fopen(path, "w+e");
    if (!p->dump || fwrite(&h, sizeof(h), 1, p->dump) != 1 || fflush(p->dump))
        return error_set_errno(err, errno, "cannot write './%s' for -jitdump; start where files "
                               "can be written", path);
    p->marker = mmap(NULL, page_bytes(), PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(p->dump), 0);
    if (p->marker != MAP_FAILED)
        return true;
    p->marker = NULL;
    return error_set_errno(err, errno, "cannot map './%s' executable, by which perf finds it; start "
                           "where that is allowed", path);
}

bool engine_perf_open(TcgEngine *e, bool map, bool dump, Error **err)
{
    if (e->config.interpreter)
        return error_set(err, "-perfmap and -jitdump name host code, of which backend=interp makes "
                         "none; leave one out");
    e->perf = calloc(1, sizeof(*e->perf));
    if (!e->perf)
        return error_set(err, "out of memory for -perfmap and -jitdump");
    return (!map || open_map(e->perf, err)) && (!dump || open_dump(e->perf, err));
}

void engine_perf_close(TcgEngine *e)
{
    PerfFiles *p = e->perf;
    if (!p)
        return;
    if (p->dump) {
        const RecordHeader end = { RECORD_CODE_CLOSE, sizeof(end), timestamp_ns() };
        fwrite(&end, sizeof(end), 1, p->dump);
        fclose(p->dump);
    }
    if (p->map)
        fclose(p->map);
    if (p->marker)
        munmap(p->marker, page_bytes());
    free(p);
    e->perf = NULL;
}

/* ---- units ------------------------------------------------------------------------------ */

static void dump_unit(PerfFiles *p, const char *name, const uint8_t *code, size_t bytes)
{
    size_t name_bytes = strlen(name) + 1;
    const CodeLoad load = {
        .header = { RECORD_CODE_LOAD, (uint32_t)(sizeof(load) + name_bytes + bytes),
                    timestamp_ns() },
        .pid = (uint32_t)getpid(), .tid = (uint32_t)gettid(), .vma = (uintptr_t)code,
        .address = (uintptr_t)code, .code_bytes = bytes, .index = p->next_index++,
    };
    fwrite(&load, sizeof(load), 1, p->dump);
    fwrite(name, name_bytes, 1, p->dump);
    fwrite(code, bytes, 1, p->dump);
}

void engine_perf_add_locked(TcgEngine *e, const Unit *u)
{
    PerfFiles *p = e->perf;
    char name[128];
    size_t bytes;
    const uint8_t *code = tcg_code_bytes(u->code, &bytes);
    engine_describe(e, u->pc, name, sizeof(name));
    if (!*name)
        snprintf(name, sizeof(name), "guest 0x%llx", (unsigned long long)u->pc);
    if (p->map)
        fprintf(p->map, "%llx %zx %s\n", (unsigned long long)(uintptr_t)code, bytes, name);
    if (p->dump)
        dump_unit(p, name, code, bytes);
}
