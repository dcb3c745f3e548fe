// SPDX-License-Identifier: MIT
//
// Opening the serial lines and monitors; contract in consoles.h.
//
// Without -serial the first serial line is on this terminal, shared with the monitor by Ctrl-A c
// under -nographic. Without -monitor there is one only under -nographic.
#include "cli/consoles.h"

#include <string.h>
#include "util/bitops.h"

static void quit_requested(void *opaque)
{
    Machine *m = opaque;
    runstate_request(&m->run, RUN_REQUEST_QUIT);
}

static bool is_stdio(const char *spec)
{
    return !strcmp(spec, "stdio") || !strcmp(spec, "mon:stdio");
}

/* A terminal has room for one of them; the mux makes two of one. */
static bool claim_stdio(Session *s, const char *option, const char *spec, Error **err)
{
    if (!is_stdio(spec))
        return true;
    if (s->stdio_used)
        return error_set(err, "%s %s: this terminal is taken already; use '-serial mon:stdio' to "
                         "share it between serial line and monitor", option, spec);
    s->stdio_used = true;
    return true;
}

static bool add_monitor(Session *s, Chardev *chr, Error **err)
{
    if (s->monitor_count == ARRAY_SIZE(s->monitors))
        return error_set(err, "more than %zu monitors; leave out some -monitor",
                         ARRAY_SIZE(s->monitors));
    s->monitors[s->monitor_count++] = chr;
    return true;
}

static void announce(const Chardev *chr, const char *what, unsigned n)
{
    const char *label = chr ? chardev_label(chr) : "";
    if (!strncmp(label, "pty:", 4))
        fprintf(stderr, "char device redirected to %s (label %s%u)\n", label + 4, what, n);
}

/* "mon:" and any other kind: both ends of a mux. */
static bool open_mux(Session *s, const char *spec, unsigned n, Chardev **guest, Error **err)
{
    Machine *m = s->machine;
    Chardev *terminal;
    ChardevMux mux;
    if (!chardev_open(m->loop, "mux", spec, &terminal, err))
        return false;
    if (!terminal)
        return error_set(err, "-serial mon:%s has nothing to share; use -serial none", spec);
    announce(terminal, "serial", n);
    if (!chardev_open_mux(m->loop, terminal, quit_requested, m, &mux, err)) {
        chardev_close(terminal);
        return false;
    }
    if (!add_monitor(s, mux.monitor, err)) {
        chardev_close(mux.monitor);
        chardev_close(mux.guest);
        return false;
    }
    *guest = mux.guest;
    s->on_terminal |= !strcmp(spec, "stdio");
    return true;
}

static bool open_line(Session *s, unsigned n, const char *spec, Error **err)
{
    MachineConfig *c = &s->machine->config;
    if (n >= ARRAY_SIZE(c->serials))
        return error_set(err, "more than %zu times -serial; leave some out",
                         ARRAY_SIZE(c->serials));
    if (!claim_stdio(s, "-serial", spec, err))
        return false;
    c->serial_count = n + 1;
    Chardev **chr = &c->serials[n];
    if (!strncmp(spec, "mon:", 4))
        return open_mux(s, spec + 4, n, chr, err);
    if (!chardev_open(s->machine->loop, NULL, spec, chr, err))
        return false;
    announce(*chr, "serial", n);
    return true;
}

static bool open_serial(Session *s, unsigned n, const char *spec, Error **err)
{
    if (!open_line(s, n, spec, err))
        return false;
    Chardev **chr = &s->machine->config.serials[n];
    if (!*chr || machine_add_chardev(s->machine, *chr, err))
        return true;
    chardev_close(*chr);
    *chr = NULL;
    return false;
}

static bool open_monitor(Session *s, const char *spec, Error **err)
{
    Chardev *chr;
    if (!claim_stdio(s, "-monitor", spec, err) ||
        !chardev_open(s->machine->loop, NULL, strncmp(spec, "mon:", 4) ? spec : spec + 4, &chr,
                      err))
        return false;
    announce(chr, "compat_monitor", s->monitor_count);
    if (chr && !add_monitor(s, chr, err)) {
        chardev_close(chr);
        return false;
    }
    return true;
}

/* What the first serial line is when no -serial says. */
static const char *default_serial(const Options *o)
{
    bool monitor_on_stdio = false;
    for (unsigned i = 0; i < o->monitors.count; i++)
        monitor_on_stdio |= is_stdio(o->monitors.text[i]);
    if (o->nographic)
        return o->monitors.count == 0 || monitor_on_stdio ? "mon:stdio" : "stdio";
    return monitor_on_stdio || o->nodefaults ? "none" : "stdio";
}

bool consoles_open(Session *s, const Options *o, Error **err)
{
    bool defaulted = o->serials.count == 0;
    if (defaulted && !open_serial(s, 0, default_serial(o), err))
        return false;
    for (unsigned i = 0; i < o->serials.count; i++)
        if (!open_serial(s, i, o->serials.text[i], err))
            return false;
    if (o->nographic && o->monitors.count == 0 && s->monitor_count == 0 && !s->stdio_used)
        return open_monitor(s, "stdio", err);
    for (unsigned i = 0; i < o->monitors.count; i++) {
        /* under -nographic the default serial line has brought that one along */
        bool shared = defaulted && s->on_terminal && is_stdio(o->monitors.text[i]);
        if (!shared && !open_monitor(s, o->monitors.text[i], err))
            return false;
    }
    return true;
}
