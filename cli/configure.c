// SPDX-License-Identifier: MIT
//
// The machine's configuration from the options; contract in configure.h.
#include "cli/configure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include "cli/objects.h"
#include "cli/rtc.h"
#include "cli/semihosting.h"
#include "util/bitops.h"
#include "util/keyval.h"

const char *const smp_parameters[] = {
    "cpus", "maxcpus", "sockets", "dies", "clusters", "cores", "threads", NULL
};
const char *const memory_parameters[] = { "size", NULL };
const char *const name_parameters[] = { "guest", "process", "debug-threads", NULL };

/* ---- -smp ------------------------------------------------------------------------------- */

#define CPUS_MAX 4096u

static bool parse_number(const char *what, const char *text, uint32_t *value, Error **err)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || v < 1 || v > CPUS_MAX)
        return error_set(err, "-smp %s is '%s', which is not a number from 1 to %u", what, text,
                         CPUS_MAX);
    *value = (uint32_t)v;
    return true;
}

static bool parse_smp(MachineConfig *c, const char *text, Error **err)
{
    uint32_t dies = 1;
    uint32_t *const fields[] = {
        &c->cpus, &c->max_cpus, &c->sockets, &dies, &c->clusters, &c->cores, &c->threads
    };
    Keyval kv;
    if (!keyval_parse(&kv, text, "cpus", err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAY_SIZE(fields); i++) {
        const char *value = keyval_take(&kv, smp_parameters[i]);
        ok = !value || parse_number(smp_parameters[i], value, fields[i], err);
    }
    ok = ok && keyval_check_used(&kv, "-smp", smp_parameters, err);
    keyval_free(&kv);
    if (ok && dies != 1)
        return error_set(err, "-smp dies=%u: dies are not supported by this machine's CPU topology; "
                         "use clusters", dies);
    return ok;
}

/* One level of the topology that is not given: what the others leave of all CPUs. */
static void fill_level(uint32_t cpus, uint32_t *level, uint64_t others)
{
    if (!*level)
        *level = others <= cpus ? (uint32_t)(cpus / others) : 1;
}

bool configure_smp(MachineConfig *c, const char *text, Error **err)
{
    if (!parse_smp(c, text, err))
        return false;
    uint64_t given = (uint64_t)MAX(c->sockets, 1) * MAX(c->clusters, 1) * MAX(c->cores, 1) *
                     MAX(c->threads, 1);
    if (!c->cpus && !c->max_cpus && given > CPUS_MAX)
        return error_set(err, "-smp '%s' makes %" PRIu64 " CPUs; use fewer", text, given);
    if (!c->max_cpus)
        c->max_cpus = c->cpus ? c->cpus : (uint32_t)given;
    if (!c->cpus)
        c->cpus = c->max_cpus;
    if (c->max_cpus < c->cpus)
        return error_set(err, "-smp '%s': maxcpus must be equal to or greater than the number of CPUs: "
                         "maxcpus (%u) < cpus (%u)", text, c->max_cpus, c->cpus);
    c->clusters = MAX(c->clusters, 1);
    if (!c->cores)
        c->sockets = MAX(c->sockets, 1);
    if (!c->cores || !c->sockets)
        c->threads = MAX(c->threads, 1);
    fill_level(c->max_cpus, &c->cores, (uint64_t)c->sockets * c->clusters * c->threads);
    fill_level(c->max_cpus, &c->sockets, (uint64_t)c->clusters * c->cores * c->threads);
    fill_level(c->max_cpus, &c->threads, (uint64_t)c->sockets * c->clusters * c->cores);
    if ((uint64_t)c->sockets * c->clusters * c->cores * c->threads != c->max_cpus)
        return error_set(err, "-smp '%s': invalid CPU topology: product of the hierarchy must match "
                         "maxcpus: sockets (%u) * clusters (%u) * cores (%u) * threads (%u) != "
                         "maxcpus (%u)", text, c->sockets, c->clusters, c->cores, c->threads,
                         c->max_cpus);
    return true;
}

/* ---- -m --------------------------------------------------------------------------------- */

bool configure_memory(MachineConfig *c, const char *text, Error **err)
{
    Keyval kv;
    if (!keyval_parse(&kv, text, "size", err))
        return false;
    const char *size = keyval_take(&kv, "size");
    bool ok = true;
    if (keyval_take(&kv, "maxmem") || keyval_take(&kv, "slots"))
        ok = error_set(err, "-m '%s': memory cannot be plugged in later; leave maxmem and slots "
                       "out", text);
    ok = ok && keyval_check_used(&kv, "-m", memory_parameters, err);
    if (ok && (!size || !parse_size(size, UINT64_C(1) << 20, &c->ram_bytes) || !c->ram_bytes))
        ok = error_set(err, "-m '%s' is not a size; write MiB as in '-m 512', or '-m 2G'", text);
    c->ram_bytes = (c->ram_bytes + GUEST_PAGE_SIZE - 1) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
    keyval_free(&kv);
    return ok;
}

/* ---- -M --------------------------------------------------------------------------------- */

/* The board of several -M: the last one named counts, as their properties add up. */
static bool select_board(Machine *m, const OptionList *list, Error **err)
{
    char *name = NULL;
    bool ok = true;
    for (unsigned i = 0; ok && i < list->count; i++) {
        Keyval kv;
        ok = keyval_parse(&kv, list->text[i], "type", err);
        const char *type = ok ? keyval_take(&kv, "type") : NULL;
        if (type) {
            free(name);
            name = strdup(type);
            ok = name || error_set(err, "out of memory for -M");
        }
        keyval_free(&kv);
    }
    const BoardType *board = ok ? board_type_find(name ? name : "virt", err) : NULL;
    free(name);
    return board && machine_select_board(m, board, err);
}

static bool replace_text(char **text, const char *value, Error **err)
{
    free(*text);
    *text = strdup(value);
    return *text || error_set(err, "out of memory for -M");
}

static bool set_properties(Session *s, const char *text, Error **err)
{
    Keyval kv;
    bool ok = keyval_parse(&kv, text, "type", err);
    for (size_t i = 0; ok && i < kv.count; i++) {
        const KeyvalPair *p = &kv.pairs[i];
        s->build_only |= !strcmp(p->key, "dumpdtb");
        if (!strcmp(p->key, "accel")) {
            ok = replace_text(&s->machine_accel, p->value, err);
        } else if (!strcmp(p->key, "memory-backend")) {
            ok = replace_text(&s->memory_backend, p->value, err);
        } else if (strcmp(p->key, "type")) {
            ok = machine_set(s->machine, p->key, p->value, err);
        }
    }
    keyval_free(&kv);
    return ok;
}

/* ---- -name ------------------------------------------------------------------------------ */

static bool configure_name(Session *s, const char *text, Error **err)
{
    Keyval kv;
    if (!keyval_parse(&kv, text, "guest", err))
        return false;
    const char *guest = keyval_take(&kv, "guest"), *process = keyval_take(&kv, "process");
    keyval_take(&kv, "debug-threads"); /* there is nothing to choose: threads have no names */
    bool ok = keyval_check_used(&kv, "-name", name_parameters, err);
    if (ok && guest)
        ok = (s->name = strdup(guest)) || error_set(err, "out of memory for -name");
    if (ok && process)
        prctl(PR_SET_NAME, process);
    keyval_free(&kv);
    return ok;
}

/* ---- all of it -------------------------------------------------------------------------- */

bool configure_machine(Session *s, const Options *o, Error **err)
{
    MachineConfig *c = &s->machine->config;
    if (!select_board(s->machine, &o->machines, err))
        return false;
    for (unsigned i = 0; i < o->machines.count; i++)
        if (!set_properties(s, o->machines.text[i], err))
            return false;
    c->cpu_model = o->cpu;
    c->kernel = o->kernel;
    c->initrd = o->initrd;
    c->append = o->append;
    c->dtb = o->dtb;
    c->firmware = o->firmware;
    c->no_reboot = o->no_reboot;
    bool semihosting;
    if (!configure_semihosting(&s->semihosting, o, &semihosting, err))
        return false;
    c->semihosting = semihosting ? &s->semihosting : NULL;
    return (!o->smp || configure_smp(c, o->smp, err)) &&
           (!o->memory || configure_memory(c, o->memory, err)) &&
           objects_configure(s, o, err) && (!o->name || configure_name(s, o->name, err)) &&
           (!o->rtc || rtc_parse(o->rtc, &c->rtc_offset_seconds, err));
}
