// SPDX-License-Identifier: MIT
//
// Host ends of networks. Frames are Ethernet without FCS. All frames pass on the backend's thread:
// there it hands the device what came, and asks it for what it has to send after net_kick(). So a
// vCPU does nothing but kick, and what it sends while the backend works needs no kick at all.
// `user` is libslirp in a thread of its own.
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>
#include "util/error.h"
#include "util/log.h"

typedef struct NetBackend NetBackend;

/* The device's end; called on the backend's thread, the device takes its locks. */
typedef struct NetReceiver {
    bool (*can_receive)(void *opaque); /* false: keep the frame until net_kick() */
    void (*receive)(void *opaque, const uint8_t *frame, size_t len);
    /* Hand over frames by net_send(), a few dozen at most. True: there are more. */
    bool (*transmit)(void *opaque);
    void *opaque;
} NetReceiver;

/* From the text after -netdev: "user,id=n0,hostfwd=tcp:127.0.0.1:2222-:22,...". */
void net_print_types(FILE *out); /* the text of -netdev help */
bool net_print_options(const char *type, FILE *out, Error **err); /* and of -netdev TYPE,help */
NetBackend *net_open(const char *spec, Log *log, Error **err);
void net_close(NetBackend *n);
const char *net_id(const NetBackend *n);
/* NULL: detach; no call is under way any more. Not from within a call of the receiver. */
void net_attach(NetBackend *n, const NetReceiver *receiver);
/* The texts of `info network` and `info usernet`: what it is; what goes on in it. */
void net_print(const NetBackend *n, FILE *out);
void net_print_connections(NetBackend *n, FILE *out);
/* Within transmit() only; may call receive(). */
void net_send(NetBackend *n, const struct iovec *iov, unsigned iov_count);
/* The device has something to send, or can receive again. Any thread; takes no lock. */
void net_kick(NetBackend *n);
bool net_claim(NetBackend *n, const char *user, Error **err) MUST_CHECK;
void net_release(NetBackend *n); /* detaches, too */

#endif
