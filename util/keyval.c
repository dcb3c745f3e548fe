// SPDX-License-Identifier: MIT
//
// Option arguments of the form "driver,key=value,..."; contract in keyval.h.
#include "util/keyval.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "util/suggest.h"

/* Copy one item up to an unescaped comma; returns what follows it, or NULL at the end. */
static const char *next_item(const char *p, char **out)
{
    for (; *p; p++) {
        if (*p == ',' && p[1] != ',')
            break;
        p += *p == ',';
        *(*out)++ = *p;
    }
    *(*out)++ = '\0';
    return *p ? p + 1 : NULL;
}

static bool add_pair(Keyval *kv, char *item, const char *implied, Error **err)
{
    KeyvalPair *grown = realloc(kv->pairs, (kv->count + 1) * sizeof(*grown));
    if (!grown)
        return error_set(err, "out of memory for options");
    kv->pairs = grown;
    char *eq = strchr(item, '=');
    KeyvalPair p = { .key = item, .value = (char *)"on" };
    if (eq) {
        *eq = '\0';
        p.value = eq + 1;
    } else if (implied && kv->count == 0) {
        p.key = (char *)implied;
        p.value = item;
    }
    kv->pairs[kv->count++] = p;
    return true;
}

bool keyval_parse(Keyval *kv, const char *text, const char *implied, Error **err)
{
    *kv = (Keyval){ 0 };
    kv->storage = malloc(strlen(text) + 2);
    if (!kv->storage)
        return error_set(err, "out of memory for options");
    char *out = kv->storage;
    for (const char *p = text; p && *p;) {
        char *item = out;
        p = next_item(p, &out);
        if (*item && !add_pair(kv, item, implied, err)) {
            keyval_free(kv);
            return false;
        }
    }
    return true;
}

void keyval_free(Keyval *kv)
{
    free(kv->pairs);
    free(kv->storage);
    *kv = (Keyval){ 0 };
}

const char *keyval_take(Keyval *kv, const char *key)
{
    const char *value = NULL;
    for (size_t i = 0; i < kv->count; i++) {
        if (!strcmp(kv->pairs[i].key, key)) {
            kv->pairs[i].used = true;
            value = kv->pairs[i].value;
        }
    }
    return value;
}

bool parse_switch(const char *text, bool *value)
{
    static const char *const words[2][4] = { { "off", "no", "false", "n" },
                                             { "on", "yes", "true", "y" } };
    for (int i = 0; i < 8; i++) {
        if (!strcasecmp(text, words[i & 1][i / 2])) {
            *value = i & 1;
            return true;
        }
    }
    return false;
}

bool keyval_take_bool(Keyval *kv, const char *key, bool *value, Error **err)
{
    const char *text = keyval_take(kv, key);
    if (!text || parse_switch(text, value))
        return true;
    return error_set(err, "'%s=%s' is neither 'on' nor 'off'", key, text);
}

bool keyval_check_used(const Keyval *kv, const char *what, const char *const *known, Error **err)
{
    for (size_t i = 0; i < kv->count; i++) {
        if (kv->pairs[i].used)
            continue;
        Suggest s = suggest_start(kv->pairs[i].key);
        for (const char *const *k = known; *k; k++)
            suggest_offer(&s, *k);
        return error_set(err, "%s has no parameter '%s'%s", what, kv->pairs[i].key,
                         suggest_text(&s));
    }
    return true;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *bytes)
{
    static const char suffixes[] = "BKMGTPE";
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    double number = strtod(text, &end);
    double scale = (double)unit;
    if (*end) {
        const char *s = strchr(suffixes, toupper((unsigned char)*end));
        if (!s || end[1])
            return false;
        scale = ldexp(1.0, 10 * (int)(s - suffixes));
    }
    double value = number * scale;
    if (!(value >= 0) || value >= 0x1p63)
        return false;
    *bytes = (uint64_t)value;
    return true;
}
