// SPDX-License-Identifier: MIT
//
// Monitor commands that look into the guest's memory, and calculate. The CPUs are paused while one
// of them looks. Formats and their columns are those of QEMU's monitor.
#include "cli/commands_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli/coredump.h"
#include "cli/expression.h"
#include "cli/guest_symbols.h"
#include "util/bitops.h"
#include "util/disas.h"

/* ---- operands --------------------------------------------------------------------------- */

typedef struct Format {
    unsigned count, size; /* items, bytes of one */
    char kind;            /* x d u o c i */
} Format;

#define FORMAT_ITEMS_MAX 65536ul

/* Letters replace what `f` has; characters are bytes where no size is given. */
static bool parse_format(const char **args, Format *f, FILE *out)
{
    const char *p = *args;
    bool sized = false;
    if (*p != '/')
        return true;
    p++;
    if (isdigit((unsigned char)*p)) {
        unsigned long count = strtoul(p, (char **)&p, 10);
        if (count > FORMAT_ITEMS_MAX) {
            fprintf(out, "%lu items are too many; ask for %lu at a time, or use pmemsave\n", count,
                    FORMAT_ITEMS_MAX);
            return false;
        }
        f->count = (unsigned)count;
    }
    for (; *p && !isspace((unsigned char)*p); p++) {
        const char *sizes = "bhwg", *at = strchr(sizes, *p);
        if (at) {
            f->size = 1u << (at - sizes);
            sized = true;
        } else if (strchr("xduoci", *p)) {
            f->kind = *p;
        } else {
            fprintf(out, "unknown format letter '%c'; write /COUNT, one of xduoci, one of bhwg\n",
                    *p);
            return false;
        }
    }
    if (f->kind == 'c' && !sized)
        f->size = 1;
    *args = p;
    return true;
}

/* A register of the chosen CPU, which is paused, or the address of a symbol of the guest's. */
static bool named_value(void *opaque, const char *name, uint64_t *value)
{
    const CommandContext *c = opaque;
    VCPU *cpu = command_cpu(c);
    for (const CpuRegister *r = cpu->ops->registers; r && r->name; r++) {
        if (strcasecmp(r->name, name) || r->bytes > sizeof(*value))
            continue;
        *value = vcpu_register_value(cpu, r);
        return true;
    }
    const Symbols *symbols = guest_symbols(c->session);
    return symbols && symbols_address(symbols, name, value);
}

/* All of `text` as an expression over registers and symbols. */
static bool parse_operand(CommandContext *c, const char *text, uint64_t *value, FILE *out)
{
    const char *end;
    Error *err = NULL;
    bool ok = expression_parse(text, &end, named_value, c, value, &err);
    if (ok && *end)
        ok = error_set(&err, "'%s' is too much; write one expression such as $pc + 16", end);
    if (!ok)
        command_failed(err, out);
    return ok;
}

/* A word as an expression, so that a file's name can follow; `*text` moves to the next word. */
static bool parse_word(CommandContext *c, const char **text, uint64_t *value, FILE *out)
{
    char word[128];
    size_t len = strcspn(*text, " \t");
    snprintf(word, sizeof(word), "%.*s", (int)len, *text);
    *text += len;
    *text += strspn(*text, " \t");
    return parse_operand(c, word, value, out);
}

static void print_char(uint8_t c, FILE *out)
{
    static const char letters[] = "\nn\rr\tt''\\\\";
    for (const char *p = letters; *p; p += 2) {
        if (c == (uint8_t)p[0]) {
            fprintf(out, "'\\%c'", p[1]);
            return;
        }
    }
    fprintf(out, isprint(c) ? "'%c'" : "'\\x%02x'", c);
}

/* `columns`: right-justified to the width of the largest value of its size. */
static void print_item(const Format *f, uint64_t v, bool columns, FILE *out)
{
    int bits = (int)f->size * 8, decimal = columns ? (bits * 10 + 32) / 33 : 0;
    switch (f->kind) {
    case 'd':
        fprintf(out, "%*" PRId64, decimal, (int64_t)sign_extend(v, (unsigned)bits));
        break;
    case 'u':
        fprintf(out, "%*" PRIu64, decimal, v);
        break;
    case 'o':
        fprintf(out, "%#*" PRIo64, columns ? (bits + 2) / 3 : 0, v);
        break;
    case 'c':
        print_char((uint8_t)v, out);
        break;
    default:
        fprintf(out, "0x%0*" PRIx64, columns ? bits / 4 : 0, v);
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
    unsigned per_line = (f->size == 1 ? 8 : 16) / f->size;
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
        print_item(f, v, true, out);
        if (i % per_line == per_line - 1 || i + 1 == f->count)
            fputc('\n', out);
    }
}

static void dump_memory(CommandContext *c, const char *args, bool virtual, FILE *out)
{
    Window w = { command_cpu(c), virtual };
    uint64_t address;
    Format f = { 1, 4, 'x' };
    if (!parse_format(&args, &f, out))
        return;
    look_begin(c);
    if (!parse_operand(c, args, &address, out))
        ;
    else if (f.kind == 'i')
        dump_insns(&w, &f, address, out);
    else
        dump_items(&w, &f, address, out);
    look_end(c);
}

void cmd_x(void *opaque, const char *args, FILE *out)
{
    dump_memory(opaque, args, true, out);
}

void cmd_xp(void *opaque, const char *args, FILE *out)
{
    dump_memory(opaque, args, false, out);
}

void cmd_print(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    Format f = { 1, 8, 'x' };
    uint64_t value;
    if (!parse_format(&args, &f, out))
        return;
    look_begin(c);
    bool ok = parse_operand(c, args, &value, out);
    look_end(c);
    if (!ok)
        return;
    print_item(&f, value, false, out);
    fputc('\n', out);
}

/* ---- addresses -------------------------------------------------------------------------- */

void cmd_gva2gpa(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    VCPU *cpu = command_cpu(c);
    uint64_t address;
    Hwaddr gpa;
    look_begin(c);
    if (!parse_operand(c, args, &address, out))
        ;
    else if (cpu->ops->debug_translate(cpu, address, &gpa))
        fprintf(out, "gpa: 0x%" PRIx64 "\n", gpa);
    else
        fprintf(out, "Unmapped\n");
    look_end(c);
}

void cmd_gpa2hva(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    VCPU *cpu = command_cpu(c);
    uint64_t address;
    look_begin(c);
    bool ok = parse_operand(c, args, &address, out);
    look_end(c);
    if (!ok)
        return;
    const FlatRange *r = memory_find(cpu->memory, address);
    const void *host = memory_host(cpu->memory, address, 1, false);
    if (host)
        fprintf(out, "Host virtual address for 0x%" PRIx64 " (%s) is %p\n", address,
                r->region->name, host);
    else
        no_memory(address, out);
}

/* ---- stretches of memory ---------------------------------------------------------------- */

typedef struct Stretch {
    Window window;
    uint64_t address, bytes;
    const char *rest; /* of the arguments, without leading blanks */
} Stretch;

static bool parse_stretch(CommandContext *c, const char *args, bool virtual, Stretch *s, FILE *out)
{
    *s = (Stretch){ .window = { command_cpu(c), virtual } };
    bool ok = parse_word(c, &args, &s->address, out) &&
              parse_word(c, &args, &s->bytes, out);
    s->rest = args;
    return ok;
}

/* The same for bytes that are in one page. */
static bool read_page(const Window *w, uint64_t address, void *to, size_t len)
{
    Hwaddr gpa = address;
    if (w->virtual && !w->cpu->ops->debug_translate(w->cpu, address, &gpa))
        return false;
    const void *host = memory_host(w->cpu->memory, gpa, len, false);
    if (!host)
        return read_bytes(w, address, to, len); /* maybe of two regions */
    memcpy(to, host, len);
    return true;
}

/* Give all of it to `take`, in pieces. False with a message, which take() writes where it fails. */
static bool for_stretch(const Stretch *s, bool (*take)(void *, const uint8_t *, size_t, FILE *),
                        void *opaque, FILE *out)
{
    uint8_t buf[4096];
    for (uint64_t done = 0; done < s->bytes;) {
        uint64_t address = s->address + done;
        size_t in_page = sizeof(buf) - address % sizeof(buf);
        size_t n = (size_t)MIN(s->bytes - done, in_page);
        if (!read_page(&s->window, address, buf, n)) {
            no_memory(address, out);
            return false;
        }
        if (!take(opaque, buf, n, out))
            return false;
        done += n;
    }
    return true;
}

static bool add_to_sum(void *opaque, const uint8_t *bytes, size_t len, FILE *out)
{
    uint16_t *sum = opaque;
    for (size_t i = 0; i < len; i++)
        *sum = (uint16_t)((*sum >> 1 | *sum << 15) + bytes[i]);
    return true;
}

void cmd_sum(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    Stretch s;
    uint16_t sum = 0;
    look_begin(c);
    if (!parse_stretch(c, args, false, &s, out))
        ;
    else if (*s.rest)
        fprintf(out, "'%s' is too much; write ADDRESS BYTES\n", s.rest);
    else if (for_stretch(&s, add_to_sum, &sum, out))
        fprintf(out, "%05u\n", sum);
    look_end(c);
}

/* A file's name may stand in quotes. */
static bool parse_file_name(const char *text, char *name, size_t len, FILE *out)
{
    size_t n = strlen(text);
    if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
        text++;
        n -= 2;
    }
    snprintf(name, len, "%.*s", (int)n, text);
    if (!n)
        fprintf(out, "the name of a file is missing\n");
    return n;
}

static bool write_piece(void *opaque, const uint8_t *bytes, size_t len, FILE *out)
{
    if (fwrite(bytes, 1, len, opaque) == len)
        return true;
    fprintf(out, "cannot write the file: %s\n", strerror(errno));
    return false;
}

static bool only_look(void *opaque, const uint8_t *bytes, size_t len, FILE *out)
{
    return true;
}

/* The file that was there before is lost only when all of the memory is there. */
static void save(CommandContext *c, const char *args, bool virtual, FILE *out)
{
    Stretch s;
    char name[512];
    FILE *to = NULL;
    look_begin(c);
    if (parse_stretch(c, args, virtual, &s, out) &&
        parse_file_name(s.rest, name, sizeof(name), out) && for_stretch(&s, only_look, NULL, out)) {
        to = fopen(name, "we");
        if (!to)
            fprintf(out, "cannot write '%s': %s\n", name, strerror(errno));
        else
            for_stretch(&s, write_piece, to, out);
    }
    look_end(c);
    if (to && fclose(to))
        fprintf(out, "cannot write '%s': %s\n", name, strerror(errno));
}

void cmd_memsave(void *opaque, const char *args, FILE *out)
{
    save(opaque, args, true, out);
}

void cmd_pmemsave(void *opaque, const char *args, FILE *out)
{
    save(opaque, args, false, out);
}

void cmd_dump_guest_memory(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    Error *err = NULL;
    char name[512];
    if (*args == '-') { /* QEMU's -p, -z, -l, -s, ... */
        fprintf(out, "dump-guest-memory has no options: the file is plain ELF with physical memory; "
                "write its name only\n");
        return;
    }
    if (!parse_file_name(args, name, sizeof(name), out))
        return;
    look_begin(c);
    bool ok = coredump_write(command_machine(c), name, &err);
    look_end(c);
    if (!ok)
        command_failed(err, out);
}
