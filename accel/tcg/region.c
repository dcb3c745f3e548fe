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
//
// It is made in three steps. Planning, on the vCPU's thread, looks into its TLB and takes a copy of
// the pages. Then the region is translated from that copy, by any thread, without the lock. Meanwhile
// its unit, which has no code yet, is on the lists of its pages like any other, so that whoever
// overwrites the guest's code ends it; publication finds it dead then, and throws the code away.
#include "accel/tcg/engine.h"

#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/clock.h"

#define REGION_INSNS 400
#define REGION_INSNS_ALWAYS 64

/* The span of a unit in this mode that has the instruction at `pc`, which is at `ram`. */
static const UnitSpan *span_at(const TcgEngine *e, RamAddr ram, Vaddr pc, uint64_t flags,
                               unsigned least_tier)
{
    const UnitSpan *s = e->pages[ram >> GUEST_PAGE_BITS].spans;
    for (; s; s = s->next)
        if (ram - s->first < s->bytes && s->va - s->first == pc - ram && s->unit->flags == flags &&
            s->unit->tier >= least_tier)
            return s;
    return NULL;
}

static RegionPage *page_of(RegionJob *job, Vaddr pc)
{
    for (uint32_t n = 0; n < job->page_count; n++)
        if (job->pages[n].va >> GUEST_PAGE_BITS == pc >> GUEST_PAGE_BITS)
            return &job->pages[n];
    return NULL;
}

/* What has been executed is worth it; what is probed by tier2=always is, too. */
static bool wanted(CodeRegion *r, Vaddr pc)
{
    RegionJob *job = container_of(r, RegionJob, region);
    const TcgEngine *e = job->ac->engine;
    const RegionPage *p = page_of(job, pc);
    return p && (e->tier2 == TIER2_ALWAYS ||
                 span_at(e, p->ram + (pc - p->va), pc, job->unit.flags, 1));
}

static unsigned branch_targets(CodeRegion *r, Vaddr pc, CodeTarget *to, unsigned max)
{
    RegionJob *job = container_of(r, RegionJob, region);
    const RegionPage *p = page_of(job, pc);
    return p ? engine_branch_targets_locked(job->ac->engine, p->ram + (pc - p->va), pc, to, max) : 0;
}

/* Stores to it are seen before its bytes are read. */
static const uint8_t *add_page(RegionJob *job, Vaddr pc, RamAddr ram, const uint8_t *host)
{
    Vaddr offset = pc & (GUEST_PAGE_SIZE - 1);
    RegionPage *p = &job->pages[job->page_count++];
    p->va = pc - offset;
    p->ram = ram - offset;
    unit_cover_rest_of_page_locked(job->ac->engine, p->ram);
    memcpy(p->code, host - offset, GUEST_PAGE_SIZE);
    return p->code;
}

static const uint8_t *other_page(CodeRegion *r, Vaddr pc, uint32_t *id)
{
    RegionJob *job = container_of(r, RegionJob, region);
    const TcgEngine *e = job->ac->engine;
    const RegionPage *known = page_of(job, pc);
    FetchPlace place;
    if (known) {
        *id = 0; /* the head's: nobody asks for it */
        return known->code;
    }
    if (!job->here || job->page_count == CODE_REGION_PAGES ||
        !engine_fetch_cached(job->ac->cpu, pc, &place) || place.flags != job->unit.flags ||
        place.ram >> GUEST_PAGE_BITS >= e->page_count)
        return NULL;
    /* the page is watched for stores already */
    const UnitSpan *s = span_at(e, place.ram, pc, job->unit.flags, 1);
    if (!s)
        return NULL;
    *id = s->code_page;
    return add_page(job, pc, place.ram, place.host);
}

static bool may_have_regions(const TcgEngine *e, const Unit *u)
{
    return e->tier2 != TIER2_OFF && e->ops->find_region && !e->config.no_chain &&
           e->max_insns > 1 && !e->debug.breakpoint_count && !(u->flags & UNIT_FLAG_ONE_INSN) &&
           !atomic_load(&u->dead);
}

/* ---- planning --------------------------------------------------------------------------- */

static UnitSpan job_span(RegionJob *job, const CodeSpan *s)
{
    const RegionPage *p = page_of(job, s->page);
    return (UnitSpan){ .first = p->ram + s->first, .va = p->va + s->first, .bytes = s->end - s->first };
}

/* The unit's place and spans; false: out of memory. */
static bool fill_unit(RegionJob *job)
{
    const CodeRegion *r = &job->region;
    Unit *u = &job->unit;
    u->ram += r->head - u->pc;
    u->pc = r->head;
    u->span = job_span(job, &r->spans[0]);
    u->more = r->span_count > 1 ? calloc(r->span_count - 1, sizeof(UnitSpan)) : NULL;
    if (r->span_count > 1 && !u->more)
        return false;
    for (uint32_t n = 1; n < r->span_count; n++)
        if (r->spans[n].end)
            u->more[u->more_count++] = job_span(job, &r->spans[n]);
    return true;
}

static bool plan_locked(RegionJob *job, const Unit *u, const MemoryRegion *mr)
{
    TcgEngine *e = job->ac->engine;
    job->here = region_is_here(job->ac, u);
    add_page(job, u->pc, u->ram, mr->host + (u->ram - mr->ram_addr));
    job->plan = e->ops->find_region(&job->region, u->pc, u->flags, e->config.without);
    bool ok = job->plan && fill_unit(job);
    if (ok)
        unit_watch_locked(e, &job->unit);
    for (uint32_t n = 0; n < job->page_count; n++)
        unit_note_page_locked(e, job->pages[n].ram);
    return ok;
}

static void count_time_locked(TcgEngine *e, int64_t start_ns)
{
    int64_t ns = host_clock_ns() - start_ns;
    e->stats.region_ns += ns;
    e->stats.region_locked_ns += ns;
}

RegionJob *region_plan_locked(AccelCpu *ac, const Unit *u)
{
    TcgEngine *e = ac->engine;
    const MemoryRegion *mr = unit_region_of(e, u->ram);
    if (!mr || !may_have_regions(e, u))
        return NULL;
    int64_t start_ns = host_clock_ns();
    RegionJob *job = malloc(sizeof(*job)); /* not the pages, which are many bytes */
    if (!job)
        return NULL;
    memset(job, 0, offsetof(RegionJob, pages));
    job->ac = ac;
    job->region = (CodeRegion){ .page = other_page, .wanted = wanted, .targets = branch_targets };
    job->region.max_insns = e->tier2 == TIER2_ALWAYS ? REGION_INSNS_ALWAYS : REGION_INSNS;
    job->unit = (Unit){ .ram = u->ram, .pc = u->pc, .flags = u->flags, .tier = 2 };
    job->asked_ram = u->ram;
    job->asked_pc = u->pc;
    if (!plan_locked(job, u, mr)) {
        e->stats.region_failures++;
        free(job->unit.more);
        free(job->plan);
        free(job);
        job = NULL;
    }
    count_time_locked(e, start_ns);
    return job;
}

void region_free_locked(TcgEngine *e, RegionJob *job)
{
    if (!atomic_load(&job->unit.dead))
        unit_unwatch_locked(e, &job->unit);
    free(job->unit.more);
    free(job->plan);
    free(job);
}

/* ---- translating ------------------------------------------------------------------------ */

void region_translate(RegionJob *job, IrUnit *ir)
{
    const AccelCpu *ac = job->ac;
    const CodeSpan *s = &job->region.spans[0];
    ir_unit_reset(ir);
    ac->engine->ops->translate_region(ac->cpu, ir, job->plan, job->unit.flags);
    ir->guest_pc = s->page + s->first; /* for the log */
    ir->guest_bytes = s->end - s->first;
}

/* ---- publication ------------------------------------------------------------------------ */

bool region_publish_locked(RegionJob *job, TcgCode *code, const IrUnit *ir)
{
    TcgEngine *e = job->ac->engine;
    const CodeRegion *r = &job->region;
    Unit *u = &job->unit;
    int64_t start_ns = host_clock_ns();
    if (!code || atomic_load(&u->dead))
        return false;
    Unit *old = unit_find(e, u->ram, u->pc, u->flags);
    u->code = code;
    if (!unit_publish_locked(e, u, ir)) {
        u->code = NULL;
        return false;
    }
    u->more = NULL; /* it is the new unit's */
    atomic_store(&u->dead, true);
    if (old)
        unit_end_locked(e, old);
    size_t bytes;
    tcg_code_bytes(code, &bytes);
    e->stats.regions++;
    e->stats.region_blocks += r->blocks;
    e->stats.region_insns += r->insns;
    e->stats.region_host_bytes += bytes;
    count_time_locked(e, start_ns);
    return true;
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
    /* tier2=always would else translate everything as often as there are ways to it */
    if (e->tier2 == TIER2_ALWAYS && span_at(e, u->ram, u->pc, u->flags, 2))
        return;
    RegionJob *job = region_plan_locked(ac, u);
    if (!job)
        return;
    int64_t start_ns = host_clock_ns();
    region_translate(job, e->scratch);
    TcgCode *code = unit_compile_locked(e, job->pages[0].code + job->region.spans[0].first);
    count_time_locked(e, start_ns);
    bool published = region_publish_locked(job, code, e->scratch);
    e->stats.region_failures += !published;
    region_free_locked(e, job);
}
