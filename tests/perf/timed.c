// SPDX-License-Identifier: MIT
/*
 * Runs another program and measures it; the checksum is that of what it prints.
 *
 * usage: timed NAME INPUT COMMAND ARGUMENT...      prints: bench NAME SECONDS CHECKSUM
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void run_child(const char *input, int output, char **command)
{
    int in = open(input, O_RDONLY);
    if (in < 0 || dup2(in, 0) < 0 || dup2(output, 1) < 0) {
        _exit(126);
    }
    close(in);
    close(output);
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char **argv)
{
    int ends[2];
    if (argc < 4 || pipe2(ends, O_CLOEXEC)) {
        fputs("usage: timed NAME INPUT COMMAND ARGUMENT...\n", stderr);
        return 2;
    }
    double started = bench_now();
    pid_t child = fork();
    if (child == 0) {
        run_child(argv[2], ends[1], argv + 3);
    }
    close(ends[1]);
    char data[65536];
    uint64_t hash = BENCH_HASH_START;
    for (ssize_t n; (n = read(ends[0], data, sizeof data)) > 0;) {
        hash = bench_hash(hash, data, (size_t)n);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "timed: %s failed\n", argv[3]);
        return 1;
    }
    bench_report(argv[1], bench_now() - started, hash);
    return 0;
}
