// SPDX-License-Identifier: MIT
//
// The table of architectural features, and `-cpu MODEL,feature=on|off`. Arm ARM DDI 0487 A2
// (features by version), D23.2 (identification registers).
//
// A field of an ID register counts upwards: value 2 includes what value 1 says, so rows of the
// same field need each other without saying so.
#include "target/arm/cpu-features.h"

#include <string.h>
#include "target/arm/decode/a64_decode.h" /* generated: enum A64Feature */
#include "target/arm/internal.h"
#include "util/bitops.h"
#include "util/keyval.h"
#include "util/suggest.h"

/* An ID register field; `value` announces, `absent` denies. */
typedef struct IdField {
    uint16_t offset; /* of the register in ArmModel; 0: none (the name is there) */
    uint8_t lsb, value, absent;
} IdField;

#define AT(reg, lsb, value) { offsetof(ArmModel, id_aa64##reg), lsb, value, 0 }
/* ID_AA64ISAR1_EL1 and ISAR2: address and generic authentication by each algorithm */
#define APA(value) AT(isar1, 4, value)
#define GPA(value) AT(isar1, 24, value)
#define API(value) AT(isar1, 8, value)
#define GPI(value) AT(isar1, 28, value)
#define APA3(value) AT(isar2, 12, value)
#define GPA3(value) AT(isar2, 8, value)
#define DECODE(name) .decode = A64_FEAT_##name + 1

static const struct {
    const char *name;     /* of the option; "FEAT_" and capitals make it the manual's */
    IdField field, also;  /* `also`: a second field that always goes with the first */
    uint8_t needs;        /* an ArmFeature of another field, or none */
    uint8_t decode;       /* 1 + A64Feature */
    bool on_request;      /* `max` has it only when told so */
} rows[ARM_FEAT_COUNT] = {
    [ARM_FEAT_FP16] = { "fp16", AT(pfr0, 16, 1), AT(pfr0, 20, 1), DECODE(FP16) },
    [ARM_FEAT_RAS] = { .name = "ras", .field = AT(pfr0, 28, 1) },
    [ARM_FEAT_CSV2] = { .name = "csv2", .field = AT(pfr0, 56, 1) },
    [ARM_FEAT_CSV2_2] = { .name = "csv2_2", .field = AT(pfr0, 56, 2) },
    [ARM_FEAT_CSV3] = { .name = "csv3", .field = AT(pfr0, 60, 1) },
    [ARM_FEAT_BTI] = { .name = "bti", .field = AT(pfr1, 0, 1) },
    [ARM_FEAT_SSBS] = { .name = "ssbs", .field = AT(pfr1, 4, 1) },
    [ARM_FEAT_SSBS2] = { "ssbs2", AT(pfr1, 4, 2), DECODE(SSBS) },

    [ARM_FEAT_PMU] = { .name = "pmu", .field = AT(dfr0, 8, 1) },
    [ARM_FEAT_PMUV3P1] = { .name = "pmuv3p1", .field = AT(dfr0, 8, 4) },

    [ARM_FEAT_AES] = { "aes", AT(isar0, 4, 1), DECODE(AES) },
    [ARM_FEAT_PMULL] = { "pmull", AT(isar0, 4, 2), DECODE(PMULL) },
    [ARM_FEAT_SHA1] = { "sha1", AT(isar0, 8, 1), DECODE(SHA1) },
    [ARM_FEAT_SHA256] = { "sha256", AT(isar0, 12, 1), DECODE(SHA256) },
    [ARM_FEAT_SHA512] = { "sha512", AT(isar0, 12, 2), .needs = ARM_FEAT_SHA1, DECODE(SHA512) },
    [ARM_FEAT_CRC32] = { "crc32", AT(isar0, 16, 1), DECODE(CRC32) },
    [ARM_FEAT_LSE] = { "lse", AT(isar0, 20, 2), DECODE(LSE) },
    [ARM_FEAT_RDM] = { "rdm", AT(isar0, 28, 1), DECODE(RDM) },
    [ARM_FEAT_SHA3] = { "sha3", AT(isar0, 32, 1), .needs = ARM_FEAT_SHA512, DECODE(SHA3) },
    [ARM_FEAT_SM3] = { "sm3", AT(isar0, 36, 1), DECODE(SM3) },
    [ARM_FEAT_SM4] = { "sm4", AT(isar0, 40, 1), DECODE(SM4) },
    [ARM_FEAT_DOTPROD] = { "dotprod", AT(isar0, 44, 1), DECODE(DOTPROD) },
    [ARM_FEAT_FHM] = { "fhm", AT(isar0, 48, 1), .needs = ARM_FEAT_FP16, DECODE(FHM) },
    [ARM_FEAT_FLAGM] = { "flagm", AT(isar0, 52, 1), DECODE(FLAGM) },
    [ARM_FEAT_FLAGM2] = { "flagm2", AT(isar0, 52, 2), DECODE(FLAGM2) },
    [ARM_FEAT_TLBIOS] = { .name = "tlbios", .field = AT(isar0, 56, 1) },
    [ARM_FEAT_TLBIRANGE] = { .name = "tlbirange", .field = AT(isar0, 56, 2) },
    [ARM_FEAT_RNG] = { .name = "rndr", .field = AT(isar0, 60, 1) },

    [ARM_FEAT_DPB] = { .name = "dpb", .field = AT(isar1, 0, 1) },
    [ARM_FEAT_DPB2] = { .name = "dpb2", .field = AT(isar1, 0, 2) },

    /* here the level counts for all three algorithms; see place_pauth() */
    [ARM_FEAT_PAUTH] = { "pauth", API(1), GPI(1), DECODE(PAUTH) },
    [ARM_FEAT_PAUTH2] = { "pauth2", API(3), .on_request = true },
    [ARM_FEAT_FPAC] = { "fpac", API(4), .on_request = true },
    [ARM_FEAT_FPACCOMBINE] = { "fpaccombine", API(5), .on_request = true },
    [ARM_FEAT_PACQARMA5] = { "pauth-qarma5", APA(1), GPA(1), ARM_FEAT_PAUTH, .on_request = true },
    [ARM_FEAT_PACQARMA3] = { "pauth-qarma3", APA3(1), GPA3(1), ARM_FEAT_PAUTH,
                             .on_request = true },
    [ARM_FEAT_JSCVT] = { "jscvt", AT(isar1, 12, 1), DECODE(JSCVT) },
    [ARM_FEAT_FCMA] = { "fcma", AT(isar1, 16, 1), DECODE(FCMA) },
    [ARM_FEAT_LRCPC] = { "lrcpc", AT(isar1, 20, 1), DECODE(LRCPC) },
    [ARM_FEAT_LRCPC2] = { "lrcpc2", AT(isar1, 20, 2), DECODE(LRCPC2) },
    [ARM_FEAT_FRINTTS] = { "frintts", AT(isar1, 32, 1), DECODE(FRINTTS) },
    [ARM_FEAT_SB] = { "sb", AT(isar1, 36, 1), DECODE(SB) },
    [ARM_FEAT_SPECRES] = { .name = "specres", .field = AT(isar1, 40, 1) },
    [ARM_FEAT_BF16] = { "bf16", AT(isar1, 44, 1), DECODE(BF16) },
    [ARM_FEAT_DGH] = { .name = "dgh", .field = AT(isar1, 48, 1) },
    [ARM_FEAT_I8MM] = { "i8mm", AT(isar1, 52, 1), DECODE(I8MM) },

    [ARM_FEAT_HAF] = { .name = "haf", .field = AT(mmfr1, 0, 1) },
    [ARM_FEAT_HAFDBS] = { .name = "hafdbs", .field = AT(mmfr1, 0, 2) },
    [ARM_FEAT_HPDS] = { .name = "hpds", .field = AT(mmfr1, 12, 1) },
    [ARM_FEAT_HPDS2] = { .name = "hpds2", .field = AT(mmfr1, 12, 2) }, /* bits for hardware that is absent */
    [ARM_FEAT_LOR] = { "lor", AT(mmfr1, 16, 1), DECODE(LOR) },
    [ARM_FEAT_PAN] = { "pan", AT(mmfr1, 20, 1), DECODE(PAN) },
    [ARM_FEAT_PAN2] = { .name = "pan2", .field = AT(mmfr1, 20, 2) },
    [ARM_FEAT_PAN3] = { .name = "pan3", .field = AT(mmfr1, 20, 3) },
    [ARM_FEAT_TTCNP] = { .name = "ttcnp", .field = AT(mmfr2, 0, 1) },
    [ARM_FEAT_UAO] = { "uao", AT(mmfr2, 4, 1), DECODE(UAO) },
    [ARM_FEAT_IESB] = { "iesb", AT(mmfr2, 12, 1), .needs = ARM_FEAT_RAS },
    [ARM_FEAT_TTST] = { .name = "ttst", .field = AT(mmfr2, 28, 1) },
    [ARM_FEAT_IDST] = { .name = "idst", .field = AT(mmfr2, 36, 1) },
    [ARM_FEAT_TTL] = { .name = "ttl", .field = AT(mmfr2, 48, 1) },
    [ARM_FEAT_E0PD] = { .name = "e0pd", .field = AT(mmfr2, 60, 1) },
};

/* Fields that are sizes, or describe more than one thing: the largest value that is implemented,
 * and what stands there when nothing is. Fields of neither table read as zero. */
static const IdField sizes[] = {
    AT(pfr0, 0, 1), AT(pfr0, 4, 1),       /* EL0, EL1: AArch64 only */
    AT(dfr0, 0, 8),                       /* DebugVer: for self-hosted debug the same as 6 */
    AT(dfr0, 12, 5), AT(dfr0, 20, 3), AT(dfr0, 28, 1), /* BRPs, WRPs, CTX_CMPs */
    AT(mmfr0, 0, 5),                      /* PARange: 48 bits */
    AT(mmfr0, 4, 2),                      /* ASIDBits: 16 */
    AT(mmfr0, 12, 1),                     /* SNSMem */
    AT(mmfr0, 20, 1), AT(mmfr0, 24, 0),   /* TGran16, TGran64: yes */
    AT(mmfr1, 4, 2), AT(mmfr1, 8, 1), AT(mmfr1, 28, 1), /* of EL2, which PFR0 says is not there:
                                                         * VMIDBits, VH, XNX */
};

/* What users of QEMU write and what is never there: off is agreed to, all else is refused. A star
 * stands for any end of a name: sve256, sve-max-vq. */
static const struct {
    const char *name, *why;
} absent[] = {
    { "sve*", "the Scalable Vector Extension" }, { "sme*", "the Scalable Matrix Extension" },
    { "lpa2", "52-bit addresses with 4K and 16K pages" },
    { "el2", "the hypervisor level" }, { "has_el2", "the hypervisor level" },
    { "el3", "the secure monitor level" }, { "has_el3", "the secure monitor level" },
    { "mte", "memory tagging" }, { "kvm-*", "KVM" }, { "cfgend", "big-endian data" },
    { "midr", "another identity" }, { "mp-affinity", "another identity" },
    { "rvbar", "another place to start at" }, { "reset-cbar", "another place of the GIC" },
    { "cntfrq", "another frequency of the timers" }, { "psci-conduit", "another way to PSCI" },
    { "start-powered-off", "a CPU that is off at first" },
};

/* ---- fields of ID registers ---------------------------------------------------------------- */

static uint64_t *id_register(ArmModel *m, IdField f)
{
    return (uint64_t *)((char *)m + f.offset);
}

static unsigned field_get(const ArmModel *m, IdField f)
{
    return arm_id_field(*id_register((ArmModel *)m, f), f.lsb);
}

static void field_set(ArmModel *m, IdField f, unsigned value)
{
    uint64_t *reg = id_register(m, f);
    *reg = (*reg & ~(UINT64_C(15) << f.lsb)) | (uint64_t)value << f.lsb;
}

static bool field_same(IdField a, IdField b)
{
    return a.offset == b.offset && a.lsb == b.lsb;
}

static bool field_announces(const ArmModel *m, IdField f)
{
    unsigned v = field_get(m, f);
    return v != f.absent && v >= f.value;
}

/* ---- what a model announces --------------------------------------------------------------- */

/* The largest implemented value of a field, and what denies it. */
static IdField field_limit(unsigned offset, unsigned lsb)
{
    IdField limit = { offset, lsb, 0, 0 };
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++) {
        const IdField fields[] = { rows[i].field, rows[i].also };
        for (unsigned k = 0; k < 2; k++)
            if (field_same(fields[k], limit) && fields[k].value >= limit.value)
                limit = fields[k];
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        if (field_same(sizes[i], limit))
            limit = sizes[i];
    return limit;
}

void arm_features_clip(ArmModel *m)
{
    for (size_t offset = offsetof(ArmModel, id_aa64pfr0); offset <= offsetof(ArmModel, id_aa64mmfr2);
         offset += sizeof(uint64_t)) {
        for (unsigned lsb = 0; lsb < 64; lsb += 4) {
            IdField limit = field_limit(offset, lsb);
            unsigned v = field_get(m, limit);
            if (v != limit.absent && v > limit.value)
                field_set(m, limit, limit.value);
            else if (limit.value == limit.absent)
                field_set(m, limit, limit.absent);
        }
    }
}

static void announce(ArmModel *m, unsigned feature)
{
    const IdField fields[] = { rows[feature].field, rows[feature].also };
    for (unsigned k = 0; k < 2; k++)
        if (fields[k].offset && !field_announces(m, fields[k]))
            field_set(m, fields[k], fields[k].value);
}

void arm_features_all(ArmModel *m)
{
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        if (!rows[i].on_request)
            announce(m, i);
}

static void field_move(ArmModel *m, IdField from, IdField to)
{
    field_set(m, to, field_get(m, from));
    field_set(m, from, 0);
}

/* Options and rows keep the level of pointer authentication in the fields of the IMPLEMENTATION
 * DEFINED algorithm. If it is another, that is where they belong. */
static void place_pauth(ArmModel *m)
{
    const IdField api = API(1), gpi = GPI(1), apa = APA(1), gpa = GPA(1), apa3 = APA3(1),
                  gpa3 = GPA3(1);
    if (!m->has[ARM_FEAT_PACQARMA5] && !m->has[ARM_FEAT_PACQARMA3])
        return;
    field_move(m, api, m->has[ARM_FEAT_PACQARMA5] ? apa : apa3);
    field_move(m, gpi, m->has[ARM_FEAT_PACQARMA5] ? gpa : gpa3);
}

void arm_features_settle(ArmModel *m)
{
    m->decode_features = 0;
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++) {
        m->has[i] = field_announces(m, rows[i].field);
        if (m->has[i] && rows[i].decode)
            m->decode_features |= BIT(rows[i].decode - 1);
    }
    place_pauth(m);
}

/* ---- on and off ---------------------------------------------------------------------------- */

/* With all that it needs. */
static void switch_on(ArmModel *m, unsigned feature)
{
    announce(m, feature);
    if (rows[feature].needs)
        switch_on(m, rows[feature].needs);
}

/* With all that needs it; its field falls back to the next lower value that means something. */
static void switch_off(ArmModel *m, unsigned feature)
{
    const IdField f = rows[feature].field;
    if (!field_announces(m, f))
        return;
    unsigned lower = f.absent;
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        if (field_same(rows[i].field, f) && rows[i].field.value < f.value)
            lower = MAX(lower, rows[i].field.value);
    field_set(m, f, lower);
    if (rows[feature].also.offset)
        field_set(m, rows[feature].also, rows[feature].also.absent);
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        if (rows[i].needs && !field_announces(m, rows[rows[i].needs].field))
            switch_off(m, i);
}

static unsigned find_feature(const char *name)
{
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        if (!strcmp(rows[i].name, name))
            return i;
    return ARM_FEAT_NONE;
}

/* `pauth-impdef` is that no other algorithm is asked for. */
static void set_pauth_impdef(ArmModel *m, bool on)
{
    if (on) {
        switch_off(m, ARM_FEAT_PACQARMA5);
        switch_off(m, ARM_FEAT_PACQARMA3);
        switch_on(m, ARM_FEAT_PAUTH);
    } else if (field_announces(m, rows[ARM_FEAT_PAUTH].field) &&
               !field_announces(m, rows[ARM_FEAT_PACQARMA3].field)) {
        switch_on(m, ARM_FEAT_PACQARMA5);
    }
}

/* NAME=VALUE of QEMU's that is never there; *known says whether it is one. */
static bool refuse_absent(const char *name, const char *value, bool *known, Error **err)
{
    bool on = true;
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
        size_t len = strcspn(absent[i].name, "*");
        if (strncmp(name, absent[i].name, len) || (name[len] && !absent[i].name[len]))
            continue;
        *known = true;
        if (parse_switch(value, &on) && !on)
            return true;
        return error_set(err, "CPU feature '%s' (%s) is not implemented; leave it out", name,
                         absent[i].why);
    }
    return true;
}

/* A switch that is in no row. */
static bool set_other(ArmModel *m, const char *name, bool on, Error **err)
{
    if (!strcmp(name, "aarch64"))
        return on || error_set(err, "aarch64=off: 32-bit Arm guests are not supported yet");
    if (!strcmp(name, "pauth-impdef")) {
        set_pauth_impdef(m, on);
        return true;
    }
    Suggest s = suggest_start(name);
    suggest_offer(&s, "aarch64");
    suggest_offer(&s, "pauth-impdef");
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        suggest_offer(&s, rows[i].name);
    return error_set(err, "unknown CPU feature '%s'%s ('-cpu max,help' lists them)", name,
                     suggest_text(&s));
}

/* One "NAME", "NAME=on" or "NAME=off"; what was asked for is noted in wanted[]: 1 on, 2 off. */
static bool apply_one(ArmModel *m, char *text, uint8_t *wanted, Error **err)
{
    char *eq = strchr(text, '=');
    const char *value = eq ? eq + 1 : "on";
    bool on, known = false;
    if (eq)
        *eq = '\0';
    if (!refuse_absent(text, value, &known, err))
        return false;
    if (known)
        return true;
    if (!parse_switch(value, &on))
        return error_set(err, "CPU feature '%s=%s' is neither on nor off", text, value);
    unsigned feature = find_feature(text);
    if (!feature)
        return set_other(m, text, on, err);
    (on ? switch_on : switch_off)(m, feature);
    wanted[feature] = on ? 1 : 2;
    return true;
}

/* A later option may have undone an earlier one: "sha1=..." cannot, "aes=off,pmull=on" did. */
static bool check_wishes(const ArmModel *m, const uint8_t *wanted, Error **err)
{
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        if (wanted[i] && (wanted[i] == 1) != field_announces(m, rows[i].field))
            return error_set(err, "CPU features contradict each other: '%s=%s' does not go with "
                             "the others", rows[i].name, wanted[i] == 1 ? "on" : "off");
    if (wanted[ARM_FEAT_PACQARMA5] == 1 && wanted[ARM_FEAT_PACQARMA3] == 1)
        return error_set(err, "CPU features contradict each other: choose one of pauth-qarma5 and "
                         "pauth-qarma3");
    return true;
}

bool arm_features_apply(ArmModel *m, const char *options, Error **err)
{
    uint8_t wanted[ARM_FEAT_COUNT] = { 0 };
    char text[64];
    for (const char *p = options; p && *p;) {
        size_t n = strcspn(p, ",");
        if (n >= sizeof(text))
            return error_set(err, "unknown CPU feature '%.*s'", (int)n, p);
        memcpy(text, p, n);
        text[n] = '\0';
        if (n && !apply_one(m, text, wanted, err))
            return false;
        p += n + (p[n] == ',');
    }
    return check_wishes(m, wanted, err);
}

void arm_features_print(const ArmModel *m, FILE *out)
{
    fprintf(out, "CPU features of %s, as in -cpu %s,lse=off:\n"
            "  aarch64=on (32-bit CPUs are not supported yet)\n"
            "  pauth-impdef=on, unless one of the other algorithms is asked for\n",
            m->name, m->name);
    for (unsigned i = ARM_FEAT_NONE + 1; i < ARM_FEAT_COUNT; i++)
        fprintf(out, "  %s=%s\n", rows[i].name, m->has[i] ? "on" : "off");
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
        fprintf(out, "  %s=off (not implemented: %s)\n", absent[i].name, absent[i].why);
}
