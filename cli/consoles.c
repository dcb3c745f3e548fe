// SPDX-License-Identifier: MIT
//
// Opening the character devices, serial lines and monitors; contract in consoles.h.
//
// Without -serial the first serial line is on this terminal, shared with the monitor by Ctrl-A c
// under -nographic. Without -monitor there is one only under -nographic. Names are those that QEMU
// gives: serial0, compat_monitor0.
#include "cli/consoles.h"

#include <string.h>
#include "accel/qtest/server.h"
#include "util/bitops.h"
#include "util/keyval.h"

static void quit_requested(void *opaque, int status)
{
    Machine *m = opaque;
    atomic_store(&m->run.exit_status, status);
    runstate_request(&m->run, RUN_REQUEST_QUIT);
}

static bool is_stdio(const char *spec)
{
    return !strcmp(spec, "stdio") || !strcmp(spec, "mon:stdio");
}

/* ---- character devices ------------------------------------------------------------------ */

static bool keep(Session *s, Chardev *chr, Error **err)
{
    const char *label = chardev_label(chr);
    if (!machine_add_chardev(s->machine, chr, err)) {
        chardev_close(chr);
        return false;
    }
    if (!strncmp(label, "pty:", 4))
        fprintf(stderr, "char device redirected to %s (label %s)\n", label + 4, chardev_id(chr));
    s->on_terminal |= chardev_is_mux(chr) && !strcmp(label, "stdio");
    return true;
}

static bool create_chardev(Session *s, const char *text, Error **err)
{
    Chardev *chr;
    return chardev_create(&s->chardev_host, text, &chr, err) && keep(s, chr, err);
}

/* What stands after -serial or -monitor: a device of its own, or one of -chardev. */
static bool open_text(Session *s, const char *id, const char *text, Chardev **chr, Error **err)
{
    if (!strncmp(text, "chardev:", 8)) {
        *chr = machine_find_chardev(s->machine, text + 8, err);
        return *chr;
    }
    return chardev_open(&s->chardev_host, id, text, chr, err) && (!*chr || keep(s, *chr, err));
}

/* ---- monitors --------------------------------------------------------------------------- */

static bool add_monitor(Session *s, Chardev *chr, Error **err)
{
    if (s->monitor_count == ARRAY_SIZE(s->monitors))
        return error_set(err, "more than %zu monitors; leave out some -monitor",
                         ARRAY_SIZE(s->monitors));
    s->monitors[s->monitor_count++] = chr;
    return true;
}

static bool open_monitor(Session *s, unsigned n, const char *text, Error **err)
{
    Chardev *chr;
    char id[32];
    snprintf(id, sizeof(id), "compat_monitor%u", n);
    return open_text(s, id, text, &chr, err) && (!chr || add_monitor(s, chr, err));
}

static const char *const mon_parameters[] = { "chardev", "mode", "pretty", NULL };

static bool open_mon(Session *s, const char *text, Error **err)
{
    Keyval kv;
    bool pretty = false;
    if (!keyval_parse(&kv, text, "chardev", err))
        return false;
    const char *id = keyval_take(&kv, "chardev"), *mode = keyval_take(&kv, "mode");
    bool ok = keyval_take_bool(&kv, "pretty", &pretty, err) &&
              keyval_check_used(&kv, "-mon", mon_parameters, err);
    if (ok && mode && strcmp(mode, "readline"))
        ok = error_set(err, "-mon mode=%s is not supported; the monitor is mode=readline", mode);
    if (ok && !id)
        ok = error_set(err, "-mon '%s' names no character device; write chardev=ID", text);
    Chardev *chr = ok ? machine_find_chardev(s->machine, id, err) : NULL;
    ok = chr && add_monitor(s, chr, err);
    keyval_free(&kv);
    return ok;
}

bool consoles_claim_monitors(Session *s, Error **err)
{
    for (unsigned i = 0; i < s->monitor_count; i++) {
        s->monitors[i] = chardev_claim(s->monitors[i], "a monitor", err);
        if (!s->monitors[i])
            return false;
    }
    return true;
}

/* ---- serial lines ----------------------------------------------------------------------- */

static bool open_serial(Session *s, unsigned n, const char *text, Error **err)
{
    MachineConfig *c = &s->machine->config;
    char id[32];
    if (n >= ARRAY_SIZE(c->serials))
        return error_set(err, "more than %zu times -serial; leave some out",
                         ARRAY_SIZE(c->serials));
    snprintf(id, sizeof(id), "serial%u", n);
    c->serial_count = n + 1;
    Chardev **chr = &c->serials[n];
    if (!open_text(s, id, text, chr, err))
        return false;
    return strncmp(text, "mon:", 4) || add_monitor(s, *chr, err);
}

/* What the first serial line is when no -serial says. */
static const char *default_serial(const Session *s, const Options *o)
{
    bool monitor_on_stdio = false;
    for (unsigned i = 0; i < o->monitors.count; i++)
        monitor_on_stdio |= is_stdio(o->monitors.text[i]);
    if (s->chardev_host.stdio_taken)
        return "none";
    if (o->nographic)
        return !(o->monitors.count + o->mons.count) || monitor_on_stdio ? "mon:stdio" : "stdio";
    return monitor_on_stdio || o->nodefaults ? "none" : "stdio";
}

/* ---- qtest ------------------------------------------------------------------------------ */

static bool open_qtest(Session *s, const Options *o, Error **err)
{
    Chardev *chr;
    if (!o->qtest)
        return true;
    if (!open_text(s, "qtest", o->qtest, &chr, err))
        return false;
    if (!chr)
        return error_set(err, "-qtest %s leads nowhere; write unix:PATH or stdio", o->qtest);
    s->qtest = qtest_server_create(s->machine, chr, o->qtest_log, s->accel->type->passive, err);
    return s->qtest;
}

bool consoles_open(Session *s, const Options *o, Error **err)
{
    bool defaulted = o->serials.count == 0;
    s->chardev_host = (ChardevHost){ .loop = s->machine->loop, .quit = quit_requested,
                                     .opaque = s->machine };
    for (unsigned i = 0; i < o->chardevs.count; i++)
        if (!create_chardev(s, o->chardevs.text[i], err))
            return false;
    if (!open_qtest(s, o, err))
        return false;
    if (defaulted && !open_serial(s, 0, default_serial(s, o), err))
        return false;
    for (unsigned i = 0; i < o->serials.count; i++)
        if (!open_serial(s, i, o->serials.text[i], err))
            return false;
    for (unsigned i = 0; i < o->monitors.count; i++) {
        /* under -nographic the default serial line has brought that one along */
        bool shared = defaulted && s->on_terminal && is_stdio(o->monitors.text[i]);
        if (!shared && !open_monitor(s, i, o->monitors.text[i], err))
            return false;
    }
    for (unsigned i = 0; i < o->mons.count; i++)
        if (!open_mon(s, o->mons.text[i], err))
            return false;
    bool monitor_asked = o->monitors.count + o->mons.count;
    if (o->nographic && !monitor_asked && !s->monitor_count && !s->chardev_host.stdio_taken)
        return open_monitor(s, 0, "stdio", err);
    return true;
}
