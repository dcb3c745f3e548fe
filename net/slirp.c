// SPDX-License-Identifier: MIT
//
// User networking: libslirp gives the guest a private network with DHCP, DNS and a router, and
// makes its connections those of this process.
//
// libslirp runs on a thread of its own, which alone calls it once it is open. Frames to the guest
// wait in `to_guest` while the device has no room, until net_kick(). The queue is bounded: what
// does not fit is dropped, as on a wire, and TCP sends it again.
#include "net/slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "net/internal.h"
#include "util/bitops.h"
#include "util/clock.h"

#define QUEUE_BYTES ((size_t)4 << 20)
#define TIMERS_MAX 4
#define NEVER INT64_MAX

typedef struct SlirpTimer {
    bool used;
    SlirpTimerId id;
    void *opaque;
    int64_t deadline_ms; /* NEVER: not armed */
} SlirpTimer;

typedef struct SlirpNet {
    NetBackend *net;
    Slirp *slirp;
    pthread_t thread;
    int event_fd;
    atomic_bool stopping, woken;
    char print[80]; /* of its options, for net_print() */

    /* What the connections are is asked of the thread: NULL and wanted until it has said it. */
    pthread_mutex_t ask_lock;
    pthread_cond_t answered;
    bool asked;
    char *connections; /* glib's */

    /* of the thread */
    FrameQueue to_guest;
    uint8_t *frame;      /* one from the guest that lies in several segments */
    SlirpTimer timers[TIMERS_MAX];
    struct pollfd *fds;
    unsigned fd_count, fd_capacity;
} SlirpNet;

static int64_t now_ms(void)
{
    return host_clock_ns() / 1000000;
}

/* One write for any number of kicks before the thread looks. */
static void wake(SlirpNet *s)
{
    uint64_t one = 1;
    if (atomic_exchange(&s->woken, true))
        return;
    while (write(s->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

/* ---- to the guest ----------------------------------------------------------------------- */

static void deliver_waiting(SlirpNet *s)
{
    while (s->to_guest.head && net_deliver(s->net, s->to_guest.head->data, s->to_guest.head->len))
        free(frame_queue_pop(&s->to_guest));
}

static ssize_t slirp_send_packet(const void *buf, size_t len, void *opaque)
{
    SlirpNet *s = opaque;
    if (!s->to_guest.head && net_deliver(s->net, buf, len))
        return (ssize_t)len;
    Frame *f = frame_new(&s->to_guest, len);
    if (f) {
        memcpy(f->data, buf, len);
        frame_queue_push(&s->to_guest, f);
    }
    return (ssize_t)len;
}

/* ---- libslirp's other callbacks --------------------------------------------------------- */

static void slirp_guest_error(const char *msg, void *opaque)
{
    SlirpNet *s = opaque;
    log_print(s->net->log, LOG_GUEST_ERRORS, "netdev %s: %s\n", s->net->id, msg);
}

static int64_t slirp_clock_get_ns(void *opaque)
{
    return host_clock_ns();
}

static void *slirp_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
    SlirpNet *s = opaque;
    for (int i = 0; i < TIMERS_MAX; i++) {
        if (!s->timers[i].used) {
            s->timers[i] = (SlirpTimer){ true, id, cb_opaque, NEVER };
            return &s->timers[i];
        }
    }
    return NULL;
}

static void slirp_timer_free(void *timer, void *opaque)
{
    if (timer)
        *(SlirpTimer *)timer = (SlirpTimer){ 0 };
}

static void slirp_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
    if (timer)
        ((SlirpTimer *)timer)->deadline_ms = expire_ms;
}

/* The set of descriptors is asked for anew at each turn. */
static void slirp_poll_fd(int fd, void *opaque)
{
}

static void slirp_notify(void *opaque)
{
    wake(opaque);
}

static const SlirpCb callbacks = {
    .send_packet = slirp_send_packet,
    .guest_error = slirp_guest_error,
    .clock_get_ns = slirp_clock_get_ns,
    .timer_new_opaque = slirp_timer_new,
    .timer_free = slirp_timer_free,
    .timer_mod = slirp_timer_mod,
    .register_poll_fd = slirp_poll_fd,
    .unregister_poll_fd = slirp_poll_fd,
    .notify = slirp_notify,
};

/* ---- the thread ------------------------------------------------------------------------- */

typedef struct PollBit {
    int slirp;
    short host;
} PollBit;

static const PollBit poll_bits[] = {
    { SLIRP_POLL_IN, POLLIN },   { SLIRP_POLL_OUT, POLLOUT }, { SLIRP_POLL_PRI, POLLPRI },
    { SLIRP_POLL_ERR, POLLERR }, { SLIRP_POLL_HUP, POLLHUP },
};

static int add_poll(int fd, int events, void *opaque)
{
    SlirpNet *s = opaque;
    if (s->fd_count == s->fd_capacity) {
        unsigned capacity = s->fd_capacity * 2;
        struct pollfd *grown = realloc(s->fds, capacity * sizeof(*grown));
        if (!grown)
            return -1;
        s->fds = grown;
        s->fd_capacity = capacity;
    }
    struct pollfd *p = &s->fds[s->fd_count];
    *p = (struct pollfd){ .fd = fd };
    for (size_t i = 0; i < ARRAY_SIZE(poll_bits); i++)
        if (events & poll_bits[i].slirp)
            p->events |= poll_bits[i].host;
    return (int)s->fd_count++;
}

static int get_revents(int index, void *opaque)
{
    const SlirpNet *s = opaque;
    int events = 0;
    if (index < 0 || (unsigned)index >= s->fd_count)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(poll_bits); i++)
        if (s->fds[index].revents & poll_bits[i].host)
            events |= poll_bits[i].slirp;
    return events;
}

static void run_timers(SlirpNet *s)
{
    int64_t now = now_ms();
    for (int i = 0; i < TIMERS_MAX; i++) {
        SlirpTimer *t = &s->timers[i];
        if (t->used && t->deadline_ms <= now) {
            t->deadline_ms = NEVER;
            slirp_handle_timer(s->slirp, t->id, t->opaque);
        }
    }
}

static int poll_timeout_ms(const SlirpNet *s, uint32_t slirp_ms)
{
    int64_t now = now_ms(), timeout = MIN(slirp_ms, 60000u);
    for (int i = 0; i < TIMERS_MAX; i++)
        if (s->timers[i].used && s->timers[i].deadline_ms != NEVER)
            timeout = MIN(timeout, MAX(s->timers[i].deadline_ms - now, 0));
    return (int)timeout;
}

static void drain_event(SlirpNet *s)
{
    uint64_t count;
    while (read(s->event_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    atomic_store(&s->woken, false); /* before looking at what the device has */
}

static void answer_connections(SlirpNet *s)
{
    pthread_mutex_lock(&s->ask_lock);
    if (s->asked) {
        s->connections = slirp_connection_info(s->slirp);
        s->asked = false;
        pthread_cond_signal(&s->answered);
    }
    pthread_mutex_unlock(&s->ask_lock);
}

static void *slirp_thread(void *opaque)
{
    SlirpNet *s = opaque;
    bool more = false; /* the device has frames */
    while (!atomic_load(&s->stopping)) {
        uint32_t timeout = UINT32_MAX;
        s->fds[0] = (struct pollfd){ .fd = s->event_fd, .events = POLLIN };
        s->fd_count = 1;
        slirp_pollfds_fill(s->slirp, &timeout, add_poll, s);
        int n = poll(s->fds, s->fd_count, more ? 0 : poll_timeout_ms(s, timeout));
        if (n > 0 && s->fds[0].revents) {
            drain_event(s);
            answer_connections(s);
            more = true;
        }
        deliver_waiting(s);
        if (more)
            more = net_pull(s->net);
        slirp_pollfds_poll(s->slirp, n < 0, get_revents, s);
        run_timers(s);
    }
    return NULL;
}

/* ---- the backend's face ----------------------------------------------------------------- */

static void slirp_send(NetBackend *n, const struct iovec *iov, unsigned iov_count)
{
    SlirpNet *s = n->state;
    size_t len = 0;
    if (iov_count == 1 && iov->iov_len <= FRAME_BYTES_MAX) {
        slirp_input(s->slirp, iov->iov_base, (int)iov->iov_len);
        return;
    }
    for (unsigned i = 0; i < iov_count; len += iov[i++].iov_len) {
        if (iov[i].iov_len > FRAME_BYTES_MAX - len)
            return; /* no packet is as long */
        memcpy(s->frame + len, iov[i].iov_base, iov[i].iov_len);
    }
    slirp_input(s->slirp, s->frame, (int)len);
}

static void slirp_kick(NetBackend *n)
{
    wake(n->state);
}

static void slirp_print(const NetBackend *n, FILE *out)
{
    fputs(((const SlirpNet *)n->state)->print, out);
}

static void slirp_print_connections(NetBackend *n, FILE *out)
{
    SlirpNet *s = n->state;
    pthread_mutex_lock(&s->ask_lock);
    s->asked = true;
    wake(s);
    while (s->asked)
        pthread_cond_wait(&s->answered, &s->ask_lock);
    fputs(s->connections, out);
    free(s->connections); /* glib's allocator is the C library's */
    s->connections = NULL;
    pthread_mutex_unlock(&s->ask_lock);
}

static void free_net(SlirpNet *s)
{
    pthread_mutex_destroy(&s->ask_lock);
    pthread_cond_destroy(&s->answered);
    if (s->slirp)
        slirp_cleanup(s->slirp);
    frame_queue_clear(&s->to_guest);
    if (s->event_fd >= 0)
        close(s->event_fd);
    free(s->frame);
    free(s->fds);
    free(s);
}

static void slirp_close(NetBackend *n)
{
    SlirpNet *s = n->state;
    atomic_store(&s->stopping, true);
    wake(s);
    pthread_join(s->thread, NULL);
    free_net(s);
}

static bool check_tftp(const SlirpOptions *o, Error **err)
{
    struct stat st;
    if (!o->tftp)
        return true;
    if (stat(o->tftp, &st) < 0)
        return error_set_errno(err, errno, "-netdev user: cannot serve tftp='%s'", o->tftp);
    return S_ISDIR(st.st_mode) ||
           error_set(err, "-netdev user: tftp='%s' is not a directory", o->tftp);
}

static bool add_forward(SlirpNet *s, const HostForward *f, Error **err)
{
    if (slirp_add_hostfwd(s->slirp, f->udp, f->host_addr, f->host_port, f->guest_addr,
                          f->guest_port) == 0)
        return true;
    int e = errno;
    const char *kind = f->udp ? "UDP" : "TCP";
    if (e == EADDRINUSE)
        return error_set(err, "hostfwd='%s': %s port %u of the host is in use; choose another "
                         "port, or end the program that holds it", f->text, kind, f->host_port);
    if (e == EACCES)
        return error_set(err, "hostfwd='%s': %s port %u of the host may be opened by root only; "
                         "choose one from 1024 up", f->text, kind, f->host_port);
    return error_set_errno(err, e, "hostfwd='%s': cannot open %s port %u of the host", f->text,
                           kind, f->host_port);
}

static SlirpConfig slirp_config(const SlirpOptions *o)
{
    return (SlirpConfig){
        .version = 4,
        .restricted = o->restricted,
        .in_enabled = o->ipv4,
        .vnetwork = o->net,
        .vnetmask = o->mask,
        .vhost = o->host,
        .in6_enabled = o->ipv6,
        .vprefix_addr6 = o->prefix6,
        .vprefix_len = o->prefix6_bits,
        .vhost6 = o->host6,
        .vhostname = o->hostname,
        .tftp_server_name = o->tftp_server_name,
        .tftp_path = o->tftp,
        .bootfile = o->bootfile,
        .vdhcp_start = o->dhcp_start,
        .vnameserver = o->dns,
        .vnameserver6 = o->dns6,
        .vdnssearch = o->dns_search[0] ? o->dns_search : NULL,
        .vdomainname = o->domain,
    };
}

static bool start_thread(SlirpNet *s, Error **err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&s->thread, NULL, slirp_thread, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return e == 0 || error_set_errno(err, e, "cannot start the thread of network '%s'",
                                     s->net->id);
}

/* libslirp copies all texts of its configuration. */
static bool open_with(SlirpNet *s, const SlirpOptions *o, Error **err)
{
    SlirpConfig config = slirp_config(o);
    if (!check_tftp(o, err))
        return false;
    char net[INET_ADDRSTRLEN];
    snprintf(s->print, sizeof(s->print), ",net=%s,restrict=%s",
             inet_ntop(AF_INET, &o->net, net, sizeof(net)), o->restricted ? "on" : "off");
    s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->fd_capacity = 64;
    s->fds = calloc(s->fd_capacity, sizeof(*s->fds));
    s->frame = malloc(FRAME_BYTES_MAX);
    if (s->event_fd < 0 || !s->fds || !s->frame)
        return error_set_errno(err, errno, "cannot create network '%s'", s->net->id);
    s->slirp = slirp_new(&config, &callbacks, s);
    if (!s->slirp)
        return error_set(err, "libslirp refuses to create network '%s'", s->net->id);
    for (unsigned i = 0; i < o->forward_count; i++)
        if (!add_forward(s, &o->forwards[i], err))
            return false;
    return start_thread(s, err);
}

static bool slirp_open(NetBackend *n, Keyval *kv, Error **err)
{
    SlirpOptions o;
    SlirpNet *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for network '%s'", n->id);
    s->net = n;
    s->event_fd = -1;
    pthread_mutex_init(&s->ask_lock, NULL);
    pthread_cond_init(&s->answered, NULL);
    frame_queue_init(&s->to_guest, QUEUE_BYTES);
    bool ok = slirp_options_parse(&o, kv, err) && open_with(s, &o, err);
    slirp_options_free(&o);
    if (ok)
        n->state = s;
    else
        free_net(s);
    return ok;
}

const NetType slirp_net_type = {
    .name = "user",
    .options = slirp_option_names,
    .open = slirp_open,
    .close = slirp_close,
    .send = slirp_send,
    .kick = slirp_kick,
    .print = slirp_print,
    .print_connections = slirp_print_connections,
};
