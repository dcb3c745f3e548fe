// SPDX-License-Identifier: MIT
//
// Character devices from text: that of -chardev, and the shorter one of -serial and -monitor, which
// is rewritten into the former. Each kind names the options that it has; mux, logfile and logappend
// are everybody's.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "chardev/internal.h"
#include "util/bitops.h"
#include "util/suggest.h"

static const ChardevKind *const kinds[] = {
    &chardev_stdio, &chardev_file, &chardev_socket, &chardev_pty, &chardev_pipe, &chardev_serial,
    &chardev_ringbuf, &chardev_testdev, &chardev_null,
};

static const char *const common_options[] = { "id", "mux", "logfile", "logappend" };

/* Kinds of QEMU's that are not here. */
static const char *const absent_kinds[] = {
    "udp", "vc", "mux", "hub", "msmouse", "wctablet", "braille", "parallel", "parport", "console",
    "spicevmc", "spiceport", "qemu-vdagent", "dbus",
};

/* ---- kinds and their options ------------------------------------------------------------ */

static bool is_kind(const ChardevKind *k, const char *name)
{
    return !strcmp(k->name, name) || (k->alias && !strcmp(k->alias, name));
}

static const ChardevKind *find_kind(const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (is_kind(kinds[i], name))
            return kinds[i];
        suggest_offer(&s, kinds[i]->name);
    }
    for (size_t i = 0; i < ARRAY_SIZE(absent_kinds); i++) {
        if (!strcmp(absent_kinds[i], name)) {
            error_set(err, "character devices of kind '%s' are not supported; '-chardev help' lists "
                      "those that are", name);
            return NULL;
        }
    }
    error_set(err, "unknown character device '%s'%s", name,
              s.best ? suggest_text(&s)
                     : "; choose stdio, file:PATH, unix:PATH, tcp:HOST:PORT, pty, null or none");
    return NULL;
}

static bool check_option(const ChardevKind *k, const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (size_t i = 0; i < ARRAY_SIZE(common_options); i++) {
        if (!strcmp(common_options[i], name))
            return true;
        suggest_offer(&s, common_options[i]);
    }
    for (const char *const *o = k->options; o && *o; o++) {
        if (!strcmp(*o, name))
            return true;
        suggest_offer(&s, *o);
    }
    return error_set(err, "character device '%s' has no option '%s'%s", k->name, name,
                     suggest_text(&s));
}

static bool check_options(const ChardevKind *k, const Keyval *kv, Error **err)
{
    for (size_t i = 0; i < kv->count; i++)
        if (strcmp(kv->pairs[i].key, "backend") && !check_option(k, kv->pairs[i].key, err))
            return false;
    return true;
}

/* ---- making one ------------------------------------------------------------------------- */

static bool open_log(Chardev *chr, Keyval *kv, Error **err)
{
    bool append = false;
    const char *path = keyval_take(kv, "logfile");
    if (!keyval_take_bool(kv, "logappend", &append, err))
        return false;
    if (!path)
        return true;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
    chr->log_fd = open(path, flags, 0666);
    return chr->log_fd >= 0 ||
           error_set_errno(err, errno, "cannot write the character device's logfile '%s'", path);
}

static bool open_kind(ChardevHost *host, const ChardevKind *kind, const char *id, Keyval *kv,
                      Chardev **out, Error **err)
{
    bool shared = false;
    if (!check_options(kind, kv, err) || !keyval_take_bool(kv, "mux", &shared, err))
        return false;
    Chardev *chr = chardev_new(host, kind, id, err);
    if (!chr)
        return false;
    if (!open_log(chr, kv, err) || (kind->open && !kind->open(chr, kv, err))) {
        chardev_free(chr);
        return false;
    }
    *out = shared ? chardev_open_mux(chr, id, err) : chr;
    if (!*out)
        chardev_close(chr);
    return *out;
}

static bool open_parsed(ChardevHost *host, const char *id, Keyval *kv, Chardev **out, Error **err)
{
    const char *name = keyval_take(kv, "backend");
    const ChardevKind *kind = find_kind(name ? name : "", err);
    return kind && open_kind(host, kind, id, kv, out, err);
}

bool chardev_create(ChardevHost *host, const char *spec, Chardev **out, Error **err)
{
    Keyval kv;
    *out = NULL;
    if (!keyval_parse(&kv, spec, "backend", err))
        return false;
    const char *id = keyval_take(&kv, "id");
    bool ok = id && *id ? open_parsed(host, id, &kv, out, err)
                        : error_set(err, "-chardev '%s' has no id; write id=NAME", spec);
    keyval_free(&kv);
    return ok;
}

/* ---- the text of -serial ---------------------------------------------------------------- */

typedef enum ShortForm {
    SHORT_BARE,     /* takes nothing */
    SHORT_PATH,     /* a path, commas and all */
    SHORT_PATH_OPTIONS,
    SHORT_HOST_PORT, /* HOST:PORT[,options] */
} ShortForm;

static const struct {
    const char *name;
    ShortForm form;
    const char *kind; /* and options, as -chardev has them */
    const char *syntax, *help;
} short_texts[] = {
    { "stdio", SHORT_BARE, "stdio", "", "this terminal" },
    { "file", SHORT_PATH, "file,path=", ":PATH", "a file that takes the output" },
    { "unix", SHORT_PATH_OPTIONS, "socket,path=", ":PATH[,server=on]", "a unix socket" },
    { "tcp", SHORT_HOST_PORT, "socket,", ":HOST:PORT[,...]", "a TCP connection" },
    { "telnet", SHORT_HOST_PORT, "socket,telnet=on,", ":HOST:PORT[,...]", "the same for telnet" },
    { "pipe", SHORT_PATH, "pipe,path=", ":PATH", "named pipes PATH.in and PATH.out, or PATH" },
    { "pty", SHORT_BARE, "pty", "", "a new pseudo-terminal" },
    { "testdev", SHORT_BARE, "testdev", "", "ends the emulator by commands of the guest" },
    { "null", SHORT_BARE, "null", "", "drops output, never has input" },
};

/* A path as a value in an option's text. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        fputc(*text, out);
        if (*text == ',')
            fputc(',', out);
    }
}

static bool put_host_port(FILE *out, const char *spec, const char *rest, Error **err)
{
    size_t len = strcspn(rest, ",");
    const char *colon = memrchr(rest, ':', len);
    if (!colon)
        return error_set(err, "'%s' names no port; write HOST:PORT, or :PORT", spec);
    const char *host = rest, *host_end = colon;
    if (*host == '[' && host_end[-1] == ']') {
        host++;
        host_end--;
    }
    fprintf(out, "host=%.*s,port=%s", (int)(host_end - host), host, colon + 1);
    return true;
}

static bool put_short(FILE *out, const char *spec, Error **err)
{
    size_t len = strcspn(spec, ":,");
    if (*spec == '/') {
        fputs("serial,path=", out);
        put_escaped(out, spec);
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(short_texts); i++) {
        if (strlen(short_texts[i].name) != len || memcmp(short_texts[i].name, spec, len))
            continue;
        const char *rest = spec + len + (spec[len] == ':');
        if (short_texts[i].form == SHORT_BARE && spec[len] == ':')
            return error_set(err, "character device '%s' takes no argument; write '%s'", spec,
                             short_texts[i].name);
        if (short_texts[i].form != SHORT_BARE && (spec[len] != ':' || !*rest))
            return error_set(err, "character device '%s' needs more, as in '%s%s'", spec,
                             short_texts[i].name, short_texts[i].syntax);
        if (short_texts[i].form == SHORT_PATH_OPTIONS && !strncmp(rest, "path=", 5))
            rest += 5;
        fputs(short_texts[i].kind, out);
        if (short_texts[i].form == SHORT_HOST_PORT)
            return put_host_port(out, spec, rest, err);
        if (short_texts[i].form == SHORT_PATH)
            put_escaped(out, rest);
        else
            fputs(rest, out);
        return true;
    }
    char name[32];
    snprintf(name, sizeof(name), "%.*s", (int)len, spec);
    return find_kind(name, err) && error_set(err, "character device '%s' has no short form; use "
                                             "-chardev %s,id=ID and chardev:ID", name, name);
}

/* As -chardev has it, malloc'ed. */
static char *long_text(const char *spec, Error **err)
{
    char *text = NULL;
    size_t len;
    bool shared = !strncmp(spec, "mon:", 4);
    spec += shared ? 4 : 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        error_set(err, "out of memory for a character device");
        return NULL;
    }
    bool ok = put_short(out, spec, err);
    if (shared)
        fputs(strcmp(spec, "stdio") ? ",mux=on" : ",mux=on,signal=off", out);
    fclose(out);
    if (!ok) {
        free(text);
        return NULL;
    }
    return text;
}

bool chardev_open(ChardevHost *host, const char *id, const char *spec, Chardev **out, Error **err)
{
    Keyval kv;
    *out = NULL;
    if (!strcmp(spec, "none"))
        return true;
    if (!strcmp(spec, "mon:none"))
        return error_set(err, "'%s' has nothing to share; use 'none'", spec);
    char *text = long_text(spec, err);
    bool parsed = text && keyval_parse(&kv, text, "backend", err);
    free(text);
    if (!parsed)
        return false;
    bool ok = open_parsed(host, id, &kv, out, err);
    keyval_free(&kv);
    return ok;
}

/* ---- help ------------------------------------------------------------------------------- */

void chardev_print_kinds(FILE *out)
{
    fputs("Available chardev backend types: \n", out);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        fprintf(out, "  %s\n", kinds[i]->name);
        if (kinds[i]->alias)
            fprintf(out, "  %s\n", kinds[i]->alias);
    }
}

void chardev_print_texts(FILE *out)
{
    fputs("Character devices:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(short_texts); i++)
        fprintf(out, "  %s%-*s %s\n", short_texts[i].name, 24 - (int)strlen(short_texts[i].name),
                short_texts[i].syntax, short_texts[i].help);
    fputs("  /dev/TTY                 a serial port of this computer\n"
          "  chardev:ID               that of -chardev with this id\n"
          "  mon:KIND                 one of the above, shared with the monitor (Ctrl-A c)\n"
          "  none                     none\n", out);
}

bool chardev_print_options(const char *name, FILE *out, Error **err)
{
    const ChardevKind *kind = find_kind(name, err);
    if (!kind)
        return false;
    fprintf(out, "%s: %s\n", kind->name, kind->help);
    for (size_t i = 0; i < ARRAY_SIZE(common_options); i++)
        fprintf(out, "  %s=\n", common_options[i]);
    for (const char *const *o = kind->options; o && *o; o++)
        fprintf(out, "  %s=\n", *o);
    return true;
}
