// SPDX-License-Identifier: MIT
//
// CPU models: identification registers, which announce only what is implemented here (EL0 and
// EL1 in AArch64, FP, Advanced SIMD, CRC32, the cryptographic extension; in `max` also what
// its initialiser names).
// Arm ARM D23.2 (identification registers); Cortex-A72 TRM 100095 chapter 4.
#include "target/arm/internal.h"

#include <stdio.h>
#include <string.h>
#include "util/suggest.h"

#define FIELD(lsb, value) ((uint64_t)(value) << (lsb))

/* ID_AA64PFR0: EL0 and EL1 are AArch64 only; FP and AdvSIMD present (0); CSV2, CSV3: nothing is
 * executed speculatively. */
#define PFR0 (FIELD(0, 1) | FIELD(4, 1) | FIELD(56, 1) | FIELD(60, 1))
/* ID_AA64PFR0.FP, AdvSIMD: half-precision arithmetic. */
#define FP16 (FIELD(16, 1) | FIELD(20, 1))
/* ID_AA64DFR0: Armv8 debug, the smallest number of breakpoints and watchpoints; no PMU, trace. */
#define DFR0 (FIELD(0, 6) | FIELD(12, 1) | FIELD(20, 1))
/* ID_AA64ISAR0: AES and PMULL, SHA1, SHA256, CRC32. */
#define ISAR0 (FIELD(4, 2) | FIELD(8, 1) | FIELD(12, 1) | FIELD(16, 1))
/* ID_AA64MMFR0: 44-bit physical addresses, 16-bit ASID, 4K granule only. */
#define MMFR0 (FIELD(0, 4) | FIELD(4, 2) | FIELD(20, 0) | FIELD(24, 15) | FIELD(28, 0))

/* CTR_EL0: 64-byte lines, PIPT instruction cache, 64-byte exclusives granule. */
#define CTR (FIELD(0, 4) | FIELD(14, 3) | FIELD(16, 4) | FIELD(20, 4) | FIELD(24, 4) | FIELD(31, 1))
/* Neither cleaning the data cache nor invalidating the instruction cache is needed for coherence:
 * translations go by the stores themselves. */
#define CTR_IDC FIELD(28, 1)
#define CTR_DIC FIELD(29, 1)

static const ArmModel models[] = {
    {
        .name = "max", .help = "everything that Dragoman implements",
        .compatible = "arm,armv8",
        .midr = 0x000f0510, .id_aa64pfr0 = PFR0 | FP16, .id_aa64dfr0 = DFR0,
        /* LSE, RDM, DotProd, FlagM2 */
        .id_aa64isar0 = ISAR0 | FIELD(20, 2) | FIELD(28, 1) | FIELD(44, 1) | FIELD(52, 2),
        /* JSCVT, LRCPC2, FRINTTS, SB */
        .id_aa64isar1 = FIELD(12, 1) | FIELD(20, 2) | FIELD(32, 1) | FIELD(36, 1),
        .id_aa64mmfr0 = MMFR0, .id_aa64mmfr1 = FIELD(ARM_MMFR1_PAN, 1),
        .id_aa64mmfr2 = FIELD(ARM_MMFR2_E0PD, 1), /* spares kernels page table isolation */
        .ctr = CTR | CTR_IDC | CTR_DIC, .clidr = 0x0a200023, .dczid = 4,
        .ccsidr = { 0x701fe01a, 0x201fe00a, 0x70ffe07a },
    },
    {
        .name = "cortex-a53", .help = "Cortex-A53", .compatible = "arm,cortex-a53",
        .midr = 0x410fd034, .id_aa64pfr0 = PFR0, .id_aa64dfr0 = DFR0, .id_aa64isar0 = ISAR0,
        .id_aa64mmfr0 = (MMFR0 & ~UINT64_C(15)) | 2,
        .ctr = 0x84448004, .clidr = 0x0a200023, .dczid = 4,
        .ccsidr = { 0x700fe01a, 0x201fe01a, 0x707fe07a },
    },
    {
        .name = "cortex-a57", .help = "Cortex-A57", .compatible = "arm,cortex-a57",
        .midr = 0x411fd070, .id_aa64pfr0 = PFR0, .id_aa64dfr0 = DFR0, .id_aa64isar0 = ISAR0,
        .id_aa64mmfr0 = MMFR0,
        .ctr = 0x8444c004, .clidr = 0x0a200023, .dczid = 4,
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x70ffe07a },
    },
    {
        .name = "cortex-a72", .help = "Cortex-A72", .compatible = "arm,cortex-a72",
        .midr = 0x410fd083, .id_aa64pfr0 = PFR0, .id_aa64dfr0 = DFR0, .id_aa64isar0 = ISAR0,
        .id_aa64mmfr0 = MMFR0,
        .ctr = 0x8444c004, .clidr = 0x0a200023, .dczid = 4,
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x707fe07a },
    },
};

/* What QEMU users switch off, and what no model here has: off is agreed to, on is refused. */
static const char *const absent_features[] = {
    "pauth", "pauth-impdef", "sve", "sme", "lpa2", "pmu", "el2", "el3", "has_el3", "mte", "rndr",
    "sve128", "sve256", "sve512", "kvm-no-adjvtime",
};

static const ArmModel *find_model(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (strlen(models[i].name) == len && !memcmp(models[i].name, name, len))
            return &models[i];
    return NULL;
}

static bool word_is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && !memcmp(text, word, len);
}

static bool feature_is_absent(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(absent_features) / sizeof(absent_features[0]); i++)
        if (word_is(name, len, absent_features[i]))
            return true;
    return false;
}

static bool check_feature(const char *text, size_t len, Error **err)
{
    const char *eq = memchr(text, '=', len);
    size_t name_len = eq ? (size_t)(eq - text) : len;
    const char *value = eq ? eq + 1 : "on";
    size_t value_len = eq ? len - name_len - 1 : 2;
    bool on = word_is(value, value_len, "on"), off = word_is(value, value_len, "off");
    if (!on && !off)
        return error_set(err, "CPU feature '%.*s' is neither on nor off", (int)len, text);
    if (word_is(text, name_len, "aarch64"))
        return on || error_set(err, "aarch64=off: 32-bit Arm guests are not supported yet");
    if (feature_is_absent(text, name_len))
        return off || error_set(err, "CPU feature '%.*s' is not implemented; leave it out or "
                                "write %.*s=off", (int)name_len, text, (int)name_len, text);
    char typed[64];
    snprintf(typed, sizeof(typed), "%.*s", (int)name_len, text);
    Suggest s = suggest_start(typed);
    suggest_offer(&s, "aarch64");
    for (size_t i = 0; i < sizeof(absent_features) / sizeof(absent_features[0]); i++)
        suggest_offer(&s, absent_features[i]);
    return error_set(err, "unknown CPU feature '%s'%s", typed, suggest_text(&s));
}

const ArmModel *arm_model_parse(const char *spec, Error **err)
{
    size_t len = strcspn(spec, ",");
    const ArmModel *m = find_model(spec, len);
    if (!m) {
        char typed[64];
        snprintf(typed, sizeof(typed), "%.*s", (int)len, spec);
        Suggest s = suggest_start(typed);
        for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
            suggest_offer(&s, models[i].name);
        error_set(err, "unknown CPU model '%s'%s ('-cpu help' lists them)", typed,
                  suggest_text(&s));
        return NULL;
    }
    for (const char *p = spec + len; *p;) {
        size_t n = strcspn(++p, ",");
        if (n && !check_feature(p, n, err))
            return NULL;
        p += n;
    }
    return m;
}

void arm_model_print_help(FILE *out)
{
    fprintf(out, "Available CPUs:\n");
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        fprintf(out, "  %s\n", models[i].name);
}

void arm_model_print_features(FILE *out)
{
    fprintf(out, "CPU features, as in -cpu max,pauth=off:\n  aarch64=on (32-bit CPUs are not "
            "supported yet)\n");
    for (size_t i = 0; i < sizeof(absent_features) / sizeof(absent_features[0]); i++)
        fprintf(out, "  %s=off (not implemented)\n", absent_features[i]);
}
