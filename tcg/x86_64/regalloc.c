// SPDX-License-Identifier: MIT
//
// Register allocation while code is emitted: local to extended basic blocks, with the next use
// of every operand known (analyse.c), evicting what is needed furthest ahead.
//
// A value is in a register, in a slot of the frame, in the memory of a variable (its home), in
// the host's flags, or in several of these. A variable's newest content (vars[].cur) may be
// ahead of its memory; such variables are dirty. `set` only notes the new content, so the value
// in its register is the guest's state until the variable is written back: on eviction, at the
// end of a block that is not inherited, and where helpers look at variables. `get` of a variable
// whose content is unknown notes its memory as the value's home; the load comes with the first
// use, if that does not take it as a memory operand.
//
// Nothing here changes host flags. RAX and XMM15 serve as scratch, so emitters call these
// functions before they use them.
#include "tcg/x86_64/regalloc.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

struct RaSaved {
    RaState s;
    uint32_t block;
    RaVar *vars; /* nvars of them, then the bits of dirty */
    uint32_t cap_vars;
};

/* ---- memory ---- */

static bool reserve(void *array, uint32_t *capacity, uint32_t want, size_t element)
{
    void **p = array;
    if (want <= *capacity) {
        return true;
    }
    uint32_t cap = MAX(want + want / 2, 256u);
    void *n = realloc(*p, cap * element);
    if (!n) {
        return false;
    }
    *p = n;
    *capacity = cap;
    return true;
}

static uint32_t dirty_words(const RegAlloc *ra)
{
    return (ra->nvars + 63) / 64;
}

static bool init_vars(RegAlloc *ra)
{
    if (ra->nvars > ra->cap_vars) {
        uint32_t cap = ra->nvars + 64;
        free(ra->vars);
        free(ra->dirty);
        free(ra->local_slot);
        free(ra->map);
        ra->vars = malloc(cap * sizeof ra->vars[0]);
        ra->dirty = malloc((cap / 64 + 1) * sizeof ra->dirty[0]);
        ra->local_slot = malloc(cap * sizeof ra->local_slot[0]);
        ra->map = malloc(cap * 2 * sizeof(uint32_t)); /* struct RaMapped */
        ra->cap_vars = cap;
        if (!ra->vars || !ra->dirty || !ra->local_slot || !ra->map) {
            ra->cap_vars = 0;
            return false;
        }
    }
    return true;
}

static RaValue fresh_value(unsigned type)
{
    return (RaValue){ .home = NO_VAR, .slot = -1, .reg = REG_NONE, .type = (uint8_t)type };
}

IrRef ra_value_new(TcgEmit *e, IrType type)
{
    RegAlloc *ra = e->ra;
    IrRef v = ir_value_new(e->unit, type);
    if (!reserve(&ra->values, &ra->cap_values, v + 1, sizeof ra->values[0]) ||
        !reserve(&ra->touched, &ra->cap_touched, v + 1, sizeof ra->touched[0])) {
        e->failed = true;
        return IR_NONE;
    }
    ra->values[v] = fresh_value(type);
    return v;
}

bool ra_reserve_uses(RegAlloc *ra)
{
    return reserve(&ra->uses, &ra->cap_uses, ra->nuses, sizeof ra->uses[0]);
}

bool ra_init(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    const IrUnit *u = e->unit;
    ra->nvars = u->globals->count + u->local_count;
    if (!init_vars(ra) || !reserve(&ra->values, &ra->cap_values, u->value_count,
                                   sizeof ra->values[0]) ||
        !reserve(&ra->touched, &ra->cap_touched, u->value_count, sizeof ra->touched[0]) ||
        !reserve(&ra->blocks, &ra->cap_blocks, u->block_count, sizeof ra->blocks[0]) ||
        !reserve(&ra->order, &ra->cap_order, u->block_count * 4 + 4, sizeof ra->order[0])) {
        return false;
    }
    for (uint32_t v = 0; v < u->value_count; v++) {
        ra->values[v] = fresh_value(u->value_types[v]);
    }
    for (uint32_t n = 0; n < u->local_count; n++) {
        ra->local_slot[n] = n;
    }
    ra->slots_out = u->local_count >= FRAME_SLOTS;
    ra->fixed_slots = u->local_count;
    ra->streams = (StreamSlots){ 0 };
    ra->position = 0;
    ra->nsaved = 0;
    return true;
}

void ra_free(RegAlloc *ra)
{
    if (!ra) {
        return;
    }
    for (uint32_t n = 0; n < ra->cap_saved; n++) {
        free(ra->saved[n].vars);
    }
    void *all[] = { ra->values, ra->blocks, ra->order, ra->uses, ra->live, ra->undo, ra->map,
                    ra->touched, ra->vars, ra->dirty, ra->local_slot, ra->spilled, ra->saved };
    for (unsigned k = 0; k < ARRAY_SIZE(all); k++) {
        free(all[k]);
    }
    free(ra);
}

/* ---- where values are ---- */

bool ra_in_reg(const TcgEmit *e, IrRef v, Reg *r)
{
    const RegAlloc *ra = e->ra;
    Reg reg = ra->values[v].reg;
    if (reg == REG_NONE || ra->s.reg_val[reg] != v) {
        return false;
    }
    *r = reg;
    return true;
}

static bool has_home(const RegAlloc *ra, IrRef v)
{
    uint32_t home = ra->values[v].home;
    return home != NO_VAR && ra->vars[home].mem_val == v;
}

static bool is_held(const RegAlloc *ra, IrRef v)
{
    for (unsigned k = 0; k < MAX_RECIPES; k++) {
        const RaRecipe *r = &ra->s.recipes[k];
        if (r->flags && (r->a == v || r->b == v)) {
            return true;
        }
    }
    return false;
}

static bool is_needed(const RegAlloc *ra, IrRef v)
{
    return ra->values[v].next_use || ra->values[v].ndirty || is_held(ra, v);
}

static bool is_dirty(const RegAlloc *ra, uint32_t var)
{
    return ra->dirty[var / 64] >> (var % 64) & 1;
}

static Mem var_mem(const TcgEmit *e, uint32_t var)
{
    const IrGlobals *g = e->unit->globals;
    return var < g->count ? env_mem(g->table[var].offset)
                          : slot_mem(e->ra->local_slot[var - g->count]);
}

static void reg_release(RegAlloc *ra, Reg r)
{
    ra->s.reg_val[r] = IR_NONE;
    ra->free_regs |= 1u << r;
}

static void reg_assign(RegAlloc *ra, Reg r, IrRef v)
{
    ra->s.reg_val[r] = v;
    ra->values[v].reg = r;
    ra->free_regs &= ~(1u << r);
}

bool ra_is_somewhere(const TcgEmit *e, IrRef v)
{
    Reg r;
    return ra_in_reg(e, v, &r) || e->ra->values[v].slot >= 0 || has_home(e->ra, v);
}

bool ra_can_hold(const TcgEmit *e, IrRef v)
{
    Reg r;
    if (e->ra->values[v].slot >= 0) { /* which whoever looks for the value takes, home or not */
        return is_needed(e->ra, v);
    }
    return ra_in_reg(e, v, &r) || has_home(e->ra, v);
}

static void release_if_dead(TcgEmit *e, IrRef v)
{
    RegAlloc *ra = e->ra;
    Reg r;
    if (is_needed(ra, v)) {
        return;
    }
    ra_drop_recipe(e, v);
    if (ra_in_reg(e, v, &r)) {
        reg_release(ra, r);
    }
    int slot = ra->values[v].slot;
    if (slot >= 0) {
        ra->s.slots[slot / 64] &= ~BIT(slot % 64);
    }
}

void ra_drop_recipe(TcgEmit *e, IrRef flags)
{
    for (unsigned k = 0; k < MAX_RECIPES; k++) {
        RaRecipe old = e->ra->s.recipes[k];
        if (flags && old.flags == flags) {
            e->ra->s.recipes[k] = (RaRecipe){ 0 };
            if (!ir_is_const(old.a)) {
                release_if_dead(e, old.a);
            }
            if (!ir_is_const(old.b)) {
                release_if_dead(e, old.b);
            }
        }
    }
}

/* ---- moves between places ---- */

static void load_mem(TcgEmit *e, unsigned type, Reg r, Mem m)
{
    if (reg_is_xmm(r)) {
        simd_load(e, ir_type_size(type), r, m);
    } else {
        asm_mov_rm(e, type == IR_I32 ? 0 : X_W, r, m);
    }
}

static void store_mem(TcgEmit *e, unsigned type, Mem m, Reg r)
{
    if (reg_is_xmm(r)) {
        simd_store(e, ir_type_size(type), m, r);
    } else {
        asm_mov_mr(e, type == IR_I32 ? 0 : X_W, m, r);
    }
}

static void load_const(TcgEmit *e, IrRef c, Reg r)
{
    const IrConst *k = ir_const_get(e->unit, c);
    if (!reg_is_xmm(r)) {
        asm_mov_ri(e, r, k->lo);
    } else if (!k->lo && !k->hi) {
        simd_zero(e, r);
    } else {
        simd_load(e, 16, r, emit_pool(e, k->lo, k->hi));
    }
}

/* The memory that holds v, which is in no register. */
bool ra_value_mem(const TcgEmit *e, IrRef v, Mem *m)
{
    const RegAlloc *ra = e->ra;
    if (ra->values[v].slot >= 0) {
        *m = slot_mem((uint32_t)ra->values[v].slot);
        return true;
    }
    if (has_home(ra, v)) {
        *m = var_mem(e, ra->values[v].home);
        return true;
    }
    return false;
}

static void load_value(TcgEmit *e, IrRef v, Reg r)
{
    RegAlloc *ra = e->ra;
    unsigned type = ra->values[v].type;
    Mem m;
    bool found = ra_value_mem(e, v, &m);
    assert(found && "value is nowhere");
    if (ra->values[v].slot >= 0) {
        type = type_is_xmm(type) ? IR_V128 : IR_I64; /* slots keep what is known to be zero */
    } else if (type == IR_V128 && ra->values[v].need <= 8) { /* used as a scalar only */
        type = ra->values[v].need <= 4 ? IR_F32 : IR_F64;
        ra->values[v].zero_above = type == IR_F32 ? ZERO_ABOVE_32 | ZERO_ABOVE_64 : ZERO_ABOVE_64;
    }
    load_mem(e, type, r, m);
}

void ra_load_to(TcgEmit *e, IrRef ref, Reg r)
{
    IrRef v = ra_canonical(e->ra, ref);
    Reg s;
    if (ir_is_const(v)) {
        load_const(e, v, r);
    } else if (ra_in_reg(e, v, &s)) {
        if (reg_is_xmm(r)) {
            simd_mov(e, r, s);
        } else if (reg_is_xmm(s)) {
            simd_to_gpr(e, X_W, r, s);
        } else if (r != s) {
            asm_mov_rr(e, e->ra->values[v].type == IR_I32 ? 0 : X_W, r, s);
        }
    } else if (!ra_is_somewhere(e, v) && flags_recipe(e->ra, v) &&
               flags_recipe(e->ra, v)->guarded) {
        flags_load_guarded(e, flags_recipe(e->ra, v), r);
    } else if (!ra_is_somewhere(e, v) && (e->ra->s.flags_ref == v || flags_recipe(e->ra, v))) {
        if (e->ra->s.flags_ref != v) {
            flags_from_recipe(e, flags_recipe(e->ra, v));
        }
        flags_to_rax(e);
        if (r != RAX) {
            asm_mov_rr(e, 0, r, RAX);
        }
    } else {
        load_value(e, v, r);
    }
}

static int slot_alloc(RegAlloc *ra)
{
    for (unsigned w = 0; w < FRAME_SLOTS / 64; w++) {
        if (~ra->s.slots[w]) {
            unsigned bit = (unsigned)__builtin_ctzll(~ra->s.slots[w]);
            ra->s.slots[w] |= BIT(bit);
            return (int)(w * 64 + bit);
        }
    }
    ra->slots_out = true;
    return 0;
}

static void spill(TcgEmit *e, IrRef v, Reg r)
{
    RegAlloc *ra = e->ra;
    int slot = slot_alloc(ra);
    if (!reserve(&ra->spilled, &ra->cap_spilled, ra->s.nspilled + 1, sizeof ra->spilled[0])) {
        e->failed = true;
        return;
    }
    ra->spilled[ra->s.nspilled++] = v;
    ra->values[v].slot = (int16_t)slot;
    store_mem(e, reg_is_xmm(r) ? IR_V128 : IR_I64, slot_mem((uint32_t)slot), r);
}

/* The memory of `var` is about to change: the value that lives only there must move. */
static void rescue(TcgEmit *e, uint32_t var)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra->vars[var].mem_val;
    Reg r;
    if (!v || ra->values[v].home != var || !is_needed(ra, v) || ra->values[v].slot >= 0 ||
        ra_in_reg(e, v, &r)) {
        return;
    }
    bool xmm = type_is_xmm(ra->values[v].type);
    uint32_t avail = ra->free_regs & ~ra->pinned & (xmm ? XMM_MASK : GPR_MASK);
    if (avail) {
        r = (Reg)__builtin_ctz(avail);
        load_value(e, v, r);
        reg_assign(ra, r, v);
    } else {
        r = xmm ? XMM15 : RAX;
        load_value(e, v, r);
        spill(e, v, r);
    }
}

static void store_const(TcgEmit *e, unsigned type, Mem m, IrRef c)
{
    const IrConst *k = ir_const_get(e->unit, c);
    if (type == IR_V128) {
        load_const(e, c, XMM15);
        simd_store(e, 16, m, XMM15);
    } else if (ir_type_size(type) == 4) {
        asm_rm_i32(e, 0xc7, 0, m, (uint32_t)k->lo);
    } else if ((int64_t)k->lo == (int32_t)k->lo) {
        asm_rm_i32(e, X_W | 0xc7, 0, m, (uint32_t)k->lo);
    } else {
        asm_mov_ri(e, RAX, k->lo);
        asm_mov_mr(e, X_W, m, RAX);
    }
}

static void clean(TcgEmit *e, uint32_t var)
{
    RegAlloc *ra = e->ra;
    ra->dirty[var / 64] &= ~BIT(var % 64);
    IrRef v = ra->vars[var].cur;
    if (v && !ir_is_const(v)) {
        ra->values[v].ndirty--;
    }
}

/* Bring the memory of a dirty variable up to date. */
static void write_back(TcgEmit *e, uint32_t var)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra->vars[var].cur;
    unsigned type = ir_var_type(e->unit, var);
    Mem m = var_mem(e, var);
    rescue(e, var);
    ra->vars[var].mem_val = IR_NONE;
    if (ir_is_const(v)) {
        store_const(e, type, m, v);
        clean(e, var);
        return;
    }
    Reg r;
    if (!ra_in_reg(e, v, &r)) {
        r = type_is_xmm(type) ? XMM15 : RAX;
        ra_load_to(e, v, r);
    }
    if (type_is_xmm(type) != reg_is_xmm(r)) {
        assert(!"variable and value of different classes");
    }
    store_mem(e, type, m, r);
    clean(e, var);
    if (ir_type_size(type) >= ir_type_size(ra->values[v].type) && !has_home(ra, v)) {
        ra->vars[var].mem_val = v;
        ra->values[v].home = var;
    }
    release_if_dead(e, v);
}

/* ---- allocation ---- */

static void evict(TcgEmit *e, Reg r)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra->s.reg_val[r];
    if (ra->values[v].ndirty) {
        for (uint32_t w = 0; w < dirty_words(ra); w++) {
            for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
                uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
                if (ra->vars[var].cur == v) {
                    write_back(e, var);
                }
            }
        }
    }
    if (ra->s.reg_val[r] != v) {
        return; /* not needed any more */
    }
    if (is_needed(ra, v) && ra->values[v].slot < 0 && !has_home(ra, v)) {
        spill(e, v, r);
    }
    reg_release(ra, r);
}

static Reg choose_victim(const RegAlloc *ra, uint32_t candidates)
{
    Reg best = REG_NONE;
    uint32_t best_score = 0;
    for (; candidates; candidates &= candidates - 1) {
        Reg r = (Reg)__builtin_ctz(candidates);
        const RaValue *v = &ra->values[ra->s.reg_val[r]];
        uint32_t score = v->next_use ? v->next_use + 1 : UINT32_MAX;
        if (best == REG_NONE || score > best_score) {
            best = r;
            best_score = score;
        }
    }
    assert(best != REG_NONE && "all registers pinned");
    return best;
}

static Reg alloc_reg(TcgEmit *e, uint32_t mask)
{
    RegAlloc *ra = e->ra;
    uint32_t avail = ra->free_regs & mask & ~ra->pinned;
    if (!avail) {
        uint32_t all = mask & (ALLOCATABLE_GPR | ALLOCATABLE_XMM) & ~ra->pinned & ~ra->temps;
        Reg r = choose_victim(ra, all & ~ra->free_regs);
        evict(e, r);
        return r;
    }
    if (avail & ~(1u << RDX)) {
        avail &= ~(1u << RDX); /* multiplication and division want it */
    }
    return (Reg)__builtin_ctz(avail);
}

static uint32_t class_mask(unsigned type)
{
    return type_is_xmm(type) ? XMM_MASK : GPR_MASK;
}

/* For value `v`: if possible, where it has to be in the end. */
static Reg alloc_for(TcgEmit *e, IrRef v)
{
    const RegAlloc *ra = e->ra;
    const RaMergeVar *want = ra->values[v].want;
    uint32_t mask = class_mask(ra->values[v].type);
    if (want && want->reg != REG_NONE && (ra->free_regs & mask & ~ra->pinned) >> want->reg & 1) {
        return want->reg;
    }
    return alloc_reg(e, mask);
}

static Reg alloc_temp(TcgEmit *e, uint32_t mask)
{
    Reg r = alloc_reg(e, mask);
    e->ra->free_regs &= ~(1u << r);
    e->ra->temps |= 1u << r;
    return r;
}

Reg ra_temp_gpr(TcgEmit *e)
{
    return alloc_temp(e, GPR_MASK);
}

Reg ra_temp_xmm(TcgEmit *e)
{
    return alloc_temp(e, XMM_MASK);
}

Reg ra_use(TcgEmit *e, IrRef ref)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra_canonical(ra, ref);
    Reg r;
    if (ir_is_const(v)) {
        r = alloc_temp(e, class_mask(ir_const_get(e->unit, v)->type));
        load_const(e, v, r);
        return r;
    }
    if (!ra_in_reg(e, v, &r)) {
        r = alloc_for(e, v);
        ra_load_to(e, v, r);
        reg_assign(ra, r, v);
    }
    ra->pinned |= 1u << r;
    return r;
}

void ra_pull(TcgEmit *e, IrRef v)
{
    Reg r = alloc_reg(e, class_mask(e->ra->values[v].type));
    ra_load_to(e, v, r);
    reg_assign(e->ra, r, v);
}

bool ra_use_mem(TcgEmit *e, IrRef ref, Mem *m)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra_canonical(ra, ref);
    Reg r;
    if (ir_is_const(v) || ra_in_reg(e, v, &r)) {
        return false;
    }
    /* Nothing may be evicted while memory operands are pending: that could change them. */
    if (__builtin_popcount(ra->free_regs & ALLOCATABLE_GPR) < 4 ||
        __builtin_popcount(ra->free_regs & ALLOCATABLE_XMM) < 4) {
        return false;
    }
    /* The memory must be as large as the operand; a value used again is better loaded. */
    if (ir_type_size(ra->values[v].type) < ir_type_size(ir_ref_type(e->unit, ref))) {
        return false;
    }
    for (unsigned k = 0; k < IR_MAX_ARGS && e->insn->arg[k]; k++) {
        if (ra_canonical(ra, e->insn->arg[k]) == v && ra->insn_uses[1 + k]) {
            return false;
        }
    }
    return ra_value_mem(e, v, m);
}

void ra_make_room(TcgEmit *e)
{
    alloc_reg(e, class_mask(e->unit->value_types[e->insn->dst]));
}

void ra_claim(TcgEmit *e, Reg r)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra->s.reg_val[r];
    assert(!((ra->pinned | ra->temps) >> r & 1) && "claim before use");
    if (v) {
        uint32_t avail = ra->free_regs & (reg_is_xmm(r) ? XMM_MASK : GPR_MASK);
        if (avail) {
            Reg to = (Reg)__builtin_ctz(avail);
            reg_release(ra, r);
            if (reg_is_xmm(r)) {
                simd_mov(e, to, r);
            } else {
                asm_mov_rr(e, X_W, to, r);
            }
            reg_assign(ra, to, v);
        } else {
            evict(e, r);
        }
    }
    ra->free_regs &= ~(1u << r);
    ra->temps |= 1u << r;
}

/* ---- instructions ---- */

void ra_insn_begin(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    e->insn = in;
    ra->position++;
    ra->insn_uses = ra->uses + ra->use_at;
    ra->use_at += 1 + ra_nargs(in);
    ra->pinned = 0;
    ra->temps = 0;
    ra->done = false;
}

/* The next `set` behind `in` if no code is emitted before it, or NULL. */
static const IrInsn *next_set(const RegAlloc *ra, const IrInsn *in)
{
    do {
        in++;
        bool is_copy = in->dst && ra->values[in->dst].alias;
        bool is_fused = in->op >= IR_OP_NZCV_ADD && in->op <= IR_OP_NZCV_SBC && in->sub;
        if (in->op != IR_OP_SET && !is_copy && !is_fused) {
            return NULL;
        }
    } while (in->op != IR_OP_SET);
    return in;
}

/* If the next instructions set variables to this one's result, what these hold now need not be
 * kept for their sake. */
static void look_ahead(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    const IrInsn *in = e->insn;
    if (!in->dst) {
        return;
    }
    for (const IrInsn *next = next_set(ra, in); next; next = next_set(ra, next)) {
        uint32_t var = (uint32_t)next->imm;
        if (ra_canonical(ra, next->arg[0]) == in->dst && is_dirty(ra, var)) {
            IrRef old = ra->vars[var].cur;
            clean(e, var);
            ra->vars[var].cur = IR_NONE;
            if (old && !ir_is_const(old)) {
                bool operand = false;
                for (unsigned k = 0; k < IR_MAX_ARGS && in->arg[k]; k++) {
                    operand |= ra_canonical(ra, in->arg[k]) == old;
                }
                if (!operand) {
                    release_if_dead(e, old);
                }
            }
        }
    }
}

void ra_done(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    if (ra->done) {
        return;
    }
    ra->done = true;
    look_ahead(e);
    for (unsigned k = 0; k < IR_MAX_ARGS && e->insn->arg[k]; k++) {
        IrRef v = ra_canonical(ra, e->insn->arg[k]);
        if (!ir_is_const(v)) {
            ra->values[v].next_use = ra->insn_uses[1 + k];
        }
    }
    for (unsigned k = 0; k < IR_MAX_ARGS && e->insn->arg[k]; k++) {
        IrRef v = ra_canonical(ra, e->insn->arg[k]);
        if (!ir_is_const(v)) {
            release_if_dead(e, v);
        }
    }
    ra->pinned = 0;
}

bool ra_dies(const TcgEmit *e, IrRef ref)
{
    const RegAlloc *ra = e->ra;
    IrRef v = ra_canonical(ra, ref);
    if (ir_is_const(v)) {
        return true;
    }
    unsigned later = 0;
    for (unsigned k = 0; k < IR_MAX_ARGS && e->insn->arg[k]; k++) {
        if (ra_canonical(ra, e->insn->arg[k]) == v && ra->insn_uses[1 + k]) {
            return false;
        }
    }
    /* Dirty variables that are set next do not count. */
    const IrInsn *n = e->insn->dst ? next_set(ra, e->insn) : NULL;
    for (; n; n = next_set(ra, n)) {
        later += ra_canonical(ra, n->arg[0]) == e->insn->dst && is_dirty(ra, (uint32_t)n->imm) &&
                 ra->vars[n->imm].cur == v;
    }
    return ra->values[v].ndirty <= later && !is_held(ra, v);
}

bool ra_dst_used(const TcgEmit *e)
{
    return e->ra->insn_uses[0] != 0;
}

static Reg define(TcgEmit *e, Reg r)
{
    RegAlloc *ra = e->ra;
    IrRef dst = e->insn->dst;
    ra->values[dst].next_use = ra->insn_uses[0];
    reg_assign(ra, r, dst);
    ra->pinned |= 1u << r;
    return r;
}

Reg ra_def(TcgEmit *e)
{
    return define(e, alloc_for(e, e->insn->dst));
}

Reg ra_def_early(TcgEmit *e, IrRef dst)
{
    RegAlloc *ra = e->ra;
    Reg r = alloc_for(e, dst);
    ra->values[dst].next_use = ra->position + 1;
    reg_assign(ra, r, dst);
    ra->pinned |= 1u << r;
    return r;
}

void ra_def_late(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    ra->values[e->insn->dst].next_use = ra->insn_uses[0];
    release_if_dead(e, e->insn->dst);
}

Reg ra_def_fixed(TcgEmit *e, Reg r)
{
    assert(e->ra->temps >> r & 1);
    e->ra->temps &= ~(1u << r);
    return define(e, r);
}

/* The register of operand `ref` for the result, if it dies here; else REG_NONE. */
static Reg take_over(TcgEmit *e, IrRef ref)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra_canonical(ra, ref);
    Reg r;
    unsigned operands = 0;
    for (unsigned k = 0; k < IR_MAX_ARGS && e->insn->arg[k]; k++) {
        operands += ra_canonical(ra, e->insn->arg[k]) == v;
    }
    if (ir_is_const(v) || operands > 1 || !ra_dies(e, ref) || !ra_in_reg(e, v, &r) ||
        reg_is_xmm(r) != type_is_xmm(e->unit->value_types[e->insn->dst])) {
        return REG_NONE;
    }
    return r;
}

Reg ra_def_hint(TcgEmit *e, IrRef ref)
{
    Reg r = take_over(e, ref);
    ra_done(e);
    if (r == REG_NONE) {
        return ra_def(e);
    }
    return define(e, r);
}

Reg ra_def_over(TcgEmit *e, IrRef ref)
{
    /* What has no snapshot: */
    if (e->insn->op < IR_OP_COUNT && ir_op_info[e->insn->op].effects == IR_EFFECT_PURE) {
        look_ahead(e);
    }
    Reg r = take_over(e, ref);
    if (r == REG_NONE) {
        /* Allocated while all operands are pinned. */
        r = alloc_for(e, e->insn->dst);
        e->ra->free_regs &= ~(1u << r);
        ra_load_to(e, ref, r);
    }
    ra_done(e);
    return define(e, r);
}

void ra_insn_end(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    ra_done(e);
    ra->free_regs |= ra->temps;
    ra->temps = 0;
    ra->pinned = 0;
    if (e->insn->dst && !ra->values[e->insn->dst].alias) {
        release_if_dead(e, e->insn->dst);
    }
}

/* ---- variables ---- */

/* The present content of `var` will not be asked for through it again. */
static void forget_content(TcgEmit *e, uint32_t var)
{
    RegAlloc *ra = e->ra;
    IrRef old = ra->vars[var].cur;
    if (is_dirty(ra, var)) {
        clean(e, var);
        if (old && !ir_is_const(old)) {
            release_if_dead(e, old);
        }
    }
    ra->vars[var].cur = IR_NONE;
}

static void forget_if_unseen(TcgEmit *e, const IrInsn *in, IrRef flags)
{
    RegAlloc *ra = e->ra;
    if (!flags || !ra->values[flags].ndirty || ra->values[flags].next_use) {
        return;
    }
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (ra->vars[var].cur == flags && !ra_is_seen_from(e, in, ra->block, var)) {
                forget_content(e, var);
            }
        }
    }
}

void ra_forget_unseen(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    if (!ra->seen) {
        return;
    }
    forget_if_unseen(e, in, ra->s.flags_ref);
    for (unsigned k = 0; k < MAX_RECIPES; k++) {
        forget_if_unseen(e, in, ra->s.recipes[k].flags);
    }
}

void ra_set(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    uint32_t var = (uint32_t)in->imm;
    IrRef v = ra_canonical(ra, in->arg[0]);
    if (is_dirty(ra, var) && ra->vars[var].cur == v) {
        return;
    }
    if (ir_is_const(v)) {
        forget_content(e, var);
        ra->vars[var].cur = v;
        ra->dirty[var / 64] |= BIT(var % 64);
        return;
    }
    ra->values[v].ndirty++; /* keeps it while the old content goes */
    forget_content(e, var);
    if (ra->vars[var].mem_val == v && ra->values[v].home == var) {
        ra->values[v].ndirty--; /* memory has it already */
        return;
    }
    ra->vars[var].cur = v;
    ra->dirty[var / 64] |= BIT(var % 64);
}

void ra_get(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    uint32_t var = (uint32_t)in->imm;
    if (is_dirty(ra, var)) {
        write_back(e, var);
    }
    rescue(e, var);
    ra->vars[var].mem_val = in->dst;
    ra->values[in->dst].home = var;
    ra->values[in->dst].next_use = ra->insn_uses[0];
}

void ra_set_pc(TcgEmit *e, uint64_t pc)
{
    uint32_t var = e->unit->globals->pc;
    if (var >= e->unit->globals->count) {
        return;
    }
    forget_content(e, var);
    e->ra->vars[var].cur = ir_const(e->unit, IR_I64, pc, 0);
    e->ra->dirty[var / 64] |= BIT(var % 64);
}

void ra_flush(TcgEmit *e, bool locals, uint32_t skip)
{
    RegAlloc *ra = e->ra;
    uint32_t nglobals = e->unit->globals->count;
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (var != skip && (locals || var < nglobals)) {
                write_back(e, var);
            }
        }
    }
}

bool ra_is_clean(const TcgEmit *e, uint32_t skip)
{
    const RegAlloc *ra = e->ra;
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (var != skip && var < e->unit->globals->count) {
                return false;
            }
        }
    }
    return true;
}

void ra_forget_dirty(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            clean(e, w * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
}

void ra_before_call(TcgEmit *e, bool writes, uint32_t arguments)
{
    RegAlloc *ra = e->ra;
    ra_done(e);
    ra->pinned = arguments | CALLER_SAVED; /* not for rescued values, nor arguments that die */
    for (uint32_t var = 0; writes && var < e->unit->globals->count; var++) {
        rescue(e, var);
        ra->vars[var] = (RaVar){ 0 };
    }
    for (Reg r = 0; r < XMM14; r++) {
        IrRef v = ra->s.reg_val[r];
        if (!v || !(CALLER_SAVED >> r & 1)) {
            continue;
        }
        uint32_t avail = ra->free_regs & GPR_MASK & ~CALLER_SAVED & ~ra->pinned;
        if (!reg_is_xmm(r) && avail) {
            Reg to = (Reg)__builtin_ctz(avail);
            asm_mov_rr(e, X_W, to, r);
            reg_release(ra, r);
            reg_assign(ra, to, v);
        } else {
            evict(e, r);
        }
    }
    ra->pinned = 0;
}

/* ---- snapshots ---- */

static void loc_recipe(TcgEmit *e, const RaRecipe *recipe, Loc *loc)
{
    FlagsLoc *f = tcg_meta_alloc(e->ctx, sizeof *f);
    if (!f) {
        e->failed = true;
        return;
    }
    *f = (FlagsLoc){ .form = recipe->form, .type = recipe->type };
    f->a = ra_loc(e, recipe->a, recipe->type);
    f->b = ra_loc(e, recipe->b, recipe->type);
    if (recipe->guarded) {
        f->guard = e->ra->guard_slot + 1;
        f->offset = e->unit->globals->table[e->ra->guarded_var].offset;
    }
    loc->kind = LOC_FLAGS;
    loc->v = (int32_t)tcg_meta_offset(e->ctx, f);
}

Loc ra_loc(TcgEmit *e, IrRef ref, unsigned type)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra_canonical(ra, ref);
    Loc loc = { .type = (uint8_t)type };
    Reg r;
    if (ir_is_const(v)) {
        const IrConst *k = ir_const_get(e->unit, v);
        if (!k->hi && (int64_t)k->lo == (int32_t)k->lo) {
            loc.kind = LOC_IMM;
            loc.v = (int32_t)k->lo;
            return loc;
        }
        V128 *c = tcg_meta_alloc(e->ctx, sizeof *c);
        if (!c) {
            e->failed = true;
            return loc;
        }
        c->d[0] = k->lo;
        c->d[1] = k->hi;
        loc.kind = LOC_CONST;
        loc.v = (int32_t)tcg_meta_offset(e->ctx, c);
    } else if (ra_in_reg(e, v, &r)) {
        loc.kind = LOC_REG;
        loc.reg = r;
    } else if (ra->values[v].slot >= 0) {
        loc.kind = LOC_SLOT;
        loc.v = ra->values[v].slot;
    } else if (!has_home(ra, v) && flags_recipe(ra, v)) {
        loc_recipe(e, flags_recipe(ra, v), &loc);
    } else {
        assert(has_home(ra, v));
        uint32_t home = ra->values[v].home, nglobals = e->unit->globals->count;
        loc.reg = ra->values[v].type;
        if (home < nglobals) {
            loc.kind = LOC_ENV;
            loc.v = (int32_t)e->unit->globals->table[home].offset;
        } else {
            loc.kind = LOC_LOCAL; /* its type's bytes only, unlike a value's slot */
            loc.v = ra->local_slot[home - nglobals];
        }
    }
    return loc;
}

uint32_t ra_snapshot_count(const TcgEmit *e)
{
    const RegAlloc *ra = e->ra;
    uint32_t n = 0;
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        n += (uint32_t)__builtin_popcountll(ra->dirty[w]);
    }
    return n;
}

uint32_t ra_snapshot(TcgEmit *e, SnapEntry *out)
{
    const RegAlloc *ra = e->ra;
    const SnapEntry *first = out;
    const IrGlobals *g = e->unit->globals;
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (var < g->count) {
                *out++ = (SnapEntry){ g->table[var].offset,
                                      ra_loc(e, ra->vars[var].cur, g->table[var].type) };
            }
        }
    }
    return (uint32_t)(out - first);
}

/* ---- blocks ---- */

static void apply_live_in(TcgEmit *e, uint32_t block)
{
    RegAlloc *ra = e->ra;
    const RaBlock *rb = &ra->blocks[block];
    for (Reg r = 0; r < REG_COUNT; r++) {
        if (ra->s.reg_val[r]) {
            ra->values[ra->s.reg_val[r]].next_use = 0;
        }
    }
    for (unsigned k = 0; k < MAX_RECIPES; k++) {
        ra->values[ra->s.recipes[k].flags].next_use = 0;
    }
    for (uint32_t i = 0; i < rb->live_in_count; i++) {
        const RaLive *l = &ra->live[rb->live_in + i];
        ra->values[l->value].next_use = l->next_use;
    }
    for (unsigned k = 0; k < MAX_RECIPES; k++) {
        if (ra->s.recipes[k].flags) {
            release_if_dead(e, ra->s.recipes[k].flags);
        }
    }
    for (Reg r = 0; r < REG_COUNT; r++) {
        if (ra->s.reg_val[r]) {
            release_if_dead(e, ra->s.reg_val[r]);
        }
    }
}

void ra_state_save(TcgEmit *e, uint32_t block)
{
    RegAlloc *ra = e->ra;
    if (ra->nsaved == ra->cap_saved) {
        uint32_t old = ra->cap_saved;
        if (!reserve(&ra->saved, &ra->cap_saved, old + 1, sizeof ra->saved[0])) {
            e->failed = true;
            return;
        }
        memset(ra->saved + old, 0, (ra->cap_saved - old) * sizeof ra->saved[0]);
    }
    struct RaSaved *saved = &ra->saved[ra->nsaved];
    if (saved->cap_vars < ra->nvars) {
        free(saved->vars);
        saved->cap_vars = ra->cap_vars;
        saved->vars = malloc(saved->cap_vars * sizeof(RaVar) + (saved->cap_vars / 64 + 1) * 8);
        if (!saved->vars) {
            saved->cap_vars = 0;
            e->failed = true;
            return;
        }
    }
    ra->nsaved++;
    saved->s = ra->s;
    saved->block = block;
    memcpy(saved->vars, ra->vars, ra->nvars * sizeof(RaVar));
    memcpy(saved->vars + saved->cap_vars, ra->dirty, dirty_words(ra) * 8);
}

static void state_restore(TcgEmit *e, uint32_t block)
{
    RegAlloc *ra = e->ra;
    assert(ra->nsaved);
    const struct RaSaved *saved = &ra->saved[--ra->nsaved];
    assert(saved->block == block);
    while (ra->s.nspilled > saved->s.nspilled) { /* spilled on another path only */
        ra->values[ra->spilled[--ra->s.nspilled]].slot = -1;
    }
    ra->s = saved->s;
    memcpy(ra->vars, saved->vars, ra->nvars * sizeof(RaVar));
    memcpy(ra->dirty, saved->vars + saved->cap_vars, dirty_words(ra) * 8);
    ra->free_regs = ALLOCATABLE_GPR | ALLOCATABLE_XMM;
    for (Reg r = 0; r < REG_COUNT; r++) {
        if (ra->s.reg_val[r]) {
            reg_assign(ra, r, ra->s.reg_val[r]);
        }
    }
    for (uint32_t var = 0; var < ra->nvars; var++) {
        IrRef v = ra->vars[var].mem_val;
        if (v) {
            ra->values[v].home = var;
        }
        v = ra->vars[var].cur;
        if (is_dirty(ra, var) && !ir_is_const(v)) {
            ra->values[v].ndirty++; /* the other path ended with none */
        }
    }
}

static void state_reset(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    uint32_t nspilled = ra->s.nspilled;
    memset(&ra->s, 0, sizeof ra->s);
    ra->s.nspilled = ra->position ? nspilled : 0;
    for (uint32_t n = 0; n < ra->fixed_slots && n < FRAME_SLOTS; n++) {
        ra->s.slots[n / 64] |= BIT(n % 64);
    }
    ra->free_regs = ALLOCATABLE_GPR | ALLOCATABLE_XMM;
    memset(ra->vars, 0, ra->nvars * sizeof ra->vars[0]);
    memset(ra->dirty, 0, dirty_words(ra) * 8);
}

/* ---- merges ---- */

/* The present content of a merge's variable, where that is a value; else IR_NONE: memory. */
static IrRef edge_content(const TcgEmit *e, const RaMerge *m, uint32_t n)
{
    const RegAlloc *ra = e->ra;
    uint32_t var = m->vars[n].var;
    return is_dirty(ra, var) ? ra->vars[var].cur : ra->blocks[ra->block].edge[n];
}

static bool edge_in_reg(const TcgEmit *e, const RaMerge *m, uint32_t n, Reg *r)
{
    IrRef c = edge_content(e, m, n);
    return c && !ir_is_const(c) && ra_in_reg(e, c, r);
}

/* The first edge to a merge decides which registers its variables have: those that they have now.
 * Others are loaded for a loop; where mere branches join they stay in memory. */
static void place_merge(TcgEmit *e, RaMerge *m)
{
    RegAlloc *ra = e->ra;
    uint32_t left = (ALLOCATABLE_GPR | ALLOCATABLE_XMM) & ~(1u << RDX);
    for (uint32_t n = 0; n < m->count; n++) {
        Reg r;
        if (edge_in_reg(e, m, n, &r) && left >> r & 1) {
            m->vars[n].reg = r;
            left &= ~(1u << r);
        }
    }
    for (uint32_t n = 0; n < m->count; n++) {
        RaMergeVar *v = &m->vars[n];
        bool dirty = is_dirty(ra, v->var);
        if (v->reg == REG_NONE && (m->is_head || dirty)) {
            uint32_t avail = left & class_mask(ir_var_type(e->unit, v->var));
            avail = avail & ra->free_regs ? avail & ra->free_regs : avail;
            v->reg = (Reg)__builtin_ctz(avail);
            left &= ~(1u << v->reg);
        }
        v->dirty = v->reg != REG_NONE && (dirty || (m->is_head && v->dirty));
    }
    m->placed = true;
}

/* Does the edge that is emitted leave `var` to a recipe of the merge `to`? */
static bool leaves_to(const RegAlloc *ra, uint32_t to, uint32_t var)
{
    const RaMerge *m = ra->blocks[to].merge;
    return m && m->flags.flags && var == ra->guarded_var && ra->blocks[ra->block].leaves_recipe;
}

static bool merge_keeps(const RaMerge *m, uint32_t var)
{
    for (uint32_t n = 0; m && n < m->count; n++) {
        if (m->vars[n].var == var && m->vars[n].dirty) {
            return true;
        }
    }
    return false;
}

/* Variables that block `to` does not have in registers, or has there as clean ones: those that
 * somebody will look at go to memory. */
static void flush_edge(TcgEmit *e, uint32_t to, uint32_t skip)
{
    RegAlloc *ra = e->ra;
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (var == skip || !is_dirty(ra, var) || merge_keeps(ra->blocks[to].merge, var)) {
                continue;
            }
            if (ra_is_seen(ra, to, var) && !leaves_to(ra, to, var)) {
                write_back(e, var);
            } else {
                forget_content(e, var);
            }
        }
    }
}

static void move_to(TcgEmit *e, unsigned type, Reg to, Reg from)
{
    if (reg_is_xmm(to)) {
        simd_mov(e, to, from);
    } else {
        asm_mov_rr(e, type == IR_I32 ? 0 : X_W, to, from);
    }
}

void ra_parallel_moves(TcgEmit *e, RaMove *m, unsigned n)
{
    while (n) {
        bool progress = false;
        for (unsigned i = 0; i < n; i++) {
            bool blocked = false;
            for (unsigned k = 0; k < n; k++) {
                blocked |= k != i && m[k].from == m[i].to;
            }
            if (!blocked) {
                if (m[i].to != m[i].from || m[i].copy) {
                    move_to(e, m[i].type, m[i].to, m[i].from);
                }
                m[i--] = m[--n];
                progress = true;
            }
        }
        if (!progress) {
            Reg scratch = reg_is_xmm(m[0].from) ? XMM15 : RAX, from = m[0].from;
            move_to(e, IR_I64, scratch, from);
            for (unsigned k = 0; k < n; k++) {
                m[k].from = m[k].from == from ? scratch : m[k].from;
            }
        }
    }
}

/* A recipe's ingredients are where they are only as long as nothing is moved. */
static void settle_recipes(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    for (unsigned k = 0; k < MAX_RECIPES;) {
        IrRef f = ra->s.recipes[k].flags;
        if (f && ra->values[f].ndirty && !ra_is_somewhere(e, f)) {
            flags_materialise(e, f);
            k = 0; /* what host flags had may have a recipe now */
        } else {
            k++;
        }
    }
}

static bool merge_has(const RaMerge *m, uint32_t var)
{
    for (uint32_t n = 0; m && n < m->count; n++) {
        if (m->vars[n].var == var && m->vars[n].reg != REG_NONE) {
            return true;
        }
    }
    return false;
}

void ra_settle_flags(TcgEmit *e, uint32_t to)
{
    RegAlloc *ra = e->ra;
    IrRef f = ra->s.flags_ref;
    if (ra->blocks[to].parent == (int32_t)ra->block || ra_is_somewhere(e, f)) {
        return;
    }
    for (uint32_t w = 0; w < dirty_words(ra); w++) {
        for (uint64_t bits = ra->dirty[w]; bits; bits &= bits - 1) {
            uint32_t var = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (ra->vars[var].cur != f || !ra_is_seen(ra, to, var) || leaves_to(ra, to, var)) {
                continue;
            }
            if (merge_has(ra->blocks[to].merge, var)) {
                flags_keep(e);
            } else {
                write_back(e, var);
            }
        }
    }
}

static void load_for_edge(TcgEmit *e, const RaMerge *m, uint32_t n)
{
    RegAlloc *ra = e->ra;
    const RaMergeVar *v = &m->vars[n];
    unsigned type = ir_var_type(e->unit, v->var);
    if (!is_dirty(ra, v->var)) {
        load_mem(e, type, v->reg, var_mem(e, v->var));
        return;
    }
    IrRef c = ra->vars[v->var].cur;
    ra_load_to(e, c, v->reg);
    if (type == IR_I32 && !ir_is_const(c) && ra->values[c].type != IR_I32) {
        asm_mov_rr(e, 0, v->reg, v->reg);
    }
}

void ra_edge(TcgEmit *e, uint32_t to, bool skip_pc)
{
    RegAlloc *ra = e->ra;
    RaMerge *m = ra->blocks[to].merge;
    uint32_t skip = skip_pc ? e->unit->globals->pc : NO_VAR;
    if (!m) {
        flush_edge(e, to, skip);
        ra_forget_dirty(e);
        return;
    }
    if (!m->placed) {
        place_merge(e, m);
    }
    flush_edge(e, to, skip);
    settle_recipes(e);
    RaMove moves[REG_COUNT];
    unsigned nmoves = 0;
    for (uint32_t n = 0; n < m->count; n++) {
        Reg to_reg = m->vars[n].reg, from;
        if (to_reg != REG_NONE && edge_in_reg(e, m, n, &from)) {
            unsigned type = ir_var_type(e->unit, m->vars[n].var);
            moves[nmoves++] = (RaMove){
                to_reg, from, (uint8_t)type,
                type == IR_I32 && ra->values[edge_content(e, m, n)].type != IR_I32,
            };
        }
    }
    ra_parallel_moves(e, moves, nmoves);
    for (uint32_t n = 0; n < m->count; n++) {
        Reg from;
        if (m->vars[n].reg != REG_NONE && !edge_in_reg(e, m, n, &from)) {
            load_for_edge(e, m, n);
        }
    }
    if (m->flags.flags) { /* after what was behind another guarded recipe */
        asm_rm_i32(e, 0xc7, 0, slot_mem(ra->guard_slot), ra->blocks[ra->block].leaves_recipe);
    }
    ra_forget_dirty(e);
}

static void begin_merge(TcgEmit *e, const RaBlock *rb)
{
    RegAlloc *ra = e->ra;
    RaMerge *m = rb->merge;
    if (!m->placed) { /* no variable has a register */
        m->flags.flags = IR_NONE;
    }
    m->placed = true;
    ra->s.recipes[0] = m->flags;
    for (uint32_t i = 0; i < rb->live_in_count; i++) {
        const RaLive *l = &ra->live[rb->live_in + i];
        ra->values[l->value].next_use = l->next_use;
    }
    for (uint32_t n = 0; n < m->count; n++) {
        const RaMergeVar *v = &m->vars[n];
        if (v->reg != REG_NONE) {
            reg_assign(ra, v->reg, v->value);
        }
        if (v->dirty) {
            ra->vars[v->var].cur = v->value;
            ra->dirty[v->var / 64] |= BIT(v->var % 64);
            ra->values[v->value].ndirty++;
        } else {
            ra->vars[v->var].mem_val = v->value;
            ra->values[v->value].home = v->var;
        }
        release_if_dead(e, v->value);
    }
    if (m->flags.flags) {
        ra->vars[ra->guarded_var].cur = m->flags.flags;
        ra->dirty[ra->guarded_var / 64] |= BIT(ra->guarded_var % 64);
        ra->values[m->flags.flags].ndirty++;
    }
}

/* ---- blocks begin ---- */

void ra_block_begin(TcgEmit *e, uint32_t block)
{
    const RaBlock *rb = &e->ra->blocks[block];
    if (rb->parent >= 0) {
        state_restore(e, block);
        apply_live_in(e, block);
        return;
    }
    state_reset(e);
    if (rb->merge) {
        begin_merge(e, rb);
    }
}

void ra_block_inherit(TcgEmit *e, uint32_t block)
{
    apply_live_in(e, block);
}
