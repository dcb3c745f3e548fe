// SPDX-License-Identifier: MIT
//
// What the fuzzers share: taking numbers off the input, handing bytes over as a file, and a board
// whose CPUs execute nothing.
//
// A fuzzer is a file fuzz_NAME.c with LLVMFuzzerTestOneInput(): with -Dfuzz=true it is linked with
// libFuzzer, else with replay.c, which runs it over the inputs that are kept in corpus/NAME.
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include "hw/core/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, taken from its start; behind its end are zeros. */
typedef struct FuzzInput {
    const uint8_t *at;
    size_t left;
} FuzzInput;

uint64_t fuzz_take(FuzzInput *in, unsigned bytes); /* 1 to 8, little-endian */
static inline uint8_t fuzz_byte(FuzzInput *in)
{
    return (uint8_t)fuzz_take(in, 1);
}

/* Bytes as a file. `path` leads to it until fuzz_file_close(). */
typedef struct FuzzFile {
    int fd;
    char path[32];
} FuzzFile;

void fuzz_file_open(FuzzFile *f, const void *bytes, size_t size);
void fuzz_file_close(FuzzFile *f);

/* A `virt` board of these options, CPUs being stubs, after reset; NULL when it refuses them. What
 * is not given is small: 8 MiB of memory, a kernel that is never run. */
typedef struct FuzzBoard {
    const char *gic_version, *kernel, *initrd, *dtb;
    const char *devices[4]; /* as after -device */
    struct BlockBackend *drive;  /* its owner is the board */
    struct NetBackend *netdev;
    struct Chardev *chardev;
} FuzzBoard;

Machine *fuzz_board_create(const FuzzBoard *options);

/* A board is dear to make: it serves a number of inputs, being reset between them. */
typedef struct FuzzKept {
    Machine *m;
    unsigned uses;
} FuzzKept;

/* The board that was kept, reset; NULL when a new one is to be created and stored in kept->m. */
Machine *fuzz_board_reuse(FuzzKept *kept);
/* Let the main loop do what is ready, without waiting. */
void fuzz_poll(Machine *m);

/* End the program loudly when something that must work does not. */
void fuzz_must(bool ok, const char *what, Error *err);

#endif
