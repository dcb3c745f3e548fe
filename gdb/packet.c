// SPDX-License-Identifier: MIT
//
// Packets of GDB's remote serial protocol; contract in packet.h. A packet is $data#xx, xx being the
// sum of the data's bytes as they are sent. } escapes a byte, which is sent with bit 5 inverted.
#include "gdb/packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE '}'
#define ESCAPE_BIT 0x20

/* The value of a digit, or -1. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* ---- reading ---------------------------------------------------------------------------- */

static GdbInput take_outside(GdbReader *r, uint8_t byte)
{
    switch (byte) {
    case '$':
        r->state = GDB_DATA;
        r->len = 0;
        r->sum = 0;
        r->too_long = false;
        return GDB_INPUT_NONE;
    case '+':
        return GDB_INPUT_ACK;
    case '-':
        return GDB_INPUT_NAK;
    case 0x03:
        return GDB_INPUT_INTERRUPT;
    default:
        return GDB_INPUT_NONE;
    }
}

static void put(GdbReader *r, uint8_t byte)
{
    if (r->len < GDB_PACKET_BYTES)
        r->data[r->len++] = (char)byte;
    else
        r->too_long = true;
}

static void take_data(GdbReader *r, uint8_t byte)
{
    if (byte == '#') {
        r->state = GDB_SUM_HIGH;
        return;
    }
    r->sum += byte;
    if (r->state == GDB_ESCAPED) {
        put(r, byte ^ ESCAPE_BIT);
        r->state = GDB_DATA;
    } else if (byte == ESCAPE) {
        r->state = GDB_ESCAPED;
    } else {
        put(r, byte);
    }
}

GdbInput gdb_reader_take(GdbReader *r, uint8_t byte)
{
    int value = digit((char)byte);
    switch (r->state) {
    case GDB_OUTSIDE:
        return take_outside(r, byte);
    case GDB_DATA:
    case GDB_ESCAPED:
        take_data(r, byte);
        return GDB_INPUT_NONE;
    case GDB_SUM_HIGH:
        r->wanted = (uint8_t)((unsigned)value << 4);
        r->too_long |= value < 0;
        r->state = GDB_SUM_LOW;
        return GDB_INPUT_NONE;
    case GDB_SUM_LOW:
        break;
    }
    r->state = GDB_OUTSIDE;
    r->data[r->len] = '\0';
    bool good = value >= 0 && !r->too_long && (uint8_t)(r->wanted | value) == r->sum;
    return good ? GDB_INPUT_PACKET : GDB_INPUT_BAD;
}

/* ---- writing ---------------------------------------------------------------------------- */

void gdb_packet_clear(GdbPacket *p)
{
    p->len = 0;
    p->data[0] = '\0';
}

static void add(GdbPacket *p, const char *bytes, size_t len)
{
    if (len > GDB_PACKET_BYTES - p->len)
        len = GDB_PACKET_BYTES - p->len;
    memcpy(p->data + p->len, bytes, len);
    p->len += len;
    p->data[p->len] = '\0';
}

void gdb_packet_add(GdbPacket *p, const char *text)
{
    add(p, text, strlen(text));
}

void gdb_packet_print(GdbPacket *p, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gdb_packet_add(p, text);
}

void gdb_packet_add_hex(GdbPacket *p, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = bytes;
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = { digits[b[i] >> 4], digits[b[i] & 15] };
        add(p, pair, 2);
    }
}

void gdb_packet_add_binary(GdbPacket *p, const void *bytes, size_t len)
{
    const char *b = bytes;
    for (size_t i = 0; i < len; i++) {
        if (b[i] && strchr("$#}*", b[i])) {
            const char pair[2] = { ESCAPE, (char)(b[i] ^ ESCAPE_BIT) };
            add(p, pair, 2);
        } else {
            add(p, &b[i], 1);
        }
    }
}

size_t gdb_packet_frame(const GdbPacket *p, char *out)
{
    uint8_t sum = 0;
    char tail[4];
    for (size_t i = 0; i < p->len; i++)
        sum += (uint8_t)p->data[i];
    out[0] = '$';
    memcpy(out + 1, p->data, p->len);
    snprintf(tail, sizeof(tail), "#%02x", sum);
    memcpy(out + 1 + p->len, tail, 3);
    return p->len + 4;
}

/* ---- fields ----------------------------------------------------------------------------- */

bool gdb_take_hex(const char **text, uint64_t *value)
{
    const char *p = *text;
    uint64_t v = 0;
    for (; digit(*p) >= 0; p++) {
        if (v >> 60)
            return false;
        v = v << 4 | (uint64_t)digit(*p);
    }
    if (p == *text)
        return false;
    *text = p;
    *value = v;
    return true;
}

bool gdb_take_char(const char **text, char c)
{
    if (**text != c || !c)
        return false;
    ++*text;
    return true;
}

bool gdb_take_bytes(const char **text, void *bytes, size_t len)
{
    const char *p = *text;
    uint8_t *b = bytes;
    for (size_t i = 0; i < len; i++, p += 2) {
        if (digit(p[0]) < 0 || digit(p[1]) < 0)
            return false;
        b[i] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
    }
    *text = p;
    return true;
}
