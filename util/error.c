// SPDX-License-Identifier: MIT
//
// Errors of the host side; contract in error.h. Out of memory while making a message falls back
// to a constant text, so that an error is never lost.
#include "util/error.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Error {
    char *text;
};

static void error_store(Error **err, char *text)
{
    if (!err) {
        free(text);
        return;
    }
    assert(!*err);
    *err = calloc(1, sizeof(**err));
    if (*err)
        (*err)->text = text;
    else
        free(text);
}

static char *format_text(const char *fmt, va_list ap)
{
    char *text = NULL;
    return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

bool error_set(Error **err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    error_store(err, format_text(fmt, ap));
    va_end(ap);
    return false;
}

bool error_set_errno(Error **err, int errnum, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = format_text(fmt, ap);
    va_end(ap);
    bool r = error_set(err, "%s: %s", text ? text : "error", strerror(errnum));
    free(text);
    return r;
}

bool error_prepend(Error **err, const char *fmt, ...)
{
    if (!err || !*err)
        return false;
    va_list ap;
    va_start(ap, fmt);
    char *prefix = format_text(fmt, ap), *text = NULL;
    va_end(ap);
    if (prefix && asprintf(&text, "%s: %s", prefix, error_text(*err)) >= 0) {
        free((*err)->text);
        (*err)->text = text;
    }
    free(prefix);
    return false;
}

const char *error_text(const Error *err)
{
    return err && err->text ? err->text : "out of memory";
}

void error_free(Error *err)
{
    if (err)
        free(err->text);
    free(err);
}
