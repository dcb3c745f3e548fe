// SPDX-License-Identifier: MIT
//
// "driver,key=value,flag": what options with parameters are made of.
#include <criterion/criterion.h>
#include <string.h>

#include "util/bitops.h"
#include "util/keyval.h"

static Keyval parsed(const char *text, const char *implied)
{
    Keyval kv;
    Error *err = NULL;
    cr_assert(keyval_parse(&kv, text, implied, &err));
    return kv;
}

Test(keyval, the_first_value_may_have_no_key)
{
    Keyval kv = parsed("user,id=n0", "type");
    cr_expect_str_eq(keyval_take(&kv, "type"), "user");
    cr_expect_str_eq(keyval_take(&kv, "id"), "n0");
    cr_expect_eq((void *)keyval_take(&kv, "nothing"), NULL);
    keyval_free(&kv);
}

Test(keyval, a_word_without_a_value_is_on)
{
    Keyval kv = parsed("file=x,readonly", NULL);
    bool on = false;
    Error *err = NULL;
    cr_expect(keyval_take_bool(&kv, "readonly", &on, &err));
    cr_expect(on);
    keyval_free(&kv);
}

Test(keyval, two_commas_are_one_in_a_value)
{
    Keyval kv = parsed("file=a,,b,,,id=c", NULL);
    cr_expect_str_eq(keyval_take(&kv, "file"), "a,b,");
    cr_expect_str_eq(keyval_take(&kv, "id"), "c");
    keyval_free(&kv);
}

Test(keyval, a_value_may_have_equals_signs)
{
    Keyval kv = parsed("hostfwd=tcp::1-:2=3", NULL);
    cr_expect_str_eq(keyval_take(&kv, "hostfwd"), "tcp::1-:2=3");
    keyval_free(&kv);
}

Test(keyval, the_last_of_several_counts)
{
    Keyval kv = parsed("id=a,id=b", NULL);
    Error *err = NULL;
    static const char *const known[] = { "id", NULL };
    cr_expect_str_eq(keyval_take(&kv, "id"), "b");
    cr_expect(keyval_check_used(&kv, "-x", known, &err));
    keyval_free(&kv);
}

Test(keyval, nothing_is_no_pairs)
{
    static const char *const texts[] = { "", ",", ",," };
    for (size_t i = 0; i < 2; i++) {
        Keyval kv = parsed(texts[i], "type");
        cr_expect_eq(kv.count, 0);
        keyval_free(&kv);
    }
}

Test(keyval, what_nobody_took_is_named)
{
    Keyval kv = parsed("file=x,readony=on", NULL);
    static const char *const known[] = { "file", "readonly", NULL };
    Error *err = NULL;
    keyval_take(&kv, "file");
    cr_assert_not(keyval_check_used(&kv, "-drive", known, &err));
    cr_expect(strstr(error_text(err), "-drive"));
    cr_expect(strstr(error_text(err), "did you mean 'readonly'"));
    error_free(err);
    keyval_free(&kv);
}

Test(keyval, switches)
{
    static const struct {
        const char *text;
        bool good, value;
    } rows[] = {
        { "k=on", true, true },   { "k=yes", true, true }, { "k=TRUE", true, true },
        { "k=off", true, false }, { "k=no", true, false }, { "k=false", true, false },
        { "k=1", false, false },  { "k=", false, false },  { "k=onn", false, false },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Keyval kv = parsed(rows[i].text, NULL);
        bool value = !rows[i].value;
        Error *err = NULL;
        cr_expect(keyval_take_bool(&kv, "k", &value, &err) == rows[i].good, "%s", rows[i].text);
        cr_expect(!rows[i].good || value == rows[i].value, "%s", rows[i].text);
        error_free(err);
        keyval_free(&kv);
    }
}
