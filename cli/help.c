// SPDX-License-Identifier: MIT
//
// Help texts, made from the same tables that the program works by.
#include "cli/help.h"

#include <stdio.h>
#include <string.h>
#include "accel/accel.h"
#include "hw/core/machine.h"
#include "target/arm/cpu.h"
#include "util/log.h"

void help_print_version(void)
{
    printf("Dragoman %s, a machine emulator\n", DRAGOMAN_VERSION);
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
    printf("usage: dragoman [options]\n\n");
    for (const OptionRow *r = option_rows; r->name; r++) {
        int n = printf("  -%s%s%s", r->name, r->argument ? " " : "",
                       r->argument ? r->argument : "");
        printf("%*s%s\n", n < 32 ? 32 - n : 1, "", r->help);
    }
}

static bool asks(const char *text)
{
    return text && (!strcmp(text, "help") || !strcmp(text, "?"));
}

static void print_devices(void)
{
    for (const DeviceType *const *t = device_types; *t; t++)
        if ((*t)->user_creatable)
            printf("name \"%s\", bus %s, desc \"%s\"\n", (*t)->name, (*t)->bus, (*t)->help);
}

static bool print_device_properties(const char *text)
{
    const char *comma = strchr(text, ',');
    char name[64];
    if (!comma || !asks(comma + 1) || (size_t)(comma - text) >= sizeof(name))
        return false;
    memcpy(name, text, (size_t)(comma - text));
    name[comma - text] = '\0';
    const DeviceType *type = device_type_find(name);
    if (!type)
        return false;
    printf("%s options:\n", type->name);
    for (const Property *p = type->properties; p && p->name; p++)
        printf("  %s=<...>%*s- %s%s%s%s\n", p->name, 20 - (int)strlen(p->name), "", p->help,
               p->initial ? " (default: " : "", p->initial ? p->initial : "",
               p->initial ? ")" : "");
    return true;
}

static void print_accels(void)
{
    printf("Engines:\n");
    for (const AccelType *const *t = accel_types; *t; t++) {
        printf("  %-8s %s\n", (*t)->name, (*t)->help);
        for (const char *const *o = (*t)->options; *o; o++)
            printf("           %s=\n", *o);
    }
}

static void print_log_items(void)
{
    printf("Log items (comma separated):\n");
    for (const LogItemName *n = log_item_names; n->name; n++)
        printf("  %-14s %s\n", n->name, n->help);
}

static bool answer_devices(const OptionList *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (asks(list->text[i])) {
            print_devices();
            return true;
        }
        if (print_device_properties(list->text[i]))
            return true;
    }
    return false;
}

bool help_answer(const Options *o)
{
    if (o->help)
        help_print_options();
    else if (o->version)
        help_print_version();
    else if (asks(o->machine))
        board_print_types(stdout);
    else if (asks(o->cpu))
        arm_model_print_help(stdout);
    else if (asks(o->accel))
        print_accels();
    else if (asks(o->log_items))
        print_log_items();
    else
        return answer_devices(&o->devices);
    return true;
}
