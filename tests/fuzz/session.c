// SPDX-License-Identifier: MIT
//
// A whole machine that executes nothing; see session.h.
#include "tests/fuzz/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "tests/fuzz/fuzz.h"
#include "util/bitops.h"

static void ignore(void *opaque)
{
}

void fuzz_session_open(FuzzSession *s)
{
    static char *const argv[] = {
        "dragoman", "-M", "virt", "-accel", "qtest", "-m", "8", "-nodefaults", "-smp", "2",
        "-device", "virtio-rng-device,id=rng0", "-netdev", "user,id=n0,restrict=on",
        "-device", "virtio-net-device,netdev=n0", "-chardev", "ringbuf,id=r0", "-serial",
        "chardev:r0",
    };
    Error *err = NULL;
    signal(SIGPIPE, SIG_IGN);
    fuzz_must(options_parse(&s->options, ARRAY_SIZE(argv), (char **)argv, &err) &&
              session_create(&s->session, &s->options, &err), "the machine", err);
    s->commands = (CommandContext){ .session = &s->session, .running = &s->running };
    s->session.machine->run.serve = ignore;
    machine_reset(s->session.machine);
}

size_t fuzz_take_lines(const uint8_t *data, size_t size, char **copy, char **lines, size_t max)
{
    char *text = *copy = malloc(size + 1), *next;
    size_t count = 0;
    fuzz_must(text, "memory", NULL);
    for (size_t i = 0; i < size; i++)
        text[i] = data[i] == '/' || !data[i] ? '_' : (char)data[i];
    text[size] = '\0';
    while ((next = strsep(&text, "\n")) && count < max)
        lines[count++] = next;
    return count;
}

int fuzz_connect(Machine *m, const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    fuzz_must(fd >= 0, "a socket", NULL);
    strcpy(addr.sun_path, path);
    for (unsigned tries = 0; tries < 16; tries++) {
        if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
            return fd;
        fuzz_must(errno == EAGAIN || errno == ECONNREFUSED, "the connection", NULL);
        fuzz_poll(m); /* the server still has its last peer */
    }
    close(fd);
    return -1;
}

static void drain(int fd)
{
    char buf[4096];
    while (read(fd, buf, sizeof(buf)) > 0)
        continue;
}

void fuzz_exchange(Machine *m, int fd, const uint8_t *data, size_t size)
{
    for (unsigned tries = 0; size && tries < 64; tries++) {
        ssize_t n = write(fd, data, size);
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
        for (unsigned i = 0; i < 4; i++)
            fuzz_poll(m);
        drain(fd);
    }
}
