// SPDX-License-Identifier: MIT
//
// From parsed options to a machine ready to run: backends, board, devices, engine.
#ifndef CLI_CREATE_H
#define CLI_CREATE_H

#include "accel/accel.h"
#include "chardev/chardev.h"
#include "cli/confine.h"
#include "cli/options.h"
#include "cli/sandbox.h"
#include "hw/core/machine.h"
#include "symbols/symbols.h"

/* What main() owns besides the machine. */
typedef struct Session {
    Machine *machine;
    Log *log;
    Accel *accel;
    Symbols *symbols;         /* of the guest; NULL until somebody wants them */
    char *name;               /* -name, or NULL */
    char *machine_accel;      /* -M accel=, or NULL */
    char *memory_backend;     /* -M memory-backend=, or NULL */
    char *ram_path;           /* of that backend, or NULL */
    ChardevHost chardev_host;
    Chardev *monitors[4];     /* the machine's */
    unsigned monitor_count;
    struct QtestServer *qtest;
    SemihostingConfig semihosting; /* the machine's configuration points here */
    Confinement confinement;
    SandboxOptions sandbox;
    bool perfmap, jitdump, one_insn; /* -perfmap and so on: options of the engine */
    bool on_terminal;         /* the escape keys work: tell the user */
    bool build_only;          /* dumpdtb was asked for and is done */
} Session;

/* False with one sentence for the user; whatever was made is in `s` for session_destroy(). */
bool session_create(Session *s, const Options *o, Error **err) MUST_CHECK;
void session_destroy(Session *s);

#endif
