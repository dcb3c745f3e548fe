// SPDX-License-Identifier: MIT
//
// CPU models: the identification registers of the processors as their manuals give them, and
// `max`, which has every feature of cpu-features.c. A CPU announces what of these is implemented.
// Arm ARM D23.2 (identification registers); Cortex-A53 TRM DDI 0500, A57 DDI 0488, A72 100095,
// A76 100798, Neoverse N1 100616, chapters on AArch64 system registers. EL2 and EL3 are left out
// of ID_AA64PFR0_EL1, as on any machine that keeps them from its guests.
#include "target/arm/internal.h"

#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/suggest.h"

/* CTR_EL0 of `max`: 64-byte lines, PIPT instruction cache, 64-byte exclusives granule; neither
 * cleaning the data cache (IDC) nor invalidating the instruction cache (DIC) is needed for
 * coherence, because translations go by the stores themselves. */
#define CTR_MAX (UINT64_C(0x8444c004) | BIT(28) | BIT(29))

/* SCTLR_EL1 after reset */
#define SCTLR_A53 0x00c50838
#define SCTLR_A76 0x30c50838

static const ArmModel models[] = {
    {
        .name = "max", .compatible = "arm,armv8", .family = ARM_FAMILY_NONE,
        .midr = 0x000f0510, .id_aa64pfr0 = 0x11, .id_aa64dfr0 = 0x10305106,
        /* 48-bit physical addresses, 16-bit ASID, all granules */
        .id_aa64mmfr0 = 0x00101025,
        .pmcr = 0x3000, .ctr = CTR_MAX, .clidr = 0x0a200023, .dczid = 4, .sctlr = SCTLR_A53,
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x70ffe07a },
    },
    {
        .name = "cortex-a53", .compatible = "arm,cortex-a53", .family = ARM_FAMILY_A53,
        .midr = 0x410fd034, .id_aa64pfr0 = 0x22, .id_aa64dfr0 = 0x10305106,
        .id_aa64isar0 = 0x11120, .id_aa64mmfr0 = 0x1122,
        .pmcr = 0x41033000, .ctr = 0x84448004, .clidr = 0x0a200023, .dczid = 4, .sctlr = SCTLR_A53,
        .ccsidr = { 0x700fe01a, 0x201fe00a, 0x707fe07a },
    },
    {
        .name = "cortex-a57", .compatible = "arm,cortex-a57", .family = ARM_FAMILY_A53,
        .midr = 0x411fd070, .id_aa64pfr0 = 0x22, .id_aa64dfr0 = 0x10305106,
        .id_aa64isar0 = 0x11120, .id_aa64mmfr0 = 0x1124,
        .pmcr = 0x41013000, .ctr = 0x8444c004, .clidr = 0x0a200023, .dczid = 4, .sctlr = SCTLR_A53,
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x70ffe07a },
    },
    {
        .name = "cortex-a72", .compatible = "arm,cortex-a72", .family = ARM_FAMILY_A53,
        .midr = 0x410fd083, .id_aa64pfr0 = 0x22, .id_aa64dfr0 = 0x10305106,
        .id_aa64isar0 = 0x11120, .id_aa64mmfr0 = 0x1124,
        .pmcr = 0x41023000, .ctr = 0x8444c004, .clidr = 0x0a200023, .dczid = 4, .sctlr = SCTLR_A53,
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x707fe07a },
    },
    {
        .name = "cortex-a76", .compatible = "arm,cortex-a76", .family = ARM_FAMILY_A76,
        .midr = 0x414fd0b1, .id_aa64pfr0 = 0x1100000010110012, .id_aa64pfr1 = 0x10,
        .id_aa64dfr0 = 0x10305408, .id_aa64isar0 = 0x0000100010211120,
        .id_aa64isar1 = 0x100001, .id_aa64mmfr0 = 0x101122, .id_aa64mmfr1 = 0x10212122,
        .id_aa64mmfr2 = 0x1011,
        .pmcr = 0x410b3000, .ctr = 0x8444c004, .clidr = 0x82000023, .dczid = 4, .sctlr = SCTLR_A76,
        .ccsidr = { 0x701fe01a, 0x201fe01a, 0x707fe03a },
    },
    {
        .name = "neoverse-n1", .compatible = "arm,neoverse-n1", .family = ARM_FAMILY_A76,
        .midr = 0x414fd0c1, .id_aa64pfr0 = 0x1100000010110012, .id_aa64pfr1 = 0x20,
        .id_aa64dfr0 = 0x10305408, .id_aa64isar0 = 0x0000100010211120,
        .id_aa64isar1 = 0x100001, .id_aa64mmfr0 = 0x101125, .id_aa64mmfr1 = 0x10212122,
        .id_aa64mmfr2 = 0x1011,
        .pmcr = 0x410c3000, .ctr = 0x8444c004, .clidr = 0x82000023, .dczid = 4, .sctlr = SCTLR_A76,
        .ccsidr = { 0x701fe01a, 0x201fe01a, 0x70ffe03a },
    },
};

static const ArmModel *find_model(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        if (!strcmp(models[i].name, name))
            return &models[i];
    return NULL;
}

static bool unknown_model(const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        suggest_offer(&s, models[i].name);
    if (!strcmp(name, "host"))
        return error_set(err, "CPU model 'host' needs KVM, which is not supported; use -cpu max");
    return error_set(err, "unknown CPU model '%s'%s ('-cpu help' lists them)", name,
                     suggest_text(&s));
}

bool arm_model_parse(const char *spec, ArmModel *m, Error **err)
{
    char name[64];
    size_t len = strcspn(spec, ",");
    snprintf(name, sizeof(name), "%.*s", (int)len, spec);
    const ArmModel *found = find_model(name);
    if (!found)
        return unknown_model(name, err);
    *m = *found;
    arm_features_clip(m);
    if (m->family == ARM_FAMILY_NONE)
        arm_features_all(m);
    if (!arm_features_apply(m, spec + len, err))
        return false;
    arm_features_settle(m);
    return true;
}

ArmModel *arm_model_create(const char *spec, Error **err)
{
    ArmModel *m = malloc(sizeof(*m));
    if (!m) {
        error_set(err, "out of memory for a CPU model");
        return NULL;
    }
    if (arm_model_parse(spec, m, err))
        return m;
    free(m);
    return NULL;
}

void arm_model_print_help(FILE *out)
{
    fprintf(out, "Available CPUs:\n");
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        fprintf(out, "  %s\n", models[i].name);
}

bool arm_model_print_features(const char *spec, FILE *out, Error **err)
{
    ArmModel m;
    if (!arm_model_parse(spec, &m, err))
        return false;
    arm_features_print(&m, out);
    return true;
}
