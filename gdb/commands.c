// SPDX-License-Identifier: MIT
//
// What a debugger's packets ask for (GDB manual, E.2 to E.6). A packet that is not in the table
// gets an empty reply: not supported. Threads are the vCPUs, numbered from 1.
//
// Memory is read and written by the g thread's translation, or physically; devices are left alone,
// because reading them has side effects.
#include "gdb/internal.h"

#include <stdlib.h>
#include <string.h>
#include "gdb/registers.h"
#include "util/bitops.h"

#define MEMORY_BYTES (GDB_PACKET_BYTES / 2)
#define LINE_BYTES 512

/* Error numbers mean nothing to GDB; these are errno's for readers of `set debug remote`. */
static bool fail(GdbServer *s, unsigned number)
{
    gdb_packet_clear(&s->reply);
    gdb_packet_print(&s->reply, "E%02u", number);
    return true;
}
enum { BAD_ADDRESS = 14, BAD_ARGUMENT = 22, NO_ROOM = 28 };

static bool ok(GdbServer *s)
{
    gdb_packet_add(&s->reply, "OK");
    return true;
}

static unsigned thread_of(const VCPU *cpu)
{
    return cpu->index + 1;
}

/* A thread id off *text: one vCPU, or all or any (-1, 0) with *cpu NULL. */
static bool take_thread(const GdbServer *s, const char **text, VCPU **cpu)
{
    const Machine *m = s->host.machine;
    uint64_t id;
    *cpu = NULL;
    if (gdb_take_char(text, '-'))
        return gdb_take_char(text, '1');
    if (!gdb_take_hex(text, &id) || id > m->cpu_count)
        return false;
    *cpu = id ? m->cpus[id - 1] : NULL;
    return true;
}

/* ---- why it stopped --------------------------------------------------------------------- */

void gdb_make_stop_reply(GdbServer *s)
{
    gdb_packet_print(&s->reply, "T%02xthread:%x;", (unsigned)s->last_signal, thread_of(s->g_cpu));
    if (s->last.cpu && s->last.why == ACCEL_STOP_WATCHPOINT) {
        const AccelWatch *w = &s->last.watch;
        const char *kind = w->read && w->write ? "awatch" : w->read ? "rwatch" : "watch";
        gdb_packet_print(&s->reply, "%s:%llx;", kind, (unsigned long long)w->addr);
    }
}

static bool why_stopped(GdbServer *s, const char *args)
{
    gdb_make_stop_reply(s);
    return true;
}

/* ---- registers -------------------------------------------------------------------------- */

static bool read_registers(GdbServer *s, const char *args)
{
    gdb_read_registers(s->g_cpu, &s->reply);
    return true;
}

static bool write_registers(GdbServer *s, const char *args)
{
    return gdb_write_registers(s->g_cpu, &args) ? ok(s) : fail(s, BAD_ARGUMENT);
}

static bool read_register(GdbServer *s, const char *args)
{
    uint64_t n;
    return (gdb_take_hex(&args, &n) && gdb_read_register(s->g_cpu, n, &s->reply)) ||
           fail(s, BAD_ARGUMENT);
}

static bool write_register(GdbServer *s, const char *args)
{
    uint64_t n;
    bool done = gdb_take_hex(&args, &n) && gdb_take_char(&args, '=') &&
                gdb_write_register(s->g_cpu, n, &args);
    return done ? ok(s) : fail(s, BAD_ARGUMENT);
}

/* ---- memory ----------------------------------------------------------------------------- */

/* Where guest memory stands, and how many of `len` bytes are there in one piece; 0: none. */
static uint64_t find_memory(const GdbServer *s, Vaddr addr, uint64_t len, Hwaddr *gpa)
{
    MemorySpace *memory = &s->host.machine->memory;
    *gpa = addr;
    len = MIN(len, GUEST_PAGE_SIZE - (addr & (GUEST_PAGE_SIZE - 1)));
    if (!s->physical && !s->g_cpu->ops->debug_translate(s->g_cpu, addr, gpa))
        return 0;
    return memory_host(memory, *gpa, len, false) ? len : 0;
}

static bool read_memory(GdbServer *s, const char *args)
{
    uint64_t addr, len, n;
    Hwaddr gpa;
    if (!gdb_take_hex(&args, &addr) || !gdb_take_char(&args, ',') || !gdb_take_hex(&args, &len))
        return fail(s, BAD_ARGUMENT);
    len = MIN(len, MEMORY_BYTES);
    if (!len)
        return true;
    for (; len && (n = find_memory(s, addr, len, &gpa)); addr += n, len -= n)
        gdb_packet_add_hex(&s->reply, memory_host(&s->host.machine->memory, gpa, n, false), n);
    return s->reply.len || fail(s, BAD_ADDRESS);
}

/* ROM, too: a debugger may patch firmware. */
static bool store(GdbServer *s, Vaddr addr, const uint8_t *bytes, uint64_t len)
{
    Hwaddr gpa;
    for (uint64_t n; len; addr += n, bytes += n, len -= n) {
        n = find_memory(s, addr, len, &gpa);
        if (!n || memory_write_rom(&s->host.machine->memory, gpa, bytes, n) != MEM_OK)
            return false;
    }
    return true;
}

static bool take_range(const char **args, uint64_t *addr, uint64_t *len)
{
    return gdb_take_hex(args, addr) && gdb_take_char(args, ',') && gdb_take_hex(args, len) &&
           gdb_take_char(args, ':') && *len <= MEMORY_BYTES;
}

static bool write_memory(GdbServer *s, const char *args)
{
    uint64_t addr, len;
    uint8_t bytes[MEMORY_BYTES];
    if (!take_range(&args, &addr, &len) || !gdb_take_bytes(&args, bytes, len))
        return fail(s, BAD_ARGUMENT);
    return store(s, addr, bytes, len) ? ok(s) : fail(s, BAD_ADDRESS);
}

static bool write_memory_binary(GdbServer *s, const char *args)
{
    uint64_t addr, len;
    if (!take_range(&args, &addr, &len) ||
        (size_t)(s->reader.data + s->reader.len - args) < len)
        return fail(s, BAD_ARGUMENT);
    return store(s, addr, (const uint8_t *)args, len) ? ok(s) : fail(s, BAD_ADDRESS);
}

/* ---- breakpoints and watchpoints -------------------------------------------------------- */

static bool install_breakpoints(GdbServer *s)
{
    Vaddr at[GDB_BREAKPOINTS_MAX];
    for (size_t i = 0; i < s->breakpoint_count; i++)
        at[i] = s->breakpoints[i].addr;
    return s->host.accel->set_breakpoints(s->host.accel, at, s->breakpoint_count, NULL);
}

static bool install_watchpoints(GdbServer *s)
{
    AccelWatch watches[GDB_WATCHPOINTS_MAX];
    for (size_t i = 0; i < s->watch_count; i++)
        watches[i] = s->watches[i].watch;
    return s->host.accel->set_watchpoints(s->host.accel, watches, s->watch_count, NULL);
}

static bool change_breakpoint(GdbServer *s, bool insert, char type, Vaddr addr)
{
    size_t i = 0;
    while (i < s->breakpoint_count &&
           (s->breakpoints[i].addr != addr || s->breakpoints[i].type != type))
        i++;
    bool there = i < s->breakpoint_count;
    if (insert && !there) {
        if (i == GDB_BREAKPOINTS_MAX)
            return fail(s, NO_ROOM);
        s->breakpoints[s->breakpoint_count++] = (GdbBreakpoint){ addr, type };
    } else if (!insert && there) {
        s->breakpoints[i] = s->breakpoints[--s->breakpoint_count];
    }
    return install_breakpoints(s) ? ok(s) : fail(s, NO_ROOM);
}

static bool change_watchpoint(GdbServer *s, bool insert, char type, Vaddr addr, uint64_t len)
{
    size_t i = 0;
    while (i < s->watch_count && (s->watches[i].watch.addr != addr ||
                                  s->watches[i].watch.len != len || s->watches[i].type != type))
        i++;
    bool there = i < s->watch_count;
    if (insert && !there) {
        if (i == GDB_WATCHPOINTS_MAX)
            return fail(s, NO_ROOM);
        s->watches[i].watch = (AccelWatch){ addr, len, type != '2', type != '3' };
        s->watches[i].type = type;
        s->watch_count++;
    } else if (!insert && there) {
        s->watches[i] = s->watches[--s->watch_count];
    }
    return install_watchpoints(s) ? ok(s) : fail(s, NO_ROOM);
}

/* Z and z: TYPE,ADDRESS,KIND; for a watchpoint the kind is its length. */
static bool change_point(GdbServer *s, bool insert, const char *args)
{
    const CpuOps *ops = s->g_cpu->ops;
    char type = *args;
    uint64_t addr, kind;
    if (type < '0' || type > '4')
        return true; /* not supported */
    args++;
    if (!gdb_take_char(&args, ',') || !gdb_take_hex(&args, &addr) || !gdb_take_char(&args, ',') ||
        !gdb_take_hex(&args, &kind))
        return fail(s, BAD_ARGUMENT);
    addr = ops->canonical(s->g_cpu, addr);
    if (type >= '2')
        return kind ? change_watchpoint(s, insert, type, addr, kind) : fail(s, BAD_ARGUMENT);
    if (addr & bit_mask(ops->insn_align_log2))
        return fail(s, BAD_ARGUMENT);
    return change_breakpoint(s, insert, type, addr);
}

static bool insert_point(GdbServer *s, const char *args)
{
    return change_point(s, true, args);
}

static bool remove_point(GdbServer *s, const char *args)
{
    return change_point(s, false, args);
}

/* ---- going on --------------------------------------------------------------------------- */

static bool go(GdbServer *s, VCPU *cpu, AccelRunMode mode, AccelRunMode others)
{
    for (uint32_t i = 0; i < s->host.machine->cpu_count; i++)
        s->modes[i] = s->host.machine->cpus[i] == cpu ? mode : others;
    gdb_continue(s);
    return false;
}

/* c and s may be followed by an address, C and S have a signal first, which means nothing here. */
static void take_start(GdbServer *s, const char *args, bool has_signal)
{
    uint64_t value;
    if (has_signal && (!gdb_take_hex(&args, &value) || !gdb_take_char(&args, ';')))
        return;
    if (gdb_take_hex(&args, &value))
        s->c_cpu->ops->set_pc(s->c_cpu, value);
}

static bool continue_all(GdbServer *s, const char *args)
{
    take_start(s, args, false);
    return go(s, s->c_cpu, ACCEL_RUN, ACCEL_RUN);
}

static bool continue_with_signal(GdbServer *s, const char *args)
{
    take_start(s, args, true);
    return go(s, s->c_cpu, ACCEL_RUN, ACCEL_RUN);
}

static bool step_one(GdbServer *s, const char *args)
{
    take_start(s, args, false);
    return go(s, s->c_cpu, ACCEL_STEP, ACCEL_HOLD);
}

static bool step_with_signal(GdbServer *s, const char *args)
{
    take_start(s, args, true);
    return go(s, s->c_cpu, ACCEL_STEP, ACCEL_HOLD);
}

static bool vcont_query(GdbServer *s, const char *args)
{
    gdb_packet_add(&s->reply, "vCont;c;C;s;S;t");
    return true;
}

static bool take_action(const char **args, AccelRunMode *mode)
{
    uint64_t signal;
    char action = **args;
    if (!action)
        return false;
    ++*args;
    *mode = action == 't' ? ACCEL_HOLD : strchr("sS", action) ? ACCEL_STEP : ACCEL_RUN;
    return strchr("csCSt", action) && (!strchr("CS", action) || gdb_take_hex(args, &signal));
}

/* ;ACTION[:THREAD]...: the first one that names a thread counts for it; the rest stand still. */
static bool vcont(GdbServer *s, const char *args)
{
    const Machine *m = s->host.machine;
    uint64_t decided[4] = { 0 }; /* bit n of all words: vCPU n */
    bool any = false;
    for (uint32_t i = 0; i < m->cpu_count; i++)
        s->modes[i] = ACCEL_HOLD;
    while (gdb_take_char(&args, ';')) {
        AccelRunMode mode;
        VCPU *cpu = NULL;
        if (!take_action(&args, &mode) ||
            (gdb_take_char(&args, ':') && !take_thread(s, &args, &cpu)))
            return fail(s, BAD_ARGUMENT);
        for (uint32_t i = 0; i < MIN(m->cpu_count, 256u); i++) {
            if ((cpu && m->cpus[i] != cpu) || decided[i / 64] >> i % 64 & 1)
                continue;
            decided[i / 64] |= UINT64_C(1) << i % 64;
            s->modes[i] = mode;
            any |= mode != ACCEL_HOLD;
        }
    }
    if (*args || !any)
        return fail(s, BAD_ARGUMENT);
    gdb_continue(s);
    return false;
}

/* ---- threads ---------------------------------------------------------------------------- */

static bool select_thread(GdbServer *s, const char *args)
{
    VCPU *cpu;
    char what = *args;
    if (what != 'g' && what != 'c')
        return fail(s, BAD_ARGUMENT);
    args++;
    if (!take_thread(s, &args, &cpu))
        return fail(s, BAD_ARGUMENT);
    if (cpu)
        *(what == 'g' ? &s->g_cpu : &s->c_cpu) = cpu;
    return ok(s);
}

static bool thread_alive(GdbServer *s, const char *args)
{
    VCPU *cpu;
    return take_thread(s, &args, &cpu) && cpu ? ok(s) : fail(s, BAD_ARGUMENT);
}

static bool current_thread(GdbServer *s, const char *args)
{
    if (!*args) /* else it is qCRC */
        gdb_packet_print(&s->reply, "QC%x", thread_of(s->g_cpu));
    return true;
}

static bool first_threads(GdbServer *s, const char *args)
{
    for (uint32_t i = 0; i < s->host.machine->cpu_count; i++)
        gdb_packet_print(&s->reply, "%c%x", i ? ',' : 'm', i + 1);
    return true;
}

static bool more_threads(GdbServer *s, const char *args)
{
    gdb_packet_add(&s->reply, "l");
    return true;
}

static bool thread_info(GdbServer *s, const char *args)
{
    VCPU *cpu;
    char text[64];
    if (!take_thread(s, &args, &cpu) || !cpu)
        return fail(s, BAD_ARGUMENT);
    int n = snprintf(text, sizeof(text), "CPU#%u [%s]", cpu->index,
                     cpu->powered_off ? "off" : cpu->halted ? "waits for an interrupt" : "runs");
    gdb_packet_add_hex(&s->reply, text, (size_t)n);
    return true;
}

/* ---- queries ---------------------------------------------------------------------------- */

static bool supported(GdbServer *s, const char *args)
{
    gdb_packet_print(&s->reply, "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;"
                     "vContSupported+", GDB_PACKET_BYTES);
    return true;
}

static bool start_no_ack(GdbServer *s, const char *args)
{
    s->no_ack = true;
    return ok(s);
}

static bool read_target(GdbServer *s, const char *args)
{
    uint64_t offset, len;
    if (!gdb_take_hex(&args, &offset) || !gdb_take_char(&args, ',') || !gdb_take_hex(&args, &len) ||
        offset > s->target_len)
        return fail(s, BAD_ARGUMENT);
    len = MIN(len, GDB_PACKET_BYTES / 2 - 1); /* all might have to be escaped */
    bool last = len >= s->target_len - offset;
    gdb_packet_add(&s->reply, last ? "l" : "m");
    gdb_packet_add_binary(&s->reply, s->target + offset, last ? s->target_len - offset : len);
    return true;
}

static bool attached(GdbServer *s, const char *args)
{
    gdb_packet_add(&s->reply, "1");
    return true;
}

static bool monitor_line(GdbServer *s, const char *args)
{
    char line[LINE_BYTES], *text = NULL;
    size_t len = strlen(args) / 2, text_len = 0;
    if (len >= sizeof(line) || !gdb_take_bytes(&args, line, len) || *args)
        return fail(s, BAD_ARGUMENT);
    line[len] = '\0';
    FILE *out = open_memstream(&text, &text_len);
    if (!out)
        return fail(s, NO_ROOM);
    s->host.run_monitor(s->host.opaque, line, out);
    fclose(out);
    for (size_t i = 0, n; i < text_len; i += n) {
        n = MIN(text_len - i, GDB_PACKET_BYTES / 2 - 1);
        gdb_packet_clear(&s->reply);
        gdb_packet_add(&s->reply, "O");
        gdb_packet_add_hex(&s->reply, text + i, n);
        gdb_send_reply(s);
    }
    free(text);
    gdb_packet_clear(&s->reply);
    return ok(s);
}

/* As other emulators have it: `maint packet Qqemu.PhyMemMode:1`. */
static bool set_physical(GdbServer *s, const char *args)
{
    if (*args != '0' && *args != '1')
        return fail(s, BAD_ARGUMENT);
    s->physical = *args == '1';
    return ok(s);
}

static bool get_physical(GdbServer *s, const char *args)
{
    gdb_packet_add(&s->reply, s->physical ? "1" : "0");
    return true;
}

/* ---- the end ---------------------------------------------------------------------------- */

/* The connection stays until the debugger closes it. */
static bool detach(GdbServer *s, const char *args)
{
    gdb_end_session(s, true);
    s->was_running = true;
    return ok(s);
}

static bool kill_now(GdbServer *s, const char *args)
{
    runstate_request(&s->host.machine->run, RUN_REQUEST_QUIT);
    return false;
}

static bool kill_politely(GdbServer *s, const char *args)
{
    runstate_request(&s->host.machine->run, RUN_REQUEST_QUIT);
    return ok(s);
}

static bool empty(GdbServer *s, const char *args)
{
    return true;
}

/* The first prefix that fits counts. */
static const struct {
    const char *prefix;
    bool (*run)(GdbServer *s, const char *args); /* true: send s->reply */
} commands[] = {
    { "?", why_stopped },
    { "g", read_registers },
    { "G", write_registers },
    { "p", read_register },
    { "P", write_register },
    { "m", read_memory },
    { "M", write_memory },
    { "X", write_memory_binary },
    { "Z", insert_point },
    { "z", remove_point },
    { "c", continue_all },
    { "C", continue_with_signal },
    { "s", step_one },
    { "S", step_with_signal },
    { "vCont?", vcont_query },
    { "vCont", vcont },
    { "vMustReplyEmpty", empty },
    { "vKill", kill_politely },
    { "H", select_thread },
    { "T", thread_alive },
    { "qC", current_thread },
    { "qfThreadInfo", first_threads },
    { "qsThreadInfo", more_threads },
    { "qThreadExtraInfo,", thread_info },
    { "qSupported", supported },
    { "QStartNoAckMode", start_no_ack },
    { "qXfer:features:read:target.xml:", read_target },
    { "qAttached", attached },
    { "qRcmd,", monitor_line },
    { "Qqemu.PhyMemMode:", set_physical },
    { "qqemu.PhyMemMode", get_physical },
    { "D", detach },
    { "k", kill_now },
};

bool gdb_handle_packet(GdbServer *s)
{
    const char *text = s->reader.data;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        size_t len = strlen(commands[i].prefix);
        if (!strncmp(text, commands[i].prefix, len))
            return commands[i].run(s, text + len);
    }
    return empty(s, text);
}
