// SPDX-License-Identifier: MIT
//
// The filter of -sandbox on, with libseccomp; contract in sandbox.h.
//
// It is entered when everything is open that the options name, so what is allowed is what a running
// machine does: move bytes, wait, make threads, get and give back memory. No memory becomes
// executable any more: the code buffer is mapped before.
#include "cli/sandbox.h"

#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "util/bitops.h"

/* linux/prctl.h of newer kernels: names for memory, which the C library gives. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define CALL(name) SCMP_SYS(name)

static const int allowed_calls[] = {
    /* bytes */
    CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(preadv2), CALL(write),
    CALL(writev), CALL(pwrite64), CALL(pwritev), CALL(pwritev2), CALL(lseek), CALL(fsync),
    CALL(fdatasync), CALL(sync_file_range), CALL(fallocate), CALL(ftruncate), CALL(copy_file_range),
    /* descriptors; files by name: the monitor saves, the user network reads resolv.conf and tftp */
    CALL(close), CALL(dup), CALL(dup2), CALL(dup3), CALL(fcntl), CALL(fstat), CALL(newfstatat),
    CALL(statx), CALL(stat), CALL(lstat), CALL(open), CALL(openat), CALL(access), CALL(faccessat),
    CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(unlink), CALL(unlinkat),
    CALL(getcwd), CALL(fstatfs), CALL(pipe2), CALL(memfd_create), CALL(getdents64),
    /* waiting and time */
    CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create1), CALL(epoll_ctl),
    CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd2), CALL(timerfd_create),
    CALL(timerfd_settime), CALL(timerfd_gettime), CALL(signalfd4), CALL(nanosleep),
    CALL(clock_nanosleep), CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time),
    CALL(timer_create), CALL(timer_settime), CALL(timer_gettime), CALL(timer_delete),
    CALL(restart_syscall),
    /* memory */
    CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk), CALL(mincore), CALL(mlock), CALL(munlock),
    CALL(msync),
    /* threads and signals */
    CALL(futex), CALL(futex_waitv), CALL(set_robust_list), CALL(get_robust_list), CALL(rseq),
    CALL(sched_yield), CALL(sched_getaffinity), CALL(getcpu), CALL(membarrier), CALL(gettid),
    CALL(set_tid_address), CALL(exit), CALL(exit_group), CALL(rt_sigaction), CALL(rt_sigprocmask),
    CALL(rt_sigreturn), CALL(rt_sigpending), CALL(rt_sigtimedwait), CALL(sigaltstack),
    CALL(arch_prctl), CALL(wait4), CALL(waitid),
    /* who and where am I */
    CALL(getpid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),
    CALL(getgroups), CALL(getpgrp), CALL(getrandom), CALL(uname), CALL(sysinfo), CALL(getrusage),
    CALL(times), CALL(capget), CALL(getpriority), CALL(sched_getparam), CALL(sched_getscheduler),
    /* sockets, but for what kind they are */
    CALL(bind), CALL(connect), CALL(listen), CALL(accept), CALL(accept4), CALL(getsockname),
    CALL(getpeername), CALL(getsockopt), CALL(setsockopt), CALL(sendto), CALL(sendmsg),
    CALL(sendmmsg), CALL(recvfrom), CALL(recvmsg), CALL(recvmmsg), CALL(shutdown),
};

/* Of files of the host that the guest is shown (fsdev/, semihosting). */
static const int share_calls[] = {
    CALL(openat2), CALL(mkdirat), CALL(mknodat), CALL(linkat), CALL(symlinkat), CALL(renameat),
    CALL(renameat2), CALL(fchown), CALL(fchownat), CALL(fchmod), CALL(fchmodat), CALL(utimensat),
    CALL(statfs), CALL(getxattr), CALL(lgetxattr), CALL(fgetxattr), CALL(setxattr),
    CALL(lsetxattr), CALL(fsetxattr), CALL(listxattr), CALL(llistxattr), CALL(flistxattr),
    CALL(removexattr), CALL(lremovexattr), CALL(fremovexattr), CALL(flock), CALL(umask),
    CALL(truncate),
};

/* What each group of -sandbox stands for; end with 0, which is read() and stands in no group. */
static const int group_calls[SANDBOX_GROUPS][32] = {
    [SANDBOX_OBSOLETE] = { CALL(_sysctl), CALL(sysfs), CALL(uselib), CALL(ustat),
                           CALL(create_module), CALL(get_kernel_syms), CALL(query_module) },
    [SANDBOX_ELEVATE] = { CALL(setuid), CALL(setgid), CALL(setreuid), CALL(setregid),
                          CALL(setresuid), CALL(setresgid), CALL(setfsuid), CALL(setfsgid),
                          CALL(setgroups), CALL(capset), CALL(setpgid), CALL(setsid) },
    [SANDBOX_SPAWN] = { CALL(fork), CALL(vfork), CALL(execve), CALL(execveat), CALL(clone),
                        CALL(clone3), CALL(kill) },
    [SANDBOX_RESOURCES] = { CALL(setpriority), CALL(sched_setparam), CALL(sched_setscheduler),
                            CALL(sched_setattr), CALL(sched_setaffinity), CALL(ioprio_set),
                            CALL(mbind), CALL(set_mempolicy), CALL(migrate_pages),
                            CALL(setrlimit), CALL(prlimit64) },
};

/* Nothing of ours tries these, and no C library does. */
static const int deadly_calls[] = {
    CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(pidfd_getfd), CALL(mount),
    CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(setns), CALL(unshare), CALL(init_module),
    CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(reboot),
    CALL(bpf), CALL(perf_event_open), CALL(userfaultfd), CALL(keyctl), CALL(add_key),
    CALL(request_key), CALL(io_uring_setup), CALL(personality), CALL(swapon), CALL(swapoff),
    CALL(iopl), CALL(ioperm), CALL(open_by_handle_at), CALL(settimeofday), CALL(clock_settime),
};

/* A call with one condition on one argument, or two on two; without: mask and value 0. */
typedef struct Condition {
    int call;
    struct {
        unsigned argument;
        uint64_t mask, value;
    } is[2];
} Condition;

#define WHOLE UINT64_MAX
#define LOW UINT64_C(0xffffffff)

static const Condition conditions[] = {
    /* threads, not processes; clone3 hides its flags, and the C library does without */
    { CALL(clone), { { 0, CLONE_THREAD, CLONE_THREAD } } },
    { CALL(mmap), { { 2, PROT_EXEC, 0 } } },
    { CALL(mprotect), { { 2, PROT_EXEC, 0 } } },
    { CALL(socket), { { 0, LOW, AF_UNIX } } },
    { CALL(socket), { { 0, LOW, AF_INET } } },
    { CALL(socket), { { 0, LOW, AF_INET6 } } },
    { CALL(socketpair), { { 0, LOW, AF_UNIX } } },
    { CALL(prctl), { { 0, WHOLE, PR_SET_NAME } } },
    { CALL(prctl), { { 0, WHOLE, PR_SET_VMA } } },
    { CALL(prlimit64), { { 0, WHOLE, 0 }, { 2, WHOLE, 0 } } }, /* one's own, to be read */
    /* terminals and disks, but nothing that types for the user (TIOCSTI) */
    { CALL(ioctl), { { 1, LOW, TCGETS } } },
    { CALL(ioctl), { { 1, LOW, TCSETS } } },
    { CALL(ioctl), { { 1, LOW, TCSETSW } } },
    { CALL(ioctl), { { 1, LOW, TCSETSF } } },
    { CALL(ioctl), { { 1, LOW, TCSBRK } } },
    { CALL(ioctl), { { 1, LOW, TCSBRKP } } },
    { CALL(ioctl), { { 1, LOW, TCFLSH } } },
    { CALL(ioctl), { { 1, LOW, TIOCGWINSZ } } },
    { CALL(ioctl), { { 1, LOW, TIOCMGET } } },
    { CALL(ioctl), { { 1, LOW, TIOCMSET } } },
    { CALL(ioctl), { { 1, LOW, FIONREAD } } },
    { CALL(ioctl), { { 1, LOW, FIONBIO } } },
    { CALL(ioctl), { { 1, LOW, BLKDISCARD } } },
    { CALL(ioctl), { { 1, LOW, BLKZEROOUT } } },
    { CALL(ioctl), { { 1, LOW, BLKGETSIZE64 } } },
};

/* A call that this architecture does not have is none to allow or deny. */
static int add(scmp_filter_ctx filter, uint32_t action, int call, unsigned count,
               const struct scmp_arg_cmp *args)
{
    int r = call < 0 ? 0 : seccomp_rule_add_array(filter, action, call, count, args);
    return r == -EDOM || r == -EEXIST ? 0 : r;
}

static int add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int r = 0;
    for (size_t i = 0; !r && i < count; i++)
        r = add(filter, action, calls[i], 0, NULL);
    return r;
}

/* Those that are allowed under a condition are not denied besides: they fail with ENOSYS. */
static bool is_conditional(int call)
{
    for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
        if (conditions[i].call == call)
            return true;
    return call == CALL(clone3);
}

static int add_groups(scmp_filter_ctx filter, const SandboxOptions *o)
{
    int r = 0;
    for (unsigned g = 0; g < SANDBOX_GROUPS; g++)
        for (const int *call = group_calls[g]; !r && *call; call++)
            if (o->allow[g] || !is_conditional(*call))
                r = add(filter, o->allow[g] ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS, *call, 0,
                        NULL);
    return r;
}

static int add_conditions(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(conditions); i++) {
        const Condition *c = &conditions[i];
        struct scmp_arg_cmp args[2];
        unsigned count = 0;
        for (unsigned n = 0; n < 2 && (c->is[n].mask || !n); n++)
            args[count++] = SCMP_CMP(c->is[n].argument, SCMP_CMP_MASKED_EQ, c->is[n].mask,
                                     c->is[n].value);
        r = add(filter, SCMP_ACT_ALLOW, c->call, count, args);
    }
    const struct scmp_arg_cmp self = { .arg = 0, .op = SCMP_CMP_EQ,
                                       .datum_a = (scmp_datum_t)getpid() };
    return r ? r : add(filter, SCMP_ACT_ALLOW, CALL(tgkill), 1, &self);
}

bool sandbox_enter(const SandboxOptions *o, bool shares, Error **err)
{
    if (!o->on)
        return true;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return error_set(err, "out of memory for -sandbox");
    int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    r = r ? r : add_groups(filter, o);
    r = r ? r : add_calls(filter, SCMP_ACT_ALLOW, allowed_calls, ARRAY_SIZE(allowed_calls));
    if (!r && shares)
        r = add_calls(filter, SCMP_ACT_ALLOW, share_calls, ARRAY_SIZE(share_calls));
    r = r ? r : add_conditions(filter);
    r = r ? r : add_calls(filter, SCMP_ACT_KILL_PROCESS, deadly_calls, ARRAY_SIZE(deadly_calls));
    r = r ? r : seccomp_load(filter);
    seccomp_release(filter);
    return !r || error_set_errno(err, -r, "cannot enter the sandbox of -sandbox on");
}
