// SPDX-License-Identifier: MIT
// A Linux program that counts with the processor's performance monitors (perf_event_open(2)):
// instructions of a loop exactly, samples by the interrupt at an overflow, and hits of a breakpoint in
// the kernel, which steps over it at EL1. Prints a line for each statement that holds, and
// "perfcount: all right" when all do.
#define _GNU_SOURCE
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOP_INSNS = 2, BR_RETIRED = 0x21, SW_INCR = 0 };

static void say(const char *what, int right)
{
    printf("perfcount: %s: %s\n", what, right ? "right" : "WRONG");
    if (!right)
        exit(1);
}

static int open_event(uint32_t type, uint64_t config, uint64_t period)
{
    struct perf_event_attr attr = {
        .type = type, .size = sizeof(attr), .config = config, .disabled = 1, .exclude_kernel = 1,
        .exclude_hv = 1, .sample_period = period, .sample_type = period ? PERF_SAMPLE_IP : 0,
    };
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
    if (fd < 0) {
        perror("perfcount: perf_event_open");
        exit(1);
    }
    return fd;
}

__attribute__((noinline)) static void loop(uint64_t rounds)
{
    __asm__ volatile("1: subs %0, %0, #1\nb.ne 1b" : "+r"(rounds) : : "cc");
}

static uint64_t count(int fd, uint64_t rounds)
{
    uint64_t value = 0;
    ioctl(fd, PERF_EVENT_IOC_RESET, 0);
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    loop(rounds);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    if (read(fd, &value, sizeof(value)) != sizeof(value))
        return 0;
    return value;
}

// What is around the loop is the same each time, and few.
static void counts_exactly(const char *what, int fd, unsigned a_round)
{
    uint64_t once = count(fd, 1);
    say(what, once >= a_round && once < 100);
    for (uint64_t rounds = 10; rounds <= 10000000; rounds *= 10)
        say("exactly", count(fd, rounds) - once == (rounds - 1) * a_round);
    close(fd);
}

static void samples(void)
{
    enum { PERIOD = 100000, ROUNDS = 1000000 };
    long page = sysconf(_SC_PAGESIZE);
    /* on a busy host the kernel would find its interrupts too slow, and take fewer */
    FILE *limit = fopen("/proc/sys/kernel/perf_cpu_time_max_percent", "w");
    say("no limit", limit && fputs("0", limit) >= 0 && fclose(limit) == 0);
    int fd = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, PERIOD);
    struct perf_event_mmap_page *m = mmap(NULL, 9 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say("a ring buffer", m != MAP_FAILED);
    count(fd, ROUNDS);
    unsigned found = 0, inside = 0;
    for (uint64_t at = 0; at < m->data_head;) {
        const struct perf_event_header *h = (void *)((char *)m + page + at);
        uint64_t ip;
        memcpy(&ip, h + 1, sizeof(ip));
        found += h->type == PERF_RECORD_SAMPLE;
        inside += h->type == PERF_RECORD_SAMPLE && ip - (uint64_t)loop < 64;
        at += h->size;
    }
    printf("perfcount: %u samples, %u in the loop\n", found, inside);
    say("as many samples as periods", found == ROUNDS * LOOP_INSNS / PERIOD);
    say("in the loop", inside == found);
    close(fd);
}

static uint64_t kernel_symbol(const char *wanted)
{
    char line[512], name[256];
    unsigned long value, found = 0;
    FILE *list = fopen("/proc/kallsyms", "r");
    while (list && !found && fgets(line, sizeof(line), list))
        if (sscanf(line, "%lx %*c %255s", &value, name) == 2 && !strcmp(name, wanted))
            found = value;
    if (list)
        fclose(list);
    return found;
}

static void kernel_breakpoint(void)
{
    enum { CALLS = 100 };
    struct perf_event_attr attr = {
        .type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_X,
        .bp_addr = kernel_symbol("__arm64_sys_getppid"), .bp_len = HW_BREAKPOINT_LEN_4,
    };
    uint64_t hits = 0;
    cpu_set_t here; /* the kernel has such breakpoints for a CPU only, not for a task */
    CPU_ZERO(&here);
    CPU_SET(0, &here);
    sched_setaffinity(0, sizeof(here), &here);
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
    say("a breakpoint in the kernel", fd >= 0);
    for (int i = 0; i < CALLS; i++)
        syscall(SYS_getppid);
    // an interrupt between the hit and the step over it makes Linux count it twice
    say("as many hits as calls", read(fd, &hits, sizeof(hits)) == sizeof(hits) &&
                                     hits - CALLS <= CALLS / 10);
    close(fd);
}

int main(void)
{
    counts_exactly("instructions", open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0),
                   LOOP_INSNS);
    counts_exactly("cycles", open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0),
                   LOOP_INSNS);
    counts_exactly("branches", open_event(PERF_TYPE_RAW, BR_RETIRED, 0), 1);
    samples();
    kernel_breakpoint();
    printf("perfcount: all right\n");
    return 0;
}
