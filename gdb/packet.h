// SPDX-License-Identifier: MIT
//
// Packets of GDB's remote serial protocol (GDB manual, appendix E.1): taking them out of a stream
// of bytes, and putting them together. Knows nothing of what they say.
#ifndef GDB_PACKET_H
#define GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest packet that is taken, and made; announced as PacketSize. */
#define GDB_PACKET_BYTES 0x4000u

typedef enum GdbInput {
    GDB_INPUT_NONE,      /* nothing is complete yet */
    GDB_INPUT_PACKET,    /* reader->data, reader->len: unescaped, and a NUL behind it */
    GDB_INPUT_BAD,       /* a packet with a wrong checksum, or too long */
    GDB_INPUT_ACK,       /* + */
    GDB_INPUT_NAK,       /* -: send the last packet again */
    GDB_INPUT_INTERRUPT, /* Ctrl-C outside a packet */
} GdbInput;

/* All zero is the state at the start. */
typedef struct GdbReader {
    enum { GDB_OUTSIDE, GDB_DATA, GDB_ESCAPED, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    bool too_long;
    uint8_t sum, wanted;
    size_t len;
    char data[GDB_PACKET_BYTES + 1];
} GdbReader;

/* Take one byte. */
GdbInput gdb_reader_take(GdbReader *r, uint8_t byte);

/* A packet in the making. What does not fit is left out: callers send less than the limit. */
typedef struct GdbPacket {
    size_t len;
    char data[GDB_PACKET_BYTES + 1]; /* a NUL behind it */
} GdbPacket;

void gdb_packet_clear(GdbPacket *p);
void gdb_packet_add(GdbPacket *p, const char *text);
void gdb_packet_print(GdbPacket *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gdb_packet_add_hex(GdbPacket *p, const void *bytes, size_t len);
/* With } before what must not stand in a packet. */
void gdb_packet_add_binary(GdbPacket *p, const void *bytes, size_t len);
/* The packet with $, # and checksum at `out`, which has room for len + 4 bytes. Returns bytes. */
size_t gdb_packet_frame(const GdbPacket *p, char *out);

/* Take a hexadecimal number off *text. False: there is none, or it has more than 64 bits. */
bool gdb_take_hex(const char **text, uint64_t *value);
/* Take `c` off *text, or leave it. */
bool gdb_take_char(const char **text, char c);
/* Take `bytes` pairs of digits off *text. */
bool gdb_take_bytes(const char **text, void *bytes, size_t len);

#endif
