// SPDX-License-Identifier: MIT
//
// Memory accesses that the fast path of translated code did not serve: TLB misses, devices,
// pages with translations, page crossings, misalignment; and instruction fetch.
//
// An access is resolved completely (all pages translated, all permissions checked) before a
// byte moves, so that a fault leaves memory and registers as they were.
#include "accel/tcg/engine.h"

#include <string.h>
#include "tcg/eval.h"
#include "util/bitops.h"

/* A page that an access touches. */
typedef struct Place {
    uint8_t *host;    /* first byte of the access's part, NULL: a device */
    Hwaddr gpa;
    bool device;      /* memory type */
    bool code;        /* the page has translations, or may get them unseen */
} Place;

static bool access_reads(const TcgSlowAccess *a)
{
    return a->kind != TCG_STORE && !(a->memop & IR_MEM_STORE);
}

/* What a fault says that befalls all of an access. */
static MmuAccess first_access(const TcgSlowAccess *a)
{
    return access_reads(a) ? MMU_READ : MMU_WRITE;
}

static __attribute__((noreturn)) void fault(VCPU *cpu, const TcgSlowAccess *a, Vaddr va,
                                            MmuAccess access, MmuError error)
{
    vcpu_sync_state(cpu);
    cpu->ops->raise_mmu(cpu, va, access, a->memop & IR_MEM_UNPRIV, error);
    vcpu_unwind(cpu, IR_REASON_EXCEPTION);
}

static bool fill_allows(const TlbFill *fill, MmuAccess access)
{
    static const uint8_t need[] = { [MMU_READ] = TLB_READ, [MMU_WRITE] = TLB_WRITE,
                                    [MMU_FETCH] = TLB_EXEC };
    return fill->prot & need[access];
}

/* Translate through the second level or the tables. False: the walk refused. */
static bool translate(VCPU *cpu, const TlbBank *bank, Vaddr va, MmuAccess access, bool unpriv,
                      TlbFill *fill)
{
    TlbStats *stats = tlb_stats(cpu->tlb);
    stats->misses++;
    if (tlb_l2_find(cpu->tlb, &bank->key, va, fill) && fill_allows(fill, access)) {
        stats->l2_hits++;
        return true;
    }
    stats->walks++;
    if (!cpu->ops->walk(cpu, va, access, unpriv, fill))
        return false;
    tlb_l2_insert(cpu->tlb, &bank->key, va, fill);
    return true;
}

static uint8_t *page_host(VCPU *cpu, Hwaddr gpa, const FlatRange **range)
{
    const FlatRange *r = memory_find(cpu->memory, gpa);
    *range = r;
    if (!r || r->region->kind == MEM_MMIO)
        return NULL;
    return r->region->host + r->region_offset + (gpa - r->first);
}

static bool page_has_code(const FlatRange *r, Hwaddr gpa)
{
    return atomic_load(&r->region->code_pages[(r->region_offset + (gpa - r->first)) >>
                                              GUEST_PAGE_BITS]);
}

/* By a debugger or by the guest itself. */
static bool page_is_watched(VCPU *cpu, Vaddr va)
{
    const TcgEngine *e = cpu->accel->engine;
    return (e->debug.watch_count && engine_page_watched(e, cpu, va)) ||
           (cpu->watches && cpu->ops->page_watched(cpu, va));
}

/* Bring the page of `va` into the bank. ROM is readable through the fast path only. */
static void enter_page(VCPU *cpu, TlbBank *bank, Vaddr va, const TlbFill *fill)
{
    const FlatRange *r;
    TlbFill f = *fill;
    uint8_t *host = page_host(cpu, fill->gpa, &r);
    bool whole = r && r->first <= fill->gpa && r->last >= fill->gpa + GUEST_PAGE_SIZE - 1;
    bool code = false;
    if (!whole)
        host = NULL;
    if (host)
        code = r->region->kind == MEM_ROM || page_has_code(r, fill->gpa);
    /* watched: every access comes here, as to a device, and finds the memory by resolve() */
    tlb_enter(bank, va, &f, page_is_watched(cpu, va) ? NULL : host, code);
}

static void resolve(VCPU *cpu, const TcgSlowAccess *a, Vaddr va, MmuAccess access, Place *p)
{
    bool unpriv = a->memop & IR_MEM_UNPRIV;
    TlbBank *bank = unpriv ? cpu->bank_unpriv : cpu->bank;
    TlbEntry *e = tlb_entry(bank, va);
    uint64_t page = va & ~bit_mask(GUEST_PAGE_BITS);
    uint64_t *tag = access == MMU_WRITE ? &e->tag_write : &e->tag_read;
    if ((*tag & ~(uint64_t)(TLB_MMIO | TLB_NOTDIRTY)) != page) {
        TlbFill fill;
        if (!translate(cpu, bank, va, access, unpriv, &fill))
            fault(cpu, a, va, access, MMU_WALK_FAULT);
        enter_page(cpu, bank, va, &fill);
    }
    const FlatRange *r;
    p->gpa = (e->gpa_page & ~bit_mask(GUEST_PAGE_BITS)) | (va & bit_mask(GUEST_PAGE_BITS));
    p->host = page_host(cpu, p->gpa, &r);
    p->device = e->gpa_page & TLB_DEVICE;
    if (!r)
        fault(cpu, a, va, access, MMU_EXTERNAL);
    if (p->host && r->region->kind == MEM_ROM && access == MMU_WRITE)
        p->host = NULL; /* memory_store() drops it */
    /* Watched memory, and what is mapped as a device: the tag does not learn that there is code,
     * nor does tlb_protect_code() find the entry. Another CPU may begin to translate before the
     * store is made: one has to look after it, always. */
    p->code = access == MMU_WRITE && p->host &&
              ((e->tag_write & (TLB_NOTDIRTY | TLB_MMIO)) || page_has_code(r, p->gpa));
}

/* A store to a page with translations: end those it overwrites, and let the page be fast again
 * once it has none. */
static void code_written(VCPU *cpu, const TcgSlowAccess *a, Vaddr va, const Place *p, unsigned len)
{
    TcgEngine *e = cpu->accel->engine;
    const FlatRange *r = memory_find(cpu->memory, p->gpa);
    uint64_t offset = r->region_offset + (p->gpa - r->first);
    unit_invalidate_range(e, cpu, r->region->ram_addr + offset, len);
    if (!atomic_load(&r->region->code_pages[offset >> GUEST_PAGE_BITS])) {
        TlbBank *bank = a->memop & IR_MEM_UNPRIV ? cpu->bank_unpriv : cpu->bank;
        tlb_entry(bank, va)->tag_write &= ~(uint64_t)TLB_NOTDIRTY;
    }
}

/* After all that memory may object to, and before a byte moves: the guest's own watchpoints. */
static void check_guest_watch(VCPU *cpu, const TcgSlowAccess *a, unsigned size)
{
    if (!cpu->watches)
        return;
    bool block = a->memop & IR_MEM_BLOCK; /* its first part answers for all */
    const WatchAccess w = {
        .addr = block ? align_down(a->addr, IR_BLOCK_BYTES) : a->addr,
        .size = block ? IR_BLOCK_BYTES : size, .unprivileged = a->memop & IR_MEM_UNPRIV,
        .read = access_reads(a), .write = a->kind != TCG_LOAD,
    };
    if (cpu->ops->watch_hit(cpu, &w))
        vcpu_unwind(cpu, IR_REASON_EXCEPTION);
}

/* ---- devices ---------------------------------------------------------------------------- */

static void device_access(VCPU *cpu, TcgSlowAccess *a, const Place *p, unsigned size, bool write)
{
    MemoryResult r = MEM_OK;
    cpu->accel->mmio_accesses++;
    for (unsigned i = 0; i < size && r == MEM_OK; i += 8) {
        unsigned n = MIN(size - i, 8u);
        if (write)
            r = memory_store(cpu->memory, p->gpa + i, n, a->data.d[i / 8]);
        else
            r = memory_load(cpu->memory, p->gpa + i, n, &a->data.d[i / 8]);
    }
    if (r == MEM_NOTHING_THERE || r == MEM_BAD_SIZE)
        fault(cpu, a, a->addr, write ? MMU_WRITE : MMU_READ, MMU_EXTERNAL);
}

/* ---- loads and stores ------------------------------------------------------------------- */

static void access_split(VCPU *cpu, TcgSlowAccess *a, unsigned size, bool write)
{
    Place p[2];
    unsigned first = GUEST_PAGE_SIZE - (a->addr & (GUEST_PAGE_SIZE - 1));
    MmuAccess access = write ? MMU_WRITE : MMU_READ;
    resolve(cpu, a, a->addr, access, &p[0]);
    resolve(cpu, a, a->addr + first, access, &p[1]);
    if (p[0].device || p[1].device)
        fault(cpu, a, a->addr, access, MMU_ALIGNMENT);
    check_guest_watch(cpu, a, size);
    if (!write)
        a->data = (V128){ 0 };
    for (unsigned i = 0; i < size; i++) {
        bool second = i >= first;
        uint8_t *host = p[second].host ? p[second].host + (second ? i - first : i) : NULL;
        Hwaddr gpa = p[second].gpa + (second ? i - first : i);
        uint64_t byte = a->data.b[i];
        if (host && write)
            *host = byte;
        else if (host)
            a->data.b[i] = *host;
        else if (write)
            memory_store(cpu->memory, gpa, 1, byte);
        else if (memory_load(cpu->memory, gpa, 1, &byte) == MEM_OK)
            a->data.b[i] = byte;
    }
    if (write && p[0].code)
        code_written(cpu, a, a->addr, &p[0], first);
    if (write && p[1].code)
        code_written(cpu, a, a->addr + first, &p[1], size - first);
}

/* Copies that are one access on the host wherever the size allows. */
static void host_load(V128 *data, const void *host, unsigned size)
{
    *data = (V128){ 0 };
    switch (size) {
    case 1: data->b[0] = *(const uint8_t *)host; break;
    case 2: memcpy(data, host, 2); break;
    case 4: memcpy(data, host, 4); break;
    case 8: memcpy(data, host, 8); break;
    default: memcpy(data, host, 16); break;
    }
}

static void host_store(void *host, const V128 *data, unsigned size, bool release)
{
    switch (size) {
    case 1: *(uint8_t *)host = data->b[0]; break;
    case 2: memcpy(host, data, 2); break;
    case 4: memcpy(host, data, 4); break;
    case 8: memcpy(host, data, 8); break;
    default: memcpy(host, data, 16); break;
    }
    if (release)
        atomic_thread_fence(memory_order_seq_cst);
}

static void load_store(VCPU *cpu, TcgSlowAccess *a, unsigned size, bool write)
{
    Place p;
    MmuAccess access = write ? MMU_WRITE : MMU_READ;
    if ((a->addr & (GUEST_PAGE_SIZE - 1)) + size > GUEST_PAGE_SIZE) {
        access_split(cpu, a, size, write);
        return;
    }
    resolve(cpu, a, a->addr, access, &p);
    if (p.device && ((a->addr & (size - 1)) || (a->memop & IR_MEM_BLOCK)))
        fault(cpu, a, a->addr, access, MMU_ALIGNMENT);
    check_guest_watch(cpu, a, size);
    if (!p.host) {
        if (!write)
            a->data = (V128){ 0 };
        device_access(cpu, a, &p, size, write);
    } else if (write) {
        host_store(p.host, &a->data, size, a->memop & IR_MEM_RELEASE);
        if (p.code)
            code_written(cpu, a, a->addr, &p, size);
    } else {
        host_load(&a->data, p.host, size);
    }
}

/* ---- atomics ---------------------------------------------------------------------------- */

/* One compare-and-swap of `size` bytes; *old is the expected value and becomes the found one. */
static bool host_cas(void *host, V128 *old, const V128 *new, unsigned size)
{
    switch (size) {
    case 1:
        return __atomic_compare_exchange_n((uint8_t *)host, &old->b[0], new->b[0], false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_compare_exchange_n((uint16_t *)host, &old->h[0], new->h[0], false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_compare_exchange_n((uint32_t *)host, &old->s[0], new->s[0], false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    case 8:
        return __atomic_compare_exchange_n((uint64_t *)host, &old->d[0], new->d[0], false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    default: {
        unsigned __int128 expected, desired;
        memcpy(&expected, old, 16);
        memcpy(&desired, new, 16);
        unsigned __int128 found =
            __sync_val_compare_and_swap((unsigned __int128 *)host, expected, desired);
        memcpy(old, &found, 16);
        return found == expected;
    }
    }
}

/* The value to store, given the old one. False: nothing is to be stored (a failed compare). */
static bool atomic_new_value(const TcgSlowAccess *a, const V128 *old, unsigned size, V128 *new)
{
    *new = (V128){ 0 };
    if (a->kind == TCG_RMW) {
        uint64_t mask = bit_mask(8 * size);
        new->d[0] = ir_eval_rmw(a->rmw, 8 * size, old->d[0], a->data.d[0]) & mask;
        return true;
    }
    *new = a->data2;
    return !memcmp(old, &a->data, size);
}

static void atomic_access(VCPU *cpu, TcgSlowAccess *a, unsigned size)
{
    Place p;
    V128 old = { 0 }, new;
    if (a->addr & (size - 1))
        fault(cpu, a, a->addr, first_access(a), MMU_ALIGNMENT);
    if (access_reads(a))
        resolve(cpu, a, a->addr, MMU_READ, &p);
    resolve(cpu, a, a->addr, MMU_WRITE, &p);
    check_guest_watch(cpu, a, size);
    if (!p.host) {
        TcgSlowAccess part = *a;
        device_access(cpu, &part, &p, size, false);
        old = part.data;
        if (atomic_new_value(a, &old, size, &new)) {
            part.data = new;
            device_access(cpu, &part, &p, size, true);
        }
        a->data = old;
        return;
    }
    host_load(&old, p.host, size);
    while (atomic_new_value(a, &old, size, &new) && !host_cas(p.host, &old, &new, size))
        continue;
    a->data = old;
    if (p.code)
        code_written(cpu, a, a->addr, &p, size);
}

/* Stop before an access that a debugger watches. The instruction is done again when the vCPU goes
 * on, as after a fault. */
static void check_watch(VCPU *cpu, const TcgSlowAccess *a, unsigned size)
{
    const AccelWatch *w = engine_find_watch(cpu->accel->engine, cpu, a->addr, size,
                                            access_reads(a), a->kind != TCG_LOAD);
    if (!w)
        return;
    vcpu_sync_state(cpu);
    engine_debug_stop(cpu->accel, ACCEL_STOP_WATCHPOINT, w);
    vcpu_unwind(cpu, IR_REASON_RESYNC);
}

void engine_slow_access(void *env, TcgSlowAccess *a)
{
    VCPU *cpu = vcpu_from_env(env);
    unsigned size = 1u << ir_mem_size_log2(a->memop), align = ir_mem_align_log2(a->memop);
    cpu->accel->slow_accesses++;
    if (a->addr & bit_mask(align))
        fault(cpu, a, a->addr, first_access(a), MMU_ALIGNMENT);
    if (cpu->accel->engine->debug.watch_count)
        check_watch(cpu, a, size);
    if (a->kind == TCG_LOAD || a->kind == TCG_STORE)
        load_store(cpu, a, size, a->kind == TCG_STORE);
    else
        atomic_access(cpu, a, size);
}

/* ---- instruction fetch ------------------------------------------------------------------ */

static bool fetch_place(VCPU *cpu, Vaddr pc, const TlbFill *fill, FetchPlace *place)
{
    const FlatRange *r;
    Hwaddr gpa = fill->gpa | (pc & bit_mask(GUEST_PAGE_BITS));
    place->flags = cpu->bank->key.flags | (fill->guarded ? UNIT_FLAG_GUARDED : 0);
    place->size_log2 = fill->size_log2;
    place->host = page_host(cpu, gpa, &r);
    if (place->host)
        place->ram = r->region->ram_addr + r->region_offset + (gpa - r->first);
    return place->host;
}

bool engine_fetch_cached(VCPU *cpu, Vaddr pc, FetchPlace *place)
{
    TlbFill fill;
    return tlb_l2_find(cpu->tlb, &cpu->bank->key, pc, &fill) && fill_allows(&fill, MMU_FETCH) &&
           fetch_place(cpu, pc, &fill, place);
}

bool engine_fetch_page(VCPU *cpu, Vaddr pc, FetchPlace *place)
{
    TlbFill fill;
    if (pc & bit_mask(cpu->ops->insn_align_log2)) {
        cpu->ops->raise_mmu(cpu, pc, MMU_FETCH, false, MMU_ALIGNMENT);
        return false;
    }
    if (!translate(cpu, cpu->bank, pc, MMU_FETCH, false, &fill)) {
        cpu->ops->raise_mmu(cpu, pc, MMU_FETCH, false, MMU_WALK_FAULT);
        return false;
    }
    if (!fetch_place(cpu, pc, &fill, place)) {
        log_print(cpu->log, LOG_GUEST_ERRORS,
                  "cpu %u: executes at 0x%llx (physical 0x%llx), where no memory is\n",
                  cpu->index, (unsigned long long)pc, (unsigned long long)fill.gpa);
        cpu->ops->raise_mmu(cpu, pc, MMU_FETCH, false, MMU_EXTERNAL);
        return false;
    }
    return true;
}
