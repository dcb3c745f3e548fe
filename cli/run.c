// SPDX-License-Identifier: MIT
//
// Run control on the main-loop thread. Requests are bits of RunState: they are taken together,
// all vCPUs are paused, the strongest wins (quit, shutdown, reset, then stop and cont).
#include "cli/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "cli/commands.h"

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

static void watch_signals(Run *r)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
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

int session_run(Session *s, bool start_stopped)
{
    Machine *m = s->machine;
    Error *err = NULL;
    Run run = { .session = s, .signal_fd = -1 };
    m->run.serve = serve;
    m->run.opaque = &run;
    watch_signals(&run);
    Monitor *monitor = NULL;
    CommandContext commands = { s, &run.running };
    if (s->monitor_chardev) {
        monitor = monitor_create(s->monitor_chardev, monitor_commands, &commands, &err);
        if (!monitor) {
            fprintf(stderr, "dragoman: %s\n", error_text(err));
            error_free(err);
            unwatch_signals(&run);
            return 1;
        }
    }
    machine_reset(m);
    set_running(&run, !start_stopped);
    mainloop_run(m->loop);
    m->run.serve = NULL;
    monitor_destroy(monitor);
    unwatch_signals(&run);
    return run.status;
}
