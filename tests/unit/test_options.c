// SPDX-License-Identifier: MIT
//
// The command line: what the parser makes of words, and what it says of those it does not know.
#include <criterion/criterion.h>
#include <string.h>

#include "cli/configure.h"
#include "cli/options.h"
#include "cli/rtc.h"
#include "util/bitops.h"

#define PARSE(o, err, ...) parse(o, err, (char *[]){ "dragoman", __VA_ARGS__, NULL })

static bool parse(Options *o, Error **err, char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return options_parse(o, argc, argv, err);
}

static void expect_error(Error *err, const char *part)
{
    cr_assert(err);
    cr_expect(strstr(error_text(err), part), "'%s' does not say '%s'", error_text(err), part);
    error_free(err);
}

/* ---- words ------------------------------------------------------------------------------ */

Test(options, one_dash_or_two)
{
    Options o;
    Error *err = NULL;
    cr_assert(PARSE(&o, &err, "-m", "512", "--kernel", "Image", "--nographic"));
    cr_expect_str_eq(o.memory, "512");
    cr_expect_str_eq(o.kernel, "Image");
    cr_expect(o.nographic);
    cr_expect_not(o.stopped);
}

Test(options, small_and_capital_letters_differ)
{
    Options o;
    Error *err = NULL;
    cr_assert(PARSE(&o, &err, "-d", "int", "-D", "log", "-S", "-m", "1", "-M", "virt"));
    cr_expect_str_eq(o.log_items, "int");
    cr_expect_str_eq(o.log_file, "log");
    cr_expect(o.stopped);
    cr_expect_eq(o.machines.count, 1);
}

Test(options, repeated_ones_keep_their_order)
{
    Options o;
    Error *err = NULL;
    cr_assert(PARSE(&o, &err, "-M", "virt", "-drive", "file=a", "-machine", "accel=tcg", "-drive",
                    "file=b", "-accel", "kvm", "-accel", "tcg"));
    cr_expect_eq(o.machines.count, 2);
    cr_expect_str_eq(o.machines.text[1], "accel=tcg");
    cr_expect_eq(o.drives.count, 2);
    cr_expect_str_eq(o.drives.text[1], "file=b");
    cr_expect_eq(o.accels.count, 2);
}

Test(options, the_last_of_a_single_one_counts)
{
    Options o;
    Error *err = NULL;
    cr_assert(PARSE(&o, &err, "-m", "1", "-m", "2"));
    cr_expect_str_eq(o.memory, "2");
}

Test(options, a_value_may_look_like_an_option)
{
    Options o;
    Error *err = NULL;
    cr_assert(PARSE(&o, &err, "-append", "-S", "-kernel", ""));
    cr_expect_str_eq(o.append, "-S");
    cr_expect_str_eq(o.kernel, "");
    cr_expect_not(o.stopped);
}

Test(options, what_is_wrong_is_said)
{
    static const struct {
        char *words[3];
        const char *says;
    } rows[] = {
        { { "-kernle", "x" }, "'-kernel'" },      { { "--nographics" }, "'-nographic'" },
        { { "-kernel" }, "-kernel FILE" },        { { "disk.img" }, "-drive file=disk.img" },
        { { "-" }, "not an option" },             { { "" }, "is empty" },
        { { "-qqqqqq" }, "'-help'" },             { { "-qmp", "stdio" }, "-monitor" },
        { { "-enable-kvm" }, "KVM" },             { { "-net", "user" }, "-nic user" },
        { { "-no-shutdown" }, "leave it out" },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Options o;
        Error *err = NULL;
        char *argv[] = { "dragoman", rows[i].words[0], rows[i].words[1], NULL };
        cr_assert_not(parse(&o, &err, argv));
        expect_error(err, rows[i].says);
    }
}

Test(options, too_many_are_refused)
{
    char *argv[2 * MAX_REPEATED + 4] = { "dragoman" };
    Options o;
    Error *err = NULL;
    for (unsigned i = 0; i < 2 * MAX_REPEATED + 2; i += 2) {
        argv[i + 1] = "-device";
        argv[i + 2] = "x";
    }
    cr_assert_not(parse(&o, &err, argv));
    expect_error(err, "-device");
}

/* ---- -smp ------------------------------------------------------------------------------- */

Test(smp, what_is_missing_follows)
{
    static const struct {
        const char *text;
        uint32_t cpus, sockets, clusters, cores, threads;
    } rows[] = {
        { "4", 4, 1, 1, 4, 1 },
        { "cpus=4", 4, 1, 1, 4, 1 },
        { "8,sockets=2", 8, 2, 1, 4, 1 },
        { "8,cores=2", 8, 4, 1, 2, 1 },
        { "8,threads=2", 8, 1, 1, 4, 2 },
        { "8,sockets=2,cores=2", 8, 2, 1, 2, 2 },
        { "8,clusters=2", 8, 1, 2, 4, 1 },
        { "sockets=2,cores=3", 6, 2, 1, 3, 1 },
        { "maxcpus=3", 3, 1, 1, 3, 1 },
        { "2,maxcpus=8,sockets=2", 2, 2, 1, 4, 1 },
        { "2,sockets=2,dies=1,cores=1,threads=1", 2, 2, 1, 1, 1 },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        MachineConfig c = { 0 };
        Error *err = NULL;
        cr_assert(configure_smp(&c, rows[i].text, &err), "%s", rows[i].text);
        cr_expect_eq(c.cpus, rows[i].cpus, "%s", rows[i].text);
        cr_expect_eq(c.sockets, rows[i].sockets, "%s", rows[i].text);
        cr_expect_eq(c.clusters, rows[i].clusters, "%s", rows[i].text);
        cr_expect_eq(c.cores, rows[i].cores, "%s", rows[i].text);
        cr_expect_eq(c.threads, rows[i].threads, "%s", rows[i].text);
    }
}

Test(smp, what_does_not_fit_is_refused)
{
    static const char *const texts[] = {
        "0", "-1", "1.5", "x", "4097", "99999999999999999999", "4,sockets=3", "8,threads=3",
        "4,maxcpus=2", "2,dies=2", "2,maxcpus=4,cores=2,sockets=1,threads=1", "4,sockets=8", "4,cors=2", "2,cores=0",
        "4096,sockets=4096,clusters=4096,cores=4096,threads=4096",
        "sockets=4096,clusters=4096,cores=4096,threads=4096",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        MachineConfig c = { 0 };
        Error *err = NULL;
        cr_assert_not(configure_smp(&c, texts[i], &err), "%s", texts[i]);
        expect_error(err, "-smp");
    }
}

/* ---- -m --------------------------------------------------------------------------------- */

Test(memory_size, units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        { "512", 512ull << 20 },      { "512M", 512ull << 20 }, { "4G", 4ull << 30 },
        { "size=1G", 1ull << 30 },    { "1.5G", 3ull << 29 },   { "1T", 1ull << 40 },
        { "8192K", 8ull << 20 },      { "2g", 2ull << 30 },     { "5000B", 8192 },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        MachineConfig c = { 0 };
        Error *err = NULL;
        cr_assert(configure_memory(&c, rows[i].text, &err), "%s", rows[i].text);
        cr_expect_eq(c.ram_bytes, rows[i].bytes, "%s", rows[i].text);
    }
}

Test(memory_size, what_is_none_is_refused)
{
    static const char *const texts[] = { "", "0", "lots", "-5", "1X", "1GG", "16E", "nan", "inf",
                                         "1.5.5G", "0x", "size=", "512,slots=1", "512,sise=1" };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        MachineConfig c = { 0 };
        Error *err = NULL;
        cr_assert_not(configure_memory(&c, texts[i], &err), "%s", texts[i]);
        expect_error(err, "-m");
    }
}

/* ---- -rtc ------------------------------------------------------------------------------- */

Test(rtc, a_date_is_an_offset_from_now)
{
    int64_t offset = 1;
    Error *err = NULL;
    cr_assert(rtc_parse("utc", &offset, &err));
    cr_expect_eq(offset, 0);
    cr_assert(rtc_parse("base=2001-02-03T04:05:06,clock=host", &offset, &err));
    int64_t guest = time(NULL) + offset;
    cr_expect(guest - 981173106 >= 0 && guest - 981173106 < 60);
    cr_assert(rtc_parse("2001-02-03", &offset, &err));
    cr_assert(rtc_parse("base=localtime", &offset, &err));
}

Test(rtc, other_words_are_refused)
{
    static const char *const texts[] = { "yesterday", "base=", "base=2001-13-01", "base=2001-02-03T",
                                         "clock=vm", "driftfix=slew", "bas=utc" };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int64_t offset;
        Error *err = NULL;
        cr_assert_not(rtc_parse(texts[i], &offset, &err), "%s", texts[i]);
        expect_error(err, "-rtc");
    }
}
