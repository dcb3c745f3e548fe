// SPDX-License-Identifier: MIT
//
// Semihosting; contract in semihosting.h. Section numbers are those of the specification, version
// 2.0. Operations are rows of a table; each gets the call and returns what X0 will be.
//
// Guest memory is reached by the caller's own translation and rights. SYS_SYSTEM is refused: a
// guest gets no shell on the host. A read from the console does not keep the vCPU in here: it waits
// for a moment, then the instruction is executed anew, so that the vCPU can be stopped meanwhile.
#include "hw/arm/semihosting.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "chardev/chardev.h"
#include "hw/arm/hostfiles.h"
#include "target/arm/cpu.h"
#include "util/bitops.h"

#define CHUNK_BYTES 4096u
#define NAME_BYTES 4096u
#define INPUT_BYTES 1024u
#define WAIT_NS 10000000
#define FAILED UINT64_MAX

enum { EXIT_APPLICATION = 0x20026 }; /* ADP_Stopped_ApplicationExit */
#define TICKS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_CENTISECOND 10000000

struct Semihosting {
    Machine *machine;
    const SemihostingConfig *config;
    Chardev *console; /* or NULL: standard output and error, and no input */
    Hwaddr heap_base, heap_limit;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    HostFiles files;
    int error; /* errno of the last operation that failed */
    uint8_t input[INPUT_BYTES];
    size_t input_len;
};

typedef struct Call {
    Semihosting *s;
    ArmCpu *cpu;
    uint64_t block; /* X1 */
    bool again;     /* not complete: there is no input yet */
} Call;

/* ---- guest memory ------------------------------------------------------------------------ */

/* The part of [va, va + len) that lies in one page. 0: it cannot be reached. */
static uint64_t guest_piece(const Call *c, Vaddr va, uint64_t len, bool write, Hwaddr *gpa)
{
    VCPU *cpu = &c->cpu->vcpu;
    TlbFill fill;
    uint64_t offset = va & (GUEST_PAGE_SIZE - 1);
    if (!cpu->ops->walk(cpu, va, write ? MMU_WRITE : MMU_READ, false, &fill))
        return 0;
    *gpa = fill.gpa + offset;
    return MIN(len, GUEST_PAGE_SIZE - offset);
}

static bool guest_copy(const Call *c, Vaddr va, void *buf, uint64_t len, bool write)
{
    MemorySpace *memory = c->cpu->vcpu.memory;
    uint8_t *bytes = buf;
    Hwaddr gpa;
    for (uint64_t n; len; va += n, bytes += n, len -= n) {
        n = guest_piece(c, va, len, write, &gpa);
        if (!n || (write ? memory_write(memory, gpa, bytes, n)
                         : memory_read(memory, gpa, bytes, n)) != MEM_OK) {
            c->s->error = EFAULT;
            return false;
        }
    }
    return true;
}

static bool guest_read(const Call *c, Vaddr va, void *buf, uint64_t len)
{
    return guest_copy(c, va, buf, len, false);
}

static bool guest_write(const Call *c, Vaddr va, const void *buf, uint64_t len)
{
    return guest_copy(c, va, (void *)buf, len, true);
}

/* The first `count` fields of the parameter block. */
static bool take_fields(const Call *c, uint64_t *fields, unsigned count)
{
    return guest_read(c, c->block, fields, count * sizeof(*fields));
}

static bool take_name(const Call *c, Vaddr va, uint64_t len, char *name)
{
    if (len >= NAME_BYTES) {
        c->s->error = ENAMETOOLONG;
        return false;
    }
    name[len] = '\0';
    return guest_read(c, va, name, len);
}

/* What a function of hostfiles.h returned. */
static uint64_t result(const Call *c, int64_t value)
{
    if (value < 0)
        c->s->error = errno;
    return (uint64_t)value;
}

/* ---- console ----------------------------------------------------------------------------- */

/* The host's end of the console where there is no device for it; -1: not the console. */
static int console_fd(HostFileKind kind)
{
    switch (kind) {
    case HOST_FILE_CONSOLE_IN: return STDIN_FILENO;
    case HOST_FILE_CONSOLE_OUT: return STDOUT_FILENO;
    case HOST_FILE_CONSOLE_ERROR: return STDERR_FILENO;
    default: return -1;
    }
}

/* Bytes that were taken. `fd`: where they go when there is no device. */
static size_t console_write(Semihosting *s, int fd, const uint8_t *bytes, size_t len)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    if (!s->console) {
        ssize_t n = write(fd, bytes, len);
        return n > 0 ? (size_t)n : 0;
    }
    size_t done = 0;
    for (unsigned tries = 0; done < len && tries < 100; tries++) {
        if (tries)
            nanosleep(&pause, NULL);
        done += chardev_write(s->console, bytes + done, len - done);
    }
    return done;
}

static size_t can_receive(void *opaque)
{
    Semihosting *s = opaque;
    pthread_mutex_lock(&s->lock);
    size_t room = INPUT_BYTES - s->input_len;
    pthread_mutex_unlock(&s->lock);
    return room;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    Semihosting *s = opaque;
    pthread_mutex_lock(&s->lock);
    len = MIN(len, INPUT_BYTES - s->input_len);
    memcpy(s->input + s->input_len, buf, len);
    s->input_len += len;
    pthread_cond_broadcast(&s->arrived);
    pthread_mutex_unlock(&s->lock);
}

/* What was typed. 0: nothing yet (then c->again), or never. */
static size_t console_read(Call *c, uint8_t *buf, size_t len)
{
    Semihosting *s = c->s;
    struct timespec until;
    if (!s->console || !len)
        return 0;
    if (!s->input_len) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WAIT_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&s->arrived, &s->lock, &until);
    }
    c->again = !s->input_len;
    size_t n = MIN(len, s->input_len);
    memcpy(buf, s->input, n);
    s->input_len -= n;
    memmove(s->input, s->input + n, s->input_len);
    chardev_accept_input(s->console);
    return n;
}

/* ---- files, 7.1 to 7.15 -------------------------------------------------------------------- */

/* 6.2.2: bit 0 SH_EXT_EXIT_EXTENDED, bit 1 SH_EXT_STDOUT_STDERR. */
static const uint8_t features[] = { 'S', 'H', 'F', 'B', 3 };

static uint64_t sys_open(Call *c)
{
    static const HostFileKind console[] = { /* by the mode's letter: r w a */
        HOST_FILE_CONSOLE_IN, HOST_FILE_CONSOLE_OUT, HOST_FILE_CONSOLE_ERROR
    };
    enum { MODES = 12 };
    uint64_t f[3];
    char name[NAME_BYTES];
    HostFiles *files = &c->s->files;
    if (!take_fields(c, f, 3) || !take_name(c, f[0], f[2], name))
        return FAILED;
    errno = EINVAL;
    if (f[1] >= MODES)
        return result(c, -1);
    if (!strcmp(name, ":tt"))
        return result(c, host_files_add(files, &(HostFile){
            .kind = console[f[1] / 4] }));
    if (strcmp(name, ":semihosting-features"))
        return result(c, host_files_open(files, name, (unsigned)f[1]));
    errno = EACCES;
    return result(c, f[1] > 1 ? -1 : host_files_add(files, &(HostFile){
        .kind = HOST_FILE_BYTES, .bytes = features, .len = sizeof(features) }));
}

static uint64_t sys_close(Call *c)
{
    uint64_t handle;
    return take_fields(c, &handle, 1) ? result(c, host_files_close(&c->s->files, handle)) : FAILED;
}

static ssize_t write_some(const Call *c, HostFile *file, const uint8_t *bytes, size_t len)
{
    int fd = console_fd(file->kind);
    return fd > STDIN_FILENO ? (ssize_t)console_write(c->s, fd, bytes, len)
                             : host_file_write(file, bytes, len);
}

/* Bytes that were not written. */
static uint64_t sys_write(Call *c)
{
    uint64_t f[3];
    uint8_t chunk[CHUNK_BYTES];
    if (!take_fields(c, f, 3))
        return FAILED;
    HostFile *file = host_files_get(&c->s->files, f[0]);
    if (!file)
        return result(c, -1);
    while (f[2]) {
        uint64_t n = MIN(f[2], CHUNK_BYTES);
        if (!guest_read(c, f[1], chunk, n))
            break;
        ssize_t done = write_some(c, file, chunk, n);
        if (done <= 0) {
            result(c, done ? done : 0);
            break;
        }
        f[1] += (uint64_t)done;
        f[2] -= (uint64_t)done;
    }
    return f[2];
}

/* Bytes that were not read. */
static uint64_t sys_read(Call *c)
{
    uint64_t f[3];
    uint8_t chunk[CHUNK_BYTES];
    if (!take_fields(c, f, 3))
        return FAILED;
    HostFile *file = host_files_get(&c->s->files, f[0]);
    if (!file)
        return result(c, -1);
    bool console = file->kind == HOST_FILE_CONSOLE_IN;
    while (f[2]) {
        size_t n = MIN(f[2], CHUNK_BYTES);
        ssize_t done = console ? (ssize_t)console_read(c, chunk, n)
                               : host_file_read(file, chunk, n);
        if (done < 0)
            result(c, done);
        if (done <= 0 || !guest_write(c, f[1], chunk, (uint64_t)done))
            break;
        f[1] += (uint64_t)done;
        f[2] -= (uint64_t)done;
        if (console)
            break;
    }
    return f[2];
}

static uint64_t sys_writec(Call *c)
{
    uint8_t byte;
    if (guest_read(c, c->block, &byte, 1))
        console_write(c->s, STDERR_FILENO, &byte, 1);
    return FAILED; /* 7.18: X0 is corrupted */
}

static uint64_t sys_write0(Call *c)
{
    uint8_t chunk[CHUNK_BYTES];
    Hwaddr gpa;
    for (Vaddr va = c->block;;) {
        uint64_t n = guest_piece(c, va, CHUNK_BYTES, false, &gpa);
        if (!n || !guest_read(c, va, chunk, n))
            return FAILED;
        size_t len = strnlen((const char *)chunk, n);
        console_write(c->s, STDERR_FILENO, chunk, len);
        if (len < n)
            return 0;
        va += n;
    }
}

static uint64_t sys_readc(Call *c)
{
    uint8_t byte;
    return console_read(c, &byte, 1) ? byte : FAILED;
}

static uint64_t sys_iserror(Call *c)
{
    uint64_t status;
    return take_fields(c, &status, 1) ? status >> 63 : FAILED;
}

static uint64_t sys_istty(Call *c)
{
    uint64_t handle;
    HostFile *file = take_fields(c, &handle, 1) ? host_files_get(&c->s->files, handle) : NULL;
    if (!file)
        return result(c, -1);
    int fd = console_fd(file->kind);
    return fd >= 0 && (c->s->console || isatty(fd));
}

static uint64_t sys_seek(Call *c)
{
    uint64_t f[2];
    HostFile *file = take_fields(c, f, 2) ? host_files_get(&c->s->files, f[0]) : NULL;
    return result(c, file ? host_file_seek(file, f[1]) : -1);
}

static uint64_t sys_flen(Call *c)
{
    uint64_t handle;
    HostFile *file = take_fields(c, &handle, 1) ? host_files_get(&c->s->files, handle) : NULL;
    return result(c, file ? host_file_length(file) : -1);
}

static uint64_t sys_tmpnam(Call *c)
{
    uint64_t f[3];
    char name[64];
    if (!take_fields(c, f, 3) || f[1] > 255)
        return FAILED;
    int len = snprintf(name, sizeof(name), "/tmp/semihost-%d-%02x", (int)getpid(), (unsigned)f[1]);
    return (uint64_t)len < f[2] && guest_write(c, f[0], name, (uint64_t)len + 1) ? 0 : FAILED;
}

static uint64_t sys_remove(Call *c)
{
    uint64_t f[2];
    char name[NAME_BYTES];
    if (!take_fields(c, f, 2) || !take_name(c, f[0], f[1], name))
        return FAILED;
    return result(c, host_files_remove(&c->s->files, name));
}

static uint64_t sys_rename(Call *c)
{
    uint64_t f[4];
    char from[NAME_BYTES], to[NAME_BYTES];
    if (!take_fields(c, f, 4) || !take_name(c, f[0], f[1], from) || !take_name(c, f[2], f[3], to))
        return FAILED;
    return result(c, host_files_rename(&c->s->files, from, to));
}

/* ---- time --------------------------------------------------------------------------------- */

static uint64_t sys_clock(Call *c)
{
    return (uint64_t)(vclock_now_ns(c->s->machine->clock) / NS_PER_CENTISECOND);
}

static uint64_t sys_time(Call *c)
{
    return (uint64_t)(time(NULL) + c->s->machine->config.rtc_offset_seconds);
}

static uint64_t sys_elapsed(Call *c)
{
    uint64_t ticks = (uint64_t)vclock_now_ns(c->s->machine->clock);
    return guest_write(c, c->block, &ticks, sizeof(ticks)) ? 0 : FAILED;
}

static uint64_t sys_tickfreq(Call *c)
{
    return TICKS_PER_SECOND;
}

/* ---- the program and its end ---------------------------------------------------------------- */

static uint64_t sys_system(Call *c)
{
    log_print(c->s->machine->log, LOG_UNIMP, "semihosting: SYS_SYSTEM is refused\n");
    c->s->error = EPERM;
    return FAILED;
}

static uint64_t sys_errno(Call *c)
{
    return (uint64_t)c->s->error;
}

static uint64_t sys_get_cmdline(Call *c)
{
    const MachineConfig *m = &c->s->machine->config;
    const char *given = c->s->config->command_line;
    uint64_t f[2];
    char line[NAME_BYTES];
    int len = given ? snprintf(line, sizeof(line), "%s", given)
                    : snprintf(line, sizeof(line), "%s%s%s", m->kernel ? m->kernel : "",
                               m->append ? " " : "", m->append ? m->append : "");
    if (!take_fields(c, f, 2) || len >= (int)sizeof(line) || (uint64_t)len >= f[1])
        return FAILED;
    f[1] = (uint64_t)len;
    return guest_write(c, f[0], line, (uint64_t)len + 1) &&
           guest_write(c, c->block + 8, &f[1], sizeof(f[1])) ? 0 : FAILED;
}

static uint64_t sys_heapinfo(Call *c)
{
    const Semihosting *s = c->s;
    const uint64_t info[4] = { s->heap_base, s->heap_limit, s->heap_limit, s->heap_base };
    uint64_t where;
    return take_fields(c, &where, 1) && guest_write(c, where, info, sizeof(info)) ? 0 : FAILED;
}

/* The caller runs no further instruction; the main loop does the rest. */
static uint64_t sys_exit(Call *c)
{
    RunState *run = &c->s->machine->run;
    VCPU *cpu = &c->cpu->vcpu;
    uint64_t f[2];
    bool well = take_fields(c, f, 2) && f[0] == EXIT_APPLICATION;
    atomic_store(&run->exit_status, well ? (int)(f[1] & 0xff) : 1);
    pthread_mutex_lock(&cpu->lock);
    cpu->powered_off = true;
    pthread_mutex_unlock(&cpu->lock);
    runstate_request(run, RUN_REQUEST_QUIT);
    return FAILED;
}

/* ---- dispatch ----------------------------------------------------------------------------- */

static uint64_t (*const operations[])(Call *c) = {
    [0x01] = sys_open, [0x02] = sys_close, [0x03] = sys_writec, [0x04] = sys_write0,
    [0x05] = sys_write, [0x06] = sys_read, [0x07] = sys_readc, [0x08] = sys_iserror,
    [0x09] = sys_istty, [0x0a] = sys_seek, [0x0c] = sys_flen, [0x0d] = sys_tmpnam,
    [0x0e] = sys_remove, [0x0f] = sys_rename, [0x10] = sys_clock, [0x11] = sys_time,
    [0x12] = sys_system, [0x13] = sys_errno, [0x15] = sys_get_cmdline, [0x16] = sys_heapinfo,
    [0x18] = sys_exit, [0x20] = sys_exit, [0x30] = sys_elapsed, [0x31] = sys_tickfreq,
};

bool semihosting_call(ArmCpu *cpu, void *opaque)
{
    Call c = { .s = opaque, .cpu = cpu, .block = cpu->regs.x[1] };
    uint32_t operation = (uint32_t)cpu->regs.x[0];
    if (operation >= ARRAY_SIZE(operations) || !operations[operation]) {
        log_print(cpu->vcpu.log, LOG_UNIMP, "semihosting: there is no operation 0x%x\n", operation);
        cpu->regs.x[0] = FAILED;
        return true;
    }
    pthread_mutex_lock(&c.s->lock);
    uint64_t value = operations[operation](&c);
    pthread_mutex_unlock(&c.s->lock);
    if (!c.again)
        cpu->regs.x[0] = value;
    return !c.again;
}

/* ---- life --------------------------------------------------------------------------------- */

static bool claim_console(Semihosting *s, Error **err)
{
    if (!s->config->chardev)
        return true;
    Chardev *chr = machine_find_chardev(s->machine, s->config->chardev, err);
    s->console = chr ? chardev_claim(chr, "semihosting", err) : NULL;
    if (s->console)
        chardev_attach(s->console, &(ChardevHandlers){
            .can_receive = can_receive, .receive = receive, .opaque = s });
    return s->console;
}

Semihosting *semihosting_create(Machine *m, Error **err)
{
    Semihosting *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(err, "out of memory for semihosting");
        return NULL;
    }
    s->machine = m;
    s->config = m->config.semihosting;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->arrived, NULL);
    if (host_files_init(&s->files, s->config->root, err) && claim_console(s, err))
        return s;
    semihosting_destroy(s);
    return NULL;
}

void semihosting_destroy(Semihosting *s)
{
    if (!s)
        return;
    chardev_release(s->console);
    host_files_destroy(&s->files);
    pthread_cond_destroy(&s->arrived);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void semihosting_reset(Semihosting *s)
{
    pthread_mutex_lock(&s->lock);
    host_files_close_all(&s->files);
    s->input_len = 0;
    s->error = 0;
    pthread_mutex_unlock(&s->lock);
}

void semihosting_set_heap(Semihosting *s, Hwaddr base, Hwaddr limit)
{
    s->heap_base = base;
    s->heap_limit = limit;
}
