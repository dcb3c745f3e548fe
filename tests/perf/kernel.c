// SPDX-License-Identifier: MIT
/*
 * What leans on the guest's kernel: system calls, page faults, processes, pipes.
 *
 * usage: kernel NAME...      prints: bench NAME SECONDS CHECKSUM (without a name: nothing)
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static uint64_t bench_syscalls(void)
{
    uint64_t same = 0;
    long pid = getpid();
    for (int i = 0; i < 600000; i++) {
        same += syscall(SYS_getpid) == pid;
    }
    return same;
}

static uint64_t bench_pagefaults(void)
{
    enum { SIZE = 32 << 20 };
    uint64_t sum = 0;
    for (int round = 0; round < 4; round++) {
        char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(memory, SIZE, MADV_NOHUGEPAGE);
        for (int i = 0; i < SIZE; i += 4096) {
            memory[i] = (char)i;
            sum++;
        }
        munmap(memory, SIZE);
    }
    return sum;
}

static uint64_t bench_forkexec(void)
{
    uint64_t good = 0;
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "kernel", (char *)NULL);
            _exit(127);
        }
        int status;
        good += waitpid(child, &status, 0) == child && status == 0;
    }
    return good;
}

/* One process reads what another writes, 16 KiB at a time. */
static uint64_t bench_pipes(void)
{
    enum { SIZE = 16384, COUNT = 10000 };
    static char data[SIZE];
    int ends[2];
    if (pipe(ends)) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        for (int i = 0; i < COUNT; i++) {
            memset(data, i, 64);
            if (write(ends[1], data, SIZE) != SIZE) {
                _exit(1);
            }
        }
        _exit(0);
    }
    close(ends[1]);
    uint64_t bytes = 0;
    for (ssize_t n; (n = read(ends[0], data, SIZE)) > 0;) {
        bytes += (uint64_t)n;
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return bytes;
}

/* Two processes hand a byte to and fro: context switches. */
static uint64_t bench_switches(void)
{
    enum { COUNT = 10000 };
    int there[2], back[2];
    if (pipe(there) || pipe(back)) {
        return 0;
    }
    char byte = 0;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < COUNT; i++) {
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) {
                _exit(1);
            }
        }
        _exit(0);
    }
    uint64_t good = 0;
    for (int i = 0; i < COUNT; i++) {
        good += write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1;
    }
    waitpid(child, NULL, 0);
    return good;
}

static const Bench benches[] = {
    {"syscalls", bench_syscalls, NULL},
    {"pagefaults", bench_pagefaults, NULL},
    {"forkexec", bench_forkexec, NULL},
    {"pipes", bench_pipes, NULL},
    {"switches", bench_switches, NULL},
};

BENCH_MAIN(benches)
