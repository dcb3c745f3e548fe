// SPDX-License-Identifier: MIT
//
// What the translator makes of an image of A64 code, in numbers that are the same on every host
// (docs/testing.md); run.py asks and compares.
//
//   codegen code IMAGE TIER2 [SWITCH]      the host code of the unit at the image's entry
//   codegen run IMAGE TIER2 [SWITCH]       host instructions that the program takes
//   codegen result IMAGE TIER2 [SWITCH]    what it computes
//   codegen guest IMAGE                    guest instructions that it takes, and its result, by the
//                                          interpreter backend
//   codegen switches                       those of -accel tcg
//
// A program does its work again and again, with an SVC behind each time. The first two times, by
// which everything is translated and linked, do not count. With status 77 the host lacks what it
// takes.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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

static void count_host_insns(Machine *m)
{
    static uint64_t result;
    uint64_t insns, ways_out;
    if (m->calls == WARM_CALLS) {
        result = m->cpu->regs.x[0];
        counter_begin(m);
    }
    if (m->calls <= WARM_CALLS)
        return;
    counter_end(m, &insns, &ways_out);
    if (m->cpu->regs.x[0] != result)
        machine_fail("the program's result is another one each time", NULL);
    printf("%" PRIu64 " %" PRIu64 " %016" PRIx64 "\n", insns, ways_out, result);
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
    fprintf(stderr, "usage: codegen code|run|result IMAGE off|always [SWITCH], "
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
    const AccelOption fast[] = { { "tier2", argv[3] }, { argc > 4 ? argv[4] : NULL, "on" } };
    const AccelOption slow[] = { { "backend", "interp" }, { "one-insn-per-tb", "on" } };
    const MachineSetup setup = {
        .image = argv[2], .options = q->by_insns ? slow : fast,
        .option_count = q->by_insns || argc > 4 ? 2 : 1, .chained = !q->by_insns,
    };
    if (!machine_create(&m, &setup, &err)) {
        printf("%s\n", error_text(err));
        return STATUS_SKIPPED;
    }
    if (!q->called)
        print_code(&m);
    m.called = q->called;
    machine_run(&m);
}
