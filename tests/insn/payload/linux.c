// SPDX-License-Identifier: MIT
// The payload as a static Linux program without a C library: the blob comes on standard input,
// exceptions are signals.
#include "payload.h"

enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 94, SYS_SIGALTSTACK = 132,
       SYS_SIGACTION = 134, SYS_MMAP = 222 };
enum { SIG_ILL = 4, SIG_TRAP = 5, SIG_BUS = 7, SIG_SEGV = 11 };

#define SA_SIGINFO 4ul
#define SA_ONSTACK 0x08000000ul
#define SA_NODEFER 0x40000000ul
#define UCONTEXT_PC 440             // offset of the PC in the kernel's struct ucontext

static uint8_t signal_stack[65536] __attribute__((aligned(16)));
static char out[65536];
static unsigned out_length;

static long syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

static void flush(void)
{
    for (unsigned done = 0; done < out_length;) {
        long n = syscall6(SYS_WRITE, 1, (long)out + done, out_length - done, 0, 0, 0);
        if (n <= 0) {
            break;
        }
        done += (unsigned)n;
    }
    out_length = 0;
}

void platform_write(const char *text, unsigned length)
{
    if (out_length + length > sizeof(out)) {
        flush();
    }
    for (unsigned i = 0; i < length; i++) {
        out[out_length++] = text[i];
    }
}

_Noreturn void platform_exit(int status)
{
    flush();
    syscall6(SYS_EXIT, status, 0, 0, 0, 0, 0);
    for (;;) {
    }
}

static void on_signal(int sig, void *info, uint8_t *context)
{
    uint64_t *pc = (uint64_t *)(context + UCONTEXT_PC);
    enum Event e = EVENT_OTHER;

    switch (sig) {
    case SIG_ILL:
        e = EVENT_UNDEFINED;
        break;
    case SIG_SEGV:
        e = EVENT_DATA_ABORT;
        break;
    case SIG_BUS:
        e = EVENT_ALIGNMENT;
        break;
    case SIG_TRAP:
        e = EVENT_BREAKPOINT;
        break;
    }
    *pc = note_event(*pc, e);
}

static void map_fixed(uint64_t address, uint64_t size)
{
    // PROT_READ|WRITE|EXEC, MAP_PRIVATE|FIXED|ANONYMOUS
    long got = syscall6(SYS_MMAP, (long)address, (long)size, 7, 0x32, -1, 0);
    if (got != (long)address) {
        platform_write("no memory\n", 10);
        platform_exit(1);
    }
}

void platform_init(void)
{
    map_fixed(BLOB_BASE, BLOB_MAX);
    map_fixed(SCRATCH_BASE, SCRATCH_SIZE);
    uint64_t at = BLOB_BASE;
    for (;;) {
        long n = syscall6(SYS_READ, 0, (long)at, BLOB_BASE + BLOB_MAX - (long)at, 0, 0, 0);
        if (n <= 0) {
            break;
        }
        at += (uint64_t)n;
    }
    uint64_t stack[3] = { (uint64_t)signal_stack, 0, sizeof(signal_stack) };
    syscall6(SYS_SIGALTSTACK, (long)stack, 0, 0, 0, 0, 0);
    uint64_t action[4] = { (uint64_t)on_signal, SA_SIGINFO | SA_ONSTACK | SA_NODEFER, 0, 0 };
    static const int signals[] = { SIG_ILL, SIG_TRAP, SIG_BUS, SIG_SEGV };
    for (unsigned i = 0; i < 4; i++) {
        syscall6(SYS_SIGACTION, signals[i], (long)action, 0, 8, 0, 0);
    }
}

__asm__(".section .text.start, \"ax\"\n"
        ".global _start\n"
        "_start: b payload_main\n"
        ".text\n");
