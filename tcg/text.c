// SPDX-License-Identifier: MIT
//
// Printing the IR. The grammar (docs/ir.md): a unit line, lines for locals, then blocks of
// instructions `[%d =] op[.type][.sub] [@var,] operands, imm`. A constant carries its type only
// where the operand table leaves a choice; floats stand as their bits. parse.c reads it back.
#include <inttypes.h>
#include "tcg/text.h"

const char *const ir_cc_names[] = { "eq",  "ne",  "lt",  "ge",    "le",    "gt", "ltu",
                                    "geu", "leu", "gtu", "tsteq", "tstne", NULL };
const char *const ir_cond_names[] = { "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                      "hi", "ls", "ge", "lt", "gt", "le", "al", NULL };
const char *const ir_round_names[] = { "near", "up", "down", "zero", "away", "cur", NULL };
const char *const ir_fence_names[] = { "full", "load", "store", NULL };
const char *const ir_reason_names[] = { "chain", "lookup",    "request", "resync",
                                        "wfi",   "exception", "yield",   "wfe",     NULL };
const char *const ir_esize_names[] = { "b", "h", "s", "d", "q", NULL };
const char *const ir_rmw_names[] = { "xchg", "add",  "andn", "xor",  "or",
                                     "smax", "smin", "umax", "umin", NULL };
const char *const ir_sign_names[] = { "u", "s", NULL };
const char *const ir_nan_names[] = { "arm", "arm-default", "x86", NULL };

const IrFlagName ir_memop_flags[] = {
    { "s", IR_MEM_SIGN },
    { "al2", IR_MEM_ALIGN(1) },
    { "al4", IR_MEM_ALIGN(2) },
    { "al8", IR_MEM_ALIGN(3) },
    { "al16", IR_MEM_ALIGN(4) },
    { "unpriv", IR_MEM_UNPRIV },
    { "acq", IR_MEM_ACQUIRE },
    { "rel", IR_MEM_RELEASE },
    { "atomic", IR_MEM_ATOMIC_ALIGN },
    { "store", IR_MEM_STORE },
    { "block", IR_MEM_BLOCK },
    { NULL, 0 },
};
const IrFlagName ir_exit_flags[] = {
    { "poll", IR_EXIT_POLL },     { "call", IR_EXIT_CALL },      { "ret", IR_EXIT_RETURN },
    { "reload", IR_EXIT_RELOAD }, { "same", IR_EXIT_SAME_PAGE }, { NULL, 0 },
};

const char *const *ir_sub_words(IrSubKind kind)
{
    switch (kind) {
    case IR_SUB_CC: return ir_cc_names;
    case IR_SUB_COND: return ir_cond_names;
    case IR_SUB_ESIZE: return ir_esize_names;
    case IR_SUB_ROUND: return ir_round_names;
    case IR_SUB_FENCE: return ir_fence_names;
    case IR_SUB_REASON: return ir_reason_names;
    default: return NULL;
    }
}

const char *const *ir_imm_words(IrImmKind kind)
{
    switch (kind) {
    case IR_IMM_RMW: return ir_rmw_names;
    case IR_IMM_SIGNED: return ir_sign_names;
    default: return NULL;
    }
}

static IrType kind_type(IrKind kind, IrType t)
{
    if (kind == IR_KIND_T) {
        return t;
    }
    return kind < IR_KIND_T ? (IrType)kind : IR_VOID;
}

IrType ir_arg_type(const IrInsn *insn, unsigned n)
{
    if (insn->op == IR_OP_CALL) {
        return ir_insn_helper(insn)->args[n];
    }
    return kind_type(ir_op_info[insn->op].args[n], insn->type);
}

unsigned ir_arg_count(const IrInsn *insn)
{
    return insn->op == IR_OP_CALL ? ir_insn_helper(insn)->nargs : ir_op_info[insn->op].nargs;
}

IrType ir_result_type(const IrInsn *insn)
{
    return kind_type(ir_op_info[insn->op].result, insn->type);
}

/* ---- printing ---- */

/* A word of a list, or a number where the IR is not valid. */
static void print_word(FILE *out, const char *const *words, uint64_t n)
{
    for (uint64_t k = 0; words[k]; k++) {
        if (k == n) {
            fputs(words[k], out);
            return;
        }
    }
    fprintf(out, "?%" PRIu64, n);
}

static void print_ref(const IrUnit *u, FILE *out, IrRef r, IrType expected)
{
    if (!ir_is_const(r)) {
        fprintf(out, "%%%" PRIu32, r);
        return;
    }
    const IrConst *c = ir_const_get(u, r);
    if (c->type == IR_V128) {
        fprintf(out, "{0x%" PRIx64 " 0x%" PRIx64 "}", c->lo, c->hi);
    } else if (c->lo < 10) {
        fprintf(out, "%" PRIu64, c->lo);
    } else {
        fprintf(out, "0x%" PRIx64, c->lo);
    }
    if (c->type != expected) {
        fprintf(out, ":%s", ir_type_name(c->type));
    }
}

static void print_var(const IrUnit *u, FILE *out, uint64_t var)
{
    if (ir_var_is_global(u, var)) {
        fprintf(out, "@%s", u->globals->table[var].name);
    } else {
        fprintf(out, "$%" PRIu64, var - u->globals->count);
    }
}

static void print_sub(FILE *out, IrSubKind kind, uint16_t sub)
{
    const IrFlagName *flags = NULL;
    switch (kind) {
    case IR_SUB_NONE:
        return;
    case IR_SUB_MEMOP:
        fprintf(out, ".%u", 8u << ir_mem_size_log2(sub));
        flags = ir_memop_flags;
        break;
    case IR_SUB_EXIT:
        flags = ir_exit_flags;
        break;
    default:
        fputc('.', out);
        print_word(out, ir_sub_words(kind), sub);
        return;
    }
    for (; flags->name; flags++) {
        bool align = flags->bit & IR_MEM_ALIGN_MASK && kind == IR_SUB_MEMOP;
        uint32_t mask = align ? (uint32_t)IR_MEM_ALIGN_MASK : flags->bit;
        if ((sub & mask) == flags->bit) {
            fprintf(out, ".%s", flags->name);
        }
    }
}

static void print_imm(FILE *out, IrImmKind kind, uint64_t imm)
{
    switch (kind) {
    case IR_IMM_OFFSET:
    case IR_IMM_PC:
        fprintf(out, "0x%" PRIx64, imm);
        break;
    case IR_IMM_DISP:
        fprintf(out, (int64_t)imm < 0 ? "-0x%" PRIx64 : "0x%" PRIx64,
                (int64_t)imm < 0 ? 0 - imm : imm);
        break;
    case IR_IMM_TARGET:
        fprintf(out, "b%" PRIu64, imm);
        break;
    case IR_IMM_TARGETS:
        fprintf(out, "b%" PRIu32 ", b%" PRIu32, IR_THEN(imm), IR_ELSE(imm));
        break;
    case IR_IMM_POSLEN:
    case IR_IMM_LANEPAIR:
        fprintf(out, "%u:%u", IR_POS(imm), IR_LEN(imm));
        break;
    case IR_IMM_LANE:
        fprintf(out, "%" PRIu64 "%s", imm & ~(uint64_t)IR_LANE_SIGNED,
                imm & IR_LANE_SIGNED ? "s" : "");
        break;
    case IR_IMM_RMW:
    case IR_IMM_SIGNED:
        print_word(out, ir_imm_words(kind), imm);
        break;
    default:
        fprintf(out, "%" PRIu64, imm);
        break;
    }
}

static void print_args(const IrUnit *u, FILE *out, const IrInsn *i, const char *sep)
{
    unsigned n = ir_arg_count(i);
    for (unsigned k = 0; k < n; k++) {
        fputs(sep, out);
        print_ref(u, out, i->arg[k], ir_arg_type(i, k));
        sep = ", ";
    }
}

static void print_insn(const IrUnit *u, FILE *out, const IrInsn *i)
{
    const IrOpInfo *info = &ir_op_info[i->op];
    fputs("  ", out);
    if (i->dst != IR_NONE) {
        fprintf(out, "%%%" PRIu32 " = ", i->dst);
    }
    fputs(info->name, out);
    if (info->types && i->type != IR_VOID) {
        fprintf(out, ".%s", ir_type_name(i->type));
    }
    print_sub(out, info->sub, i->sub);
    if (i->op == IR_OP_CALL) {
        fprintf(out, " %s(", ir_insn_helper(i)->name);
        print_args(u, out, i, "");
        fputs(")\n", out);
        return;
    }
    const char *sep = " ";
    if (info->imm == IR_IMM_VAR) {
        fputs(sep, out);
        print_var(u, out, i->imm);
        sep = ", ";
    }
    print_args(u, out, i, sep);
    bool silent = info->imm == IR_IMM_NONE || info->imm == IR_IMM_VAR ||
                  (info->imm == IR_IMM_DISP && i->imm == 0);
    if (!silent) {
        fputs(info->nargs ? ", " : " ", out);
        print_imm(out, info->imm, i->imm);
    }
    fputc('\n', out);
}

void ir_print(const IrUnit *u, FILE *out)
{
    fprintf(out, "unit pc=0x%" PRIx64 " bytes=%" PRIu32 " insns=%" PRIu32 " nan=%s\n", u->guest_pc,
            u->guest_bytes, u->guest_insns, ir_nan_names[u->nan_rule]);
    for (uint32_t n = 0; n < u->local_count; n++) {
        fprintf(out, "local $%" PRIu32 " %s\n", n, ir_type_name(u->local_types[n]));
    }
    for (uint32_t n = 0; n < u->block_count; n++) {
        fprintf(out, "b%" PRIu32 ":\n", n);
        for (uint32_t k = 0; k < u->blocks[n]->count; k++) {
            print_insn(u, out, &u->blocks[n]->insns[k]);
        }
    }
}
