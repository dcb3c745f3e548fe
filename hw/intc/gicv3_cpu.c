// SPDX-License-Identifier: MIT
//
// The CPU interfaces of the GICv3 (Arm IHI 0069, chapter 4 on priorities, 12.2 on system
// registers): which interrupt is signalled, acknowledging and ending it, sending SGIs.
//
// The running priority is kept as a set of active group priorities for each group (ICC_AP0R0 and
// ICC_AP1R0): acknowledging sets a bit, ending an interrupt clears the highest-priority one.
// A CPU that deals with its private interrupts takes its own lock only; for a shared one the
// distributor's comes first.
#include "hw/intc/gicv3_internal.h"

enum {
    ICC_CTLR_CBPR = 1 << 0,    /* ICC_BPR0 serves both groups */
    ICC_CTLR_EOIMODE = 1 << 1, /* ICC_EOIR drops the priority only */
    ICC_CTLR_FIXED = 4 << 8 | 1 << 15, /* five bits of priority, 16 of INTID; Aff3 is valid */
    ICC_SRE_FIXED = 7,         /* system registers only, no bypass of the controller */
};

static void lock(Gicv3Redist *r)
{
    pthread_mutex_lock(&r->dev.lock);
}

static void unlock(Gicv3Redist *r)
{
    pthread_mutex_unlock(&r->dev.lock);
}

/* ---- priorities ------------------------------------------------------------------------- */

/* Of what waits in the groups that distributor and CPU interface have enabled. */
static Gicv3Candidate highest_pending(const Gicv3Redist *r)
{
    Gicv3Candidate best[GICV3_GROUPS] = { gicv3_none, gicv3_none }, result = gicv3_none;
    if (r->waker & GICR_WAKER_SLEEP)
        return result;
    uint32_t word = gicv3_private_pending(r) & r->enabled & ~r->active;
    gicv3_consider(best, word, 0, r->group1, r->priority);
    for (unsigned group = 0; group < GICV3_GROUPS; group++) {
        if (!(r->forwarded >> group & 1) || !r->group_enable[group])
            continue;
        if (r->spi[group].priority < best[group].priority)
            best[group] = r->spi[group];
        if (best[group].priority < result.priority)
            result = best[group];
    }
    return result;
}

static uint8_t running_priority(const Gicv3Redist *r)
{
    uint32_t active = r->active_priorities[0] | r->active_priorities[1];
    return active ? (uint8_t)(__builtin_ctz(active) << 3) : GICV3_PRIORITY_IDLE;
}

/* The part of a priority that decides on preemption (section 4.8.3). */
static uint8_t group_priority(const Gicv3Redist *r, const Gicv3Candidate *c)
{
    bool own_split = c->group && !(r->ctlr & ICC_CTLR_CBPR);
    unsigned point = own_split ? r->binary_point[1] - 1 : r->binary_point[0];
    return (uint8_t)(c->priority & (0xffu << (point + 1)));
}

/* The highest-priority pending interrupt if it is above the mask and above what is running. */
static Gicv3Candidate signalled(const Gicv3Redist *r)
{
    Gicv3Candidate c = highest_pending(r);
    if (c.priority < r->pmr && group_priority(r, &c) < running_priority(r))
        return c;
    return gicv3_none;
}

void gicv3_cpu_update(Gicv3Redist *r)
{
    Gicv3Candidate c = signalled(r);
    bool signal = c.id != GICV3_ID_SPURIOUS;
    irq_set(&r->fiq, signal && c.group == 0);
    irq_set(&r->irq, signal && c.group == 1);
}

/* ---- acknowledge ------------------------------------------------------------------------ */

static void activate(Gicv3Redist *r, const Gicv3Candidate *c)
{
    uint32_t bit = 1u << (c->id % 32);
    r->active_priorities[c->group] |= 1u << (group_priority(r, c) >> 3);
    if (c->id < GICV3_PRIVATE) {
        r->active |= bit;
        r->latched &= ~bit;
    } else {
        r->gic->active[c->id / 32] |= bit;
        r->gic->latched[c->id / 32] &= ~bit;
    }
    gicv3_cpu_update(r);
}

/* Acknowledge what is signalled if it is of `group`; a shared interrupt only when the distributor's
 * lock is held, else *is_shared tells that it must be. */
static unsigned take(Gicv3Redist *r, unsigned group, bool dist_locked, bool *is_shared)
{
    lock(r);
    Gicv3Candidate c = signalled(r);
    unsigned id = c.group == group ? c.id : GICV3_ID_SPURIOUS;
    *is_shared = id != GICV3_ID_SPURIOUS && id >= GICV3_PRIVATE;
    if (id != GICV3_ID_SPURIOUS && (dist_locked || !*is_shared))
        activate(r, &c);
    unlock(r);
    return id;
}

static uint64_t iar_read(Gicv3Redist *r, unsigned group)
{
    bool is_shared;
    unsigned id = take(r, group, false, &is_shared);
    if (!is_shared)
        return id;
    Gicv3 *g = r->gic;
    pthread_mutex_lock(&g->dev.lock);
    id = take(r, group, true, &is_shared); /* another CPU may have been faster */
    if (is_shared)
        gicv3_spi_changed(g, id);
    pthread_mutex_unlock(&g->dev.lock);
    return id;
}

/* Not masked by priority: what would come next (12.2.13). */
static uint64_t hppir_read(Gicv3Redist *r, unsigned group)
{
    lock(r);
    Gicv3Candidate c = highest_pending(r);
    unlock(r);
    return c.group == group ? c.id : GICV3_ID_SPURIOUS;
}

/* ---- end -------------------------------------------------------------------------------- */

static void deactivate(Gicv3Redist *r, unsigned id)
{
    Gicv3 *g = r->gic;
    uint32_t bit = 1u << (id % 32);
    if (id < GICV3_PRIVATE) {
        lock(r);
        r->active &= ~bit;
        gicv3_cpu_update(r);
        unlock(r);
        return;
    }
    pthread_mutex_lock(&g->dev.lock);
    g->active[id / 32] &= ~bit;
    gicv3_spi_changed(g, id);
    pthread_mutex_unlock(&g->dev.lock);
}

/* The group of what is running: of the highest active priority. */
static bool is_running(const Gicv3Redist *r, unsigned group)
{
    uint32_t mine = r->active_priorities[group], other = r->active_priorities[!group];
    return mine && (!other || __builtin_ctz(mine) <= __builtin_ctz(other));
}

static void eoir_write(Gicv3Redist *r, unsigned group, uint64_t value)
{
    unsigned id = value & 0xffffff;
    if (id >= r->gic->num_lines) {
        if (id < GICV3_ID_SPECIAL)
            device_guest_error(&r->dev, "end of interrupt %u, which does not exist", id);
        return;
    }
    lock(r);
    bool runs = is_running(r, group), drop_only = r->ctlr & ICC_CTLR_EOIMODE;
    if (runs) {
        r->active_priorities[group] &= r->active_priorities[group] - 1;
        gicv3_cpu_update(r);
    }
    unlock(r);
    if (!runs)
        device_guest_error(&r->dev, "CPU %u: end of interrupt %u while none of group %u runs",
                           r->index, id, group);
    else if (!drop_only)
        deactivate(r, id);
}

static void dir_write(Gicv3Redist *r, unsigned n, uint64_t value)
{
    unsigned id = value & 0xffffff;
    if (!(r->ctlr & ICC_CTLR_EOIMODE)) /* written by this thread only */
        device_guest_error(&r->dev, "ICC_DIR_EL1 written while ICC_CTLR_EL1.EOImode is 0");
    else if (id < r->gic->num_lines)
        deactivate(r, id);
}

/* ---- SGIs (12.2.20) --------------------------------------------------------------------- */

static bool sgi_reaches(const Gicv3Redist *from, const Gicv3Redist *to, uint64_t value)
{
    if (value >> 40 & 1)
        return to != from;
    uint64_t cluster = bits_get(value, 48, 8) << 16 | bits_get(value, 32, 8) << 8 |
                       bits_get(value, 16, 8);
    uint32_t aff0 = to->affinity & 0xff;
    return to->affinity >> 8 == cluster && aff0 / 16 == bits_get(value, 44, 4) &&
           value >> (aff0 % 16) & 1;
}

/* It becomes pending where it is configured to be in that group. */
static void sgi_write(Gicv3Redist *from, unsigned group, uint64_t value)
{
    unsigned id = bits_get(value, 24, 4);
    for (uint32_t i = 0; i < from->gic->num_cpus; i++) {
        Gicv3Redist *to = from->gic->redist[i];
        if (!sgi_reaches(from, to, value))
            continue;
        lock(to);
        if ((to->group1 >> id & 1) == group) {
            to->latched |= 1u << id;
            gicv3_cpu_update(to);
        }
        unlock(to);
    }
}

/* There is no other Security state that ICC_ASGI1R_EL1 could reach. */
static void ignore_write(Gicv3Redist *r, unsigned n, uint64_t value)
{
}

/* ---- settings --------------------------------------------------------------------------- */

/* Fields are written by the CPU's own thread only: reading them there needs no lock. */

static void set(Gicv3Redist *r, uint32_t *field, uint32_t value)
{
    lock(r);
    *field = value;
    gicv3_cpu_update(r);
    unlock(r);
}

static uint64_t pmr_read(Gicv3Redist *r, unsigned n)
{
    return r->pmr;
}

static void pmr_write(Gicv3Redist *r, unsigned n, uint64_t value)
{
    set(r, &r->pmr, value & GICV3_PRIORITY_MASK);
}

static uint64_t bpr_read(Gicv3Redist *r, unsigned group)
{
    if (group == 1 && (r->ctlr & ICC_CTLR_CBPR))
        return MIN(r->binary_point[0] + 1, 7);
    return r->binary_point[group];
}

static void bpr_write(Gicv3Redist *r, unsigned group, uint64_t value)
{
    if (group == 1 && (r->ctlr & ICC_CTLR_CBPR))
        return;
    uint32_t finest = group ? GICV3_MIN_BPR1 : GICV3_MIN_BPR0;
    set(r, &r->binary_point[group], MAX((uint32_t)value & 7, finest));
}

static uint64_t ctlr_read(Gicv3Redist *r, unsigned n)
{
    return r->ctlr | ICC_CTLR_FIXED;
}

static void ctlr_write(Gicv3Redist *r, unsigned n, uint64_t value)
{
    set(r, &r->ctlr, value & (ICC_CTLR_CBPR | ICC_CTLR_EOIMODE));
}

static uint64_t sre_read(Gicv3Redist *r, unsigned n)
{
    return ICC_SRE_FIXED;
}

static uint64_t igrpen_read(Gicv3Redist *r, unsigned group)
{
    return r->group_enable[group];
}

static void igrpen_write(Gicv3Redist *r, unsigned group, uint64_t value)
{
    set(r, &r->group_enable[group], value & 1);
}

static uint64_t rpr_read(Gicv3Redist *r, unsigned n)
{
    return running_priority(r);
}

static uint64_t apr_read(Gicv3Redist *r, unsigned group)
{
    return r->active_priorities[group];
}

static void apr_write(Gicv3Redist *r, unsigned group, uint64_t value)
{
    set(r, &r->active_priorities[group], (uint32_t)value);
}

/* ---- the registers ---------------------------------------------------------------------- */

/* By CRm and op2: op0 is 3, op1 0, CRn 12, but for ICC_PMR_EL1, where it is 4. */
#define ENCODED(crm, op2) [(crm) << 3 | (op2)]

static const struct {
    uint64_t (*read)(Gicv3Redist *r, unsigned group);
    void (*write)(Gicv3Redist *r, unsigned group, uint64_t value);
    unsigned group;
} registers[128] = {
    ENCODED(6, 0) = { pmr_read, pmr_write, 0 },         /* ICC_PMR_EL1 */
    ENCODED(8, 0) = { iar_read, NULL, 0 },              /* ICC_IAR0_EL1 */
    ENCODED(8, 1) = { NULL, eoir_write, 0 },            /* ICC_EOIR0_EL1 */
    ENCODED(8, 2) = { hppir_read, NULL, 0 },            /* ICC_HPPIR0_EL1 */
    ENCODED(8, 3) = { bpr_read, bpr_write, 0 },         /* ICC_BPR0_EL1 */
    ENCODED(8, 4) = { apr_read, apr_write, 0 },         /* ICC_AP0R0_EL1 */
    ENCODED(9, 0) = { apr_read, apr_write, 1 },         /* ICC_AP1R0_EL1 */
    ENCODED(11, 1) = { NULL, dir_write, 0 },            /* ICC_DIR_EL1 */
    ENCODED(11, 3) = { rpr_read, NULL, 0 },             /* ICC_RPR_EL1 */
    ENCODED(11, 5) = { NULL, sgi_write, 1 },            /* ICC_SGI1R_EL1 */
    ENCODED(11, 6) = { NULL, ignore_write, 1 },         /* ICC_ASGI1R_EL1 */
    ENCODED(11, 7) = { NULL, sgi_write, 0 },            /* ICC_SGI0R_EL1 */
    ENCODED(12, 0) = { iar_read, NULL, 1 },             /* ICC_IAR1_EL1 */
    ENCODED(12, 1) = { NULL, eoir_write, 1 },           /* ICC_EOIR1_EL1 */
    ENCODED(12, 2) = { hppir_read, NULL, 1 },           /* ICC_HPPIR1_EL1 */
    ENCODED(12, 3) = { bpr_read, bpr_write, 1 },        /* ICC_BPR1_EL1 */
    ENCODED(12, 4) = { ctlr_read, ctlr_write, 0 },      /* ICC_CTLR_EL1 */
    ENCODED(12, 5) = { sre_read, ignore_write, 0 },     /* ICC_SRE_EL1 */
    ENCODED(12, 6) = { igrpen_read, igrpen_write, 0 },  /* ICC_IGRPEN0_EL1 */
    ENCODED(12, 7) = { igrpen_read, igrpen_write, 1 },  /* ICC_IGRPEN1_EL1 */
};

uint64_t gicv3_cpu_read(void *opaque, unsigned reg)
{
    unsigned n = reg & 127;
    return registers[n].read ? registers[n].read(opaque, registers[n].group) : 0;
}

void gicv3_cpu_write(void *opaque, unsigned reg, uint64_t value)
{
    unsigned n = reg & 127;
    if (registers[n].write)
        registers[n].write(opaque, registers[n].group, value);
}

void gicv3_cpu_reset_locked(Gicv3Redist *r)
{
    r->ctlr = r->pmr = 0;
    r->binary_point[0] = GICV3_MIN_BPR0;
    r->binary_point[1] = GICV3_MIN_BPR1;
    r->group_enable[0] = r->group_enable[1] = 0;
    r->active_priorities[0] = r->active_priorities[1] = 0;
    gicv3_cpu_update(r);
}

void gicv3_cpu_reset(void *opaque)
{
    Gicv3Redist *r = opaque;
    lock(r);
    gicv3_cpu_reset_locked(r);
    unlock(r);
}
