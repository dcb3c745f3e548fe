// SPDX-License-Identifier: MIT
//
// Lines of the qtest protocol. ('/' in paths of devices is written '|'.)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "accel/qtest/server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session.h"
#include "util/bitops.h"

static QtestServer *serve(FuzzSession *s)
{
    Error *err = NULL;
    Chardev *chr;
    fuzz_must(chardev_create(&s->session.chardev_host, "null,id=q0", &chr, &err) &&
              machine_add_chardev(s->session.machine, chr, &err), "the character device", err);
    QtestServer *q = qtest_server_create(s->session.machine, chr, "none", true, &err);
    fuzz_must(q, "the server", err);
    return q;
}

/* Megabytes at a time are slow and tell nothing new. */
static bool is_quick(const char *line)
{
    long long bytes;
    return sscanf(line, "%*s %*s %lli", &bytes) != 1 || (bytes >= 0 && bytes <= 0x10000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FuzzSession s;
    static QtestServer *server;
    char *copy, *lines[64];
    if (!server) {
        fuzz_session_open(&s);
        server = serve(&s);
    }
    size_t count = fuzz_take_lines(data, size, &copy, lines, ARRAY_SIZE(lines));
    for (size_t i = 0; i < count; i++) {
        for (char *p = lines[i]; (p = strchr(p, '|'));)
            *p = '/';
        if (is_quick(lines[i]))
            qtest_server_run_line(server, lines[i]);
    }
    free(copy);
    return 0;
}
