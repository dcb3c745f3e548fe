// SPDX-License-Identifier: MIT
//
// The telnet protocol (RFC 854) as far as a console needs it: what we offer at the start, commands
// taken out of the input, and the byte 255 doubled in the output. The peer's answers are ignored:
// character-at-a-time mode is all that we do.
#include <string.h>
#include "chardev/internal.h"

enum { BREAK = 243, SB = 250, SE = 240, WILL = 251, DONT = 254, DO = 253, IAC = 255 };
enum { OPTION_BINARY = 0, OPTION_ECHO = 1, OPTION_SGA = 3 };

void telnet_greet(FdStream *s)
{
    static const uint8_t greeting[] = {
        IAC, WILL, OPTION_ECHO, IAC, WILL, OPTION_SGA, IAC, WILL, OPTION_BINARY,
        IAC, DO, OPTION_BINARY,
    };
    fdstream_write(s, greeting, sizeof(greeting));
}

/* One byte; true when it is data. */
static bool take(TelnetState *t, Chardev *chr, uint8_t c)
{
    switch (*t) {
    case TELNET_DATA:
        *t = c == IAC ? TELNET_COMMAND : TELNET_DATA;
        return c != IAC;
    case TELNET_COMMAND:
        if (c == BREAK)
            chardev_event(chr, CHARDEV_BREAK);
        *t = c == SB ? TELNET_SUB : c >= WILL && c <= DONT ? TELNET_OPTION : TELNET_DATA;
        return c == IAC;
    case TELNET_OPTION:
        *t = TELNET_DATA;
        return false;
    case TELNET_SUB:
        *t = c == IAC ? TELNET_SUB_COMMAND : TELNET_SUB;
        return false;
    default:
        *t = c == SE ? TELNET_DATA : TELNET_SUB;
        return false;
    }
}

size_t telnet_strip(TelnetState *t, Chardev *chr, uint8_t *buf, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (take(t, chr, buf[i]))
            buf[n++] = buf[i];
    return n;
}

size_t telnet_write(FdStream *s, const uint8_t *buf, size_t len)
{
    static const uint8_t doubled[] = { IAC, IAC };
    size_t done = 0;
    while (done < len) {
        const uint8_t *special = memchr(buf + done, IAC, len - done);
        size_t n = (special ? (size_t)(special - buf) : len) - done;
        size_t taken = fdstream_write(s, buf + done, n);
        done += taken;
        if (taken < n || !special)
            break;
        if (fdstream_room(s) < sizeof(doubled))
            break;
        fdstream_write(s, doubled, sizeof(doubled));
        done++;
    }
    return done;
}
