// SPDX-License-Identifier: MIT
//
// A whole machine as the command line makes it, that executes nothing (-accel qtest), and peers for
// what it listens on.
#ifndef TESTS_FUZZ_SESSION_H
#define TESTS_FUZZ_SESSION_H

#include "cli/commands.h"
#include "cli/create.h"

typedef struct FuzzSession {
    Session session;
    Options options;
    bool running; /* what monitor commands see */
    CommandContext commands;
} FuzzSession;

/* A small machine with devices of many kinds. */
void fuzz_session_open(FuzzSession *s);

/* Lines of text, each a string, taken out of the input: '/' becomes '_', so that files stay in the
 * current folder. `lines` points into `*copy`, which is to be freed. Returns how many. */
size_t fuzz_take_lines(const uint8_t *data, size_t size, char **copy, char **lines, size_t max);

/* A connection to the unix socket at `path`, which does not block. -1: the server is busy. */
int fuzz_connect(Machine *m, const char *path);
/* Write to the peer and read what it answers, the machine's main loop being served meanwhile. */
void fuzz_exchange(Machine *m, int fd, const uint8_t *data, size_t size);

#endif
