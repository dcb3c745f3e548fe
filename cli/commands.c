// SPDX-License-Identifier: MIT
//
// The monitor's commands: their table, run control and the log. Looking into the guest's memory is
// in examine.c, the tables that `info` prints in info.c.
#include "cli/commands_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "hw/virtio/virtio_balloon.h"
#include "util/bitops.h"
#include "util/keyval.h"

void command_failed(Error *err, FILE *out)
{
    fprintf(out, "%s\n", error_text(err));
    error_free(err);
}

/* ---- run control ------------------------------------------------------------------------ */

/* Carried out before the next command is read: commands are on the main loop's thread already. */
static void request(void *opaque, RunRequest r)
{
    RunState *run = &command_machine(opaque)->run;
    runstate_request(run, r);
    run->serve(run->opaque);
}

static void cmd_quit(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_QUIT);
}

static void cmd_stop(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_STOP);
}

static void cmd_cont(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_CONT);
}

static void cmd_reset(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_RESET);
}

static void cmd_powerdown(void *opaque, const char *args, FILE *out)
{
    request(opaque, RUN_REQUEST_POWERDOWN);
}

static void cmd_cpu(void *opaque, const char *args, FILE *out)
{
    CommandContext *c = opaque;
    uint32_t count = command_machine(c)->cpu_count;
    char *end;
    unsigned long n = strtoul(args, &end, 10);
    if (end == args || *end || n >= count)
        fprintf(out, "'%s' is no CPU; write a number from 0 to %" PRIu32 "\n", args, count - 1);
    else
        c->cpu = (uint32_t)n;
}

/* ---- the log ---------------------------------------------------------------------------- */

static void cmd_log(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    Accel *a = c->session->accel;
    Error *err = NULL;
    if (!*args || !strcmp(args, "help") || !strcmp(args, "?")) {
        log_print_items(out);
    } else if (!log_replace(c->session->log, args, &err)) {
        command_failed(err, out);
    } else if (a->log_changed) {
        look_begin(c);
        a->log_changed(a);
        look_end(c);
    }
}

static void cmd_logfile(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    Error *err = NULL;
    if (!*args)
        fprintf(out, "logfile needs the name of a file\n");
    else if (!log_open(c->session->log, args, &err))
        command_failed(err, out);
}

/* ---- balloon ---------------------------------------------------------------------------- */

static VirtioBalloon *find_balloon(void *opaque, FILE *out)
{
    Device *d = command_machine(opaque)->devices;
    while (d && d->type != &virtio_balloon_type)
        d = d->next;
    if (!d)
        fprintf(out, "this machine has no balloon; give it -device %s\n", virtio_balloon_type.name);
    return (VirtioBalloon *)d;
}

static void cmd_balloon(void *opaque, const char *args, FILE *out)
{
    uint64_t bytes;
    VirtioBalloon *b = find_balloon(opaque, out);
    if (!b)
        return;
    if (parse_size(args, UINT64_C(1) << 20, &bytes))
        virtio_balloon_set_target(b, bytes);
    else
        fprintf(out, "'%s' is not a size; write MiB as in 'balloon 512'\n", args);
}

static void cmd_info_balloon(void *opaque, const char *args, FILE *out)
{
    VirtioBalloon *b = find_balloon(opaque, out);
    if (b)
        virtio_balloon_print(b, out);
}

/* ---- ring buffers ----------------------------------------------------------------------- */

/* The character device that begins `args`, of which the rest is left. */
static Chardev *take_chardev(void *opaque, const char **args, FILE *out)
{
    char id[64];
    Error *err = NULL;
    size_t len = strcspn(*args, " ");
    snprintf(id, sizeof(id), "%.*s", (int)len, *args);
    *args += len + strspn(*args + len, " ");
    Chardev *chr = machine_find_chardev(command_machine(opaque), id, &err);
    if (!chr)
        fprintf(out, "%s\n", error_text(err));
    error_free(err);
    return chr;
}

static void cmd_ringbuf_write(void *opaque, const char *args, FILE *out)
{
    Chardev *chr = take_chardev(opaque, &args, out);
    if (chr)
        chardev_write(chr, args, strlen(args));
}

static void put_visible(const uint8_t *buf, size_t len, FILE *out)
{
    for (size_t i = 0; i < len; i++) {
        if (buf[i] == '\\')
            fputs("\\\\", out);
        else if ((buf[i] < ' ' && buf[i] != '\n') || buf[i] == 0x7f)
            fprintf(out, "\\u%04X", buf[i]);
        else
            fputc(buf[i], out);
    }
    fputc('\n', out);
}

static void cmd_ringbuf_read(void *opaque, const char *args, FILE *out)
{
    uint8_t buf[65536];
    uint64_t size;
    Error *err = NULL;
    Chardev *chr = take_chardev(opaque, &args, out);
    if (!chr)
        return;
    if (!parse_size(args, 1, &size)) {
        fprintf(out, "'%s' is not a size; write ringbuf_read ID BYTES\n", args);
        return;
    }
    size_t n = chardev_ringbuf_read(chr, buf, MIN(size, sizeof(buf)), &err);
    if (err)
        fprintf(out, "%s\n", error_text(err));
    else
        put_visible(buf, n, out);
    error_free(err);
}

/* ---- the profile ------------------------------------------------------------------------ */

static void cmd_profile(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    Accel *a = c->session->accel;
    Error *err = NULL;
    bool on = !strcmp(args, "on");
    if (!on && strcmp(args, "off")) {
        fprintf(out, "write 'profile on' or 'profile off'; 'info jit' prints it\n");
        return;
    }
    look_begin(c);
    bool ok = a->set_profile ? a->set_profile(a, on, &err)
                             : error_set(&err, "engine '%s' has no profile", a->type->name);
    look_end(c);
    if (!ok)
        command_failed(err, out);
}

/* ---- the table -------------------------------------------------------------------------- */

/* The monitor itself keeps and prints it. */
static void cmd_info_history(void *opaque, const char *args, FILE *out)
{
    fprintf(out, "lines are remembered where they are typed\n");
}

#define FORMAT "/COUNT[xduoci][bhwg] ADDRESS"
#define NO_PLUGGING "give devices on the command line, with -device, -drive or -netdev"
#define NO_SNAPSHOT "guests cannot be saved and loaded yet"
#define NO_DISPLAY "there is no display, keyboard or mouse; use the serial line"

const MonitorCommand monitor_commands[] = {
    { "quit", "q", "", "end the emulator", cmd_quit },
    { "stop", "s", "", "stop the CPUs", cmd_stop },
    { "cont", "c", "", "let the CPUs run", cmd_cont },
    { "system_reset", NULL, "", "reset the machine", cmd_reset },
    { "system_powerdown", NULL, "", "press the power button", cmd_powerdown },
    { "cpu", NULL, "NUMBER", "choose the CPU that x, print and $registers look at", cmd_cpu },
    { "x", NULL, FORMAT, "memory at a virtual address: x/10i $pc", cmd_x },
    { "xp", NULL, FORMAT, "memory at a physical address", cmd_xp },
    { "print", "p", "/[xduoc] EXPRESSION", "calculate: p/x $sp + 16", cmd_print },
    { "gva2gpa", NULL, "ADDRESS", "the physical address of a virtual one", cmd_gva2gpa },
    { "gpa2hva", NULL, "ADDRESS", "where memory at a physical address is in this process",
      cmd_gpa2hva },
    { "sum", NULL, "ADDRESS BYTES", "the 16-bit BSD checksum of physical memory", cmd_sum },
    { "memsave", NULL, "ADDRESS BYTES FILE", "write virtual memory to a file", cmd_memsave },
    { "pmemsave", NULL, "ADDRESS BYTES FILE", "write physical memory to a file", cmd_pmemsave },
    { "dump-guest-memory", NULL, "FILE", "write memory and CPUs to an ELF core file",
      cmd_dump_guest_memory },
    { "balloon", NULL, "MIB", "leave the guest that much memory, if it has a balloon",
      cmd_balloon },
    { "ringbuf_read", NULL, "ID BYTES", "take what was written to a -chardev ringbuf",
      cmd_ringbuf_read },
    { "ringbuf_write", NULL, "ID TEXT", "write to a -chardev ringbuf", cmd_ringbuf_write },
    { "log", NULL, "ITEM[,ITEM...]|none", "log these items from now on; 'log help' lists them",
      cmd_log },
    { "profile", NULL, "on|off", "find out which guest code takes the time, for 'info jit'",
      cmd_profile },
    { "logfile", NULL, "FILE", "log to this file from now on", cmd_logfile },
    { "info balloon", NULL, "", "what memory the guest has", cmd_info_balloon },
    { "info block", NULL, "", "the disks and who uses them", cmd_info_block },
    { "info chardev", NULL, "", "the character devices of the host", cmd_info_chardev },
    { "info cpus", NULL, "", "where each CPU is", cmd_info_cpus },
    { "info history", NULL, "", "the lines typed before", cmd_info_history },
    { "info irq", NULL, "", "interrupts that are enabled, pending or active", cmd_info_irq },
    { "info jit", NULL, "", "what the translator did", cmd_info_jit },
    { "info mtree", NULL, "[-f]", "the map of physical memory (-f: flattened)", cmd_info_mtree },
    { "info name", NULL, "", "the name of this guest", cmd_info_name },
    { "info network", NULL, "", "the networks and who uses them", cmd_info_network },
    { "info pic", NULL, "", "the same as info irq", cmd_info_irq },
    { "info qdm", NULL, "", "the models of devices, as in -device help", cmd_info_qdm },
    { "info qtree", NULL, "", "the devices and their properties", cmd_info_qtree },
    { "info registers", NULL, "[-a|NUMBER]", "the registers of this CPU, of all, or of one",
      cmd_info_registers },
    { "info roms", NULL, "", "what is loaded into memory at each reset", cmd_info_roms },
    { "info status", NULL, "", "whether the CPUs run", cmd_info_status },
    { "info tlb", NULL, "", "the translations that this CPU holds", cmd_info_tlb },
    { "info usernet", NULL, "", "the connections of user networks", cmd_info_usernet },
    { "info uuid", NULL, "", "the UUID of this guest", cmd_info_uuid },
    { "info version", NULL, "", "the version of this program", cmd_info_version },

    /* commands of QEMU's that are not here */
    { "nmi", NULL, NULL, "this machine has no NMI", NULL },
    { "device_add", NULL, NULL, NO_PLUGGING, NULL },
    { "device_del", NULL, NULL, NO_PLUGGING, NULL },
    { "drive_add", NULL, NULL, NO_PLUGGING, NULL },
    { "drive_del", NULL, NULL, NO_PLUGGING, NULL },
    { "netdev_add", NULL, NULL, NO_PLUGGING, NULL },
    { "netdev_del", NULL, NULL, NO_PLUGGING, NULL },
    { "object_add", NULL, NULL, NO_PLUGGING, NULL },
    { "object_del", NULL, NULL, NO_PLUGGING, NULL },
    { "chardev-add", NULL, NULL, NO_PLUGGING, NULL },
    { "chardev-remove", NULL, NULL, NO_PLUGGING, NULL },
    { "change", NULL, NULL, NO_PLUGGING, NULL },
    { "eject", NULL, NULL, "disks cannot be taken out", NULL },
    { "block_resize", NULL, NULL, "disks keep their size; use qemu-img resize before", NULL },
    { "commit", NULL, NULL, "what -snapshot keeps is lost at the end; leave -snapshot out", NULL },
    { "hostfwd_add", NULL, NULL, "forward ports with -nic user,hostfwd=", NULL },
    { "hostfwd_remove", NULL, NULL, "forward ports with -nic user,hostfwd=", NULL },
    { "savevm", NULL, NULL, NO_SNAPSHOT, NULL },
    { "loadvm", NULL, NULL, NO_SNAPSHOT, NULL },
    { "delvm", NULL, NULL, NO_SNAPSHOT, NULL },
    { "info snapshots", NULL, NULL, NO_SNAPSHOT, NULL },
    { "migrate", NULL, NULL, NO_SNAPSHOT, NULL },
    { "info migrate", NULL, NULL, NO_SNAPSHOT, NULL },
    { "screendump", NULL, NULL, NO_DISPLAY, NULL },
    { "sendkey", NULL, NULL, NO_DISPLAY, NULL },
    { "mouse_move", NULL, NULL, NO_DISPLAY, NULL },
    { "info vnc", NULL, NULL, NO_DISPLAY, NULL },
    { "info pci", NULL, NULL, "the board has no PCI; see 'info qtree'", NULL },
    { "info usb", NULL, NULL, "the board has no USB; see 'info qtree'", NULL },
    { "info kvm", NULL, NULL, "there is no KVM engine; see 'info jit'", NULL },
    { "info mem", NULL, NULL, "see 'info tlb', or 'gva2gpa' for one address", NULL },
    { "gpa2hpa", NULL, NULL, "only the host's kernel knows; see 'gpa2hva'", NULL },
    { "trace-event", NULL, NULL, "see 'log help' for what can be logged", NULL },
    { "singlestep", NULL, NULL, "use -accel tcg,one-insn-per-tb=on", NULL },
    { "gdbserver", NULL, NULL, "start with -gdb tcp::1234", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};
