// SPDX-License-Identifier: MIT
//
// What -sandbox on permits and forbids: each statement is about a process of its own.
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/sandbox.h"

/* The exit status of a process that enters the sandbox and does something, or minus its signal. */
static int status_in_sandbox(const char *options, int (*act)(void))
{
    Error *err = NULL;
    SandboxOptions o;
    cr_assert(sandbox_parse(options, &o, &err), "%s", err ? error_text(err) : "");
    pid_t pid = fork();
    if (!pid)
        _exit(sandbox_enter(&o, false, &err) ? act() : 99);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
        cr_skip_test("this host or build has no seccomp");
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void *thread(void *opaque)
{
    return opaque;
}

/* 0, or which of these things failed. */
static int work(void)
{
    pthread_t t;
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fds[2], n;
    return memory == MAP_FAILED || madvise(memory, 1 << 20, MADV_DONTNEED) ? 1
         : pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL) ? 2
         : socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || write(fds[0], "x", 1) != 1 ? 3
         : ioctl(fds[1], FIONREAD, &n) || n != 1 ? 4
         : access("/", F_OK) ? 5 : 0;
}

static int spawn(void)
{
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    return pid < 0 ? errno : 0;
}

static int execute(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? errno : 0;
}

static int change_user(void)
{
    return setuid(getuid()) ? errno : 0;
}

static int make_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int make_memory_code(void)
{
    static char page[8192] __attribute__((aligned(4096)));
    return mprotect(page, 4096, PROT_READ | PROT_EXEC) ? errno : 0;
}

static int type_for_the_user(void)
{
    return ioctl(0, TIOCSTI, "x") ? errno : 0;
}

static int raw_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int be_nice(void)
{
    errno = 0;
    return nice(0) < 0 && errno ? errno : 0;
}

Test(sandbox, what_a_machine_does_is_permitted)
{
    cr_expect_eq(status_in_sandbox("on", work), 0);
}

Test(sandbox, other_programs_are_not)
{
    cr_expect_eq(status_in_sandbox("on", spawn), ENOSYS);
    cr_expect_eq(status_in_sandbox("on", execute), -SIGSYS);
    cr_expect_eq(status_in_sandbox("on", trace), -SIGSYS);
    cr_expect_eq(status_in_sandbox("on", change_user), -SIGSYS);
}

Test(sandbox, no_memory_becomes_code)
{
    cr_expect_eq(status_in_sandbox("on", make_code), ENOSYS);
    cr_expect_eq(status_in_sandbox("on", make_memory_code), ENOSYS);
}

Test(sandbox, neither_foreign_sockets_nor_the_keyboard)
{
    cr_expect_eq(status_in_sandbox("on", type_for_the_user), ENOSYS);
    cr_expect_eq(status_in_sandbox("on", raw_socket), ENOSYS);
}

Test(sandbox, groups_can_be_allowed)
{
    cr_expect_eq(status_in_sandbox("on,spawn=allow", spawn), 0);
    cr_expect_eq(status_in_sandbox("on,elevateprivileges=allow", change_user), 0);
    cr_expect_eq(status_in_sandbox("on,resourcecontrol=allow", be_nice), 0);
    cr_expect_eq(status_in_sandbox("off", execute), 0);
}
