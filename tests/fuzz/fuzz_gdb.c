// SPDX-License-Identifier: MIT
//
// What a debugger sends: the input as it is on a new connection, and then once more, each line of
// it as a packet with a right checksum.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "gdb/gdb.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session.h"
#include "util/bitops.h"

#define PACKETS_MAX 16

static bool is_running(void *opaque)
{
    return ((FuzzSession *)opaque)->running;
}

static GdbServer *server;

static void set_running(void *opaque, bool running)
{
    FuzzSession *s = opaque;
    if (running == s->running)
        return;
    s->running = running;
    gdb_server_run_changed(server, running);
}

static void run_monitor(void *opaque, const char *line, FILE *out)
{
    fprintf(out, "%s\n", line);
}

static void serve(FuzzSession *s, const char *path)
{
    Error *err = NULL;
    char where[64];
    snprintf(where, sizeof(where), "unix:%s", path);
    const GdbHost host = {
        .machine = s->session.machine, .accel = s->session.accel, .running = is_running,
        .set_running = set_running, .run_monitor = run_monitor, .opaque = s,
    };
    server = gdb_server_create(&host, where, &err);
    fuzz_must(server, "the server", err);
}

static void send_packet(FuzzSession *s, int fd, const char *line)
{
    char packet[4200];
    uint8_t sum = 0;
    for (const char *p = line; *p; p++)
        sum += (uint8_t)*p;
    int len = snprintf(packet, sizeof(packet), "+$%.4096s#%02x", line, sum);
    fuzz_exchange(s->session.machine, fd, (const uint8_t *)packet, (size_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FuzzSession s;
    static char path[32];
    char *copy, *lines[PACKETS_MAX];
    if (!server) {
        snprintf(path, sizeof(path), "gdb-%d", (int)getpid());
        fuzz_session_open(&s);
        serve(&s, path);
    }
    int fd = fuzz_connect(s.session.machine, path);
    if (fd < 0)
        return 0;
    fuzz_exchange(s.session.machine, fd, (const uint8_t *)"+", 1);
    fuzz_exchange(s.session.machine, fd, data, size);
    size_t count = fuzz_take_lines(data, size, &copy, lines, PACKETS_MAX);
    for (size_t i = 0; i < count; i++)
        send_packet(&s, fd, lines[i]);
    free(copy);
    close(fd);
    fuzz_poll(s.session.machine); /* it hears of that */
    return 0;
}
