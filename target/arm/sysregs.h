// SPDX-License-Identifier: MIT
//
// System registers and system instructions of AArch64 (Arm ARM D13, C5.3-C5.6) as one table.
//
// A row says who may access what and how: plain storage in ArmCpu is reached by translated code
// directly, all else through hooks. What the table does not list is UNDEFINED.
#ifndef TARGET_ARM_SYSREGS_H
#define TARGET_ARM_SYSREGS_H

#include "target/arm/cpu.h"

#define SYSREG_ID(op0, op1, crn, crm, op2) \
    ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* Who may do what. */
enum {
    SYSREG_R0 = 1 << 0, /* EL0 reads */
    SYSREG_W0 = 1 << 1,
    SYSREG_R1 = 1 << 2,
    SYSREG_W1 = 1 << 3,
    SYSREG_RW1 = SYSREG_R1 | SYSREG_W1,
    SYSREG_RW01 = SYSREG_RW1 | SYSREG_R0 | SYSREG_W0,
    SYSREG_R01 = SYSREG_R0 | SYSREG_R1,
};

typedef enum SysRegKind {
    SYSREG_STORAGE, /* at `offset`, `bytes` wide; writes are masked, then go to `write` if any */
    SYSREG_HOOK,    /* read and write do all */
    SYSREG_CONST,   /* reads as `reset`, writes are ignored */
    SYSREG_MODEL,   /* reads as the uint64_t at `offset` in ArmModel */
    /* the rest is known to translate-system.c */
    SYSREG_NZCV,
    SYSREG_DAIF,
    SYSREG_CURRENTEL,
    SYSREG_SPSEL,
    SYSREG_SP_EL0,
    SYSREG_FPCR,
    SYSREG_FPSR,
    SYSREG_COUNTER,
    SYSREG_RANDOM,
    SYSREG_NOP,     /* cache maintenance that means nothing here */
    SYSREG_MAINTAIN_VA, /* nothing either, but may fault; `index`: needs the right to write */
    SYSREG_DC_ZVA,
    SYSREG_AT,
    SYSREG_TLBI,
} SysRegKind;

enum {
    SYSREG_MODE = 1 << 0, /* a write changes what selects translations or the bank */
    SYSREG_IRQ = 1 << 1,  /* a write may make an interrupt deliverable */
    SYSREG_GIC = 1 << 2,  /* of the GIC's CPU interface: not there without one */
};

typedef struct SysReg SysReg;
struct SysReg {
    const char *name;
    uint16_t id;
    uint8_t access;
    uint8_t kind;     /* SysRegKind */
    uint8_t flags;
    uint8_t bytes;    /* of the storage: 4 or 8 */
    uint8_t feature;  /* ArmFeature without which it is UNDEFINED, or 0 */
    uint8_t family;   /* ArmFamily outside which it is, or 0 */
    uint16_t index;   /* for hooks that serve several rows; TLBI: as arm_tlbi() has it, and SYSREG_BROADCAST */
    uint32_t offset;
    uint32_t el0_gate; /* UNIT_* bit without which EL0 traps */
    /* For gates that are rarely used: asked at each access from EL0. NULL: no such gate. */
    bool (*el0_allowed)(const ArmCpu *cpu, const SysReg *r, bool is_read);
    uint64_t reset, mask;
    uint64_t (*read)(ArmCpu *cpu, const SysReg *r);
    void (*write)(ArmCpu *cpu, const SysReg *r, uint64_t value);
};

#define SYSREG_BROADCAST 0x10

/* NULL: UNDEFINED. */
const SysReg *sysreg_find(const ArmCpu *cpu, unsigned id);
/* The number of a row for helpers, and back. */
unsigned sysreg_number(const SysReg *r);
const SysReg *sysreg_by_number(unsigned n);

/* Access with all side effects; rights were checked. */
uint64_t sysreg_read(ArmCpu *cpu, const SysReg *r);
void sysreg_write(ArmCpu *cpu, const SysReg *r, uint64_t value);

/* What a SYSREG_MODEL row reads as. */
uint64_t sysreg_model_value(const ArmCpu *cpu, const SysReg *r);

#endif
