// SPDX-License-Identifier: MIT
//
// The table of command-line options and its parser. Names and meanings are those that users of
// system emulators know; one or two dashes are the same.
#include "cli/options.h"

#include <string.h>
#include "util/suggest.h"

#define TEXT(field) offsetof(Options, field), OPTION_TEXT
#define LIST(field) offsetof(Options, field), OPTION_LIST
#define FLAG(field) offsetof(Options, field), OPTION_FLAG

const OptionRow option_rows[] = {
    { "M", "BOARD[,PROPERTY=VALUE...]", "the board; '-M help' lists them", TEXT(machine) },
    { "machine", "BOARD[,...]", "the same as -M", TEXT(machine) },
    { "accel", "ENGINE[,OPTION=VALUE...]", "the engine; '-accel help' lists them", TEXT(accel) },
    { "cpu", "MODEL[,FEATURE=on|off...]", "the CPU model; '-cpu help' lists them", TEXT(cpu) },
    { "smp", "[cpus=]N[,sockets=,clusters=,cores=,threads=]", "number of CPUs", TEXT(smp) },
    { "m", "SIZE[M|G]", "guest memory, in MiB unless a suffix says otherwise", TEXT(memory) },
    { "kernel", "FILE", "start this kernel (Image, Image.gz, ELF)", TEXT(kernel) },
    { "initrd", "FILE", "initial RAM disk for the kernel", TEXT(initrd) },
    { "append", "TEXT", "the kernel's command line", TEXT(append) },
    { "dtb", "FILE", "use this device tree instead of the board's own", TEXT(dtb) },
    { "bios", "FILE", "firmware image", TEXT(firmware) },
    { "drive", "file=FILE,format=raw,if=virtio|none[,id=,readonly=on]", "a disk", LIST(drives) },
    { "device", "MODEL[,PROPERTY=VALUE...]", "add a device; '-device help' lists them",
      LIST(devices) },
    { "netdev", "user,id=ID[,hostfwd=tcp::PORT-:PORT...]", "a network for -device", LIST(netdevs) },
    { "nic", "user[,hostfwd=...][,model=,mac=]|none", "a network with its device", LIST(nics) },
    { "serial", "stdio|file:F|unix:F|pty|null|mon:stdio|none", "where a serial line goes",
      LIST(serials) },
    { "monitor", "stdio|unix:F|none", "where the monitor goes", TEXT(monitor) },
    { "nographic", NULL, "serial line and monitor share this terminal (Ctrl-A h for help)",
      FLAG(nographic) },
    { "display", "none", "there is no display; accepted for scripts", 0, OPTION_SPECIAL },
    { "no-reboot", NULL, "end instead of rebooting", FLAG(no_reboot) },
    { "name", "TEXT", "a name for this guest", TEXT(name) },
    { "rtc", "base=utc|localtime|DATE", "the clock that the guest finds", TEXT(rtc) },
    { "S", NULL, "do not start the CPUs; 'cont' in the monitor does", FLAG(stopped) },
    { "d", "ITEM[,ITEM...]", "log; '-d help' lists the items", TEXT(log_items) },
    { "D", "FILE", "log to this file instead of standard error", TEXT(log_file) },
    { "dfilter", "START+LENGTH,...", "log only code at these guest addresses", TEXT(log_filter) },
    { "pidfile", "FILE", "write the process id there", TEXT(pidfile) },
    { "nodefaults", NULL, "accepted for scripts: there are no default devices to leave out",
      0, OPTION_SPECIAL },
    { "no-user-config", NULL, "accepted for scripts: there are no configuration files",
      0, OPTION_SPECIAL },
    { "version", NULL, "print the version", FLAG(version) },
    { "help", NULL, "print this help", FLAG(help) },
    { "h", NULL, "print this help", FLAG(help) },
    { NULL, NULL, NULL, 0, OPTION_SPECIAL },
};

static const OptionRow *find_row(const char *name)
{
    for (const OptionRow *r = option_rows; r->name; r++)
        if (!strcmp(r->name, name))
            return r;
    return NULL;
}

static bool unknown_option(const char *arg, const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (const OptionRow *r = option_rows; r->name; r++)
        suggest_offer(&s, r->name);
    if (s.best)
        return error_set(err, "unknown option '%s'; did you mean '-%s'? ('-help' lists them)", arg,
                         s.best);
    return error_set(err, "unknown option '%s' ('-help' lists them)", arg);
}

static bool store(Options *o, const OptionRow *r, const char *value, Error **err)
{
    char *field = (char *)o + r->offset;
    if (r->kind == OPTION_TEXT) {
        *(const char **)field = value;
    } else if (r->kind == OPTION_FLAG) {
        *(bool *)field = true;
    } else if (r->kind == OPTION_LIST) {
        OptionList *list = (OptionList *)field;
        if (list->count == MAX_REPEATED)
            return error_set(err, "more than %d times '-%s'", MAX_REPEATED, r->name);
        list->text[list->count++] = value;
    }
    return true;
}

bool options_parse(Options *o, int argc, char **argv, Error **err)
{
    *o = (Options){ 0 };
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (*name != '-' || !name[1])
            return error_set(err, "'%s' is not an option; a disk is given as "
                             "'-drive file=%s,format=raw,if=virtio'", name, name);
        name += name[1] == '-' ? 2 : 1;
        const OptionRow *r = find_row(name);
        if (!r)
            return unknown_option(argv[i], name, err);
        const char *value = NULL;
        if (r->argument) {
            if (++i == argc)
                return error_set(err, "option '-%s' needs an argument: -%s %s", r->name, r->name,
                                 r->argument);
            value = argv[i];
        }
        if (!store(o, r, value, err))
            return false;
    }
    return true;
}
