// SPDX-License-Identifier: MIT
//
// A CPU without threads; see cpu.h. The engine's loop is done by hand here, so that the number of
// units is bounded.
#include "tests/fuzz/cpu.h"

#include <string.h>
#include <xmmintrin.h>
#include "accel/tcg/engine.h"
#include "accel/tcg/tcg_accel.h"
#include "tests/fuzz/fuzz.h"
#include "util/bitops.h"

static void create_engine(FuzzCpu *c, const char *backend, const char *tier2)
{
    Error *err = NULL;
    /* pieces into which any unit fits, or one backend would cut it where the other does not */
    const AccelOption options[] = {
        { "backend", backend }, { "tb-size", "32" }, { "tier2", tier2 },
    };
    c->accel = tcg_accel_type.create(&c->memory, NULL, options, ARRAY_SIZE(options), &err);
    fuzz_must(c->accel && c->accel->add_cpu(c->accel, &c->cpu->vcpu, &err), "the engine", err);
}

static void no_sync(VCPU *cpu)
{
}

static __attribute__((noreturn)) void jump_out(VCPU *cpu, int reason)
{
    FuzzCpu *c = container_of(cpu->peers, FuzzCpu, peers);
    longjmp(c->exception, 1);
}

void fuzz_cpu_open(FuzzCpu *c, const char *backend, const char *tier2)
{
    Error *err = NULL;
    *c = (FuzzCpu){ .loop = mainloop_create(&err) };
    fuzz_must(c->loop && (c->clock = vclock_create(c->loop, &err)), "the clock", err);
    c->run.loop = c->loop;
    memory_region_init_container(&c->root, "system", UINT64_C(1) << 48);
    memory_space_init(&c->memory, &c->root, NULL);
    fuzz_must(memory_region_init_ram(&c->ram, &c->memory, "ram", FUZZ_RAM_BYTES, false, &err),
              "memory", err);
    memory_region_add(&c->root, FUZZ_RAM, &c->ram, 0);
    fuzz_must(memory_space_commit(&c->memory, &err), "memory", err);
    c->cpu = arm_cpu_create("max", 0, &c->memory, c->clock, &c->run, NULL, &err);
    fuzz_must(c->cpu, "the CPU", err);
    c->peers[0] = &c->cpu->vcpu;
    c->cpu->vcpu.peers = c->peers;
    c->cpu->vcpu.peer_count = 1;
    c->cpu->vcpu.engine_sync = no_sync;
    c->cpu->vcpu.engine_unwind = jump_out;
    if (backend)
        create_engine(c, backend, tier2);
}

void fuzz_cpu_reset(FuzzCpu *c)
{
    VCPU *cpu = &c->cpu->vcpu;
    memset(c->ram.host, 0, FUZZ_RAM_BYTES);
    cpu->ops->reset(cpu);
    vcpu_drain_work(cpu);
}

void fuzz_cpu_flush(FuzzCpu *c)
{
    AccelCpu *ac = c->cpu->vcpu.accel;
    piece_forget_all(ac->engine);
}

bool fuzz_cpu_run_unit(FuzzCpu *c)
{
    VCPU *cpu = &c->cpu->vcpu;
    AccelCpu *ac = cpu->accel;
    FetchPlace place;
    vcpu_drain_work(cpu);
    if (cpu->ops->interrupt_ready(cpu))
        cpu->ops->take_interrupt(cpu);
    vcpu_update_banks(cpu);
    Vaddr pc = cpu->ops->get_pc(cpu);
    if (!engine_fetch_page(cpu, pc, &place)) {
        cpu->ops->deliver(cpu);
        return true;
    }
    const Unit *u = unit_get(ac, place.ram, pc, cpu->bank->key.flags, place.host);
    if (!u)
        return false;
    vcpu_drain_work(cpu); /* jumps to code that went to make room for it */
    atomic_store(&cpu->exit_request, 1); /* indirect branches and loops come back */
    cpu->host_mxcsr = _mm_getcsr();
    _mm_setcsr(cpu->guest_mxcsr);
    TcgExit exit = tcg_enter(ac->thread, u->entry);
    cpu->guest_mxcsr = _mm_getcsr();
    _mm_setcsr(cpu->host_mxcsr);
    if (exit.reason == IR_REASON_EXCEPTION)
        cpu->ops->deliver(cpu);
    return exit.reason != IR_REASON_WFI;
}
