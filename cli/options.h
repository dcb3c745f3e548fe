// SPDX-License-Identifier: MIT
//
// The command line, parsed into plain data. Nothing is opened or built here.
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/error.h"

#define MAX_REPEATED 64
#define MAX_HARD_DISKS 4

/* Arguments of an option that may be given several times, in order. */
typedef struct OptionList {
    const char *text[MAX_REPEATED];
    unsigned count;
} OptionList;

typedef struct Options {
    const char *cpu, *smp, *memory;
    const char *kernel, *initrd, *append, *dtb, *firmware;
    const char *mem_path, *name, *rtc, *pidfile, *display, *vga, *gdb;
    const char *qtest, *qtest_log, *semihosting_config;
    const char *sandbox, *run_with, *chroot, *runas;
    const char *kernel_symbols, *log_items, *log_file, *log_filter;
    const char *hard_disks[MAX_HARD_DISKS], *cdrom; /* -hda and the like: files */
    OptionList machines, accels, drives, devices, netdevs, nics, serials, monitors,
               chardevs, mons, objects, fsdevs, virtfs;
    bool mem_prealloc, nographic, no_reboot, stopped, gdb_default, snapshot, nodefaults, ignored,
         help, version;
    bool perfmap, jitdump, one_insn, semihosting;
} Options;

typedef struct OptionRow {
    const char *name;     /* without the dash */
    const char *argument; /* for the help text; NULL: takes none */
    const char *help;
    size_t offset;        /* in Options */
    enum { OPTION_TEXT, OPTION_LIST, OPTION_FLAG } kind;
} OptionRow;

/* Ends with name NULL. */
extern const OptionRow option_rows[];

/* Strings in `o` are those of argv. */
bool options_parse(Options *o, int argc, char **argv, Error **err) MUST_CHECK;

#endif
