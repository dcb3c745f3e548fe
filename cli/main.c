// SPDX-License-Identifier: MIT
//
// main: options, help, the machine, the run. Every failure is one sentence on standard error and
// exit status 1.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/create.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/run.h"

static int fail(Error *err)
{
    fprintf(stderr, "dragoman: %s\n", error_text(err));
    error_free(err);
    return 1;
}

/* Signals are read from a descriptor by the main loop; threads inherit the blocked mask. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool write_pidfile(const char *path, Error **err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return error_set_errno(err, errno, "cannot write the pid file '%s'", path);
    fprintf(f, "%ld\n", (long)getpid());
    fclose(f);
    return true;
}

int main(int argc, char **argv)
{
    Options o;
    Session s = { 0 };
    Error *err = NULL;
    if (argc == 1) {
        help_print_short();
        return 0;
    }
    if (!options_parse(&o, argc, argv, &err))
        return fail(err);
    if (help_answer(&o))
        return 0;
    block_signals();
    int status = 0;
    if (!session_create(&s, &o, &err) || (o.pidfile && !write_pidfile(o.pidfile, &err))) {
        status = fail(err);
    } else if (!s.build_only) {
        if (s.on_terminal && isatty(STDIN_FILENO))
            fprintf(stderr, "dragoman: Ctrl-A x ends, Ctrl-A c is the monitor, Ctrl-A h helps\r\n");
        status = session_run(&s, o.stopped);
    }
    session_destroy(&s);
    if (o.pidfile && !status)
        unlink(o.pidfile);
    return status;
}
