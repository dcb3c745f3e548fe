// SPDX-License-Identifier: MIT
//
// The monitor's arithmetic: C's, on 64 bits.
#include <criterion/criterion.h>
#include <string.h>

#include "cli/expression.h"
#include "util/bitops.h"

static bool register_value(void *opaque, const char *name, uint64_t *value)
{
    *value = 0x1000;
    return !strcmp(name, "pc");
}

static bool calculate(const char *text, uint64_t *value, Error **err)
{
    const char *end;
    return expression_parse(text, &end, register_value, NULL, value, err);
}

Test(expression, values)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        { "0", 0 },
        { "0x40080000", 0x40080000 },
        { "010", 8 },
        { "  7 ", 7 },
        { "$pc", 0x1000 },
        { "$pc+8", 0x1008 },
        { "1 + 2 * 3", 7 },
        { "(1 + 2) * 3", 9 },
        { "10 - 2 - 3", 5 },
        { "100 / 7 % 4", 2 },
        { "1 | 2 ^ 3 & 6", 1 | (2 ^ (3 & 6)) },
        { "4 & 1 + 4", 4 & (1 + 4) },
        { "-1", UINT64_MAX },
        { "~0 - 1", UINT64_MAX - 1 },
        { "--5", 5 },
        { "-$pc & 0xffff", 0xf000 },
        { "0xffffffffffffffff + 1", 0 },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 0;
        Error *err = NULL;
        cr_assert(calculate(rows[i].text, &value, &err), "%s", rows[i].text);
        cr_expect_eq(value, rows[i].value, "%s", rows[i].text);
    }
}

Test(expression, stops_at_what_is_none)
{
    const char *end;
    uint64_t value;
    Error *err = NULL;
    cr_assert(expression_parse("12 rest", &end, register_value, NULL, &value, &err));
    cr_expect_str_eq(end, "rest");
}

Test(expression, mistakes)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "", "missing" },      { "1 +", "missing" }, { "(1", "')'" },
        { "1 / 0", "zero" },    { "5 % 0", "zero" },  { "$nothing", "$nothing" },
        { "$", "register" },    { "x", "'x'" },       { "0x10000000000000000", "64 bits" },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value;
        Error *err = NULL;
        cr_assert_not(calculate(rows[i].text, &value, &err), "%s", rows[i].text);
        cr_expect(strstr(error_text(err), rows[i].says), "'%s'", error_text(err));
        error_free(err);
    }
}

Test(expression, depth_is_bounded)
{
    char text[1000];
    uint64_t value;
    Error *err = NULL;
    memset(text, '(', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    cr_assert_not(calculate(text, &value, &err));
    cr_expect(strstr(error_text(err), "nested"));
    error_free(err);
}
