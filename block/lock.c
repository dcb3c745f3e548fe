// SPDX-License-Identifier: MIT
//
// Locks that keep two programs from writing to one disk: "open file description" locks (fcntl(2))
// on single bytes of the file, in the places where QEMU and its tools look, so that they see us
// and we see them.
//
// A user of a disk holds a shared lock on byte 100+P for each permission P that it uses, and on
// byte 200+P for each permission that others must not use; then it looks whether anybody holds the
// opposite byte. Two who come at the same moment may both be refused, never both let in; so who is
// refused lets go, and tries again for a short while.
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include "block/internal.h"
#include "util/bitops.h"

enum { PERM_CONSISTENT_READ, PERM_WRITE, PERM_WRITE_UNCHANGED, PERM_RESIZE };
enum { USES_BASE = 100, REFUSES_BASE = 200, PERM_COUNT = 4 };

/* Bits by permission. */
typedef struct LockPlan {
    unsigned uses, refuses;
} LockPlan;

static const LockPlan reader_plan = { BIT(PERM_CONSISTENT_READ),
                                      BIT(PERM_WRITE) | BIT(PERM_RESIZE) };
static const LockPlan writer_plan = { BIT(PERM_CONSISTENT_READ) | BIT(PERM_WRITE),
                                      BIT(PERM_WRITE) | BIT(PERM_RESIZE) };

/* How long somebody else's look may take, and how long ours after it: never the same twice. */
enum { TRIES = 8, PAUSE_MS = 5, JITTER_MS = 20 };

static int lock_byte(int fd, off_t byte)
{
    struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
    return fcntl(fd, F_OFD_SETLK, &fl) == 0 ? 0 : errno;
}

/* EAGAIN when somebody else holds a lock on the byte. */
static int look_at_byte(int fd, off_t byte)
{
    struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
    if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
        return errno;
    return fl.l_type == F_UNLCK ? 0 : EAGAIN;
}

static int follow_plan(int fd, const LockPlan *plan)
{
    int e = 0;
    for (int p = 0; p < PERM_COUNT && !e; p++) {
        if (plan->uses & BIT(p))
            e = lock_byte(fd, USES_BASE + p);
        if (!e && plan->refuses & BIT(p))
            e = lock_byte(fd, REFUSES_BASE + p);
    }
    for (int p = 0; p < PERM_COUNT && !e; p++) {
        if (plan->uses & BIT(p))
            e = look_at_byte(fd, REFUSES_BASE + p);
        if (!e && plan->refuses & BIT(p))
            e = look_at_byte(fd, USES_BASE + p);
    }
    return e;
}

/* Locks of other files, and of bytes that are nobody's business, are not touched. */
static void let_go(int fd)
{
    struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = USES_BASE,
                        .l_len = REFUSES_BASE + PERM_COUNT - USES_BASE };
    fcntl(fd, F_OFD_SETLK, &fl);
}

static int follow_plan_soon(int fd, const LockPlan *plan)
{
    int e = follow_plan(fd, plan);
    for (int i = 1; i < TRIES && (e == EAGAIN || e == EACCES); i++) {
        struct timespec now, pause = { 0 };
        clock_gettime(CLOCK_MONOTONIC, &now);
        unsigned jitter = (unsigned)(now.tv_nsec / 1000 ^ getpid() * 7919) % JITTER_MS;
        pause.tv_nsec = (long)(PAUSE_MS + jitter) * 1000000;
        let_go(fd);
        nanosleep(&pause, NULL);
        e = follow_plan(fd, plan);
    }
    return e;
}

bool image_lock(int fd, const char *path, bool write, Error **err)
{
    int e = follow_plan_soon(fd, write ? &writer_plan : &reader_plan);
    if (e == 0 || e == ENOTSUP || e == ENOLCK || e == EINVAL)
        return true; /* a file system without locks: nobody else can lock there either */
    if (e != EAGAIN && e != EACCES)
        return error_set_errno(err, e, "cannot lock disk '%s'", path);
    if (write)
        return error_set(err, "disk '%s' is in use by another program or drive, which holds it "
                         "locked; close that one, or open the disk with readonly=on in both",
                         path);
    return error_set(err, "disk '%s' is locked by another program or drive that writes to it; "
                     "close that one first", path);
}
