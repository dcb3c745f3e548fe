// SPDX-License-Identifier: MIT
//
// The log of `-d` and `-D`; contract in log.h. `mask` is read without the lock (it changes only
// while options are parsed and by the monitor); the stream is guarded by `lock`.
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "util/suggest.h"

typedef struct LogRange {
    uint64_t first, last;
} LogRange;

struct Log {
    atomic_uint mask;
    pthread_mutex_t lock;
    FILE *stream; /* stderr, or a file of ours */
    LogRange *ranges;
    size_t range_count;
};

const LogItemName log_item_names[] = {
    { LOG_IN_ASM, "in_asm", "guest instructions of each translated unit" },
    { LOG_OP, "op", "the IR of each unit before optimisation" },
    { LOG_OP_OPT, "op_opt", "the IR of each unit after optimisation" },
    { LOG_OUT_ASM, "out_asm", "the host code of each unit" },
    { LOG_INT, "int", "interrupts and exceptions" },
    { LOG_EXEC, "exec", "a line for each unit entered from the main loop" },
    { LOG_CPU, "cpu", "the registers before each unit (with exec)" },
    { LOG_FPU, "fpu", "the FP and vector registers, too (with cpu)" },
    { LOG_NOCHAIN, "nochain", "do not chain units, so that exec shows every one" },
    { LOG_MMU, "mmu", "page table walks and TLB maintenance" },
    { LOG_UNIMP, "unimp", "use of something that is not implemented" },
    { LOG_GUEST_ERRORS, "guest_errors", "mistakes of the guest, for example bad register writes" },
    { 0, NULL, NULL },
};

Log *log_create(void)
{
    Log *log = calloc(1, sizeof(*log));
    if (!log)
        return NULL;
    pthread_mutex_init(&log->lock, NULL);
    log->stream = stderr;
    return log;
}

void log_destroy(Log *log)
{
    if (!log)
        return;
    if (log->stream != stderr)
        fclose(log->stream);
    pthread_mutex_destroy(&log->lock);
    free(log->ranges);
    free(log);
}

static const LogItemName *find_item(const char *name, size_t len)
{
    for (const LogItemName *n = log_item_names; n->name; n++)
        if (strlen(n->name) == len && !memcmp(n->name, name, len))
            return n;
    return NULL;
}

static bool unknown_item(const char *items, size_t len, Error **err)
{
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)len, items);
    Suggest s = suggest_start(name);
    for (const LogItemName *n = log_item_names; n->name; n++)
        suggest_offer(&s, n->name);
    return error_set(err, "unknown log item '%s' in -d%s ('-d help' lists them)", name,
                     suggest_text(&s));
}

static bool parse_items(const char *items, unsigned *mask, Error **err)
{
    while (*items) {
        size_t len = strcspn(items, ",");
        const LogItemName *n = find_item(items, len);
        if (!n)
            return unknown_item(items, len, err);
        *mask |= n->item;
        items += len + (items[len] == ',');
    }
    return true;
}

bool log_enable(Log *log, const char *items, Error **err)
{
    unsigned mask = 0;
    if (!parse_items(items, &mask, err))
        return false;
    atomic_fetch_or(&log->mask, mask);
    return true;
}

bool log_replace(Log *log, const char *items, Error **err)
{
    unsigned mask = 0;
    if (strcmp(items, "none") && !parse_items(items, &mask, err))
        return false;
    atomic_store(&log->mask, mask);
    return true;
}

void log_print_items(FILE *out)
{
    fputs("Log items (comma separated):\n", out);
    for (const LogItemName *n = log_item_names; n->name; n++)
        fprintf(out, "%-15s %s\n", n->name, n->help);
}

bool log_open(Log *log, const char *path, Error **err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return error_set_errno(err, errno, "cannot write the log file '%s' given to -D", path);
    setvbuf(f, NULL, _IOLBF, 1 << 16);
    pthread_mutex_lock(&log->lock);
    if (log->stream != stderr)
        fclose(log->stream);
    log->stream = f;
    pthread_mutex_unlock(&log->lock);
    return true;
}

static bool parse_range(const char *text, LogRange *range)
{
    char *end;
    errno = 0;
    uint64_t first = strtoull(text, &end, 0), n;
    bool plus = *end == '+', minus = *end == '-', span = !strncmp(end, "..", 2);
    if (end == text || errno || !(plus || minus || span))
        return false;
    const char *second = end + (span ? 2 : 1);
    n = strtoull(second, &end, 0);
    if (end == second || errno || (*end && *end != ','))
        return false;
    if (span)
        *range = (LogRange){ first, n };
    else if (plus)
        *range = (LogRange){ first, first + n - 1 };
    else
        *range = (LogRange){ first - n + 1, first };
    return range->first <= range->last;
}

bool log_set_filter(Log *log, const char *ranges, Error **err)
{
    for (const char *p = ranges; *p;) {
        LogRange r;
        if (!parse_range(p, &r))
            return error_set(err, "bad range '%s' in -dfilter; write START+LENGTH, START-LENGTH "
                             "or START..END, separated by commas", p);
        LogRange *grown = realloc(log->ranges, (log->range_count + 1) * sizeof(r));
        if (!grown)
            return error_set(err, "out of memory for -dfilter");
        log->ranges = grown;
        log->ranges[log->range_count++] = r;
        p += strcspn(p, ",");
        p += *p == ',';
    }
    return true;
}

bool log_on(const Log *log, unsigned items)
{
    return log && (atomic_load_explicit(&log->mask, memory_order_relaxed) & items);
}

bool log_on_at(const Log *log, unsigned items, uint64_t vaddr)
{
    if (!log_on(log, items))
        return false;
    for (size_t i = 0; i < log->range_count; i++)
        if (vaddr >= log->ranges[i].first && vaddr <= log->ranges[i].last)
            return true;
    return log->range_count == 0;
}

void log_print(Log *log, unsigned items, const char *fmt, ...)
{
    if (!log_on(log, items))
        return;
    va_list ap;
    va_start(ap, fmt);
    vfprintf(log_begin(log), fmt, ap);
    log_end(log);
    va_end(ap);
}

FILE *log_begin(Log *log)
{
    pthread_mutex_lock(&log->lock);
    return log->stream;
}

void log_end(Log *log)
{
    fflush(log->stream);
    pthread_mutex_unlock(&log->lock);
}
