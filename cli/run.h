// SPDX-License-Identifier: MIT
//
// Run control: start, and carry out what guest, user and signals request, until the end.
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/create.h"

/* From now on the main loop reads the signals that end the program: before the CPUs' threads are
 * made, because threads inherit the mask (those of devices have all signals masked anyway). Until
 * then they end it by themselves. */
void session_block_signals(void);

/* *status is the exit status of the process. */
bool session_run(Session *s, const Options *o, int *status, Error **err) MUST_CHECK;

#endif
