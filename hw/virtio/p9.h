// SPDX-License-Identifier: MIT
//
// The 9P protocol in its dialect 9P2000.L (the messages of 9P2000 and Linux' include/net/9p/9p.h):
// how messages are written, and a server that answers them from a shared folder.
//
// A message is size[4] type[1] tag[2] and then its fields, integers little-endian, strings with
// their length[2] before them.
#ifndef HW_VIRTIO_P9_H
#define HW_VIRTIO_P9_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "fsdev/tree.h"
#include "hw/virtio/virtqueue.h"

/* Requests; the answer is one more. */
enum {
    P9_LERROR = 6, /* as an answer: 7 */
    P9_STATFS = 8,
    P9_LOPEN = 12,
    P9_LCREATE = 14,
    P9_SYMLINK = 16,
    P9_MKNOD = 18,
    P9_RENAME = 20,
    P9_READLINK = 22,
    P9_GETATTR = 24,
    P9_SETATTR = 26,
    P9_XATTRWALK = 30,
    P9_XATTRCREATE = 32,
    P9_READDIR = 40,
    P9_FSYNC = 50,
    P9_LOCK = 52,
    P9_GETLOCK = 54,
    P9_LINK = 70,
    P9_MKDIR = 72,
    P9_RENAMEAT = 74,
    P9_UNLINKAT = 76,
    P9_VERSION = 100,
    P9_AUTH = 102,
    P9_ATTACH = 104,
    P9_FLUSH = 108,
    P9_WALK = 110,
    P9_READ = 116,
    P9_WRITE = 118,
    P9_CLUNK = 120,
    P9_REMOVE = 122,
    P9_TYPES = 128,
};

#define P9_HEADER_BYTES 7u
#define P9_ERROR_BYTES (P9_HEADER_BYTES + 4)
#define P9_MSIZE_MIN 4096u
#define P9_MSIZE_MAX (1u << 20)
#define P9_WALK_MAX 16u

/* ---- fields of messages (p9_wire.c) ----------------------------------------------------- */

/* Reads fields; what is not there reads as zero and makes the message `bad`. */
typedef struct P9Reader {
    const uint8_t *at, *end;
    bool bad;
} P9Reader;

uint64_t p9_get(P9Reader *r, unsigned bytes);
/* A string for the host: 0; EINVAL with a NUL in it; ENAMETOOLONG if it does not fit. */
int p9_get_text(P9Reader *r, char *buf, size_t size);
static inline int p9_get_name(P9Reader *r, char name[NAME_MAX + 1])
{
    return p9_get_text(r, name, NAME_MAX + 1);
}

/* Writes fields; what does not fit makes the answer `full`. */
typedef struct P9Writer {
    uint8_t *start, *at, *end;
    bool full;
} P9Writer;

typedef struct P9Qid {
    uint8_t type;
    uint32_t version;
    uint64_t path;
} P9Qid;

enum { P9_QID_DIR = 0x80, P9_QID_SYMLINK = 0x02 };

void p9_put(P9Writer *w, uint64_t value, unsigned bytes);
void p9_put_bytes(P9Writer *w, const void *bytes, size_t len);
void p9_put_text(P9Writer *w, const char *text);
void p9_put_qid(P9Writer *w, P9Qid qid);
P9Qid p9_qid_of(const FsAttr *attr);
/* The answer to GETATTR. */
void p9_put_attr(P9Writer *w, const FsAttr *attr);
/* The fields of SETATTR after the fid; false: a time that is none. */
bool p9_get_change(P9Reader *r, FsChange *c);
/* Flags of LOPEN and LCREATE as the host's. */
int p9_open_flags(uint32_t flags);

/* ---- the server (p9_server.c) ----------------------------------------------------------- */

typedef struct P9Server P9Server;

/* The room that serving a message needs; each thread has its own. */
#define P9_REQUEST_BYTES 12288u /* but for the data of WRITE */
#define P9_ANSWER_BYTES 65536u  /* but for the data of READ */
typedef struct P9Room {
    uint8_t request[P9_REQUEST_BYTES], answer[P9_ANSWER_BYTES];
    char text[PATH_MAX];
    struct iovec iov[VIRTQ_CHAIN_MAX];
} P9Room;

P9Server *p9_server_create(FsDev *d, Error **err);
void p9_server_destroy(P9Server *s);
/* Forget the driver: no message is being served. */
void p9_server_reset(P9Server *s);
/* Answer the message in the chain; any thread. The length of the answer; 0: the driver made a chain
 * that is no message, or has no room for an answer. FLUSH is answered at once. */
uint32_t p9_server_answer(P9Server *s, const VirtChain *c, P9Room *room);

#endif
