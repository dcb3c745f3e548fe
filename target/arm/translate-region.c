// SPDX-License-Identifier: MIT
//
// Translation of a region: guest blocks that lead to one another by direct branches, made into one
// unit of IR, in which loops are loops.
//
// The blocks are found by a scan that knows branches only (C4.1, "Branches"); what else ends a
// block, such as a change of translation mode, is seen when the block is translated, and then the
// region just has an exit there. If the block asked for lies on a cycle, the region is that cycle
// with all others through it, and is entered at its lowest address, where compilers put the heads
// of loops. Otherwise it is all that was found from there on.
#include "target/arm/internal.h"
#include "target/arm/translate.h"

#define MAX_BLOCKS 96
#define MAX_BLOCK_INSNS 256
#define PAGE_INSNS (GUEST_PAGE_SIZE / 4)

/* Where an instruction leads, by its encoding alone. */
typedef struct Flow {
    bool next;    /* to the next one */
    bool target;  /* or to: */
    Vaddr to;
} Flow;

typedef struct GuestBlock {
    Vaddr pc;
    uint32_t insns;
    Vaddr succ[2]; /* 0: none */
    bool in;       /* part of the region */
    uint32_t ir;   /* its block of IR + 1; 0: nobody has led to it yet */
    bool done;
} GuestBlock;

struct ArmRegion {
    const CodeRegion *source;
    const uint8_t *code; /* of the page */
    Vaddr page;
    uint8_t leader[PAGE_INSNS]; /* 1: a block begins there; 2: and was scanned */
    GuestBlock blocks[MAX_BLOCKS];
    unsigned count;
    bool changed; /* a block was led to for the first time */
};

static bool in_page(const ArmRegion *r, Vaddr pc)
{
    return !((pc ^ r->page) >> GUEST_PAGE_BITS);
}

static unsigned index_of(Vaddr pc)
{
    return (pc & (GUEST_PAGE_SIZE - 1)) / 4;
}

static uint32_t word_at(const ArmRegion *r, Vaddr pc)
{
    uint32_t word;
    memcpy(&word, r->code + (pc & (GUEST_PAGE_SIZE - 1)), 4);
    return word;
}

static Flow flow_to(Vaddr pc, uint32_t word, unsigned lsb, unsigned bits, bool next)
{
    int64_t offset = sign_extend(bits_get(word, lsb, bits), bits) * 4;
    return (Flow){ .next = next, .target = true, .to = pc + (uint64_t)offset };
}

static Flow flow_of(Vaddr pc, uint32_t word)
{
    if ((word & 0xfc000000) == 0x14000000) /* B */
        return flow_to(pc, word, 0, 26, false);
    if ((word & 0xff000010) == 0x54000000) /* B.cond; 14 and 15 are always */
        return flow_to(pc, word, 5, 19, (word & 14) != 14);
    if ((word & 0x7e000000) == 0x34000000) /* CBZ, CBNZ */
        return flow_to(pc, word, 5, 19, true);
    if ((word & 0x7e000000) == 0x36000000) /* TBZ, TBNZ */
        return flow_to(pc, word, 5, 14, true);
    bool leaves = (word & 0xfc000000) == 0x94000000 || /* BL */
                  (word & 0xfe000000) == 0xd6000000 || /* BR, BLR, RET, ERET */
                  (word & 0xff000000) == 0xd4000000;   /* exceptions */
    return (Flow){ .next = !leaves };
}

/* ---- finding ------------------------------------------------------------------------------ */

static bool wanted(const ArmRegion *r, Vaddr pc)
{
    return in_page(r, pc) && r->source->wanted(r->source, pc);
}

/* Note that a block begins at `pc`. */
static void add_leader(ArmRegion *r, Vaddr *work, unsigned *count, Vaddr pc)
{
    if (!wanted(r, pc) || r->leader[index_of(pc)] || *count == MAX_BLOCKS)
        return;
    r->leader[index_of(pc)] = 1;
    work[(*count)++] = pc;
}

/* All places where blocks begin, nearest first; returns how many. */
static unsigned find_leaders(ArmRegion *r, Vaddr head, Vaddr *work)
{
    unsigned count = 0, insns = 0;
    add_leader(r, work, &count, head);
    for (unsigned n = 0; n < count; n++) {
        for (Vaddr pc = work[n]; in_page(r, pc) && insns < r->source->max_insns; pc += 4, insns++) {
            if (pc != work[n] && r->leader[index_of(pc)])
                break;
            Flow f = flow_of(pc, word_at(r, pc));
            if (f.target)
                add_leader(r, work, &count, f.to);
            if (f.target && f.next)
                add_leader(r, work, &count, pc + 4);
            if (f.target || !f.next)
                break;
        }
    }
    return count;
}

static GuestBlock *find_block(ArmRegion *r, Vaddr pc)
{
    for (unsigned n = 0; n < r->count; n++)
        if (r->blocks[n].pc == pc)
            return &r->blocks[n];
    return NULL;
}

/* From its leader to a branch or to the next leader. */
static void measure_block(ArmRegion *r, GuestBlock *b)
{
    for (Vaddr pc = b->pc;; pc += 4) {
        Flow f = flow_of(pc, word_at(r, pc));
        b->insns++;
        if (f.target)
            b->succ[0] = f.to;
        if (f.target && f.next)
            b->succ[1] = pc + 4;
        if (f.target || !f.next || !in_page(r, pc + 4) || b->insns == MAX_BLOCK_INSNS)
            return;
        if (r->leader[index_of(pc + 4)]) {
            b->succ[0] = pc + 4;
            return;
        }
    }
}

/* Keep the blocks from which `head` is reached; false if it is not reached from itself. */
static bool keep_cycles(ArmRegion *r, Vaddr head)
{
    bool cycle = false, changed = true;
    while (changed) {
        changed = false;
        for (unsigned n = 0; n < r->count; n++) {
            GuestBlock *b = &r->blocks[n];
            for (unsigned k = 0; k < 2 && !b->in; k++) {
                const GuestBlock *to = b->succ[k] ? find_block(r, b->succ[k]) : NULL;
                if (to && (to->pc == head || to->in)) {
                    b->in = changed = true;
                    cycle |= b->pc == head;
                }
            }
        }
    }
    return cycle;
}

static void find_blocks(ArmRegion *r, Vaddr *head)
{
    Vaddr work[MAX_BLOCKS];
    r->count = find_leaders(r, *head, work);
    for (unsigned n = 0; n < r->count; n++) {
        r->blocks[n] = (GuestBlock){ .pc = work[n] };
        measure_block(r, &r->blocks[n]);
    }
    bool cycle = keep_cycles(r, *head);
    for (unsigned n = 0; n < r->count; n++) {
        GuestBlock *b = &r->blocks[n];
        if (!cycle)
            b->in = true;
        else if (b->in && b->pc < *head)
            *head = b->pc;
    }
}

/* ---- translating -------------------------------------------------------------------------- */

bool region_goto(DisasContext *s, Vaddr target)
{
    GuestBlock *b = s->region ? find_block(s->region, target) : NULL;
    if (!b || !b->in)
        return false;
    if (!b->ir) {
        b->ir = ir_block_create(&s->b) + 1;
        s->region->changed = true;
    }
    if (target <= s->pc)
        ir_poll(&s->b, target);
    ir_jump(&s->b, b->ir - 1);
    s->ended = true;
    return true;
}

static void translate_block(DisasContext *s, const GuestBlock *b)
{
    ir_block_begin(&s->b, b->ir - 1);
    arm_translate_begin_block(s, b->pc);
    while (!s->ended) {
        arm_translate_insn(s, s->region->code + (s->pc & (GUEST_PAGE_SIZE - 1)));
        bool over = s->pc + 4 == b->pc + 4 * b->insns || s->cold_count > MAX_COLD_EXITS - 4;
        if (!s->ended && over)
            gen_exit_to(s, s->pc + 4, 0);
        s->pc += 4;
    }
}

static void note_extent(const ArmRegion *r, CodeRegion *out)
{
    out->first = UINT64_MAX;
    out->last = out->insns = 0;
    for (unsigned n = 0; n < r->count; n++) {
        const GuestBlock *b = &r->blocks[n];
        if (!b->ir)
            continue;
        out->first = MIN(out->first, b->pc);
        out->last = MAX(out->last, b->pc + 4 * b->insns - 1);
        out->insns += b->insns;
        out->blocks++;
    }
}

bool arm_translate_region(VCPU *vcpu, struct IrUnit *unit, Vaddr pc, uint64_t flags,
                          const uint8_t *code, CodeRegion *source)
{
    static const uint64_t special = UNIT_STEP | UNIT_ILLEGAL | UNIT_BREAKPOINTS | UNIT_PMU |
                                    UNIT_FP_SOFT;
    ArmRegion r = { .source = source, .page = pc & ~(Vaddr)(GUEST_PAGE_SIZE - 1) };
    DisasContext s;
    if (flags & special)
        return false;
    r.code = code - (pc & (GUEST_PAGE_SIZE - 1));
    source->blocks = 0;
    find_blocks(&r, &pc);
    arm_translate_begin(&s, arm_cpu(vcpu), unit, pc, flags);
    s.region = &r;
    if (flags & UNIT_FLAG_GUARDED) {
        memcpy(&s.word, r.code + (pc & (GUEST_PAGE_SIZE - 1)), 4);
        ir_insn_start(&s.b, pc);
        gen_landing_check(&s);
    }
    s.pc = pc - 4; /* the entry is no backward branch */
    if (!region_goto(&s, pc))
        return false;
    while (r.changed) {
        r.changed = false;
        for (unsigned n = 0; n < r.count; n++) {
            if (r.blocks[n].ir && !r.blocks[n].done) {
                r.blocks[n].done = true;
                translate_block(&s, &r.blocks[n]);
            }
        }
    }
    arm_translate_end(&s);
    note_extent(&r, source);
    unit->guest_bytes = (uint32_t)(source->last - source->first + 1);
    unit->guest_insns = source->insns;
    source->head = pc;
    return true;
}
