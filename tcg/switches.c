// SPDX-License-Identifier: MIT
//
// The table of switches.h.
#include "tcg/switches.h"

const TcgSwitch tcg_switches[TCG_SWITCH_COUNT] = {
#define TCG_SWITCH_ROW(NAME, OPTION, HELP) { OPTION, HELP },
    TCG_SWITCHES(TCG_SWITCH_ROW)
#undef TCG_SWITCH_ROW
};
