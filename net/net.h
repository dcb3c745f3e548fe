// SPDX-License-Identifier: MIT
//
// Host ends of networks. Frames are Ethernet without FCS. A device sends with net_send() from any
// thread and receives by a handler that runs on the backend's thread (the device takes its lock).
// `user` is libslirp in a thread of its own.
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "util/error.h"
#include "util/log.h"

typedef struct NetBackend NetBackend;

typedef struct NetReceiver {
    bool (*can_receive)(void *opaque); /* false: keep the frame until net_flush() */
    void (*receive)(void *opaque, const uint8_t *frame, size_t len);
    void *opaque;
} NetReceiver;

/* From the text after -netdev: "user,id=n0,hostfwd=tcp:127.0.0.1:2222-:22,...". */
NetBackend *net_open(const char *spec, Log *log, Error **err);
void net_close(NetBackend *n);
const char *net_id(const NetBackend *n);
/* NULL: detach; no call is under way any more. Not from within a call of the receiver. */
void net_attach(NetBackend *n, const NetReceiver *receiver);
void net_send(NetBackend *n, const struct iovec *iov, unsigned iov_count);
void net_flush(NetBackend *n); /* the device can receive again */
bool net_claim(NetBackend *n, const char *user, Error **err) MUST_CHECK;
void net_release(NetBackend *n); /* detaches, too */

#endif
