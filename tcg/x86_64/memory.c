// SPDX-License-Identifier: MIT
//
// Guest memory: the software TLB's fast path in line, all else by a slow-path record.
//
// For an access of S bytes at A the fast path computes the entry's offset from A in RAX and, in
// RCX, what its tag must be: (A + S - 1) & -page where any alignment will do, so that an access
// over the end of the page misses, or A & (-page | alignment - 1), so that a misaligned one does.
// Then RAX becomes the entry's addend and the access is made at RAX + A.
//
// Accesses through the same base share one check (share.c): X86_OP_PROBE checks the whole range
// and leaves the addend, or 0, in a register of its own. Each access tests that and goes, for 0,
// out of line, where it has a check for itself. A slow path may change mappings, so it clears the
// shared addends that are still needed.
//
// In loops, where the base moves one way only, the check (or the probe) is a comparison with the
// limit of a stream (streams.c); what goes beyond looks at the TLB out of line and sets a new one.
//
// x86 loads have acquire and stores have release semantics; only a store that later acquires must
// not overtake (IR_MEM_RELEASE) needs an xchg. Operands stay in their registers until the slow
// path has read them, and a fault leaves everything as it was. Everything is allocated before the
// check: what stands between its jump and the end is skipped by the slow path.
#include <assert.h>
#include "tcg/x86_64/integer.h"
#include "tcg/x86_64/streams.h"

/* A guest address: base + disp, or, if base is REG_NONE, the constant. */
typedef struct Address {
    Reg base;
    int32_t disp;
    uint64_t constant;
} Address;

/* What the check compares: (address + ahead) & mask with the tag. */
typedef struct Check {
    int32_t ahead, mask;
    bool write, unpriv;
} Check;

static Address address_use(TcgEmit *e, IrRef ref, uint64_t disp)
{
    Address a = { .base = REG_NONE };
    if (emit_const(e, ref, &a.constant)) {
        a.constant += disp;
        return a;
    }
    a.base = ra_use(e, ref);
    a.disp = (int32_t)disp;
    /* Room for what the check adds. */
    if ((int64_t)disp > INT32_MAX - 4096 || (int64_t)disp < INT32_MIN + 4096) {
        Reg t = ra_temp_gpr(e);
        asm_mov_ri(e, t, disp);
        asm_lea(e, X_W, t, mem_bi(t, a.base, 0, 0));
        a = (Address){ .base = t };
    }
    return a;
}

static unsigned required_align(const IrInsn *in)
{
    unsigned align = ir_mem_align_log2(in->sub), size = ir_mem_size_log2(in->sub);
    if (in->op == IR_OP_CAS && size == 4) {
        return 4; /* cmpxchg16b faults when misaligned */
    }
    if (in->sub & IR_MEM_ATOMIC_ALIGN && align < size) {
        return size;
    }
    return align;
}

/* A misaligned access inside a page is let through unless an alignment is asked for. */
static Check check_of(const TcgEmit *e, const IrInsn *in, bool write)
{
    int32_t size = 1 << ir_mem_size_log2(in->sub), align = 1 << required_align(in);
    int32_t page_mask = -(1 << e->layout->page_bits);
    return (Check){
        .ahead = align < size ? size - align : 0,
        .mask = page_mask | (align - 1),
        .write = write,
        .unpriv = in->sub & IR_MEM_UNPRIV,
    };
}

/* RAX = offset of the entry, RCX = what its tag must be. */
static void compute_entry(TcgEmit *e, const Address *a, const Check *c)
{
    const TcgLayout *l = e->layout;
    unsigned shift = l->page_bits - l->entry_bits;
    int32_t index_mask = (int32_t)(((1u << l->tlb_bits) - 1) << l->entry_bits);
    Reg from = a->base;
    if (a->disp) {
        asm_lea(e, X_W, RCX, mem_b(a->base, a->disp));
        from = RCX;
    }
    if (e->host.bmi) {
        asm_vex_rr_i8(e, X_F2 | X_0F3A | 0xf0, RAX, REG_NONE, from, (uint8_t)shift); /* rorx */
    } else {
        asm_mov_rr(e, 0, RAX, from);
        asm_shift_ri(e, SHIFT_SHR, 0, RAX, shift);
    }
    asm_alu_ri(e, ALU_AND, 0, RAX, index_mask);
    if (c->ahead) {
        asm_lea(e, X_W, RCX, mem_b(a->base, a->disp + c->ahead));
    } else if (!a->disp) {
        asm_mov_rr(e, X_W, RCX, a->base);
    }
    asm_alu_ri(e, ALU_AND, X_W, RCX, c->mask);
}

/* Compare; the way to the slow path is the caller's (CC_NE). Returns the entry in memory, with the
 * displacement of its first byte. Clobbers RAX and RCX. */
static Mem emit_compare_tag(TcgEmit *e, const Address *a, const Check *c)
{
    const TcgLayout *l = e->layout;
    Mem entry = mem_b(R13, (int32_t)l->tlb_offset);
    if (a->base == REG_NONE) {
        uint64_t index = (a->constant >> l->page_bits) & ((UINT64_C(1) << l->tlb_bits) - 1);
        entry.disp += (int32_t)(index << l->entry_bits);
        asm_mov_ri(e, RCX, (a->constant + (uint64_t)c->ahead) & (uint64_t)(int64_t)c->mask);
        if (c->unpriv) {
            asm_mov_rm(e, X_W, RAX, env_mem(l->env_bank_unpriv));
            entry.base = RAX;
        }
    } else {
        compute_entry(e, a, c);
        if (c->unpriv) {
            asm_alu_rm(e, ALU_ADD, X_W, RAX, env_mem(l->env_bank_unpriv));
            entry.base = RAX;
        } else {
            entry.index = RAX;
        }
    }
    Mem tag = entry;
    tag.disp += (int32_t)(c->write ? l->tag_write : l->tag_read);
    asm_alu_rm(e, ALU_CMP, X_W, RCX, tag);
    return entry;
}

/* Host memory of the access, when the check succeeded. Clobbers RAX. */
static Mem emit_host_address(TcgEmit *e, const Address *a, const Check *c, Mem entry)
{
    entry.disp += (int32_t)e->layout->addend;
    asm_mov_rm(e, X_W, RAX, entry);
    if (a->base != REG_NONE) {
        return mem_bi(RAX, a->base, 0, a->disp);
    }
    uint64_t in_rcx = (a->constant + (uint64_t)c->ahead) & (uint64_t)(int64_t)c->mask;
    return mem_bi(RAX, RCX, 0, (int32_t)(a->constant - in_rcx));
}

/* The shared addends that are needed after this instruction, for its slow path to clear. */
static void note_shared(TcgEmit *e, SlowRecord *rec)
{
    RegAlloc *ra = e->ra;
    rec->streams = ra->streams;
    for (unsigned k = 0; k < MIN(ra->s.nshared, X86_MAX_SHARED); k++) {
        IrRef v = ra->s.shared[k];
        Reg r;
        if (!ra->values[v].next_use) {
            continue;
        }
        if (ra_in_reg(e, v, &r)) {
            rec->clear_regs |= (uint16_t)(1u << r);
        }
        if (ra->values[v].slot >= 0) {
            rec->clear_slots[rec->nclear_slots++] = ra->values[v].slot;
        }
    }
}

/* Check and go to the record's slow path if it fails. The caller sets (*ool)->resume. */
static Mem emit_check(TcgEmit *e, const IrInsn *in, const Address *a, bool write, SlowRecord *rec,
                      EmitOol **ool)
{
    Check c = check_of(e, in, write);
    Mem entry = emit_compare_tag(e, a, &c);
    *ool = emit_ool(e, CC_NE, ool_slow);
    (*ool)->arg[0] = (uintptr_t)rec;
    return emit_host_address(e, a, &c, entry);
}

static SlowRecord *access_record(TcgEmit *e, const IrInsn *in, TcgAccess kind, const Address *a)
{
    if (in->dst) {
        ra_make_room(e);
    }
    SlowRecord *rec = slow_record_new(e, SLOW_ACCESS, true);
    rec->access = kind;
    rec->type = in->type;
    rec->sub = in->sub;
    rec->imm = kind == TCG_LOAD || kind == TCG_STORE ? (uint64_t)(int64_t)a->disp : 0;
    if (a->base != REG_NONE) {
        rec->arg[0] = (Loc){ .kind = LOC_REG, .type = IR_I64, .reg = a->base };
    } else {
        rec->imm = a->constant;
    }
    return rec;
}

/* One instruction is atomic to its own vCPU, and devices do not share words with guests' atomics.
 * But they have threads of their own, for which a release has to come before a later acquire. */
static void lock_prefix(TcgEmit *e, const IrInsn *in)
{
    if (!e->uniprocessor || in->sub & IR_MEM_RELEASE) {
        asm_u8(e, 0xf0);
    }
}

static void full_fence(TcgEmit *e)
{
    asm_u8(e, 0xf0); /* lock or dword [rsp - 8], 0: cheaper than mfence */
    asm_alu_mi(e, ALU_OR, 0, mem_b(RSP, -8), 0);
}

/* ---- loads and stores ---- */

static void access_load(TcgEmit *e, const IrInsn *in, Reg d, Mem m)
{
    /* [size][sign]: sign extension to 64 bits; to 32 bits without X_W */
    static const uint32_t loads[4][2] = {
        { X_0F | 0xb6, X_W | X_0F | 0xbe }, { X_0F | 0xb7, X_W | X_0F | 0xbf },
        { 0x8b, X_W | 0x63 }, { X_W | 0x8b, X_W | 0x8b },
    };
    unsigned size = ir_mem_size_log2(in->sub);
    if (reg_is_xmm(d)) {
        if (size < 2) {
            asm_rm(e, loads[size][0], RAX, m);
            simd_from_gpr(e, 0, d, RAX);
        } else {
            simd_load(e, 1u << size, d, m);
        }
        return;
    }
    uint32_t op = loads[size & 3][in->sub & IR_MEM_SIGN ? 1 : 0];
    if (in->type == IR_I32) {
        op = size == 2 ? 0x8b : op & ~(uint32_t)X_W;
    }
    asm_rm(e, op, d, m);
}

/* What a store stores: register `v`, or `imm` if that is REG_NONE. */
static void access_store(TcgEmit *e, const IrInsn *in, Reg v, int32_t imm, Mem m)
{
    static const uint32_t stores[] = { X_B | 0x88, X_66 | 0x89, 0x89, X_W | 0x89 };
    unsigned size = ir_mem_size_log2(in->sub);
    bool release = in->sub & IR_MEM_RELEASE;
    if (v == REG_NONE) {
        switch (size) {
        case 0: asm_rm_i8(e, 0xc6, 0, m, (uint8_t)imm); break;
        case 1: asm_rm_i16(e, X_66 | 0xc7, 0, m, (uint16_t)imm); break;
        case 2: asm_rm_i32(e, 0xc7, 0, m, (uint32_t)imm); break;
        default: asm_rm_i32(e, X_W | 0xc7, 0, m, (uint32_t)imm); break;
        }
    } else if (reg_is_xmm(v) && size >= 2) {
        simd_store(e, 1u << size, m, v);
        if (release) {
            full_fence(e);
        }
    } else if (release || reg_is_xmm(v)) {
        asm_lea(e, X_W, RAX, m); /* RCX may be part of the address */
        if (reg_is_xmm(v)) {
            simd_to_gpr(e, 0, RCX, v);
        } else {
            asm_mov_rr(e, X_W, RCX, v);
        }
        asm_rm(e, !release ? stores[size] : size == 0 ? X_B | 0x86 : stores[size] - 0x89 + 0x87,
               RCX, mem_b(RAX, 0));
    } else {
        asm_rm(e, stores[size], v, m);
    }
}

/* An access whose shared addend is 0, checked for itself: arg[1] is base | data register << 8,
 * arg[2] the immediate. */
static void ool_unshared(TcgEmit *e, EmitOol *o)
{
    const IrInsn *in = o->insn;
    Address a = { .base = (Reg)o->arg[1], .disp = (int32_t)in->imm };
    Reg data = (Reg)(o->arg[1] >> 8);
    EmitOol *slow;
    bool store = in->op == IR_OP_ST;
    Mem m = emit_check(e, in, &a, store, (SlowRecord *)(uintptr_t)o->arg[0], &slow);
    slow->resume = o->resume;
    if (store) {
        access_store(e, in, data, (int32_t)o->arg[2], m);
    } else {
        access_load(e, in, data, m);
    }
    asm_jmp_to(e, o->resume);
}

static void emit_shared(TcgEmit *e, const IrInsn *in, Reg shared, const Address *a, Reg data,
                        int32_t imm, SlowRecord *rec)
{
    asm_test_rr(e, X_W, shared, shared);
    EmitOol *o = emit_ool(e, CC_E, ool_unshared);
    o->arg[0] = (uintptr_t)rec;
    o->arg[1] = a->base | (uint64_t)data << 8;
    o->arg[2] = (uint32_t)imm;
    Mem m = mem_bi(shared, a->base, 0, a->disp);
    if (in->op == IR_OP_ST) {
        access_store(e, in, data, imm, m);
    } else {
        access_load(e, in, data, m);
    }
    o->resume = e->p;
}

/* ---- streams ---- */

/* No limit is so near to 0 or to 2^64 that a base could pass it by wrapping round. */
#define STREAM_MARGIN (1 << 14)

static const RaStream *stream_of(const TcgEmit *e)
{
    const RaBlock *rb = &e->ra->blocks[e->ra->block];
    return rb->streams ? rb->streams[e->insn - e->unit->blocks[e->ra->block]->insns] : NULL;
}

static void end_stream(TcgEmit *e, const RaStream *s)
{
    asm_rm_i32(e, X_W | 0xc7, 0, slot_mem(s->slot), s->falls ? UINT32_MAX : 0);
}

void emit_begin_streams(TcgEmit *e, const IrInsn *in)
{
    for (const RaStream *s = (const RaStream *)(uintptr_t)in->imm; s; s = s->next) {
        end_stream(e, s);
    }
}

static Mem stream_addend(const RaStream *s)
{
    Mem m = slot_mem(s->slot);
    m.disp += 8;
    return m;
}

/* Returns the way out for a base that is beyond the limit. */
static EmitOol *emit_stream_check(TcgEmit *e, const RaStream *s, Reg base,
                                  void (*beyond)(TcgEmit *e, EmitOol *o))
{
    asm_alu_rm(e, ALU_CMP, X_W, base, slot_mem(s->slot));
    EmitOol *o = emit_ool(e, s->falls ? CC_BE : CC_AE, beyond);
    o->arg[0] = (uintptr_t)s;
    o->arg[1] = base;
    return o;
}

/* RCX is the page of the bytes at base + lo .. base + hi - 1: how far the base may go in it. */
static void emit_stream_limit(TcgEmit *e, const RaStream *s, int32_t lo, int32_t hi)
{
    int32_t page = 1 << e->layout->page_bits;
    asm_lea(e, X_W, RCX, mem_b(RCX, s->falls ? -lo - 1 : page - hi + 1));
    asm_mov_mr(e, X_W, slot_mem(s->slot), RCX);
    asm_alu_ri(e, ALU_ADD, X_W, RCX, STREAM_MARGIN);
    asm_alu_ri(e, ALU_CMP, X_W, RCX, 2 * STREAM_MARGIN);
    uint8_t *far = asm_jcc8(e, CC_AE);
    end_stream(e, s);
    asm_bind8(e, far);
}

/* arg[2]: the record of a slow path, arg[3]: where that goes on, behind the access. */
static void ool_stream_access(TcgEmit *e, EmitOol *o)
{
    const IrInsn *in = o->insn;
    const RaStream *s = (const RaStream *)(uintptr_t)o->arg[0];
    Address a = { .base = (Reg)o->arg[1], .disp = (int32_t)in->imm };
    EmitOol *slow;
    emit_check(e, in, &a, in->op == IR_OP_ST, (SlowRecord *)(uintptr_t)o->arg[2], &slow);
    slow->resume = (uint8_t *)(uintptr_t)o->arg[3];
    asm_mov_mr(e, X_W, stream_addend(s), RAX);
    emit_stream_limit(e, s, a.disp, a.disp + (1 << ir_mem_size_log2(in->sub)));
    asm_jmp_to(e, o->resume);
}

/* As emit_check(). *way_out: for the caller to say where the slow path goes on. */
static Mem emit_stream_access(TcgEmit *e, const RaStream *s, const Address *a, SlowRecord *rec,
                              EmitOol **way_out)
{
    EmitOol *o = *way_out = emit_stream_check(e, s, a->base, ool_stream_access);
    asm_mov_rm(e, X_W, RAX, stream_addend(s));
    o->arg[2] = (uintptr_t)rec;
    o->resume = e->p;
    return mem_bi(RAX, a->base, 0, a->disp);
}

/* ---- loads and stores, whole ---- */

void emit_ld(TcgEmit *e, const IrInsn *in)
{
    Address a = address_use(e, in->arg[0], in->imm);
    Reg shared = in->arg[1] ? ra_use(e, in->arg[1]) : REG_NONE;
    SlowRecord *rec = access_record(e, in, TCG_LOAD, &a);
    ra_done(e);
    Reg d = ra_def(e);
    rec->dst = slow_loc(e, in->dst, d);
    note_shared(e, rec);
    if (shared != REG_NONE) {
        emit_shared(e, in, shared, &a, d, 0, rec);
        return;
    }
    EmitOol *ool;
    const RaStream *s = stream_of(e);
    if (s) {
        access_load(e, in, d, emit_stream_access(e, s, &a, rec, &ool));
        ool->arg[3] = (uintptr_t)e->p;
        return;
    }
    Mem m = emit_check(e, in, &a, false, rec, &ool);
    access_load(e, in, d, m);
    ool->resume = e->p;
}

void emit_st(TcgEmit *e, const IrInsn *in)
{
    unsigned size = ir_mem_size_log2(in->sub);
    int32_t imm = 0;
    bool immediate = !type_is_xmm(in->type) && !(in->sub & IR_MEM_RELEASE) &&
                     emit_imm32(e, size == 3 ? IR_I64 : IR_I32, in->arg[1], &imm);
    Address a = address_use(e, in->arg[0], in->imm);
    Reg v = immediate ? REG_NONE : ra_use(e, in->arg[1]);
    Reg shared = in->arg[2] ? ra_use(e, in->arg[2]) : REG_NONE;
    SlowRecord *rec = access_record(e, in, TCG_STORE, &a);
    rec->arg[1] = slow_loc(e, in->arg[1], v);
    ra_done(e);
    note_shared(e, rec);
    if (shared != REG_NONE) {
        emit_shared(e, in, shared, &a, v, imm, rec);
        return;
    }
    EmitOol *ool;
    const RaStream *s = stream_of(e);
    if (s) {
        access_store(e, in, v, imm, emit_stream_access(e, s, &a, rec, &ool));
        ool->arg[3] = (uintptr_t)e->p;
        return;
    }
    Mem m = emit_check(e, in, &a, true, rec, &ool);
    access_store(e, in, v, imm, m);
    ool->resume = e->p;
}

static void ool_no_share(TcgEmit *e, EmitOol *o)
{
    asm_mov_ri(e, (Reg)o->arg[0], 0);
    asm_jmp_to(e, o->resume);
}

static Check check_of_probe(const TcgEmit *e, const IrInsn *in)
{
    return (Check){
        .ahead = (in->sub & ~X86_PROBE_WRITE) - 1,
        .mask = -(1 << e->layout->page_bits),
        .write = in->sub & X86_PROBE_WRITE,
    };
}

/* The TLB is asked; `d` is the addend, or 0 from elsewhere, which goes on at (*no_share)->resume. */
static void emit_probe_tlb(TcgEmit *e, const IrInsn *in, Reg base, Reg d, EmitOol **no_share)
{
    Address a = { .base = base, .disp = (int32_t)in->imm };
    Check c = check_of_probe(e, in);
    Mem entry = emit_compare_tag(e, &a, &c);
    EmitOol *o = *no_share = emit_ool(e, CC_NE, ool_no_share);
    o->arg[0] = d;
    entry.disp += (int32_t)e->layout->addend;
    asm_mov_rm(e, X_W, d, entry);
}

/* arg[2]: the addend's register. */
static void ool_stream_probe(TcgEmit *e, EmitOol *o)
{
    const IrInsn *in = o->insn;
    const RaStream *s = (const RaStream *)(uintptr_t)o->arg[0];
    EmitOol *no_share;
    Reg d = (Reg)o->arg[2];
    emit_probe_tlb(e, in, (Reg)o->arg[1], d, &no_share);
    no_share->resume = o->resume;
    asm_mov_mr(e, X_W, stream_addend(s), d);
    emit_stream_limit(e, s, (int32_t)in->imm, (int32_t)in->imm + (in->sub & ~X86_PROBE_WRITE));
    asm_jmp_to(e, o->resume);
}

/* dst = the addend of the page that holds bytes imm .. imm + sub - 1 from arg0; 0 if they are not
 * in one page, or the page is not in the TLB. X86_PROBE_WRITE in sub: for stores. */
void emit_probe(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    Reg base = ra_use(e, in->arg[0]);
    const RaStream *s = stream_of(e);
    EmitOol *o;
    ra_done(e);
    Reg d = ra_def(e);
    if (s) {
        o = emit_stream_check(e, s, base, ool_stream_probe);
        o->arg[2] = d;
        asm_mov_rm(e, X_W, d, stream_addend(s));
    } else {
        emit_probe_tlb(e, in, base, d, &o);
    }
    o->resume = e->p;
    ra->s.shared[ra->s.nshared++ % X86_MAX_SHARED] = in->dst; /* older ones are used no more */
}

/* ---- atomics ---- */

/* The operation of a read-modify-write: d = old (RAX) op v, in `size` bytes. */
static void rmw_combine(TcgEmit *e, unsigned kind, unsigned size, uint32_t w, Reg d, Reg v)
{
    static const uint8_t keep_old[] = { /* condition on cmp old, v under which old stays */
        [IR_RMW_SMAX] = CC_GE, [IR_RMW_SMIN] = CC_LE, [IR_RMW_UMAX] = CC_AE, [IR_RMW_UMIN] = CC_BE,
    };
    switch (kind) {
    case IR_RMW_ANDN:
        asm_mov_rr(e, w, d, v);
        asm_rr(e, w | 0xf7, 2, d);
        asm_alu_rr(e, ALU_AND, w, d, RAX);
        break;
    case IR_RMW_XOR:
    case IR_RMW_OR:
        asm_mov_rr(e, w, d, v);
        asm_alu_rr(e, kind == IR_RMW_OR ? ALU_OR : ALU_XOR, w, d, RAX);
        break;
    default:
        asm_mov_rr(e, w, d, v);
        if (size == 0) {
            asm_rr(e, X_B | X_BRM | 0x3a, RAX, v);
        } else {
            asm_rr(e, (size == 1 ? X_66 : w) | 0x3b, RAX, v);
        }
        asm_cmov(e, keep_old[kind], w, d, RAX);
        break;
    }
}

/* Old value in `r`, of `size` bytes, zero-extended into d. */
static void zero_extend(TcgEmit *e, unsigned size, Reg d, Reg r)
{
    static const uint32_t op[] = { X_BRM | X_0F | 0xb6, X_0F | 0xb7, 0x8b, X_W | 0x8b };
    asm_rr(e, op[size], d, r);
}

static uint32_t sized(unsigned size, uint32_t byte_op)
{
    return size == 0 ? X_B | byte_op : (size == 1 ? X_66 : size == 3 ? X_W : 0) | (byte_op + 1);
}

void emit_rmw(TcgEmit *e, const IrInsn *in)
{
    EmitOol *ool;
    unsigned size = ir_mem_size_log2(in->sub), kind = (unsigned)in->imm;
    uint32_t w = size == 3 ? X_W : 0;
    bool simple = kind == IR_RMW_XCHG || kind == IR_RMW_ADD;
    Address a = address_use(e, in->arg[0], 0);
    Reg v = ra_use(e, in->arg[1]);
    Reg t = simple ? REG_NONE : ra_temp_gpr(e);
    SlowRecord *rec = access_record(e, in, TCG_RMW, &a);
    rec->rmw = (uint8_t)kind;
    rec->arg[1] = slow_loc(e, in->arg[1], v);
    ra_done(e);
    Reg d = ra_def(e);
    rec->dst = slow_loc(e, in->dst, d);
    note_shared(e, rec);
    Mem m = emit_check(e, in, &a, true, rec, &ool);
    if (simple) {
        asm_lea(e, X_W, RAX, m); /* RCX may be part of the address */
        asm_mov_rr(e, X_W, RCX, v);
        if (kind == IR_RMW_ADD) {
            lock_prefix(e, in);
            asm_rm(e, X_0F | sized(size, 0xc0), RCX, mem_b(RAX, 0)); /* xadd */
        } else {
            asm_rm(e, sized(size, 0x86), RCX, mem_b(RAX, 0)); /* locks by itself */
        }
        zero_extend(e, size, d, RCX);
    } else {
        asm_lea(e, X_W, RCX, m);
        asm_rm(e, sized(size, 0x8a), RAX, mem_b(RCX, 0));
        uint8_t *again = e->p;
        rmw_combine(e, kind, size, w, t, v);
        lock_prefix(e, in);
        asm_rm(e, X_0F | sized(size, 0xb0), t, mem_b(RCX, 0)); /* cmpxchg */
        asm_jcc_to(e, CC_NE, again);
        zero_extend(e, size, d, RAX);
    }
    ool->resume = e->p;
}

static void cas128(TcgEmit *e, const IrInsn *in)
{
    EmitOol *ool;
    ra_claim(e, RDX);
    ra_claim(e, RBX);
    Address a = address_use(e, in->arg[0], 0);
    Reg expect = ra_use(e, in->arg[1]), new = ra_use(e, in->arg[2]);
    Reg t = ra_temp_gpr(e);
    SlowRecord *rec = access_record(e, in, TCG_CAS, &a);
    rec->arg[1] = slow_loc(e, in->arg[1], expect);
    rec->arg[2] = slow_loc(e, in->arg[2], new);
    ra_done(e);
    Reg d = ra_def(e);
    rec->dst = slow_loc(e, in->dst, d);
    note_shared(e, rec);
    Mem m = emit_check(e, in, &a, true, rec, &ool);
    asm_lea(e, X_W, t, m);
    simd_to_gpr(e, X_W, RAX, expect);
    if (e->host.avx) {
        asm_vex_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, expect, REG_NONE, RDX, 1); /* pextrq */
        asm_vex_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, new, REG_NONE, RCX, 1);
    } else {
        asm_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, expect, RDX, 1);
        asm_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, new, RCX, 1);
    }
    simd_to_gpr(e, X_W, RBX, new);
    lock_prefix(e, in);
    asm_rm(e, X_W | X_0F | 0xc7, 1, mem_b(t, 0)); /* cmpxchg16b */
    simd_from_gpr(e, X_W, d, RAX);
    if (e->host.avx) {
        asm_vex_rr_i8(e, X_W | X_66 | X_0F3A | 0x22, d, d & 15, RDX, 1); /* pinsrq */
    } else {
        asm_rr_i8(e, X_W | X_66 | X_0F3A | 0x22, d, RDX, 1);
    }
    ool->resume = e->p;
}

/* f32 and f64 operands go through general registers. */
static void to_gpr(TcgEmit *e, unsigned type, Reg d, Reg s)
{
    if (reg_is_xmm(s)) {
        simd_to_gpr(e, type == IR_F64 || type == IR_V128 ? X_W : 0, d, s);
    } else {
        asm_mov_rr(e, X_W, d, s);
    }
}

void emit_cas(TcgEmit *e, const IrInsn *in)
{
    EmitOol *ool;
    unsigned size = ir_mem_size_log2(in->sub);
    if (size == 4) {
        cas128(e, in);
        return;
    }
    Address a = address_use(e, in->arg[0], 0);
    Reg expect = ra_use(e, in->arg[1]), new = ra_use(e, in->arg[2]);
    Reg t = ra_temp_gpr(e);
    SlowRecord *rec = access_record(e, in, TCG_CAS, &a);
    rec->arg[1] = slow_loc(e, in->arg[1], expect);
    rec->arg[2] = slow_loc(e, in->arg[2], new);
    ra_done(e);
    Reg d = ra_def(e);
    rec->dst = slow_loc(e, in->dst, d);
    note_shared(e, rec);
    Mem m = emit_check(e, in, &a, true, rec, &ool);
    asm_lea(e, X_W, RCX, m);
    to_gpr(e, in->type, t, new);
    to_gpr(e, in->type, RAX, expect);
    lock_prefix(e, in);
    asm_rm(e, X_0F | sized(size, 0xb0), t, mem_b(RCX, 0));
    if (reg_is_xmm(d)) {
        zero_extend(e, size, RAX, RAX);
        simd_from_gpr(e, size == 3 ? X_W : 0, d, RAX);
    } else {
        zero_extend(e, size, d, RAX);
    }
    ool->resume = e->p;
}

void emit_fence(TcgEmit *e, const IrInsn *in)
{
    if (in->sub == IR_FENCE_FULL) {
        full_fence(e);
    }
}
