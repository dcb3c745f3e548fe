// SPDX-License-Identifier: MIT
//
// -run-with user=,chroot= (and -runas, -chroot): what the process gives up before the guest runs.
#ifndef CLI_CONFINE_H
#define CLI_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>
#include "cli/options.h"
#include "util/error.h"

typedef struct Confinement {
    char *folder; /* the root from then on, or NULL */
    char *user;   /* whose supplementary groups, or NULL */
    bool change;  /* to these: */
    uid_t uid;
    gid_t gid;
} Confinement;

/* The parameters of -run-with, for help; ends with NULL. */
extern const char *const run_with_parameters[];

/* What the options say, checked as far as can be. Free it, even after a failure. */
bool confine_parse(Confinement *c, const Options *o, Error **err) MUST_CHECK;
void confine_free(Confinement *c);

/* For good, in all threads. */
bool confine_enter(const Confinement *c, Error **err) MUST_CHECK;

#endif
