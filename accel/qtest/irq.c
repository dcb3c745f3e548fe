// SPDX-License-Identifier: MIT
//
// The qtest commands of interrupt lines. A line that is intercepted keeps working: its listener is
// called first, then the other end is told.
//
// Devices are named by the paths of QEMU's object tree: /machine/peripheral/ID for a device with an
// id, /machine/unattached/device[N] for the others, where the CPUs come first and then the board's
// devices in the order in which they were made (so that [1] is the interrupt controller of a
// machine with one CPU), or simply by id or type.
#include "accel/qtest/internal.h"

#include <stdlib.h>
#include <string.h>
#include "hw/core/sysbus.h"

static Device *nth_device(const Machine *m, unsigned long n)
{
    Device *d = n >= m->cpu_count ? m->devices : NULL;
    for (n -= m->cpu_count; d && n; n--)
        d = d->next;
    return d;
}

static Device *find_device(const Machine *m, const char *path)
{
    static const char unattached[] = "/machine/unattached/device[";
    const char *name = strrchr(path, '/');
    if (!strncmp(path, unattached, sizeof(unattached) - 1))
        return nth_device(m, strtoul(path + sizeof(unattached) - 1, NULL, 10));
    name = name ? name + 1 : path;
    Device *d = machine_find_device(m, name);
    for (Device *each = m->devices; each && !d; each = each->next)
        if (!strcmp(each->type->name, name))
            d = each;
    return d;
}

/* ---- taps ------------------------------------------------------------------------------- */

static void tapped(void *opaque, unsigned n, bool level)
{
    const QtestTap *t = opaque;
    if (t->changed)
        t->changed(t->opaque, t->line, level);
    if (atomic_load(&t->server->telling))
        qtest_tell(t->server, "IRQ %s %u", level ? "raise" : "lower", t->number);
}

/* Devices' own threads use the line meanwhile: a tap stays until the machine is gone. */
static bool tap(QtestServer *s, IrqLine *irq, unsigned number)
{
    QtestTap *t = malloc(sizeof(*t));
    if (!t)
        return false;
    *t = (QtestTap){ s, irq->changed, irq->opaque, irq->n, number, s->taps };
    s->taps = t;
    irq_connect(irq, tapped, t, number);
    return true;
}

/* The lines that lead to `d` from devices of the usual shape, or its own. */
static bool tap_lines(QtestServer *s, const Device *d, bool inputs)
{
    for (Device *each = s->machine->devices; each; each = each->next) {
        if (!each->type->sysbus)
            continue;
        IrqLine *irq = &((SysbusDevice *)each)->irq;
        bool wanted = inputs ? irq->opaque == d : each == d;
        if (wanted && !tap(s, irq, inputs ? irq->n : 0))
            return false;
    }
    return true;
}

static void intercept(QtestServer *s, const QtestLine *l, bool inputs)
{
    const Device *d = find_device(s->machine, l->words[1]);
    if (!d) {
        qtest_reply(s, "FAIL Unknown device");
    } else if (s->tapped && (s->tapped != d || s->tapped_inputs != inputs)) {
        qtest_reply(s, "FAIL IRQ intercept already enabled");
    } else {
        bool ok = s->tapped || tap_lines(s, d, inputs);
        s->tapped = d;
        s->tapped_inputs = inputs;
        atomic_store(&s->telling, true);
        qtest_reply(s, ok ? "OK" : "FAIL Out of memory");
    }
}

static void cmd_intercept_in(QtestServer *s, const QtestLine *l)
{
    intercept(s, l, true);
}

static void cmd_intercept_out(QtestServer *s, const QtestLine *l)
{
    intercept(s, l, false);
}

/* PATH NAME NUMBER LEVEL. Inputs have no names here: NAME is "unnamed-gpio-in". */
static void cmd_set_irq_in(QtestServer *s, const QtestLine *l)
{
    uint64_t n, level;
    Device *d = find_device(s->machine, l->words[1]);
    if (!qtest_number(s, l->words[3], &n) || !qtest_number(s, l->words[4], &level))
        return;
    if (!d)
        qtest_reply(s, "FAIL Unknown device");
    else if (strcmp(l->words[2], "unnamed-gpio-in") || n > UINT32_MAX || !d->type->set_input ||
             !d->type->set_input(d, (unsigned)n, level))
        qtest_reply(s, "FAIL The device has no such input");
    else
        qtest_reply(s, "OK");
}

const QtestCommand qtest_irq_commands[] = {
    { "irq_intercept_in", 2, cmd_intercept_in },
    { "irq_intercept_out", 2, cmd_intercept_out },
    { "set_irq_in", 5, cmd_set_irq_in },
    { 0 },
};
