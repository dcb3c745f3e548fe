// SPDX-License-Identifier: MIT
//
// Inside the GDB server: the connection (server.c), where it listens (listen.c), and what packets
// ask for (commands.c).
#ifndef GDB_INTERNAL_H
#define GDB_INTERNAL_H

#include <pthread.h>
#include "gdb/gdb.h"
#include "gdb/packet.h"

#define GDB_BREAKPOINTS_MAX 1024u
#define GDB_WATCHPOINTS_MAX 64u

/* Signals as the protocol numbers them. */
enum { GDB_SIGNAL_INT = 2, GDB_SIGNAL_TRAP = 5 };

/* Memory (Z0) and hardware (Z1) breakpoints are the same to the translator. */
typedef struct GdbBreakpoint {
    Vaddr addr;
    char type; /* '0', '1' */
} GdbBreakpoint;

typedef struct GdbListener {
    int fd;
    char *unix_path; /* to be removed at the end, or NULL */
} GdbListener;

struct GdbServer {
    GdbHost host;
    GdbListener listener;
    LoopWatch *listen_watch;
    char *target; /* target.xml */
    size_t target_len;

    /* the connection */
    int fd; /* -1: none */
    LoopWatch *watch;
    bool no_ack, broken;
    GdbReader reader;
    GdbPacket reply;
    char frame[GDB_PACKET_BYTES + 5]; /* sent last, for a NAK */
    size_t frame_len;
    char *out; /* not yet taken by the host */
    size_t out_len;

    /* the session */
    bool was_running; /* what a debugger that vanishes leaves behind */
    bool waiting;     /* for the machine to stop: a reply is due */
    bool physical;    /* m, M and X mean physical addresses */
    VCPU *g_cpu, *c_cpu; /* of Hg and Hc */
    AccelStopEvent last; /* why it stopped, for ?; cpu NULL: somebody stopped the machine */
    int last_signal;
    AccelRunMode *modes; /* of each CPU at the next continue */
    GdbBreakpoint breakpoints[GDB_BREAKPOINTS_MAX];
    struct {
        AccelWatch watch;
        char type; /* '2' write, '3' read, '4' both */
    } watches[GDB_WATCHPOINTS_MAX];
    size_t breakpoint_count, watch_count;

    /* from a vCPU's thread, under `lock`; cpu NULL: none */
    pthread_mutex_t lock;
    AccelStopEvent event;
};

/* listen.c: `where` as in gdb_server_create(). */
bool gdb_listen(GdbListener *l, const char *where, Error **err);
void gdb_unlisten(GdbListener *l);

/* commands.c: carry out the packet in s->reader. True: s->reply is to be sent. */
bool gdb_handle_packet(GdbServer *s);
/* The reply that says why the machine stopped, into s->reply. */
void gdb_make_stop_reply(GdbServer *s);

/* server.c */
void gdb_send_reply(GdbServer *s);
/* Let the machine run by s->modes. */
void gdb_continue(GdbServer *s);
/* Without breakpoints from now on; the machine goes on if `go`. */
void gdb_end_session(GdbServer *s, bool go);

#endif
