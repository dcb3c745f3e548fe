// SPDX-License-Identifier: MIT
//
// Character devices without a host end: a ring buffer that keeps the last output for the monitor
// (ringbuf_read), and testdev, by which test programs in the guest end the emulator.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "chardev/internal.h"
#include "util/bitops.h"

/* ---- ringbuf ---------------------------------------------------------------------------- */

#define RING_BYTES_MAX (UINT64_C(1) << 30)

typedef struct RingState {
    size_t size; /* a power of two */
    uint64_t written, read;
    uint8_t bytes[];
} RingState;

static bool ringbuf_open(Chardev *chr, Keyval *options, Error **err)
{
    const char *text = keyval_take(options, "size");
    uint64_t size = 64 * 1024;
    if (text && (!parse_size(text, 1, &size) || !is_power_of_2(size) || size > RING_BYTES_MAX))
        return error_set(err, "ringbuf size=%s is no power of two up to 1G", text);
    RingState *s = chr->state = calloc(1, sizeof(*s) + size);
    if (!s)
        return error_set(err, "out of memory for a ring buffer of %s bytes", text ? text : "64K");
    s->size = size;
    return true;
}

static void ringbuf_close(Chardev *chr)
{
    free(chr->state);
}

static size_t ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    RingState *s = chr->state;
    for (size_t i = 0; i < len; i++)
        s->bytes[s->written++ & (s->size - 1)] = buf[i];
    if (s->written - s->read > s->size)
        s->read = s->written - s->size;
    return len;
}

size_t chardev_ringbuf_read(Chardev *chr, uint8_t *buf, size_t len, Error **err)
{
    if (chr->kind != &chardev_ringbuf) {
        error_set(err, "character device '%s' is no ring buffer", chr->id);
        return SIZE_MAX;
    }
    RingState *s = chr->state;
    size_t n = 0;
    pthread_mutex_lock(&chr->lock);
    while (n < len && s->read < s->written)
        buf[n++] = s->bytes[s->read++ & (s->size - 1)];
    pthread_mutex_unlock(&chr->lock);
    return n;
}

static const char *const ringbuf_options[] = { "size", NULL };

const ChardevKind chardev_ringbuf = {
    .name = "ringbuf", .alias = "memory", .help = "keeps the last output for the monitor",
    .options = ringbuf_options, .open = ringbuf_open, .close = ringbuf_close,
    .write = ringbuf_write,
};

/* ---- testdev ---------------------------------------------------------------------------- */

/* A command is a number, then a letter: "3q" ends the emulator with status 3 * 2 + 1. */
typedef struct TestdevState {
    unsigned number;
} TestdevState;

static bool testdev_open(Chardev *chr, Keyval *options, Error **err)
{
    chr->state = calloc(1, sizeof(TestdevState));
    return chr->state || error_set(err, "out of memory for a character device");
}

static void testdev_close(Chardev *chr)
{
    free(chr->state);
}

static size_t testdev_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    TestdevState *s = chr->state;
    for (size_t i = 0; i < len; i++) {
        if (isdigit(buf[i])) {
            s->number = s->number * 10 + (buf[i] - '0');
        } else if (!isspace(buf[i])) {
            if (buf[i] == 'q')
                chr->host->quit(chr->host->opaque, (int)(s->number << 1 | 1));
            s->number = 0;
        }
    }
    return len;
}

const ChardevKind chardev_testdev = {
    .name = "testdev", .help = "ends the emulator by commands of the guest", .open = testdev_open,
    .close = testdev_close, .write = testdev_write,
};
