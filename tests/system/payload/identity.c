// SPDX-License-Identifier: MIT
// The identification registers and what they lead to (Arm ARM D23.2).
#include "payload.h"

#define SHOW(name) do { put_text("id " #name); put_hex(" ", SYSREG_READ(name)); put('\n'); } while (0)

void system_main(void)
{
    SHOW(sctlr_el1);
    SHOW(midr_el1);
    SHOW(mpidr_el1);
    SHOW(revidr_el1);
    SHOW(aidr_el1);
    SHOW(id_aa64pfr0_el1);
    SHOW(id_aa64pfr1_el1);
    SHOW(s3_0_c0_c4_4);
    SHOW(s3_0_c0_c4_5);
    SHOW(id_aa64dfr0_el1);
    SHOW(id_aa64dfr1_el1);
    SHOW(id_aa64isar0_el1);
    SHOW(id_aa64isar1_el1);
    SHOW(s3_0_c0_c6_2);
    SHOW(id_aa64mmfr0_el1);
    SHOW(id_aa64mmfr1_el1);
    SHOW(id_aa64mmfr2_el1);
    SHOW(ctr_el0);
    SHOW(dczid_el0);
    SHOW(clidr_el1);
    SHOW(pmcr_el0);
    for (uint64_t i = 0; i < 4; i++) {
        SYSREG_WRITE(csselr_el1, i);
        SHOW(ccsidr_el1);
    }
    put_text("end\n");
    power_off();
}
