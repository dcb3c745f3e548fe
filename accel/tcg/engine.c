// SPDX-License-Identifier: MIT
//
// The translation engine: options, creation, CPUs, pause and resume; contract in accel/accel.h.
#include "accel/tcg/engine.h"
#include "accel/tcg/tcg_accel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

static_assert(sizeof(TlbEntry) == 1 << TLB_ENTRY_BITS, "translated code scales by this");
static_assert(sizeof(TlbJump) == 16, "translated code scales by this");
static_assert(offsetof(TlbJump, code) == 8, "translated code looks here");

#define DEFAULT_BUFFER_BYTES (UINT64_C(256) << 20)
#define MAX_BUFFER_BYTES (UINT64_C(2) << 30)
#define DEFAULT_MAX_INSNS 256

static TcgEngine *engine_of(Accel *a)
{
    return container_of(a, TcgEngine, accel);
}

static void layout_fill(TcgLayout *l, uint32_t pc_shift)
{
    *l = (TcgLayout){
        .env_bank = VCPU_ENV_OFFSET + offsetof(VCPU, bank),
        .env_bank_unpriv = VCPU_ENV_OFFSET + offsetof(VCPU, bank_unpriv),
        .env_exit_request = VCPU_ENV_OFFSET + offsetof(VCPU, exit_request),
        .page_bits = GUEST_PAGE_BITS,
        .tlb_bits = TLB_BITS,
        .entry_bits = TLB_ENTRY_BITS,
        .tlb_offset = offsetof(TlbBank, entries),
        .tag_read = offsetof(TlbEntry, tag_read),
        .tag_write = offsetof(TlbEntry, tag_write),
        .addend = offsetof(TlbEntry, addend),
        .jump_offset = offsetof(TlbBank, jumps),
        .jump_bits = TLB_JUMP_BITS,
        .code_page_offset = offsetof(TlbBank, code_pages),
        .code_page_bits = TLB_CODE_PAGE_BITS,
        .pc_shift = pc_shift,
    };
}

static void ram_written(MemoryListener *l, RamAddr addr, uint64_t len)
{
    TcgEngine *e = container_of(l, TcgEngine, listener);
    if (e->ctx)
        unit_invalidate_range(e, NULL, addr, len);
}

/* ---- options ---------------------------------------------------------------------------- */

static bool parse_size_mib(const char *text, size_t *bytes, Error **err)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 0);
    if (errno || end == text || *end || v < 1 || v > MAX_BUFFER_BYTES >> 20)
        return error_set(err, "-accel tcg,tb-size=%s is not a number of MiB from 1 to %llu", text,
                         (unsigned long long)(MAX_BUFFER_BYTES >> 20));
    *bytes = v << 20;
    return true;
}

static bool parse_switch(const AccelOption *o, bool *value, Error **err)
{
    *value = !strcmp(o->value, "on");
    if (*value || !strcmp(o->value, "off"))
        return true;
    return error_set(err, "-accel tcg,%s=%s is neither 'on' nor 'off'", o->name, o->value);
}

static bool set_backend(TcgEngine *e, const AccelOption *o, Error **err)
{
    e->config.interpreter = !strcmp(o->value, "interp");
    if (e->config.interpreter || !strcmp(o->value, "x86_64") || !strcmp(o->value, "jit"))
        return true;
    return error_set(err, "unknown backend '%s' in -accel tcg; choose 'jit' or 'interp'",
                     o->value);
}

static bool set_tier2(TcgEngine *e, const AccelOption *o, Error **err)
{
    static const char *const names[] = {
        [TIER2_AUTO] = "auto", [TIER2_OFF] = "off", [TIER2_ALWAYS] = "always",
    };
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(o->value, names[i])) {
            e->tier2 = i;
            return true;
        }
    }
    return error_set(err, "-accel tcg,tier2=%s is none of 'auto', 'off' and 'always'", o->value);
}

/* no-... */
static void set_without(TcgEngine *e, const char *name, bool on)
{
    for (unsigned n = 0; n < TCG_SWITCH_COUNT; n++)
        if (on && !strcmp(name, tcg_switches[n].option))
            e->config.without |= 1u << n;
}

static bool set_option(TcgEngine *e, const AccelOption *o, Error **err)
{
    bool on;
    if (!strcmp(o->name, "backend"))
        return set_backend(e, o, err);
    if (!strcmp(o->name, "tb-size"))
        return parse_size_mib(o->value, &e->config.buffer_bytes, err);
    if (!strcmp(o->name, "thread")) {
        e->turns.enabled = !strcmp(o->value, "single");
        if (e->turns.enabled || !strcmp(o->value, "multi"))
            return true;
        return error_set(err, "-accel tcg,thread=%s is neither 'multi' nor 'single'", o->value);
    }
    if (!strcmp(o->name, "tier2"))
        return set_tier2(e, o, err);
    if (!parse_switch(o, &on, err))
        return false;
    if (!strcmp(o->name, "perfmap"))
        e->perfmap = on;
    else if (!strcmp(o->name, "jitdump"))
        e->jitdump = on;
    else if (!strcmp(o->name, "profile"))
        e->profile_from_start = on;
    else if (!strcmp(o->name, "one-insn-per-tb"))
        e->max_insns = on ? 1 : DEFAULT_MAX_INSNS;
    else if (!strcmp(o->name, "optimise"))
        e->passes = on ? TCG_PASS_ALL : 0;
    else
        set_without(e, o->name, on);
    return true;
}

static const char *const option_names[] = {
    "backend", "tb-size", "thread", "one-insn-per-tb", "optimise", "profile", "perfmap",
    "jitdump", "tier2",
#define SWITCH_OPTION(NAME, OPTION, HELP) OPTION,
    TCG_SWITCHES(SWITCH_OPTION)
#undef SWITCH_OPTION
    NULL
};

/* The others are in the manual. */
static const char *option_help(const char *name)
{
    for (unsigned n = 0; n < TCG_SWITCH_COUNT; n++)
        if (!strcmp(name, tcg_switches[n].option))
            return tcg_switches[n].help;
    return NULL;
}

/* ---- CPUs ------------------------------------------------------------------------------- */

static __attribute__((noreturn)) void engine_unwind(VCPU *cpu, int reason)
{
    tcg_unwind(cpu->accel->thread, reason);
}

static void engine_sync(VCPU *cpu)
{
    tcg_sync_state(cpu->accel->thread);
}

/* The context needs to know the architecture, which comes with the first CPU. */
static bool make_context(TcgEngine *e, const CpuOps *ops, Error **err)
{
    uint64_t pages = (e->memory->ram_next >> GUEST_PAGE_BITS) + 1;
    e->ops = ops;
    e->pc_shift = ops->insn_align_log2;
    layout_fill(&e->config.layout, e->pc_shift);
    e->config.layout.env_pc = ops->globals->table[ops->globals->pc].offset;
    e->config.globals = ops->globals;
    e->config.ops = (TcgOps){ .slow_access = engine_slow_access, .lookup = engine_lookup };
    e->config.no_chain = engine_wants_no_chain(e);
    e->pages = calloc(pages, sizeof(UnitPage));
    e->page_count = pages;
    e->scratch = ir_unit_create(ops->globals);
    if (!e->pages || !e->scratch)
        return error_set(err, "out of memory for the translator");
    e->scratch->without = e->config.without;
    e->config.pieces = PIECES_MAX;
    e->ctx = tcg_context_create(&e->config, err);
    if (e->ctx)
        piece_init(e);
    return e->ctx;
}

static bool engine_add_cpu(Accel *a, VCPU *cpu, Error **err)
{
    TcgEngine *e = engine_of(a);
    if (!e->ctx && !make_context(e, cpu->ops, err))
        return false;
    AccelCpu **cpus = realloc(e->cpus, (e->cpu_count + 1) * sizeof(*cpus));
    if (cpus)
        e->cpus = cpus;
    AccelCpu *ac = calloc(1, sizeof(*ac));
    TcgThread *thread = tcg_thread_create(e->ctx, vcpu_env(cpu));
    if (!cpus || !ac || !thread) {
        free(ac);
        if (thread)
            tcg_thread_destroy(thread);
        return error_set(err, "out of memory for CPU %u", cpu->index);
    }
    *ac = (AccelCpu){ .cpu = cpu, .engine = e, .thread = thread };
    e->cpus[e->cpu_count++] = ac;
    cpu->accel = ac;
    cpu->engine_unwind = engine_unwind;
    cpu->engine_sync = engine_sync;
    vcpu_update_banks(cpu);
    return true;
}

static bool engine_start(Accel *a, Error **err)
{
    TcgEngine *e = engine_of(a);
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        VCPU *cpu = e->cpus[i]->cpu;
        int r = pthread_create(&cpu->thread, NULL, engine_cpu_thread, e->cpus[i]);
        if (r)
            return error_set_errno(err, r, "cannot start the thread of CPU %u", cpu->index);
        cpu->thread_started = true;
    }
    return background_start(e, err);
}

/* A CPU that stopped early may have got work from one that ran on, such as its start: nothing of
 * that is left for after a reset. */
static void finish_work(VCPU *cpu)
{
    pthread_mutex_lock(&cpu->lock);
    while (cpu->thread_started && atomic_load(&cpu->work_pending)) {
        pthread_cond_signal(&cpu->wake);
        pthread_cond_wait(&cpu->paused, &cpu->lock);
    }
    pthread_mutex_unlock(&cpu->lock);
}

static void engine_pause(Accel *a)
{
    TcgEngine *e = engine_of(a);
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        VCPU *cpu = e->cpus[i]->cpu;
        pthread_mutex_lock(&cpu->lock);
        cpu->stop = true;
        pthread_mutex_unlock(&cpu->lock);
        vcpu_kick(cpu);
    }
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        VCPU *cpu = e->cpus[i]->cpu;
        pthread_mutex_lock(&cpu->lock);
        while (cpu->thread_started && !cpu->stopped)
            pthread_cond_wait(&cpu->paused, &cpu->lock);
        pthread_mutex_unlock(&cpu->lock);
    }
    for (uint32_t i = 0; i < e->cpu_count; i++)
        finish_work(e->cpus[i]->cpu);
    background_hold(e); /* code, modes, the debugger's wishes: all may be other ones afterwards */
    background_go_on(e);
}

static void engine_resume(Accel *a)
{
    TcgEngine *e = engine_of(a);
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        VCPU *cpu = e->cpus[i]->cpu;
        pthread_mutex_lock(&cpu->lock);
        if (e->cpus[i]->mode != ACCEL_HOLD)
            cpu->stop = cpu->stopped = false;
        pthread_cond_signal(&cpu->wake);
        pthread_mutex_unlock(&cpu->lock);
    }
}

static void end_thread(VCPU *cpu)
{
    if (!cpu->thread_started)
        return;
    pthread_mutex_lock(&cpu->lock);
    cpu->quit = true;
    pthread_mutex_unlock(&cpu->lock);
    vcpu_kick(cpu);
    pthread_join(cpu->thread, NULL);
    cpu->thread_started = false;
}

static void engine_destroy(Accel *a)
{
    TcgEngine *e = engine_of(a);
    for (uint32_t i = 0; i < e->cpu_count; i++)
        end_thread(e->cpus[i]->cpu);
    background_end(e);
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        tcg_thread_destroy(e->cpus[i]->thread);
        engine_profile_end(e->cpus[i]);
        e->cpus[i]->cpu->accel = NULL;
        free(e->cpus[i]);
    }
    free(e->cpus);
    piece_fini(e);
    unit_table_destroy(e);
    free(e->branches);
    engine_fini_debug(e);
    engine_fini_profile(e);
    engine_perf_close(e);
    if (e->ctx)
        tcg_context_destroy(e->ctx);
    if (e->scratch)
        ir_unit_destroy(e->scratch);
    pthread_cond_destroy(&e->background.wake);
    pthread_cond_destroy(&e->background.done);
    pthread_cond_destroy(&e->exclusive_cond);
    pthread_mutex_destroy(&e->turns.lock);
    pthread_mutex_destroy(&e->exclusive_lock);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static void engine_set_symbols(Accel *a, Symbols *symbols)
{
    engine_of(a)->symbols = symbols;
}

void engine_describe(TcgEngine *e, Vaddr pc, char *text, size_t len)
{
    if (!symbols_describe(e->symbols, pc, text, len))
        *text = '\0';
}

static bool open_files(TcgEngine *e, Error **err)
{
    e->accel.wants_symbols = e->perfmap || e->jitdump || e->profile_from_start;
    return (!(e->perfmap || e->jitdump) || engine_perf_open(e, e->perfmap, e->jitdump, err)) &&
           (!e->profile_from_start || engine_set_profile(&e->accel, true, err));
}

static Accel *engine_create(MemorySpace *memory, Log *log, const AccelOption *options,
                            unsigned count, Error **err)
{
    TcgEngine *e = calloc(1, sizeof(*e));
    if (!e) {
        error_set(err, "out of memory for the translation engine");
        return NULL;
    }
    e->accel = (Accel){
        .type = &tcg_accel_type, .destroy = engine_destroy, .add_cpu = engine_add_cpu,
        .start = engine_start, .pause = engine_pause, .resume = engine_resume,
        .print_stats = engine_print_stats, .set_symbols = engine_set_symbols,
        .set_profile = engine_set_profile, .log_changed = engine_log_changed,
    };
    engine_init_debug(e);
    e->memory = memory;
    e->log = log;
    e->max_insns = DEFAULT_MAX_INSNS;
    e->passes = TCG_PASS_ALL;
    e->config.buffer_bytes = DEFAULT_BUFFER_BYTES;
    pthread_mutex_init(&e->lock, NULL);
    pthread_mutex_init(&e->turns.lock, NULL);
    pthread_mutex_init(&e->exclusive_lock, NULL);
    pthread_cond_init(&e->exclusive_cond, NULL);
    pthread_cond_init(&e->background.wake, NULL);
    pthread_cond_init(&e->background.done, NULL);
    for (unsigned i = 0; i < count; i++) {
        if (!set_option(e, &options[i], err)) {
            engine_destroy(&e->accel);
            return NULL;
        }
    }
    e->passes &= tcg_passes(e->config.without);
    if (!open_files(e, err)) {
        engine_destroy(&e->accel);
        return NULL;
    }
    e->listener = (MemoryListener){ .ram_written = ram_written };
    memory_space_add_listener(memory, &e->listener);
    return &e->accel;
}

const AccelType tcg_accel_type = {
    .name = "tcg",
    .help = "translation of guest code to host code (any guest, any host)",
    .options = option_names,
    .option_help = option_help,
    .create = engine_create,
};
