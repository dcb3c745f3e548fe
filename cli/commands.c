// SPDX-License-Identifier: MIT
//
// The monitor's commands: run control and inspection. Registers and memory are read while the
// CPUs are paused, so that they belong together.
#include "cli/commands.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli/expression.h"
#include "hw/virtio/virtio_balloon.h"
#include "util/bitops.h"
#include "util/disas.h"
#include "util/keyval.h"

static Machine *machine_of(void *opaque)
{
    return ((CommandContext *)opaque)->session->machine;
}

/* Carried out before the next command is read: commands are on the main loop's thread already. */
static void request(void *opaque, RunRequest r)
{
    RunState *run = &machine_of(opaque)->run;
    runstate_request(run, r);
    run->serve(run->opaque);
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

static void cmd_info_cpus(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    const Machine *m = c->session->machine;
    look_begin(c);
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        VCPU *cpu = m->cpus[i];
        fprintf(out, "%c CPU #%" PRIu32 ": pc=0x%016" PRIx64 "%s\n", i == c->cpu ? '*' : ' ', i,
                cpu->ops->get_pc(cpu), cpu->powered_off ? " (off)" : cpu->halted ? " (halted)" : "");
    }
    look_end(c);
}

static void cmd_cpu(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    uint32_t count = c->session->machine->cpu_count;
    char *end;
    unsigned long n = strtoul(args, &end, 10);
    if (end == args || *end || n >= count)
        fprintf(out, "'%s' is no CPU; write a number from 0 to %" PRIu32 "\n", args, count - 1);
    else
        c->cpu = (uint32_t)n;
}

static void cmd_info_version(void *opaque, const char *args, FILE *out)
{
    fprintf(out, "%s\n", DRAGOMAN_VERSION);
}

static void cmd_info_name(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    if (c->session->name)
        fprintf(out, "%s\n", c->session->name);
    else
        fprintf(out, "this guest has no name; give it one with -name\n");
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

/* ---- operands --------------------------------------------------------------------------- */

typedef struct Format {
    unsigned count, size; /* items, bytes of one */
    char kind;            /* x d u o c i */
} Format;

#define FORMAT_ITEMS_MAX 4096ul

static bool parse_format(const char **args, Format *f, FILE *out)
{
    const char *p = *args;
    if (*p != '/')
        return true;
    p++;
    if (isdigit((unsigned char)*p)) {
        unsigned long count = strtoul(p, (char **)&p, 10);
        f->count = (unsigned)MIN(count, FORMAT_ITEMS_MAX);
    }
    for (; *p && !isspace((unsigned char)*p); p++) {
        const char *sizes = "bhwg", *at = strchr(sizes, *p);
        if (at) {
            f->size = 1u << (at - sizes);
        } else if (strchr("xduoci", *p)) {
            f->kind = *p;
        } else {
            fprintf(out, "unknown format letter '%c'; write /COUNT, one of xduoci, one of bhwg\n",
                    *p);
            return false;
        }
    }
    *args = p;
    return true;
}

/* A register of the chosen CPU, which is paused. */
static bool register_value(void *opaque, const char *name, uint64_t *value)
{
    VCPU *cpu = opaque;
    *value = 0;
    for (const CpuRegister *r = cpu->ops->registers; r && r->name; r++) {
        if (strcasecmp(r->name, name) || r->bytes > sizeof(*value))
            continue;
        memcpy(value, (const char *)vcpu_env(cpu) + r->offset, r->bytes);
        return true;
    }
    return false;
}

/* All of `text` as an expression over the registers of `cpu`. */
static bool parse_operand(VCPU *cpu, const char *text, uint64_t *value, FILE *out)
{
    const char *end;
    Error *err = NULL;
    bool ok = expression_parse(text, &end, register_value, cpu, value, &err);
    if (ok && *end)
        ok = error_set(&err, "'%s' is too much; write one expression such as $pc + 16", end);
    if (!ok)
        fprintf(out, "%s\n", error_text(err));
    error_free(err);
    return ok;
}

static void print_item(const Format *f, uint64_t v, FILE *out)
{
    switch (f->kind) {
    case 'd':
        fprintf(out, "%" PRId64, sign_extend(v, f->size * 8));
        break;
    case 'u':
        fprintf(out, "%" PRIu64, v);
        break;
    case 'o':
        fprintf(out, "%s%" PRIo64, v ? "0" : "", v);
        break;
    case 'c':
        fprintf(out, "'%c'", isprint((int)(v & 0xff)) ? (int)(v & 0xff) : '.');
        break;
    default:
        fprintf(out, "0x%0*" PRIx64, (int)f->size * 2, v);
    }
}

/* ---- memory ----------------------------------------------------------------------------- */

/* Guest memory as the chosen CPU sees it, or by physical address. */
typedef struct Window {
    VCPU *cpu;
    bool virtual;
} Window;

/* One byte at a time, since an item may cross a page. Devices have side effects on reads: only
 * memory is shown. */
static bool read_bytes(const Window *w, uint64_t address, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        Hwaddr gpa = address + i;
        if (w->virtual && !w->cpu->ops->debug_translate(w->cpu, address + i, &gpa))
            return false;
        const uint8_t *host = memory_host(w->cpu->memory, gpa, 1, false);
        if (!host)
            return false;
        ((uint8_t *)to)[i] = *host;
    }
    return true;
}

static void no_memory(uint64_t address, FILE *out)
{
    fprintf(out, "there is no memory at address 0x%" PRIx64 "\n", address);
}

static void dump_insns(const Window *w, const Format *f, uint64_t address, FILE *out)
{
    const CpuOps *ops = w->cpu->ops;
    size_t step = (size_t)1 << ops->insn_align_log2;
    Disas *d = disas_open(ops->capstone_arch, ops->capstone_mode, step);
    if (!d)
        fprintf(out, "there is no disassembler for %s here\n", ops->arch);
    for (unsigned i = 0; d && i < f->count; i++) {
        uint8_t code[16];
        size_t n = 0;
        while (n + step <= sizeof(code) && read_bytes(w, address + n, code + n, step))
            n += step;
        if (!n) {
            no_memory(address, out);
            break;
        }
        address += disas_print(d, code, n, address, out);
    }
    disas_close(d);
}

static void dump_items(const Window *w, const Format *f, uint64_t address, FILE *out)
{
    unsigned per_line = 16 / f->size;
    for (unsigned i = 0; i < f->count; i++, address += f->size) {
        uint64_t v = 0;
        if (!read_bytes(w, address, &v, f->size)) {
            fprintf(out, "%s", i % per_line ? "\n" : "");
            no_memory(address, out);
            return;
        }
        if (i % per_line == 0)
            fprintf(out, "%016" PRIx64 ":", address);
        fputc(' ', out);
        print_item(f, v, out);
        if (i % per_line == per_line - 1 || i + 1 == f->count)
            fputc('\n', out);
    }
}

static void dump_memory(CommandContext *c, const char *args, bool virtual, FILE *out)
{
    Format f = { 1, 4, 'x' };
    Window w = { c->session->machine->cpus[c->cpu], virtual };
    uint64_t address;
    if (!parse_format(&args, &f, out))
        return;
    look_begin(c);
    if (!parse_operand(w.cpu, args, &address, out))
        ;
    else if (f.kind == 'i')
        dump_insns(&w, &f, address, out);
    else
        dump_items(&w, &f, address, out);
    look_end(c);
}

static void cmd_x(void *opaque, const char *args, FILE *out)
{
    dump_memory(opaque, args, true, out);
}

static void cmd_xp(void *opaque, const char *args, FILE *out)
{
    dump_memory(opaque, args, false, out);
}

static void cmd_print(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    Format f = { 1, 8, 'd' };
    uint64_t value;
    if (!parse_format(&args, &f, out))
        return;
    look_begin(c);
    bool ok = parse_operand(c->session->machine->cpus[c->cpu], args, &value, out);
    look_end(c);
    if (!ok)
        return;
    if (f.kind == 'x')
        fprintf(out, "0x%" PRIx64, value);
    else
        print_item(&f, value, out);
    fputc('\n', out);
}

/* ---- balloon ---------------------------------------------------------------------------- */

static VirtioBalloon *find_balloon(void *opaque, FILE *out)
{
    Device *d = machine_of(opaque)->devices;
    while (d && d->type != &virtio_balloon_type)
        d = d->next;
    if (!d)
        fprintf(out, "this machine has no balloon; give it -device %s\n", virtio_balloon_type.name);
    return (VirtioBalloon *)d;
}

static void cmd_balloon(void *opaque, const char *args, FILE *out)
{
    uint64_t bytes;
    VirtioBalloon *b = find_balloon(opaque, out);
    if (!b)
        return;
    if (parse_size(args, UINT64_C(1) << 20, &bytes))
        virtio_balloon_set_target(b, bytes);
    else
        fprintf(out, "'%s' is not a size; write MiB as in 'balloon 512'\n", args);
}

static void cmd_info_balloon(void *opaque, const char *args, FILE *out)
{
    VirtioBalloon *b = find_balloon(opaque, out);
    if (b)
        virtio_balloon_print(b, out);
}

/* ---- character devices ------------------------------------------------------------------ */

static void cmd_info_chardev(void *opaque, const char *args, FILE *out)
{
    const Machine *m = machine_of(opaque);
    for (size_t i = 0; i < m->chardev_count; i++)
        fprintf(out, "%s: filename=%s%s\n", chardev_id(m->chardevs[i]),
                chardev_label(m->chardevs[i]), chardev_is_mux(m->chardevs[i]) ? ",mux" : "");
}

/* The character device that begins `args`, of which the rest is left. */
static Chardev *take_chardev(void *opaque, const char **args, FILE *out)
{
    char id[64];
    Error *err = NULL;
    size_t len = strcspn(*args, " ");
    snprintf(id, sizeof(id), "%.*s", (int)len, *args);
    *args += len + strspn(*args + len, " ");
    Chardev *chr = machine_find_chardev(machine_of(opaque), id, &err);
    if (!chr)
        fprintf(out, "%s\n", error_text(err));
    error_free(err);
    return chr;
}

static void cmd_ringbuf_write(void *opaque, const char *args, FILE *out)
{
    Chardev *chr = take_chardev(opaque, &args, out);
    if (chr)
        chardev_write(chr, args, strlen(args));
}

static void put_visible(const uint8_t *buf, size_t len, FILE *out)
{
    for (size_t i = 0; i < len; i++) {
        if (buf[i] == '\\')
            fputs("\\\\", out);
        else if ((buf[i] < ' ' && buf[i] != '\n') || buf[i] == 0x7f)
            fprintf(out, "\\u%04X", buf[i]);
        else
            fputc(buf[i], out);
    }
    fputc('\n', out);
}

static void cmd_ringbuf_read(void *opaque, const char *args, FILE *out)
{
    uint8_t buf[65536];
    uint64_t size;
    Error *err = NULL;
    Chardev *chr = take_chardev(opaque, &args, out);
    if (!chr)
        return;
    if (!parse_size(args, 1, &size)) {
        fprintf(out, "'%s' is not a size; write ringbuf_read ID BYTES\n", args);
        return;
    }
    size_t n = chardev_ringbuf_read(chr, buf, MIN(size, sizeof(buf)), &err);
    if (err)
        fprintf(out, "%s\n", error_text(err));
    else
        put_visible(buf, n, out);
    error_free(err);
}

const MonitorCommand monitor_commands[] = {
    { "quit", "q", "", "end the emulator", cmd_quit },
    { "stop", NULL, "", "stop the CPUs", cmd_stop },
    { "cont", "c", "", "let the CPUs run", cmd_cont },
    { "system_reset", NULL, "", "reset the machine", cmd_reset },
    { "system_powerdown", NULL, "", "press the power button", cmd_powerdown },
    { "cpu", NULL, "NUMBER", "choose the CPU that x, print and $registers look at", cmd_cpu },
    { "x", NULL, "/COUNT[xduoci][bhwg] ADDRESS", "memory at a virtual address: x/10i $pc", cmd_x },
    { "xp", NULL, "/COUNT[xduoci][bhwg] ADDRESS", "memory at a physical address", cmd_xp },
    { "print", "p", "/[xduoc] EXPRESSION", "calculate: p/x $sp + 16", cmd_print },
    { "balloon", NULL, "MIB", "leave the guest that much memory, if it has a balloon",
      cmd_balloon },
    { "info balloon", NULL, "", "what memory the guest has", cmd_info_balloon },
    { "ringbuf_read", NULL, "ID BYTES", "take what was written to a -chardev ringbuf",
      cmd_ringbuf_read },
    { "ringbuf_write", NULL, "ID TEXT", "write to a -chardev ringbuf", cmd_ringbuf_write },
    { "info chardev", NULL, "", "the character devices", cmd_info_chardev },
    { "info cpus", NULL, "", "where each CPU is", cmd_info_cpus },
    { "info jit", NULL, "", "what the translator did", cmd_info_jit },
    { "info mtree", NULL, "", "the map of physical memory", cmd_info_mtree },
    { "info name", NULL, "", "the name of this guest", cmd_info_name },
    { "info qtree", NULL, "", "the devices and their properties", cmd_info_qtree },
    { "info registers", NULL, "[-a]", "the registers of all CPUs", cmd_info_registers },
    { "info status", NULL, "", "whether the CPUs run", cmd_info_status },
    { "info version", NULL, "", "the version of this program", cmd_info_version },
    { NULL, NULL, NULL, NULL, NULL },
};
