// SPDX-License-Identifier: MIT
// The Arm CPU without a machine: the QARMA block cipher against its published test vectors, and
// which features the models and their options announce.
#include <criterion/criterion.h>

#include "target/arm/internal.h"
#include "target/arm/pauth.h"

/* R. Avanzi, "The QARMA Block Cipher Family", IACR Transactions on Symmetric Cryptology 2017(1),
 * appendix: one plaintext, tweak and key; five rounds with the S-boxes 1 and 2. */
Test(pauth, qarma_as_published)
{
    uint64_t p = 0xfb623599da6e8127, t = 0x477d469dec0b8762;
    uint64_t w0 = 0x84be85ce9804e94b, k0 = 0xec2802d4e0a488e9;
    cr_expect_eq(pauth_qarma(p, t, w0, k0, 5, false), 0xc003b93999b33765);
    cr_expect_eq(pauth_qarma(p, t, w0, k0, 5, true), 0x544b0ab95bda7c3a);
}

static ArmModel model(const char *spec)
{
    ArmModel m;
    Error *err = NULL;
    cr_assert(arm_model_parse(spec, &m, &err), "%s: %s", spec, err ? error_text(err) : "");
    return m;
}

static void refused(const char *spec, const char *word)
{
    ArmModel m;
    Error *err = NULL;
    cr_assert(!arm_model_parse(spec, &m, &err), "%s", spec);
    cr_expect(strstr(error_text(err), word), "%s: %s", spec, error_text(err));
    error_free(err);
}

Test(models, main_id_registers)
{
    cr_expect_eq(model("cortex-a53").midr, 0x410fd034);
    cr_expect_eq(model("cortex-a76").midr, 0x414fd0b1);
    cr_expect_eq(model("neoverse-n1").midr, 0x414fd0c1);
    cr_expect_eq(model("cortex-a72").id_aa64isar0, 0x11120);
    cr_expect_eq(model("neoverse-n1").id_aa64isar0, 0x0000100010211120);
}

Test(models, off_takes_what_needs_it_along)
{
    ArmModel m = model("max,aes=off");
    cr_expect(!m.has[ARM_FEAT_AES] && !m.has[ARM_FEAT_PMULL] && m.has[ARM_FEAT_SHA1]);
    m = model("max,pmull=off");
    cr_expect(m.has[ARM_FEAT_AES] && !m.has[ARM_FEAT_PMULL]);
    model("max,sve=off,sve256=off,lpa2=no,kvm-steal-time=false");
}

Test(models, on_brings_what_it_needs)
{
    ArmModel m = model("cortex-a72,flagm2=on");
    cr_expect(m.has[ARM_FEAT_FLAGM]);
    m = model("cortex-a53,pauth-qarma3");
    cr_expect(m.has[ARM_FEAT_PAUTH]);
}

Test(models, algorithms_of_pointer_authentication)
{
    ArmModel m = model("max");
    cr_expect_eq(m.id_aa64isar1 >> 8 & 15, 1);
    cr_expect_eq(m.id_aa64isar1 >> 28 & 15, 1);
    m = model("max,pauth-impdef=off,fpac=on");
    cr_expect_eq(m.id_aa64isar1 >> 4 & 0xff, 0x04);
    cr_expect_eq(m.id_aa64isar1 >> 24 & 0xff, 0x01);
    m = model("max,pauth-qarma3=on");
    cr_expect_eq(m.id_aa64isar1 >> 4 & 0xff, 0);
    cr_expect_eq(m.id_aa64isar2 >> 8 & 0xff, 0x11);
    m = model("max,pauth=off");
    cr_expect_eq(m.id_aa64isar1 & 0xff000ff0, 0);
}

Test(models, refusals)
{
    refused("cortex-a27", "did you mean 'cortex-a57'");
    refused("host", "KVM");
    refused("max,sve=on", "not implemented");
    refused("max,lpa2=on", "not implemented");
    refused("max,lse=maybe", "neither on nor off");
    refused("max,sve-max-vq=4", "not implemented");
    refused("max,cntfrq=100", "not implemented");
    refused("max,pauht=off", "did you mean 'pauth'");
    refused("max,aes=off,pmull=on,aes=off", "contradict");
    refused("max,pauth-qarma3,pauth-qarma5", "choose one");
}
