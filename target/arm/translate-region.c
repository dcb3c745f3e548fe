// SPDX-License-Identifier: MIT
//
// Translation of a region: guest blocks that lead to one another, made into one unit of IR, in
// which loops are loops and calls have become part of their callers.
//
// The blocks are found by a scan that knows branches only (C4.1, "Branches"); what else ends a
// block, such as a change of translation mode, is seen when the block is translated, and then the
// region just has an exit there. If the block asked for lies on a cycle, the region is that cycle
// with all others through it, and is entered at its lowest address, where compilers put the heads
// of loops. Otherwise it is all that was found from there on.
//
// A block is known by its address and the calls that led to it (a context: return addresses of
// calls within the region): a function that is called from two places is there twice. A RET in a
// context compares with the return address, which is mostly known to be equal. Other indirect branches
// compare with the addresses that they were seen to lead to.
//
// The entry's page is what the unit was found by. Whether another page is still the code that was
// translated is asked where it is entered (guard_page).
#include <stdlib.h>
#include "target/arm/internal.h"
#include "target/arm/translate.h"

#define MAX_BLOCKS 128
#define HASH_SIZE (2 * MAX_BLOCKS)
#define MAX_BLOCK_INSNS 256
#define MAX_CONTEXTS 32
#define MAX_CALL_DEPTH 4
#define MAX_TARGETS 10 /* of an indirect branch; each costs the rarer ones a comparison */
#define RARE 32        /* a target that is met once in so many times, or less, is none */

static_assert(MAX_BLOCKS <= UINT8_MAX, "their numbers stand in bytes");

typedef enum FlowKind {
    FLOW_NEXT, FLOW_JUMP, FLOW_CONDITION, FLOW_CALL, FLOW_RETURN, FLOW_JUMP_REG, FLOW_CALL_REG, FLOW_END
} FlowKind;

/* Where an instruction leads, by its encoding alone. */
typedef struct Flow {
    FlowKind kind;
    Vaddr to; /* of a branch */
} Flow;

/* A place in the region. */
typedef struct Where {
    Vaddr pc;
    unsigned context;
} Where;

typedef struct Context {
    unsigned parent, depth;
    Vaddr back; /* return address */
} Context;

typedef struct GuestBlock {
    Where at;
    uint32_t insns;
    unsigned succs;
    Where succ[MAX_TARGETS];
    bool indirect; /* ends in a branch to a register, of which the targets are known */
    bool in;       /* part of the region */
    bool done;     /* translated */
    uint32_t ir;   /* its block of IR + 1; 0: nobody has led to it yet */
} GuestBlock;

typedef struct RegionPage {
    Vaddr va;
    const uint8_t *code;
    uint32_t id;
} RegionPage;

struct ArmRegion {
    CodeRegion *source;
    uint32_t without;       /* TCG_NO_* */
    RegionPage pages[CODE_REGION_PAGES]; /* the entry's first */
    unsigned page_count;
    GuestBlock blocks[MAX_BLOCKS];
    unsigned count;
    uint8_t hash[HASH_SIZE]; /* of them by place: number + 1, or 0; the next one if it is taken */
    Context contexts[MAX_CONTEXTS];
    unsigned context_count; /* the first is that of the entry */
    Where head;
    unsigned context;       /* of the block that is translated */
    const GuestBlock *block; /* that block */
    bool changed;           /* a block was led to for the first time */
};

/* ---- code --------------------------------------------------------------------------------- */

static Vaddr page_of(Vaddr pc)
{
    return pc & ~(Vaddr)(GUEST_PAGE_SIZE - 1);
}

static const RegionPage *find_page(ArmRegion *r, Vaddr pc)
{
    for (unsigned n = 0; n < r->page_count; n++)
        if (r->pages[n].va == page_of(pc))
            return &r->pages[n];
    if (r->page_count == (r->without & TCG_NO_CROSS_PAGE_REGIONS ? 1 : CODE_REGION_PAGES))
        return NULL;
    RegionPage *p = &r->pages[r->page_count];
    *p = (RegionPage){ .va = page_of(pc) };
    p->code = r->source->page(r->source, pc, &p->id);
    if (!p->code)
        return NULL;
    r->page_count++;
    return p;
}

static const uint8_t *code_at(ArmRegion *r, Vaddr pc)
{
    return find_page(r, pc)->code + (pc - page_of(pc));
}

/* A branch to a register may have been seen to lead to where no instruction is. */
static bool wanted(ArmRegion *r, Vaddr pc)
{
    return !(pc & 3) && find_page(r, pc) && r->source->wanted(r->source, pc);
}

static Flow branch(FlowKind kind, Vaddr pc, uint32_t word, unsigned lsb, unsigned bits)
{
    int64_t offset = sign_extend(bits_get(word, lsb, bits), bits) * 4;
    return (Flow){ kind, pc + (uint64_t)offset };
}

static Flow flow_of(ArmRegion *r, Vaddr pc)
{
    uint32_t word;
    memcpy(&word, code_at(r, pc), 4);
    if ((word & 0x7c000000) == 0x14000000) /* B, BL */
        return branch(word >> 31 ? FLOW_CALL : FLOW_JUMP, pc, word, 0, 26);
    if ((word & 0xff000010) == 0x54000000) /* B.cond; 14 and 15 are always */
        return branch((word & 14) == 14 ? FLOW_JUMP : FLOW_CONDITION, pc, word, 5, 19);
    if ((word & 0x7e000000) == 0x34000000) /* CBZ, CBNZ */
        return branch(FLOW_CONDITION, pc, word, 5, 19);
    if ((word & 0x7e000000) == 0x36000000) /* TBZ, TBNZ */
        return branch(FLOW_CONDITION, pc, word, 5, 14);
    if (word == 0xd65f03c0 || (word & 0xfffffbff) == 0xd65f0bff) /* RET, RETAA, RETAB */
        return (Flow){ .kind = FLOW_RETURN };
    if ((word & 0xfedf0000) == 0xd61f0000) /* BR, BRAA and so on; bit 21 set: BLR */
        return (Flow){ .kind = word & BIT(21) ? FLOW_CALL_REG : FLOW_JUMP_REG };
    if ((word & 0xfe000000) == 0xd6000000 || (word & 0xff000000) == 0xd4000000)
        return (Flow){ .kind = FLOW_END }; /* ERET, other RET; exceptions */
    return (Flow){ .kind = FLOW_NEXT };
}

/* ---- finding ------------------------------------------------------------------------------ */

/* Where the block's number is, or is to be. */
static uint8_t *find_number(ArmRegion *r, Where at)
{
    unsigned h = (unsigned)(at.pc / 4) + at.context * 61;
    for (;; h++) {
        uint8_t *number = &r->hash[h % HASH_SIZE];
        const Where *is = *number ? &r->blocks[*number - 1].at : NULL;
        if (!is || (is->pc == at.pc && is->context == at.context))
            return number;
    }
}

static GuestBlock *find_block(ArmRegion *r, Where at)
{
    uint8_t number = *find_number(r, at);
    return number ? &r->blocks[number - 1] : NULL;
}

static void add_block(ArmRegion *r, Where at)
{
    uint8_t *number = find_number(r, at);
    if (r->count == MAX_BLOCKS || *number || !wanted(r, at.pc))
        return;
    r->blocks[r->count++] = (GuestBlock){ .at = at };
    *number = (uint8_t)r->count;
}

/* The context of what is called with this return address; 0: there is none. */
static unsigned called_context(ArmRegion *r, unsigned from, Vaddr back)
{
    for (unsigned n = 1; n < r->context_count; n++)
        if (r->contexts[n].parent == from && r->contexts[n].back == back)
            return n;
    for (unsigned n = from; n; n = r->contexts[n].parent)
        if (r->contexts[n].back == back)
            return 0; /* recursion */
    if (r->context_count == MAX_CONTEXTS || r->contexts[from].depth == MAX_CALL_DEPTH ||
        (r->without & TCG_NO_INLINED_CALLS))
        return 0;
    r->contexts[r->context_count] = (Context){ from, r->contexts[from].depth + 1, back };
    return r->context_count++;
}

/* Where the branch to a register at `at` leads mostly; a call with X30 set to behind it. Returns are not
 * followed beyond the calls that are known: they would make a region of callers of a function, where
 * better ones begin with the caller. */
static unsigned frequent_targets(ArmRegion *r, Where at, bool link, Where to[MAX_TARGETS])
{
    CodeTarget seen[MAX_TARGETS];
    unsigned count = 0, n = r->source->targets(r->source, at.pc, seen, MAX_TARGETS);
    unsigned context = n && link ? called_context(r, at.context, at.pc + 4) : at.context;
    uint64_t total = 0;
    if (link && !context)
        return 0;
    for (unsigned k = 0; k < n; k++)
        total += seen[k].count;
    while (count < n && (uint64_t)seen[count].count * RARE > total) {
        to[count] = (Where){ seen[count].pc, context };
        count++;
    }
    return count;
}

/* Where `flow` of the instruction at `at` leads within a region; returns to how many places. */
static unsigned successors(ArmRegion *r, Where at, Flow flow, Where to[MAX_TARGETS])
{
    const Where next = { at.pc + 4, at.context };
    to[0] = (Where){ flow.to, at.context };
    to[1] = next;
    switch (flow.kind) {
    case FLOW_NEXT:
        to[0] = next;
        return 1;
    case FLOW_JUMP:
        return 1;
    case FLOW_CONDITION:
        return 2;
    case FLOW_CALL:
        to[0].context = called_context(r, at.context, next.pc);
        return to[0].context != 0;
    case FLOW_RETURN:
        to[0] = (Where){ r->contexts[at.context].back, r->contexts[at.context].parent };
        return at.context != 0;
    case FLOW_JUMP_REG:
    case FLOW_CALL_REG:
        return frequent_targets(r, at, flow.kind == FLOW_CALL_REG, to);
    default:
        return 0;
    }
}

/* All blocks, nearest first. */
static void find_blocks(ArmRegion *r)
{
    uint32_t insns = 0;
    for (unsigned n = 0; n < r->count; n++) {
        Where at = r->blocks[n].at, to[MAX_TARGETS];
        for (; insns < r->source->max_insns; insns++) {
            Flow flow = flow_of(r, at.pc);
            if (flow.kind != FLOW_NEXT) {
                unsigned count = successors(r, at, flow, to);
                for (unsigned k = 0; k < count; k++)
                    add_block(r, to[k]);
                break;
            }
            at.pc += 4;
            if (page_of(at.pc) == at.pc || find_block(r, at)) {
                add_block(r, at);
                break;
            }
        }
    }
}

/* Up to a branch, to the next block's begin, or to the end of the page. */
static void measure_block(ArmRegion *r, GuestBlock *b)
{
    Where at = b->at;
    for (;;) {
        Flow flow = flow_of(r, at.pc);
        b->insns++;
        const Where next = { at.pc + 4, at.context };
        if (flow.kind != FLOW_NEXT || page_of(next.pc) == next.pc ||
            b->insns == MAX_BLOCK_INSNS || find_block(r, next)) {
            b->succs = successors(r, at, flow, b->succ);
            b->indirect = b->succs && (flow.kind == FLOW_JUMP_REG || flow.kind == FLOW_CALL_REG);
            return;
        }
        at = next;
    }
}

static bool leads_to_kept(ArmRegion *r, const GuestBlock *b)
{
    for (unsigned k = 0; k < b->succs; k++) {
        const GuestBlock *to = find_block(r, b->succ[k]);
        if (to && (to->in || to == find_block(r, r->head)))
            return true;
    }
    return false;
}

/* Keep the blocks from which the head is reached; false if it is not reached from itself. */
static bool keep_cycles(ArmRegion *r)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned n = 0; n < r->count; n++) {
            GuestBlock *b = &r->blocks[n];
            if (!b->in && leads_to_kept(r, b))
                b->in = changed = true;
        }
    }
    return find_block(r, r->head)->in;
}

static bool may_be_head(const ArmRegion *r, const GuestBlock *b)
{
    return b->in && !b->at.context && page_of(b->at.pc) == r->pages[0].va;
}

static void enter_at_lowest(ArmRegion *r)
{
    for (unsigned n = 0; n < r->count; n++)
        if (may_be_head(r, &r->blocks[n]) && r->blocks[n].at.pc < r->head.pc)
            r->head = r->blocks[n].at;
}

static unsigned predecessors(const ArmRegion *r, Where at)
{
    unsigned count = 0;
    for (unsigned n = 0; n < r->count; n++)
        for (unsigned k = 0; r->blocks[n].in && k < r->blocks[n].succs; k++)
            count += r->blocks[n].succ[k].pc == at.pc && r->blocks[n].succ[k].context == at.context;
    return count;
}

/* An interpreter leaves the region for what it does rarely, and has to come back soon: where most
 * ways lead to. */
static void enter_at_busiest(ArmRegion *r)
{
    unsigned most = predecessors(r, r->head);
    for (unsigned n = 0; n < r->count; n++) {
        unsigned count = may_be_head(r, &r->blocks[n]) ? predecessors(r, r->blocks[n].at) : 0;
        if (count > most) {
            most = count;
            r->head = r->blocks[n].at;
        }
    }
}

static void choose_blocks(ArmRegion *r)
{
    bool chooses = false; /* it has a branch with several targets */
    for (unsigned n = 0; n < r->count; n++)
        measure_block(r, &r->blocks[n]);
    bool cycle = keep_cycles(r);
    for (unsigned n = 0; n < r->count; n++) {
        GuestBlock *b = &r->blocks[n];
        b->in |= !cycle;
        chooses |= b->in && b->indirect && b->succs > 1;
    }
    if (cycle && chooses)
        enter_at_busiest(r);
    else if (cycle)
        enter_at_lowest(r);
}

/* Of what was chosen; whether a block is led to at all turns out when the others are translated. */
static void note_extent(ArmRegion *r)
{
    CodeRegion *out = r->source;
    out->head = r->head.pc;
    out->span_count = r->page_count;
    for (unsigned n = 0; n < r->page_count; n++)
        out->spans[n] = (CodeSpan){ r->pages[n].va, 0, 0 };
    for (unsigned n = 0; n < r->count; n++) {
        const GuestBlock *b = &r->blocks[n];
        if (!b->in)
            continue;
        CodeSpan *span = &out->spans[find_page(r, b->at.pc) - r->pages];
        uint32_t first = (uint32_t)(b->at.pc - span->page), end = first + 4 * b->insns;
        span->first = span->end ? MIN(span->first, first) : first;
        span->end = MAX(span->end, end);
    }
}

void *arm_find_region(CodeRegion *source, Vaddr pc, uint64_t flags, uint32_t without)
{
    static const uint64_t special = UNIT_STEP | UNIT_ILLEGAL | UNIT_BREAKPOINTS | UNIT_PMU |
                                    UNIT_FP_SOFT;
    ArmRegion *r = flags & special ? NULL : calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->source = source;
    r->without = without;
    r->head.pc = pc;
    r->context_count = 1;
    add_block(r, r->head);
    if (!r->count) {
        free(r);
        return NULL;
    }
    find_blocks(r);
    choose_blocks(r);
    note_extent(r);
    return r;
}

/* ---- translating -------------------------------------------------------------------------- */

/* Returns need not look whether somebody wants the vCPU: calls have, and a call and its return
 * together lead forward. So whoever goes on for ever without, goes forward for ever, also by ways
 * that lead out of the region and in again. */
static bool go_to(DisasContext *s, Where to, bool is_return)
{
    ArmRegion *r = s->region;
    GuestBlock *b = find_block(r, to);
    if (!b || !b->in)
        return false;
    if (!b->ir) {
        b->ir = ir_block_create(&s->b) + 1;
        r->changed = true;
    }
    bool backward = to.pc <= s->pc && !is_return;
    const RegionPage *page = find_page(r, to.pc);
    if (page->va != page_of(s->pc) && page != &r->pages[0])
        ir_guard_page(&s->b, ir_imm32(&s->b, page->id), to.pc);
    if (backward)
        ir_poll(&s->b, to.pc);
    ir_jump(&s->b, b->ir - 1);
    s->ended = true;
    return true;
}

bool region_goto(DisasContext *s, Vaddr target)
{
    return s->region && go_to(s, (Where){ target, s->region->context }, false);
}

bool region_call(DisasContext *s, Vaddr target)
{
    if (!s->region)
        return false;
    unsigned context = called_context(s->region, s->region->context, s->pc + 4);
    return context && go_to(s, (Where){ target, context }, false);
}

static bool is_in(ArmRegion *r, Where at)
{
    const GuestBlock *b = find_block(r, at);
    return b && b->in;
}

/* Those of the targets that are in the region, and that an instruction may be for such a branch. */
static unsigned possible_targets(DisasContext *s, bool link, Where to[MAX_TARGETS])
{
    ArmRegion *r = s->region;
    const GuestBlock *b = r->block; /* which ends in the branch */
    unsigned kept = 0;
    for (unsigned n = 0; b->indirect && n < b->succs; n++) {
        uint32_t word;
        if (!is_in(r, b->succ[n]))
            continue;
        memcpy(&word, code_at(r, b->succ[n].pc), 4);
        if (may_land(s, word, link))
            to[kept++] = b->succ[n];
    }
    return kept;
}

/* So that comparisons with the targets are with 32-bit constants: what to subtract from all. */
static Vaddr base_of(const Where *to, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        if ((int64_t)to[n].pc != (int32_t)to[n].pc)
            return to[0].pc;
    return 0;
}

void region_branch(DisasContext *s, IrRef target, bool link)
{
    Where to[MAX_TARGETS];
    unsigned count = s->region ? possible_targets(s, link, to) : 0;
    Vaddr base = base_of(to, count);
    if (base)
        target = ir_sub(&s->b, IR_I64, target, ir_imm64(&s->b, base));
    for (unsigned n = 0; n < count; n++) {
        uint32_t there = ir_block_create(&s->b), elsewhere = ir_block_create(&s->b);
        IrRef pc = ir_imm64(&s->b, to[n].pc - base);
        if (n + 1 < count) /* what is second goes on in line */
            ir_brc(&s->b, IR_I64, target, pc, IR_EQ, IR_TARGETS(there, elsewhere));
        else
            ir_brc(&s->b, IR_I64, target, pc, IR_NE, IR_TARGETS(elsewhere, there));
        ir_block_begin(&s->b, there);
        go_to(s, to[n], false);
        s->ended = false;
        ir_block_begin(&s->b, elsewhere);
    }
}

void region_return(DisasContext *s, IrRef target)
{
    ArmRegion *r = s->region;
    const Context *c = r ? &r->contexts[r->context] : NULL;
    if (!r || !r->context)
        return;
    const GuestBlock *b = find_block(r, (Where){ c->back, c->parent });
    if (!b || !b->in)
        return;
    uint32_t elsewhere = ir_block_create(&s->b), back = ir_block_create(&s->b);
    ir_brc(&s->b, IR_I64, target, ir_imm64(&s->b, c->back), IR_NE, IR_TARGETS(elsewhere, back));
    ir_block_begin(&s->b, back);
    go_to(s, b->at, true);
    s->ended = false;
    ir_block_begin(&s->b, elsewhere);
}

/* No room for what one more instruction may put out of line. */
static bool is_full(const DisasContext *s)
{
    return s->cold_count > MAX_COLD_EXITS - 4;
}

/* A block that was led to before the unit was full is only a way out. */
static void leave_at_once(DisasContext *s)
{
    ArmRegion *r = s->region;
    s->region = NULL;
    gen_exit_to(s, s->pc, 0);
    s->region = r;
}

static void translate_block(DisasContext *s, const GuestBlock *b)
{
    ArmRegion *r = s->region;
    ir_block_begin(&s->b, b->ir - 1);
    r->context = b->at.context;
    r->block = b;
    arm_translate_begin_block(s, b->at.pc);
    if (is_full(s))
        leave_at_once(s);
    while (!s->ended) {
        arm_translate_insn(s, code_at(r, s->pc));
        bool over = s->pc + 4 == b->at.pc + 4 * b->insns || is_full(s);
        if (!s->ended && over)
            gen_exit_to(s, s->pc + 4, 0);
        s->pc += 4;
    }
}

static void translate_blocks(DisasContext *s)
{
    ArmRegion *r = s->region;
    while (r->changed) {
        r->changed = false;
        for (unsigned n = 0; n < r->count; n++) {
            if (r->blocks[n].ir && !r->blocks[n].done) {
                r->blocks[n].done = true;
                translate_block(s, &r->blocks[n]);
            }
        }
    }
}

static void count_translated(const ArmRegion *r)
{
    CodeRegion *out = r->source;
    out->insns = out->blocks = 0;
    for (unsigned n = 0; n < r->count; n++) {
        if (r->blocks[n].done) {
            out->insns += r->blocks[n].insns;
            out->blocks++;
        }
    }
}

void arm_translate_region(VCPU *vcpu, struct IrUnit *unit, void *plan, uint64_t flags)
{
    ArmRegion *r = plan;
    DisasContext s;
    arm_translate_begin(&s, arm_cpu(vcpu), unit, r->head.pc, flags);
    s.region = r;
    if (flags & UNIT_FLAG_GUARDED) {
        memcpy(&s.word, code_at(r, r->head.pc), 4);
        ir_insn_start(&s.b, r->head.pc);
        gen_landing_check(&s);
    }
    s.pc = r->head.pc - 4; /* the entry is no backward branch */
    r->context = 0;
    go_to(&s, r->head, false);
    translate_blocks(&s);
    arm_translate_end(&s);
    count_translated(r);
    unit->guest_insns = r->source->insns;
}
