// SPDX-License-Identifier: MIT
//
// One terminal for the guest's serial line and the monitor. Ctrl-A is the escape key:
// x quits, c switches, b sends a break, h helps, Ctrl-A sends itself.
//
// What is typed waits in a queue for each end until its frontend has room, so that the escape key
// works while the guest takes no input. A queue is longer than what anybody types at a guest that
// hangs; when it is full all the same the terminal is not read, which keeps pasted text and scripts
// whole. All of the input side runs on the main-loop thread.
#include "chardev/internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

#define ESCAPE 0x01 /* Ctrl-A */

enum { QUEUE_BYTES = 64 * 1024 };

typedef struct MuxQueue {
    uint8_t bytes[QUEUE_BYTES]; /* a ring */
    size_t first, count;
} MuxQueue;

typedef struct Mux {
    Chardev *terminal;
    Chardev *ends[2]; /* guest, monitor */
    MuxQueue queues[2];
    atomic_bool posted; /* flush_posted() is on its way */
    unsigned focus;
    bool escaped;
    unsigned closed;
    void (*quit)(void *opaque);
    void *opaque;
} Mux;

static const char help_text[] =
    "\r\n"
    "Ctrl-A h      this help\r\n"
    "Ctrl-A x      end the emulator\r\n"
    "Ctrl-A c      switch between the guest's console and the monitor\r\n"
    "Ctrl-A b      send a break to the guest\r\n"
    "Ctrl-A Ctrl-A send Ctrl-A to the guest\r\n";

static void say(Mux *m, const char *text)
{
    chardev_write(m->terminal, text, strlen(text));
}

/* Hand over what an end has room for. */
static void flush(Mux *m, unsigned end)
{
    MuxQueue *q = &m->queues[end];
    size_t room;
    while (q->count && (room = chardev_room(m->ends[end])) > 0) {
        size_t n = MIN(MIN(room, q->count), QUEUE_BYTES - q->first);
        uint8_t *from = q->bytes + q->first;
        /* taken out first: the frontend may call back */
        q->first = (q->first + n) % QUEUE_BYTES;
        q->count -= n;
        chardev_deliver(m->ends[end], from, n);
    }
}

static void flush_posted(void *opaque)
{
    Mux *m = opaque;
    atomic_store(&m->posted, false);
    flush(m, 0);
    flush(m, 1);
    chardev_accept_input(m->terminal);
}

static void enqueue(Mux *m, uint8_t c)
{
    MuxQueue *q = &m->queues[m->focus];
    if (q->count == QUEUE_BYTES)
        flush(m, m->focus);
    if (q->count < QUEUE_BYTES)
        q->bytes[(q->first + q->count++) % QUEUE_BYTES] = c;
}

static void command(Mux *m, uint8_t key)
{
    switch (key) {
    case 'x':
        say(m, "\r\n");
        m->quit(m->opaque);
        break;
    case 'c':
        m->focus ^= 1;
        say(m, m->focus ? "\r\n(Ctrl-A c returns to the guest)\r\n" : "\r\n");
        chardev_event(m->ends[m->focus], CHARDEV_OPENED);
        break;
    case 'b':
        chardev_event(m->ends[0], CHARDEV_BREAK);
        break;
    case ESCAPE:
        enqueue(m, key);
        break;
    default:
        say(m, help_text);
    }
}

static size_t mux_can_receive(void *opaque)
{
    Mux *m = opaque;
    return QUEUE_BYTES - m->queues[m->focus].count;
}

static void mux_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Mux *m = opaque;
    for (size_t i = 0; i < len; i++) {
        if (m->escaped) {
            m->escaped = false;
            command(m, buf[i]);
        } else if (buf[i] == ESCAPE) {
            m->escaped = true;
        } else {
            enqueue(m, buf[i]);
        }
    }
    flush(m, 0);
    flush(m, 1);
}

static size_t end_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    Mux *m = chr->state;
    /* the monitor is silent while the guest has the terminal */
    if (chr == m->ends[1] && m->focus == 0)
        return len;
    return chardev_write(m->terminal, buf, len);
}

static void end_attached(Chardev *chr)
{
    Mux *m = chr->state;
    if (m->ends[m->focus] == chr)
        chardev_event(chr, CHARDEV_OPENED);
}

static void end_accept_input(Chardev *chr)
{
    Mux *m = chr->state;
    if (!atomic_exchange(&m->posted, true)) /* from any thread, with a device's lock held */
        mainloop_post(chr->loop, flush_posted, m);
}

static void end_close(Chardev *chr)
{
    Mux *m = chr->state;
    if (++m->closed == 2) {
        chardev_close(m->terminal);
        free(m);
    } else {
        chardev_attach(m->terminal, NULL);
    }
}

static const ChardevKind mux_end = {
    .name = "mux", .close = end_close, .write = end_write, .accept_input = end_accept_input,
    .attached = end_attached,
};

bool chardev_open_mux(MainLoop *loop, Chardev *terminal, void (*quit)(void *opaque), void *opaque,
                      ChardevMux *out, Error **err)
{
    Mux *m = calloc(1, sizeof(*m));
    if (!m)
        return error_set(err, "out of memory for the terminal's multiplexer");
    *m = (Mux){ .terminal = terminal, .quit = quit, .opaque = opaque };
    for (int i = 0; i < 2; i++) {
        m->ends[i] = chardev_new(loop, &mux_end, NULL, err);
        if (!m->ends[i])
            goto fail;
        m->ends[i]->state = m;
    }
    *out = (ChardevMux){ m->ends[0], m->ends[1] };
    chardev_attach(terminal, &(ChardevHandlers){ mux_can_receive, mux_receive, NULL, m });
    return true;
fail:
    if (m->ends[0])
        chardev_free(m->ends[0]);
    free(m);
    return false;
}
