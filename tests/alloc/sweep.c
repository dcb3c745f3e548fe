// SPDX-License-Identifier: MIT
//
// What the host refuses while a machine is made. The program is linked with --wrap for everything by
// which ours gets memory, descriptors and threads; the N-th of these calls fails, for every N until
// the machine comes to be. Each time there must be an Error that says something, and nothing may be
// left behind (with ASan, leaks are looked for).
//
//   sweep [--spare S] -- ARGUMENTS...   of the emulator's command line
//
// At most S of the calls may be such that the machine comes to be without them.
// Each attempt is a process of its own, so that an assertion or a crash is one failure, not the end.
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/create.h"
#include "cli/options.h"

enum { MADE = 10, REFUSED, DONE_WITHOUT, SILENT, LEFT_OPEN, LEAKED };

/* ---- failing calls ---------------------------------------------------------------------- */

static _Atomic long left_until_failure; /* 0: never */

static bool refused(int error)
{
    if (!left_until_failure || --left_until_failure)
        return false;
    if (getenv("SWEEP_VERBOSE")) {
        void *callers[16];
        backtrace_symbols_fd(callers, backtrace(callers, 16), STDOUT_FILENO);
    }
    errno = error;
    return true;
}

/* A function that returns `failure` when it is its turn. */
#define WRAP(type, name, failure, error, parameters, arguments) \
    type __real_##name parameters;                              \
    type __wrap_##name parameters;                              \
    type __wrap_##name parameters                               \
    {                                                           \
        return refused(error) ? failure : __real_##name arguments; \
    }

WRAP(void *, malloc, NULL, ENOMEM, (size_t n), (n))
WRAP(void *, calloc, NULL, ENOMEM, (size_t n, size_t m), (n, m))
WRAP(void *, realloc, NULL, ENOMEM, (void *p, size_t n), (p, n))
WRAP(void *, aligned_alloc, NULL, ENOMEM, (size_t a, size_t n), (a, n))
WRAP(char *, strdup, NULL, ENOMEM, (const char *s), (s))
WRAP(char *, strndup, NULL, ENOMEM, (const char *s, size_t n), (s, n))
WRAP(int, vasprintf, -1, ENOMEM, (char **s, const char *f, va_list ap), (s, f, ap))
WRAP(FILE *, open_memstream, NULL, ENOMEM, (char **s, size_t *n), (s, n))
WRAP(void *, mmap64, MAP_FAILED, ENOMEM,
     (void *a, size_t n, int p, int f, int fd, off_t o), (a, n, p, f, fd, o))
WRAP(int, memfd_create, -1, EMFILE, (const char *n, unsigned f), (n, f))
WRAP(int, ftruncate64, -1, ENOSPC, (int fd, off_t n), (fd, n))
WRAP(int, eventfd, -1, EMFILE, (unsigned v, int f), (v, f))
WRAP(int, epoll_create1, -1, EMFILE, (int f), (f))
WRAP(int, timerfd_create, -1, EMFILE, (int c, int f), (c, f))
WRAP(int, pipe2, -1, EMFILE, (int *fds, int f), (fds, f))
WRAP(int, dup, -1, EMFILE, (int fd), (fd))
WRAP(int, socket, -1, EMFILE, (int d, int t, int p), (d, t, p))
WRAP(int, pthread_create, EAGAIN, EAGAIN,
     (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *o), (t, a, f, o))

/* ---- one attempt ------------------------------------------------------------------------ */

__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        count++;
    if (d)
        closedir(d);
    return count;
}

static int attempt(int argc, char **argv, long n)
{
    Options o;
    Session s = { 0 };
    Error *err = NULL;
    unsigned before = open_descriptors();
    left_until_failure = n;
    bool ok = options_parse(&o, argc, argv, &err) && session_create(&s, &o, &err);
    bool silent = !ok && strlen(error_text(err)) < 10;
    long left = left_until_failure;
    left_until_failure = 0;
    session_destroy(&s);
    if (getenv("SWEEP_VERBOSE"))
        printf("%ld: %s\n", n, ok ? "made" : error_text(err));
    error_free(err);
    if (silent)
        return SILENT;
    if (open_descriptors() != before)
        return LEFT_OPEN;
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        return LEAKED;
    return !ok ? REFUSED : left ? MADE : DONE_WITHOUT;
}

static int run(int argc, char **argv, long n)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        alarm(60);
        int result = attempt(argc, argv, n);
        fflush(stdout);
        _exit(result);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("sweep");
        exit(2);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const char *describe(int result, char *buf, size_t len)
{
    switch (result) {
    case SILENT: return "no sentence for the user";
    case LEFT_OPEN: return "descriptors are left open";
    case LEAKED: return "memory is lost";
    }
    snprintf(buf, len, result < 0 ? "ended by signal %d" : "ended with status %d", abs(result));
    return buf;
}

int main(int argc, char **argv)
{
    long spare = 0, without = 0, failed = 0, n = 1;
    int i = 1, result;
    char buf[40];
    for (; i + 1 < argc && strcmp(argv[i], "--"); i += 2)
        spare = strtol(argv[i + 1], NULL, 0);
    argv[i] = "dragoman";
    for (; (result = run(argc - i, argv + i, n)) != MADE; n++) {
        without += result == DONE_WITHOUT;
        if (result == REFUSED || result == DONE_WITHOUT)
            continue;
        printf("call %ld refused: %s\n", n, describe(result, buf, sizeof(buf)));
        failed++;
    }
    if (without > spare) {
        printf("the machine is made without %ld of its calls, which is more than %ld\n", without,
               spare);
        failed++;
    }
    printf("%ld passed, %ld failed\n", n - failed, failed);
    return failed != 0;
}
