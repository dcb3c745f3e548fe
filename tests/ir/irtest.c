// SPDX-License-Identifier: MIT
//
// Tests of the IR as text. `irtest FILE...`; a file holds cases:
//
//   ## what the case states
//   passes: copy fold join dead  the program after these passes is the text after `---`
//   error: message               the program does not parse or verify; the message contains this
//   expect: @x0=1 @w1=0xff ...   after running (interpreter, and x86-64 where there is one) the
//                                globals have these values; v128 as HIGH_LOW
//   program...
//   ---
//   the expected program
//
// One of passes, error, expect. `--update` prints the files' cases with what came out instead.
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/ir/rig.h"
#include "tcg/internal.h"
#include "util/bitops.h"

typedef struct Case {
    const char *file;
    char *name, *kind, *argument, *program, *want;
} Case;

typedef struct Runner {
    Rig *rig;
    IrUnit *u;
    bool update;
    unsigned cases, failures;
} Runner;

static void fail(Runner *r, const Case *c, const char *what, const char *got)
{
    fprintf(stderr, "%s: %s: %s\n%s\n", c->file, c->name, what, got ? got : "");
    r->failures++;
}

/* ---- passes ---- */

/* Copy without indentation, empty lines and lines that start with `unit` or `#`. */
static char *normalised(const char *text)
{
    char *out = malloc(strlen(text) + 2), *to = out;
    assert(out);
    while (*text) {
        size_t len = strcspn(text, "\n");
        const char *line = text;
        text += len + (text[len] == '\n');
        while (len && isspace((unsigned char)*line)) {
            line++;
            len--;
        }
        if (len && strncmp(line, "unit", 4) && *line != '#') {
            memcpy(to, line, len);
            to += len;
            *to++ = '\n';
        }
    }
    *to = 0;
    return out;
}

static unsigned parse_passes(const char *text)
{
    return (strstr(text, "copy") ? TCG_PASS_COPY : 0) | (strstr(text, "fold") ? TCG_PASS_FOLD : 0) |
           (strstr(text, "dead") ? TCG_PASS_DEAD : 0) | (strstr(text, "join") ? TCG_PASS_JOIN : 0);
}

static void run_passes(Runner *r, const Case *c)
{
    Error *err = NULL;
    if (!ir_parse(r->u, c->program, rig_helpers, &err) || !ir_verify(r->u, &err)) {
        fail(r, c, "input", error_text(err));
        error_free(err);
        return;
    }
    tcg_optimise(r->u, parse_passes(c->argument));
    char *got = rig_text(r->u), *a = normalised(got), *b = normalised(c->want);
    if (!ir_verify(r->u, &err)) {
        fail(r, c, error_text(err), got);
    } else if (r->update) {
        printf("## %s\npasses: %s\n%s---\n%s\n", c->name, c->argument, c->program,
               strchr(got, '\n') + 1);
    } else if (strcmp(a, b)) {
        fail(r, c, "the passes made", got);
    }
    error_free(err);
    free(a);
    free(b);
    free(got);
}

/* ---- errors ---- */

static void run_error(Runner *r, const Case *c)
{
    Error *err = NULL;
    if (ir_parse(r->u, c->program, rig_helpers, &err) && ir_verify(r->u, &err)) {
        fail(r, c, "was accepted", NULL);
    } else if (!strstr(error_text(err), c->argument)) {
        fail(r, c, "the message is", error_text(err));
    }
    error_free(err);
}

/* ---- runs ---- */

static const IrGlobal *find_global(const char *name, size_t len)
{
    for (uint32_t n = 0; n < rig_globals.count; n++) {
        const IrGlobal *g = &rig_globals.table[n];
        if (strlen(g->name) == len && !strncmp(g->name, name, len)) {
            return g;
        }
    }
    return NULL;
}

/* `@name=value`; what is wrong in `message`. */
static bool check_global(const RigResult *out, const char *item, char *message, size_t size)
{
    size_t len = strcspn(item, "=");
    const IrGlobal *g = *item == '@' ? find_global(item + 1, len - 1) : NULL;
    if (!g || !item[len]) {
        snprintf(message, size, "bad expectation %s", item);
        return false;
    }
    char *end;
    V128 want = { .d = { strtoull(item + len + 1, &end, 0), 0 } }, got = { .d = { 0, 0 } };
    if (*end == '_') {
        want.d[1] = want.d[0];
        want.d[0] = strtoull(end + 1, NULL, 0);
    }
    memcpy(&got, (const uint8_t *)&out->env + g->offset, ir_type_size(g->type));
    if (!memcmp(&want, &got, sizeof want)) {
        return true;
    }
    snprintf(message, size, "%.*s is 0x%" PRIx64 "_0x%" PRIx64, (int)len, item, got.d[1],
             got.d[0]);
    return false;
}

static void run_mode(Runner *r, const Case *c, const RigMode *mode)
{
    static RigResult out; /* too large for the stack */
    Error *err = NULL;
    char *items = strdup(c->argument), *save, message[256];
    if (!rig_run(r->rig, c->program, 0, mode, &out, &err)) {
        fail(r, c, mode->name, error_text(err));
        error_free(err);
    } else {
        for (char *i = strtok_r(items, " ", &save); i; i = strtok_r(NULL, " ", &save)) {
            if (!check_global(&out, i, message, sizeof message)) {
                fail(r, c, mode->name, message);
            }
        }
    }
    free(items);
}

static void run_expect(Runner *r, const Case *c)
{
    static const RigMode modes[] = {
        { .name = "interp", .interpreter = true },
        { .name = "interp-all", .interpreter = true, .passes = (unsigned)TCG_PASS_ALL },
        { .name = "x86" },
        { .name = "x86-all", .passes = (unsigned)TCG_PASS_ALL },
    };
    for (unsigned n = 0; n < ARRAY_SIZE(modes); n++) {
        if (modes[n].interpreter || tcg_backend_x86_64.name) {
            run_mode(r, c, &modes[n]);
        }
    }
}

/* ---- files ---- */

static void run_case(Runner *r, const Case *c)
{
    r->cases++;
    if (!strcmp(c->kind, "passes")) {
        run_passes(r, c);
    } else if (!strcmp(c->kind, "error")) {
        run_error(r, c);
    } else if (!strcmp(c->kind, "expect")) {
        run_expect(r, c);
    } else {
        fail(r, c, "unknown kind", c->kind);
    }
}

static char *line_end(char *at)
{
    char *end = at + strcspn(at, "\n");
    if (*end) {
        *end++ = 0;
    }
    return end;
}

/* `at` is behind "## "; the case ends at the next one, which is returned. */
static char *run_case_text(Runner *r, const char *file, char *at)
{
    Case c = { .file = file, .want = "" };
    char *next = strstr(at, "\n## ");
    if (next) {
        next[1] = 0;
    }
    c.name = at;
    c.kind = line_end(at);
    c.program = line_end(c.kind);
    char *colon = strchr(c.kind, ':');
    if (colon) {
        *colon = 0;
        c.argument = colon + 1 + strspn(colon + 1, " ");
        char *rule = strstr(c.program, "\n---\n");
        if (rule) {
            rule[1] = 0;
            c.want = rule + 5;
        }
        run_case(r, &c);
    } else {
        fail(r, &c, "a case needs passes:, error: or expect:", NULL);
    }
    return next ? next + 4 : NULL;
}

static void run_file(Runner *r, const char *file)
{
    FILE *f = fopen(file, "r");
    char *text = NULL;
    size_t size = 0;
    if (!f || getdelim(&text, &size, 0, f) <= 0) {
        perror(file);
        exit(2);
    }
    fclose(f);
    char *at = strstr(text, "\n## ");
    for (at = at ? at + 4 : NULL; at;) {
        at = run_case_text(r, file, at);
    }
    free(text);
}

int main(int argc, char **argv)
{
    Runner r = { .rig = rig_create(), .u = ir_unit_create(&rig_globals) };
    for (int n = 1; n < argc; n++) {
        if (!strcmp(argv[n], "--update")) {
            r.update = true;
        } else {
            run_file(&r, argv[n]);
        }
    }
    if (!r.update) {
        printf("%u cases, %u failures\n", r.cases, r.failures);
    }
    ir_unit_destroy(r.u);
    rig_destroy(r.rig);
    return r.failures || !r.cases;
}
