// SPDX-License-Identifier: MIT
//
// main: options, help, the machine, the run. Every failure is one sentence on standard error and
// exit status 1.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static bool write_pidfile(const char *path, Error **err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return error_set_errno(err, errno, "cannot write the pid file '%s'", path);
    bool ok = fprintf(f, "%ld\n", (long)getpid()) > 0;
    if (fclose(f) == 0 && ok)
        return true;
    return error_set_errno(err, errno, "cannot write the pid file '%s'", path);
}

/* Only what is a file of ours: not /dev/null. */
static void remove_pidfile(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        unlink(path);
}

/* Whoever starts us without them must not find a socket or a disk in their place. */
static void open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    Options o;
    Session s = { 0 };
    Error *err = NULL;
    open_standard_streams();
    if (argc == 1) {
        help_print_short();
        return 0;
    }
    if (!options_parse(&o, argc, argv, &err))
        return fail(err);
    bool answered;
    if (!help_answer(&o, &answered, &err))
        return fail(err);
    if (answered)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    int status = 0;
    bool ok = session_create(&s, &o, &err);
    bool has_pidfile = ok && o.pidfile && write_pidfile(o.pidfile, &err);
    ok = ok && (!o.pidfile || has_pidfile);
    if (ok && !s.build_only) {
        if (s.on_terminal && isatty(STDIN_FILENO))
            fprintf(stderr, "dragoman: Ctrl-A x ends, Ctrl-A c is the monitor, Ctrl-A h helps\r\n");
        ok = session_run(&s, &o, &status, &err);
    }
    session_destroy(&s);
    if (has_pidfile)
        remove_pidfile(o.pidfile);
    return ok ? status : fail(err);
}
