// SPDX-License-Identifier: MIT
//
// An interrupt line: somebody raises and lowers it, somebody listens, neither knows the other.
// Lines are level-triggered wires; the level is remembered here, so that setting it twice is
// free and `irq_set` may be called whenever a device recomputes its state.
#ifndef HW_CORE_IRQ_H
#define HW_CORE_IRQ_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct IrqLine {
    void (*changed)(void *opaque, unsigned n, bool level); /* NULL: not connected */
    void *opaque;
    unsigned n; /* the listener's number for this line */
    atomic_bool level;
} IrqLine;

static inline void irq_connect(IrqLine *line, void (*changed)(void *, unsigned, bool),
                               void *opaque, unsigned n)
{
    line->changed = changed;
    line->opaque = opaque;
    line->n = n;
}

/* The listener is called only when the level changes. Callable from any thread; the listener
 * takes its own lock, so the caller may hold its device lock (order: device, then controller). */
static inline void irq_set(IrqLine *line, bool level)
{
    if (atomic_exchange(&line->level, level) != level && line->changed)
        line->changed(line->opaque, line->n, level);
}

static inline void irq_pulse(IrqLine *line)
{
    irq_set(line, true);
    irq_set(line, false);
}

#endif
