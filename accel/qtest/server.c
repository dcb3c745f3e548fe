// SPDX-License-Identifier: MIT
//
// The qtest server: lines in, answers out, the log, and the commands of virtual time. Commands of
// memory are in memory.c, those of interrupt lines in irq.c.
//
// Every line gets exactly one answer, "OK" or "OK RESULT" or "FAIL why". Answers wait in a buffer
// when the other end is slow, and no more lines are taken until it is empty.
#include "accel/qtest/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/clock.h"

/* ---- the log: [R +seconds] what was read, [S +seconds] what was sent, [I seconds] the rest - */

static double seconds_since_opened(const QtestServer *s)
{
    return (double)(host_clock_ns() - s->opened_ns) / 1e9;
}

static void log_line(QtestServer *s, char kind, const char *text, size_t len)
{
    if (s->log)
        fprintf(s->log, "[%c +%.6f] %.*s\n", kind, seconds_since_opened(s), (int)len, text);
}

/* ---- output ----------------------------------------------------------------------------- */

/* Hand over what the device takes; when it takes more, it says so. */
static void flush_locked(QtestServer *s)
{
    size_t n = chardev_write(s->chr, s->out, s->out_len);
    memmove(s->out, s->out + n, s->out_len - n);
    s->out_len -= n;
}

static void writable(void *opaque)
{
    QtestServer *s = opaque;
    pthread_mutex_lock(&s->lock);
    flush_locked(s);
    bool done = !s->out_len;
    pthread_mutex_unlock(&s->lock);
    if (done)
        chardev_accept_input(s->chr);
}

/* An answer that finds no memory is lost, with all before it: the other end hears nothing more. */
static void send_locked(QtestServer *s, const char *text, size_t len)
{
    if (s->out_len + len + 1 > s->out_capacity) {
        size_t capacity = s->out_len + len + 4096;
        char *grown = realloc(s->out, capacity);
        if (!grown)
            return;
        s->out = grown;
        s->out_capacity = capacity;
    }
    memcpy(s->out + s->out_len, text, len);
    s->out[s->out_len + len] = '\n';
    s->out_len += len + 1;
    flush_locked(s);
}

static void send_formatted(QtestServer *s, bool logged, const char *fmt, va_list ap)
{
    char *text;
    int len = vasprintf(&text, fmt, ap);
    if (len < 0)
        return;
    pthread_mutex_lock(&s->lock);
    if (logged)
        log_line(s, 'S', text, (size_t)len);
    send_locked(s, text, (size_t)len);
    pthread_mutex_unlock(&s->lock);
    free(text);
}

void qtest_reply(QtestServer *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    send_formatted(s, true, fmt, ap);
    va_end(ap);
}

void qtest_tell(QtestServer *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    send_formatted(s, false, fmt, ap);
    va_end(ap);
}

/* ---- commands --------------------------------------------------------------------------- */

bool qtest_number(QtestServer *s, const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (!errno && end != text && !*end)
        return true;
    qtest_reply(s, "FAIL '%.40s' is not a number", text);
    return false;
}

/* 73 years: devices add to it what their registers can hold. */
#define CLOCK_MAX_NS (INT64_MAX / 4)

static void set_clock(QtestServer *s, uint64_t to_ns)
{
    vclock_advance(s->machine->clock, (int64_t)MIN(to_ns, (uint64_t)CLOCK_MAX_NS));
    qtest_reply(s, "OK %" PRIi64, vclock_now_ns(s->machine->clock));
}

/* To the next timer, when no number of nanoseconds is given. */
static void cmd_clock_step(QtestServer *s, const QtestLine *l)
{
    int64_t now = vclock_now_ns(s->machine->clock);
    int64_t deadline = vclock_deadline_ns(s->machine->clock);
    uint64_t step = deadline > now ? (uint64_t)(deadline - now) : 0;
    if (l->count > 1 && !qtest_number(s, l->words[1], &step))
        return;
    set_clock(s, (uint64_t)now + MIN(step, (uint64_t)CLOCK_MAX_NS));
}

static void cmd_clock_set(QtestServer *s, const QtestLine *l)
{
    uint64_t to;
    if (qtest_number(s, l->words[1], &to))
        set_clock(s, to);
}

static void cmd_endianness(QtestServer *s, const QtestLine *l)
{
    qtest_reply(s, "OK little");
}

/* There are no modules: all is there already, or never. */
static void cmd_module_load(QtestServer *s, const QtestLine *l)
{
    qtest_reply(s, "FAIL");
}

static const QtestCommand clock_commands[] = {
    { "clock_step", 1, cmd_clock_step }, { "clock_set", 2, cmd_clock_set }, { 0 },
};

static const QtestCommand other_commands[] = {
    { "endianness", 1, cmd_endianness }, { "module_load", 3, cmd_module_load }, { 0 },
};

static const QtestCommand *find_command(const QtestServer *s, const char *name)
{
    const QtestCommand *const tables[] = {
        qtest_memory_commands, qtest_irq_commands, other_commands, s->clock ? clock_commands : NULL,
    };
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        for (const QtestCommand *c = tables[i]; c && c->name; c++)
            if (!strcmp(c->name, name))
                return c;
    return NULL;
}

void qtest_server_run_line(QtestServer *s, char *line)
{
    QtestLine l = { .count = 0 };
    char *state = NULL;
    log_line(s, 'R', line, strlen(line));
    for (char *w = strtok_r(line, " ", &state); w; w = strtok_r(NULL, " ", &state))
        if (l.count < QTEST_WORDS_MAX)
            l.words[l.count++] = w;
    const QtestCommand *c = l.count ? find_command(s, l.words[0]) : NULL;
    if (!l.count)
        qtest_reply(s, "FAIL The line is empty");
    else if (!c)
        qtest_reply(s, "FAIL Unknown command '%.80s'", l.words[0]);
    else if (l.count < c->words)
        qtest_reply(s, "FAIL Command '%s' needs %u arguments", c->name, c->words - 1);
    else
        c->run(s, &l);
}

/* ---- input ------------------------------------------------------------------------------ */

static size_t can_receive(void *opaque)
{
    QtestServer *s = opaque;
    pthread_mutex_lock(&s->lock);
    size_t room = s->out_len ? 0 : 4096;
    pthread_mutex_unlock(&s->lock);
    return room;
}

static void take_byte(QtestServer *s, uint8_t byte)
{
    if (s->len == s->capacity && s->capacity < QTEST_LINE_MAX) {
        size_t capacity = s->capacity ? s->capacity * 2 : 256;
        char *grown = realloc(s->line, capacity);
        s->line = grown ? grown : s->line;
        s->capacity = grown ? capacity : s->capacity;
    }
    if (byte != '\n') {
        if (s->len < s->capacity)
            s->line[s->len] = (char)byte;
        s->len++; /* what is too long is counted, not kept */
        return;
    }
    size_t len = s->len;
    s->len = 0;
    if (len >= s->capacity) {
        qtest_reply(s, "FAIL The line is too long");
        return;
    }
    len -= len && s->line[len - 1] == '\r';
    s->line[len] = '\0';
    qtest_server_run_line(s, s->line);
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    QtestServer *s = opaque;
    for (size_t i = 0; i < len; i++)
        take_byte(s, buf[i]);
}

static void event(void *opaque, ChardevEvent e)
{
    QtestServer *s = opaque;
    if (e == CHARDEV_OPENED) {
        s->opened_ns = host_clock_ns();
        s->len = 0;
    } else if (e == CHARDEV_CLOSED) {
        atomic_store(&s->telling, false);
    }
    if (s->log && (e == CHARDEV_OPENED || e == CHARDEV_CLOSED))
        fprintf(s->log, "[I %.6f] %s\n", seconds_since_opened(s),
                e == CHARDEV_OPENED ? "OPENED" : "CLOSED");
}

/* ---- life ------------------------------------------------------------------------------- */

static bool open_log(QtestServer *s, const char *path, Error **err)
{
    if (path && !strcmp(path, "none"))
        return true;
    s->log = path ? fopen(path, "we") : stderr;
    s->own_log = path;
    if (!s->log)
        return error_set_errno(err, errno, "cannot write the log '%s' of -qtest-log", path);
    if (s->own_log)
        setvbuf(s->log, NULL, _IOLBF, 4096);
    return true;
}

QtestServer *qtest_server_create(Machine *m, Chardev *chr, const char *log_path, bool clock,
                                 Error **err)
{
    QtestServer *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(err, "out of memory for -qtest");
        return NULL;
    }
    s->machine = m;
    s->chr = chardev_claim(chr, "-qtest", err);
    s->clock = clock;
    s->opened_ns = host_clock_ns();
    if (!s->chr || !open_log(s, log_path, err)) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    chardev_attach(s->chr, &(ChardevHandlers){ can_receive, receive, event, s, writable, false });
    return s;
}

void qtest_server_destroy(QtestServer *s)
{
    if (!s)
        return;
    for (QtestTap *t; (t = s->taps);) {
        s->taps = t->next;
        free(t);
    }
    if (s->own_log)
        fclose(s->log);
    pthread_mutex_destroy(&s->lock);
    free(s->out);
    free(s->line);
    free(s);
}
