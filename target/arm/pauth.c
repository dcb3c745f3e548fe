// SPDX-License-Identifier: MIT
//
// Pointer authentication codes: where they stand in a pointer, how they are computed, what a
// wrong one does. Arm ARM D8.8, J1.1 (AddPAC, Auth, ComputePAC); R. Avanzi, "The QARMA Block Cipher
// Family" (2016), whose names for the parts of the cipher are used here.
//
// The IMPLEMENTATION DEFINED algorithm is a product of pointer and modifier, each masked with half
// of the key. Translated code computes it in line where nothing is out of the ordinary
// (translate-pauth.c) and comes here for the rest; both must agree.
#include "target/arm/pauth.h"

#include "target/arm/internal.h"
#include "util/bitops.h"

/* ---- where the code stands ----------------------------------------------------------------- */

#define TCR_TBI(high) BIT(37 + (high))
#define TCR_TBID(high) BIT(51 + (high))

/* Bits 54 downwards to the size of the address space, and the top byte where it counts. Bit 55
 * says which half, and is never part of it. */
static uint64_t field_of(const ArmCpu *cpu, bool high, bool data)
{
    uint64_t tcr = cpu->tcr_el1;
    unsigned tsz = bits_get(tcr, high ? 16 : 0, 6);
    bool tbi = (tcr & TCR_TBI(high)) && (data || !(tcr & TCR_TBID(high)));
    unsigned largest = arm_has(cpu, ARM_FEAT_TTST) ? 48 : 39;
    unsigned bottom = 64 - MIN(MAX(tsz, 16u), largest);
    return (bit_mask(55) & ~bit_mask(bottom)) | (tbi ? 0 : UINT64_C(0xff) << 56);
}

void arm_pauth_layout(ArmCpu *cpu)
{
    for (unsigned data = 0; data < 2; data++) {
        uint64_t lower = field_of(cpu, false, data);
        cpu->pac_field[data].lower = lower;
        cpu->pac_field[data].differ = lower ^ field_of(cpu, true, data);
    }
}

static uint64_t extension(uint64_t ptr)
{
    return ptr & BIT(55) ? UINT64_MAX : 0;
}

static uint64_t field_for(const ArmCpu *cpu, uint64_t ptr, bool data)
{
    return cpu->pac_field[data].lower ^ (cpu->pac_field[data].differ & extension(ptr));
}

/* ---- QARMA --------------------------------------------------------------------------------- */

/* The state is 16 cells of four bits, cell 0 on top; as a matrix, four rows of 16 bits. */
static const uint8_t sigma[2][16] = {
    { 11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10 }, /* 2 */
    { 10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4 }, /* 1, its own inverse */
};
static const uint8_t sigma2_inverse[16] = { 5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3 };
static const uint8_t tau[16] = { 0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2 };
static const uint8_t tau_inverse[16] = { 0, 5, 15, 10, 13, 8, 2, 7, 11, 14, 4, 1, 6, 3, 9, 12 };
static const uint8_t tweak_shuffle[16] = { 6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11 };
#define TWEAK_CELLS_LFSR 0x291b /* cells 0, 1, 3, 4, 8, 11, 13: bit n is cell n */

static const uint64_t round_constants[] = {
    0, UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377),
};
#define ALPHA UINT64_C(0xc0ac29b7c97c50dd)

static unsigned cell(uint64_t state, unsigned n)
{
    return state >> (60 - 4 * n) & 15;
}

static uint64_t cells_shuffle(uint64_t in, const uint8_t *from)
{
    uint64_t out = 0;
    for (unsigned n = 0; n < 16; n++)
        out = out << 4 | cell(in, from[n]);
    return out;
}

static uint64_t cells_substitute(uint64_t in, const uint8_t *box)
{
    uint64_t out = 0;
    for (unsigned n = 0; n < 16; n++)
        out = out << 4 | box[cell(in, n)];
    return out;
}

static uint64_t cells_rotate(uint64_t in, unsigned by)
{
    uint64_t low = bit_mask(by) * UINT64_C(0x1111111111111111);
    return (in << by & ~low) | (in >> (4 - by) & low);
}

/* MixColumns by the matrix circ(0, rho, rho^2, rho). */
static uint64_t mix(uint64_t in)
{
    uint64_t one = in << 16 | in >> 48, two = in << 32 | in >> 32, three = in << 48 | in >> 16;
    return cells_rotate(one ^ three, 1) ^ cells_rotate(two, 2);
}

static uint64_t tweak_forward(uint64_t tweak)
{
    uint64_t in = cells_shuffle(tweak, tweak_shuffle), out = 0;
    for (unsigned n = 0; n < 16; n++) {
        unsigned c = cell(in, n);
        if (TWEAK_CELLS_LFSR >> n & 1)
            c = c >> 1 | ((c ^ c >> 1) & 1) << 3;
        out = out << 4 | c;
    }
    return out;
}

static uint64_t tweak_backward(uint64_t tweak)
{
    uint64_t out = 0;
    for (unsigned n = 0; n < 16; n++) {
        unsigned c = cell(tweak, n);
        if (TWEAK_CELLS_LFSR >> n & 1)
            c = (c << 1 & 15) | ((c ^ c >> 3) & 1);
        out |= (uint64_t)c << (60 - 4 * tweak_shuffle[n]);
    }
    return out;
}

uint64_t pauth_qarma(uint64_t data, uint64_t modifier, uint64_t key_hi, uint64_t key_lo,
                     unsigned rounds, bool sigma1)
{
    const uint8_t *box = sigma[sigma1], *inverse = sigma1 ? sigma[1] : sigma2_inverse;
    uint64_t w0 = key_hi, k0 = key_lo, tweak = modifier, s = data ^ w0;
    uint64_t w1 = (w0 >> 1 | w0 << 63) ^ w0 >> 63;
    for (unsigned i = 0; i < rounds; i++) {
        s ^= k0 ^ tweak ^ round_constants[i];
        if (i)
            s = mix(cells_shuffle(s, tau));
        s = cells_substitute(s, box);
        tweak = tweak_forward(tweak);
    }
    s = cells_substitute(mix(cells_shuffle(s ^ w1 ^ tweak, tau)), box);
    s = mix(cells_shuffle(s, tau)) ^ k0; /* the reflector */
    s = cells_substitute(cells_shuffle(s, tau_inverse), inverse);
    s = cells_shuffle(mix(s), tau_inverse) ^ w0 ^ tweak;
    for (unsigned i = rounds; i--;) {
        s = cells_substitute(s, inverse);
        if (i)
            s = cells_shuffle(mix(s), tau_inverse);
        tweak = tweak_backward(tweak);
        s ^= round_constants[i] ^ k0 ^ tweak ^ ALPHA;
    }
    return s ^ w1;
}

/* ---- the code ------------------------------------------------------------------------------ */

static uint64_t product(uint64_t data, uint64_t modifier, uint64_t key_hi, uint64_t key_lo)
{
    unsigned __int128 p = (unsigned __int128)(data ^ key_lo) * (modifier ^ key_hi);
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t compute(const ArmCpu *cpu, unsigned key, uint64_t data, uint64_t modifier)
{
    uint64_t lo = cpu->pac_key[key].lo, hi = cpu->pac_key[key].hi;
    if (arm_has(cpu, ARM_FEAT_PACQARMA5))
        return pauth_qarma(data, modifier, hi, lo, 5, false);
    if (arm_has(cpu, ARM_FEAT_PACQARMA3))
        return pauth_qarma(data, modifier, hi, lo, 3, true);
    return product(data, modifier, hi, lo);
}

/* Whether the code is combined with the pointer by exclusive or. The IMPLEMENTATION DEFINED one
 * always is: that is as good a definition. */
static bool is_xored(const ArmCpu *cpu)
{
    return arm_has(cpu, ARM_FEAT_PAUTH2) ||
           !(arm_has(cpu, ARM_FEAT_PACQARMA5) || arm_has(cpu, ARM_FEAT_PACQARMA3));
}

static uint64_t add_code(const ArmCpu *cpu, unsigned key, uint64_t ptr, uint64_t modifier)
{
    bool data = key >= PAUTH_DA;
    uint64_t tcr = cpu->tcr_el1;
    bool tbi = (tcr & (TCR_TBI(0) | TCR_TBI(1))) != 0;
    if (!data)
        tbi = ((tcr & TCR_TBI(0)) && !(tcr & TCR_TBID(0))) ||
              ((tcr & TCR_TBI(1)) && !(tcr & TCR_TBID(1)));
    uint64_t ext = extension(tbi ? ptr : ptr >> 8), field = field_for(cpu, ext, data);
    bool top_ignored = !(field >> 56);
    uint64_t replaced = field | BIT(55);
    uint64_t plain = (ptr & ~replaced) | (ext & replaced);
    uint64_t code = compute(cpu, key, plain, modifier);
    uint64_t upper = field | BIT(55) | (top_ignored ? 0 : BIT(63));
    bool canonical = !(ptr & upper) || !(~ptr & upper);
    if (arm_has(cpu, ARM_FEAT_PAUTH2))
        return (ptr & ~BIT(55)) ^ ((code & field) | (ext & BIT(55)));
    if (!canonical)
        code ^= BIT(top_ignored ? 54 : 62);
    return is_xored(cpu) ? plain ^ (code & field) : (plain & ~field) | (code & field);
}

static void raise_failure(ArmCpu *cpu, unsigned key)
{
    arm_raise_exit(cpu, ESR(EC_FPAC, key & 3), cpu->regs.pc);
}

static uint64_t authenticate(ArmCpu *cpu, unsigned op, uint64_t ptr, uint64_t modifier)
{
    unsigned key = op & PAUTH_KEY;
    uint64_t field = field_for(cpu, ptr, key >= PAUTH_DA), ext = extension(ptr);
    uint64_t plain = (ptr & ~field) | (ext & field);
    uint64_t code = compute(cpu, key, plain, modifier);
    if (arm_has(cpu, ARM_FEAT_PAUTH2)) {
        uint64_t result = ptr ^ (code & field);
        bool strict = arm_has(cpu, ARM_FEAT_FPACCOMBINE) ||
                      (arm_has(cpu, ARM_FEAT_FPAC) && !(op & PAUTH_COMBINED));
        if (strict && result != plain)
            raise_failure(cpu, key);
        return result;
    }
    uint64_t wanted = is_xored(cpu) ? ext ^ code : code;
    if (!((ptr ^ wanted) & field))
        return plain;
    unsigned error_bit = field >> 56 ? 61 : 53; /* 01 for an A key, 10 for a B key */
    return (plain & ~(UINT64_C(3) << error_bit)) | (key & 1 ? 2ull : 1ull) << error_bit;
}

static uint64_t do_pauth(void *env, uint32_t op, uint64_t ptr, uint64_t modifier)
{
    ArmCpu *cpu = env;
    unsigned key = op & PAUTH_KEY;
    if (key == PAUTH_GA)
        return compute(cpu, key, ptr, modifier) & ~bit_mask(32);
    return op & PAUTH_AUTH ? authenticate(cpu, op, ptr, modifier)
                           : add_code(cpu, key, ptr, modifier);
}

#define PAUTH_HELPER(id, effects) \
    const IrHelper id = { #id, (void (*)(void))do_pauth, IR_I64, 3, { IR_I32, IR_I64, IR_I64 }, \
                          IR_HELPER_ENV | (effects) }
PAUTH_HELPER(helper_pauth, 0);
PAUTH_HELPER(helper_pauth_strict, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FAULT);
