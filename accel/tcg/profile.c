// SPDX-License-Identifier: MIT
//
// Where the time of vCPUs goes: `-accel tcg,profile=on`, `profile on` in the monitor.
//
// A timer on the CPU time of each vCPU thread raises SIGPROF there, whose handler notes the host's
// program counter in a buffer of the thread. Translated code knows nothing of it, so that it is as
// fast as ever, and a vCPU that waits costs nothing. From time to time the samples are given to the
// units whose host code they fall into, and by those to guest addresses, which outlive units.
//
// A thread's buffer is a ring: its signal handler alone produces, whoever holds the translation lock
// consumes. That lock guards all else, too.
#include "accel/tcg/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include "util/bitops.h"

#define SAMPLES_MAX 16384u
#define SAMPLES_ENOUGH (SAMPLES_MAX / 2)
#define SAMPLE_NS 1000000 /* of CPU time */
#define ROWS_PRINTED 20u
/* What a host executes of translated code in a nanosecond: rough, for estimates of how often things
 * happen that nobody counts. */
#define HOST_BYTES_PER_NS 10.0
#define TABLE_BITS 16

/* What there was while samples were taken. */
typedef struct ProfileSpan {
    uint64_t cpu_ns, tlb_misses, lookups;
} ProfileSpan;

struct ProfileCpu {
    timer_t timer;
    clockid_t clock;
    bool on;
    ProfileSpan begun, before; /* counters when it was switched on; sums of the times before */
    atomic_uint produced, consumed; /* free-running */
    uint64_t samples[SAMPLES_MAX]; /* host program counters */
};

typedef struct ProfileRow {
    Vaddr pc; /* of the unit */
    uint64_t samples; /* 0: the row is free */
    uint32_t insns;
} ProfileRow;

struct Profile {
    bool on;
    ProfileRow rows[1 << TABLE_BITS]; /* open hashing; what does not fit counts as `lost` */
    uint32_t row_count;
    uint64_t translated, in_regions, elsewhere, lost;
    double accesses, indirect; /* per host byte, summed over samples */
    uint64_t settling[SAMPLES_MAX]; /* sorted */
};

/* ---- samples ---------------------------------------------------------------------------- */

static void take_sample(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    ProfileCpu *p = info->si_code == SI_TIMER ? info->si_value.sival_ptr : NULL;
    if (!p)
        return;
    unsigned n = atomic_load(&p->produced);
    if (n - atomic_load(&p->consumed) == SAMPLES_MAX)
        return;
    p->samples[n % SAMPLES_MAX] = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
    atomic_store(&p->produced, n + 1);
}

static ProfileRow *find_row(Profile *p, Vaddr pc)
{
    size_t mask = ARRAY_SIZE(p->rows) - 1;
    size_t at = (pc * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_BITS);
    while (p->rows[at].samples && p->rows[at].pc != pc)
        at = (at + 1) & mask;
    if (p->rows[at].samples)
        return &p->rows[at];
    if (p->row_count > ARRAY_SIZE(p->rows) / 2)
        return NULL;
    p->row_count++;
    p->rows[at].pc = pc;
    return &p->rows[at];
}

static int compare_addresses(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Give the sorted samples in `u`'s host code to its row; returns how many there were. */
static size_t count_unit(Profile *p, const Unit *u, const uint64_t *samples, size_t count)
{
    size_t bytes, low = 0, high = count, n = 0;
    uint64_t code = (uintptr_t)tcg_code_bytes(u->code, &bytes);
    while (low < high) { /* the first that is not before it */
        size_t mid = low + (high - low) / 2;
        if (samples[mid] < code)
            low = mid + 1;
        else
            high = mid;
    }
    while (low + n < count && samples[low + n] < code + bytes)
        n++;
    ProfileRow *row = n ? find_row(p, u->pc) : NULL;
    if (row) {
        row->samples += n;
        row->insns = u->insns;
    } else {
        p->lost += n;
    }
    p->in_regions += u->tier == 2 ? n : 0;
    p->accesses += (double)(n * u->accesses) / (double)bytes;
    p->indirect += (double)(n * u->indirect) / (double)bytes;
    return n;
}

void engine_profile_unit(Unit *u, const IrUnit *ir)
{
    for (uint32_t b = 0; b < ir->block_count; b++) {
        for (uint32_t i = 0; i < ir->blocks[b]->count; i++) {
            IrOp op = ir->blocks[b]->insns[i].op;
            u->accesses += op == IR_OP_LD || op == IR_OP_ST || op == IR_OP_RMW || op == IR_OP_CAS;
            u->indirect += op == IR_OP_EXIT_REG;
        }
    }
}

static void settle_cpu_locked(TcgEngine *e, ProfileCpu *pc)
{
    Profile *p = e->profile;
    unsigned from = atomic_load(&pc->consumed), to = atomic_load(&pc->produced);
    size_t count = to - from, found = 0;
    for (unsigned n = from; n != to; n++)
        p->settling[n - from] = pc->samples[n % SAMPLES_MAX];
    atomic_store(&pc->consumed, to);
    qsort(p->settling, count, sizeof(*p->settling), compare_addresses);
    for (uint32_t i = 0; count && i < e->piece_count; i++)
        for (size_t n = 0; n < e->pieces[i].units.used; n++)
            found += count_unit(p, unit_at(&e->pieces[i].units, n), p->settling, count);
    p->translated += found;
    p->elsewhere += count - found;
}

void engine_profile_settle_locked(TcgEngine *e)
{
    for (uint32_t i = 0; e->profile && i < e->cpu_count; i++)
        if (e->cpus[i]->profile)
            settle_cpu_locked(e, e->cpus[i]->profile);
}

void engine_profile_poll(AccelCpu *ac)
{
    ProfileCpu *p = atomic_load_explicit(&ac->profile, memory_order_relaxed);
    if (!p || atomic_load(&p->produced) - atomic_load(&p->consumed) < SAMPLES_ENOUGH)
        return;
    pthread_mutex_lock(&ac->engine->lock);
    settle_cpu_locked(ac->engine, p);
    pthread_mutex_unlock(&ac->engine->lock);
}

/* ---- on and off ------------------------------------------------------------------------- */

static ProfileSpan counters_now(const AccelCpu *ac, const ProfileCpu *p)
{
    struct timespec t = { 0 };
    clock_gettime(p->clock, &t);
    return (ProfileSpan){ (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec,
                          tlb_stats(ac->cpu->tlb)->misses, ac->lookups };
}

/* `sum` and what there was since `begun`. */
static ProfileSpan span_add(ProfileSpan sum, const ProfileSpan *begun, const ProfileSpan *now)
{
    sum.cpu_ns += now->cpu_ns - begun->cpu_ns;
    sum.tlb_misses += now->tlb_misses - begun->tlb_misses;
    sum.lookups += now->lookups - begun->lookups;
    return sum;
}

static bool arm_timer(AccelCpu *ac, ProfileCpu *p, bool on)
{
    const struct timespec period = { .tv_nsec = on ? SAMPLE_NS : 0 };
    const ProfileSpan now = counters_now(ac, p);
    if (p->on)
        p->before = span_add(p->before, &p->begun, &now);
    p->begun = now;
    p->on = on;
    return !timer_settime(p->timer, 0, &(struct itimerspec){ period, period }, NULL);
}

/* For a thread that exists. */
static bool profile_cpu(AccelCpu *ac, bool on, Error **err)
{
    ProfileCpu *p = atomic_load(&ac->profile);
    if (!p && on) {
        struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ENGINE_SIGNAL_PROFILE };
        p = calloc(1, sizeof(*p));
        event.sigev_value.sival_ptr = p;
        event._sigev_un._tid = ac->cpu->thread_id;
        if (!p || pthread_getcpuclockid(ac->cpu->thread, &p->clock) ||
            timer_create(p->clock, &event, &p->timer)) {
            free(p);
            return error_set_errno(err, errno, "cannot create the profile's timer");
        }
        atomic_store(&ac->profile, p);
    }
    if (p && !arm_timer(ac, p, on))
        return error_set_errno(err, errno, "cannot set the profile's timer");
    return true;
}

bool engine_set_profile(Accel *a, bool on, Error **err)
{
    TcgEngine *e = container_of(a, TcgEngine, accel);
    struct sigaction action = { .sa_sigaction = take_sample, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaddset(&action.sa_mask, ENGINE_SIGNAL_HOT);
    if (e->config.interpreter)
        return error_set(err, "there is no profile of backend=interp: it runs no host code of "
                         "units");
    if (!e->profile && on) {
        e->profile = calloc(1, sizeof(*e->profile));
        if (!e->profile)
            return error_set(err, "out of memory for the profile");
        if (sigaction(ENGINE_SIGNAL_PROFILE, &action, NULL))
            return error_set_errno(err, errno, "cannot handle the profile's signal");
    }
    if (e->profile)
        e->profile->on = on;
    for (uint32_t i = 0; i < e->cpu_count; i++)
        if (e->cpus[i]->cpu->thread_started && !profile_cpu(e->cpus[i], on, err))
            return false;
    return true;
}

/* Where the timer cannot be had there are no samples, which is seen. */
void engine_profile_thread(AccelCpu *ac)
{
    Error *err = NULL;
    if (ac->engine->profile_from_start && !profile_cpu(ac, true, &err))
        error_free(err);
}

void engine_profile_end(AccelCpu *ac)
{
    ProfileCpu *p = atomic_exchange(&ac->profile, NULL);
    if (p)
        timer_delete(p->timer);
    free(p);
}

void engine_fini_profile(TcgEngine *e)
{
    free(e->profile);
    e->profile = NULL;
}

/* ---- printing --------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    const ProfileRow *x = *(ProfileRow *const *)a, *y = *(ProfileRow *const *)b;
    if (x->samples != y->samples)
        return x->samples > y->samples ? -1 : 1;
    return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static void print_hottest(TcgEngine *e, uint64_t all, FILE *out)
{
    Profile *p = e->profile;
    ProfileRow **rows = calloc(p->row_count + 1, sizeof(*rows));
    uint32_t n = 0;
    for (size_t i = 0; rows && i < ARRAY_SIZE(p->rows); i++)
        if (p->rows[i].samples)
            rows[n++] = &p->rows[i];
    if (rows)
        qsort(rows, n, sizeof(*rows), compare_rows);
    for (uint32_t i = 0; i < MIN(n, ROWS_PRINTED); i++) {
        char name[128];
        engine_describe(e, rows[i]->pc, name, sizeof(name));
        fprintf(out, "  %5.1f%% 0x%016llx %3u insns  %s\n",
                100.0 * (double)rows[i]->samples / (double)all, (unsigned long long)rows[i]->pc,
                rows[i]->insns, name);
    }
    free(rows);
}

static void print_hits(const char *what, double times, uint64_t misses, FILE *out)
{
    if (times > 0)
        fprintf(out, "  about %.3g million %s, %.2f%% found\n", times / 1e6, what,
                100.0 * MAX(1 - (double)misses / times, 0));
}

/* How often translated code did what it does not count: from the share of such operations in the
 * code that was met. */
static void print_estimates(const TcgEngine *e, uint64_t samples, FILE *out)
{
    ProfileSpan all = { 0 };
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        const ProfileCpu *p = e->cpus[i]->profile;
        if (!p)
            continue;
        all = span_add(all, &(ProfileSpan){ 0 }, &p->before);
        if (p->on) {
            const ProfileSpan now = counters_now(e->cpus[i], p);
            all = span_add(all, &p->begun, &now);
        }
    }
    double bytes = HOST_BYTES_PER_NS * (double)all.cpu_ns / (double)samples;
    print_hits("TLB look-ups", e->profile->accesses * bytes, all.tlb_misses, out);
    print_hits("indirect branches", e->profile->indirect * bytes, all.lookups, out);
}

void engine_print_profile(TcgEngine *e, FILE *out)
{
    if (!e->profile) {
        fputs("Hottest units: not known; 'profile on' begins to take samples\n", out);
        return;
    }
    pthread_mutex_lock(&e->lock);
    engine_profile_settle_locked(e);
    const Profile *p = e->profile;
    uint64_t all = MAX(p->translated + p->elsewhere, 1);
    fprintf(out, "Profile (%s): %llu samples, %.1f%% of them in translated code\n",
            p->on ? "on" : "off", (unsigned long long)(p->translated + p->elsewhere),
            100.0 * (double)p->translated / (double)all);
    fprintf(out, "  in the second tier: %.1f%% of all\n", 100.0 * (double)p->in_regions / (double)all);
    print_estimates(e, all, out);
    fputs("Hottest units, by time:\n", out);
    print_hottest(e, all, out);
    if (p->lost)
        fprintf(out, "  and %llu samples of too many units\n", (unsigned long long)p->lost);
    pthread_mutex_unlock(&e->lock);
}
