// SPDX-License-Identifier: MIT
//
// See shrink.h. Runs of instructions are deleted, long ones first; what used their results gets
// zero instead. Branches become jumps. Loop counters (the locals $0 and $1 of gen.c) are left
// alone, so that no attempt runs forever.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tests/ir/shrink.h"
#include "tcg/text.h"

static bool is_protected(const IrUnit *u, uint32_t block, const IrInsn *i)
{
    uint32_t counters = block ? 2 : u->local_count; /* locals need their first value */
    return ir_op_info[i->op].effects == IR_EFFECT_END ||
           (i->op == IR_OP_SET && i->imm >= u->globals->count &&
            i->imm < u->globals->count + counters);
}

static void replace_uses(IrUnit *u, IrRef old, IrRef by)
{
    for (uint32_t b = 0; b < u->block_count; b++) {
        for (uint32_t n = 0; n < u->blocks[b]->count; n++) {
            IrInsn *i = &u->blocks[b]->insns[n];
            for (unsigned k = 0; k < IR_MAX_ARGS; k++) {
                i->arg[k] = i->arg[k] == old ? by : i->arg[k];
            }
        }
    }
}

static unsigned delete_run(IrUnit *u, uint32_t block, uint32_t at, uint32_t len)
{
    IrBlock *b = u->blocks[block];
    uint32_t keep = at, end = at + len < b->count ? at + len : b->count;
    unsigned deleted = 0;
    for (uint32_t n = at; n < b->count; n++) {
        IrInsn i = b->insns[n];
        if (n < end && !is_protected(u, block, &i)) {
            if (i.dst != IR_NONE) {
                replace_uses(u, i.dst, ir_const(u, u->value_types[i.dst], 0, 0));
            }
            deleted++;
        } else {
            b->insns[keep++] = b->insns[n];
        }
    }
    b->count = keep;
    return deleted;
}

static bool straighten(IrUnit *u, uint32_t block, bool then)
{
    IrInsn *i = &u->blocks[block]->insns[u->blocks[block]->count - 1];
    if (ir_op_info[i->op].imm != IR_IMM_TARGETS) {
        return false;
    }
    uint32_t to = then ? IR_THEN(i->imm) : IR_ELSE(i->imm);
    if (to <= block) {
        return false;
    }
    *i = (IrInsn){ .op = IR_OP_JUMP, .imm = to };
    return true;
}

typedef struct Shrinker {
    IrUnit *u;
    char *best;
    ShrinkPredicate *still;
    void *opaque;
} Shrinker;

static void load_best(Shrinker *s)
{
    Error *err = NULL;
    bool ok = ir_parse(s->u, s->best, rig_helpers, &err);
    assert(ok);
    (void)ok;
}

/* Keep what was done to the unit if the predicate still holds. */
static bool keep_if_still(Shrinker *s)
{
    char *text = rig_text(s->u);
    if (s->still(s->opaque, text)) {
        free(s->best);
        s->best = text;
        return true;
    }
    free(text);
    return false;
}

static bool shrink_once(Shrinker *s, uint32_t len)
{
    bool better = false;
    load_best(s);
    for (uint32_t b = 0; b < s->u->block_count; b++) {
        for (uint32_t at = 0; at < s->u->blocks[b]->count;) {
            if (!delete_run(s->u, b, at, len) || !keep_if_still(s)) {
                at += len;
            } else {
                better = true;
            }
            load_best(s);
        }
        for (unsigned then = 0; then < 2 && len == 1; then++) {
            if (straighten(s->u, b, then) && keep_if_still(s)) {
                better = true;
            }
            load_best(s);
        }
    }
    return better;
}

char *shrink_program(const char *text, ShrinkPredicate *still, void *opaque)
{
    Shrinker s = { .u = ir_unit_create(&rig_globals), .best = strdup(text), .still = still,
                   .opaque = opaque };
    assert(s.u && s.best);
    for (uint32_t len = 32; len > 1; len /= 2) {
        shrink_once(&s, len);
    }
    while (shrink_once(&s, 1)) {
    }
    ir_unit_destroy(s.u);
    return s.best;
}
