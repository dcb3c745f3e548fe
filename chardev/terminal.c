// SPDX-License-Identifier: MIT
//
// Raw terminals that are put back on every way out.
//
// A small guardian process holds the terminal's settings and waits on a pipe. When the emulator
// closes the pipe, or dies of whatever cause, the guardian restores the settings and ends.
#include "chardev/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct TerminalGuard {
    int pipe_fd;
    pid_t pid;
};

static __attribute__((noreturn)) void guard(int fd, int pipe_fd, const struct termios *saved)
{
    static const int ignored[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTTOU, SIGTSTP, SIGPIPE };
    for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    setpgid(0, 0);
    /* keep only the two descriptors that matter, so that nobody waits for our copies */
    int top = dup2(fd, 3 == pipe_fd ? 4 : 3);
    int pipe_copy = dup2(pipe_fd, top == 3 ? 4 : 3);
    for (int i = 0; i < 3; i++)
        close(i);
    syscall(SYS_close_range, 5u, ~0u, 0u);
    char byte;
    while (read(pipe_copy, &byte, 1) < 0 && errno == EINTR)
        continue;
    tcsetattr(top, TCSADRAIN, saved);
    _exit(0);
}

static void raw_settings(struct termios *t, bool keep_signals)
{
    t->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!keep_signals)
        t->c_lflag &= ~(tcflag_t)ISIG;
    t->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    t->c_cflag |= CS8;
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}

bool terminal_make_raw(int fd, bool keep_signals, TerminalGuard **out, Error **err)
{
    struct termios saved, raw;
    int fds[2];
    *out = NULL;
    if (!isatty(fd) || tcgetattr(fd, &saved) < 0)
        return true;
    TerminalGuard *g = calloc(1, sizeof(*g));
    if (!g || pipe2(fds, O_CLOEXEC) < 0) {
        free(g);
        return error_set_errno(err, errno, "cannot guard the terminal's settings");
    }
    g->pid = fork();
    if (g->pid < 0) {
        error_set_errno(err, errno, "cannot guard the terminal's settings");
        close(fds[0]);
        close(fds[1]);
        free(g);
        return false;
    }
    if (g->pid == 0) {
        close(fds[1]);
        guard(fd, fds[0], &saved);
    }
    close(fds[0]);
    g->pipe_fd = fds[1];
    raw = saved;
    raw_settings(&raw, keep_signals);
    tcsetattr(fd, TCSANOW, &raw);
    *out = g;
    return true;
}

void terminal_restore(TerminalGuard *g)
{
    if (!g)
        return;
    close(g->pipe_fd);
    waitpid(g->pid, NULL, 0);
    free(g);
}
