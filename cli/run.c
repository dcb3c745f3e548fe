// SPDX-License-Identifier: MIT
//
// Run control on the main-loop thread. Requests are bits of RunState: they are taken together,
// all vCPUs are paused, the strongest wins (quit, shutdown, reset, then stop and cont).
#include "cli/run.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "cli/commands.h"
#include "util/bitops.h"

typedef struct Run {
    Session *session;
    bool running;
    int status;
    int signal_fd;
    LoopWatch *signals;
} Run;

static void set_running(Run *r, bool running)
{
    Session *s = r->session;
    if (running == r->running)
        return;
    r->running = running;
    if (running) {
        vclock_start(s->machine->clock);
        s->accel->resume(s->accel);
    } else {
        s->accel->pause(s->accel);
        vclock_stop(s->machine->clock);
    }
}

static void finish(Run *r)
{
    set_running(r, false);
    r->status = atomic_load(&r->session->machine->run.exit_status);
    mainloop_quit(r->session->machine->loop);
}

static void serve(void *opaque)
{
    Run *r = opaque;
    Machine *m = r->session->machine;
    unsigned requests = atomic_exchange(&m->run.requests, 0);
    bool reset = requests & RUN_REQUEST_RESET;
    if ((requests & (RUN_REQUEST_QUIT | RUN_REQUEST_SHUTDOWN)) ||
        (reset && m->config.no_reboot)) {
        finish(r);
        return;
    }
    if ((requests & RUN_REQUEST_POWERDOWN) && m->board->powerdown)
        m->board->powerdown(m);
    if (reset) {
        bool was_running = r->running;
        set_running(r, false);
        machine_reset(m);
        set_running(r, was_running);
    }
    if (requests & RUN_REQUEST_STOP)
        set_running(r, false);
    if (requests & RUN_REQUEST_CONT)
        set_running(r, true);
}

static void signal_ready(void *opaque, uint32_t events)
{
    Run *r = opaque;
    struct signalfd_siginfo info;
    (void)events;
    if (read(r->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        fprintf(stderr, "dragoman: terminating on signal %u\n", info.ssi_signo);
        runstate_request(&r->session->machine->run, RUN_REQUEST_QUIT);
    }
}

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void session_block_signals(void)
{
    sigset_t set;
    ending_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void watch_signals(Run *r)
{
    sigset_t set;
    ending_signals(&set);
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (r->signal_fd >= 0)
        r->signals = mainloop_watch(r->session->machine->loop, r->signal_fd, EPOLLIN,
                                    signal_ready, r, NULL);
}

static void unwatch_signals(Run *r)
{
    mainloop_unwatch(r->signals);
    if (r->signal_fd >= 0)
        close(r->signal_fd);
}

static bool create_monitors(Session *s, CommandContext *commands, Monitor **monitors, Error **err)
{
    for (unsigned i = 0; i < s->monitor_count; i++) {
        monitors[i] = monitor_create(s->monitors[i], monitor_commands, commands, err);
        if (!monitors[i])
            return false;
    }
    return true;
}

bool session_run(Session *s, bool start_stopped, int *status, Error **err)
{
    Machine *m = s->machine;
    Run run = { .session = s, .signal_fd = -1 };
    Monitor *monitors[ARRAY_SIZE(s->monitors)] = { NULL };
    CommandContext commands = { .session = s, .running = &run.running };
    m->run.serve = serve;
    m->run.opaque = &run;
    watch_signals(&run);
    bool ok = create_monitors(s, &commands, monitors, err);
    if (ok) {
        machine_reset(m);
        set_running(&run, !start_stopped);
        mainloop_run(m->loop);
    }
    m->run.serve = NULL;
    for (unsigned i = 0; i < s->monitor_count; i++)
        monitor_destroy(monitors[i]);
    unwatch_signals(&run);
    *status = run.status;
    return ok;
}
