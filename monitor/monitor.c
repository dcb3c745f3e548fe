// SPDX-License-Identifier: MIT
//
// The text monitor: contract in monitor.h. The editor knows backspace, Ctrl-U (drop the line),
// Ctrl-C (drop it too), Ctrl-P/Up and Ctrl-N/Down (lines before and after), Tab (complete a
// command); everything else that is printable is echoed.
#include "monitor/monitor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/suggest.h"

#define LINE_BYTES 512
#define HISTORY_LINES 32
#define WAITING_BYTES_MAX ((size_t)64 << 20) /* more than the longest answer */

struct Monitor {
    Chardev *chr;
    const MonitorCommand *commands;
    void *opaque;
    char line[LINE_BYTES];
    size_t length;
    char *history[HISTORY_LINES]; /* the latest last */
    unsigned history_count, recalled; /* recalled == history_count: a new line */
    unsigned escape; /* progress in an escape sequence: ESC, [ */
    bool greeted;
    char *waiting; /* output that the other end has not taken yet */
    size_t waiting_len;
};

static const char prompt[] = "(dragoman) ";

/* What the other end does not take now waits, and so does its next line. */
static void put(Monitor *mon, const char *text, size_t len)
{
    size_t n = mon->waiting_len ? 0 : chardev_write(mon->chr, text, len);
    if (n == len || mon->waiting_len + len - n > WAITING_BYTES_MAX)
        return;
    char *more = realloc(mon->waiting, mon->waiting_len + len - n);
    if (!more)
        return;
    memcpy(more + mon->waiting_len, text + n, len - n);
    mon->waiting = more;
    mon->waiting_len += len - n;
}

static void drop_waiting(Monitor *mon)
{
    free(mon->waiting);
    mon->waiting = NULL;
    mon->waiting_len = 0;
}

static void writable(void *opaque)
{
    Monitor *mon = opaque;
    size_t n = mon->waiting_len ? chardev_write(mon->chr, mon->waiting, mon->waiting_len) : 0;
    if (n < mon->waiting_len) {
        mon->waiting_len -= n;
        memmove(mon->waiting, mon->waiting + n, mon->waiting_len);
        return;
    }
    drop_waiting(mon);
    chardev_accept_input(mon->chr);
}

static void put_text(Monitor *mon, const char *text)
{
    put(mon, text, strlen(text));
}

/* ---- commands --------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

/* When `line` begins with the words of `name`, what follows them; else NULL. */
static const char *match_words(const char *line, const char *name)
{
    while (*name) {
        if (*name == ' ') {
            if (!isspace((unsigned char)*line))
                return NULL;
            line = skip_blanks(line);
            name++;
        } else if (*line++ != *name++) {
            return NULL;
        }
    }
    if (*line && !isspace((unsigned char)*line) && *line != '/')
        return NULL;
    return skip_blanks(line);
}

static bool is_present(const MonitorCommand *c)
{
    return c->run;
}

static void print_command(const MonitorCommand *c, FILE *out)
{
    fprintf(out, "%s%s%s %s -- %s\n", c->name, c->alias ? "|" : "", c->alias ? c->alias : "",
            c->args, c->help);
}

static bool begins_with(const char *name, const char *topic)
{
    size_t len = strlen(topic);
    return !strncmp(name, topic, len) && (!name[len] || name[len] == ' ');
}

/* All commands, or those that are or begin with `topic`. */
static void print_help(const MonitorCommand *commands, const char *topic, FILE *out)
{
    bool any = false;
    for (const MonitorCommand *c = commands; c->name; c++) {
        bool wanted = !*topic || begins_with(c->name, topic) ||
                      (c->alias && !strcmp(c->alias, topic));
        if (!wanted || !is_present(c))
            continue;
        print_command(c, out);
        any = true;
    }
    if (!*topic)
        fputs("help|? [COMMAND] -- this list, or a line of it\n", out);
    else if (!any)
        fprintf(out, "there is no command '%s' ('help' lists them)\n", topic);
}

static void unknown_command(const MonitorCommand *commands, const char *line, FILE *out)
{
    Suggest s = suggest_start(line);
    for (const MonitorCommand *c = commands; c->name; c++)
        if (is_present(c))
            suggest_offer(&s, c->name);
    fprintf(out, "unknown command: '%.64s'%s ('help' lists them)\n", line, suggest_text(&s));
}

static void run_command(const MonitorCommand *commands, void *opaque, const char *line, FILE *out)
{
    const char *topic = match_words(line, "help");
    if (!topic)
        topic = match_words(line, "?");
    if (!topic && (!strcmp(line, "info") || !strcmp(line, "info help")))
        topic = "info";
    if (topic) {
        print_help(commands, topic, out);
        return;
    }
    for (const MonitorCommand *c = commands; c->name; c++) {
        const char *args = match_words(line, c->name);
        if (!args && c->alias)
            args = match_words(line, c->alias);
        if (!args)
            continue;
        if (!is_present(c))
            fprintf(out, "'%s' is not supported; %s\n", c->name, c->help);
        else if (*args && !*c->args)
            fprintf(out, "'%s' is too much: %s takes nothing\n", args, c->name);
        else
            c->run(opaque, args, out);
        return;
    }
    unknown_command(commands, line, out);
}

void monitor_run_line(const MonitorCommand *commands, void *opaque, const char *line, FILE *out)
{
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%s", skip_blanks(line));
    size_t len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    if (len)
        run_command(commands, opaque, text, out);
}

/* Terminals are raw: a newline needs its carriage return. */
static void put_lines(Monitor *mon, const char *text, size_t len)
{
    for (const char *end = text + len; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((newline ? newline : end) - text);
        put(mon, text, n);
        if (!newline)
            return;
        put(mon, "\r\n", 2);
        text = newline + 1;
    }
}

/* ---- history ---------------------------------------------------------------------------- */

static void remember(Monitor *mon)
{
    unsigned n = mon->history_count;
    if (mon->length && (!n || strcmp(mon->history[n - 1], mon->line))) {
        if (n == HISTORY_LINES) {
            free(mon->history[0]);
            memmove(&mon->history[0], &mon->history[1], --n * sizeof(*mon->history));
        }
        mon->history[n] = strdup(mon->line);
        mon->history_count = mon->history[n] ? n + 1 : n;
    }
    mon->recalled = mon->history_count;
}

static void print_history(const Monitor *mon, FILE *out)
{
    for (unsigned i = 0; i < mon->history_count; i++)
        fprintf(out, "%u: '%s'\n", i, mon->history[i]);
}

static void run_line(Monitor *mon)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    put(mon, "\r\n", 2);
    mon->line[mon->length] = '\0';
    remember(mon);
    mon->length = 0;
    if (!out)
        return;
    const char *after = match_words(skip_blanks(mon->line), "info history");
    if (after && !*after)
        print_history(mon, out);
    else
        monitor_run_line(mon->commands, mon->opaque, mon->line, out);
    fclose(out);
    put_lines(mon, text, len);
    free(text);
    put_text(mon, prompt);
}

/* ---- the line editor -------------------------------------------------------------------- */

static void drop_line(Monitor *mon)
{
    put_text(mon, "\r\033[K");
    put_text(mon, prompt);
    mon->length = 0;
}

/* The line `step` further in the history; beyond its end an empty one. */
static void recall(Monitor *mon, int step)
{
    unsigned to = mon->recalled + (unsigned)step;
    if (to > mon->history_count) /* or below 0 */
        return;
    drop_line(mon);
    mon->recalled = to;
    snprintf(mon->line, sizeof(mon->line), "%s",
             to < mon->history_count ? mon->history[to] : "");
    mon->length = strlen(mon->line);
    put_text(mon, mon->line);
}

static size_t common_length(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static void list_completions(Monitor *mon)
{
    put_text(mon, "\r\n");
    for (const MonitorCommand *c = mon->commands; c->name; c++) {
        if (is_present(c) && !strncmp(c->name, mon->line, mon->length)) {
            put_text(mon, c->name);
            put_text(mon, "\r\n");
        }
    }
    put_text(mon, prompt);
    put(mon, mon->line, mon->length);
}

/* As far as all commands that begin so agree; where they part, list them. */
static void complete(Monitor *mon)
{
    const char *found = NULL;
    size_t agreed = 0;
    unsigned count = 0;
    mon->line[mon->length] = '\0';
    for (const MonitorCommand *c = mon->commands; c->name; c++) {
        if (!is_present(c) || strncmp(c->name, mon->line, mon->length))
            continue;
        agreed = count++ ? MIN(agreed, common_length(c->name, found)) : strlen(c->name);
        found = c->name;
    }
    if (count && agreed > mon->length) {
        put(mon, found + mon->length, agreed - mon->length);
        memcpy(mon->line, found, agreed);
        mon->length = agreed;
        if (count == 1 && mon->length < LINE_BYTES - 1) {
            put_text(mon, " ");
            mon->line[mon->length++] = ' ';
        }
    } else if (count > 1) {
        list_completions(mon);
    }
}

/* True when the byte belonged to an escape sequence. */
static bool take_escape(Monitor *mon, uint8_t c)
{
    if (c == 0x1b) {
        mon->escape = 1;
        return true;
    }
    if (mon->escape == 1 && (c == '[' || c == 'O')) {
        mon->escape = 2;
        return true;
    }
    if (mon->escape == 2 && c >= 0x20 && c < 0x40) /* a parameter, as in ESC [ 3 ~ */
        return true;
    bool arrow = mon->escape == 2;
    mon->escape = 0;
    if (arrow && (c == 'A' || c == 'B'))
        recall(mon, c == 'A' ? -1 : 1);
    return arrow;
}

static void take_byte(Monitor *mon, uint8_t c)
{
    if (take_escape(mon, c))
        return;
    switch (c) {
    case '\r':
    case '\n':
        run_line(mon);
        break;
    case 0x7f:
    case '\b':
        if (mon->length) {
            mon->length--;
            put_text(mon, "\b \b");
        }
        break;
    case 0x03: /* Ctrl-C */
    case 0x15: /* Ctrl-U */
        drop_line(mon);
        break;
    case 0x10: /* Ctrl-P */
        recall(mon, -1);
        break;
    case 0x0e: /* Ctrl-N */
        recall(mon, 1);
        break;
    case '\t':
        complete(mon);
        break;
    default:
        if (isprint(c) && mon->length < LINE_BYTES - 1) {
            mon->line[mon->length++] = (char)c;
            put(mon, (const char *)&c, 1);
        }
    }
}

static size_t can_receive(void *opaque)
{
    return ((Monitor *)opaque)->waiting_len ? 0 : LINE_BYTES;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        take_byte(opaque, buf[i]);
}

static void event(void *opaque, ChardevEvent e)
{
    Monitor *mon = opaque;
    if (e == CHARDEV_CLOSED)
        drop_waiting(mon);
    if (e != CHARDEV_OPENED)
        return;
    mon->length = 0;
    if (!mon->greeted)
        put_text(mon, "Dragoman monitor; 'help' lists the commands\r\n");
    mon->greeted = true;
    put_text(mon, prompt);
}

Monitor *monitor_create(Chardev *chr, const MonitorCommand *commands, void *opaque, Error **err)
{
    Monitor *mon = calloc(1, sizeof(*mon));
    if (!mon) {
        error_set(err, "out of memory for the monitor");
        return NULL;
    }
    *mon = (Monitor){ .chr = chr, .commands = commands, .opaque = opaque };
    chardev_attach(chr, &(ChardevHandlers){ .can_receive = can_receive, .receive = receive,
                                            .event = event, .opaque = mon,
                                            .writable = writable, .background = true });
    return mon;
}

void monitor_destroy(Monitor *mon)
{
    if (!mon)
        return;
    chardev_attach(mon->chr, NULL);
    for (unsigned i = 0; i < mon->history_count; i++)
        free(mon->history[i]);
    drop_waiting(mon);
    free(mon);
}
