// SPDX-License-Identifier: MIT
//
// The main loop on epoll(7); contract in mainloop.h. Posted work is a list under `lock`, announced
// by an eventfd. A watch removed while its event is already in the batch is kept on a list until
// the batch is done, so that a stale event finds a dead watch, not freed memory.
#include "softmmu/mainloop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct LoopWatch {
    MainLoop *loop;
    int fd;
    void (*ready)(void *opaque, uint32_t events);
    void *opaque;
    bool registered, dead;
    LoopWatch *next_dead;
};

typedef struct Post {
    void (*fn)(void *opaque);
    void *opaque;
    struct Post *next;
} Post;

struct MainLoop {
    int epoll_fd, event_fd;
    pthread_mutex_t lock;
    Post *posts, **posts_tail;
    Post *batch; /* those that are being run and come next; the loop's thread only */
    LoopWatch *dead;
    atomic_bool quit;
};

MainLoop *mainloop_create(Error **err)
{
    MainLoop *loop = calloc(1, sizeof(*loop));
    if (!loop) {
        error_set(err, "out of memory for the main loop");
        return NULL;
    }
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop->epoll_fd < 0 || loop->event_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->event_fd, &ev) < 0) {
        error_set_errno(err, errno, "cannot create the main loop's epoll and event descriptors");
        close(loop->epoll_fd);
        close(loop->event_fd);
        free(loop);
        return NULL;
    }
    pthread_mutex_init(&loop->lock, NULL);
    loop->posts_tail = &loop->posts;
    return loop;
}

static void free_dead(MainLoop *loop)
{
    for (LoopWatch *w; (w = loop->dead);) {
        loop->dead = w->next_dead;
        free(w);
    }
}

void mainloop_destroy(MainLoop *loop)
{
    if (!loop)
        return;
    free_dead(loop);
    for (Post *p; (p = loop->posts);) {
        loop->posts = p->next;
        free(p);
    }
    close(loop->epoll_fd);
    close(loop->event_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

LoopWatch *mainloop_watch(MainLoop *loop, int fd, uint32_t events,
                          void (*ready)(void *opaque, uint32_t events), void *opaque, Error **err)
{
    LoopWatch *w = calloc(1, sizeof(*w));
    if (!w) {
        error_set(err, "out of memory for a watched descriptor");
        return NULL;
    }
    *w = (LoopWatch){ .loop = loop, .fd = fd, .ready = ready, .opaque = opaque };
    struct epoll_event ev = { .events = events, .data.ptr = w };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
        error_set_errno(err, errno, "cannot watch descriptor %d", fd);
        free(w);
        return NULL;
    }
    w->registered = true;
    return w;
}

/* With no events the descriptor is taken out, because a hang-up would be reported regardless. */
void mainloop_watch_set(LoopWatch *w, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = w };
    int op = !events ? EPOLL_CTL_DEL : w->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (events || w->registered)
        epoll_ctl(w->loop->epoll_fd, op, w->fd, &ev);
    w->registered = events;
}

void mainloop_unwatch(LoopWatch *w)
{
    if (!w)
        return;
    mainloop_watch_set(w, 0);
    w->dead = true;
    w->next_dead = w->loop->dead;
    w->loop->dead = w;
}

static void wake(MainLoop *loop)
{
    uint64_t one = 1;
    while (write(loop->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

void mainloop_post(MainLoop *loop, void (*fn)(void *opaque), void *opaque)
{
    Post *p = malloc(sizeof(*p));
    if (!p)
        return; /* the poster's next change of state posts again */
    *p = (Post){ fn, opaque, NULL };
    pthread_mutex_lock(&loop->lock);
    *loop->posts_tail = p;
    loop->posts_tail = &p->next;
    pthread_mutex_unlock(&loop->lock);
    wake(loop);
}

static void forgotten(void *opaque)
{
}

static void forget(Post *p, const void *opaque)
{
    for (; p; p = p->next)
        if (p->opaque == opaque)
            p->fn = forgotten;
}

void mainloop_unpost(MainLoop *loop, const void *opaque)
{
    pthread_mutex_lock(&loop->lock);
    forget(loop->posts, opaque);
    forget(loop->batch, opaque);
    pthread_mutex_unlock(&loop->lock);
}

static void run_posts(MainLoop *loop)
{
    uint64_t count;
    while (read(loop->event_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&loop->lock);
    loop->batch = loop->posts;
    loop->posts = NULL;
    loop->posts_tail = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    for (Post *p; (p = loop->batch);) {
        loop->batch = p->next;
        p->fn(p->opaque);
        free(p);
    }
}

void mainloop_run(MainLoop *loop)
{
    while (!atomic_load(&loop->quit)) {
        struct epoll_event events[32];
        int n = epoll_wait(loop->epoll_fd, events, 32, -1);
        for (int i = 0; i < n; i++) {
            LoopWatch *w = events[i].data.ptr;
            if (!w)
                run_posts(loop);
            else if (!w->dead)
                w->ready(w->opaque, events[i].events);
        }
        free_dead(loop);
    }
    atomic_store(&loop->quit, false);
}

void mainloop_quit(MainLoop *loop)
{
    atomic_store(&loop->quit, true);
    wake(loop);
}
