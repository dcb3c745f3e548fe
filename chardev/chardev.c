// SPDX-License-Identifier: MIT
//
// What character devices of all kinds share: life, claims, the log file, and the way to the
// frontend. Contract in chardev.h; how they are made from text is in options.c.
#include "chardev/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Chardev *chardev_new(ChardevHost *host, const ChardevKind *kind, const char *id, Error **err)
{
    Chardev *chr = calloc(1, sizeof(*chr));
    if (!chr || (id && !(chr->id = strdup(id)))) {
        error_set(err, "out of memory for a character device");
        free(chr);
        return NULL;
    }
    chr->kind = kind;
    chr->host = host;
    chr->loop = host->loop;
    chr->log_fd = -1;
    pthread_mutex_init(&chr->lock, NULL);
    chardev_set_label(chr, "%s", kind->name);
    return chr;
}

void chardev_free(Chardev *chr)
{
    pthread_mutex_destroy(&chr->lock);
    if (chr->log_fd >= 0)
        close(chr->log_fd);
    free(chr->id);
    free(chr->label);
    free(chr->user);
    free(chr);
}

void chardev_close(Chardev *chr)
{
    if (!chr)
        return;
    if (chr->kind->close)
        chr->kind->close(chr);
    chardev_free(chr);
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

const char *chardev_id(const Chardev *chr)
{
    return chr->id;
}

const char *chardev_label(const Chardev *chr)
{
    return chr->label ? chr->label : chr->kind->name;
}

/* ---- claims ----------------------------------------------------------------------------- */

bool chardev_is_mux(const Chardev *chr)
{
    return chr->kind->claim;
}

Chardev *chardev_claim(Chardev *chr, const char *user, Error **err)
{
    if (chr->kind->claim)
        return chr->kind->claim(chr, user, err);
    if (chr->user) {
        error_set(err, "character device '%s' is used by %s already; share it with mux=on, or give "
                  "%s one of its own", chr->id ? chr->id : chardev_label(chr), chr->user, user);
        return NULL;
    }
    chr->user = strdup(user);
    if (!chr->user)
        error_set(err, "out of memory for a character device");
    return chr->user ? chr : NULL;
}

void chardev_release(Chardev *claimed)
{
    if (!claimed)
        return;
    chardev_attach(claimed, NULL);
    free(claimed->user);
    claimed->user = NULL;
    if (claimed->kind->release)
        claimed->kind->release(claimed);
}

/* ---- frontends -------------------------------------------------------------------------- */

void chardev_attach(Chardev *chr, const ChardevHandlers *handlers)
{
    chr->handlers = handlers ? *handlers : (ChardevHandlers){ 0 };
    if (!handlers)
        return;
    if (chr->kind->attached)
        chr->kind->attached(chr);
    else
        chardev_event(chr, CHARDEV_OPENED);
    chardev_accept_input(chr);
}

static void log_output(Chardev *chr, const uint8_t *buf, size_t len)
{
    while (chr->log_fd >= 0 && len) {
        ssize_t n = write(chr->log_fd, buf, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "dragoman: logfile of character device '%s': %s; it ends here\n",
                    chr->id ? chr->id : chardev_label(chr), strerror(errno));
            close(chr->log_fd);
            chr->log_fd = -1;
            return;
        }
        buf += n;
        len -= (size_t)n;
    }
}

size_t chardev_write(Chardev *chr, const void *buf, size_t len)
{
    pthread_mutex_lock(&chr->lock);
    size_t n = chr->kind->write ? chr->kind->write(chr, buf, len) : len;
    log_output(chr, buf, n);
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
    if (chr->handlers.receive && len)
        chr->handlers.receive(chr->handlers.opaque, buf, len);
}

void chardev_event(Chardev *chr, ChardevEvent event)
{
    if (chr->handlers.event)
        chr->handlers.event(chr->handlers.opaque, event);
}

void chardev_writable(Chardev *chr)
{
    if (chr->handlers.writable)
        chr->handlers.writable(chr->handlers.opaque);
}

/* ---- the window ------------------------------------------------------------------------- */

void chardev_set_size(Chardev *chr, uint16_t cols, uint16_t rows)
{
    if (cols == chr->cols && rows == chr->rows)
        return;
    chr->cols = cols;
    chr->rows = rows;
    chardev_event(chr, CHARDEV_RESIZED);
}

bool chardev_size(const Chardev *chr, uint16_t *cols, uint16_t *rows)
{
    *cols = chr->cols;
    *rows = chr->rows;
    return chr->cols && chr->rows;
}

const ChardevKind chardev_null = { .name = "null", .help = "drops output, never has input" };
