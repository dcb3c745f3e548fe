// SPDX-License-Identifier: MIT
//
// Host code as text in which nothing depends on where things happen to be: jumps within the unit go
// to labels, thunks have names, variables of the CPU structure those of the IR, constants of the
// pool are shown by their values, addresses of C code and of records not at all.
#include "tests/codegen/listing.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tcg/x86_64/x86.h"
#include "util/bitops.h"

typedef struct Listing {
    Machine *m;
    const X86Context *x;
    csh cs;
    FILE *out;
    uint64_t begin, end; /* of the unit, constants apart */
    uint16_t *is_target; /* by offset: somebody jumps there; later the number of its label */
} Listing;

static const cs_x86 *detail_of(const cs_insn *in)
{
    return &in->detail->x86;
}

static bool is_jump(const Listing *l, const cs_insn *in)
{
    return (cs_insn_group(l->cs, in, CS_GRP_JUMP) || cs_insn_group(l->cs, in, CS_GRP_CALL)) &&
           detail_of(in)->operands[0].type == X86_OP_IMM;
}

/* ---- names -------------------------------------------------------------------------------- */

static const char *thunk_name(const Listing *l, uint64_t at)
{
    const struct {
        const uint8_t *code;
        const char *name;
    } thunks[] = {
        { l->x->leave, "leave" }, { l->x->slow, "slow" }, { l->x->chain, "chain" },
        { l->x->lookup, "lookup" },
    };
    for (unsigned n = 0; n < ARRAY_SIZE(thunks); n++)
        if ((uintptr_t)thunks[n].code == at)
            return thunks[n].name;
    return NULL;
}

static void print_target(const Listing *l, uint64_t at)
{
    const char *thunk = thunk_name(l, at);
    if (at >= l->begin && at < l->end)
        fprintf(l->out, "L%u", l->is_target[at - l->begin]);
    else
        fprintf(l->out, "<%s>", thunk ? thunk : "C");
}

static void print_env(const Listing *l, int64_t offset)
{
    const TcgLayout *layout = &l->m->engine->config.layout;
    const IrGlobals *g = l->m->engine->config.globals;
    for (uint32_t n = 0; n < g->count; n++) {
        const IrGlobal *var = &g->table[n];
        if (offset >= var->offset && offset < var->offset + (int64_t)ir_type_size(var->type)) {
            fprintf(l->out, "@%s", var->name);
            if (offset > var->offset)
                fprintf(l->out, "+%d", (int)(offset - var->offset));
            return;
        }
    }
    const char *name = offset == layout->env_bank           ? "bank"
                       : offset == layout->env_exit_request ? "exit_request"
                                                            : "state";
    fprintf(l->out, "@<%s>", name);
}

static void print_constant(const Listing *l, uint64_t at, unsigned bytes)
{
    const CodeBuf *cb = &l->x->cb;
    uint64_t v[2] = { 0, 0 };
    if (at < l->end || at - (uintptr_t)cb->rx >= cb->used) {
        fprintf(l->out, "<data>");
        return;
    }
    memcpy(v, (const void *)(uintptr_t)at, MIN(bytes, sizeof(v)));
    if (bytes > 8)
        fprintf(l->out, "0x%" PRIx64 "_%016" PRIx64, v[1], v[0]);
    else
        fprintf(l->out, "0x%" PRIx64, v[0]);
}

/* ---- operands ----------------------------------------------------------------------------- */

static const char *reg_name(const Listing *l, unsigned reg)
{
    return cs_reg_name(l->cs, reg);
}

static void print_memory(const Listing *l, const cs_insn *in, const cs_x86_op *op)
{
    const x86_op_mem *mem = &op->mem;
    if (in->id != X86_INS_LEA)
        fprintf(l->out, "%u", op->size * 8);
    fprintf(l->out, "[");
    if (mem->base == X86_REG_RIP) {
        print_constant(l, in->address + in->size + (uint64_t)mem->disp, op->size);
    } else if (mem->base == X86_REG_RBP && mem->index == X86_REG_INVALID) {
        print_env(l, mem->disp + ENV_BIAS);
    } else {
        const char *sign = "";
        if (mem->base != X86_REG_INVALID) {
            fprintf(l->out, "%s", reg_name(l, mem->base));
            sign = "+";
        }
        if (mem->index != X86_REG_INVALID) {
            fprintf(l->out, "%s%s*%d", sign, reg_name(l, mem->index), mem->scale);
            sign = "+";
        }
        if (mem->disp)
            fprintf(l->out, "%s0x%" PRIx64, mem->disp < 0 ? "-" : sign,
                    mem->disp < 0 ? -(uint64_t)mem->disp : (uint64_t)mem->disp);
    }
    fprintf(l->out, "]");
}

static void print_immediate(const Listing *l, const cs_insn *in, int64_t v)
{
    if (is_jump(l, in))
        print_target(l, (uint64_t)v);
    else if ((uint64_t)v - MACHINE_ENTRY < align_up(l->m->image_bytes, GUEST_PAGE_SIZE))
        fprintf(l->out, "guest+0x%" PRIx64, (uint64_t)v - MACHINE_ENTRY);
    else
        fprintf(l->out, "%s0x%" PRIx64, v < 0 ? "-" : "", v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void print_operands(const Listing *l, const cs_insn *in)
{
    const cs_x86 *x = detail_of(in);
    for (unsigned n = 0; n < x->op_count; n++) {
        const cs_x86_op *op = &x->operands[n];
        fprintf(l->out, n ? ", " : " ");
        if (op->type == X86_OP_REG)
            fprintf(l->out, "%s", reg_name(l, op->reg));
        else if (op->type == X86_OP_MEM)
            print_memory(l, in, op);
        else
            print_immediate(l, in, op->imm);
    }
}

/* ---- the unit ----------------------------------------------------------------------------- */

/* `mov eax, RECORD` or `mov eax, SLOT` in front of a jump to a thunk that takes one, or a branch with
 * the reason to leave. */
static bool passes_record(const Listing *l, const cs_insn *in, size_t left)
{
    if (left < 2 || in[0].id != X86_INS_MOV || !is_jump(l, &in[1]))
        return false;
    const cs_x86_op *to = &detail_of(&in[0])->operands[0];
    const char *thunk = thunk_name(l, (uint64_t)detail_of(&in[1])->operands[0].imm);
    return to->type == X86_OP_REG && to->reg == X86_REG_EAX && thunk &&
           (!strcmp(thunk, "slow") || !strcmp(thunk, "chain") ||
            (!strcmp(thunk, "leave") && detail_of(&in[0])->operands[1].imm > UINT8_MAX));
}

static void number_labels(Listing *l, const cs_insn *insns, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        uint64_t at = is_jump(l, &insns[n]) ? (uint64_t)detail_of(&insns[n])->operands[0].imm : 0;
        if (at >= l->begin && at < l->end)
            l->is_target[at - l->begin] = 1;
    }
    uint16_t label = 0;
    for (uint64_t at = 0; at < l->end - l->begin; at++)
        if (l->is_target[at])
            l->is_target[at] = ++label;
}

static void print_insns(Listing *l, const cs_insn *insns, size_t count, uint64_t main_end)
{
    for (size_t n = 0; n < count; n++) {
        const cs_insn *in = &insns[n];
        if (in->address == main_end)
            fprintf(l->out, "  out of line:\n");
        if (l->is_target[in->address - l->begin])
            fprintf(l->out, "L%u:\n", l->is_target[in->address - l->begin]);
        fprintf(l->out, "    %s", in->mnemonic);
        if (passes_record(l, in, count - n))
            fprintf(l->out, " eax, <record>");
        else
            print_operands(l, in);
        fprintf(l->out, "\n");
    }
}

void listing_print(Machine *m, const Unit *u, FILE *out)
{
    size_t len;
    const uint8_t *bytes = tcg_code_bytes(u->code, &len);
    Listing l = { .m = m, .x = m->engine->ctx->impl, .out = out, .begin = (uintptr_t)bytes,
                  .end = (uintptr_t)bytes + len, .is_target = calloc(len, sizeof(uint16_t)) };
    cs_insn *insns;
    if (!l.is_target || cs_open(CS_ARCH_X86, CS_MODE_64, &l.cs) != CS_ERR_OK)
        machine_fail("the disassembler", NULL);
    cs_option(l.cs, CS_OPT_DETAIL, CS_OPT_ON);
    size_t count = cs_disasm(l.cs, bytes, len, l.begin, 0, &insns);
    if (!count || insns[count - 1].address + insns[count - 1].size != l.end)
        machine_fail("the disassembler does not know an instruction", NULL);
    number_labels(&l, insns, count);
    print_insns(&l, insns, count, l.begin + u->code->main_len);
    cs_free(insns, count);
    cs_close(&l.cs);
    free(l.is_target);
}
