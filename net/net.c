// SPDX-License-Identifier: MIT
//
// Host ends of networks: choosing the type, ids, claiming, the way to the device. Contract in
// net.h.
#include "net/net.h"

#include <stdlib.h>
#include <string.h>
#include "net/internal.h"
#include "util/bitops.h"
#include "util/suggest.h"

/* ---- queues of frames ------------------------------------------------------------------- */

void frame_queue_init(FrameQueue *q, size_t limit_bytes)
{
    *q = (FrameQueue){ .limit_bytes = limit_bytes };
    q->tail = &q->head;
}

void frame_queue_clear(FrameQueue *q)
{
    for (Frame *f; (f = frame_queue_pop(q));)
        free(f);
}

Frame *frame_new(const FrameQueue *q, size_t len)
{
    if (len > FRAME_BYTES_MAX || q->bytes + len > q->limit_bytes)
        return NULL;
    Frame *f = malloc(sizeof(*f) + len);
    if (f) {
        f->next = NULL;
        f->len = len;
    }
    return f;
}

void frame_queue_push(FrameQueue *q, Frame *f)
{
    *q->tail = f;
    q->tail = &f->next;
    q->bytes += f->len;
}

Frame *frame_queue_pop(FrameQueue *q)
{
    Frame *f = q->head;
    if (!f)
        return NULL;
    q->head = f->next;
    if (!q->head)
        q->tail = &q->head;
    q->bytes -= f->len;
    return f;
}

/* ---- backends --------------------------------------------------------------------------- */

static const NetType *const net_types[] = { &slirp_net_type };

/* Types of QEMU's that there may be later: a better answer than a guess. */
static const char *const absent_types[] = { "tap", "bridge", "socket", "stream", "dgram", "vde",
                                            "l2tpv3", "vhost-user", "vhost-vdpa", "hubport" };

static const NetType *find_type(const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (size_t i = 0; i < ARRAY_SIZE(net_types); i++) {
        if (strcmp(net_types[i]->name, name) == 0)
            return net_types[i];
        suggest_offer(&s, net_types[i]->name);
    }
    for (size_t i = 0; i < ARRAY_SIZE(absent_types); i++) {
        if (strcmp(absent_types[i], name) == 0) {
            error_set(err, "network type '%s' is not supported; use 'user'", name);
            return NULL;
        }
    }
    error_set(err, "unknown network type '%s'%s", name,
              s.best ? suggest_text(&s) : "; use 'user'");
    return NULL;
}

void net_init_common(NetBackend *n, char *id, Log *log)
{
    pthread_mutexattr_t attr;
    *n = (NetBackend){ .id = id, .log = log };
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&n->receiver_lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

void net_print_types(FILE *out)
{
    fputs("Available netdev backend types:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(net_types); i++)
        fprintf(out, "%s\n", net_types[i]->name);
}

bool net_print_options(const char *name, FILE *out, Error **err)
{
    const NetType *type = find_type(name, err);
    if (!type)
        return false;
    fprintf(out, "netdev %s options:\n  id=\n", type->name);
    for (const char *const *o = type->options; *o; o++)
        fprintf(out, "  %s=\n", *o);
    return true;
}

static NetBackend *create(Keyval *kv, Log *log, Error **err)
{
    const char *type_name = keyval_take(kv, "type"), *id = keyval_take(kv, "id");
    if (!type_name) {
        error_set(err, "-netdev needs a type first, as in '-netdev user,id=n0'");
        return NULL;
    }
    const NetType *type = find_type(type_name, err);
    if (!type)
        return NULL;
    if (!id || !*id) {
        error_set(err, "-netdev %s needs an id for its device to name, as in '-netdev %s,id=n0'",
                  type_name, type_name);
        return NULL;
    }
    NetBackend *n = calloc(1, sizeof(*n));
    char *id_copy = strdup(id);
    if (!n || !id_copy) {
        free(n);
        free(id_copy);
        error_set(err, "out of memory for network '%s'", id);
        return NULL;
    }
    net_init_common(n, id_copy, log);
    if (type->open(n, kv, err)) {
        n->type = type;
        return n;
    }
    net_close(n);
    return NULL;
}

NetBackend *net_open(const char *spec, Log *log, Error **err)
{
    Keyval kv;
    if (!keyval_parse(&kv, spec, "type", err))
        return NULL;
    NetBackend *n = create(&kv, log, err);
    keyval_free(&kv);
    return n;
}

void net_close(NetBackend *n)
{
    if (!n)
        return;
    if (n->type)
        n->type->close(n);
    pthread_mutex_destroy(&n->receiver_lock);
    free(n->id);
    free(n->user);
    free(n);
}

const char *net_id(const NetBackend *n)
{
    return n->id;
}

void net_attach(NetBackend *n, const NetReceiver *receiver)
{
    pthread_mutex_lock(&n->receiver_lock);
    n->receiver = receiver ? *receiver : (NetReceiver){ 0 };
    pthread_mutex_unlock(&n->receiver_lock);
}

bool net_deliver(NetBackend *n, const uint8_t *frame, size_t len)
{
    pthread_mutex_lock(&n->receiver_lock);
    const NetReceiver *r = &n->receiver;
    bool taken = !r->receive || !r->can_receive || r->can_receive(r->opaque);
    if (taken && r->receive)
        r->receive(r->opaque, frame, len);
    pthread_mutex_unlock(&n->receiver_lock);
    return taken;
}

bool net_pull(NetBackend *n)
{
    pthread_mutex_lock(&n->receiver_lock);
    const NetReceiver *r = &n->receiver;
    bool more = r->transmit && r->transmit(r->opaque);
    pthread_mutex_unlock(&n->receiver_lock);
    return more;
}

void net_send(NetBackend *n, const struct iovec *iov, unsigned iov_count)
{
    n->type->send(n, iov, iov_count);
}

void net_kick(NetBackend *n)
{
    n->type->kick(n);
}

bool net_claim(NetBackend *n, const char *user, Error **err)
{
    if (n->user)
        return error_set(err, "netdev '%s' is used by '%s' already; give '%s' a -netdev of its own",
                         n->id, n->user, user);
    n->user = strdup(user);
    return n->user || error_set(err, "out of memory for network '%s'", n->id);
}

void net_release(NetBackend *n)
{
    net_attach(n, NULL);
    free(n->user);
    n->user = NULL;
}

void net_print(const NetBackend *n, FILE *out)
{
    fprintf(out, "%s: index=0,type=%s", n->id, n->type->name);
    n->type->print(n, out);
    fputc('\n', out);
}

void net_print_connections(NetBackend *n, FILE *out)
{
    fprintf(out, "Hub -1 (%s):\n", n->id);
    n->type->print_connections(n, out);
}
