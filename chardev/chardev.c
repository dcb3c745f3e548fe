// SPDX-License-Identifier: MIT
//
// Character devices: opening by text, and what all kinds share; contract in chardev.h.
#include "chardev/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ChardevKind *const kinds[] = {
    &chardev_stdio, &chardev_file, &chardev_unix, &chardev_pty, &chardev_null, NULL
};

Chardev *chardev_new(MainLoop *loop, const ChardevKind *kind, const char *id, Error **err)
{
    Chardev *chr = calloc(1, sizeof(*chr));
    if (!chr || (id && !(chr->id = strdup(id)))) {
        error_set(err, "out of memory for a character device");
        free(chr);
        return NULL;
    }
    chr->kind = kind;
    chr->loop = loop;
    pthread_mutex_init(&chr->lock, NULL);
    chardev_set_label(chr, "%s", kind->name);
    return chr;
}

void chardev_free(Chardev *chr)
{
    pthread_mutex_destroy(&chr->lock);
    free(chr->id);
    free(chr->label);
    free(chr);
}

void chardev_set_label(Chardev *chr, const char *fmt, ...)
{
    va_list ap;
    free(chr->label);
    va_start(ap, fmt);
    if (vasprintf(&chr->label, fmt, ap) < 0)
        chr->label = NULL;
    va_end(ap);
}

static const ChardevKind *find_kind(const char *spec, const char **argument)
{
    size_t len = strcspn(spec, ":");
    *argument = spec[len] ? spec + len + 1 : NULL;
    for (const ChardevKind *const *k = kinds; *k; k++)
        if (strlen((*k)->name) == len && !memcmp((*k)->name, spec, len))
            return *k;
    return NULL;
}

void chardev_print_help(FILE *out)
{
    fputs("Character devices:\n", out);
    for (const ChardevKind *const *k = kinds; *k; k++)
        fprintf(out, "  %s%-*s %s\n", (*k)->name, 16 - (int)strlen((*k)->name),
                (*k)->takes_argument ? ":PATH" : "", (*k)->help);
    fputs("  mon:KIND         one of the above, shared with the monitor (Ctrl-A c)\n"
          "  none             none\n", out);
}

bool chardev_open(MainLoop *loop, const char *id, const char *spec, Chardev **out, Error **err)
{
    const char *argument;
    *out = NULL;
    if (!strcmp(spec, "none"))
        return true;
    const ChardevKind *kind = find_kind(spec, &argument);
    if (!kind)
        return error_set(err, "unknown character device '%s'; choose stdio, file:PATH, unix:PATH, "
                         "pty, null, none or mon:stdio", spec);
    if (kind->takes_argument && (!argument || !*argument))
        return error_set(err, "character device '%s' needs a path, as in '%s:PATH'", spec,
                         kind->name);
    if (!kind->takes_argument && argument)
        return error_set(err, "character device '%s' takes no argument; write '%s'", spec,
                         kind->name);
    Chardev *chr = chardev_new(loop, kind, id, err);
    if (!chr)
        return false;
    if (kind->open && !kind->open(chr, argument, err)) {
        chardev_free(chr);
        return false;
    }
    *out = chr;
    return true;
}

void chardev_close(Chardev *chr)
{
    if (!chr)
        return;
    if (chr->kind->close)
        chr->kind->close(chr);
    chardev_free(chr);
}

const char *chardev_id(const Chardev *chr)
{
    return chr->id;
}

const char *chardev_label(const Chardev *chr)
{
    return chr->label ? chr->label : chr->kind->name;
}

void chardev_attach(Chardev *chr, const ChardevHandlers *handlers)
{
    chr->handlers = handlers ? *handlers : (ChardevHandlers){ 0 };
    if (handlers && chr->kind->attached)
        chr->kind->attached(chr);
    if (handlers)
        chardev_accept_input(chr);
}

size_t chardev_write(Chardev *chr, const void *buf, size_t len)
{
    if (!chr->kind->write)
        return len;
    pthread_mutex_lock(&chr->lock);
    size_t n = chr->kind->write(chr, buf, len);
    pthread_mutex_unlock(&chr->lock);
    return n;
}

void chardev_accept_input(Chardev *chr)
{
    if (chr->kind->accept_input)
        chr->kind->accept_input(chr);
}

size_t chardev_room(const Chardev *chr)
{
    const ChardevHandlers *h = &chr->handlers;
    return h->receive && h->can_receive ? h->can_receive(h->opaque) : 0;
}

void chardev_deliver(Chardev *chr, const uint8_t *buf, size_t len)
{
    if (chr->handlers.receive)
        chr->handlers.receive(chr->handlers.opaque, buf, len);
}

void chardev_event(Chardev *chr, ChardevEvent event)
{
    if (chr->handlers.event)
        chr->handlers.event(chr->handlers.opaque, event);
}

const ChardevKind chardev_null = { .name = "null", .help = "drops output, never has input" };
