// SPDX-License-Identifier: MIT
//
// Where indirect branches of hot code lead, so that regions can go on there.
//
// Translated code counts nothing. But each indirect branch looks whether somebody wants the vCPU, and
// tells the engine's loop which one it was: so before a region is made, the vCPU is asked to come out
// again at once for a while (engine_observe_branches()), and what its branches do is noted here.
//
// With tier2=always regions are made before anything is known: there some entries are observed,
// and what has a branch with a new target is translated again.
//
// A branch is known by its place in memory. The table forgets: of two branches with the same slot
// the later one stays, and of more targets than it has room for the rarest goes.
#include "accel/tcg/engine.h"

#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

#define SITE_BITS 10
#define SITE_TARGETS 16
/* Way out of translated code and in again; each takes a fraction of a microsecond. */
#define OBSERVED_EXITS 400
/* With tier2=always: one entry in so many is observed; so many targets of a branch make regions anew. */
#define ALWAYS_OBSERVED 3
#define ALWAYS_TARGETS 3

typedef struct BranchSite {
    RamAddr ram;
    Vaddr pc;
    CodeTarget to[SITE_TARGETS]; /* count 0: free */
} BranchSite;

struct BranchTable {
    BranchSite sites[1 << SITE_BITS];
};

static BranchSite *site_of(BranchTable *t, RamAddr ram)
{
    return &t->sites[(ram >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SITE_BITS)];
}

/* Returns how often it was noted, this time included. */
static uint32_t note_target(BranchSite *site, Vaddr pc)
{
    CodeTarget *rarest = &site->to[0];
    for (unsigned n = 0; n < SITE_TARGETS; n++) {
        CodeTarget *t = &site->to[n];
        if (t->count && t->pc == pc) {
            t->count += t->count < UINT32_MAX;
            return t->count;
        }
        if (t->count < rarest->count)
            rarest = t;
    }
    *rarest = (CodeTarget){ pc, 1 };
    return 1;
}

/* Where `u` has the code at `pc`; false: nowhere. */
static bool ram_of(const Unit *u, Vaddr pc, RamAddr *ram)
{
    for (uint32_t n = 0; n <= u->more_count; n++) {
        const UnitSpan *s = n ? &u->more[n - 1] : &u->span;
        if (pc - s->va < s->bytes) {
            *ram = s->first + (pc - s->va);
            return true;
        }
    }
    return false;
}

static unsigned count_targets(const BranchSite *site)
{
    unsigned count = 0;
    for (unsigned n = 0; n < SITE_TARGETS; n++)
        count += site->to[n].count != 0;
    return count;
}

/* True: what was made before that was known is to be made again. */
static bool note_locked(TcgEngine *e, RamAddr ram, Vaddr pc, Vaddr to)
{
    if (!e->branches)
        e->branches = calloc(1, sizeof(*e->branches));
    if (!e->branches)
        return false;
    BranchSite *site = site_of(e->branches, ram);
    bool always = e->tier2 == TIER2_ALWAYS;
    if (site->ram != ram || site->pc != pc) {
        if (always && count_targets(site))
            return false; /* or there would be no end of it */
        *site = (BranchSite){ .ram = ram, .pc = pc };
    }
    return note_target(site, to) == 1 && always && count_targets(site) <= ALWAYS_TARGETS;
}

void engine_note_branch(AccelCpu *ac, const TcgBranch *branch, uint64_t generation)
{
    TcgEngine *e = ac->engine;
    RamAddr ram;
    pthread_mutex_lock(&e->lock);
    const Unit *u = generation == e->generation ? tcg_code_opaque(branch->code) : NULL;
    bool again = u && ram_of(u, branch->pc, &ram) &&
                 note_locked(e, ram, branch->pc, ac->cpu->ops->get_pc(ac->cpu));
    pthread_mutex_unlock(&e->lock);
    if (again)
        unit_invalidate_range(e, ac->cpu, ram, 4);
}

void engine_observe_branches(AccelCpu *ac)
{
    const TcgEngine *e = ac->engine;
    if (e->config.without & TCG_NO_INDIRECT_TARGETS)
        return;
    if (e->tier2 != TIER2_ALWAYS)
        ac->observed_exits = OBSERVED_EXITS;
    else if (++ac->entries % ALWAYS_OBSERVED == 0)
        ac->observed_exits = 1;
}

static int by_count(const void *a, const void *b)
{
    const CodeTarget *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->pc < y->pc ? -1 : x->pc > y->pc;
}

unsigned engine_branch_targets_locked(TcgEngine *e, RamAddr ram, Vaddr pc, CodeTarget *to,
                                      unsigned max)
{
    const BranchSite *site = e->branches ? site_of(e->branches, ram) : NULL;
    CodeTarget all[SITE_TARGETS];
    unsigned count = 0;
    if (!site || site->ram != ram || site->pc != pc || (e->config.without & TCG_NO_INDIRECT_TARGETS))
        return 0;
    memcpy(all, site->to, sizeof(all));
    qsort(all, SITE_TARGETS, sizeof(all[0]), by_count);
    while (count < MIN(max, SITE_TARGETS) && all[count].count) {
        to[count] = all[count];
        count++;
    }
    return count;
}
