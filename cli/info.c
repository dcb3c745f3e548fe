// SPDX-License-Identifier: MIT
//
// What `info` prints of the machine, its CPUs, devices and backends. Where QEMU's monitor has the
// same command, the form is QEMU's: scripts read it.
#include "cli/commands_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "block/block.h"
#include "cli/guest_symbols.h"
#include "net/net.h"

/* ---- the whole -------------------------------------------------------------------------- */

void cmd_info_version(void *opaque, const char *args, FILE *out)
{
    fprintf(out, "%s\n", DRAGOMAN_VERSION);
}

void cmd_info_name(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    if (c->session->name)
        fprintf(out, "%s\n", c->session->name);
    else
        fprintf(out, "this guest has no name; give it one with -name\n");
}

void cmd_info_uuid(void *opaque, const char *args, FILE *out)
{
    fprintf(out, "00000000-0000-0000-0000-000000000000\n"); /* the guest is told none */
}

void cmd_info_status(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    fprintf(out, "VM status: %s\n", *c->running ? "running" : "paused");
}

void cmd_info_jit(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    look_begin(c);
    guest_symbols(c->session);
    c->session->accel->print_stats(c->session->accel, out);
    look_end(c);
}

/* ---- CPUs ------------------------------------------------------------------------------- */

static const char *cpu_state(const VCPU *cpu)
{
    return cpu->powered_off ? " (off)" : cpu->halted ? " (halted)" : "";
}

static void print_system_registers(VCPU *cpu, FILE *out)
{
    unsigned n = 0;
    for (const CpuRegister *r = cpu->ops->registers; r && r->name; r++)
        if (!strcmp(r->group, "system"))
            fprintf(out, "%s%s=%016" PRIx64, n++ % 4 ? " " : n > 1 ? "\n" : "", r->name,
                    vcpu_register_value(cpu, r));
    fputc('\n', out);
}

static void print_registers(VCPU *cpu, FILE *out)
{
    fprintf(out, "\nCPU#%" PRIu32 "%s\n", cpu->index, cpu_state(cpu));
    cpu->ops->dump(cpu, out, true);
    print_system_registers(cpu, out);
}

void cmd_info_registers(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    const Machine *m = command_machine(c);
    char *end;
    unsigned long one = strtoul(args, &end, 10);
    bool all = !strcmp(args, "-a");
    if (!all && (*end || one >= m->cpu_count)) {
        fprintf(out, "'%s' is no CPU; write a number from 0 to %" PRIu32 ", or -a\n", args,
                m->cpu_count - 1);
        return;
    }
    look_begin(c);
    for (uint32_t i = 0; i < m->cpu_count; i++)
        if (all || i == (*args ? one : c->cpu))
            print_registers(m->cpus[i], out);
    look_end(c);
}

void cmd_info_cpus(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    const Machine *m = command_machine(c);
    look_begin(c);
    const Symbols *symbols = guest_symbols(c->session);
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        VCPU *cpu = m->cpus[i];
        char name[128];
        symbols_describe(symbols, cpu->ops->get_pc(cpu), name, sizeof(name));
        fprintf(out, "%c CPU #%" PRIu32 ": thread_id=%d pc=0x%016" PRIx64 "%s%s%s\n",
                i == c->cpu ? '*' : ' ', i, (int)cpu->thread_id, cpu->ops->get_pc(cpu),
                *name ? " " : "", name, cpu_state(cpu));
    }
    look_end(c);
}

void cmd_info_tlb(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    look_begin(c);
    tlb_print(command_cpu(c)->tlb, out);
    look_end(c);
}

/* ---- memory and devices ----------------------------------------------------------------- */

void cmd_info_mtree(void *opaque, const char *args, FILE *out)
{
    const MemorySpace *space = &command_machine(opaque)->memory;
    if (!strcmp(args, "-f"))
        memory_space_print_flat(space, out);
    else if (*args)
        fprintf(out, "'%s': regions have no owners and no dispatch tree here; use -f or nothing\n",
                args);
    else
        memory_space_print(space, out);
}

void cmd_info_qtree(void *opaque, const char *args, FILE *out)
{
    device_print_tree(command_machine(opaque), out);
}

void cmd_info_qdm(void *opaque, const char *args, FILE *out)
{
    device_print_types(out);
}

void cmd_info_irq(void *opaque, const char *args, FILE *out)
{
    const CommandContext *c = opaque;
    look_begin(c);
    for (Device *d = command_machine(c)->devices; d; d = d->next)
        if (d->type->print_interrupts)
            d->type->print_interrupts(d, out);
    look_end(c);
}

void cmd_info_roms(void *opaque, const char *args, FILE *out)
{
    blobs_print(&command_machine(opaque)->blobs, out);
}

/* ---- backends --------------------------------------------------------------------------- */

void cmd_info_block(void *opaque, const char *args, FILE *out)
{
    const Machine *m = command_machine(opaque);
    for (size_t i = 0; i < m->drive_count; i++) {
        fputs(i ? "\n" : "", out);
        block_print(m->drives[i], out);
    }
}

/* A line for each device that has a property of `kind` with this backend. */
static void print_users(const Machine *m, const NetBackend *n, FILE *out)
{
    for (const Device *d = m->devices; d; d = d->next) {
        const uint8_t *mac = NULL;
        bool uses = false;
        for (const Property *p = d->type->properties; p && p->name; p++) {
            const char *field = (const char *)d + p->offset;
            uses |= p->kind == PROP_NETDEV && *(NetBackend *const *)field == n;
            if (p->kind == PROP_MAC)
                mac = (const uint8_t *)field;
        }
        if (!uses)
            continue;
        fprintf(out, "%s: index=0,type=nic,model=%s", device_name(d), d->type->name);
        for (int i = 0; mac && i < 6; i++)
            fprintf(out, "%s%02x", i ? ":" : ",macaddr=", mac[i]);
        fputs("\n \\ ", out);
    }
}

void cmd_info_network(void *opaque, const char *args, FILE *out)
{
    const Machine *m = command_machine(opaque);
    for (size_t i = 0; i < m->netdev_count; i++) {
        print_users(m, m->netdevs[i], out);
        net_print(m->netdevs[i], out);
    }
}

void cmd_info_usernet(void *opaque, const char *args, FILE *out)
{
    const Machine *m = command_machine(opaque);
    for (size_t i = 0; i < m->netdev_count; i++)
        net_print_connections(m->netdevs[i], out);
}

void cmd_info_chardev(void *opaque, const char *args, FILE *out)
{
    const Machine *m = command_machine(opaque);
    for (size_t i = 0; i < m->chardev_count; i++)
        fprintf(out, "%s: filename=%s%s\n", chardev_id(m->chardevs[i]),
                chardev_label(m->chardevs[i]), chardev_is_mux(m->chardevs[i]) ? ",mux" : "");
}
