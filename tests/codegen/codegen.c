// SPDX-License-Identifier: MIT
//
// What the translator makes of an image of A64 code, in numbers that are the same on every host
// (docs/testing.md); run.py asks and compares.
//
//   codegen code IMAGE TIER2 [SWITCH]      the host code of the unit at the image's entry
//   codegen run IMAGE off|auto [SWITCH]    host instructions that the program takes
//   codegen result IMAGE TIER2 [SWITCH]    what it computes
//   codegen guest IMAGE                    guest instructions that it takes, and its result, by the
//                                          interpreter backend
//   codegen switches                       those of -accel tcg
//
// A program does its work again and again, with an SVC behind each time. The first two times, by
// which everything is translated and linked, do not count. With "auto" what is hot becomes a region,
// as it does by samples: a unit with more than 3 % of the instructions. With status 77 the host
// lacks what it takes.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "target/arm/internal.h"
#include "tests/codegen/counter.h"
#include "tests/codegen/listing.h"
#include "util/bitops.h"

enum { STATUS_SKIPPED = 77, WARM_CALLS = 2 };

static _Noreturn void end(void)
{
    fflush(stdout);
    _exit(0);
}

/* ---- host instructions -------------------------------------------------------------------- */

enum { HOT_PERCENT = 3, HAS_BEEN_HOT = 255 };

/* As hot.c does with the unit that it meets most often. The bank has to be the program's. */
static void make_region(Machine *m, Unit *u)
{
    TcgEngine *e = m->engine;
    VCPU *cpu = &m->cpu->vcpu;
    uint64_t pstate = arm_pstate_get(m->cpu);
    arm_pstate_set(m->cpu, 0); /* EL0 */
    vcpu_update_banks(cpu);
    u->heat = HAS_BEEN_HOT;
    e->tier2 = TIER2_AUTO; /* the vCPU's thread has begun without a timer for samples */
    pthread_mutex_lock(&e->lock);
    region_make_locked(cpu->accel, u);
    pthread_mutex_unlock(&e->lock);
    arm_pstate_set(m->cpu, pstate);
    vcpu_update_banks(cpu);
    atomic_store(&cpu->exit_request, 1);
}

/* With regions: they are made one at a time, until no unit is hot. */
static void count_host_insns(Machine *m)
{
    static uint64_t result;
    static bool counting;
    if (m->calls < WARM_CALLS) { /* in the next round, see where indirect branches lead */
        m->cpu->vcpu.accel->observed_exits = m->regions ? UINT32_MAX : 0;
        return;
    }
    m->cpu->vcpu.accel->observed_exits = 0;
    if (!counting) { /* in this round all was linked */
        result = m->cpu->regs.x[0];
        counting = true;
        counter_begin(m);
        return;
    }
    Counts counts = counter_end(m);
    counting = false;
    if (m->cpu->regs.x[0] != result)
        machine_fail("the program's result is another one each time", NULL);
    if (m->regions && counts.hottest_insns * 100 > counts.insns * HOT_PERCENT) {
        make_region(m, counts.hottest);
        return;
    }
    printf("%" PRIu64 " %" PRIu64 " %016" PRIx64 "\n", counts.insns, counts.ways_out, result);
    end();
}

/* ---- guest instructions ------------------------------------------------------------------- */

/* Each unit is one instruction and comes back to the loop. */
static void count_guest_insns(Machine *m)
{
    static uint64_t before;
    uint64_t now = 0;
    for (unsigned n = 0; n < IR_REASON_COUNT; n++)
        now += m->cpu->vcpu.accel->exits[n];
    if (m->calls <= WARM_CALLS) {
        before = now;
        return;
    }
    printf("%" PRIu64 " %016" PRIx64 "\n", now - before, m->cpu->regs.x[0]);
    end();
}

/* ---- host code ---------------------------------------------------------------------------- */

static void print_code(Machine *m)
{
    AccelCpu *ac = m->cpu->vcpu.accel;
    FetchPlace place;
    vcpu_update_banks(ac->cpu);
    if (!engine_fetch_page(ac->cpu, MACHINE_ENTRY, &place))
        machine_fail("the image is not mapped", NULL);
    const Unit *u = unit_get(ac, place.ram, MACHINE_ENTRY, place.flags, place.host);
    if (!u)
        machine_fail("the image is not translated", NULL);
    listing_print(m, u, stdout);
    end();
}

/* ---- questions ---------------------------------------------------------------------------- */

static void print_result(Machine *m)
{
    if (m->calls <= WARM_CALLS)
        return;
    printf("%016" PRIx64 "\n", m->cpu->regs.x[0]);
    end();
}

typedef struct Question {
    const char *name;
    void (*called)(Machine *m); /* at each SVC of the program; NULL: it does not run */
    bool by_insns;              /* by the interpreter, with units of one instruction each */
} Question;

static const Question questions[] = {
    { "code", NULL, false },
    { "run", count_host_insns, false },
    { "result", print_result, false },
    { "guest", count_guest_insns, true },
};

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: codegen code|run|result IMAGE off|always|auto [SWITCH], "
                    "or: codegen guest IMAGE, or: codegen switches\n");
    exit(2);
}

static const Question *question_of(int argc, char **argv)
{
    for (unsigned n = 0; n < ARRAY_SIZE(questions) && argc > 2; n++)
        if (!strcmp(questions[n].name, argv[1]) &&
            (questions[n].by_insns ? argc == 3 : argc == 4 || argc == 5))
            return &questions[n];
    usage();
}

static int print_switches(void)
{
    for (unsigned n = 0; n < TCG_SWITCH_COUNT; n++)
        printf("%s\n", tcg_switches[n].option);
    return 0;
}

int main(int argc, char **argv)
{
    Machine m;
    Error *err = NULL;
    if (argc == 2 && !strcmp(argv[1], "switches"))
        return print_switches();
    const Question *q = question_of(argc, argv);
    bool automatic = !q->by_insns && !strcmp(argv[3], "auto"); /* by counts, not by a timer */
    const AccelOption fast[] = { { "tier2", automatic ? "off" : argv[3] },
                                 { argc > 4 ? argv[4] : NULL, "on" } };
    const AccelOption slow[] = { { "backend", "interp" }, { "one-insn-per-tb", "on" } };
    const MachineSetup setup = {
        .image = argv[2], .options = q->by_insns ? slow : fast,
        .option_count = q->by_insns || argc > 4 ? 2 : 1, .chained = !q->by_insns,
    };
    if (!machine_create(&m, &setup, &err)) {
        printf("%s\n", error_text(err));
        return STATUS_SKIPPED;
    }
    m.regions = automatic;
    if (!q->called)
        print_code(&m);
    m.called = q->called;
    machine_run(&m);
}
