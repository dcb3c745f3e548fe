// SPDX-License-Identifier: MIT
//
// Run control on the main-loop thread. Requests are bits of RunState: they are taken together,
// all vCPUs are paused, the strongest wins (quit, shutdown, reset, then stop and cont).
#include "cli/run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "cli/commands.h"
#include "cli/guest_symbols.h"
#include "gdb/gdb.h"
#include "util/bitops.h"

typedef struct Run {
    Session *session;
    bool running;
    int status;
    GdbServer *gdb; /* or NULL */
    CommandContext commands;
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
        if (!s->accel->type->passive)
            vclock_start(s->machine->clock);
        s->accel->resume(s->accel);
    } else {
        s->accel->pause(s->accel);
        vclock_stop(s->machine->clock);
    }
}

/* As set_running(), for a change that lasts: a debugger hears of it. */
static void change_running(Run *r, bool running)
{
    if (running == r->running)
        return;
    set_running(r, running);
    gdb_server_run_changed(r->gdb, running);
}

static void finish(Run *r)
{
    set_running(r, false);
    r->status = atomic_load(&r->session->machine->run.exit_status);
    gdb_server_exiting(r->gdb, r->status);
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
        guest_symbols_reset(r->session);
        set_running(r, was_running);
    }
    if (requests & RUN_REQUEST_STOP)
        change_running(r, false);
    if (requests & RUN_REQUEST_CONT)
        change_running(r, true);
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

/* ---- the debugger ----------------------------------------------------------------------- */

static bool gdb_running(void *opaque)
{
    return ((Run *)opaque)->running;
}

static void gdb_set_running(void *opaque, bool running)
{
    change_running(opaque, running);
}

static void gdb_run_monitor(void *opaque, const char *line, FILE *out)
{
    monitor_run_line(monitor_commands, &((Run *)opaque)->commands, line, out);
}

static bool create_gdb(Run *r, const Options *o, Error **err)
{
    const char *where = o->gdb ? o->gdb : o->gdb_default ? "tcp::1234" : NULL;
    if (!where || !strcmp(where, "none"))
        return true;
    const GdbHost host = {
        .machine = r->session->machine, .accel = r->session->accel, .running = gdb_running,
        .set_running = gdb_set_running, .run_monitor = gdb_run_monitor, .opaque = r,
    };
    r->gdb = gdb_server_create(&host, where, err);
    return r->gdb;
}

/* All that the options name is open: nothing of it is needed again. */
static bool give_up_rights(const Session *s, Error **err)
{
    const Machine *m = s->machine;
    return confine_enter(&s->confinement, err) &&
           sandbox_enter(&s->sandbox, m->fsdev_count || m->config.semihosting, err);
}

bool session_run(Session *s, const Options *o, int *status, Error **err)
{
    Machine *m = s->machine;
    Run run = { .session = s, .signal_fd = -1 };
    Monitor *monitors[ARRAY_SIZE(s->monitors)] = { NULL };
    run.commands = (CommandContext){ .session = s, .running = &run.running };
    m->run.serve = serve;
    m->run.opaque = &run;
    watch_signals(&run);
    bool ok = create_gdb(&run, o, err) && create_monitors(s, &run.commands, monitors, err) &&
              give_up_rights(s, err);
    if (ok) {
        machine_reset(m);
        set_running(&run, !o->stopped);
        mainloop_run(m->loop);
    }
    m->run.serve = NULL;
    gdb_server_destroy(run.gdb);
    for (unsigned i = 0; i < s->monitor_count; i++)
        monitor_destroy(monitors[i]);
    unwatch_signals(&run);
    *status = run.status;
    return ok;
}
