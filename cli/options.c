// SPDX-License-Identifier: MIT
//
// The table of command-line options and its parser. Names and meanings are those that users of
// system emulators know; one or two dashes are the same.
#include "cli/options.h"

#include <string.h>
#include "util/bitops.h"
#include "util/suggest.h"

#define TEXT(field) offsetof(Options, field), OPTION_TEXT
#define LIST(field) offsetof(Options, field), OPTION_LIST
#define FLAG(field) offsetof(Options, field), OPTION_FLAG

const OptionRow option_rows[] = {
    { "M", "BOARD[,PROPERTY=VALUE...]", "the board; '-M help' lists them", LIST(machines) },
    { "machine", "BOARD[,...]", "the same as -M; accel=A:B chooses engines", LIST(machines) },
    { "accel", "ENGINE[,OPTION=VALUE...]", "the engine; given twice, the first that works",
      LIST(accels) },
    { "cpu", "MODEL[,FEATURE=on|off...]", "the CPU model; '-cpu help' lists them", TEXT(cpu) },
    { "smp", "[cpus=]N[,maxcpus=,sockets=,clusters=,cores=,threads=]", "number of CPUs", TEXT(smp) },
    { "m", "[size=]SIZE[M|G]", "guest memory, in MiB unless a suffix says otherwise",
      TEXT(memory) },
    { "mem-path", "FILE|FOLDER", "keep guest memory in this file, or an unnamed one there",
      TEXT(mem_path) },
    { "mem-prealloc", NULL, "take all guest memory from the host at the start",
      FLAG(mem_prealloc) },
    { "object", "memory-backend-ram|file|memfd,id=ID,size=SIZE[,...]",
      "guest memory for -M memory-backend=ID", LIST(objects) },
    { "kernel", "FILE", "start this kernel (Image, Image.gz, ELF)", TEXT(kernel) },
    { "initrd", "FILE", "initial RAM disk for the kernel", TEXT(initrd) },
    { "append", "TEXT", "the kernel's command line", TEXT(append) },
    { "dtb", "FILE", "use this device tree instead of the board's own", TEXT(dtb) },
    { "bios", "FILE", "firmware image", TEXT(firmware) },
    { "drive", "file=FILE,format=raw,if=virtio|none[,id=,readonly=on,cache=writeback|none|unsafe,"
      "discard=unmap]", "a disk", LIST(drives) },
    { "hda", "FILE", "the first disk: -drive file=FILE,if=virtio", TEXT(hard_disks[0]) },
    { "hdb", "FILE", "the second disk", TEXT(hard_disks[1]) },
    { "hdc", "FILE", "the third disk", TEXT(hard_disks[2]) },
    { "hdd", "FILE", "the fourth disk", TEXT(hard_disks[3]) },
    { "cdrom", "FILE", "a read-only disk", TEXT(cdrom) },
    { "snapshot", NULL, "keep what is written to disks in memory only", FLAG(snapshot) },
    { "device", "MODEL[,PROPERTY=VALUE...]", "add a device; '-device help' lists them",
      LIST(devices) },
    { "netdev", "user,id=ID[,hostfwd=tcp::PORT-:PORT...]", "a network for -device", LIST(netdevs) },
    { "nic", "user[,hostfwd=...][,model=,mac=]|none", "a network with its device", LIST(nics) },
    { "virtfs", "local,path=FOLDER,mount_tag=TAG,security_model=MODEL[,readonly=on]",
      "share a folder; '-virtfs help' lists the models", LIST(virtfs) },
    { "fsdev", "local,id=ID,path=FOLDER,security_model=MODEL[,...]",
      "the same for -device virtio-9p-device,fsdev=ID,mount_tag=TAG", LIST(fsdevs) },
    { "chardev", "KIND,id=ID[,mux=on][,logfile=FILE][,OPTION=VALUE...]",
      "a character device; '-chardev help' lists the kinds", LIST(chardevs) },
    { "serial", "stdio|file:F|unix:F[,server=on,wait=off]|pty|null|mon:stdio|chardev:ID|none",
      "where a serial line goes; '-serial help' lists more", LIST(serials) },
    { "monitor", "stdio|unix:F[,server=on,wait=off]|pty|chardev:ID|none", "where the monitor goes",
      LIST(monitors) },
    { "mon", "[chardev=]ID[,mode=readline]", "a monitor on a character device", LIST(mons) },
    { "nographic", NULL, "serial line and monitor share this terminal (Ctrl-A h for help)",
      FLAG(nographic) },
    { "display", "none", "there is no display; accepted for scripts", TEXT(display) },
    { "vga", "none", "there is no display; accepted for scripts", TEXT(vga) },
    { "no-reboot", NULL, "end instead of rebooting", FLAG(no_reboot) },
    { "name", "TEXT[,process=NAME]", "a name for this guest", TEXT(name) },
    { "rtc", "[base=]utc|localtime|DATE", "the clock that the guest finds", TEXT(rtc) },
    { "S", NULL, "do not start the CPUs; 'cont' in the monitor does", FLAG(stopped) },
    { "gdb", "tcp::PORT|tcp:HOST:PORT|unix:PATH", "wait there for a debugger", TEXT(gdb) },
    { "s", NULL, "the same as -gdb tcp::1234", FLAG(gdb_default) },
    { "qtest", "unix:F[,server=on,wait=off]|stdio|...", "drive devices by the qtest protocol",
      TEXT(qtest) },
    { "qtest-log", "FILE|none", "where its log goes (standard error)", TEXT(qtest_log) },
    { "semihosting", NULL, "the guest's HLT #0xF000 asks services of this host",
      FLAG(semihosting) },
    { "semihosting-config", "[enable=on][,root=FOLDER][,chardev=ID][,userspace=on][,arg=TEXT...]",
      "the same; 'root' is the only folder that it reaches", TEXT(semihosting_config) },
    { "sandbox", "on[,obsolete=,elevateprivileges=,spawn=,resourcecontrol=allow|deny]",
      "forbid system calls that a running guest does not need", TEXT(sandbox) },
    { "run-with", "[user=NAME|UID:GID][,chroot=FOLDER]",
      "give up root's rights, and all other folders, before the guest runs", TEXT(run_with) },
    { "chroot", "FOLDER", "the same as -run-with chroot=FOLDER", TEXT(chroot) },
    { "runas", "NAME|UID:GID", "the same as -run-with user=NAME", TEXT(runas) },
    { "d", "ITEM[,ITEM...]", "log; '-d help' lists the items", TEXT(log_items) },
    { "D", "FILE", "log to this file instead of standard error", TEXT(log_file) },
    { "dfilter", "START+LENGTH,...", "log only code at these guest addresses", TEXT(log_filter) },
    { "kernel-symbols", "FILE", "names for logs and 'info jit': a System.map or a vmlinux",
      TEXT(kernel_symbols) },
    { "one-insn-per-tb", NULL, "translate one instruction at a time, for traces", FLAG(one_insn) },
    { "singlestep", NULL, "the same by its old name", FLAG(one_insn) },
    { "perfmap", NULL, "name translated code for perf, in /tmp/perf-PID.map", FLAG(perfmap) },
    { "jitdump", NULL, "the same in ./jit-PID.dump, for 'perf inject -j'", FLAG(jitdump) },
    { "pidfile", "FILE", "write the process id there", TEXT(pidfile) },
    { "nodefaults", NULL, "neither serial line nor network but those that are asked for",
      FLAG(nodefaults) },
    { "no-user-config", NULL, "accepted for scripts: there are no configuration files",
      FLAG(ignored) },
    { "version", NULL, "print the version", FLAG(version) },
    { "help", NULL, "print this help", FLAG(help) },
    { "h", NULL, "print this help", FLAG(help) },
    { NULL, NULL, NULL, 0, OPTION_FLAG },
};

#define NO_QMP "the monitor is -monitor stdio or -monitor unix:PATH,server=on,wait=off"
#define NO_DISPLAY "there is no display; use -nographic"
#define NO_KVM "there is no KVM engine yet; leave it out"
#define NO_BIOS "there is no firmware yet; start a kernel with -kernel"
#define NO_SNAPSHOT "guests cannot be saved and loaded yet"
#define NO_BACKEND "give disks with -drive, networks with -netdev or -nic"
#define NO_USB "the board has no USB"
#define NO_HELP NULL

/* Options of QEMU's that are not here: a better answer than a guess. */
static const struct {
    const char *name, *instead;
} absent_options[] = {
    { "qmp", NO_QMP }, { "qmp-pretty", NO_QMP },
    { "vnc", NO_DISPLAY }, { "spice", NO_DISPLAY }, { "sdl", NO_DISPLAY }, { "curses", NO_DISPLAY },
    { "full-screen", NO_DISPLAY }, { "enable-kvm", NO_KVM },
    { "net", "use -nic user, or -netdev user,id=n0 -device virtio-net-device,netdev=n0" },
    { "boot", NO_BIOS }, { "pflash", NO_BIOS }, { "loadvm", NO_SNAPSHOT },
    { "incoming", NO_SNAPSHOT }, { "blockdev", NO_BACKEND },
    { "usb", NO_USB }, { "usbdevice", NO_USB }, { "no-shutdown", NO_HELP },
    { "daemonize", "start it in the background, with -serial and -monitor on sockets" },
    { "sd", "use -drive" },
    { "mtdblock", "use -drive" }, { "fda", "use -drive" }, { "fdb", "use -drive" },
    { "global", NO_HELP }, { "set", NO_HELP }, { "readconfig", NO_HELP }, { "icount", NO_HELP },
    { "plugin", NO_HELP }, { "trace", "use -d" },
    { "tpmdev", NO_HELP }, { "smbios", NO_HELP },
    { "acpitable", NO_HELP }, { "fw_cfg", NO_HELP }, { "uuid", NO_HELP }, { "numa", NO_HELP },
    { "k", NO_HELP }, { "L", NO_HELP }, { "parallel", NO_HELP }, { "watchdog", NO_HELP },
    { "action", NO_HELP }, { "msg", NO_HELP },
    { "overcommit", NO_HELP }, { "add-fd", NO_HELP },
    { "audio", NO_HELP }, { "audiodev", NO_HELP }, { "no-acpi", "there are no ACPI tables" },
    { "preconfig", NO_HELP }, { "compat", NO_HELP },
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
    for (size_t i = 0; i < ARRAY_SIZE(absent_options); i++) {
        const char *instead = absent_options[i].instead;
        if (!strcmp(absent_options[i].name, name))
            return error_set(err, "option '%s' of QEMU is not supported; %s", arg,
                             instead ? instead : "leave it out");
    }
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
    } else {
        OptionList *list = (OptionList *)field;
        if (list->count == MAX_REPEATED)
            return error_set(err, "more than %d times '-%s'; leave some out", MAX_REPEATED,
                             r->name);
        list->text[list->count++] = value;
    }
    return true;
}

bool options_parse(Options *o, int argc, char **argv, Error **err)
{
    *o = (Options){ 0 };
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (!*name)
            return error_set(err, "argument %d is empty; leave it out", i);
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
