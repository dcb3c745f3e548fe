// SPDX-License-Identifier: MIT
//
// The vCPU as engines and boards see it, and the table through which a guest architecture
// serves them (CpuOps). The architecture's own structure embeds a VCPU; engines never look
// beyond it.
//
// One host thread per vCPU. `exit_request` is the one word by which anybody stops translated
// code: set it (vcpu_kick()) and the vCPU comes back to its loop at the next poll, drains its
// queue, looks at interrupts, and goes on.
#ifndef SOFTMMU_VCPU_H
#define SOFTMMU_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include "softmmu/clock.h"
#include "softmmu/memory.h"
#include "softmmu/runstate.h"
#include "softmmu/tlb.h"
#include "util/error.h"
#include "util/log.h"

typedef struct VCPU VCPU;
struct IrUnit;
struct IrGlobals;

/* What kind of access a walk or a fault is about. */
typedef enum MmuAccess { MMU_READ, MMU_WRITE, MMU_FETCH } MmuAccess;

/* Why an access failed beyond what the target's own walk reports. */
typedef enum MmuError {
    MMU_WALK_FAULT, /* the walk itself refused: details are in the target's state */
    MMU_ALIGNMENT,
    MMU_EXTERNAL,   /* nothing answered at the physical address */
} MmuError;

/* A register for dumps, the debugger, snapshots and the KVM transfer. */
typedef struct CpuRegister CpuRegister;
struct CpuRegister {
    const char *name;  /* as in the manual, lower case */
    const char *group; /* "general", "vector", "system" */
    uint32_t offset;   /* in the target's CPU structure */
    uint8_t bytes;
    uint16_t id;       /* the target's own */
    /* For a register that is not simply there, or whose change has consequences (then at most 8
     * bytes); else NULL. set() is false for a value that the register cannot have, and for one that
     * cannot be written. Only while the vCPU is stopped. */
    uint64_t (*get)(VCPU *cpu, const CpuRegister *r);
    bool (*set)(VCPU *cpu, const CpuRegister *r, uint64_t value);
};

/* An access to a page that CpuOps.page_watched() named. */
typedef struct WatchAccess {
    Vaddr addr; /* with its tag, if any */
    unsigned size;
    bool read, write;
    bool unprivileged;
} WatchAccess;

/* In the flags given to translate(), besides those of unit_flags(): the page of the code is
 * guarded (TlbFill.guarded). */
#define UNIT_FLAG_GUARDED (UINT64_C(1) << 62)

#define CODE_REGION_PAGES 8u

/* What a region covers of a page. */
typedef struct CodeSpan {
    Vaddr page;
    uint32_t first, end; /* offsets in bytes; end 0: nothing */
} CodeSpan;

/* Where an indirect branch was seen to lead, and how often. */
typedef struct CodeTarget {
    Vaddr pc;
    uint32_t count;
} CodeTarget;

/* Guest code around one place, to be translated as one unit. The first four are for find_region(). */
typedef struct CodeRegion CodeRegion;
struct CodeRegion {
    /* The bytes of the page of `pc`, which stay as they are until the region is translated, and the
     * id of its code (TcgLayout, code pages). NULL: nothing of it may be part of the region. */
    const uint8_t *(*page)(CodeRegion *r, Vaddr pc, uint32_t *id);
    /* May the code at `pc`, in such a page, be part of it? */
    bool (*wanted)(CodeRegion *r, Vaddr pc);
    /* Where the indirect branch at `pc`, in such a page, was seen to lead; the most frequent first.
     * Returns to how many places, at most `max`. */
    unsigned (*targets)(CodeRegion *r, Vaddr pc, CodeTarget *to, unsigned max);
    uint32_t max_insns; /* about */
    /* what was found */
    Vaddr head;         /* where the unit begins: in the page of the pc that was asked for */
    CodeSpan spans[CODE_REGION_PAGES]; /* that page's is the first */
    uint32_t span_count;
    /* what was translated */
    uint32_t insns, blocks;
};

/* What a guest architecture gives the engines. */
typedef struct CpuOps {
    const char *arch;  /* "aarch64" */
    uint32_t insn_align_log2;
    int capstone_arch, capstone_mode; /* cs_arch, cs_mode for in_asm */
    const struct IrGlobals *globals;
    const CpuRegister *registers; /* ends with name NULL */

    void (*reset)(VCPU *cpu);

    /* Mode bits that select translations; part of the bank's key. Exact state is in memory. */
    uint64_t (*unit_flags)(VCPU *cpu);
    /* The key of the current bank, and of the unprivileged one. */
    void (*bank_key)(VCPU *cpu, bool unprivileged, TlbKey *key);

    /* Translate the code at `pc`: append to `unit` until a natural end, `max_insns`, or the end of
     * the guest page. `code` is the host address of the bytes at pc, `bytes` those left in the
     * page. Never fails: what cannot be decoded becomes code that raises. */
    void (*translate)(VCPU *cpu, struct IrUnit *unit, Vaddr pc, uint64_t flags,
                      const uint8_t *code, uint32_t bytes, uint32_t max_insns);

    /* Find a region to which the code at `pc` belongs. `without`: the optimisations that are left
     * out. Returns the plan of it, to be freed with free(); NULL: there is none in this mode. */
    void *(*find_region)(CodeRegion *region, Vaddr pc, uint64_t flags, uint32_t without);
    /* Translate it, once. Any thread may, while the CPU runs: what changes of it is not looked at. */
    void (*translate_region)(VCPU *cpu, struct IrUnit *unit, void *plan, uint64_t flags);

    /* Walk the tables for `va` (with its tag, if any). On refusal stores what the exception will
     * need in the target's state and returns false; raises nothing. */
    bool (*walk)(VCPU *cpu, Vaddr va, MmuAccess access, bool unprivileged, TlbFill *fill);
    /* `va` without ignored top bits, for TLB maintenance. */
    Vaddr (*canonical)(VCPU *cpu, Vaddr va);
    /* Set up the guest's exception for a failed access; state is exact. The caller unwinds. */
    void (*raise_mmu)(VCPU *cpu, Vaddr va, MmuAccess access, bool unprivileged, MmuError error);
    /* Deliver what raise_* or a helper left pending; called by the loop after an unwind with
     * IR_REASON_EXCEPTION. Enters the guest's vector. */
    void (*deliver)(VCPU *cpu);

    /* Watchpoints of the guest's own, asked for only while VCPU.watches. Is any of this page
     * watched? Has this access, which memory allows, to raise an exception: then it is set up as by
     * raise_mmu(). */
    bool (*page_watched)(VCPU *cpu, Vaddr va);
    bool (*watch_hit)(VCPU *cpu, const WatchAccess *access);

    /* Interrupts: is an enabled and unmasked one waiting; take it; is there a reason to wake
     * from WFI (even when masked). */
    bool (*interrupt_ready)(VCPU *cpu);
    void (*take_interrupt)(VCPU *cpu);
    bool (*has_work)(VCPU *cpu);
    /* Wait, outside translated code, for what the architecture calls an event; or not so long. */
    void (*wait_for_event)(VCPU *cpu);

    /* Program counter access for loaders and debuggers. */
    Vaddr (*get_pc)(VCPU *cpu);
    void (*set_pc)(VCPU *cpu, Vaddr pc);
    void (*dump)(VCPU *cpu, FILE *out, bool fp); /* `info registers`, -d cpu; fp: -d fpu */
    /* Where the guest's exception vectors are: by them the symbols of a kernel that chose its own
     * place are put right. */
    Vaddr (*vector_base)(VCPU *cpu);
    /* Virtual to physical for debuggers; false when unmapped. No side effect. */
    bool (*debug_translate)(VCPU *cpu, Vaddr va, Hwaddr *gpa);
    void (*destroy)(VCPU *cpu);
} CpuOps;

/* A kind of invalidation that others ask of a vCPU. */
typedef struct VcpuFlush {
    void (*one)(VCPU *cpu, uint64_t a, uint64_t b);
    void (*all)(VCPU *cpu); /* has the effect of any number of one(), and may do more */
} VcpuFlush;

#define VCPU_FLUSHES_MAX 64u
#define VCPU_FLUSH_KINDS_MAX 6u

/* What waits for a vCPU, under its lock. Bounded, so that no guest can make it grow and nothing
 * has to be allocated: when the ring is full, the all() of each kind in it takes its place. */
typedef struct VcpuQueue {
    struct {
        const VcpuFlush *kind;
        uint64_t a, b;
    } ring[VCPU_FLUSHES_MAX];
    uint32_t first, count;
    const VcpuFlush *all[VCPU_FLUSH_KINDS_MAX];
    uint32_t all_count;
    struct {
        void (*fn)(VCPU *cpu, uint64_t a, uint64_t b); /* NULL: none */
        uint64_t a, b;
    } start;
} VcpuQueue;

struct VCPU {
    const CpuOps *ops;
    uint32_t index;
    /* hot words that translated code reads; offsets go into TcgLayout */
    TlbBank *bank, *bank_unpriv;
    _Atomic int32_t exit_request;
    uint32_t host_mxcsr, guest_mxcsr; /* x86 hosts: FP control and sticky flags of the guest */

    Tlb *tlb;
    MemorySpace *memory;
    VirtClock *clock;
    RunState *run;
    Log *log;
    VCPU *const *peers; /* all vCPUs of the machine */
    uint32_t peer_count;

    /* state of the thread; changed under `lock`, signalled by `wake`, read anywhere */
    pthread_t thread;
    bool thread_started;
    pid_t thread_id; /* the host's, set by the thread before it first waits */
    pthread_mutex_t lock;
    pthread_cond_t wake;   /* the vCPU waits here when halted or stopped */
    pthread_cond_t paused; /* signalled when the vCPU has stopped */
    atomic_bool stop, stopped, quit;
    atomic_bool halted;      /* WFI */
    atomic_bool powered_off; /* PSCI: waiting for CPU_ON */
    VcpuQueue queue;
    _Atomic uint32_t work_pending; /* not 0: something is queued, or being done */
    atomic_bool waiting;  /* for others to do their work; they signal `wake` then */
    atomic_bool in_guest; /* inside translated code: others must wait for it at a shootdown */

    bool watches; /* the guest has watchpoints; changed on the vCPU's thread, TLB flushed */

    struct AccelCpu *accel; /* the engine's own part */
    void (*engine_sync)(VCPU *cpu);
    void (*engine_unwind)(VCPU *cpu, int reason) __attribute__((noreturn));
};

/* From a helper or slow access: make the guest state in memory exact as of this instruction.
 * Idempotent. (Helpers with IR_HELPER_FAULT find it exact already.) */
static inline void vcpu_sync_state(VCPU *cpu)
{
    cpu->engine_sync(cpu);
}

/* From a helper with IR_HELPER_FAULT, or under a slow access: abandon the translated code and
 * return to the engine's loop with an IrExitReason; IR_REASON_EXCEPTION makes it call
 * CpuOps.deliver(). State is made exact first. */
static inline __attribute__((noreturn)) void vcpu_unwind(VCPU *cpu, int reason)
{
    cpu->engine_unwind(cpu, reason);
}

/* Every guest architecture's CPU structure ("env" to the translator) holds its hot registers in
 * the first VCPU_ENV_OFFSET bytes and its VCPU right behind them. */
#define VCPU_ENV_OFFSET 1024

static inline VCPU *vcpu_from_env(void *env)
{
    return (VCPU *)((char *)env + VCPU_ENV_OFFSET);
}

static inline void *vcpu_env(VCPU *cpu)
{
    return (char *)cpu - VCPU_ENV_OFFSET;
}

/* A register of at most 8 bytes. While the vCPU is stopped. */
static inline uint64_t vcpu_register_value(VCPU *cpu, const CpuRegister *r)
{
    uint64_t value = 0;
    if (r->get)
        value = r->get(cpu, r);
    else
        memcpy(&value, (const char *)vcpu_env(cpu) + r->offset,
               r->bytes < sizeof(value) ? r->bytes : sizeof(value));
    return value;
}

/* Fills in the base; the target's create function calls it first. */
bool vcpu_init(VCPU *cpu, const CpuOps *ops, uint32_t index, MemorySpace *memory,
               VirtClock *clock, RunState *run, Log *log, Error **err) MUST_CHECK;
void vcpu_fini(VCPU *cpu);

/* Make the vCPU look at its state soon: any thread. Wakes it from WFI too. */
void vcpu_kick(VCPU *cpu);

/* Run kind->one(cpu, a, b), or kind->all(cpu) when too many wait, on the vCPU's thread before it
 * executes another translated instruction. Any thread; from its own thread too (then it runs at
 * the next poll). */
void vcpu_queue_flush(VCPU *cpu, const VcpuFlush *kind, uint64_t a, uint64_t b);
/* As above on every other vCPU of the machine. */
void vcpu_queue_flush_others(VCPU *cpu, const VcpuFlush *kind, uint64_t a, uint64_t b);
/* Have a vCPU that is powered off carry out fn(cpu, a, b), which starts it. There is one such
 * request at a time: another one takes its place. Any thread. */
void vcpu_queue_start(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a, uint64_t b);
/* Wait until every other vCPU has carried out the work queued so far, or is not in guest code
 * (it will before it enters). Serves the caller's own queue meanwhile. DSB calls this. */
void vcpu_wait_others(VCPU *cpu);
void vcpu_drain_work(VCPU *cpu); /* on its own thread */

/* After a change of anything that bank_key() looks at: select the banks anew. On its thread. */
void vcpu_update_banks(VCPU *cpu);

#endif
