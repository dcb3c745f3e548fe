// SPDX-License-Identifier: MIT
//
// What the other end of a serial line sends: through a unix socket, by telnet, and through a mux
// with its escape keys, where a monitor listens, too. The first byte chooses; a zero byte in the
// input hangs up and connects again.
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session.h"
#include "util/bitops.h"

#define CONNECTIONS_MAX 8

static size_t can_receive(void *opaque)
{
    return 16;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    static const char echo[2000] = "\377\375\nmuch is answered";
    chardev_write(opaque, len & 1 ? echo : (const char *)buf, len & 1 ? sizeof(echo) : len);
}

static void hear(void *opaque, ChardevEvent event)
{
}

static void open_line(FuzzSession *s, const char *path, const char *options)
{
    Error *err = NULL;
    char spec[160];
    Chardev *chr;
    snprintf(spec, sizeof(spec), "socket,id=%s,path=%s,server=on,wait=off%s", path, path, options);
    fuzz_must(chardev_create(&s->session.chardev_host, spec, &chr, &err) &&
              machine_add_chardev(s->session.machine, chr, &err), "the socket", err);
    for (unsigned i = 0; i < (strstr(options, "mux") ? 2 : 1); i++) {
        Chardev *claimed = chardev_claim(chr, "the fuzzer", &err);
        fuzz_must(claimed, "the claim", err);
        chardev_attach(claimed, &(ChardevHandlers){ can_receive, receive, hear, claimed,
                                                    .background = i });
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = { "", ",telnet=on", ",mux=on", ",telnet=on,mux=on" };
    static char paths[ARRAY_SIZE(options)][32];
    static FuzzSession s;
    if (!s.session.machine) {
        fuzz_session_open(&s);
        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
            snprintf(paths[i], sizeof(paths[i]), "s%zu-%d", i, (int)getpid());
            open_line(&s, paths[i], options[i]);
        }
    }
    if (!size)
        return 0;
    const char *path = paths[*data++ % ARRAY_SIZE(options)];
    size--;
    for (unsigned i = 0; i < CONNECTIONS_MAX && size; i++) {
        const uint8_t *end = memchr(data, 0, size);
        size_t n = end ? (size_t)(end - data) : size;
        int fd = fuzz_connect(s.session.machine, path);
        if (fd < 0)
            break;
        fuzz_poll(s.session.machine);
        fuzz_exchange(s.session.machine, fd, data, n);
        close(fd);
        fuzz_poll(s.session.machine);
        data += n + (end != NULL);
        size -= n + (end != NULL);
    }
    return 0;
}
