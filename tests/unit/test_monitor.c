// SPDX-License-Identifier: MIT
//
// The monitor: its line editor on a terminal, and which line runs which command.
#include <criterion/criterion.h>
#include <stdlib.h>

#include "monitor/monitor.h"
#include "tests/unit/chardev_rig.h"

/* ---- commands --------------------------------------------------------------------------- */

static void say(void *opaque, const char *name, const char *args, FILE *out)
{
    ++*(unsigned *)opaque;
    fprintf(out, "%s<%s>\n", name, args);
}

static void cmd_quit(void *opaque, const char *args, FILE *out)
{
    say(opaque, "quit", args, out);
}

static void cmd_x(void *opaque, const char *args, FILE *out)
{
    say(opaque, "x", args, out);
}

static void cmd_xp(void *opaque, const char *args, FILE *out)
{
    say(opaque, "xp", args, out);
}

static void cmd_info_jit(void *opaque, const char *args, FILE *out)
{
    say(opaque, "info jit", args, out);
}

static const MonitorCommand commands[] = {
    { "quit", "q", "", "end", cmd_quit },
    { "x", NULL, "/FORMAT ADDRESS", "virtual memory", cmd_x },
    { "xp", NULL, "/FORMAT ADDRESS", "physical memory", cmd_xp },
    { "info jit", NULL, "", "translator", cmd_info_jit },
    { "info history", NULL, "", "lines", cmd_quit },
    { "device_add", NULL, NULL, "use -device", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

/* The output of a line, to be freed. */
static char *output_of(const char *line, unsigned *runs)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    monitor_run_line(commands, runs, line, out);
    fclose(out);
    return text;
}

Test(monitor, lines_and_their_commands)
{
    static const char *const rows[][2] = {
        { "quit", "quit<>\n" },         { "  q  ", "quit<>\n" },
        { "x 0", "x<0>\n" },            { "x/4x 0", "x</4x 0>\n" },
        { "x /4x 0", "x</4x 0>\n" },    { "xp/i $pc + 4 ", "xp</i $pc + 4>\n" },
        { "info jit", "info jit<>\n" }, { "info   jit", "info jit<>\n" },
        { "", "" },                     { "   ", "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned runs = 0;
        char *text = output_of(rows[i][0], &runs);
        cr_expect_str_eq(text, rows[i][1], "%s", rows[i][0]);
        free(text);
    }
}

Test(monitor, lines_that_run_nothing)
{
    static const char *const rows[][2] = {
        { "quitt", "did you mean 'quit'" },  { "info", "info jit" },
        { "help", "physical memory" },       { "?", "physical memory" },
        { "help xp", "physical memory" },    { "help q", "end" },
        { "help nothing", "'nothing'" },     { "quit now", "takes nothing" },
        { "info nothing", "unknown" },       { "infojit", "unknown" },
        { "xq 0", "unknown" },               { "%n%s%n", "unknown" },
        { "device_add x", "not supported; use -device" },
        { "help device_add", "no command" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned runs = 0;
        char *text = output_of(rows[i][0], &runs);
        cr_expect(strstr(text, rows[i][1]), "'%s': %s", rows[i][0], text);
        cr_expect_eq(runs, 0, "%s", rows[i][0]);
        free(text);
    }
}

/* ---- the line editor -------------------------------------------------------------------- */

typedef struct Rig {
    FakeTerminal terminal;
    Chardev *chr;
    Monitor *mon;
    unsigned runs;
} Rig;

static void rig_init(Rig *r)
{
    Error *err = NULL;
    r->runs = 0;
    r->chr = fake_terminal_open(&r->terminal, NULL);
    r->mon = monitor_create(r->chr, commands, &r->runs, &err);
    cr_assert(r->mon);
}

static void rig_fini(Rig *r)
{
    monitor_destroy(r->mon);
    chardev_close(r->chr);
}

static void expect_after(Rig *r, const char *typed, const char *seen)
{
    fake_terminal_take(&r->terminal);
    for (; *typed; typed++)
        cr_assert_eq(fake_terminal_type(r->chr, (char[]){ *typed, 0 }), 1);
    const char *out = fake_terminal_take(&r->terminal);
    cr_expect(strstr(out, seen), "'%s' is not in '%s'", seen, out);
}

Test(editor, greets_with_a_prompt)
{
    Rig r;
    rig_init(&r);
    cr_expect(strstr(fake_terminal_take(&r.terminal), "(dragoman) "));
    rig_fini(&r);
}

Test(editor, a_line_is_echoed_and_run)
{
    Rig r;
    rig_init(&r);
    expect_after(&r, "quit\r", "quit\r\nquit<>\r\n(dragoman) ");
    cr_expect_eq(r.runs, 1);
    rig_fini(&r);
}

Test(editor, a_slow_reader_loses_nothing_and_types_nothing)
{
    char whole[4096];
    Rig r;
    rig_init(&r);
    fake_terminal_take(&r.terminal);
    fake_terminal_type(r.chr, "help\r");
    strcpy(whole, fake_terminal_take(&r.terminal));
    cr_assert_gt(strlen(whole), 150);
    r.terminal.room = 50;
    fake_terminal_type(r.chr, "help\r");
    cr_expect_eq(fake_terminal_type(r.chr, "quit\r"), 0, "its answers come first");
    r.terminal.room = 50;
    chardev_writable(r.chr);
    cr_expect_eq(r.terminal.out_len, 100);
    r.terminal.room = SIZE_MAX;
    chardev_writable(r.chr);
    cr_expect_str_eq(fake_terminal_take(&r.terminal), whole);
    expect_after(&r, "quit\r", "quit<>");
    /* what waits for one who goes away is not for the next one */
    r.terminal.room = 50;
    fake_terminal_type(r.chr, "help\r");
    fake_terminal_take(&r.terminal);
    chardev_event(r.chr, CHARDEV_CLOSED);
    r.terminal.room = SIZE_MAX;
    chardev_writable(r.chr);
    chardev_event(r.chr, CHARDEV_OPENED);
    cr_expect_str_eq(fake_terminal_take(&r.terminal), "(dragoman) ");
    rig_fini(&r);
}

Test(editor, what_is_deleted_does_not_count)
{
    Rig r;
    rig_init(&r);
    expect_after(&r, "quitx\x7f\r", "quit<>");
    expect_after(&r, "\b\bquitx\b\r", "quit<>");
    expect_after(&r, "nonsense\x15quit\r", "quit<>");
    expect_after(&r, "nonsense\003quit\r", "quit<>");
    cr_expect_eq(r.runs, 4);
    rig_fini(&r);
}

Test(editor, the_line_before_comes_back)
{
    Rig r;
    rig_init(&r);
    expect_after(&r, "x 1\r", "x<1>");
    expect_after(&r, "\033[A2\r", "x<12>");
    expect_after(&r, "\r\033OA\r", "x<12>");
    expect_after(&r, "junk\x10\r", "x<12>");
    rig_fini(&r);
}

Test(editor, history_goes_both_ways)
{
    Rig r;
    rig_init(&r);
    expect_after(&r, "x 1\rx 2\rx 2\rx 3\r", "x<3>");
    expect_after(&r, "\033[A\033[A\033[A\033[A\r", "x<1>"); /* the doubled line counts once */
    expect_after(&r, "\033[A\033[A\016\r", "x<1>");
    expect_after(&r, "\020\033[Bquit\r", "quit<>");
    rig_fini(&r);
}

Test(editor, history_is_printed_and_bounded)
{
    Rig r;
    rig_init(&r);
    for (int i = 0; i < 100; i++) {
        char line[16];
        snprintf(line, sizeof(line), "x %d\r", i);
        expect_after(&r, line, "x<");
    }
    expect_after(&r, "info history\r", "0: 'x 69'\r\n");
    expect_after(&r, "info history\r", "31: 'info history'\r\n");
    cr_expect_eq(r.runs, 100);
    rig_fini(&r);
}

Test(editor, tab_completes)
{
    Rig r;
    rig_init(&r);
    expect_after(&r, "qu\t\r", "quit \r\nquit<>");
    expect_after(&r, "inf\t", "info ");
    expect_after(&r, "j\t\r", "info jit<>");
    expect_after(&r, "x\t", "x\r\nxp\r\n");
    expect_after(&r, " 1\r", "x<1>");
    expect_after(&r, "zz\t\x15", "zz");
    rig_fini(&r);
}

Test(editor, other_keys_do_nothing)
{
    Rig r;
    rig_init(&r);
    expect_after(&r, "q\033[C\033[D\033[B\033[3~ui\001\002t\xff\r", "quit<>");
    rig_fini(&r);
}

Test(editor, an_endless_line_is_cut)
{
    Rig r;
    rig_init(&r);
    for (int i = 0; i < 2000; i++)
        fake_terminal_type(r.chr, "a");
    expect_after(&r, "\r", "unknown command");
    expect_after(&r, "quit\r", "quit<>");
    rig_fini(&r);
}
