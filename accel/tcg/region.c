// SPDX-License-Identifier: MIT
//
// The second tier: hot code is translated once more, with all that leads from it to itself, as one
// unit. Loops keep the guest's registers in the host's, and what is within the region neither
// leaves translated code nor stores its state.
//
// A region takes the place of the unit that begins at its head. Other units of its code stay: they
// are its neighbours' successors, and who comes in beside the head runs them until it comes by.
// Pages beside the head's are those that the current bank has there; translated code asks whether
// they still are (guard_page).
#include "accel/tcg/engine.h"

#include <stdlib.h>
#include "util/bitops.h"
#include "util/clock.h"

#define REGION_INSNS 400
#define REGION_INSNS_ALWAYS 64

typedef struct RegionPlace {
    Vaddr va;
    RamAddr ram;
    const uint8_t *host;
    uint64_t covered; /* before */
} RegionPlace;

typedef struct Making {
    CodeRegion region;
    AccelCpu *ac;
    const Unit *u;
    RegionPlace pages[CODE_REGION_PAGES];
    uint32_t page_count;
    bool here; /* the current bank is one that has `u` */
} Making;

static const UnitSpan *span_at(const Making *m, const RegionPlace *p, Vaddr pc)
{
    RamAddr ram = p->ram + (pc - p->va);
    const UnitSpan *s = m->ac->engine->pages[p->ram >> GUEST_PAGE_BITS].spans;
    for (; s; s = s->next)
        if (ram - s->first < s->bytes && s->va - s->first == pc - ram &&
            s->unit->flags == m->u->flags)
            return s;
    return NULL;
}

static const RegionPlace *place_of(const Making *m, Vaddr pc)
{
    for (uint32_t n = 0; n < m->page_count; n++)
        if (m->pages[n].va >> GUEST_PAGE_BITS == pc >> GUEST_PAGE_BITS)
            return &m->pages[n];
    return NULL;
}

/* What has been executed is worth it; what is probed by tier2=always is, too. */
static bool wanted(const CodeRegion *r, Vaddr pc)
{
    const Making *m = container_of(r, Making, region);
    const RegionPlace *p = place_of(m, pc);
    return p && (m->ac->engine->tier2 == TIER2_ALWAYS || span_at(m, p, pc));
}

static unsigned branch_targets(const CodeRegion *r, Vaddr pc, CodeTarget *to, unsigned max)
{
    const Making *m = container_of(r, Making, region);
    const RegionPlace *p = place_of(m, pc);
    return p ? engine_branch_targets_locked(m->ac->engine, p->ram + (pc - p->va), pc, to, max) : 0;
}

static const uint8_t *add_page(Making *m, Vaddr pc, RamAddr ram, const uint8_t *host)
{
    Vaddr offset = pc & (GUEST_PAGE_SIZE - 1);
    RegionPlace *p = &m->pages[m->page_count++];
    *p = (RegionPlace){ .va = pc - offset, .ram = ram - offset, .host = host - offset };
    p->covered = unit_cover_rest_of_page_locked(m->ac->engine, p->ram);
    return p->host;
}

static const uint8_t *other_page(CodeRegion *r, Vaddr pc, uint32_t *id)
{
    Making *m = container_of(r, Making, region);
    const RegionPlace *known = place_of(m, pc);
    FetchPlace place;
    if (known) {
        *id = 0; /* the head's: nobody asks for it */
        return known->host;
    }
    if (!m->here || m->page_count == CODE_REGION_PAGES ||
        !engine_fetch_cached(m->ac->cpu, pc, &place) || place.flags != m->u->flags ||
        place.ram >> GUEST_PAGE_BITS >= m->ac->engine->page_count)
        return NULL;
    const RegionPlace there = { .va = pc, .ram = place.ram };
    const UnitSpan *s = span_at(m, &there, pc); /* so the page is watched for stores already */
    if (!s)
        return NULL;
    *id = s->code_page;
    return add_page(m, pc, place.ram, place.host);
}

static bool may_have_regions(const TcgEngine *e, const Unit *u)
{
    return e->tier2 != TIER2_OFF && e->ops->translate_region && !e->config.no_chain &&
           e->max_insns > 1 && !e->debug.breakpoint_count && !(u->flags & UNIT_FLAG_ONE_INSN) &&
           !atomic_load(&u->dead);
}

/* For tier2=always, which would else translate everything as often as there are ways to it. */
static bool is_in_a_region(const TcgEngine *e, const Unit *u)
{
    const UnitSpan *s = e->pages[u->ram >> GUEST_PAGE_BITS].spans;
    for (; s; s = s->next)
        if (s->unit->tier == 2 && u->ram - s->first < s->bytes &&
            s->va - s->first == u->pc - u->ram && s->unit->flags == u->flags)
            return true;
    return false;
}

static UnitSpan unit_span(const Making *m, const CodeSpan *s)
{
    const RegionPlace *p = place_of(m, s->page);
    return (UnitSpan){ .first = p->ram + s->first, .va = p->va + s->first, .bytes = s->end - s->first };
}

/* The unit's spans; false: out of memory. */
static bool fill_spans(const Making *m, Unit *what)
{
    const CodeRegion *r = &m->region;
    what->span = unit_span(m, &r->spans[0]);
    what->more = r->span_count > 1 ? calloc(r->span_count - 1, sizeof(UnitSpan)) : NULL;
    if (r->span_count > 1 && !what->more)
        return false;
    for (uint32_t n = 1; n < r->span_count; n++)
        if (r->spans[n].end)
            what->more[what->more_count++] = unit_span(m, &r->spans[n]);
    return true;
}

static void uncover_locked(const Making *m, const Unit *made)
{
    for (uint32_t n = 0; n < m->page_count; n++) {
        const RegionPlace *p = &m->pages[n];
        const UnitSpan *span = NULL;
        for (uint32_t k = 0; made && k <= made->more_count; k++) {
            const UnitSpan *s = k ? &made->more[k - 1] : &made->span;
            span = s->first >> GUEST_PAGE_BITS == p->ram >> GUEST_PAGE_BITS ? s : span;
        }
        unit_uncover_locked(m->ac->engine, p->ram, p->covered, span);
    }
}

/* NULL: out of memory. */
static const Unit *publish_locked(Making *m, TcgCode *code)
{
    TcgEngine *e = m->ac->engine;
    const CodeRegion *r = &m->region;
    Unit what = {
        .ram = m->u->ram + (r->head - m->u->pc), .pc = r->head, .flags = m->u->flags,
        .code = code, .tier = 2,
    };
    if (!fill_spans(m, &what))
        return NULL;
    Unit *old = unit_find(e, what.ram, what.pc, what.flags);
    const Unit *made = unit_publish_locked(e, &what);
    if (!made) {
        free(what.more);
        return NULL;
    }
    if (old)
        unit_end_locked(m->ac, old);
    size_t bytes;
    tcg_code_bytes(code, &bytes);
    e->stats.regions++;
    e->stats.region_blocks += r->blocks;
    e->stats.region_insns += r->insns;
    e->stats.region_host_bytes += bytes;
    return made;
}

static TcgCode *translate_locked(Making *m)
{
    TcgEngine *e = m->ac->engine;
    const CodeRegion *r = &m->region;
    IrUnit *u = e->scratch;
    ir_unit_reset(u);
    if (!e->ops->translate_region(m->ac->cpu, u, m->u->pc, m->u->flags, &m->region))
        return NULL;
    u->guest_pc = r->spans[0].page + r->spans[0].first; /* for the log */
    u->guest_bytes = r->spans[0].end - r->spans[0].first;
    return unit_compile_locked(e, m->pages[0].host + r->spans[0].first);
}

bool region_is_here(AccelCpu *ac, const Unit *u)
{
    FetchPlace place;
    return engine_fetch_cached(ac->cpu, u->pc, &place) && place.ram == u->ram &&
           place.flags == u->flags;
}

void region_make_locked(AccelCpu *ac, Unit *u)
{
    TcgEngine *e = ac->engine;
    const MemoryRegion *mr = unit_region_of(e, u->ram);
    if (!mr || !may_have_regions(e, u) ||
        (e->tier2 == TIER2_ALWAYS && is_in_a_region(e, u)))
        return;
    int64_t start_ns = host_clock_ns();
    Making m = { .ac = ac, .u = u };
    m.region = (CodeRegion){ .page = other_page, .wanted = wanted, .targets = branch_targets };
    m.region.max_insns = e->tier2 == TIER2_ALWAYS ? REGION_INSNS_ALWAYS : REGION_INSNS;
    m.here = region_is_here(ac, u);
    add_page(&m, u->pc, u->ram, mr->host + (u->ram - mr->ram_addr));
    TcgCode *code = translate_locked(&m);
    const Unit *made = code ? publish_locked(&m, code) : NULL;
    uncover_locked(&m, made);
    e->stats.region_failures += !made;
    e->stats.region_ns += host_clock_ns() - start_ns;
}
