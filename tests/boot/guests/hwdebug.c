// SPDX-License-Identifier: MIT
// A Linux program that debugs its child with the processor's breakpoints, watchpoints and single
// steps (ptrace(2): NT_ARM_HW_BREAK, NT_ARM_HW_WATCH, PTRACE_SINGLESTEP). Prints a line for each
// statement that holds, and "hwdebug: all right" when all do.
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/ptrace.h>

enum { PRIV_EL0 = 2 << 1, LOAD = 1 << 3, STORE = 2 << 3, BREAK = 0 };

static volatile uint64_t words[4];
extern char steps_begin[], steps_end[];

__attribute__((noinline)) static void target(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) static void child(void)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    for (int round = 0; round < 3; round++)
        target();
    words[0] = 1;
    words[2] = words[1];
    *(volatile uint8_t *)((uintptr_t)words + 19) = 5;
    __asm__ volatile(".global steps_begin, steps_end\nsteps_begin: mov x0, #5\n1: subs x0, x0, #1\nb.ne 1b\n"
                     "2: ldxr x1, [%0]\nadd x1, x1, #1\nstxr w2, x1, [%0]\ncbnz w2, 2b\n"
                     "steps_end: nop" : : "r"(&words[3]) : "x0", "x1", "x2", "memory", "cc");
    _exit(words[3] == 1 ? 0 : 1);
}

static void say(const char *what, int right)
{
    printf("hwdebug: %s: %s\n", what, right ? "right" : "WRONG");
    if (!right)
        exit(1);
}

static void set(pid_t pid, int kind, uint64_t address, unsigned bytes, unsigned how)
{
    struct user_hwdebug_state state = { 0 };
    unsigned first = kind == NT_ARM_HW_WATCH ? address & 7 : 0;
    state.dbg_regs[0].addr = address - first;
    if (bytes)
        state.dbg_regs[0].ctrl = 1 | PRIV_EL0 | how | ((1u << bytes) - 1) << first << 5;
    struct iovec v = { &state, offsetof(struct user_hwdebug_state, dbg_regs[1]) };
    if (ptrace(PTRACE_SETREGSET, pid, kind, &v)) {
        perror("hwdebug: PTRACE_SETREGSET");
        exit(1);
    }
}

static int slots(pid_t pid, int kind)
{
    struct user_hwdebug_state state = { 0 };
    struct iovec v = { &state, sizeof(state) };
    ptrace(PTRACE_GETREGSET, pid, kind, &v);
    return state.dbg_info & 0xff;
}

static uint64_t pc_of(pid_t pid)
{
    struct user_pt_regs regs;
    struct iovec v = { &regs, sizeof(regs) };
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
    return regs.pc;
}

// Where it stopped by a trap; 0: otherwise.
static uint64_t go(pid_t pid, int request)
{
    int status;
    ptrace(request, pid, 0, 0);
    waitpid(pid, &status, 0);
    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP ? pc_of(pid) : 0;
}

static uint64_t trap_address(pid_t pid)
{
    siginfo_t info = { 0 };
    ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
    return (uint64_t)info.si_addr;
}

static uint64_t peek(pid_t pid, volatile void *at)
{
    return ptrace(PTRACE_PEEKDATA, pid, at, 0);
}

int main(void)
{
    int status;
    pid_t pid = fork();
    if (!pid)
        child();
    waitpid(pid, &status, 0);
    say("6 breakpoints", slots(pid, NT_ARM_HW_BREAK) == 6);
    say("4 watchpoints", slots(pid, NT_ARM_HW_WATCH) == 4);

    set(pid, NT_ARM_HW_BREAK, (uint64_t)target, 4, BREAK);
    for (int round = 0; round < 3; round++)
        say("a breakpoint hits", go(pid, PTRACE_CONT) == (uint64_t)target);
    set(pid, NT_ARM_HW_BREAK, 0, 0, 0);

    set(pid, NT_ARM_HW_WATCH, (uint64_t)&words[0], 8, STORE);
    say("a store is seen", go(pid, PTRACE_CONT) && trap_address(pid) == (uint64_t)&words[0]);
    say("before it is made", peek(pid, &words[0]) == 0);
    set(pid, NT_ARM_HW_WATCH, (uint64_t)&words[1], 8, LOAD);
    say("a load is seen", go(pid, PTRACE_CONT) && trap_address(pid) == (uint64_t)&words[1]);
    say("the store was made", peek(pid, &words[0]) == 1);
    set(pid, NT_ARM_HW_WATCH, (uint64_t)&words[2] + 3, 1, STORE);
    go(pid, PTRACE_CONT);
    say("a word store over a watched byte", trap_address(pid) == (uint64_t)&words[2] + 3 ||
                                               trap_address(pid) == (uint64_t)&words[2]);
    go(pid, PTRACE_CONT);
    say("a byte store", trap_address(pid) == (uint64_t)&words[2] + 3);
    set(pid, NT_ARM_HW_WATCH, 0, 0, 0);

    set(pid, NT_ARM_HW_BREAK, (uint64_t)steps_begin, 4, BREAK);
    say("a breakpoint in the loop", go(pid, PTRACE_CONT) == (uint64_t)steps_begin);
    set(pid, NT_ARM_HW_BREAK, 0, 0, 0);
    int steps = 0;
    while (steps < 11 && go(pid, PTRACE_SINGLESTEP))
        steps++;
    say("11 steps through the loop", pc_of(pid) == (uint64_t)steps_begin + 12);
    set(pid, NT_ARM_HW_BREAK, (uint64_t)steps_end, 4, BREAK);
    say("over an exclusive pair", go(pid, PTRACE_CONT) == (uint64_t)steps_end);
    set(pid, NT_ARM_HW_BREAK, 0, 0, 0);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    say("the child ends well", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    printf("hwdebug: all right\n");
    return 0;
}
