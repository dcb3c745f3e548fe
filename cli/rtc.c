// SPDX-License-Identifier: MIT
//
// -rtc: contract in rtc.h. The guest's clock always runs; only its start is chosen.
#include "cli/rtc.h"

#include <string.h>
#include <time.h>
#include "util/keyval.h"

const char *const rtc_parameters[] = { "base", "clock", "driftfix", NULL };

static bool parse_date(const char *text, time_t *when)
{
    static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d" };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, formats[i], &tm);
        if (end && !*end) {
            *when = timegm(&tm);
            return true;
        }
    }
    return false;
}

/* A parameter of which only what happens anyway is supported. */
static bool check_fixed(Keyval *kv, const char *name, const char *only, Error **err)
{
    const char *value = keyval_take(kv, name);
    return !value || !strcmp(value, only) ||
           error_set(err, "-rtc %s=%s is not supported; use %s=%s or leave it out", name, value,
                     name, only);
}

bool rtc_parse(const char *text, int64_t *offset_seconds, Error **err)
{
    Keyval kv;
    time_t now = time(NULL), when = now;
    if (!keyval_parse(&kv, text, "base", err))
        return false;
    const char *base = keyval_take(&kv, "base");
    bool ok = check_fixed(&kv, "clock", "host", err) && check_fixed(&kv, "driftfix", "none", err) &&
              keyval_check_used(&kv, "-rtc", rtc_parameters, err);
    *offset_seconds = 0;
    if (ok && base && !strcmp(base, "localtime")) {
        struct tm tm;
        localtime_r(&now, &tm);
        *offset_seconds = tm.tm_gmtoff;
    } else if (ok && base && strcmp(base, "utc")) {
        ok = parse_date(base, &when) ||
             error_set(err, "-rtc base=%s is no date; write utc, localtime or "
                       "2006-06-17T16:01:21", base);
        if (ok)
            *offset_seconds = when - now;
    }
    keyval_free(&kv);
    return ok;
}
