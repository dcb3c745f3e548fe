// SPDX-License-Identifier: MIT
//
// A character device whose host end is the test: what is written to it is kept, and the test
// types into it.
#ifndef TESTS_UNIT_CHARDEV_RIG_H
#define TESTS_UNIT_CHARDEV_RIG_H

#include <string.h>
#include "chardev/internal.h"

typedef struct FakeTerminal {
    ChardevHost host;
    char out[8192];
    size_t out_len;
    bool closed;
    size_t room; /* bytes that it takes before it is full */
} FakeTerminal;

static inline size_t fake_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    FakeTerminal *t = chr->state;
    size_t taken = len < t->room ? len : t->room;
    size_t space = sizeof(t->out) - 1 - t->out_len, n = taken < space ? taken : space;
    t->room -= t->room == SIZE_MAX ? 0 : taken;
    memcpy(t->out + t->out_len, buf, n);
    t->out_len += n;
    t->out[t->out_len] = '\0';
    return taken;
}

static inline void fake_close(Chardev *chr)
{
    ((FakeTerminal *)chr->state)->closed = true;
}

static inline void fake_attached(Chardev *chr)
{
    chardev_event(chr, CHARDEV_OPENED);
}

static const ChardevKind fake_terminal_kind = {
    .name = "fake", .write = fake_write, .close = fake_close, .attached = fake_attached,
};

static inline Chardev *fake_terminal_open(FakeTerminal *t, MainLoop *loop)
{
    Error *err = NULL;
    *t = (FakeTerminal){ .host = { .loop = loop }, .room = SIZE_MAX };
    Chardev *chr = chardev_new(&t->host, &fake_terminal_kind, NULL, &err);
    chr->state = t;
    return chr;
}

/* Type as much as the frontend has room for; returns how much. */
static inline size_t fake_terminal_type(Chardev *chr, const char *text)
{
    size_t room = chardev_room(chr), len = strlen(text);
    len = len < room ? len : room;
    chardev_deliver(chr, (const uint8_t *)text, len);
    return len;
}

/* What was written since the last call. */
static inline const char *fake_terminal_take(FakeTerminal *t)
{
    t->out[t->out_len] = '\0';
    t->out_len = 0;
    return t->out;
}

#endif
