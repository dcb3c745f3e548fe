// SPDX-License-Identifier: MIT
//
// What the files of monitor commands share. Every cmd_*() is a row's run(): `opaque` is the
// CommandContext.
#ifndef CLI_COMMANDS_INTERNAL_H
#define CLI_COMMANDS_INTERNAL_H

#include "cli/commands.h"

static inline Machine *command_machine(const CommandContext *c)
{
    return c->session->machine;
}

/* The CPU that `cpu N` chose. */
static inline VCPU *command_cpu(const CommandContext *c)
{
    return c->session->machine->cpus[c->cpu];
}

/* Pause for the time of a look, so that what is seen belongs together; pair with look_end(). */
static inline void look_begin(const CommandContext *c)
{
    if (*c->running)
        c->session->accel->pause(c->session->accel);
}

static inline void look_end(const CommandContext *c)
{
    if (*c->running)
        c->session->accel->resume(c->session->accel);
}

/* Print the message and free it. */
void command_failed(Error *err, FILE *out);

/* examine.c: memory and arithmetic */
void cmd_x(void *opaque, const char *args, FILE *out);
void cmd_xp(void *opaque, const char *args, FILE *out);
void cmd_print(void *opaque, const char *args, FILE *out);
void cmd_gva2gpa(void *opaque, const char *args, FILE *out);
void cmd_gpa2hva(void *opaque, const char *args, FILE *out);
void cmd_sum(void *opaque, const char *args, FILE *out);
void cmd_memsave(void *opaque, const char *args, FILE *out);
void cmd_pmemsave(void *opaque, const char *args, FILE *out);
void cmd_dump_guest_memory(void *opaque, const char *args, FILE *out);

/* info.c */
void cmd_info_block(void *opaque, const char *args, FILE *out);
void cmd_info_chardev(void *opaque, const char *args, FILE *out);
void cmd_info_cpus(void *opaque, const char *args, FILE *out);
void cmd_info_irq(void *opaque, const char *args, FILE *out);
void cmd_info_jit(void *opaque, const char *args, FILE *out);
void cmd_info_mtree(void *opaque, const char *args, FILE *out);
void cmd_info_name(void *opaque, const char *args, FILE *out);
void cmd_info_network(void *opaque, const char *args, FILE *out);
void cmd_info_qdm(void *opaque, const char *args, FILE *out);
void cmd_info_qtree(void *opaque, const char *args, FILE *out);
void cmd_info_registers(void *opaque, const char *args, FILE *out);
void cmd_info_roms(void *opaque, const char *args, FILE *out);
void cmd_info_status(void *opaque, const char *args, FILE *out);
void cmd_info_tlb(void *opaque, const char *args, FILE *out);
void cmd_info_usernet(void *opaque, const char *args, FILE *out);
void cmd_info_uuid(void *opaque, const char *args, FILE *out);
void cmd_info_version(void *opaque, const char *args, FILE *out);

#endif
