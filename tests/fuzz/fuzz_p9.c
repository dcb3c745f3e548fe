// SPDX-License-Identifier: MIT
//
// A hostile 9P driver: the server of shared folders gets messages made of the input, against a
// small folder with links that lead out of it, a pipe, and folders in folders.
//
// The first byte chooses the security model. Then each message is a byte for its kind and one for
// how much follows; its fields are raw bytes, or, where a byte says so, fids, names and modes that
// make sense. What lies beside the folder must be the same afterwards.
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hw/virtio/p9.h"
#include "tests/fuzz/fuzz.h"
#include "util/bitops.h"
#include "util/keyval.h"

#define MESSAGES_MAX 200
#define MESSAGE_BYTES 1024u
#define ANSWER_BYTES 8192u
#define FOLDER_BYTES 40

typedef struct Folder {
    char top[FOLDER_BYTES]; /* has "share", and "outside" with a file "secret" */
} Folder;

static void path_of(char path[64], const Folder *f, const char *name)
{
    snprintf(path, 64, "%s/%s", f->top, name);
}

static void put_file(const Folder *f, const char *name)
{
    char path[64];
    path_of(path, f, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    fuzz_must(fd >= 0 && write(fd, "secret", 6) == 6, "writing a file", NULL);
    close(fd);
}

static void put_folder(const Folder *f, const char *name)
{
    char path[64];
    path_of(path, f, name);
    fuzz_must(mkdir(path, 0700) == 0, "mkdir", NULL);
}

static void folder_open(Folder *f)
{
    char path[64];
    strcpy(f->top, "/dev/shm/fuzz-p9-XXXXXX");
    fuzz_must(mkdtemp(f->top), "mkdtemp", NULL);
    put_folder(f, "share");
    put_folder(f, "share/d");
    put_folder(f, "share/d/e");
    put_folder(f, "outside");
    put_file(f, "outside/secret");
    put_file(f, "share/f");
    put_file(f, "share/d/g");
    path_of(path, f, "share/out");
    fuzz_must(symlink("../outside", path) == 0, "symlink", NULL);
    path_of(path, f, "share/link");
    fuzz_must(symlink("../outside/secret", path) == 0, "symlink", NULL);
    path_of(path, f, "share/pipe");
    fuzz_must(mkfifo(path, 0600) == 0, "mkfifo", NULL);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

/* Nothing beside the share has changed; then all of it goes. */
static void folder_close(const Folder *f)
{
    char path[64], text[8] = "";
    struct stat st;
    path_of(path, f, "outside/secret");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    fuzz_must(fd >= 0 && read(fd, text, sizeof(text)) == 6 && !strcmp(text, "secret") &&
              fstat(fd, &st) == 0 && st.st_nlink == 1 && (st.st_mode & 07777) == 0600,
              "leaving what is outside alone", NULL);
    close(fd);
    path_of(path, f, "outside");
    fuzz_must(stat(path, &st) == 0 && st.st_nlink == 2, "making no folder outside", NULL);
    nftw(f->top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static P9Server *server_open(const Folder *f, uint8_t kind, FsDev **dev)
{
    static const char *const models[] = { "none", "mapped-xattr", "mapped-file",
                                          "none,readonly=on" };
    Error *err = NULL;
    Keyval kv;
    char spec[160];
    snprintf(spec, sizeof(spec), "local,id=f,path=%s/share,security_model=%s", f->top,
             models[kind % ARRAY_SIZE(models)]);
    fuzz_must(keyval_parse(&kv, spec, "driver", &err), "the options", err);
    *dev = fsdev_open(&kv, "-fsdev", NULL, &err);
    fuzz_must(*dev, "the folder", err);
    keyval_free(&kv);
    P9Server *s = p9_server_create(*dev, &err);
    fuzz_must(s, "the server", err);
    return s;
}

/* ---- messages --------------------------------------------------------------------------- */

typedef struct Message {
    uint8_t bytes[MESSAGE_BYTES];
    uint32_t len;
} Message;

static void put(Message *m, const void *bytes, size_t len)
{
    len = MIN(len, MESSAGE_BYTES - m->len);
    memcpy(m->bytes + m->len, bytes, len);
    m->len += (uint32_t)len;
}

static void put_number(Message *m, uint64_t value, unsigned bytes)
{
    put(m, &value, bytes);
}

static void put_name(Message *m, uint8_t which)
{
    static const char *const names[] = { "f", "d", "e", "g", "out", "secret", "link", "pipe", "n",
                                         "m", "..", "user.a", "../outside", "", ".",
                                         ".virtfs_metadata" };
    const char *name = names[which % ARRAY_SIZE(names)];
    put_number(m, strlen(name), 2);
    put(m, name, strlen(name));
}

static void put_field(Message *m, FuzzInput *in)
{
    uint8_t what = fuzz_byte(in), low = what & 15;
    switch (what >> 4 & 7) {
    case 0: case 1: put_number(m, low & 7, 4); break;               /* a fid */
    case 2: case 3: put_name(m, low); break;
    case 4: put_number(m, fuzz_take(in, 4), 4); break;
    case 5: put_number(m, fuzz_take(in, 1 + (low & 7)), 8); break;
    case 6: put_number(m, low, 2); break;
    default: put_number(m, fuzz_byte(in), 1 + (low & 3)); break;
    }
}

static void make_message(Message *m, FuzzInput *in)
{
    uint8_t kind = fuzz_byte(in), fields = fuzz_byte(in);
    m->len = 4;
    put_number(m, kind & 0x80 ? kind : kind & 0x7e, 1);
    put_number(m, fields, 2);
    for (unsigned i = 0; i < (fields & 15); i++)
        put_field(m, in);
    uint32_t size = fields < 0xf8 ? m->len : (uint32_t)fuzz_take(in, 4);
    memcpy(m->bytes, &size, 4);
}

/* The device has the message in two segments, its answer in three. */
static void exchange(P9Server *s, Message *m, P9Room *room, uint8_t *answer, uint32_t answer_bytes)
{
    uint32_t cut = MIN(m->len, 11);
    struct iovec iov[] = { { m->bytes, cut }, { m->bytes + cut, m->len - cut }, { answer, 5 },
                           { answer + 5, 9 }, { answer + 14, answer_bytes - 14 } };
    VirtChain c = { .iov = iov, .out_count = 2, .in_count = 3, .out_bytes = m->len,
                    .in_bytes = answer_bytes };
    uint32_t written = p9_server_answer(s, &c, room), size;
    memcpy(&size, answer, 4);
    fuzz_must(!written || (written == size && written <= answer_bytes), "an answer", NULL);
}

static void attach(P9Server *s, P9Room *room, uint8_t *answer)
{
    Message m = { .len = 4 };
    put_number(&m, P9_VERSION, 1);
    put_number(&m, 0, 2);
    put_number(&m, ANSWER_BYTES, 4);
    put_number(&m, 8, 2);
    put(&m, "9P2000.L", 8);
    memcpy(m.bytes, &m.len, 4);
    exchange(s, &m, room, answer, ANSWER_BYTES);
    m.len = 4;
    put_number(&m, P9_ATTACH, 1);
    put_number(&m, 0, 2 + 4);
    put_number(&m, UINT32_MAX, 4);
    put_number(&m, 0, 2 + 2 + 4);
    memcpy(m.bytes, &m.len, 4);
    exchange(s, &m, room, answer, ANSWER_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    Folder f;
    FsDev *dev;
    Message m;
    uint8_t *answer = malloc(ANSWER_BYTES);
    P9Room *room = malloc(sizeof(*room));
    fuzz_must(answer && room, "malloc", NULL);
    folder_open(&f);
    P9Server *s = server_open(&f, fuzz_byte(&in), &dev);
    attach(s, room, answer);
    for (unsigned i = 0; in.left && i < MESSAGES_MAX; i++) {
        make_message(&m, &in);
        exchange(s, &m, room, answer, m.bytes[5] & 1 ? ANSWER_BYTES : 100);
    }
    p9_server_destroy(s);
    fsdev_close(dev);
    folder_close(&f);
    free(room);
    free(answer);
    return 0;
}
