// SPDX-License-Identifier: MIT
//
// The monitor's commands: run control and inspection. Registers and memory are read while the
// CPUs are paused, so that they belong together.
#include "cli/commands.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

static Machine *machine_of(void *opaque)
{
    return ((CommandContext *)opaque)->session->machine;
}

static void request(void *opaque, RunRequest r)
{
    runstate_request(&machine_of(opaque)->run, r);
}

/* ---- run control ------------------------------------------------------------------------ */

static void cmd_quit(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_QUIT);
}

static void cmd_stop(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_STOP);
}

static void cmd_cont(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_CONT);
}

static void cmd_reset(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_RESET);
}

static void cmd_powerdown(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_POWERDOWN);
}

/* ---- inspection ------------------------------------------------------------------------- */

/* Pause for the time of a look; pair with look_end(). */
static void look_begin(const CommandContext *c)
{
    if (*c->running)
        c->session->accel->pause(c->session->accel);
}

static void look_end(const CommandContext *c)
{
    if (*c->running)
        c->session->accel->resume(c->session->accel);
}

static void cmd_info_registers(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    Machine *m = c->session->machine;
    look_begin(c);
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        fprintf(out, "CPU#%" PRIu32 "\n", i);
        m->cpus[i]->ops->dump(m->cpus[i], out);
    }
    look_end(c);
}

static void cmd_info_status(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    fprintf(out, "VM status: %s\n", *c->running ? "running" : "paused");
}

static void cmd_info_mtree(void *opaque, const char *args, FILE *out)
{
    memory_space_print(&machine_of(opaque)->memory, out);
}

static void cmd_info_qtree(void *opaque, const char *args, FILE *out)
{
    device_print_tree(machine_of(opaque), out);
}

static void cmd_info_jit(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    look_begin(c);
    c->session->accel->print_stats(c->session->accel, out);
    look_end(c);
}

/* ---- memory ----------------------------------------------------------------------------- */

typedef struct Format {
    unsigned count, size; /* items, bytes of one */
    char kind;            /* x d u o c */
} Format;

static bool parse_format(const char **args, Format *f, FILE *out)
{
    const char *p = *args;
    *f = (Format){ 1, 4, 'x' };
    if (*p != '/')
        return true;
    p++;
    if (isdigit((unsigned char)*p))
        f->count = (unsigned)strtoul(p, (char **)&p, 10);
    for (; isalpha((unsigned char)*p); p++) {
        const char *sizes = "bhwg", *at = strchr(sizes, *p);
        if (at)
            f->size = 1u << (at - sizes);
        else if (strchr("xduoc", *p))
            f->kind = *p;
        else
            return fprintf(out, "unknown format letter '%c'; write x/COUNT[xduoc][bhwg]\n",
                           *p) < 0;
    }
    f->count = MIN(f->count, 4096u);
    *args = p;
    return true;
}

static void print_item(const Format *f, uint64_t v, FILE *out)
{
    switch (f->kind) {
    case 'd':
        fprintf(out, " %" PRId64, sign_extend(v, f->size * 8));
        break;
    case 'u':
        fprintf(out, " %" PRIu64, v);
        break;
    case 'o':
        fprintf(out, " 0%" PRIo64, v);
        break;
    case 'c':
        fprintf(out, " '%c'", isprint((int)(v & 0xff)) ? (int)(v & 0xff) : '.');
        break;
    default:
        fprintf(out, " 0x%0*" PRIx64, (int)f->size * 2, v);
    }
}

static bool read_item(VCPU *cpu, bool virtual, uint64_t address, unsigned size, uint64_t *v)
{
    Hwaddr gpa = address;
    if (virtual && !cpu->ops->debug_translate(cpu, address, &gpa))
        return false;
    /* devices have side effects on reads: only memory is shown */
    uint8_t *host = memory_host(cpu->memory, gpa, size, false);
    if (!host)
        return false;
    *v = 0;
    memcpy(v, host, size);
    return true;
}

static void dump_memory(CommandContext *c, const char *args, bool virtual, FILE *out)
{
    Format f;
    char *end;
    if (!parse_format(&args, &f, out))
        return;
    errno = 0;
    uint64_t address = strtoull(args, &end, 0), v;
    while (isspace((unsigned char)*end))
        end++;
    if (end == args || *end || errno) {
        fprintf(out, "'%s' is no address; write for example x/8xw 0x40080000\n", args);
        return;
    }
    VCPU *cpu = c->session->machine->cpus[0];
    unsigned per_line = 16 / f.size;
    look_begin(c);
    for (unsigned i = 0; i < f.count; i++, address += f.size) {
        if (i % per_line == 0)
            fprintf(out, "%s%016" PRIx64 ":", i ? "\n" : "", address);
        if (!read_item(cpu, virtual, address, f.size, &v)) {
            fprintf(out, " cannot access memory");
            break;
        }
        print_item(&f, v, out);
    }
    look_end(c);
    fprintf(out, "\n");
}

static void cmd_x(void *opaque, const char *args, FILE *out)
{
    dump_memory(opaque, args, true, out);
}

static void cmd_xp(void *opaque, const char *args, FILE *out)
{
    dump_memory(opaque, args, false, out);
}

const MonitorCommand monitor_commands[] = {
    { "quit", "q", "", "end the emulator", cmd_quit },
    { "stop", NULL, "", "stop the CPUs", cmd_stop },
    { "cont", "c", "", "let the CPUs run", cmd_cont },
    { "system_reset", NULL, "", "reset the machine", cmd_reset },
    { "system_powerdown", NULL, "", "press the power button", cmd_powerdown },
    { "info status", NULL, "", "whether the CPUs run", cmd_info_status },
    { "info registers", NULL, "", "the registers of all CPUs", cmd_info_registers },
    { "info qtree", NULL, "", "the devices and their properties", cmd_info_qtree },
    { "info mtree", NULL, "", "the map of physical memory", cmd_info_mtree },
    { "info jit", NULL, "", "what the translator did", cmd_info_jit },
    { "x", NULL, "/COUNT[xduoc][bhwg] ADDRESS", "memory at a virtual address", cmd_x },
    { "xp", NULL, "/COUNT[xduoc][bhwg] ADDRESS", "memory at a physical address", cmd_xp },
    { NULL, NULL, NULL, NULL, NULL },
};
