// SPDX-License-Identifier: MIT
//
// A64 pointer authentication (Arm ARM C6.2: PACIA, AUTIA, XPACI, PACGA, BRAA, RETAA, LDRAA, ...).
//
// With the IMPLEMENTATION DEFINED algorithm, signing a canonical pointer and authenticating a
// valid one are done in line, with two products (product() in pauth.c); everything else is out
// of line, by the helper. The other algorithms always call the helper. Where SCTLR_EL1 has the
// key disabled, nothing is emitted.
#include "target/arm/pauth.h"

#include "target/arm/helpers.h"
#include "target/arm/internal.h"
#include "target/arm/translate.h"

#define OFF(field) offsetof(ArmCpu, field)
#define NO_VARIABLE ((unsigned)ARM_G_COUNT)

static bool is_enabled(const DisasContext *s, unsigned key)
{
    return s->flags & (uint64_t)UNIT_PAC_IA << key;
}

static bool is_inline(const DisasContext *s)
{
    return !arm_has(s->cpu, ARM_FEAT_PACQARMA5) && !arm_has(s->cpu, ARM_FEAT_PACQARMA3);
}

static IrRef variable_get(DisasContext *s, unsigned variable)
{
    return variable == NO_VARIABLE ? ir_imm64(&s->b, 0) : ir_get(&s->b, IR_I64, variable);
}

static void variable_set(DisasContext *s, unsigned variable, IrRef v)
{
    if (variable != NO_VARIABLE)
        ir_set(&s->b, IR_I64, v, variable);
}

/* ---- codes in line ------------------------------------------------------------------------- */

/* The bits of `ptr` that hold the code. */
static IrRef code_bits(DisasContext *s, IrRef ptr, bool data)
{
    IrBuilder *b = &s->b;
    IrRef ext = ir_exts(b, IR_I64, ptr, IR_POSLEN(55, 1));
    IrRef lower = ir_ldenv(b, IR_I64, 3, OFF(pac_field[data].lower));
    IrRef differ = ir_ldenv(b, IR_I64, 3, OFF(pac_field[data].differ));
    return ir_xor(b, IR_I64, lower, ir_and(b, IR_I64, differ, ext));
}

/* Those of them that differ from the sign extension of bit 55. */
static IrRef extension_errors(DisasContext *s, IrRef ptr, IrRef field)
{
    IrBuilder *b = &s->b;
    IrRef ext = ir_exts(b, IR_I64, ptr, IR_POSLEN(55, 1));
    return ir_and(b, IR_I64, ir_xor(b, IR_I64, ptr, ext), field);
}

static IrRef product(DisasContext *s, unsigned key, IrRef ptr, IrRef modifier)
{
    IrBuilder *b = &s->b;
    IrRef x = ir_xor(b, IR_I64, ptr, ir_ldenv(b, IR_I64, 3, OFF(pac_key[key].lo)));
    IrRef y = ir_xor(b, IR_I64, modifier, ir_ldenv(b, IR_I64, 3, OFF(pac_key[key].hi)));
    return ir_xor(b, IR_I64, ir_mul(b, IR_I64, x, y), ir_mulhu(b, IR_I64, x, y));
}

static void cold_unless_equal(DisasContext *s, IrRef x, IrRef y, const PauthInsn *insn)
{
    gen_cold_if(s, IR_I64, x, y, IR_NE, COLD_PAUTH, s->pc)->pauth = *insn;
}

/* The result of `insn`, i64; what is out of the ordinary leaves. */
static IrRef inline_code(DisasContext *s, const PauthInsn *insn)
{
    IrBuilder *b = &s->b;
    unsigned key = insn->op & PAUTH_KEY;
    IrRef ptr = variable_get(s, insn->from), modifier = variable_get(s, insn->modifier);
    IrRef field = code_bits(s, ptr, key >= PAUTH_DA), errors = extension_errors(s, ptr, field);
    if (!(insn->op & PAUTH_AUTH)) {
        cold_unless_equal(s, errors, ir_imm64(b, 0), insn);
        return ir_xor(b, IR_I64, ptr, ir_and(b, IR_I64, product(s, key, ptr, modifier), field));
    }
    IrRef plain = ir_xor(b, IR_I64, ptr, errors);
    IrRef code = ir_and(b, IR_I64, product(s, key, plain, modifier), field);
    cold_unless_equal(s, errors, code, insn);
    return plain;
}

static IrRef helper_code(DisasContext *s, unsigned op, IrRef ptr, IrRef modifier)
{
    bool strict = (op & PAUTH_AUTH) && arm_has(s->cpu, ARM_FEAT_FPAC);
    return ir_callv(&s->b, strict ? &helper_pauth_strict : &helper_pauth, ir_imm32(&s->b, op),
                    ptr, modifier);
}

void gen_pauth_cold(DisasContext *s, const ColdExit *c)
{
    const PauthInsn *insn = &c->pauth;
    ir_insn_start(&s->b, c->pc);
    IrRef v = helper_code(s, insn->op, variable_get(s, insn->from),
                          variable_get(s, insn->modifier));
    if (insn->to == ARM_G_PC) {
        gen_exit_reg(s, v, 0);
        return;
    }
    variable_set(s, insn->to, v);
    gen_exit_reason(s, c->pc + 4, IR_REASON_RESYNC);
}

/* Sign or authenticate; the result, or the pointer as it is where the key is disabled. */
static IrRef code(DisasContext *s, const PauthInsn *insn)
{
    if (!is_enabled(s, insn->op & PAUTH_KEY))
        return variable_get(s, insn->from);
    if (is_inline(s) && insn->to != NO_VARIABLE)
        return inline_code(s, insn);
    return helper_code(s, insn->op, variable_get(s, insn->from), variable_get(s, insn->modifier));
}

/* ---- registers ----------------------------------------------------------------------------- */

static unsigned op_of(unsigned key, bool auth)
{
    return key | (auth ? PAUTH_AUTH : 0);
}

static unsigned register_variable(unsigned n)
{
    return n == 31 ? NO_VARIABLE : ARM_G_X0 + n;
}

static void update_register(DisasContext *s, unsigned key, bool auth, unsigned n, unsigned modifier)
{
    unsigned variable = register_variable(n);
    if (is_enabled(s, key))
        variable_set(s, variable, code(s, &(PauthInsn){ .op = op_of(key, auth), .from = variable,
                                                        .to = variable, .modifier = modifier }));
}

bool a64_trans_PAC(DisasContext *s, const struct a64_pac *a)
{
    update_register(s, a->key, a->auth, a->rd, a->z ? NO_VARIABLE : ARM_G_X0 + (unsigned)a->rn);
    return true;
}

static bool has_pauth(const DisasContext *s)
{
    return arm_has(s->cpu, ARM_FEAT_PAUTH);
}

bool a64_trans_PAC_1716(DisasContext *s, const struct a64_pac_hint *a)
{
    if (has_pauth(s))
        update_register(s, a->key, a->auth, 17, ARM_G_X0 + 16);
    return true;
}

bool a64_trans_PAC_LR_SP(DisasContext *s, const struct a64_pac_hint *a)
{
    if (has_pauth(s))
        update_register(s, a->key, a->auth, 30, ARM_G_SP);
    return true;
}

bool a64_trans_PAC_LR_zero(DisasContext *s, const struct a64_pac_hint *a)
{
    if (has_pauth(s))
        update_register(s, a->key, a->auth, 30, NO_VARIABLE);
    return true;
}

static void strip(DisasContext *s, unsigned n, bool data)
{
    IrRef ptr = reg_get(s, true, n);
    IrRef errors = extension_errors(s, ptr, code_bits(s, ptr, data));
    reg_set(s, true, n, ir_xor(&s->b, IR_I64, ptr, errors));
}

bool a64_trans_XPAC(DisasContext *s, const struct a64_xpac *a)
{
    strip(s, a->rd, a->data);
    return true;
}

bool a64_trans_XPACLRI(DisasContext *s, const struct a64_none *a)
{
    if (has_pauth(s))
        strip(s, 30, false);
    return true;
}

bool a64_trans_PACGA(DisasContext *s, const struct a64_rrr_x *a)
{
    IrRef v, x = reg_get(s, true, a->rn), modifier = reg_get_sp(s, true, a->rm);
    if (is_inline(s))
        v = ir_and(&s->b, IR_I64, product(s, PAUTH_GA, x, modifier),
                   ir_imm64(&s->b, ~bit_mask(32)));
    else
        v = helper_code(s, PAUTH_GA, x, modifier);
    reg_set(s, true, a->rd, v);
    return true;
}

/* ---- branches ------------------------------------------------------------------------------ */

static IrRef branch_target(DisasContext *s, const struct a64_branch_auth *a)
{
    if (!is_enabled(s, a->key))
        return reg_get(s, true, a->rn);
    return helper_code(s, op_of(a->key, true) | PAUTH_COMBINED, reg_get(s, true, a->rn),
                       a->z ? ir_imm64(&s->b, 0) : reg_get_sp(s, true, a->rm));
}

bool a64_trans_BRA(DisasContext *s, const struct a64_branch_auth *a)
{
    IrRef target = branch_target(s, a);
    gen_branch_record(s, target, a->rn, false);
    gen_exit_reg(s, target, IR_EXIT_POLL);
    return true;
}

bool a64_trans_BLRA(DisasContext *s, const struct a64_branch_auth *a)
{
    IrRef target = branch_target(s, a);
    reg_set(s, true, 30, ir_imm64(&s->b, s->pc + 4));
    gen_branch_record(s, target, a->rn, true);
    gen_exit_reg(s, target, IR_EXIT_POLL | IR_EXIT_CALL);
    return true;
}

bool a64_trans_RETA(DisasContext *s, const struct a64_return_auth *a)
{
    const PauthInsn insn = { .op = op_of(a->key, true) | PAUTH_COMBINED, .from = ARM_G_X0 + 30,
                             .to = ARM_G_PC, .modifier = ARM_G_SP };
    gen_exit_reg(s, code(s, &insn), IR_EXIT_POLL | IR_EXIT_RETURN);
    return true;
}

bool a64_trans_ERETA(DisasContext *s, const struct a64_return_auth *a)
{
    if (s->el == 0)
        return false;
    IrRef target = ir_ldenv(&s->b, IR_I64, 3, OFF(elr_el1));
    if (is_enabled(s, a->key))
        target = helper_code(s, op_of(a->key, true) | PAUTH_COMBINED, target,
                             ir_get(&s->b, IR_I64, ARM_G_SP));
    gen_eret(s, target);
    return true;
}

/* ---- loads --------------------------------------------------------------------------------- */

bool a64_trans_LDRA(DisasContext *s, const struct a64_load_auth *a)
{
    unsigned key = PAUTH_DA + a->b;
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    if (is_enabled(s, key))
        base = helper_code(s, op_of(key, true) | PAUTH_COMBINED, base, ir_imm64(&s->b, 0));
    reg_set(s, true, a->rt, ir_ld(&s->b, IR_I64, base, memop_plain(s, 3), a->imm));
    if (a->w)
        reg_move_sp(s, a->rn, base, a->imm);
    return true;
}
