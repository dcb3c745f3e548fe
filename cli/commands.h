// SPDX-License-Identifier: MIT
//
// The monitor's commands on a session.
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/create.h"
#include "monitor/monitor.h"

/* What the commands work on. */
typedef struct CommandContext {
    Session *session;
    const bool *running;
    uint32_t cpu; /* which one x and $registers look at */
} CommandContext;

/* Ends with name NULL; their opaque is a CommandContext. */
extern const MonitorCommand monitor_commands[];

#endif
