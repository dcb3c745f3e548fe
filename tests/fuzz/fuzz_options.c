// SPDX-License-Identifier: MIT
//
// Command lines: each line of the input is an argument. The machine they describe is made and taken
// apart again; an engine that executes nothing is chosen where none is named.
//
// Left out is what makes the host wait or hands out its resources, as it was asked to: sockets (see
// fuzz_chardev.c), pipes, memory that is touched in advance.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "cli/help.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session.h"
#include "util/bitops.h"

#define ARGUMENTS_MAX 24

static bool harmless(const char *argument)
{
    static const char *const waits[] = {
        "server", "socket", "tcp:", "telnet", "udp", "pipe", "prealloc", "unix:", "host", "daemon",
        "tty", "serial,", "parport", "fd",
    };
    for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
        if (strstr(argument, waits[i]) && !strstr(argument, "hostfwd"))
            return false;
    return true;
}

static void run(int argc, char **argv)
{
    Options o;
    Session s = { 0 };
    Error *err = NULL;
    bool answered;
    bool go = options_parse(&o, argc, argv, &err) && help_answer(&o, &answered, &err) && !answered;
    if (go) {
        if (!o.accels.count)
            o.accels = (OptionList){ { "qtest" }, 1 };
        fuzz_must(session_create(&s, &o, &err) || err, "an error that says why", NULL);
        session_destroy(&s);
    }
    error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy, *argv[ARGUMENTS_MAX + 2] = { "dragoman" };
    size_t argc = 1 + fuzz_take_lines(data, size, &copy, argv + 1, ARGUMENTS_MAX);
    bool ok = true;
    for (size_t i = 1; i < argc; i++)
        ok = ok && harmless(argv[i]);
    argv[argc] = NULL;
    if (ok)
        run((int)argc, argv);
    free(copy);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
}
