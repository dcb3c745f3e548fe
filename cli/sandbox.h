// SPDX-License-Identifier: MIT
//
// -sandbox: a seccomp filter over the system calls of the whole process, all threads, for good. What
// the emulator needs while a guest runs is listed; everything else fails with ENOSYS, and what only
// an intruder would try ends the process (docs/threat-model.md).
#ifndef CLI_SANDBOX_H
#define CLI_SANDBOX_H

#include <stdbool.h>
#include "util/error.h"

typedef enum SandboxGroup {
    SANDBOX_OBSOLETE,
    SANDBOX_ELEVATE, /* change user and group */
    SANDBOX_SPAWN,   /* other processes and programs */
    SANDBOX_RESOURCES,
    SANDBOX_GROUPS
} SandboxGroup;

typedef struct SandboxOptions {
    bool on;
    bool allow[SANDBOX_GROUPS];
} SandboxOptions;

/* The parameters of -sandbox, for help; ends with NULL. */
extern const char *const sandbox_parameters[];

/* "on[,obsolete=allow|deny][,elevateprivileges=allow|deny|children][,spawn=][,resourcecontrol=]";
 * all are denied unless allowed. `text` may be NULL: off. */
bool sandbox_parse(const char *text, SandboxOptions *o, Error **err) MUST_CHECK;

/* From now on. `shares`: the guest is shown files of the host (fsdev/, semihosting),
 * whose calls are many. */
bool sandbox_enter(const SandboxOptions *o, bool shares, Error **err) MUST_CHECK;

#endif
