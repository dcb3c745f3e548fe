// SPDX-License-Identifier: MIT
//
// "driver,key=value,flag,..." as option arguments have it. A comma inside a value is written
// twice. The first item may be a bare value, whose key the caller names.
#ifndef UTIL_KEYVAL_H
#define UTIL_KEYVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/error.h"

typedef struct KeyvalPair {
    char *key, *value; /* owned by the list; "flag" alone is flag=on, "noflag" stays as it is */
    bool used;
} KeyvalPair;

typedef struct Keyval {
    KeyvalPair *pairs;
    size_t count;
    char *storage;
} Keyval;

/* `implied` is the key of a first item without '=' (NULL: none, it is a flag). */
bool keyval_parse(Keyval *kv, const char *text, const char *implied, Error **err) MUST_CHECK;
void keyval_free(Keyval *kv);

/* The value, or NULL; marks it used. The last of several wins. */
const char *keyval_take(Keyval *kv, const char *key);
/* Take a switch: on/off/yes/no/true/false. Absent: *value stays. */
bool keyval_take_bool(Keyval *kv, const char *key, bool *value, Error **err) MUST_CHECK;
/* An Error naming the first pair that nobody took, with a did-you-mean among `known` (ends with
 * NULL). `what` names the option for the message: "-drive". */
bool keyval_check_used(const Keyval *kv, const char *what, const char *const *known,
                       Error **err) MUST_CHECK;

/* on, yes, true, y; off, no, false, n. False: something else. */
bool parse_switch(const char *text, bool *value);
/* "512", "512M", "4G", "1.5G": bytes; plain numbers count in `unit` bytes. */
bool parse_size(const char *text, uint64_t unit, uint64_t *bytes);

#endif
