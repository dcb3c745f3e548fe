// SPDX-License-Identifier: MIT
//
// See rig.h. The host's floating-point mode is set from the program's seed before a run and
// restored afterwards.
#include <assert.h>
#include <fenv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tcg/eval.h"
#include "tests/ir/rig.h"
#include "util/bitops.h"

#define PAGE_BYTES (1u << RIG_PAGE_BITS)
#define TLB_BITS 4
#define JUMP_BITS 6
#define JUMP_PC_SHIFT 2
#define CODE_PAGE_BITS 4

#define TAG_NEVER (1u << 11)
#define CLOSING_PAGE 1u

enum { PAGE_READ = 1, PAGE_WRITE = 2, PAGE_TLB = 4, PAGE_UNPRIV = 8, PAGE_DEVICE = 16 };

static const uint8_t rig_pages[RIG_PAGES] = {
    PAGE_READ | PAGE_WRITE | PAGE_TLB | PAGE_UNPRIV, /* RAM */
    PAGE_READ | PAGE_WRITE | PAGE_TLB,               /* RAM of the privileged only */
    PAGE_READ | PAGE_WRITE | PAGE_UNPRIV,            /* RAM that the TLB never holds */
    PAGE_READ | PAGE_TLB | PAGE_UNPRIV,              /* ROM */
    PAGE_READ | PAGE_WRITE | PAGE_DEVICE,            /* a device: reads change it */
};

typedef struct TlbEntry {
    uint64_t tag_read, tag_write, addend, unused;
} TlbEntry;

typedef struct Bank {
    TlbEntry tlb[1 << TLB_BITS];
    struct {
        uint64_t pc;
        const void *entry;
    } jump[1 << JUMP_BITS];
    uint32_t code_page[1 << CODE_PAGE_BITS];
} Bank;

struct Rig {
    RigEnv env;
    uint8_t memory[RIG_PAGES << RIG_PAGE_BITS] __attribute__((aligned(16)));
    Bank banks[2];
    bool closed;         /* nobody may access page CLOSING_PAGE for now */
    uint64_t trace;
    IrUnit *unit;
    struct RigEngine {
        RigMode mode;
        TcgContext *ctx;
        TcgThread *thread, *second;
    } engines[32];
    unsigned engine_count;
    TcgThread *thread; /* of the run in progress */
};

/* ---- globals ---- */

#define G(NAME, TYPE, FIELD) { NAME, TYPE, offsetof(RigEnv, FIELD) }
static const IrGlobal globals[] = {
    G("x0", IR_I64, x[0]),   G("x1", IR_I64, x[1]),   G("x2", IR_I64, x[2]),
    G("x3", IR_I64, x[3]),   G("x4", IR_I64, x[4]),   G("x5", IR_I64, x[5]),
    G("x6", IR_I64, x[6]),   G("x7", IR_I64, x[7]),   G("w0", IR_I32, w[0]),
    G("w1", IR_I32, w[1]),   G("w2", IR_I32, w[2]),   G("w3", IR_I32, w[3]),
    G("nzcv", IR_I32, nzcv), G("d0", IR_F64, d[0]),   G("d1", IR_F64, d[1]),
    G("d2", IR_F64, d[2]),   G("d3", IR_F64, d[3]),   G("s0", IR_F32, s[0]),
    G("s1", IR_F32, s[1]),   G("s2", IR_F32, s[2]),   G("s3", IR_F32, s[3]),
    G("v0", IR_V128, v[0]),  G("v1", IR_V128, v[1]),  G("v2", IR_V128, v[2]),
    G("v3", IR_V128, v[3]),  G("v4", IR_V128, v[4]),  G("v5", IR_V128, v[5]),
    G("pc", IR_I64, pc),
};
const IrGlobals rig_globals = { globals, ARRAY_SIZE(globals), ARRAY_SIZE(globals) - 1 };

#define COMPARED_BYTES offsetof(RigEnv, exit_request)

const RigMode rig_reference = { .name = "interp", .interpreter = true };

uint64_t rig_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void note(Rig *r, uint64_t v)
{
    r->trace = (r->trace ^ v) * UINT64_C(0x100000001b3) + (r->trace >> 29);
}

/* The state that a helper or a synchronised slow path may look at. */
static void note_state(Rig *r)
{
    RigEnv *e = &r->env;
    uint32_t nzcv = e->nzcv;
    e->nzcv &= IR_NZCV_MASK;
    const uint64_t *words = (const uint64_t *)e;
    for (unsigned n = 0; n < offsetof(RigEnv, pc) / 8; n++) {
        note(r, words[n]);
    }
    e->nzcv = nzcv;
}

/* ---- memory ---- */

static bool page_allows(const Rig *r, Vaddr addr, unsigned need)
{
    uint64_t page = (addr - RIG_BASE) >> RIG_PAGE_BITS;
    return page < RIG_PAGES && (rig_pages[page] & need) == need &&
           !(page == CLOSING_PAGE && r->closed);
}

/* Neighbours in the guest are none in the host, so that it shows who goes over the edge of a page. */
static uint8_t *byte_at(Rig *r, Vaddr addr)
{
    uint64_t page = (addr - RIG_BASE) >> RIG_PAGE_BITS;
    return r->memory + page * 3 % RIG_PAGES * PAGE_BYTES + addr % PAGE_BYTES;
}

static void put_bytes(Rig *r, Vaddr addr, const void *from, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n++) {
        *byte_at(r, addr + n) = ((const uint8_t *)from)[n];
    }
}

/* Mappings change: from now on, no translation of the page may be used. */
static void open_or_close(Rig *r)
{
    Vaddr page = RIG_BASE + CLOSING_PAGE * PAGE_BYTES;
    r->closed = !r->closed;
    for (unsigned n = 0; n < ARRAY_SIZE(r->banks); n++) {
        TlbEntry *e = &r->banks[n].tlb[page >> RIG_PAGE_BITS & ((1 << TLB_BITS) - 1)];
        e->tag_read = e->tag_write = TAG_NEVER;
    }
}

static __attribute__((noreturn)) void fault(Rig *r, Vaddr addr)
{
    tcg_sync_state(r->thread);
    note(r, addr);
    note(r, r->env.pc);
    note_state(r);
    tcg_unwind(r->thread, IR_REASON_EXCEPTION);
}

static void check_access(Rig *r, const TcgSlowAccess *a, unsigned bytes)
{
    unsigned need = (a->kind != TCG_LOAD ? PAGE_WRITE : 0) | (a->kind != TCG_STORE ? PAGE_READ : 0);
    need |= a->memop & IR_MEM_UNPRIV ? PAGE_UNPRIV : 0;
    unsigned align = 1u << ir_mem_align_log2(a->memop);
    if (a->memop & IR_MEM_ATOMIC_ALIGN) {
        align = MAX(align, bytes);
    }
    if (a->addr & (align - 1)) {
        fault(r, a->addr);
    }
    for (unsigned n = 0; n < bytes; n++) {
        if (!page_allows(r, a->addr + n, need)) {
            fault(r, a->addr + n);
        }
    }
}

static void slow_access(void *env, TcgSlowAccess *a)
{
    Rig *r = ((RigEnv *)env)->rig;
    unsigned bytes = 1u << ir_mem_size_log2(a->memop);
    check_access(r, a, bytes);
    V128 old = { .d = { 0, 0 } };
    for (unsigned n = 0; n < bytes; n++) {
        old.b[n] = *byte_at(r, a->addr + n);
    }
    switch (a->kind) {
    case TCG_LOAD: a->data = old; break;
    case TCG_STORE: put_bytes(r, a->addr, &a->data, bytes); break;
    case TCG_RMW: {
        uint64_t v = ir_eval_rmw(a->rmw, bytes * 8, old.d[0], a->data.d[0]);
        put_bytes(r, a->addr, &v, bytes);
        a->data = old;
        break;
    }
    case TCG_CAS:
        if (!memcmp(&old, &a->data, bytes)) {
            put_bytes(r, a->addr, &a->data2, bytes);
        }
        a->data = old;
        break;
    }
    if (page_allows(r, a->addr, PAGE_DEVICE)) { /* looks at the CPU, and changes by every access */
        tcg_sync_state(r->thread);
        note(r, a->addr * 64 + bytes * 4 + a->kind);
        note(r, r->env.pc);
        note_state(r);
        ++*byte_at(r, a->addr);
        open_or_close(r);
    }
}

static void fill_bank(Rig *r, Bank *b, bool unpriv, bool no_tlb)
{
    memset(b, 0, sizeof *b);
    for (unsigned n = 0; n < 1 << TLB_BITS; n++) {
        b->tlb[n].tag_read = b->tlb[n].tag_write = TAG_NEVER;
    }
    for (unsigned n = 0; n < 1 << JUMP_BITS; n++) {
        b->jump[n].pc = UINT64_C(1) << (JUMP_PC_SHIFT + JUMP_BITS) |
                        (uint64_t)(n ^ 1) << JUMP_PC_SHIFT; /* a pc that has another entry */
    }
    for (unsigned n = 0; n < RIG_PAGES && !no_tlb; n++) {
        Vaddr page = RIG_BASE + n * PAGE_BYTES;
        unsigned need = PAGE_TLB | (unpriv ? PAGE_UNPRIV : 0);
        TlbEntry *e = &b->tlb[page >> RIG_PAGE_BITS & ((1 << TLB_BITS) - 1)];
        if (!page_allows(r, page, need)) {
            continue;
        }
        e->addend = (uintptr_t)byte_at(r, page) - page;
        e->tag_read = page;
        e->tag_write = page | (page_allows(r, page, PAGE_WRITE) ? 0 : 1u << 9);
    }
}

/* ---- helpers ---- */

static uint64_t help_mix(uint64_t a, uint32_t b) /* pure */
{
    return (a ^ b) * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t help_count(void *env, uint64_t a) /* looks at the globals */
{
    Rig *r = ((RigEnv *)env)->rig;
    note(r, a);
    note_state(r);
    return r->trace;
}

static void help_stir(void *env, uint32_t a, uint64_t f) /* changes globals */
{
    Rig *r = ((RigEnv *)env)->rig;
    note(r, a);
    note(r, f);
    note_state(r);
    r->env.x[a & 7] ^= f;
    r->env.w[a >> 3 & 3] += a;
    r->env.v[a >> 5 & 3].d[a >> 7 & 1] += f;
    r->env.d[a >> 9 & 3] = f;
    r->env.nzcv ^= a & IR_NZCV_MASK;
    r->env.raw[0].d[0]++;
    open_or_close(r);
}

static uint64_t help_trap(void *env, uint64_t a, uint64_t b) /* may fault */
{
    Rig *r = ((RigEnv *)env)->rig;
    note(r, a);
    note(r, r->env.pc);
    if ((a & 7) == 3) {
        fault(r, b);
    }
    note_state(r);
    return a + b;
}

static uint64_t help_many(uint64_t a, uint32_t b, uint64_t c, uint32_t d, uint64_t e, uint32_t f)
{
    return a + b * 3 + c * 5 + d * UINT64_C(7) + e * 11 + f * UINT64_C(13);
}

static void help_vector(void *env, uint64_t v) /* v128 by way of envptr */
{
    Rig *r = ((RigEnv *)env)->rig;
    V128 *p = (V128 *)(uintptr_t)v;
    note(r, p->d[0]);
    note(r, p->d[1]);
    p->d[0] = r->trace;
    p->d[1] = ~p->d[1];
}

static void help_kick(void *env) /* somebody wants the vCPU to leave */
{
    ((RigEnv *)env)->exit_request = 1;
}

static const IrHelper helpers[] = {
    { "mix", (void (*)(void))help_mix, IR_I64, 2, { IR_I64, IR_I32 }, IR_HELPER_PURE },
    { "count", (void (*)(void))help_count, IR_I32, 1, { IR_I64 },
      IR_HELPER_ENV | IR_HELPER_READS },
    { "stir", (void (*)(void))help_stir, IR_VOID, 2, { IR_I32, IR_F64 },
      IR_HELPER_ENV | IR_HELPER_READS | IR_HELPER_WRITES },
    { "trap", (void (*)(void))help_trap, IR_I64, 2, { IR_I64, IR_I64 },
      IR_HELPER_ENV | IR_HELPER_READS | IR_HELPER_FAULT },
    { "many", (void (*)(void))help_many, IR_I64, 6,
      { IR_I64, IR_I32, IR_I64, IR_F32, IR_F64, IR_I32 }, 0 },
    { "vector", (void (*)(void))help_vector, IR_VOID, 1, { IR_I64 },
      IR_HELPER_ENV | IR_HELPER_FLUSH },
    { "kick", (void (*)(void))help_kick, IR_VOID, 0, { 0 }, IR_HELPER_ENV },
};
const IrHelper *const rig_helpers[] = { &helpers[0], &helpers[1], &helpers[2], &helpers[3],
                                        &helpers[4], &helpers[5],
                                        &helpers[6], NULL };

/* ---- engines ---- */

static const void *lookup(void *env, Vaddr pc)
{
    return NULL;
}

static struct RigEngine *find_engine(Rig *r, const RigMode *m)
{
    struct RigEngine *e;
    for (e = r->engines; e < r->engines + r->engine_count; e++) {
        if (e->mode.interpreter == m->interpreter && e->mode.no_avx2 == m->no_avx2 &&
            e->mode.no_bmi == m->no_bmi && e->mode.no_fma == m->no_fma &&
            e->mode.without == m->without) {
            return e;
        }
    }
    assert(r->engine_count < ARRAY_SIZE(r->engines));
    const TcgConfig config = {
        .layout = {
            .env_bank = offsetof(RigEnv, bank),
            .env_bank_unpriv = offsetof(RigEnv, bank_unpriv),
            .env_exit_request = offsetof(RigEnv, exit_request),
            .env_pc = offsetof(RigEnv, pc),
            .page_bits = RIG_PAGE_BITS,
            .tlb_bits = TLB_BITS,
            .entry_bits = 5,
            .tlb_offset = offsetof(Bank, tlb),
            .tag_read = offsetof(TlbEntry, tag_read),
            .tag_write = offsetof(TlbEntry, tag_write),
            .addend = offsetof(TlbEntry, addend),
            .jump_offset = offsetof(Bank, jump),
            .jump_bits = JUMP_BITS,
            .pc_shift = JUMP_PC_SHIFT,
            .code_page_offset = offsetof(Bank, code_page),
            .code_page_bits = CODE_PAGE_BITS,
        },
        .ops = { slow_access, lookup },
        .globals = &rig_globals,
        .buffer_bytes = 1 << 20,
        .interpreter = m->interpreter,
        .no_avx2 = m->no_avx2,
        .no_bmi = m->no_bmi,
        .no_fma = m->no_fma,
        .without = m->without,
    };
    Error *err = NULL;
    e->mode = *m;
    e->ctx = tcg_context_create(&config, &err);
    if (!e->ctx) {
        fprintf(stderr, "rig: %s\n", error_text(err));
        exit(1);
    }
    e->thread = tcg_thread_create(e->ctx, &r->env);
    assert(e->thread);
    if (m->no_bmi) { /* also stands for machines of several vCPUs, whose atomics are locked */
        e->second = tcg_thread_create(e->ctx, &r->env);
        assert(e->second);
    }
    r->engine_count++;
    return e;
}

Rig *rig_create(void)
{
    Rig *r = aligned_alloc(64, align_up(sizeof *r, 64));
    assert(r);
    memset(r, 0, sizeof *r);
    r->unit = ir_unit_create(&rig_globals);
    assert(r->unit);
    return r;
}

void rig_destroy(Rig *r)
{
    for (unsigned n = 0; n < r->engine_count; n++) {
        tcg_thread_destroy(r->engines[n].thread);
        tcg_thread_destroy(r->engines[n].second);
        tcg_context_destroy(r->engines[n].ctx);
    }
    ir_unit_destroy(r->unit);
    free(r);
}

/* ---- runs ---- */

/* Mostly numbers at which something happens. */
static uint64_t interesting(uint64_t *seed)
{
    static const uint64_t values[] = {
        0, 1, 2, 3, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
        0x80000000, 0xffffffff, 0x100000000, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX,
        0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x00000001,
        UINT64_C(0x3ff0000000000000), UINT64_C(0xbff0000000000000),
        UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000),
        UINT64_C(0x7ff8000000000000), UINT64_C(0x7ff0000000000001),
        UINT64_C(0x8000000000000001), UINT64_C(0x000fffffffffffff),
    };
    uint64_t r = rig_random(seed);
    switch (r & 3) {
    case 0: return values[(r >> 8) % ARRAY_SIZE(values)];
    case 1: return values[(r >> 8) % ARRAY_SIZE(values)] + (r >> 4 & 3) - 1;
    case 2: return rig_random(seed) >> (r >> 8 & 63);
    default: return rig_random(seed);
    }
}

static uint32_t interesting32(uint64_t *seed)
{
    uint64_t v = interesting(seed);
    return v >> 32 && v & 1 ? v >> 32 : v;
}

static void initial_state(Rig *r, uint64_t seed, const RigMode *m)
{
    RigEnv *e = &r->env;
    memset(e, 0, sizeof *e);
    for (unsigned n = 0; n < 8; n++) {
        e->x[n] = interesting(&seed);
    }
    for (unsigned n = 0; n < 4; n++) {
        e->w[n] = interesting32(&seed);
        e->d[n] = interesting(&seed);
        e->s[n] = interesting32(&seed);
    }
    for (unsigned n = 0; n < 6; n++) {
        bool wide = rig_random(&seed) & 1;
        for (unsigned k = 0; k < 4; k++) {
            e->v[n].s[k] = interesting32(&seed);
        }
        for (unsigned k = 0; k < 2 && wide; k++) {
            e->v[n].d[k] = interesting(&seed);
        }
    }
    e->nzcv = rig_random(&seed);
    for (unsigned n = 0; n < RIG_RAW_BYTES / 8; n++) {
        ((uint64_t *)e->raw)[n] = rig_random(&seed);
    }
    for (unsigned n = 0; n < sizeof r->memory / 8; n++) {
        ((uint64_t *)r->memory)[n] = rig_random(&seed);
    }
    e->rig = r;
    e->bank = (uint8_t *)&r->banks[0];
    e->bank_unpriv = (uint8_t *)&r->banks[1];
    r->closed = false;
    fill_bank(r, &r->banks[0], false, m->no_tlb);
    fill_bank(r, &r->banks[1], true, m->no_tlb);
    r->trace = 1;
}

static void collect(Rig *r, TcgExit ex, RigResult *out)
{
    memset(out, 0, sizeof *out);
    memcpy(&out->env, &r->env, COMPARED_BYTES);
    out->env.nzcv &= IR_NZCV_MASK;
    memcpy(out->memory, r->memory, sizeof out->memory);
    out->trace = r->trace;
    out->reason = ex.reason;
    out->slot_pc = ex.slot ? r->env.pc : 0;
}

/* Frames of translated code come to lie where this was: what reads a slot that was not written,
 * or more of it than was, shall not find zeros by chance. */
__attribute__((noinline)) static void dirty_stack(void)
{
    uint8_t garbage[16384];
    memset(garbage, 0xa5, sizeof garbage);
    __asm__ volatile("" : : "r"(garbage) : "memory");
}

bool rig_run(Rig *r, const char *text, uint64_t seed, const RigMode *mode, RigResult *out,
             Error **err)
{
    static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    struct RigEngine *e = find_engine(r, mode);
    if (!ir_parse(r->unit, text, rig_helpers, err) || !ir_verify(r->unit, err)) {
        return false;
    }
    if (mode->passes) {
        tcg_optimise(r->unit, mode->passes);
        if (!ir_verify(r->unit, err)) {
            return error_prepend(err, "after the passes");
        }
    }
    tcg_flush(e->ctx);
    TcgCode *code = tcg_compile(e->ctx, r->unit);
    if (!code) {
        return error_set(err, "the program does not compile: the buffer is full");
    }
    initial_state(r, seed, mode);
    r->thread = e->thread;
    fenv_t saved;
    dirty_stack();
    feholdexcept(&saved);
    fesetround(modes[seed & 3]);
    TcgExit ex = tcg_enter(e->thread, tcg_code_entry(code));
    int flags = fetestexcept(FE_ALL_EXCEPT);
    fesetenv(&saved);
    collect(r, ex, out);
    out->fp_flags = flags;
    return true;
}

/* ---- results ---- */

static void differ_globals(const RigEnv *a, const RigEnv *b, FILE *f)
{
    for (uint32_t n = 0; n < rig_globals.count; n++) {
        const IrGlobal *g = &rig_globals.table[n];
        unsigned size = ir_type_size(g->type);
        V128 va = { .d = { 0, 0 } }, vb = va;
        memcpy(&va, (const uint8_t *)a + g->offset, size);
        memcpy(&vb, (const uint8_t *)b + g->offset, size);
        if (memcmp(&va, &vb, sizeof va)) {
            fprintf(f, "  @%s: %016" PRIx64 "_%016" PRIx64 " / %016" PRIx64 "_%016" PRIx64 "\n",
                    g->name, va.d[1], va.d[0], vb.d[1], vb.d[0]);
        }
    }
    for (unsigned n = 0; n < RIG_RAW_BYTES; n++) {
        const uint8_t *ra = (const uint8_t *)a->raw, *rb = (const uint8_t *)b->raw;
        if (ra[n] != rb[n]) {
            fprintf(f, "  CPU state at 0x%zx: %02x / %02x\n", offsetof(RigEnv, raw) + n, ra[n],
                    rb[n]);
        }
    }
}

char *rig_difference(const RigResult *a, const RigResult *b)
{
    if (!memcmp(a, b, sizeof *a)) {
        return NULL;
    }
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    assert(f);
    differ_globals(&a->env, &b->env, f);
    for (unsigned n = 0, shown = 0; n < sizeof a->memory && shown < 16; n++) {
        if (a->memory[n] != b->memory[n]) {
            fprintf(f, "  memory at 0x%" PRIx64 ": %02x / %02x\n", RIG_BASE + n, a->memory[n],
                    b->memory[n]);
            shown++;
        }
    }
    if (a->reason != b->reason || a->slot_pc != b->slot_pc) {
        fprintf(f, "  exit: reason %d slot 0x%" PRIx64 " / reason %d slot 0x%" PRIx64 "\n",
                a->reason, a->slot_pc, b->reason, b->slot_pc);
    }
    if (a->trace != b->trace) {
        fprintf(f, "  helpers or slow accesses saw something else\n");
    }
    if (a->fp_flags != b->fp_flags) {
        fprintf(f, "  sticky floating-point flags: %#x / %#x\n", a->fp_flags, b->fp_flags);
    }
    fclose(f);
    return text;
}

char *rig_text(const IrUnit *u)
{
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    assert(f);
    ir_print(u, f);
    fclose(f);
    return text;
}
