// SPDX-License-Identifier: MIT
//
// Run control: start, and carry out what guest, user and signals request, until the end.
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/create.h"

/* *status is the exit status of the process. */
bool session_run(Session *s, bool start_stopped, int *status, Error **err) MUST_CHECK;

#endif
