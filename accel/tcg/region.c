// SPDX-License-Identifier: MIT
//
// The second tier: hot code is translated once more, with all that leads from it to itself, as one
// unit. Loops keep the guest's registers in the host's, and what is within the region neither
// leaves translated code nor stores its state.
//
// A region takes the place of the unit that begins at its head. Other units of its code stay: they
// are its neighbours' successors, and who comes in beside the head runs them until it comes by.
#include "accel/tcg/engine.h"

#include "util/bitops.h"
#include "util/clock.h"

#define REGION_INSNS 400
#define REGION_INSNS_ALWAYS 64

typedef struct Wanted {
    CodeRegion region;
    const TcgEngine *e;
    const Unit *u;
} Wanted;

/* What has been executed is worth it, and what is probed by tier2=always is, too. */
static bool wanted(const CodeRegion *r, Vaddr pc)
{
    const Wanted *w = container_of(r, Wanted, region);
    if (w->e->tier2 == TIER2_ALWAYS)
        return true;
    RamAddr ram = w->u->ram + (pc - w->u->pc);
    for (const Unit *u = w->e->pages[ram >> GUEST_PAGE_BITS].units; u; u = u->next_page)
        if (ram - u->ram < u->bytes && u->pc - u->ram == pc - ram && u->flags == w->u->flags)
            return true;
    return false;
}

static const uint8_t *host_of(TcgEngine *e, RamAddr ram)
{
    const FlatView *v = atomic_load(&e->memory->view);
    for (size_t i = 0; i < v->count; i++) {
        const MemoryRegion *mr = v->ranges[i].region;
        if (mr->kind != MEM_MMIO && ram - mr->ram_addr < mr->size)
            return mr->host + (ram - mr->ram_addr);
    }
    return NULL;
}

static bool may_have_regions(const TcgEngine *e, const Unit *u)
{
    return e->tier2 != TIER2_OFF && e->ops->translate_region && !e->config.no_chain &&
           e->max_insns > 1 && !e->debug.breakpoint_count && !(u->flags & UNIT_FLAG_ONE_INSN) &&
           !atomic_load(&u->dead);
}

static void region_publish_locked(AccelCpu *ac, Unit *u, const CodeRegion *r, TcgCode *code,
                                  uint64_t covered)
{
    TcgEngine *e = ac->engine;
    RamAddr head = u->ram + (r->head - u->pc);
    Unit *old = unit_find(e, head, r->head, u->flags);
    if (old)
        unit_replace_locked(ac, old);
    const Unit what = {
        .ram = head, .pc = r->head, .flags = u->flags, .code = code, .tier = 2,
        .before = (uint16_t)(r->head - r->first), .bytes = (uint16_t)(r->last - r->head + 1),
    };
    const Unit *made = unit_publish_locked(ac, &what, covered);
    size_t bytes;
    if (!made)
        return;
    tcg_code_bytes(code, &bytes);
    e->stats.regions++;
    e->stats.region_blocks += r->blocks;
    e->stats.region_insns += r->insns;
    e->stats.region_host_bytes += bytes;
}

void region_make_locked(AccelCpu *ac, Unit *u)
{
    TcgEngine *e = ac->engine;
    const uint8_t *host = host_of(e, u->ram);
    if (!host || !may_have_regions(e, u))
        return;
    int64_t start_ns = host_clock_ns();
    bool always = e->tier2 == TIER2_ALWAYS;
    Wanted w = { .region = { wanted, always ? REGION_INSNS_ALWAYS : REGION_INSNS }, .e = e, .u = u };
    uint64_t covered = unit_cover_rest_of_page(e, align_down(u->ram, GUEST_PAGE_SIZE));
    ir_unit_reset(e->scratch);
    e->scratch->guest_pc = u->pc;
    TcgCode *code = NULL;
    if (e->ops->translate_region(ac->cpu, e->scratch, u->pc, u->flags, host, &w.region)) {
        e->scratch->guest_pc = w.region.first;
        code = unit_compile_locked(e, host + (w.region.first - u->pc));
    }
    if (code) {
        region_publish_locked(ac, u, &w.region, code, covered);
    } else {
        e->stats.region_failures++;
        __atomic_store_n(&e->pages[u->ram >> GUEST_PAGE_BITS].granules, covered, __ATOMIC_RELAXED);
    }
    e->stats.region_ns += host_clock_ns() - start_ns;
}
