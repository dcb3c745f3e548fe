// SPDX-License-Identifier: MIT
//
// Packets of GDB's protocol: what is taken from the wire, whole or damaged, and what is put there.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gdb/packet.h"

/* Feed bytes; returns what the last one completed. */
static GdbInput feed_bytes(GdbReader *r, const char *bytes, size_t len)
{
    GdbInput in = GDB_INPUT_NONE;
    for (size_t i = 0; i < len; i++)
        in = gdb_reader_take(r, (uint8_t)bytes[i]);
    return in;
}

static GdbInput feed(GdbReader *r, const char *text)
{
    return feed_bytes(r, text, strlen(text));
}

Test(gdb_packet, a_packet_is_taken)
{
    GdbReader r = { 0 };
    cr_assert(eq(int, feed(&r, "$m0,4#fd"), GDB_INPUT_PACKET));
    cr_assert(eq(str, r.data, "m0,4"));
    cr_assert(eq(sz, r.len, 4));
    cr_assert(eq(int, feed(&r, "$#00"), GDB_INPUT_PACKET));
    cr_assert(eq(sz, r.len, 0));
}

Test(gdb_packet, what_stands_between_packets)
{
    GdbReader r = { 0 };
    cr_assert(eq(int, feed(&r, "+"), GDB_INPUT_ACK));
    cr_assert(eq(int, feed(&r, "-"), GDB_INPUT_NAK));
    cr_assert(eq(int, feed(&r, "\003"), GDB_INPUT_INTERRUPT));
    cr_assert(eq(int, feed(&r, "abc#12"), GDB_INPUT_NONE));
    cr_assert(eq(int, feed(&r, "noise$?#3F"), GDB_INPUT_PACKET));
}

Test(gdb_packet, an_interrupt_inside_a_packet_is_data)
{
    GdbReader r = { 0 };
    cr_assert(eq(int, feed(&r, "$a\003b#c6"), GDB_INPUT_PACKET));
    cr_assert(eq(sz, r.len, 3));
}

Test(gdb_packet, damaged_packets_are_refused)
{
    static const char *const damaged[] = { "$m0,4#fc", "$m0,4#xd", "$m0,4#fx", "$?#", "$#01" };
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        GdbReader r = { 0 };
        cr_assert(ne(int, feed(&r, damaged[i]), GDB_INPUT_PACKET), "%s", damaged[i]);
    }
    GdbReader r = { 0 };
    cr_assert(eq(int, feed(&r, "$m0,4#00"), GDB_INPUT_BAD));
    cr_assert(eq(int, feed(&r, "$?#3f"), GDB_INPUT_PACKET)); /* and the next one is taken */
}

Test(gdb_packet, escapes_are_undone)
{
    GdbReader r = { 0 };
    char text[16];
    /* } then # ^ 0x20 */
    snprintf(text, sizeof(text), "$a}\003b#%02x", ('a' + '}' + 3 + 'b') & 0xff);
    cr_assert(eq(int, feed(&r, text), GDB_INPUT_PACKET));
    cr_assert(eq(str, r.data, "a#b"));
}

Test(gdb_packet, the_longest_packet_and_one_too_long)
{
    GdbReader *r = calloc(1, sizeof(*r));
    char *text = malloc(GDB_PACKET_BYTES + 8);
    for (unsigned extra = 0; extra < 2; extra++) {
        size_t len = GDB_PACKET_BYTES + extra;
        text[0] = '$';
        memset(text + 1, 'a', len);
        snprintf(text + 1 + len, 4, "#%02x", (unsigned)('a' * len) & 0xff);
        cr_assert(eq(int, feed_bytes(r, text, len + 4),
                     extra ? GDB_INPUT_BAD : GDB_INPUT_PACKET));
        cr_assert(eq(sz, r->len, GDB_PACKET_BYTES));
    }
    free(text);
    free(r);
}

Test(gdb_packet, packets_are_framed_and_escaped)
{
    GdbPacket p;
    char out[64];
    gdb_packet_clear(&p);
    gdb_packet_print(&p, "T%02x", 5);
    size_t len = gdb_packet_frame(&p, out);
    cr_assert(eq(sz, len, 7));
    cr_assert(eq(int, memcmp(out, "$T05#b9", 7), 0));
    gdb_packet_clear(&p);
    gdb_packet_add_binary(&p, "a#$}*\0", 6);
    cr_assert(eq(sz, p.len, 10));
    cr_assert(eq(int, memcmp(p.data, "a}\003}\004}]}\n\0", 10), 0));
}

Test(gdb_packet, what_is_framed_is_taken_back)
{
    GdbPacket p;
    GdbReader r = { 0 };
    char bytes[256], out[600];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    gdb_packet_clear(&p);
    gdb_packet_add_binary(&p, bytes, sizeof(bytes));
    size_t len = gdb_packet_frame(&p, out);
    cr_assert(eq(int, feed_bytes(&r, out, len), GDB_INPUT_PACKET));
    cr_assert(eq(sz, r.len, sizeof(bytes)));
    cr_assert(eq(int, memcmp(r.data, bytes, sizeof(bytes)), 0));
}

Test(gdb_packet, a_packet_never_grows_past_the_limit)
{
    static GdbPacket p;
    gdb_packet_clear(&p);
    for (unsigned i = 0; i < GDB_PACKET_BYTES; i++)
        gdb_packet_add_hex(&p, "x", 1);
    cr_assert(eq(sz, p.len, GDB_PACKET_BYTES));
    gdb_packet_add(&p, "more");
    cr_assert(eq(sz, p.len, GDB_PACKET_BYTES));
}

Test(gdb_packet, fields)
{
    const char *text = "fF,10:0a0B";
    uint64_t a, b;
    uint8_t bytes[2];
    cr_assert(gdb_take_hex(&text, &a));
    cr_assert(gdb_take_char(&text, ','));
    cr_assert(gdb_take_hex(&text, &b));
    cr_assert(not(gdb_take_char(&text, ';')));
    cr_assert(gdb_take_char(&text, ':'));
    cr_assert(gdb_take_bytes(&text, bytes, 2));
    cr_assert(eq(u64, a, 0xff));
    cr_assert(eq(u64, b, 0x10));
    cr_assert(bytes[0] == 10 && bytes[1] == 11 && !*text);
    cr_assert(not(gdb_take_char(&text, '\0')));
    cr_assert(not(gdb_take_bytes(&text, bytes, 1)));
    cr_assert(not(gdb_take_hex(&text, &a)));
    text = "ffffffffffffffff";
    cr_assert(gdb_take_hex(&text, &a) && a == UINT64_MAX);
    text = "10000000000000000";
    cr_assert(not(gdb_take_hex(&text, &a)));
}
