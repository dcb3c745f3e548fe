// SPDX-License-Identifier: MIT
//
// Run control: start, and carry out what guest, user and signals request, until the end.
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/create.h"

/* Returns the exit status of the process. */
int session_run(Session *s, bool start_stopped);

/* True while the CPUs execute. */
bool session_running(const Session *s);

#endif
