// SPDX-License-Identifier: MIT
//
// See machine.h. Memory is mapped as it is, by blocks of 2 MiB: the first, with the tables and the
// exception vectors, for EL1 only, the others for EL0 (Arm ARM D8.3).
#include "tests/codegen/machine.h"

#include <stdlib.h>
#include <string.h>
#include "accel/tcg/tcg_accel.h"
#include "softmmu/clock.h"
#include "softmmu/mainloop.h"
#include "target/arm/internal.h"
#include "util/bitops.h"

enum { RAM_BASE = 0x40000000, RAM_BYTES = 16 << 20, BLOCK_BYTES = 2 << 20 };
enum { LEVEL1 = RAM_BASE + 0x2000, LEVEL2 = RAM_BASE + 0x3000 };

#define DESC_TABLE UINT64_C(3)
#define DESC_BLOCK UINT64_C(0x701) /* inner shareable, accessed; the first attributes of MAIR */
#define DESC_EL0 UINT64_C(0x40)
#define SYNC_FROM_EL0 0x400 /* offset of the vector */
#define HVC_0 0xd4000002u
#define ERET 0xd69f03e0u

_Noreturn void machine_fail(const char *what, const Error *err)
{
    fprintf(stderr, "codegen: %s%s%s\n", what, err ? ": " : "", err ? error_text(err) : "");
    exit(1);
}

static uint8_t *host_of(Machine *m, Hwaddr at)
{
    return memory_host(&m->memory, at, 1, true);
}

static void store64(Machine *m, Hwaddr at, uint64_t value)
{
    memcpy(host_of(m, at), &value, sizeof(value));
}

static void create_memory(Machine *m)
{
    Error *err = NULL;
    memory_region_init_container(&m->root, "system", UINT64_C(1) << 40);
    memory_space_init(&m->memory, &m->root, m->log);
    if (!memory_region_init_ram(&m->ram, &m->memory, "ram", RAM_BYTES, false, &err))
        machine_fail("memory", err);
    memory_region_add(&m->root, RAM_BASE, &m->ram, 0);
    if (!memory_space_commit(&m->memory, &err))
        machine_fail("memory", err);
    store64(m, LEVEL1 + 8 * (RAM_BASE >> 30), LEVEL2 | DESC_TABLE);
    for (unsigned n = 0; n < RAM_BYTES / BLOCK_BYTES; n++)
        store64(m, LEVEL2 + 8 * n, (RAM_BASE + n * (uint64_t)BLOCK_BYTES) | DESC_BLOCK |
                                       (n ? DESC_EL0 : 0));
    store64(m, RAM_BASE + SYNC_FROM_EL0, HVC_0 | (uint64_t)ERET << 32);
}

static void load_image(Machine *m, const char *path)
{
    FILE *in = fopen(path, "rb");
    m->image_bytes = in ? fread(host_of(m, MACHINE_ENTRY), 1, RAM_BYTES / 2, in) : 0;
    if (!m->image_bytes)
        machine_fail(path, NULL);
    fclose(in);
}

static bool hypervisor_call(ArmCpu *cpu, void *opaque)
{
    Machine *m = opaque;
    m->calls++;
    if (m->called)
        m->called(m);
    return true;
}

/* As an operating system leaves it to its programs. */
static void set_registers(ArmCpu *cpu)
{
    VCPU *vcpu = &cpu->vcpu;
    vcpu->ops->reset(vcpu);
    cpu->vbar_el1 = RAM_BASE;
    cpu->mair_el1 = 0xff;
    cpu->ttbr0_el1 = LEVEL1;
    cpu->tcr_el1 = 25 | UINT64_C(1) << 23 | 0x3500; /* T0SZ; EPD1; cached, inner shareable */
    cpu->sctlr_el1 |= SCTLR_M | SCTLR_SA | SCTLR_SA0 | SCTLR_DZE;
    cpu->cpacr_el1 = 3 << 20;
    arm_pstate_set(cpu, 0); /* EL0 */
    vcpu->ops->set_pc(vcpu, MACHINE_ENTRY);
    vcpu->powered_off = false;
}

static void create_cpu(Machine *m)
{
    Error *err = NULL;
    m->cpu = arm_cpu_create("max", 0, &m->memory, m->clock, &m->run, m->log, &err);
    if (!m->cpu)
        machine_fail("the CPU", err);
    m->peers[0] = &m->cpu->vcpu;
    m->cpu->vcpu.peers = m->peers;
    m->cpu->vcpu.peer_count = 1;
    m->cpu->hvc = hypervisor_call;
    m->cpu->conduit_opaque = m;
    set_registers(m->cpu);
}

bool machine_create(Machine *m, const MachineSetup *setup, Error **err)
{
    Error *trouble = NULL;
    *m = (Machine){ .log = log_create(), .loop = mainloop_create(&trouble) };
    if (!m->log || !m->loop || !(m->clock = vclock_create(m->loop, &trouble)) ||
        !(setup->chained || log_enable(m->log, "nochain", &trouble)))
        machine_fail("the machine", trouble);
    m->run.loop = m->loop;
    create_memory(m);
    load_image(m, setup->image);
    create_cpu(m);
    m->accel = tcg_accel_type.create(&m->memory, m->log, setup->options, setup->option_count,
                                     &trouble);
    if (!m->accel)
        machine_fail("the engine", trouble);
    m->engine = container_of(m->accel, TcgEngine, accel);
    m->engine->config.only_x86_64_v3 = !m->engine->config.interpreter;
    return m->accel->add_cpu(m->accel, &m->cpu->vcpu, err);
}

void machine_run(Machine *m)
{
    Error *err = NULL;
    if (!m->accel->start(m->accel, &err))
        machine_fail("the CPU's thread", err);
    vclock_start(m->clock);
    m->accel->resume(m->accel);
    mainloop_run(m->loop);
    machine_fail("the program did not end", NULL);
}
