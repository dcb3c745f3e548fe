// SPDX-License-Identifier: MIT
//
// What the machine as a whole is doing, and who asked for a change. Requests may come from any
// thread (a vCPU's PSCI call, the monitor, a signal); the main loop carries them out in
// cli/run.c: it pauses all vCPUs, acts, and resumes or ends.
#ifndef SOFTMMU_RUNSTATE_H
#define SOFTMMU_RUNSTATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include "softmmu/mainloop.h"

typedef enum RunRequest {
    RUN_REQUEST_SHUTDOWN = 1 << 0, /* the guest switched itself off */
    RUN_REQUEST_RESET = 1 << 1,
    RUN_REQUEST_QUIT = 1 << 2,     /* the user wants the emulator to end */
    RUN_REQUEST_STOP = 1 << 3,
    RUN_REQUEST_CONT = 1 << 4,
    RUN_REQUEST_POWERDOWN = 1 << 5, /* press the power button */
} RunRequest;

typedef struct RunState {
    MainLoop *loop;
    atomic_uint requests;
    atomic_int exit_status;           /* of the process, for RUN_REQUEST_QUIT/SHUTDOWN */
    void (*serve)(void *opaque);      /* posted to the loop when a request comes */
    void *opaque;
} RunState;

static inline void runstate_request(RunState *rs, RunRequest request)
{
    atomic_fetch_or(&rs->requests, request);
    if (rs->serve)
        mainloop_post(rs->loop, rs->serve, rs->opaque);
}

#endif
