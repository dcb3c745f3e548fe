// SPDX-License-Identifier: MIT
//
// -rtc: which time the guest's clock starts from.
#ifndef CLI_RTC_H
#define CLI_RTC_H

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

/* The parameters of -rtc, for help; ends with NULL. */
extern const char *const rtc_parameters[];

/* "base=utc|localtime|2006-06-17T16:01:21|2006-06-17[,clock=...]": guest minus host, seconds. */
bool rtc_parse(const char *text, int64_t *offset_seconds, Error **err) MUST_CHECK;

#endif
