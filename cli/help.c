// SPDX-License-Identifier: MIT
//
// Help texts, made from the same tables that the program works by.
#include "cli/help.h"

#include <stdio.h>
#include <string.h>
#include "accel/accel.h"
#include "chardev/chardev.h"
#include "cli/backends.h"
#include "cli/configure.h"
#include "cli/confine.h"
#include "cli/objects.h"
#include "cli/rtc.h"
#include "cli/sandbox.h"
#include "cli/semihosting.h"
#include "fsdev/fsdev.h"
#include "hw/core/machine.h"
#include "net/net.h"
#include "target/arm/cpu.h"
#include "util/bitops.h"
#include "util/log.h"

/* The second line is for scripts that look for the version of the options' meaning. */
void help_print_version(void)
{
    printf("Dragoman emulator version %s\n"
           "Options as those of QEMU emulator version 7.2.0\n", DRAGOMAN_VERSION);
}

void help_print_short(void)
{
    help_print_version();
    printf("\n"
           "Boot a Linux kernel with an initial RAM disk on this terminal:\n"
           "  dragoman -M virt -m 512 -nographic -kernel Image -initrd initrd.gz \\\n"
           "           -append console=ttyAMA0\n"
           "Boot from a disk, with a network and a port of this host forwarded to the guest:\n"
           "  dragoman -M virt -m 1G -nographic -kernel Image -initrd initrd.gz \\\n"
           "           -append 'console=ttyAMA0 root=/dev/vda rw' \\\n"
           "           -drive file=disk.img,format=raw,if=virtio \\\n"
           "           -nic user,hostfwd=tcp:127.0.0.1:2222-:22\n"
           "See what the translator does with the first instructions:\n"
           "  dragoman -M virt -nographic -kernel Image -d in_asm,op_opt,out_asm -D trace.log\n"
           "\n"
           "Ctrl-A x ends the emulator, Ctrl-A c switches to its monitor, Ctrl-A h helps.\n"
           "'dragoman -help' lists all options; -M, -cpu, -device, -accel and -d answer 'help'.\n");
}

void help_print_options(void)
{
    help_print_version();
    printf("\nusage: dragoman [options]\n\n");
    for (const OptionRow *r = option_rows; r->name; r++) {
        int n = printf("-%s%s%s", r->name, r->argument ? " " : "",
                       r->argument ? r->argument : "");
        printf("%*s%s\n", n < 30 ? 30 - n : 1, "", r->help);
    }
}

/* ---- answers ---------------------------------------------------------------------------- */

static bool print_boards(Error **err)
{
    board_print_types(stdout);
    return true;
}

static bool print_board(const char *name, Error **err)
{
    const BoardType *board = board_type_find(name, err);
    if (!board)
        return false;
    printf("%s options:\n", board->name);
    printf("  accel=<str>            - engines to try in turn, as in accel=kvm:tcg\n"
           "  memory-backend=<str>   - the -object that guest memory is\n");
    properties_print_help(board->properties, stdout);
    return true;
}

static bool print_models(Error **err)
{
    arm_model_print_help(stdout);
    return true;
}

static bool print_model(const char *name, Error **err)
{
    return arm_model_print_features(name, stdout, err);
}

static bool print_devices(Error **err)
{
    device_print_types(stdout);
    return true;
}

static bool print_device(const char *name, Error **err)
{
    return device_print_help(name, stdout, err);
}

/* One a line, as scripts look for them. */
static bool print_accels(Error **err)
{
    printf("Accelerators supported in this binary:\n");
    for (const AccelType *const *t = accel_types; *t; t++)
        printf("%s\n", (*t)->name);
    return true;
}

static bool print_accel(const char *name, Error **err)
{
    for (const AccelType *const *t = accel_types; *t; t++) {
        if (strcmp((*t)->name, name))
            continue;
        printf("%s: %s\n", (*t)->name, (*t)->help);
        for (const char *const *o = (*t)->options; *o; o++) {
            const char *help = (*t)->option_help ? (*t)->option_help(*o) : NULL;
            if (help)
                printf("  %-24s - without %s\n", *o, help);
            else
                printf("  %s=\n", *o);
        }
        return true;
    }
    return error_set(err, "unknown engine '%s' ('-accel help' lists them)", name);
}

static bool print_log_items(Error **err)
{
    log_print_items(stdout);
    return true;
}

static bool print_lines(Error **err)
{
    chardev_print_texts(stdout);
    return true;
}

static bool print_chardevs(Error **err)
{
    chardev_print_kinds(stdout);
    return true;
}

static bool print_objects(Error **err)
{
    objects_print_types(stdout);
    return true;
}

static bool print_object(const char *name, Error **err)
{
    return objects_print_options(name, stdout, err);
}

static bool print_chardev(const char *name, Error **err)
{
    return chardev_print_options(name, stdout, err);
}

static bool print_networks(Error **err)
{
    net_print_types(stdout);
    return true;
}

static bool print_network(const char *name, Error **err)
{
    return net_print_options(name, stdout, err);
}

/* Devices that a network can be given to. */
static bool print_nic_models(Error **err)
{
    printf("Supported NIC models:\n");
    for (const DeviceType *const *t = device_types; *t; t++)
        for (const Property *p = (*t)->properties; p && p->name; p++)
            if (p->kind == PROP_NETDEV)
                printf("%s\n", (*t)->name);
    return true;
}

static bool print_formats(Error **err)
{
    printf("Supported formats: raw\n");
    return true;
}

static bool print_vga(Error **err)
{
    printf("none                 no graphic card (default)\n");
    return true;
}

static bool print_parameters(const char *option, const char *const *parameters)
{
    printf("-%s parameters:\n", option);
    for (const char *const *p = parameters; *p; p++)
        printf("  %s=\n", *p);
    return true;
}

static bool print_drive(Error **err)
{
    return print_parameters("drive", drive_parameters);
}

static bool print_folders(Error **err)
{
    fsdev_print_help(stdout);
    return true;
}

static bool print_smp(Error **err)
{
    return print_parameters("smp", smp_parameters);
}

static bool print_memory(Error **err)
{
    return print_parameters("m", memory_parameters);
}

static bool print_name(Error **err)
{
    return print_parameters("name", name_parameters);
}

static bool print_rtc(Error **err)
{
    return print_parameters("rtc", rtc_parameters);
}

static bool print_semihosting(Error **err)
{
    return print_parameters("semihosting-config", semihosting_parameters);
}

static bool print_sandbox(Error **err)
{
    return print_parameters("sandbox", sandbox_parameters);
}

static bool print_run_with(Error **err)
{
    return print_parameters("run-with", run_with_parameters);
}

static bool print_display(Error **err)
{
    printf("Available display backend types:\nnone\n");
    return true;
}

/* ---- which one is asked for ------------------------------------------------------------- */

typedef struct HelpTopic {
    size_t offset; /* in Options */
    bool repeated; /* an OptionList */
    bool (*print)(Error **err);
    bool (*print_one)(const char *name, Error **err); /* of NAME,help; may be NULL */
    const char *key; /* of which ...,key=help asks; may be NULL */
    bool (*print_values)(Error **err);
} HelpTopic;

#define LIST(field) .offset = offsetof(Options, field), .repeated = true
#define TEXT(field) .offset = offsetof(Options, field)

static const HelpTopic topics[] = {
    { LIST(machines), .print = print_boards, .print_one = print_board },
    { TEXT(cpu), .print = print_models, .print_one = print_model },
    { LIST(devices), .print = print_devices, .print_one = print_device },
    { LIST(accels), .print = print_accels, .print_one = print_accel },
    { TEXT(log_items), .print = print_log_items },
    { LIST(chardevs), .print = print_chardevs, .print_one = print_chardev },
    { LIST(objects), .print = print_objects, .print_one = print_object },
    { LIST(serials), .print = print_lines },
    { LIST(monitors), .print = print_lines },
    { LIST(netdevs), .print = print_networks, .print_one = print_network },
    { LIST(nics), .print = print_networks, .print_one = print_network,
      .key = "model", .print_values = print_nic_models },
    { LIST(drives), .print = print_drive,
      .key = "format", .print_values = print_formats },
    { LIST(fsdevs), .print = print_folders },
    { LIST(virtfs), .print = print_folders },
    { TEXT(smp), .print = print_smp },
    { TEXT(memory), .print = print_memory },
    { TEXT(name), .print = print_name },
    { TEXT(rtc), .print = print_rtc },
    { TEXT(semihosting_config), .print = print_semihosting },
    { TEXT(sandbox), .print = print_sandbox },
    { TEXT(run_with), .print = print_run_with },
    { TEXT(display), .print = print_display },
    { TEXT(vga), .print = print_vga },
};

static bool asks(const char *text)
{
    return !strcmp(text, "help") || !strcmp(text, "?");
}

/* Where "NAME,help" has its NAME's end; NULL: it is something else. */
static const char *asks_about(const char *text)
{
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        if (asks(comma + 1))
            return text + strcspn(text, ",");
    return NULL;
}

/* "...,KEY=help". */
static bool asks_value(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (; text; text = strchr(text, ',')) {
        text += *text == ',';
        if (!strncmp(text, key, len) && text[len] == '=' && asks(text + len + 1))
            return true;
    }
    return false;
}

static bool answer(const HelpTopic *t, const char *text, bool *answered, Error **err)
{
    const char *end = asks_about(text);
    char name[64];
    if (t->key && asks_value(text, t->key)) {
        *answered = true;
        return t->print_values(err);
    }
    *answered = end || asks(text);
    if (!*answered)
        return true;
    if (!end || !t->print_one)
        return t->print(err);
    snprintf(name, sizeof(name), "%.*s", (int)(end - text), text);
    return t->print_one(name, err);
}

static bool answer_topic(const HelpTopic *t, const Options *o, bool *answered, Error **err)
{
    const void *field = (const char *)o + t->offset;
    if (!t->repeated) {
        const char *text = *(const char *const *)field;
        return !text || answer(t, text, answered, err);
    }
    const OptionList *list = field;
    for (unsigned i = 0; i < list->count && !*answered; i++)
        if (!answer(t, list->text[i], answered, err))
            return false;
    return true;
}

bool help_answer(const Options *o, bool *answered, Error **err)
{
    *answered = o->help || o->version;
    if (o->help)
        help_print_options();
    else if (o->version)
        help_print_version();
    for (size_t i = 0; i < ARRAY_SIZE(topics) && !*answered; i++)
        if (!answer_topic(&topics[i], o, answered, err))
            return false;
    return true;
}
