// SPDX-License-Identifier: MIT
//
// What the translator makes of an image of A64 code, in numbers that are the same on every host
// (docs/testing.md); run.py asks and compares.
//
//   codegen code IMAGE TIER2    the host code of the unit at the image's entry
//   codegen run IMAGE TIER2     host instructions that the program takes
//   codegen guest IMAGE         guest instructions that it takes
//
// A program does its work again and again, with an SVC behind each time. The first two times, by
// which everything is translated and linked, do not count. With status 77 the host lacks what it
// takes.
#include <inttypes.h>
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

int main(int argc, char **argv)
{
    Machine m;
    Error *err = NULL;
    const char *what = argc > 2 ? argv[1] : "";
    bool guest = !strcmp(what, "guest"), run = !strcmp(what, "run"), code = !strcmp(what, "code");
    if (argc != (guest ? 3 : 4) || !(guest || run || code)) {
        fprintf(stderr, "usage: codegen code|run IMAGE off|always, or: codegen guest IMAGE\n");
        return 2;
    }
    const AccelOption fast[] = { { "tier2", argv[3] } };
    const AccelOption slow[] = { { "tier2", "off" }, { "one-insn-per-tb", "on" } };
    const MachineSetup setup = {
        .image = argv[2], .options = guest ? slow : fast, .option_count = guest ? 2 : 1,
        .chained = !guest,
    };
    if (!machine_create(&m, &setup, &err)) {
        printf("%s\n", error_text(err));
        return STATUS_SKIPPED;
    }
    if (code)
        print_code(&m);
    m.called = run ? count_host_insns : count_guest_insns;
    machine_run(&m);
}
