// SPDX-License-Identifier: MIT
//
// Lines of the qtest protocol. ('/' in paths of devices is written '|'.)
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
        qtest_server_run_line(server, lines[i]);
    }
    free(copy);
    return 0;
}
