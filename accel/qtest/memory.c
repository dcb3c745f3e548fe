// SPDX-License-Identifier: MIT
//
// The qtest commands that access guest memory and devices. Where nothing is, reads give zero and
// writes are lost, as with QEMU, which does not tell either.
#include "accel/qtest/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

#define TRANSFER_MAX (64u << 20) /* bytes of one command */

/* The size of an access by the last letter of the command. */
static unsigned size_of(const char *command)
{
    switch (command[strlen(command) - 1]) {
    case 'b': return 1;
    case 'w': return 2;
    case 'l': return 4;
    default: return 8;
    }
}

static void cmd_read_one(QtestServer *s, const QtestLine *l)
{
    uint64_t addr, value = 0;
    if (!qtest_number(s, l->words[1], &addr))
        return;
    if (memory_read(&s->machine->memory, addr, &value, size_of(l->words[0])) != MEM_OK)
        value = 0;
    qtest_reply(s, "OK 0x%016" PRIx64, value);
}

static void cmd_write_one(QtestServer *s, const QtestLine *l)
{
    uint64_t addr, value;
    if (!qtest_number(s, l->words[1], &addr) || !qtest_number(s, l->words[2], &value))
        return;
    (void)memory_write(&s->machine->memory, addr, &value, size_of(l->words[0]));
    qtest_reply(s, "OK");
}

/* ---- ports: no machine here has any, and what is not there reads as ones -------------------- */

static void cmd_in(QtestServer *s, const QtestLine *l)
{
    uint64_t port;
    if (qtest_number(s, l->words[1], &port))
        qtest_reply(s, "OK 0x%04" PRIx64, bit_mask(8 * size_of(l->words[0])));
}

static void cmd_out(QtestServer *s, const QtestLine *l)
{
    uint64_t port, value;
    if (qtest_number(s, l->words[1], &port) && qtest_number(s, l->words[2], &value))
        qtest_reply(s, "OK");
}

/* ---- runs of bytes ---------------------------------------------------------------------- */

/* The address and length of a command, and a buffer of that length and one more byte, zeroed. */
static uint8_t *take_run(QtestServer *s, const QtestLine *l, uint64_t *addr, uint64_t *len)
{
    if (!qtest_number(s, l->words[1], addr) || !qtest_number(s, l->words[2], len))
        return NULL;
    uint8_t *bytes = *len && *len <= TRANSFER_MAX ? calloc(1, *len + 1) : NULL;
    if (!bytes)
        qtest_reply(s, "FAIL A transfer has 1 to %u bytes", TRANSFER_MAX);
    return bytes;
}

/* `text` with room for two digits a byte and a NUL. */
static void put_hex(char *text, const uint8_t *bytes, uint64_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (uint64_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 4. `text` has room for four digits for every three bytes begun, and a NUL. */
static void put_base64(char *text, const uint8_t *bytes, uint64_t len)
{
    for (uint64_t i = 0; i < len; i += 3) {
        uint64_t left = len - i;
        uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) |
                     (left > 2 ? bytes[i + 2] : 0);
        *text++ = base64_digits[v >> 18];
        *text++ = base64_digits[v >> 12 & 63];
        *text++ = left > 1 ? base64_digits[v >> 6 & 63] : '=';
        *text++ = left > 2 ? base64_digits[v & 63] : '=';
    }
    *text = '\0';
}

static void reply_run(QtestServer *s, const QtestLine *l, const char *prefix,
                      void (*put)(char *, const uint8_t *, uint64_t))
{
    uint64_t addr, len;
    uint8_t *bytes = take_run(s, l, &addr, &len);
    if (!bytes)
        return;
    char *text = malloc(2 * len + 5);
    (void)memory_read(&s->machine->memory, addr, bytes, len);
    if (text) {
        put(text, bytes, len);
        qtest_reply(s, "OK %s%s", prefix, text);
    } else {
        qtest_reply(s, "FAIL Out of memory");
    }
    free(text);
    free(bytes);
}

static void cmd_read(QtestServer *s, const QtestLine *l)
{
    reply_run(s, l, "0x", put_hex);
}

static void cmd_b64read(QtestServer *s, const QtestLine *l)
{
    reply_run(s, l, "", put_base64);
}

static unsigned hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 0;
}

/* Data that is shorter than the length goes on with zeros. */
static void cmd_write(QtestServer *s, const QtestLine *l)
{
    uint64_t addr, len;
    const char *digits = l->words[3];
    uint8_t *bytes = take_run(s, l, &addr, &len);
    if (!bytes)
        return;
    if (!strncmp(digits, "0x", 2))
        digits += 2;
    for (uint64_t i = 0; i < len && digits[0] && digits[1]; i++, digits += 2)
        bytes[i] = (uint8_t)(hex_digit(digits[0]) << 4 | hex_digit(digits[1]));
    (void)memory_write(&s->machine->memory, addr, bytes, len);
    free(bytes);
    qtest_reply(s, "OK");
}

/* How many bytes `text` stands for; at most `max` are stored. */
static uint64_t take_base64(const char *text, uint8_t *bytes, uint64_t max)
{
    uint64_t count = 0;
    uint32_t v = 0;
    unsigned bits = 0;
    for (; *text; text++) {
        const char *at = strchr(base64_digits, *text);
        if (!at)
            break;
        v = v << 6 | (uint32_t)(at - base64_digits);
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (count < max)
            bytes[count] = (uint8_t)(v >> bits);
        count++;
    }
    return count;
}

static void cmd_b64write(QtestServer *s, const QtestLine *l)
{
    uint64_t addr, len;
    uint8_t *bytes = take_run(s, l, &addr, &len);
    if (!bytes)
        return;
    (void)take_base64(l->words[3], bytes, len);
    (void)memory_write(&s->machine->memory, addr, bytes, len);
    free(bytes);
    qtest_reply(s, "OK");
}

static void cmd_memset(QtestServer *s, const QtestLine *l)
{
    uint64_t addr, len, value;
    if (!qtest_number(s, l->words[2], &len) || !qtest_number(s, l->words[3], &value))
        return;
    uint8_t *bytes = len ? take_run(s, l, &addr, &len) : NULL;
    if (len && !bytes)
        return;
    if (bytes) {
        memset(bytes, (int)(value & 0xff), len);
        (void)memory_write(&s->machine->memory, addr, bytes, len);
        free(bytes);
    }
    qtest_reply(s, "OK");
}

const QtestCommand qtest_memory_commands[] = {
    { "readb", 2, cmd_read_one },   { "readw", 2, cmd_read_one },
    { "readl", 2, cmd_read_one },   { "readq", 2, cmd_read_one },
    { "writeb", 3, cmd_write_one }, { "writew", 3, cmd_write_one },
    { "writel", 3, cmd_write_one }, { "writeq", 3, cmd_write_one },
    { "inb", 2, cmd_in },           { "inw", 2, cmd_in },
    { "inl", 2, cmd_in },           { "outb", 3, cmd_out },
    { "outw", 3, cmd_out },         { "outl", 3, cmd_out },
    { "read", 3, cmd_read },        { "write", 4, cmd_write },
    { "b64read", 3, cmd_b64read },  { "b64write", 4, cmd_b64write },
    { "memset", 4, cmd_memset },    { 0 },
};
