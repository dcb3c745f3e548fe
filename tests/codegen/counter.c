// SPDX-License-Identifier: MIT
//
// Each jump, call and return in the code buffer becomes a breakpoint, whose signal handler does
// what stood there, and counts the straight run of instructions that ended in it. So there is a
// signal a branch, not one an instruction, and C code runs as ever. (The trap flag would do, too,
// but there would be five times as many signals, and in a virtual machine each costs more.)
//
// C code comes back behind the call that led to it, or enters by one of two thunks. There is one
// vCPU, and the state is its thread's.
#include "tests/codegen/counter.h"

#include <capstone/capstone.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "tcg/x86_64/x86.h"
#include "util/bitops.h"

enum { INT3 = 0xcc };

static struct {
    Machine *m;
    const X86Context *x;
    csh cs;
    uintptr_t rx;
    size_t bytes;
    uint16_t *run;      /* by offset: instructions from here to the end of the straight run */
    uintptr_t *run_end; /* by offset: the run's last instruction */
    cs_insn **branch;   /* by offset */
    uint8_t *first;     /* by offset: the byte that a breakpoint replaces */
    uint64_t *of_unit;  /* by number in the engine's store: instructions */
    uint32_t *unit_at;  /* by offset of a run's end: number of the unit + 1 */
    uintptr_t next;     /* where the run that is executed began, or 0 */
    bool begun;
    uint64_t insns, ways_out;
} c;

/* ---- what stands in the buffer ------------------------------------------------------------ */

static bool ends_run(const cs_insn *in)
{
    return cs_insn_group(c.cs, in, CS_GRP_JUMP) || cs_insn_group(c.cs, in, CS_GRP_CALL) ||
           cs_insn_group(c.cs, in, CS_GRP_RET);
}

static void note_code(const uint8_t *code, size_t len, uint32_t owner)
{
    cs_insn *insns;
    size_t count = len ? cs_disasm(c.cs, code, len, (uintptr_t)code, 0, &insns) : 0;
    uint16_t run = 0;
    uintptr_t end = 0;
    for (size_t n = count; n-- > 0;) {
        const cs_insn *in = &insns[n];
        size_t at = in->address - c.rx;
        if (ends_run(in)) {
            run = 0;
            end = in->address;
            c.branch[at] = &insns[n]; /* kept for good */
            c.unit_at[at] = owner;
        }
        c.run[at] = ++run;
        c.run_end[at] = end;
    }
}

/* Programs are small: all their code is in the first piece of the buffer. */
static const UnitStore *of_piece(const TcgEngine *e)
{
    return &e->pieces[0].units;
}

static void note_units(const TcgEngine *e)
{
    for (size_t n = 0; n < of_piece(e)->used; n++) {
        size_t len;
        const uint8_t *code = tcg_code_bytes(unit_at(of_piece(e), n)->code, &len);
        note_code(code, len, (uint32_t)n + 1);
    }
}

static void set_breakpoints(void)
{
    for (size_t at = 0; at < c.bytes; at++) {
        if (c.branch[at]) {
            c.first[at] = c.x->cb.rw[at];
            c.x->cb.rw[at] = INT3;
        }
    }
}

static void remove_breakpoints(void)
{
    for (size_t at = 0; at < c.bytes; at++)
        if (c.branch[at])
            c.x->cb.rw[at] = c.first[at];
}

/* ---- doing branches ----------------------------------------------------------------------- */

static uint64_t register_of(const gregset_t regs, x86_reg reg)
{
    static const struct {
        x86_reg reg;
        int index;
    } map[] = {
        { X86_REG_RAX, REG_RAX }, { X86_REG_RBX, REG_RBX }, { X86_REG_RCX, REG_RCX },
        { X86_REG_RDX, REG_RDX }, { X86_REG_RSI, REG_RSI }, { X86_REG_RDI, REG_RDI },
        { X86_REG_RBP, REG_RBP }, { X86_REG_RSP, REG_RSP }, { X86_REG_R8, REG_R8 },
        { X86_REG_R9, REG_R9 },   { X86_REG_R10, REG_R10 }, { X86_REG_R11, REG_R11 },
        { X86_REG_R12, REG_R12 }, { X86_REG_R13, REG_R13 }, { X86_REG_R14, REG_R14 },
        { X86_REG_R15, REG_R15 },
    };
    for (unsigned n = 0; n < ARRAY_SIZE(map); n++)
        if (map[n].reg == reg)
            return (uint64_t)regs[map[n].index];
    return 0; /* none */
}

static uint64_t load64(uint64_t at)
{
    uint64_t v;
    memcpy(&v, (const void *)(uintptr_t)at, sizeof(v));
    return v;
}

/* Where it leads; the engine may have linked it since it was disassembled. */
static uint64_t target_of(const gregset_t regs, const cs_insn *in)
{
    const cs_x86_op *op = &in->detail->x86.operands[0];
    uint64_t end = in->address + in->size;
    if (op->type == X86_OP_REG)
        return register_of(regs, op->reg);
    if (op->type == X86_OP_MEM)
        return load64((op->mem.base == X86_REG_RIP ? end : register_of(regs, op->mem.base)) +
                      register_of(regs, op->mem.index) * (uint64_t)op->mem.scale +
                      (uint64_t)op->mem.disp);
    if (in->size == 2)
        return (uint64_t)op->imm;
    int32_t rel;
    memcpy(&rel, (const void *)(uintptr_t)(end - 4), 4);
    return end + (uint64_t)(int64_t)rel;
}

/* A Jcc's condition (Intel SDM volume 1, appendix B). */
static bool condition_holds(const cs_insn *in, uint64_t flags)
{
    unsigned cc = (in->bytes[0] == 0x0f ? in->bytes[1] : in->bytes[0]) & 15;
    bool cf = flags & 1, pf = flags & 4, zf = flags & 0x40, sf = flags & 0x80, of = flags & 0x800;
    const bool holds[] = { of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of };
    return holds[cc / 2] != (cc & 1);
}

static uint64_t do_branch(gregset_t regs, const cs_insn *in)
{
    uint64_t behind = in->address + in->size, to;
    if (cs_insn_group(c.cs, in, CS_GRP_RET)) {
        to = load64((uint64_t)regs[REG_RSP]);
        regs[REG_RSP] += 8;
        return to;
    }
    to = target_of(regs, in);
    if (cs_insn_group(c.cs, in, CS_GRP_CALL)) {
        regs[REG_RSP] -= 8;
        memcpy((void *)(uintptr_t)regs[REG_RSP], &behind, 8);
        c.next = behind;
        return to;
    }
    return in->id == X86_INS_JMP || condition_holds(in, (uint64_t)regs[REG_EFL]) ? to : behind;
}

/* ---- counting ----------------------------------------------------------------------------- */

static bool count_run(uintptr_t from, uintptr_t end)
{
    size_t at = from - c.rx;
    if (at >= c.bytes || c.run_end[at] != end)
        return false;
    c.insns += c.run[at];
    if (c.unit_at[end - c.rx])
        c.of_unit[c.unit_at[end - c.rx] - 1] += c.run[at];
    return true;
}

static void on_breakpoint(int sig, siginfo_t *info, void *context)
{
    static const char lost[] = "codegen: a branch that nobody led to\n";
    ucontext_t *u = context;
    uintptr_t at = (uintptr_t)u->uc_mcontext.gregs[REG_RIP] - 1;
    if (c.begun && !count_run(c.next, at) && !count_run((uintptr_t)c.x->enter, at) &&
        !count_run((uintptr_t)c.x->leave_to, at)) {
        (void)!write(2, lost, sizeof(lost) - 1);
        _exit(1);
    }
    c.begun = true; /* the first one ends a run that began before */
    c.next = 0;
    uint64_t to = do_branch(u->uc_mcontext.gregs, c.branch[at - c.rx]);
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)to;
    if (to - c.rx < c.bytes)
        c.next = to;
    else
        c.ways_out++;
}

static void *zeroed(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p)
        machine_fail("out of memory", NULL);
    return p;
}

static void create_tables(void)
{
    c.run = zeroed(c.bytes, sizeof(c.run[0]));
    c.run_end = zeroed(c.bytes, sizeof(c.run_end[0]));
    c.branch = zeroed(c.bytes, sizeof(c.branch[0]));
    c.first = zeroed(c.bytes, 1);
    c.unit_at = zeroed(c.bytes, sizeof(c.unit_at[0]));
    c.of_unit = zeroed(of_piece(c.m->engine)->used, sizeof(c.of_unit[0]));
}

void counter_begin(Machine *m)
{
    struct sigaction action = { .sa_sigaction = on_breakpoint, .sa_flags = SA_SIGINFO };
    memset(&c, 0, sizeof(c));
    c.m = m;
    c.x = m->engine->ctx->impl;
    c.rx = (uintptr_t)c.x->cb.rx;
    c.bytes = c.x->cb.used;
    create_tables();
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &c.cs) != CS_ERR_OK)
        machine_fail("the disassembler", NULL);
    cs_option(c.cs, CS_OPT_DETAIL, CS_OPT_ON);
    note_code(c.x->cb.rx, c.x->thunks_end, 0);
    note_units(m->engine);
    sigaction(SIGTRAP, &action, NULL);
    set_breakpoints();
}

Counts counter_end(Machine *m)
{
    Counts counts = { .insns = c.insns, .ways_out = c.ways_out };
    const TcgEngine *e = m->engine;
    if (c.x->cb.used != c.bytes)
        machine_fail("code was translated while it was counted", NULL);
    remove_breakpoints();
    for (size_t n = 0; n < of_piece(e)->used; n++) {
        Unit *u = unit_at(of_piece(e), n);
        if (u->tier == 1 && !atomic_load(&u->dead) && !u->heat &&
            c.of_unit[n] > counts.hottest_insns) {
            counts.hottest = u;
            counts.hottest_insns = c.of_unit[n];
        }
    }
    free(c.run);
    free(c.run_end);
    free(c.branch);
    free(c.first);
    free(c.unit_at);
    free(c.of_unit);
    return counts;
}
