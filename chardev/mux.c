// SPDX-License-Identifier: MIT
//
// One terminal for several frontends: serial lines, ports, monitors. Each that claims the mux gets
// an end of its own. The keys go to one of them; Ctrl-A is the escape key: x quits, c switches to
// the next, b sends a break, h helps, Ctrl-A sends itself.
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

enum { QUEUE_BYTES = 64 * 1024, ENDS_MAX = 4 };

typedef struct Mux Mux;

typedef struct MuxEnd {
    Mux *mux;
    Chardev *chr;
    unsigned index;
    atomic_bool starved;        /* its output came short */
    atomic_bool background;     /* see ChardevHandlers */
    size_t first, count;        /* of the queue */
    uint8_t bytes[QUEUE_BYTES]; /* a ring */
} MuxEnd;

struct Mux {
    Chardev *terminal;
    MuxEnd *ends[ENDS_MAX]; /* or NULL */
    atomic_uint focus;
    atomic_bool posted; /* flush_posted() is on its way */
    bool escaped, open;
};

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

/* ---- input ------------------------------------------------------------------------------ */

/* Hand over what an end has room for. */
static void flush(MuxEnd *e)
{
    size_t room;
    while (e->count && (room = chardev_room(e->chr)) > 0) {
        size_t n = MIN(MIN(room, e->count), QUEUE_BYTES - e->first);
        uint8_t *from = e->bytes + e->first;
        /* taken out first: the frontend may call back */
        e->first = (e->first + n) % QUEUE_BYTES;
        e->count -= n;
        chardev_deliver(e->chr, from, n);
    }
}

static void flush_all(Mux *m)
{
    for (unsigned i = 0; i < ENDS_MAX; i++)
        if (m->ends[i])
            flush(m->ends[i]);
}

static void flush_posted(void *opaque)
{
    Mux *m = opaque;
    atomic_store(&m->posted, false);
    flush_all(m);
    chardev_accept_input(m->terminal);
}

static void enqueue(Mux *m, uint8_t c)
{
    MuxEnd *e = m->ends[m->focus];
    if (!e)
        return;
    if (e->count == QUEUE_BYTES)
        flush(e);
    if (e->count < QUEUE_BYTES)
        e->bytes[(e->first + e->count++) % QUEUE_BYTES] = c;
}

static void switch_focus(Mux *m)
{
    unsigned next = m->focus;
    do
        next = (next + 1) % ENDS_MAX;
    while (!m->ends[next] && next != m->focus);
    MuxEnd *e = m->ends[next];
    m->focus = next;
    if (!e)
        return;
    say(m, e->background ? "\r\n(Ctrl-A c returns to the guest)\r\n" : "\r\n");
    chardev_event(e->chr, CHARDEV_OPENED);
}

/* The guest's line that has the keys, or would have them. */
static void send_break(Mux *m)
{
    for (unsigned i = 0; i < ENDS_MAX; i++) {
        MuxEnd *e = m->ends[(m->focus + i) % ENDS_MAX];
        if (e && !e->background) {
            chardev_event(e->chr, CHARDEV_BREAK);
            return;
        }
    }
}

static void command(Mux *m, uint8_t key)
{
    switch (key) {
    case 'x':
        say(m, "\r\n");
        m->terminal->host->quit(m->terminal->host->opaque, 0);
        break;
    case 'c':
        switch_focus(m);
        break;
    case 'b':
        send_break(m);
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
    const MuxEnd *e = m->ends[m->focus];
    return e ? QUEUE_BYTES - e->count : 0;
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
    flush_all(m);
}

/* ---- the terminal's other news ---------------------------------------------------------- */

static void mux_event(void *opaque, ChardevEvent event)
{
    Mux *m = opaque;
    if (event == CHARDEV_OPENED || event == CHARDEV_CLOSED)
        m->open = event == CHARDEV_OPENED;
    if (event == CHARDEV_BREAK) {
        send_break(m);
        return;
    }
    for (unsigned i = 0; i < ENDS_MAX; i++) {
        MuxEnd *e = m->ends[i];
        if (!e || (e->background && m->focus != i))
            continue;
        if (event == CHARDEV_RESIZED)
            chardev_set_size(e->chr, m->terminal->cols, m->terminal->rows);
        else
            chardev_event(e->chr, event);
    }
}

static void mux_writable(void *opaque)
{
    Mux *m = opaque;
    for (unsigned i = 0; i < ENDS_MAX; i++)
        if (m->ends[i] && atomic_exchange(&m->ends[i]->starved, false))
            chardev_writable(m->ends[i]->chr);
}

/* ---- ends ------------------------------------------------------------------------------- */

static size_t end_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    MuxEnd *e = chr->state;
    if (e->background && e->mux->focus != e->index)
        return len;
    atomic_store(&e->starved, true); /* before the attempt: room may appear at once after it */
    size_t n = chardev_write(e->mux->terminal, buf, len);
    if (n == len)
        atomic_store(&e->starved, false);
    return n;
}

static void end_attached(Chardev *chr)
{
    MuxEnd *e = chr->state;
    Mux *m = e->mux;
    const MuxEnd *focused = m->ends[m->focus];
    e->background = chr->handlers.background;
    if (!e->background && focused && focused->background)
        m->focus = e->index;
    if (m->open && (!e->background || m->focus == e->index))
        chardev_event(chr, CHARDEV_OPENED);
}

static void end_accept_input(Chardev *chr)
{
    Mux *m = ((MuxEnd *)chr->state)->mux;
    if (!atomic_exchange(&m->posted, true)) /* from any thread, with a device's lock held */
        mainloop_post(chr->loop, flush_posted, m);
}

static void end_release(Chardev *chr)
{
    MuxEnd *e = chr->state;
    Mux *m = e->mux;
    m->ends[e->index] = NULL;
    if (m->focus == e->index)
        for (m->focus = 0; m->focus + 1 < ENDS_MAX && !m->ends[m->focus]; m->focus++)
            continue;
    free(e);
    chardev_free(chr);
}

static const ChardevKind mux_end = {
    .name = "end of a mux", .write = end_write, .accept_input = end_accept_input,
    .attached = end_attached, .release = end_release,
};

/* ---- the mux ---------------------------------------------------------------------------- */

static Chardev *mux_claim(Chardev *chr, const char *user, Error **err)
{
    Mux *m = chr->state;
    unsigned i = 0;
    while (i < ENDS_MAX && m->ends[i])
        i++;
    if (i == ENDS_MAX) {
        error_set(err, "character device '%s' is shared by %d already, give %s one of its own",
                  chr->id ? chr->id : chardev_label(chr), ENDS_MAX, user);
        return NULL;
    }
    Chardev *end = chardev_new(chr->host, &mux_end, chr->id, err);
    if (!end)
        return NULL;
    MuxEnd *e = calloc(1, sizeof(*e));
    if (!e) {
        error_set(err, "out of memory for the terminal's multiplexer");
        chardev_free(end);
        return NULL;
    }
    e->mux = m;
    e->index = i;
    e->chr = end;
    end->state = e;
    end->cols = m->terminal->cols;
    end->rows = m->terminal->rows;
    m->ends[i] = e;
    return end;
}

static void mux_close(Chardev *chr)
{
    Mux *m = chr->state;
    for (unsigned i = 0; i < ENDS_MAX; i++)
        if (m->ends[i])
            chardev_release(m->ends[i]->chr);
    chardev_attach(m->terminal, NULL);
    chardev_close(m->terminal);
    free(m);
}

static const ChardevKind chardev_mux = { .name = "mux", .close = mux_close, .claim = mux_claim };

Chardev *chardev_open_mux(Chardev *terminal, const char *id, Error **err)
{
    Mux *m = calloc(1, sizeof(*m));
    Chardev *chr = chardev_new(terminal->host, &chardev_mux, id, err);
    if (chr && !m) {
        error_set(err, "out of memory for the terminal's multiplexer");
        chardev_free(chr);
    }
    if (!chr || !m) {
        free(m);
        return NULL;
    }
    m->terminal = terminal;
    chr->state = m;
    chardev_set_label(chr, "%s", chardev_label(terminal));
    chardev_attach(terminal, &(ChardevHandlers){ mux_can_receive, mux_receive, mux_event, m,
                                                 mux_writable, false });
    return chr;
}
