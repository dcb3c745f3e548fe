// SPDX-License-Identifier: MIT
//
// Errors of the host side: a message for the user, made once and handed up to the caller.
//
// A function that can fail takes `Error **err` last and returns false (or NULL) after
// error_set(). `err` may be NULL when the caller does not care for the text. A message is one
// sentence that says what is wrong, then what to do; it has no full stop and no newline.
// Guest mistakes are never Errors (they are exceptions of the guest's architecture), and
// bugs of ours are assertions.
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include <stdbool.h>
#include <stdarg.h>

typedef struct Error Error;

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Store a formatted message in *err (if err is not NULL); *err must be NULL. Returns false, so
 * that `return error_set(err, ...)` reads well. */
bool error_set(Error **err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As error_set(), followed by ": " and the text of `errnum` (an errno value). */
bool error_set_errno(Error **err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "fmt: " in front of the message of *err, if there is one. Returns false. */
bool error_prepend(Error **err, const char *fmt, ...) PRINTF_LIKE(2, 3);

const char *error_text(const Error *err);

/* Frees `err` (which may be NULL). */
void error_free(Error *err);

#endif
