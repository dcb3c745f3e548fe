// SPDX-License-Identifier: MIT
//
// Translations: their table, their making, and their end when the guest overwrites its code.
//
// A unit never spans two guest pages. Each page with units has a bitmap of 64-byte granules, so
// that data beside code in one page is written without a search.
#include "accel/tcg/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/clock.h"

#define GRANULE_BITS 6

static size_t unit_hash(RamAddr ram, Vaddr pc, uint64_t flags)
{
    uint64_t h = (ram >> 2) * UINT64_C(0x9e3779b97f4a7c15) ^ (pc >> 12) ^ flags << 7;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return h >> (64 - UNIT_HASH_BITS);
}

Unit *unit_find(TcgEngine *e, RamAddr ram, Vaddr pc, uint64_t flags)
{
    Unit *u = atomic_load(&e->hash[unit_hash(ram, pc, flags)]);
    for (; u; u = atomic_load_explicit(&u->next_hash, memory_order_acquire))
        if (u->ram == ram && u->pc == pc && u->flags == flags &&
            !atomic_load_explicit(&u->dead, memory_order_relaxed))
            return u;
    return NULL;
}

/* ---- pages ------------------------------------------------------------------------------ */

const MemoryRegion *unit_region_of(const TcgEngine *e, RamAddr ram)
{
    const FlatView *v = atomic_load(&e->memory->view);
    for (size_t i = 0; i < v->count; i++) {
        const MemoryRegion *mr = v->ranges[i].region;
        if (mr->kind != MEM_MMIO && ram - mr->ram_addr < mr->size)
            return mr;
    }
    return NULL;
}

static _Atomic uint8_t *code_flag(const TcgEngine *e, RamAddr ram)
{
    const MemoryRegion *mr = unit_region_of(e, ram);
    return mr ? &mr->code_pages[(ram - mr->ram_addr) >> GUEST_PAGE_BITS] : NULL;
}

/* On another vCPU than the one that translates. Until now this one may have written to the page
 * unseen, after its bytes were read, even through a TLB entry that is no longer there: then what
 * was made of them is thrown away. */
static void protect_work(VCPU *cpu, uint64_t host_page, uint64_t ram_page)
{
    if (tlb_protect_code(cpu->tlb, (const void *)(uintptr_t)host_page))
        unit_invalidate_range(cpu->accel->engine, cpu, ram_page, GUEST_PAGE_SIZE);
}

/* In place of many of these, of which pages is not known. A vCPU that was idle meanwhile, and for
 * which they have piled up, has written nothing: nothing is thrown away for it. */
static void protect_all(VCPU *cpu)
{
    TcgEngine *e = cpu->accel->engine;
    tlb_flush_all(cpu->tlb);
    if (atomic_exchange(&cpu->accel->may_write_unseen, false))
        unit_invalidate_range(e, cpu, 0, e->page_count << GUEST_PAGE_BITS);
}

static const VcpuFlush protect_flush = { protect_work, protect_all };

/* From now on stores to the page are seen: before its bytes are read for translation. */
static void page_protect(AccelCpu *ac, RamAddr ram, const uint8_t *host)
{
    _Atomic uint8_t *flag = code_flag(ac->engine, ram);
    if (!flag || atomic_exchange(flag, 1))
        return;
    uintptr_t page = (uintptr_t)host & ~(uintptr_t)(GUEST_PAGE_SIZE - 1);
    tlb_protect_code(ac->cpu->tlb, (const void *)page);
    vcpu_queue_flush_others(ac->cpu, &protect_flush, page, align_down(ram, GUEST_PAGE_SIZE));
    /* one that is outside now finds the request before it enters (see guest_enter()) */
    for (uint32_t i = 0; i < ac->engine->cpu_count; i++) {
        AccelCpu *other = ac->engine->cpus[i];
        if (other != ac && atomic_load(&other->cpu->in_guest))
            atomic_store(&other->may_write_unseen, true);
    }
}

static uint64_t granule_mask(RamAddr ram, uint64_t len)
{
    unsigned first = (ram & (GUEST_PAGE_SIZE - 1)) >> GRANULE_BITS;
    unsigned last = ((ram & (GUEST_PAGE_SIZE - 1)) + len - 1) >> GRANULE_BITS;
    return bit_mask(last - first + 1) << first;
}

uint64_t unit_cover_rest_of_page_locked(TcgEngine *e, RamAddr ram)
{
    UnitPage *page = &e->pages[ram >> GUEST_PAGE_BITS];
    uint64_t rest = GUEST_PAGE_SIZE - (ram & (GUEST_PAGE_SIZE - 1));
    return __atomic_fetch_or(&page->granules, granule_mask(ram, rest), __ATOMIC_SEQ_CST);
}

void unit_uncover_locked(TcgEngine *e, RamAddr ram, uint64_t covered, const UnitSpan *span)
{
    if (span)
        covered |= granule_mask(span->first, span->bytes);
    __atomic_store_n(&e->pages[ram >> GUEST_PAGE_BITS].granules, covered, __ATOMIC_RELAXED);
}

void unit_sweep_page_locked(TcgEngine *e, RamAddr ram)
{
    UnitSpan **at = &e->pages[ram >> GUEST_PAGE_BITS].spans;
    while (*at) {
        UnitSpan *s = *at;
        if (!atomic_load(&s->unit->dead)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->unit = NULL;
    }
    unit_note_page_locked(e, ram);
}

void unit_note_page_locked(TcgEngine *e, RamAddr ram)
{
    UnitPage *page = &e->pages[ram >> GUEST_PAGE_BITS];
    uint64_t granules = 0;
    for (const UnitSpan *s = page->spans; s; s = s->next)
        granules |= granule_mask(s->first, s->bytes);
    __atomic_store_n(&page->granules, granules, __ATOMIC_RELAXED);
    _Atomic uint8_t *flag = page->spans ? NULL : code_flag(e, ram);
    if (flag)
        atomic_store(flag, 0);
}

bool unit_covers(const TcgEngine *e, RamAddr addr, uint64_t len)
{
    /* the caller's stores come before: see unit_cover_rest_of_page_locked() */
    atomic_thread_fence(memory_order_seq_cst);
    while (len) {
        uint64_t n = MIN(len, GUEST_PAGE_SIZE - (addr & (GUEST_PAGE_SIZE - 1)));
        uint64_t page = addr >> GUEST_PAGE_BITS;
        if (page < e->page_count &&
            (__atomic_load_n(&e->pages[page].granules, __ATOMIC_RELAXED) & granule_mask(addr, n)))
            return true;
        addr += n;
        len -= n;
    }
    return false;
}

/* ---- making ----------------------------------------------------------------------------- */

static void log_ir(TcgEngine *e, LogItem item, const IrUnit *u, const char *title)
{
    if (!log_on_at(e->log, item, u->guest_pc))
        return;
    FILE *out = log_begin(e->log);
    fprintf(out, "%s:\n", title);
    ir_print(u, out);
    fprintf(out, "\n");
    log_end(e->log);
}

bool unit_is_logged(const TcgEngine *e)
{
    return log_on(e->log, LOG_IN_ASM) || log_on(e->log, LOG_OP) || log_on(e->log, LOG_OP_OPT) ||
           log_on(e->log, LOG_OUT_ASM);
}

TcgCode *unit_compile_locked(TcgEngine *e, const uint8_t *host)
{
    IrUnit *u = e->scratch;
    if (log_on_at(e->log, LOG_IN_ASM, u->guest_pc))
        engine_log_guest(e, u, host);
    log_ir(e, LOG_OP, u, "OP");
    tcg_optimise(u, e->passes);
    log_ir(e, LOG_OP_OPT, u, "OP after optimization");
    TcgCode *code = tcg_compile(e->ctx, u);
    if (code && log_on_at(e->log, LOG_OUT_ASM, u->guest_pc))
        engine_log_host(e, code);
    return code;
}

static TcgCode *translate_some_locked(AccelCpu *ac, Vaddr pc, uint64_t flags,
                                      const uint8_t *host, uint32_t max_insns)
{
    TcgEngine *e = ac->engine;
    IrUnit *u = e->scratch;
    ir_unit_reset(u);
    u->guest_pc = pc;
    uint32_t left = GUEST_PAGE_SIZE - (pc & (GUEST_PAGE_SIZE - 1));
    if (flags & UNIT_FLAG_ONE_INSN)
        max_insns = 1;
    if (e->debug.breakpoint_count)
        left = engine_bytes_to_breakpoint(e, pc, left);
    e->ops->translate(ac->cpu, u, pc, flags & ~UNIT_FLAG_ONE_INSN, host, left, max_insns);
    return unit_compile_locked(e, host);
}

/* NULL: the piece of the buffer is full. A unit that is too large for the backend's tables or for a
 * piece, which guests make only on purpose, is cut. */
static TcgCode *translate_locked(AccelCpu *ac, Vaddr pc, uint64_t flags, const uint8_t *host)
{
    TcgEngine *e = ac->engine;
    for (uint32_t max_insns = e->max_insns;; max_insns = (max_insns + 3) / 4) {
        TcgCode *code = translate_some_locked(ac, pc, flags, host, max_insns);
        bool empty = tcg_piece_free(e->ctx) > 0.9;
        if (code || !empty || max_insns == 1)
            return code;
    }
}

/* The id of the code page that `s` belongs to: a neighbour's, or a new one. */
static uint32_t code_page_id_locked(TcgEngine *e, const UnitSpan *s, uint64_t flags)
{
    for (const UnitSpan *n = e->pages[s->first >> GUEST_PAGE_BITS].spans; n; n = n->next)
        if (n->va >> GUEST_PAGE_BITS == s->va >> GUEST_PAGE_BITS && n->unit->flags == flags)
            return n->code_page;
    do
        e->last_code_page++;
    while (e->last_code_page == 0 || e->last_code_page == UINT32_MAX); /* mean something else */
    return e->last_code_page;
}

void unit_watch_locked(TcgEngine *e, Unit *u)
{
    for (uint32_t n = 0; n <= u->more_count; n++) {
        UnitSpan *s = unit_span(u, n);
        UnitPage *page = &e->pages[s->first >> GUEST_PAGE_BITS];
        s->unit = u;
        if (!s->code_page) /* else it was watched before, and its code asks for this id */
            s->code_page = code_page_id_locked(e, s, u->flags);
        s->next = page->spans;
        page->spans = s;
    }
}

static void leave_spans(TcgEngine *e, Unit *u)
{
    for (uint32_t n = 0; n <= u->more_count; n++) {
        UnitSpan *s = unit_span(u, n), **at = &e->pages[s->first >> GUEST_PAGE_BITS].spans;
        while (*at != s)
            at = &(*at)->next;
        *at = s->next;
        s->unit = NULL;
    }
}

void unit_unwatch_locked(TcgEngine *e, Unit *u)
{
    leave_spans(e, u);
    for (uint32_t n = 0; n <= u->more_count; n++)
        unit_note_page_locked(e, unit_span(u, n)->first);
}

static void enter_hash(TcgEngine *e, Unit *u)
{
    _Atomic(Unit *) *bucket = &e->hash[unit_hash(u->ram, u->pc, u->flags)];
    atomic_store(&u->next_hash, atomic_load(bucket));
    atomic_store_explicit(bucket, u, memory_order_release);
}

Unit *unit_publish_locked(TcgEngine *e, Unit *what, const IrUnit *ir)
{
    Unit *u = piece_new_unit_locked(e, what->code);
    if (!u)
        return NULL;
    if (what->span.unit) /* watched */
        leave_spans(e, what);
    *u = *what;
    u->insns = ir->guest_insns;
    u->entry = tcg_code_entry(u->code);
    tcg_code_set_opaque(u->code, u);
    if (e->profile)
        engine_profile_unit(u, ir);
    unit_watch_locked(e, u);
    tcg_code_set_page(u->code, u->span.code_page);
    enter_hash(e, u);
    if (e->perf)
        engine_perf_add_locked(e, u);
    return u;
}

static void count_unit(EngineStats *s, const Unit *u, int64_t start_ns)
{
    size_t host_bytes;
    tcg_code_bytes(u->code, &host_bytes);
    s->units++;
    s->guest_insns += u->insns;
    s->guest_bytes += u->span.bytes;
    s->host_bytes += host_bytes;
    s->translate_ns += host_clock_ns() - start_ns;
}

/* NULL: the piece of the buffer is full. */
static Unit *make_here_locked(AccelCpu *ac, RamAddr ram, Vaddr pc, uint64_t flags,
                              const uint8_t *host)
{
    TcgEngine *e = ac->engine;
    page_protect(ac, ram, host);
    uint64_t covered = unit_cover_rest_of_page_locked(e, ram);
    TcgCode *code = translate_locked(ac, pc, flags, host);
    Unit what = {
        .ram = ram, .pc = pc, .flags = flags, .code = code, .tier = 1,
        .span = { .first = ram, .va = pc, .bytes = MAX(e->scratch->guest_bytes, 1) },
    };
    Unit *u = code ? unit_publish_locked(e, &what, e->scratch) : NULL;
    unit_uncover_locked(e, ram, covered, u ? &u->span : NULL);
    return u;
}

static Unit *unit_make_locked(AccelCpu *ac, RamAddr ram, Vaddr pc, uint64_t flags,
                              const uint8_t *host)
{
    TcgEngine *e = ac->engine;
    if (e->symbols && !symbols_placed(e->symbols))
        symbols_found_vectors(e->symbols, e->ops->vector_base(ac->cpu));
    piece_prepare_next_locked(e);
    int64_t start_ns = host_clock_ns();
    Unit *u = make_here_locked(ac, ram, pc, flags, host);
    if (!u && piece_go_on_locked(e))
        u = make_here_locked(ac, ram, pc, flags, host);
    if (!u)
        return NULL;
    count_unit(&e->stats, u, start_ns);
    if (e->tier2 == TIER2_ALWAYS)
        region_make_locked(ac, u);
    return u;
}

Unit *unit_get(AccelCpu *ac, RamAddr ram, Vaddr pc, uint64_t flags, const uint8_t *host)
{
    TcgEngine *e = ac->engine;
    atomic_store(&ac->searching, true);
    Unit *u = unit_find(e, ram, pc, flags);
    atomic_store_explicit(&ac->searching, false, memory_order_release);
    if (u) /* may be gone by now: guest_enter() and link_exit() know by the generation */
        return u;
    pthread_mutex_lock(&e->lock);
    u = unit_find(e, ram, pc, flags);
    if (!u) {
        u = unit_make_locked(ac, ram, pc, flags, host);
        if (u && atomic_load(&u->dead)) /* it has a better successor */
            u = unit_find(e, ram, pc, flags);
    }
    pthread_mutex_unlock(&e->lock);
    return u;
}

/* ---- end -------------------------------------------------------------------------------- */

static void remove_jump_work(VCPU *cpu, uint64_t pc, uint64_t pc_shift)
{
    tlb_remove_jump(cpu->tlb, pc, pc_shift);
}

static void remove_all_jumps(VCPU *cpu)
{
    tlb_flush_jumps(cpu->tlb);
}

static const VcpuFlush remove_jump_flush = { remove_jump_work, remove_all_jumps };

static void unit_unhash(TcgEngine *e, Unit *u)
{
    _Atomic(Unit *) *at = &e->hash[unit_hash(u->ram, u->pc, u->flags)];
    while (atomic_load(at) != u)
        at = &atomic_load(at)->next_hash;
    atomic_store(at, atomic_load(&u->next_hash));
}

void unit_bury_locked(TcgEngine *e, Unit *u)
{
    atomic_store(&u->dead, true);
    unit_unhash(e, u);
    tcg_unlink(e->ctx, u->code);
}

static void unit_kill_locked(TcgEngine *e, VCPU *writer, Unit *u)
{
    unit_bury_locked(e, u);
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        VCPU *cpu = e->cpus[i]->cpu;
        if (cpu == writer)
            tlb_remove_jump(cpu->tlb, u->pc, e->pc_shift);
        else
            vcpu_queue_flush(cpu, &remove_jump_flush, u->pc, e->pc_shift);
    }
    e->stats.invalidations++;
}

void unit_end_locked(TcgEngine *e, Unit *u)
{
    unit_unwatch_locked(e, u);
    unit_kill_locked(e, NULL, u);
    e->stats.invalidations--;
}

/* Guest code of it was overwritten. */
static void overwrite_locked(TcgEngine *e, VCPU *writer, Unit *u)
{
    unit_unwatch_locked(e, u);
    if (!u->code) { /* a region that is being made */
        atomic_store(&u->dead, true);
        e->stats.overwritten++;
        return;
    }
    unit_kill_locked(e, writer, u);
    if (writer && u->tier == 2) /* it may be in it, and go round in it for ever */
        atomic_store(&writer->exit_request, 1);
}

static void invalidate_page_locked(TcgEngine *e, VCPU *writer, RamAddr addr, uint64_t len)
{
    UnitPage *page = &e->pages[addr >> GUEST_PAGE_BITS];
    for (UnitSpan *s = page->spans, *next; s; s = next) {
        next = s->next;
        Unit *u = s->unit;
        if (addr < s->first + s->bytes && s->first < addr + len && !atomic_load(&u->dead))
            overwrite_locked(e, writer, u);
    }
    unit_note_page_locked(e, addr);
}

void unit_invalidate_range(TcgEngine *e, VCPU *writer, RamAddr addr, uint64_t len)
{
    if (!unit_covers(e, addr, len))
        return;
    pthread_mutex_lock(&e->lock);
    while (len) {
        uint64_t n = MIN(len, GUEST_PAGE_SIZE - (addr & (GUEST_PAGE_SIZE - 1)));
        if (addr >> GUEST_PAGE_BITS < e->page_count)
            invalidate_page_locked(e, writer, addr, n);
        addr += n;
        len -= n;
    }
    pthread_mutex_unlock(&e->lock);
}

static void invalidate_pc_in(TcgEngine *e, Unit *u, Vaddr pc)
{
    for (uint32_t n = 0; n <= u->more_count && !atomic_load(&u->dead); n++) {
        const UnitSpan *s = unit_span(u, n);
        if (pc - s->va < s->bytes)
            invalidate_page_locked(e, NULL, s->first + (pc - s->va), 1);
    }
}

void unit_invalidate_pc(TcgEngine *e, Vaddr pc)
{
    pthread_mutex_lock(&e->lock);
    for (uint32_t i = 0; i < e->piece_count; i++)
        for (size_t n = 0; n < e->pieces[i].units.used; n++)
            invalidate_pc_in(e, unit_at(&e->pieces[i].units, n), pc);
    pthread_mutex_unlock(&e->lock);
}

void unit_forget_all(TcgEngine *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(e->hash); i++)
        atomic_store(&e->hash[i], NULL);
    for (uint64_t i = 0; i < e->page_count; i++) {
        _Atomic uint8_t *flag = e->pages[i].spans ? code_flag(e, i << GUEST_PAGE_BITS) : NULL;
        if (flag)
            atomic_store(flag, 0);
        e->pages[i] = (UnitPage){ 0 };
    }
}

void unit_table_destroy(TcgEngine *e)
{
    free(e->pages);
}
