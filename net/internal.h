// SPDX-License-Identifier: MIT
//
// What the files of net/ share: the part of a backend that knows its device, and a bounded queue
// of frames.
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <pthread.h>
#include "net/net.h"
#include "util/keyval.h"

#define FRAME_BYTES_MAX (size_t)65550 /* an IP packet of 64 KiB and its Ethernet header */

/* Frames in order, at most `limit_bytes` of them. Not locked. */
typedef struct Frame {
    struct Frame *next;
    size_t len;
    uint8_t data[];
} Frame;

typedef struct FrameQueue {
    Frame *head, **tail;
    size_t bytes, limit_bytes;
} FrameQueue;

void frame_queue_init(FrameQueue *q, size_t limit_bytes);
void frame_queue_clear(FrameQueue *q);
/* A frame of `len` bytes to be filled and pushed; NULL when the queue is full. */
Frame *frame_new(const FrameQueue *q, size_t len);
void frame_queue_push(FrameQueue *q, Frame *f);
Frame *frame_queue_pop(FrameQueue *q);

typedef struct NetType {
    const char *name;
    const char *const *options; /* ends with NULL */
    /* Fills in n->state. */
    bool (*open)(NetBackend *n, Keyval *kv, Error **err);
    void (*close)(NetBackend *n);
    void (*send)(NetBackend *n, const struct iovec *iov, unsigned iov_count);
    void (*kick)(NetBackend *n);
    /* ",parameter=value,..." that tell it from others of its type */
    void (*print)(const NetBackend *n, FILE *out);
    void (*print_connections)(NetBackend *n, FILE *out);
} NetType;

struct NetBackend {
    const NetType *type;
    char *id, *user;
    Log *log;
    void *state; /* of the type */

    /* Held while the receiver is called, and to change it. Recursive: what the device sends may
     * be answered at once. */
    pthread_mutex_t receiver_lock;
    NetReceiver receiver;
};

/* Give a frame to the device; false when it cannot take it now. A frame for which there is no
 * device is taken and forgotten. On the backend's thread only. */
bool net_deliver(NetBackend *n, const uint8_t *frame, size_t len);
/* Ask the device for frames; true: it has more. On the backend's thread only. */
bool net_pull(NetBackend *n);
/* Of the part that all types share. */
void net_init_common(NetBackend *n, char *id, Log *log);

extern const NetType slirp_net_type;
extern const char *const slirp_option_names[];

#endif
