// SPDX-License-Identifier: MIT
//
// The GDB server: its life, the connection, and run control; contract in gdb.h.
//
// While a debugger is there the machine is either stopped, and packets are answered, or it runs
// because the debugger said so, and then only Ctrl-C is expected (`waiting`). Whatever stops the
// machine meanwhile, a vCPU's breakpoint or somebody at the monitor, is the answer it waits for.
#include "gdb/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gdb/registers.h"

/* A debugger that asks without reading the answers is not served any longer. */
#define OUT_BYTES_MAX (16u << 20)

static bool running(const GdbServer *s)
{
    return s->host.running(s->host.opaque);
}

static void set_running(const GdbServer *s, bool run)
{
    s->host.set_running(s->host.opaque, run);
}

/* ---- the connection --------------------------------------------------------------------- */

static void disconnect(GdbServer *s)
{
    if (s->fd < 0)
        return;
    mainloop_unwatch(s->watch);
    s->watch = NULL;
    close(s->fd);
    s->fd = -1;
    free(s->out);
    s->out = NULL;
    s->out_len = 0;
    mainloop_watch_set(s->listen_watch, EPOLLIN);
}

/* The debugger is gone without a farewell. */
static void lose(GdbServer *s)
{
    if (s->fd < 0)
        return;
    disconnect(s);
    gdb_end_session(s, s->was_running);
}

static void lose_broken(void *opaque)
{
    GdbServer *s = opaque;
    if (s->broken)
        lose(s);
}

static bool queue(GdbServer *s, const char *bytes, size_t len)
{
    char *out = s->out_len + len <= OUT_BYTES_MAX ? realloc(s->out, s->out_len + len) : NULL;
    if (!out)
        return false;
    memcpy(out + s->out_len, bytes, len);
    s->out = out;
    s->out_len += len;
    mainloop_watch_set(s->watch, EPOLLIN | EPOLLOUT);
    return true;
}

static void put(GdbServer *s, const char *bytes, size_t len)
{
    if (s->fd < 0 || s->broken)
        return;
    ssize_t n = s->out_len ? 0 : send(s->fd, bytes, len, MSG_NOSIGNAL);
    bool failed = n < 0 && errno != EAGAIN && errno != EINTR;
    size_t taken = n > 0 ? (size_t)n : 0;
    if (failed || (taken < len && !queue(s, bytes + taken, len - taken)))
        s->broken = true; /* taken down later, because callers are still at work with it */
    if (s->broken)
        mainloop_post(s->host.machine->loop, lose_broken, s);
}

static void flush(GdbServer *s)
{
    ssize_t n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
    if (n <= 0)
        return; /* an error shows at the next read */
    s->out_len -= (size_t)n;
    memmove(s->out, s->out + n, s->out_len);
    if (!s->out_len)
        mainloop_watch_set(s->watch, EPOLLIN);
}

void gdb_send_reply(GdbServer *s)
{
    s->frame_len = gdb_packet_frame(&s->reply, s->frame);
    put(s, s->frame, s->frame_len);
}

static void take_packet(GdbServer *s)
{
    if (!s->no_ack)
        put(s, "+", 1);
    if (running(s)) { /* somebody at the monitor, or a debugger that does not wait */
        bool told = s->waiting;
        set_running(s, false);
        if (told)
            return;
    }
    gdb_packet_clear(&s->reply);
    if (gdb_handle_packet(s))
        gdb_send_reply(s);
}

static void take_byte(GdbServer *s, uint8_t byte)
{
    switch (gdb_reader_take(&s->reader, byte)) {
    case GDB_INPUT_PACKET:
        take_packet(s);
        break;
    case GDB_INPUT_BAD:
        if (!s->no_ack)
            put(s, "-", 1);
        break;
    case GDB_INPUT_NAK:
        if (!s->no_ack)
            put(s, s->frame, s->frame_len);
        break;
    case GDB_INPUT_INTERRUPT:
        if (running(s))
            set_running(s, false);
        break;
    case GDB_INPUT_ACK:
    case GDB_INPUT_NONE:
        break;
    }
}

static void connection_ready(void *opaque, uint32_t events)
{
    GdbServer *s = opaque;
    uint8_t buf[4096];
    if ((events & EPOLLOUT) && s->out_len)
        flush(s);
    if (!(events & ~(uint32_t)EPOLLOUT))
        return;
    ssize_t n = recv(s->fd, buf, sizeof(buf), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        lose(s);
        return;
    }
    for (ssize_t i = 0; i < n && s->fd >= 0; i++)
        take_byte(s, buf[i]);
}

static void start_session(GdbServer *s, int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* fails on unix sockets */
    s->watch = mainloop_watch(s->host.machine->loop, fd, EPOLLIN, connection_ready, s, NULL);
    if (!s->watch) {
        close(fd);
        return;
    }
    mainloop_watch_set(s->listen_watch, 0);
    s->fd = fd;
    s->no_ack = s->broken = s->waiting = s->physical = false;
    s->reader.state = GDB_OUTSIDE;
    s->frame_len = 0;
    s->g_cpu = s->c_cpu = s->host.machine->cpus[0];
    s->was_running = running(s);
    if (s->was_running)
        set_running(s, false);
    s->last = (AccelStopEvent){ .cpu = NULL };
    s->last_signal = GDB_SIGNAL_TRAP;
}

static void listener_ready(void *opaque, uint32_t events)
{
    GdbServer *s = opaque;
    (void)events;
    int fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        start_session(s, fd);
}

/* ---- run control ------------------------------------------------------------------------ */

static void set_all_modes(const GdbServer *s, AccelRunMode mode)
{
    const Machine *m = s->host.machine;
    for (uint32_t i = 0; i < m->cpu_count; i++)
        s->host.accel->set_mode(s->host.accel, m->cpus[i], mode);
}

void gdb_continue(GdbServer *s)
{
    const Machine *m = s->host.machine;
    for (uint32_t i = 0; i < m->cpu_count; i++)
        s->host.accel->set_mode(s->host.accel, m->cpus[i], s->modes[i]);
    s->waiting = true;
    s->was_running = true;
    set_running(s, true);
}

void gdb_end_session(GdbServer *s, bool go)
{
    Accel *a = s->host.accel;
    s->waiting = false;
    if (running(s))
        set_running(s, false);
    s->breakpoint_count = s->watch_count = 0;
    (void)!a->set_breakpoints(a, NULL, 0, NULL);
    (void)!a->set_watchpoints(a, NULL, 0, NULL);
    set_all_modes(s, ACCEL_RUN);
    if (go)
        set_running(s, true);
}

/* On the main loop after a vCPU stopped by itself. */
static void on_stop(void *opaque)
{
    GdbServer *s = opaque;
    pthread_mutex_lock(&s->lock);
    bool stopped = s->event.cpu;
    pthread_mutex_unlock(&s->lock);
    if (stopped && running(s))
        set_running(s, false);
}

/* On the vCPU's thread. The first one counts: others meet their breakpoints again. */
static void vcpu_stopped(void *opaque, const AccelStopEvent *event)
{
    GdbServer *s = opaque;
    pthread_mutex_lock(&s->lock);
    if (!s->event.cpu)
        s->event = *event;
    pthread_mutex_unlock(&s->lock);
    mainloop_post(s->host.machine->loop, on_stop, s);
}

void gdb_server_run_changed(GdbServer *s, bool now_running)
{
    if (!s || now_running)
        return;
    pthread_mutex_lock(&s->lock);
    s->last = s->event;
    s->event.cpu = NULL;
    pthread_mutex_unlock(&s->lock);
    set_all_modes(s, ACCEL_RUN);
    s->last_signal = s->last.cpu ? GDB_SIGNAL_TRAP : GDB_SIGNAL_INT;
    if (s->last.cpu)
        s->g_cpu = s->c_cpu = s->last.cpu;
    if (!s->waiting)
        return;
    s->waiting = false;
    gdb_packet_clear(&s->reply);
    gdb_make_stop_reply(s);
    gdb_send_reply(s);
}

void gdb_server_exiting(GdbServer *s, int status)
{
    if (!s || s->fd < 0)
        return;
    s->waiting = false;
    gdb_packet_clear(&s->reply);
    gdb_packet_print(&s->reply, "W%02x", (unsigned)status & 0xff);
    gdb_send_reply(s);
    disconnect(s);
}

/* ---- life ------------------------------------------------------------------------------- */

static bool prepare(GdbServer *s, Error **err)
{
    const Machine *m = s->host.machine;
    FILE *out = open_memstream(&s->target, &s->target_len);
    s->modes = calloc(m->cpu_count, sizeof(*s->modes));
    if (out) {
        gdb_print_target(m->cpus[0]->ops, out);
        fclose(out);
    }
    if (!out || !s->target || !s->modes)
        return error_set(err, "out of memory for the GDB server");
    return true;
}

GdbServer *gdb_server_create(const GdbHost *host, const char *where, Error **err)
{
    if (!host->accel->set_breakpoints) {
        error_set(err, "-gdb does not work with -accel %s; choose another engine",
                  host->accel->type->name);
        return NULL;
    }
    GdbServer *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(err, "out of memory for the GDB server");
        return NULL;
    }
    s->host = *host;
    s->fd = s->listener.fd = -1;
    s->g_cpu = s->c_cpu = host->machine->cpus[0];
    pthread_mutex_init(&s->lock, NULL);
    if (prepare(s, err) && gdb_listen(&s->listener, where, err))
        s->listen_watch = mainloop_watch(host->machine->loop, s->listener.fd, EPOLLIN,
                                         listener_ready, s, err);
    if (!s->listen_watch) {
        gdb_server_destroy(s);
        return NULL;
    }
    host->accel->set_debugger(host->accel, &(AccelDebugger){ vcpu_stopped, s });
    return s;
}

void gdb_server_destroy(GdbServer *s)
{
    if (!s)
        return;
    disconnect(s);
    if (s->listen_watch)
        s->host.accel->set_debugger(s->host.accel, NULL);
    mainloop_unwatch(s->listen_watch);
    gdb_unlisten(&s->listener);
    pthread_mutex_destroy(&s->lock);
    free(s->target);
    free(s->modes);
    free(s);
}
