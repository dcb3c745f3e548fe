// SPDX-License-Identifier: MIT
//
// Translated code as an engine meets it: entered, chained, unchained while others run it, left by
// request, by exception and by a full buffer. Programs are built by hand; what single opcodes mean
// is irfuzz's business.
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tcg/builder.h"
#include "tcg/internal.h"

#define JUMP_BITS 8
#define TLB_BITS 4
#define CODE_PAGE_BITS 4

typedef struct Bank {
    uint64_t tlb[1 << TLB_BITS][4];
    struct {
        uint64_t pc;
        const void *code;
    } jump[1 << JUMP_BITS];
    uint32_t code_page[1 << CODE_PAGE_BITS];
} Bank;

typedef struct Env {
    uint64_t x[4];
    uint64_t pc;
    Bank *bank;
    int32_t exit_request;
    TcgThread *thread;
    const void *found; /* what lookup() gives */
    unsigned lookups, accesses;
    bool access_raises;
    Bank the_bank;
} Env;

static const IrGlobal globals_table[] = {
    { "x0", IR_I64, offsetof(Env, x[0]) }, { "x1", IR_I64, offsetof(Env, x[1]) },
    { "x2", IR_I64, offsetof(Env, x[2]) }, { "x3", IR_I64, offsetof(Env, x[3]) },
    { "pc", IR_I64, offsetof(Env, pc) },
};
static const IrGlobals globals = { globals_table, 5, 4 };
enum { X0, X1, X2, X3 };

static void slow_access(void *opaque, TcgSlowAccess *access)
{
    Env *env = opaque;
    env->accesses++;
    if (env->access_raises) {
        tcg_unwind(env->thread, IR_REASON_EXCEPTION);
    }
    access->data.d[0] = access->addr * 3;
}

static const void *lookup(void *opaque, Vaddr pc)
{
    Env *env = opaque;
    env->lookups++;
    return env->found;
}

static TcgContext *context_new(bool interpreter, size_t bytes)
{
    TcgConfig c = {
        .layout = {
            .env_bank = offsetof(Env, bank), .env_bank_unpriv = offsetof(Env, bank),
            .env_exit_request = offsetof(Env, exit_request), .env_pc = offsetof(Env, pc),
            .page_bits = 12, .tlb_bits = TLB_BITS, .entry_bits = 5,
            .tlb_offset = offsetof(Bank, tlb), .tag_read = 0, .tag_write = 8, .addend = 16,
            .jump_offset = offsetof(Bank, jump), .jump_bits = JUMP_BITS, .pc_shift = 2,
            .code_page_offset = offsetof(Bank, code_page), .code_page_bits = CODE_PAGE_BITS,
        },
        .ops = { slow_access, lookup },
        .globals = &globals, .buffer_bytes = bytes, .interpreter = interpreter,
    };
    Error *err = NULL;
    TcgContext *ctx = tcg_context_create(&c, &err);
    cr_assert(ctx, "%s", err ? error_text(err) : "");
    return ctx;
}

static Env *env_new(TcgContext *ctx)
{
    Env *env = calloc(1, sizeof *env);
    env->bank = &env->the_bank;
    for (unsigned n = 0; n < 1 << TLB_BITS; n++) {
        env->the_bank.tlb[n][0] = env->the_bank.tlb[n][1] = 1;
    }
    for (unsigned n = 0; n < 1 << JUMP_BITS; n++) {
        env->the_bank.jump[n].pc = 1;
    }
    env->thread = tcg_thread_create(ctx, env);
    cr_assert(env->thread);
    return env;
}

static void env_free(Env *env)
{
    tcg_thread_destroy(env->thread);
    free(env);
}

static void bank_enter(Env *env, Vaddr pc, const TcgCode *code)
{
    env->the_bank.code_page[pc >> 12 & ((1 << CODE_PAGE_BITS) - 1)] = code->page_id;
    unsigned n = pc >> 2 & ((1 << JUMP_BITS) - 1);
    env->the_bank.jump[n].code = tcg_code_entry(code);
    env->the_bank.jump[n].pc = pc;
}

/* x0 += add; exit_pc target */
static TcgCode *adder(TcgContext *ctx, uint64_t add, Vaddr target, unsigned flags)
{
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    IrRef x = ir_get(&b, IR_I64, X0);
    ir_set(&b, IR_I64, ir_add(&b, IR_I64, x, ir_imm64(&b, add)), X0);
    ir_exit_pc(&b, flags, target);
    TcgCode *code = tcg_compile(ctx, u);
    ir_unit_destroy(u);
    return code;
}

/* exit wfi */
static TcgCode *stopper(TcgContext *ctx)
{
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    ir_set(&b, IR_I64, ir_imm64(&b, 0x7777), globals.pc);
    ir_exit(&b, IR_REASON_WFI);
    TcgCode *code = tcg_compile(ctx, u);
    ir_unit_destroy(u);
    return code;
}

static void link_guarded(bool interpreter)
{
    TcgContext *ctx = context_new(interpreter, 1 << 20);
    Env *env = env_new(ctx);
    TcgCode *a = adder(ctx, 5, 0x5000, 0), *b = stopper(ctx);
    TcgExit ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_CHAIN);
    cr_expect_eq(env->pc, 0x5000);
    cr_expect_eq(env->x[0], 5);
    cr_assert(ex.slot);
    cr_expect_eq(tcg_slot_code(ex.slot), a);
    TcgSlot *slot = ex.slot;
    tcg_link(ctx, slot, b); /* not before its page is known */
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_CHAIN);
    env->x[0] = 5;
    tcg_code_set_page(b, 7);
    tcg_link(ctx, slot, b);

    /* The bank does not know the target: asked for, not found, then found. */
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_LOOKUP);
    cr_expect_eq(env->lookups, 1);
    env->found = tcg_code_entry(b);
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_WFI);
    cr_expect_eq(env->lookups, 2);

    /* It does: no question. */
    bank_enter(env, 0x5000, b);
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_WFI);
    cr_expect_eq(env->pc, 0x7777);
    cr_expect_eq(env->x[0], 20);
    cr_expect_eq(env->lookups, 2);

    tcg_unlink(ctx, b);
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_CHAIN);
    cr_expect_eq(ex.slot, slot);
    env_free(env);
    tcg_context_destroy(ctx);
}

Test(code, a_guarded_link_holds_where_the_bank_agrees)
{
    link_guarded(false);
}

/* Count x1 down, then leave. */
static TcgCode *counter(TcgContext *ctx, Vaddr self, unsigned flags)
{
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    uint32_t again = ir_block_create(&b), end = ir_block_create(&b);
    IrRef x = ir_sub(&b, IR_I64, ir_get(&b, IR_I64, X1), ir_imm64(&b, 1));
    ir_set(&b, IR_I64, x, X1);
    ir_brc(&b, IR_I64, x, ir_imm64(&b, 0), IR_NE, IR_TARGETS(again, end));
    ir_block_begin(&b, again);
    ir_exit_pc(&b, flags, self);
    ir_block_begin(&b, end);
    ir_exit(&b, IR_REASON_YIELD);
    TcgCode *code = tcg_compile(ctx, u);
    ir_unit_destroy(u);
    return code;
}

Test(code, a_unit_linked_to_itself_loops)
{
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    TcgCode *c = counter(ctx, 0x1000, IR_EXIT_SAME_PAGE | IR_EXIT_POLL);
    env->x[1] = 1000;
    TcgExit ex = tcg_enter(env->thread, tcg_code_entry(c));
    cr_expect_eq(ex.reason, IR_REASON_CHAIN);
    cr_expect_eq(env->x[1], 999);
    tcg_link(ctx, ex.slot, c);
    ex = tcg_enter(env->thread, tcg_code_entry(c));
    cr_expect_eq(ex.reason, IR_REASON_YIELD);
    cr_expect_eq(env->x[1], 0);

    env->x[1] = 1000;
    env->exit_request = 1;
    ex = tcg_enter(env->thread, tcg_code_entry(c));
    cr_expect_eq(ex.reason, IR_REASON_REQUEST);
    cr_expect_eq(env->x[1], 999);
    cr_expect_eq(env->pc, 0x1000);
    env_free(env);
    tcg_context_destroy(ctx);
}

Test(code, an_exit_to_the_same_page_is_linked_to_no_other)
{
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    TcgCode *a = adder(ctx, 1, 0x1040, IR_EXIT_SAME_PAGE), *b = stopper(ctx), *c = stopper(ctx);
    tcg_code_set_page(a, 7);
    tcg_code_set_page(b, 8); /* what was mapped there when the exit was looked up */
    tcg_code_set_page(c, 7);
    TcgExit ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_CHAIN);
    tcg_link(ctx, ex.slot, b);
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_CHAIN);
    tcg_link(ctx, ex.slot, c);
    ex = tcg_enter(env->thread, tcg_code_entry(a));
    cr_expect_eq(ex.reason, IR_REASON_WFI);
    env_free(env);
    tcg_context_destroy(ctx);
}

Test(code, an_indirect_exit_finds_its_target_in_the_bank)
{
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    ir_exit_reg(&b, ir_get(&b, IR_I64, X2), IR_EXIT_POLL);
    TcgCode *jump = tcg_compile(ctx, u), *stop = stopper(ctx);
    env->x[2] = 0x4004;
    TcgExit ex = tcg_enter(env->thread, tcg_code_entry(jump));
    cr_expect_eq(ex.reason, IR_REASON_LOOKUP);
    cr_expect_eq(env->pc, 0x4004);
    cr_expect_eq(env->lookups, 1);
    bank_enter(env, 0x4004, stop);
    ex = tcg_enter(env->thread, tcg_code_entry(jump));
    cr_expect_eq(ex.reason, IR_REASON_WFI);
    cr_expect_eq(env->lookups, 1);
    env->exit_request = 1;
    ex = tcg_enter(env->thread, tcg_code_entry(jump));
    cr_expect_eq(ex.reason, IR_REASON_REQUEST);
    cr_expect_eq(env->pc, 0x4004);
    ir_unit_destroy(u);
    env_free(env);
    tcg_context_destroy(ctx);
}

Test(code, an_exception_in_an_access_finds_the_state_exact)
{
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    ir_insn_start(&b, 0x100);
    IrRef x0 = ir_get(&b, IR_I64, X0), x1 = ir_get(&b, IR_I64, X1);
    ir_set(&b, IR_I64, ir_add(&b, IR_I64, x0, x1), X0);
    ir_set(&b, IR_I64, x0, X1); /* lives in the memory of x0 until that is written */
    ir_set(&b, IR_I64, ir_imm64(&b, UINT64_C(0x123456789abcdef0)), X2);
    ir_insn_start(&b, 0x104);
    ir_set(&b, IR_I64, ir_ld(&b, IR_I64, ir_imm64(&b, 0x2000), 3, 8), X3);
    ir_insn_start(&b, 0x108);
    ir_set(&b, IR_I64, ir_imm64(&b, 0x108), globals.pc);
    ir_exit(&b, IR_REASON_WFI);
    TcgCode *code = tcg_compile(ctx, u);
    env->x[0] = 30;
    env->x[1] = 12;
    env->access_raises = true;
    TcgExit ex = tcg_enter(env->thread, tcg_code_entry(code));
    cr_expect_eq(ex.reason, IR_REASON_EXCEPTION);
    cr_expect_eq(env->pc, 0x104);
    cr_expect_eq(env->x[0], 42);
    cr_expect_eq(env->x[1], 30);
    cr_expect_eq(env->x[2], UINT64_C(0x123456789abcdef0));
    cr_expect_eq(env->x[3], 0);
    env->access_raises = false;
    ex = tcg_enter(env->thread, tcg_code_entry(code));
    cr_expect_eq(ex.reason, IR_REASON_WFI);
    cr_expect_eq(env->x[0], 72);
    cr_expect_eq(env->x[1], 42);
    cr_expect_eq(env->x[3], 0x2008 * 3);
    ir_unit_destroy(u);
    env_free(env);
    tcg_context_destroy(ctx);
}

static void help_raise(void *opaque, uint64_t v)
{
    Env *env = opaque;
    env->x[3] = v;
    tcg_unwind(env->thread, IR_REASON_RESYNC);
}

Test(code, an_exception_in_a_helper_finds_the_state_exact)
{
    static const IrHelper raise = { "raise", (void (*)(void))help_raise, IR_VOID, 1, { IR_I64 },
                                    IR_HELPER_ENV | IR_HELPER_FAULT };
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    ir_insn_start(&b, 0x200);
    ir_set(&b, IR_I64, ir_imm64(&b, 9), X0);
    ir_callv(&b, &raise, ir_get(&b, IR_I64, X1));
    ir_exit(&b, IR_REASON_WFI);
    TcgCode *code = tcg_compile(ctx, u);
    env->x[1] = 77;
    TcgExit ex = tcg_enter(env->thread, tcg_code_entry(code));
    cr_expect_eq(ex.reason, IR_REASON_RESYNC);
    cr_expect_eq(env->pc, 0x200);
    cr_expect_eq(env->x[0], 9);
    cr_expect_eq(env->x[3], 77);
    ir_unit_destroy(u);
    env_free(env);
    tcg_context_destroy(ctx);
}

Test(code, a_full_buffer_is_flushed_and_used_again)
{
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    for (unsigned round = 0; round < 3; round++) {
        unsigned n = 0;
        TcgCode *last = NULL;
        for (TcgCode *c; (c = adder(ctx, n, 0x1000 + n * 4, 0)); n++) {
            last = c;
        }
        cr_expect_gt(n, 1000);
        env->x[0] = 0;
        TcgExit ex = tcg_enter(env->thread, tcg_code_entry(last));
        cr_expect_eq(ex.reason, IR_REASON_CHAIN);
        cr_expect_eq(env->x[0], n - 1);
        tcg_flush(ctx);
        cr_expect_lt(tcg_buffer_used(ctx), 4096);
    }
    env_free(env);
    tcg_context_destroy(ctx);
}

/* ---- many vCPUs ---- */

typedef struct Runner {
    TcgContext *ctx;
    const TcgCode *start, *other, *alternative;
    unsigned number;
    atomic_bool stop;
    unsigned long wrong, loops;
} Runner;

/* start (pc 0) adds 1 to x0 and goes to pc 0x5000, which is `other` in some banks and
 * `alternative` in others; these go back. A bank must never see the other's. */
static void *run(void *opaque)
{
    Runner *r = opaque;
    Env *env = env_new(r->ctx);
    bool even = !(r->number & 1);
    const TcgCode *mine = even ? r->other : r->alternative;
    bank_enter(env, 0, r->start);
    bank_enter(env, 0x5000, mine);
    env->found = NULL;
    while (!atomic_load(&r->stop)) {
        env->x[1] = 200; /* both count it down */
        env->pc = 0;
        const void *entry = tcg_code_entry(r->start);
        for (;;) {
            TcgExit ex = tcg_enter(env->thread, entry);
            if (ex.reason == IR_REASON_YIELD) {
                break;
            }
            entry = tcg_code_entry(env->pc == 0 ? r->start : mine);
        }
        r->wrong += env->x[even ? 3 : 2];
        r->loops++;
    }
    free(env); /* the thread is destroyed by main: it changes the context's list */
    return NULL;
}

/* x[count]++; if --x1 is 0 leave, else exit_pc 0 */
static TcgCode *bouncer(TcgContext *ctx, unsigned count)
{
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    uint32_t again = ir_block_create(&b), end = ir_block_create(&b);
    IrRef one = ir_imm64(&b, 1);
    ir_set(&b, IR_I64, ir_add(&b, IR_I64, ir_get(&b, IR_I64, count), one), count);
    IrRef x = ir_sub(&b, IR_I64, ir_get(&b, IR_I64, X1), one);
    ir_set(&b, IR_I64, x, X1);
    ir_brc(&b, IR_I64, x, ir_imm64(&b, 0), IR_NE, IR_TARGETS(again, end));
    ir_block_begin(&b, again);
    ir_exit_pc(&b, IR_EXIT_POLL, 0);
    ir_block_begin(&b, end);
    ir_exit(&b, IR_REASON_YIELD);
    TcgCode *code = tcg_compile(ctx, u);
    ir_unit_destroy(u);
    return code;
}

Test(code, links_change_under_running_vcpus, .timeout = 60)
{
    enum { THREADS = 4, ROUNDS = 300 };
    TcgContext *ctx = context_new(false, 16 << 20);
    Runner runners[THREADS];
    pthread_t threads[THREADS];
    TcgCode *start = adder(ctx, 1, 0x5000, 0);
    TcgCode *even = bouncer(ctx, X2), *odd = bouncer(ctx, X3);
    tcg_code_set_page(start, 1);
    tcg_code_set_page(even, 2);
    tcg_code_set_page(odd, 3);
    TcgSlot *slots[] = { &start->slots[0], &even->slots[0], &odd->slots[0] };
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    for (unsigned n = 0; n < THREADS; n++) {
        runners[n] = (Runner){ .ctx = ctx, .start = start, .other = even, .alternative = odd,
                               .number = n };
        pthread_mutex_lock(&lock);
        cr_assert_eq(pthread_create(&threads[n], NULL, run, &runners[n]), 0);
        pthread_mutex_unlock(&lock);
        struct timespec ms = { .tv_nsec = 1000000 };
        nanosleep(&ms, NULL); /* one after the other: env_new() changes the context */
    }
    for (unsigned n = 0; n < ROUNDS; n++) {
        tcg_link(ctx, slots[0], n & 1 ? even : odd);
        tcg_link(ctx, slots[1], start);
        tcg_link(ctx, slots[2], start);
        struct timespec pause = { .tv_nsec = 300000 };
        nanosleep(&pause, NULL);
    }
    unsigned long loops = 0;
    for (unsigned n = 0; n < THREADS; n++) {
        atomic_store(&runners[n].stop, true);
        pthread_join(threads[n], NULL);
        cr_expect_eq(runners[n].wrong, 0, "a vCPU ran code of another address space");
        loops += runners[n].loops;
    }
    cr_expect_gt(loops, 100);
}

/* [x0] = 1, released; x3 = [x1], acquired; both are words in memory of the host's */
static TcgCode *announcer(TcgContext *ctx)
{
    IrUnit *u = ir_unit_create(&globals);
    IrBuilder b;
    ir_builder_init(&b, u);
    ir_st(&b, IR_I64, ir_get(&b, IR_I64, X0), ir_imm64(&b, 1), 2 | IR_MEM_RELEASE, 0);
    ir_set(&b, IR_I64, ir_ld(&b, IR_I64, ir_get(&b, IR_I64, X1), 2 | IR_MEM_ACQUIRE, 0), X3);
    ir_exit(&b, IR_REASON_YIELD);
    TcgCode *code = tcg_compile(ctx, u);
    ir_unit_destroy(u);
    return code;
}

enum { MEETINGS = 200000, MEETINGS_SECONDS = 4 };
#define NO_MEETING UINT32_MAX

/* The vCPU begins them by number, the device ends them. */
typedef struct Meeting {
    _Alignas(64) _Atomic uint32_t guest;
    _Alignas(64) _Atomic uint32_t device;
    _Alignas(64) _Atomic uint32_t begun;
    _Alignas(64) _Atomic uint32_t done;
    uint32_t seen; /* by the device */
} Meeting;

/* The other one may have no processor. */
static void wait_for(_Atomic uint32_t *at, uint32_t before)
{
    for (unsigned n = 0; atomic_load(at) == before; n++) {
        if (n > 1000) {
            sched_yield();
        }
    }
}

/* A device that is about to sleep says so, and looks once more. */
static void *device(void *opaque)
{
    Meeting *m = opaque;
    for (uint32_t n = 0;;) {
        wait_for(&m->begun, n);
        n = atomic_load(&m->begun);
        if (n == NO_MEETING) {
            return NULL;
        }
        atomic_store(&m->device, 1);
        m->seen = atomic_load(&m->guest);
        atomic_store(&m->done, n);
    }
}

/* Also where there is one vCPU: devices have threads of their own. */
Test(code, a_release_is_seen_before_a_later_acquire, .timeout = 60)
{
    TcgContext *ctx = context_new(false, 1 << 20);
    Env *env = env_new(ctx);
    TcgCode *code = announcer(ctx);
    Meeting *m = aligned_alloc(4096, 4096);
    pthread_t thread;
    memset(m, 0, sizeof(*m));
    uint64_t *entry = env->the_bank.tlb[((uintptr_t)m >> 12) & ((1 << TLB_BITS) - 1)];
    entry[0] = entry[1] = (uintptr_t)m;
    entry[2] = 0;
    cr_assert_eq(pthread_create(&thread, NULL, device, m), 0);
    unsigned missed = 0;
    time_t end = time(NULL) + MEETINGS_SECONDS;
    for (uint32_t n = 1; n <= MEETINGS && time(NULL) < end; n++) {
        atomic_store(&m->guest, 0);
        atomic_store(&m->device, 0);
        env->x[0] = (uintptr_t)&m->guest;
        env->x[1] = (uintptr_t)&m->device;
        atomic_store(&m->begun, n);
        tcg_enter(env->thread, tcg_code_entry(code));
        wait_for(&m->done, n - 1);
        missed += !env->x[3] && !m->seen;
    }
    atomic_store(&m->begun, NO_MEETING);
    pthread_join(thread, NULL);
    cr_expect_eq(missed, 0, "neither saw the other, %u times", missed);
    cr_expect_eq(env->accesses, 0);
    free(m);
    env_free(env);
}
