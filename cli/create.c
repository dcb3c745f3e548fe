// SPDX-License-Identifier: MIT
//
// Building the machine that the options describe. Everything that the user can get wrong is
// found here, before a guest instruction runs.
#include "cli/create.h"

#include <stdlib.h>
#include <string.h>
#include "accel/qtest/server.h"
#include "cli/backends.h"
#include "cli/configure.h"
#include "cli/consoles.h"
#include "cli/guest_symbols.h"
#include "cli/run.h"
#include "cli/semihosting.h"
#include "util/bitops.h"
#include "util/keyval.h"
#include "util/suggest.h"

/* ---- logging ---------------------------------------------------------------------------- */

static bool create_log(Session *s, const Options *o, Error **err)
{
    s->log = log_create();
    if (!s->log)
        return error_set(err, "out of memory for the log");
    return (!o->log_items || log_enable(s->log, o->log_items, err)) &&
           (!o->log_file || log_open(s->log, o->log_file, err)) &&
           (!o->log_filter || log_set_filter(s->log, o->log_filter, err));
}

/* ---- engine ----------------------------------------------------------------------------- */

/* Engines of QEMU's that are not in this build. */
static const char *const absent_accels[] = { "kvm", "xen", "hvf", "hax", "nvmm", "whpx" };

static bool is_absent(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(absent_accels); i++)
        if (!strcmp(absent_accels[i], name))
            return true;
    return false;
}

/* NULL with an Error; *unusable when it is a known engine that cannot run here. */
static const AccelType *find_accel(const char *name, bool *unusable, Error **err)
{
    Suggest s = suggest_start(name);
    *unusable = is_absent(name);
    for (const AccelType *const *t = accel_types; *t; t++) {
        if (!strcmp((*t)->name, name)) {
            const char *why = (*t)->unavailable ? (*t)->unavailable() : NULL;
            *unusable = why;
            if (why)
                error_set(err, "engine '%s' cannot run here: %s; use -accel tcg", name, why);
            return why ? NULL : *t;
        }
        suggest_offer(&s, (*t)->name);
    }
    if (*unusable)
        error_set(err, "engine '%s' is not part of this build; use -accel tcg", name);
    else
        error_set(err, "unknown engine '%s'%s ('-accel help' lists them)", name, suggest_text(&s));
    return NULL;
}

/* Options of the engine's that are given by themselves. */
static unsigned add_global_options(const Session *s, const AccelType *type, AccelOption *options,
                                   unsigned count)
{
    const struct {
        const char *name;
        bool on;
    } given[] = { { "perfmap", s->perfmap }, { "jitdump", s->jitdump },
                  { "one-insn-per-tb", s->one_insn } };
    for (const char *const *k = type ? type->options : NULL; k && *k; k++)
        for (size_t i = 0; i < ARRAY_SIZE(given); i++)
            if (given[i].on && !strcmp(*k, given[i].name))
                options[count++] = (AccelOption){ *k, "on" };
    return count;
}

/* "tcg,option=value". False with *unusable set: another engine may be tried. */
static bool try_accel(Session *s, const char *text, bool *unusable, Error **err)
{
    Keyval kv;
    *unusable = false;
    if (!keyval_parse(&kv, text, "accel", err))
        return false;
    const char *name = keyval_take(&kv, "accel");
    const AccelType *type = find_accel(name ? name : "tcg", unusable, err);
    AccelOption options[32];
    unsigned count = 0;
    for (const char *const *k = type ? type->options : NULL; k && *k && count < 32; k++) {
        const char *value = keyval_take(&kv, *k);
        if (value)
            options[count++] = (AccelOption){ *k, value };
    }
    count = add_global_options(s, type, options, count);
    if (type && keyval_check_used(&kv, "-accel", type->options, err))
        s->accel = type->create(&s->machine->memory, s->log, options, count, err);
    keyval_free(&kv);
    s->machine->accel = s->accel;
    s->machine->config.passive = s->accel && s->accel->type->passive;
    return s->accel;
}

/* Each in turn until one can run: what is unknown or misspelt is refused all the same. */
static bool try_accels(Session *s, const char *const *texts, unsigned count, Error **err)
{
    for (unsigned i = 0; i < count; i++) {
        bool unusable;
        Error *why = NULL;
        if (try_accel(s, texts[i], &unusable, &why))
            return true;
        if (!unusable || i + 1 == count)
            error_set(err, "%s", error_text(why));
        error_free(why);
        if (!unusable)
            return false;
    }
    return false;
}

/* -M accel=A:B. */
static bool try_accel_names(Session *s, char *names, Error **err)
{
    const char *texts[8];
    unsigned count = 0;
    char *state = NULL;
    for (char *name = strtok_r(names, ":", &state); name; name = strtok_r(NULL, ":", &state)) {
        if (count == ARRAY_SIZE(texts))
            return error_set(err, "-M accel= names more than %zu engines", ARRAY_SIZE(texts));
        texts[count++] = name;
    }
    if (!count)
        return error_set(err, "-M accel= names no engine; write accel=tcg");
    return try_accels(s, texts, count, err);
}

static bool create_accel(Session *s, const Options *o, Error **err)
{
    static const char *const fallback[] = { "tcg" };
    if (s->machine_accel && o->accels.count)
        return error_set(err, "engines are chosen by '-M accel=%s' and by '-accel %s'; leave one "
                         "of the two out", s->machine_accel, o->accels.text[0]);
    if (s->machine_accel)
        return try_accel_names(s, s->machine_accel, err);
    if (o->accels.count)
        return try_accels(s, o->accels.text, o->accels.count, err);
    return try_accels(s, fallback, 1, err);
}

static bool attach_cpus(Session *s, Error **err)
{
    Machine *m = s->machine;
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        m->cpus[i]->peers = m->cpus;
        m->cpus[i]->peer_count = m->cpu_count;
        if (!s->accel->add_cpu(s->accel, m->cpus[i], err))
            return false;
    }
    return s->accel->start(s->accel, err);
}

/* What is accepted because it changes nothing here. */
static bool check_display(const Options *o, Error **err)
{
    const char *display = o->display ? o->display : "none", *vga = o->vga ? o->vga : "none";
    if (strcmp(display, "none"))
        return error_set(err, "-display %s: there is no display; use -display none, or -nographic "
                         "for the serial line on this terminal", display);
    return !strcmp(vga, "none") ||
           error_set(err, "-vga %s: there is no display; use -vga none or leave it out", vga);
}

static bool add_devices(Session *s, const Options *o, Error **err)
{
    Machine *m = s->machine;
    if (!backends_add(m, o, err))
        return false;
    for (unsigned i = 0; i < o->devices.count; i++)
        if (!device_add(m, o->devices.text[i], err))
            return false;
    if (!m->has_program && !m->config.passive)
        return error_set(err, "there is nothing to run; give a kernel with -kernel, or a program "
                         "with -device loader,file=PATH,cpu-num=0");
    return backends_add_default_nic(m, o, err);
}

bool session_create(Session *s, const Options *o, Error **err)
{
    *s = (Session){ .perfmap = o->perfmap, .jitdump = o->jitdump,
                     .one_insn = o->one_insn };
    if (!check_display(o, err) || !create_log(s, o, err) ||
        !confine_parse(&s->confinement, o, err) || !sandbox_parse(o->sandbox, &s->sandbox, err))
        return false;
    s->machine = machine_create(s->log, err);
    if (!s->machine)
        return false;
    if (!configure_machine(s, o, err) || !create_accel(s, o, err))
        return false;
    if (!s->build_only && !consoles_open(s, o, err))
        return false;
    if (!machine_build(s->machine, err))
        return false;
    if (s->build_only)
        return true;
    if (!add_devices(s, o, err) || !consoles_claim_monitors(s, err) ||
        !guest_symbols_create(s, o, err))
        return false;
    session_block_signals(); /* not before: a file may be a pipe that nobody writes to */
    return attach_cpus(s, err);
}

void session_destroy(Session *s)
{
    if (s->accel)
        s->accel->destroy(s->accel);
    machine_destroy(s->machine);
    symbols_destroy(s->symbols);
    qtest_server_destroy(s->qtest);
    log_destroy(s->log);
    confine_free(&s->confinement);
    free(s->machine_accel);
    free(s->memory_backend);
    free(s->ram_path);
    free(s->name);
    semihosting_free(&s->semihosting);
}
