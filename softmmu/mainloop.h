// SPDX-License-Identifier: MIT
//
// The main loop: one thread on epoll(7) that serves host file descriptors, the timers of the
// virtual clock, and work that other threads post. Callbacks run on the loop's thread.
#ifndef SOFTMMU_MAINLOOP_H
#define SOFTMMU_MAINLOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

typedef struct MainLoop MainLoop;
typedef struct LoopWatch LoopWatch;

MainLoop *mainloop_create(Error **err);
void mainloop_destroy(MainLoop *loop);

/* Call `ready(opaque, events)` while some of `events` (EPOLLIN, EPOLLOUT, ...) are ready. */
LoopWatch *mainloop_watch(MainLoop *loop, int fd, uint32_t events,
                          void (*ready)(void *opaque, uint32_t events), void *opaque,
                          Error **err);
void mainloop_watch_set(LoopWatch *w, uint32_t events); /* 0: pause */
void mainloop_unwatch(LoopWatch *w);                    /* from the loop's thread */

/* Run fn(opaque) soon on the loop's thread. Any thread, any time; runs in order. */
void mainloop_post(MainLoop *loop, void (*fn)(void *opaque), void *opaque);
/* Forget what was posted about `opaque`, which is going away; from the loop's thread. */
void mainloop_unpost(MainLoop *loop, const void *opaque);

/* Serve until mainloop_quit(). */
void mainloop_run(MainLoop *loop);
void mainloop_quit(MainLoop *loop); /* any thread */

#endif
