// SPDX-License-Identifier: MIT
//
// Reading the text form of the IR (text.c, docs/ir.md) back into a unit, for tests. The parser
// checks words, names and the types of constants; everything else is the verifier's.
//
// `#` starts a comment. Value numbers are kept as written. Errors carry the line number.
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tcg/text.h"
#include "util/bitops.h"

#define MAX_NUMBER 1000000u /* of a value, block or local: keeps nonsense from eating memory */

typedef struct Parser {
    IrUnit *unit;
    const char *at;
    unsigned line;
    const IrHelper *const *helpers;
    IrInsn insn;
    uint32_t block;
    bool in_block;
    Error **err;
} Parser;

static bool fail(Parser *p, const char *what, const char *word)
{
    return error_set(p->err, "line %u: %s%s%s", p->line, what, word ? ": " : "", word ? word : "");
}

/* ---- lexing ---- */

static void skip_space(Parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r') {
        p->at++;
    }
}

static bool accept(Parser *p, const char *token)
{
    skip_space(p);
    size_t len = strlen(token);
    if (strncmp(p->at, token, len) != 0) {
        return false;
    }
    p->at += len;
    return true;
}

static bool expect(Parser *p, const char *token)
{
    return accept(p, token) || fail(p, "expected", token);
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* A run of letters, digits, `_` (and `-` if `dash`). */
static bool parse_word(Parser *p, char *word, size_t size, bool dash)
{
    skip_space(p);
    size_t n = 0;
    while (is_word_char(*p->at) || (dash && *p->at == '-')) {
        if (n + 1 == size) {
            return fail(p, "word too long", NULL);
        }
        word[n++] = *p->at++;
    }
    word[n] = 0;
    return n > 0 || fail(p, "expected a word", NULL);
}

static bool parse_number(Parser *p, uint64_t *v)
{
    skip_space(p);
    bool minus = *p->at == '-';
    const char *digits = p->at + minus;
    if (!isdigit((unsigned char)*digits)) {
        return fail(p, "expected a number", NULL);
    }
    char *end;
    *v = strtoull(digits, &end, 0);
    if (minus) {
        *v = 0 - *v;
    }
    p->at = end;
    return true;
}

static bool parse_small(Parser *p, uint64_t *v)
{
    return parse_number(p, v) && (*v < MAX_NUMBER || fail(p, "number too large", NULL));
}

static bool end_of_line(Parser *p)
{
    skip_space(p);
    if (*p->at == '#') {
        p->at += strcspn(p->at, "\n");
    }
    if (*p->at == '\n') {
        p->at++;
        p->line++;
        return true;
    }
    return !*p->at || fail(p, "unexpected text at the end of the line", NULL);
}

/* ---- words of enums ---- */

static bool find_word(const char *const *words, const char *word, uint64_t *n)
{
    for (*n = 0; words[*n]; ++*n) {
        if (!strcmp(words[*n], word)) {
            return true;
        }
    }
    return false;
}

static bool find_type(const char *word, IrType *type)
{
    for (int t = IR_I32; t < IR_TYPE_COUNT; t++) {
        if (!strcmp(ir_type_name(t), word)) {
            *type = t;
            return true;
        }
    }
    return false;
}

static bool find_op(const char *word, IrOp *op)
{
    for (int n = 0; n < IR_OP_COUNT; n++) {
        if (!strcmp(ir_op_info[n].name, word)) {
            *op = n;
            return true;
        }
    }
    return false;
}

static bool parse_type(Parser *p, IrType *type)
{
    char word[32];
    return parse_word(p, word, sizeof word, false) &&
           (find_type(word, type) || fail(p, "unknown type", word));
}

static bool parse_flags(Parser *p, const IrFlagName *names, uint16_t *sub)
{
    while (*p->at == '.') {
        char word[32];
        p->at++;
        if (!parse_word(p, word, sizeof word, false)) {
            return false;
        }
        const IrFlagName *f = names;
        while (f->name && strcmp(f->name, word)) {
            f++;
        }
        if (!f->name) {
            return fail(p, "unknown flag", word);
        }
        *sub |= f->bit;
    }
    return true;
}

static bool parse_memop(Parser *p)
{
    uint64_t bits;
    if (!expect(p, ".") || !parse_number(p, &bits)) {
        return false;
    }
    if (bits < 8 || bits > 128 || !is_power_of_2(bits)) {
        return fail(p, "the size of an access is 8, 16, 32, 64 or 128 bits", NULL);
    }
    p->insn.sub = __builtin_ctzll(bits) - 3;
    return parse_flags(p, ir_memop_flags, &p->insn.sub);
}

static bool parse_sub(Parser *p, IrSubKind kind)
{
    switch (kind) {
    case IR_SUB_NONE: return true;
    case IR_SUB_MEMOP: return parse_memop(p);
    case IR_SUB_EXIT: return parse_flags(p, ir_exit_flags, &p->insn.sub);
    default: break;
    }
    char word[32];
    uint64_t n;
    if (!expect(p, ".") || !parse_word(p, word, sizeof word, false)) {
        return false;
    }
    if (!find_word(ir_sub_words(kind), word, &n)) {
        return fail(p, "unknown word after the dot", word);
    }
    p->insn.sub = n;
    return true;
}

/* ---- operands ---- */

static bool parse_const(Parser *p, IrType expected, IrRef *r)
{
    uint64_t lo, hi = 0;
    bool wide = accept(p, "{");
    if (!parse_number(p, &lo) || (wide && (!parse_number(p, &hi) || !expect(p, "}")))) {
        return false;
    }
    IrType type = expected;
    if (*p->at == ':') {
        p->at++;
        if (!parse_type(p, &type)) {
            return false;
        }
    }
    if (type == IR_VOID) {
        return fail(p, "this constant needs a type, as in 1:i32", NULL);
    }
    if (wide != (type == IR_V128)) {
        return fail(p, "braces are for constants of type v128", NULL);
    }
    *r = ir_const(p->unit, type, ir_type_size(type) == 4 ? (uint32_t)lo : lo, hi);
    return true;
}

static bool parse_ref(Parser *p, IrType expected, IrRef *r)
{
    uint64_t n;
    if (!accept(p, "%")) {
        return parse_const(p, expected, r);
    }
    if (!parse_small(p, &n)) {
        return false;
    }
    *r = n;
    return true;
}

static bool parse_var(Parser *p)
{
    const IrGlobals *g = p->unit->globals;
    char word[64];
    if (accept(p, "$")) {
        if (!parse_small(p, &p->insn.imm)) {
            return false;
        }
        p->insn.imm += g->count;
        return true;
    }
    if (!expect(p, "@") || !parse_word(p, word, sizeof word, false)) {
        return false;
    }
    for (uint32_t n = 0; n < g->count; n++) {
        if (!strcmp(g->table[n].name, word)) {
            p->insn.imm = n;
            return true;
        }
    }
    return fail(p, "unknown global", word);
}

static bool parse_block_ref(Parser *p, uint64_t *n)
{
    return expect(p, "b") && parse_small(p, n);
}

/* `a:b` into 8 bits each. */
static bool parse_pair(Parser *p)
{
    uint64_t a, b;
    if (!parse_number(p, &a) || !expect(p, ":") || !parse_number(p, &b)) {
        return false;
    }
    if (a > 255 || b > 255) {
        return fail(p, "number too large", NULL);
    }
    p->insn.imm = IR_POSLEN(a, b);
    return true;
}

static bool parse_imm_word(Parser *p, const char *const *words)
{
    char word[32];
    return parse_word(p, word, sizeof word, false) &&
           (find_word(words, word, &p->insn.imm) || fail(p, "unknown word", word));
}

static bool parse_imm(Parser *p, IrImmKind kind)
{
    uint64_t then, els;
    switch (kind) {
    case IR_IMM_TARGET:
        return parse_block_ref(p, &p->insn.imm);
    case IR_IMM_TARGETS:
        if (!parse_block_ref(p, &then) || !expect(p, ",") || !parse_block_ref(p, &els)) {
            return false;
        }
        p->insn.imm = IR_TARGETS(then, els);
        return true;
    case IR_IMM_POSLEN:
    case IR_IMM_LANEPAIR:
        return parse_pair(p);
    case IR_IMM_LANE:
        if (!parse_number(p, &p->insn.imm)) {
            return false;
        }
        p->insn.imm |= accept(p, "s") ? IR_LANE_SIGNED : 0;
        return true;
    case IR_IMM_RMW:
    case IR_IMM_SIGNED:
        return parse_imm_word(p, ir_imm_words(kind));
    default:
        return parse_number(p, &p->insn.imm);
    }
}

/* ---- instructions ---- */

static bool parse_call(Parser *p)
{
    char word[64];
    if (!parse_word(p, word, sizeof word, false)) {
        return false;
    }
    const IrHelper *const *h = p->helpers;
    while (h && *h && strcmp((*h)->name, word)) {
        h++;
    }
    if (!h || !*h) {
        return fail(p, "unknown helper", word);
    }
    p->insn.imm = (uintptr_t)*h;
    if (!expect(p, "(")) {
        return false;
    }
    for (unsigned n = 0; n < (*h)->nargs; n++) {
        if ((n && !expect(p, ",")) || !parse_ref(p, (*h)->args[n], &p->insn.arg[n])) {
            return false;
        }
    }
    return expect(p, ")");
}

static bool parse_operands(Parser *p, const IrOpInfo *info)
{
    bool first = true;
    if (info->imm == IR_IMM_VAR) {
        if (!parse_var(p)) {
            return false;
        }
        first = false;
    }
    for (unsigned n = 0; n < info->nargs; n++, first = false) {
        if ((!first && !expect(p, ",")) ||
            !parse_ref(p, ir_arg_type(&p->insn, n), &p->insn.arg[n])) {
            return false;
        }
    }
    if (info->imm == IR_IMM_NONE || info->imm == IR_IMM_VAR) {
        return true;
    }
    if (!first && !accept(p, ",")) {
        return info->imm == IR_IMM_DISP || fail(p, "expected", ",");
    }
    return parse_imm(p, info->imm);
}

/* Give value `n` its type, making room. */
static bool define_value(Parser *p, uint64_t n, IrType type)
{
    IrUnit *u = p->unit;
    if (n == 0) {
        return fail(p, "values are numbered from 1", NULL);
    }
    if (type == IR_VOID) {
        return fail(p, "this instruction has no result", NULL);
    }
    while (u->value_count <= n) {
        ir_value_new(u, IR_VOID);
    }
    if (u->value_types[n] != IR_VOID && u->value_types[n] != type) {
        return fail(p, "value defined again with another type", NULL);
    }
    u->value_types[n] = type;
    p->insn.dst = n;
    return true;
}

static bool parse_insn(Parser *p)
{
    char word[32];
    IrOp op;
    uint64_t dst = 0;
    bool has_dst = accept(p, "%");
    if (has_dst && (!parse_small(p, &dst) || !expect(p, "="))) {
        return false;
    }
    if (!parse_word(p, word, sizeof word, false)) {
        return false;
    }
    if (!find_op(word, &op)) {
        return fail(p, "unknown opcode", word);
    }
    const IrOpInfo *info = &ir_op_info[op];
    p->insn = (IrInsn){ .op = op };
    IrType type = IR_VOID;
    if (info->types && (op != IR_OP_CALL || *p->at == '.')) {
        if (!expect(p, ".") || !parse_type(p, &type)) {
            return false;
        }
    }
    p->insn.type = type;
    if (!parse_sub(p, info->sub) ||
        !(op == IR_OP_CALL ? parse_call(p) : parse_operands(p, info))) {
        return false;
    }
    IrType result = ir_result_type(&p->insn);
    if (!has_dst && result != IR_VOID) {
        return fail(p, "the result needs a name, as in %1 =", NULL);
    }
    if (has_dst && !define_value(p, dst, result)) {
        return false;
    }
    ir_insn_append(p->unit, p->block, &p->insn);
    return end_of_line(p);
}

/* ---- lines ---- */

static bool parse_unit_line(Parser *p)
{
    IrUnit *u = p->unit;
    uint64_t v;
    char word[32];
    for (;;) {
        if (accept(p, "pc=")) {
            if (!parse_number(p, &u->guest_pc)) {
                return false;
            }
        } else if (accept(p, "bytes=")) {
            if (!parse_number(p, &v)) {
                return false;
            }
            u->guest_bytes = v;
        } else if (accept(p, "insns=")) {
            if (!parse_number(p, &v)) {
                return false;
            }
            u->guest_insns = v;
        } else if (accept(p, "nan=")) {
            if (!parse_word(p, word, sizeof word, true)) {
                return false;
            }
            if (!find_word(ir_nan_names, word, &v)) {
                return fail(p, "unknown NaN rule", word);
            }
            u->nan_rule = v;
        } else {
            return end_of_line(p);
        }
    }
}

static bool parse_local(Parser *p)
{
    uint64_t n;
    IrType type;
    if (!expect(p, "$") || !parse_small(p, &n) || !parse_type(p, &type)) {
        return false;
    }
    if (n != p->unit->local_count) {
        return fail(p, "locals are numbered from 0 without gaps", NULL);
    }
    ir_local_new(p->unit, type);
    return end_of_line(p);
}

/* `bN:` */
static bool at_label(const Parser *p)
{
    const char *s = p->at;
    if (*s++ != 'b' || !isdigit((unsigned char)*s)) {
        return false;
    }
    while (isdigit((unsigned char)*s)) {
        s++;
    }
    return *s == ':';
}

static bool parse_label(Parser *p)
{
    uint64_t n;
    if (!parse_block_ref(p, &n) || !expect(p, ":")) {
        return false;
    }
    if (n != p->unit->block_count) {
        return fail(p, "blocks are numbered from 0 without gaps", NULL);
    }
    p->block = ir_block_new(p->unit);
    p->in_block = true;
    return end_of_line(p);
}

static bool parse_line(Parser *p)
{
    skip_space(p);
    if (*p->at == '\n' || *p->at == '#') {
        return end_of_line(p);
    }
    if (at_label(p)) {
        return parse_label(p);
    }
    if (!strncmp(p->at, "unit", 4)) {
        p->at += 4;
        return parse_unit_line(p);
    }
    if (!strncmp(p->at, "local", 5)) {
        p->at += 5;
        return parse_local(p);
    }
    return p->in_block ? parse_insn(p) : fail(p, "expected a block label, as in b0:", NULL);
}

bool ir_parse(IrUnit *u, const char *text, const IrHelper *const *helpers, Error **err)
{
    Parser p = { .unit = u, .at = text, .line = 1, .helpers = helpers, .err = err };
    ir_unit_reset(u);
    for (;;) {
        skip_space(&p);
        if (!*p.at) {
            return u->block_count > 0 || fail(&p, "no block", NULL);
        }
        if (!parse_line(&p)) {
            return false;
        }
    }
}
