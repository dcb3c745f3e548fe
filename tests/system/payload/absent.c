// SPDX-License-Identifier: MIT
// The cases of features.S on a CPU that has none of those features: instructions and registers are
// UNDEFINED, hints do nothing.
#include "payload.h"

extern const struct { const char *name; char *code; } case_table[];

void system_main(void)
{
    // flat, so that EL0 may execute; cases run where they are linked
    SYSREG_WRITE(sctlr_el1, SCTLR_ON & ~1ul);
    for (unsigned i = 0; case_table[i].name; i++) {
        for (unsigned el = 0; el < 2; el++) {
            uint64_t pc = (uint64_t)case_table[i].code;
            run_case(pc, el ? 0x3c5 : 0, SCRATCH, SCRATCH + 0x800);
            tell(case_table[i].name, el, "", pc);
        }
    }
    put_text("end\n");
    power_off();
}
