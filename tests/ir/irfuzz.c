// SPDX-License-Identifier: MIT
//
// Random IR programs: every way to run them must leave the same state, memory, exit and trace as
// the interpreter without passes. On a difference the program is shrunk and printed, exit
// status 1.
//
//   irfuzz [--seed N] [--count N] [--size N] [--ops int,mem,fp,vec,call,flow|all]
//          [--modes interp,x86,...] [--keep-going] [--run FILE] [--print] [--coverage]
//
// `--coverage` prints the fold rules that no program made use of; with --run that is an error.
// `--run FILE` runs the programs of a file (text form) with the states of --seed and the next.
#include <assert.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/ir/gen.h"
#include "tests/ir/shrink.h"
#include "tcg/internal.h"
#include "tcg/opt/opt.h"
#include "util/bitops.h"

/* What is left of these in the passes is in the modes of the interpreter. */
#define WITHOUT(NAME, MASK) { .name = NAME, .passes = (unsigned)TCG_PASS_ALL, .without = MASK }

static const RigMode modes[] = {
    { .name = "interp-copy", .interpreter = true, .passes = TCG_PASS_COPY },
    { .name = "interp-fold", .interpreter = true, .passes = TCG_PASS_FOLD },
    { .name = "interp-dead", .interpreter = true, .passes = TCG_PASS_DEAD },
    { .name = "interp-all", .interpreter = true, .passes = (unsigned)TCG_PASS_ALL },
    { .name = "interp-slow", .interpreter = true, .no_tlb = true },
    { .name = "x86" },
    { .name = "x86-all", .passes = (unsigned)TCG_PASS_ALL },
    { .name = "x86-slow", .passes = (unsigned)TCG_PASS_ALL, .no_tlb = true },
    { .name = "x86-noavx2", .no_avx2 = true },
    { .name = "x86-nobmi", .no_bmi = true },
    { .name = "x86-nofma", .no_fma = true },
    WITHOUT("x86-no-fused-flags", TCG_NO_FUSED_FLAGS),
    WITHOUT("x86-no-fused-comparisons", TCG_NO_FUSED_COMPARISONS),
    WITHOUT("x86-no-flag-recipes", TCG_NO_FLAG_RECIPES),
    WITHOUT("x86-no-wide-products", TCG_NO_WIDE_PRODUCTS),
    WITHOUT("x86-no-carry-sums", TCG_NO_CARRY_SUMS),
    WITHOUT("x86-no-scaled-sums", TCG_NO_SCALED_SUMS),
    WITHOUT("x86-no-shared-checks", TCG_NO_SHARED_CHECKS),
    WITHOUT("x86-no-shared-across-blocks", TCG_NO_SHARED_ACROSS_BLOCKS),
    WITHOUT("x86-no-streams", TCG_NO_STREAMS),
    WITHOUT("x86-no-merge-registers", TCG_NO_MERGE_REGISTERS),
    WITHOUT("x86-no-loop-flags", TCG_NO_LOOP_FLAGS),
    WITHOUT("x86-no-unseen", TCG_NO_UNSEEN),
    WITHOUT("x86-without-all", ~0u),
};

typedef struct Options {
    uint64_t seed, count;
    unsigned size, kinds;
    const char *modes, *run;
    bool keep_going, print;
    uint32_t *hits; /* by fold rule */
} Options;

typedef struct Trial {
    Rig *rig;
    uint64_t seed;
    const RigMode *mode;
    bool valid; /* the program itself is, so smaller ones have to be */
} Trial;

static bool has_backend(const RigMode *m)
{
    return m->interpreter || tcg_backend_x86_64.name;
}

static bool mode_enabled(const Options *o, const RigMode *m)
{
    size_t len = strlen(m->name);
    if (!has_backend(m)) {
        return false;
    }
    if (!o->modes) {
        return true;
    }
    for (const char *at = strstr(o->modes, m->name); at; at = strstr(at + 1, m->name)) {
        if ((at == o->modes || at[-1] == ',') && (!at[len] || at[len] == ',')) {
            return true;
        }
    }
    const char *dash = strchr(m->name, '-'); /* `interp` and `x86*` name the whole family */
    return strstr(o->modes, m->interpreter ? "interp*" : "x86*") && dash;
}

/* ---- crashes ---- */

/* A crash or an endless run of translated code, or a failed assertion, is a difference like
 * others: the signal jumps back to where the run began. */
static _Thread_local sigjmp_buf crash_return;
static const int crash_signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM, SIGTRAP };

static void on_crash(int sig)
{
    siglongjmp(crash_return, sig);
}

static void catch_crashes(void)
{
    static _Thread_local char stack[1 << 16];
    const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
    sigaltstack(&alternate, NULL);
    for (unsigned n = 0; n < ARRAY_SIZE(crash_signals); n++) {
        sigaction(crash_signals[n], &action, NULL);
    }
}

/* ---- trials ---- */

static char *compare_results(Rig *rig, const char *text, uint64_t seed, const RigMode *mode)
{
    static _Thread_local RigResult want, got;
    Error *err = NULL;
    if (!rig_run(rig, text, seed, &rig_reference, &want, &err) ||
        !rig_run(rig, text, seed, mode, &got, &err)) {
        char *message = strdup(error_text(err));
        error_free(err);
        return message;
    }
    return rig_difference(&want, &got);
}

/* The text of the difference (to free), or NULL. After a crash *rig is a new one. */
static char *compare(Rig **rig, const char *text, uint64_t seed, const RigMode *mode)
{
    char *difference;
    int sig = sigsetjmp(crash_return, 1);
    if (sig) {
        difference = malloc(64);
        snprintf(difference, 64, "  signal %d (%s)\n", sig, strsignal(sig));
        *rig = rig_create(); /* the old one is in an unknown state */
    } else {
        alarm(10);
        difference = compare_results(*rig, text, seed, mode);
    }
    alarm(0);
    return difference;
}

static bool still_differs(void *opaque, const char *text)
{
    Trial *t = opaque;
    RigResult result;
    if (t->valid && !rig_run(t->rig, text, t->seed, &rig_reference, &result, NULL)) {
        return false;
    }
    char *difference = compare(&t->rig, text, t->seed, t->mode);
    free(difference);
    return difference != NULL;
}

static void report(Rig **rig, const char *text, uint64_t seed, const RigMode *mode, bool shrink,
                   const char *first)
{
    Trial t = { .rig = *rig, .seed = seed, .mode = mode };
    RigResult result;
    t.valid = rig_run(t.rig, text, seed, &rig_reference, &result, NULL);
    char *small = shrink ? shrink_program(text, still_differs, &t) : strdup(text);
    *rig = t.rig;
    char *difference = compare(rig, small, seed, mode);
    printf("seed %" PRIu64 ", interp / %s:\n%s%s", seed, mode->name,
           difference ? difference : first, small);
    if (!difference) {
        printf("which does not come again: it depends on what ran before\n");
    }
    if (mode->passes) {
        Error *err = NULL;
        IrUnit *u = ir_unit_create(&rig_globals);
        if (u && ir_parse(u, small, rig_helpers, &err)) {
            tcg_optimise(u, mode->passes);
            printf("after the passes:\n");
            ir_print(u, stdout);
        }
        ir_unit_destroy(u);
    }
    printf("\n");
    free(small);
    free(difference);
}

static bool run_modes(Rig **rig, const Options *o, const char *text, uint64_t seed, bool shrink)
{
    bool ok = true;
    for (unsigned n = 0; n < ARRAY_SIZE(modes) && (ok || o->keep_going); n++) {
        if (!mode_enabled(o, &modes[n])) {
            continue;
        }
        char *difference = compare(rig, text, seed, &modes[n]);
        if (difference) {
            report(rig, text, seed, &modes[n], shrink, difference);
            free(difference);
            ok = false;
        }
    }
    return ok;
}

/* One program of a file, with a few states. */
static bool run_text(Rig **rig, const Options *o, const char *text)
{
    bool ok = true;
    for (uint64_t seed = o->seed; seed < o->seed + 3; seed++) {
        ok &= run_modes(rig, o, text, seed, false);
    }
    IrUnit *u = ir_unit_create(&rig_globals);
    if (o->hits && ir_parse(u, text, rig_helpers, NULL)) {
        opt_forward(u, (unsigned)TCG_PASS_ALL, o->hits);
    }
    ir_unit_destroy(u);
    return ok;
}

/* A file of programs, each from its `unit` line to the next. */
static bool run_file(Rig **rig, const Options *o)
{
    FILE *f = fopen(o->run, "r");
    if (!f) {
        perror(o->run);
        return false;
    }
    bool ok = true;
    char *text = NULL, *line = NULL;
    size_t len, line_size = 0;
    FILE *program = open_memstream(&text, &len);
    for (bool more = true; more;) {
        more = getline(&line, &line_size, f) > 0;
        if (!more || !strncmp(line, "unit", 4)) {
            fclose(program);
            if (len) {
                ok &= run_text(rig, o, text);
            }
            free(text);
            program = open_memstream(&text, &len);
        }
        if (more) {
            fputs(line, program);
        }
    }
    fclose(program);
    free(text);
    free(line);
    fclose(f);
    return ok;
}

static bool run_random(Rig **rig, const Options *o)
{
    IrUnit *u = ir_unit_create(&rig_globals);
    bool ok = true;
    for (uint64_t n = 0; n < o->count && (ok || o->keep_going); n++) {
        uint64_t seed = o->seed + n;
        ir_unit_reset(u);
        gen_program(u, seed, o->kinds, o->size ? o->size : 4 + seed % 61);
        char *text = rig_text(u);
        if (o->print) {
            printf("%s\n", text);
        }
        ok &= run_modes(rig, o, text, seed, true);
        if (o->hits) {
            opt_forward(u, (unsigned)TCG_PASS_ALL, o->hits);
        }
        free(text);
    }
    ir_unit_destroy(u);
    return ok;
}

static bool parse_options(int argc, char **argv, Options *o)
{
    for (int n = 1; n < argc; n++) {
        const char *name = argv[n], *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(name, "--keep-going")) {
            o->keep_going = true;
            continue;
        }
        if (!strcmp(name, "--coverage")) {
            o->hits = calloc(fold_rule_count, sizeof o->hits[0]);
            continue;
        }
        if (!strcmp(name, "--print")) {
            o->print = true;
            continue;
        }
        n++;
        if (!strcmp(name, "--seed")) {
            o->seed = strtoull(value, NULL, 0);
        } else if (!strcmp(name, "--count")) {
            o->count = strtoull(value, NULL, 0);
        } else if (!strcmp(name, "--size")) {
            o->size = strtoul(value, NULL, 0);
        } else if (!strcmp(name, "--modes")) {
            o->modes = value;
        } else if (!strcmp(name, "--run")) {
            o->run = value;
        } else if (strcmp(name, "--ops") || !gen_parse_kinds(value, &o->kinds)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    Options o = { .seed = 1, .count = 1000, .kinds = GEN_ALL };
    if (!parse_options(argc, argv, &o)) {
        fprintf(stderr, "usage: irfuzz [--seed N] [--count N] [--size N] [--ops "
                        "int,mem,fp,vec,call,flow|all] [--modes NAME,...] [--keep-going] "
                        "[--run FILE] [--print] [--coverage]\nmodes:");
        for (unsigned n = 0; n < ARRAY_SIZE(modes); n++) {
            fprintf(stderr, " %s", modes[n].name);
        }
        fprintf(stderr, "\n");
        return 2;
    }
    Rig *rig = rig_create();
    catch_crashes();
    bool ok = o.run ? run_file(&rig, &o) : run_random(&rig, &o);
    rig_destroy(rig);
    for (unsigned n = 0; o.hits && n < fold_rule_count; n++) {
        if (!o.hits[n]) {
            printf("never: %s\n", fold_rule_texts[n]);
            ok &= !o.run; /* a file is expected to use every rule */
        }
    }
    free(o.hits);
    return !ok;
}
