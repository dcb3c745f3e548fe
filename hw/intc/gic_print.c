// SPDX-License-Identifier: MIT
//
// `info irq`: contract in gic_print.h.
#include "hw/intc/gic_print.h"

enum { FIRST_PPI = 16, FIRST_SPI = 32 };

static void print_name(unsigned id, FILE *out)
{
    if (id < FIRST_PPI)
        fprintf(out, "  %4u (SGI %u):", id, id);
    else if (id < FIRST_SPI)
        fprintf(out, "  %4u (PPI %u):", id, id - FIRST_PPI);
    else
        fprintf(out, "  %4u (SPI %u):", id, id - FIRST_SPI);
}

void gic_print_word(const GicWord *w, FILE *out)
{
    for (uint32_t some = w->enabled | w->pending | w->active | w->level; some; some &= some - 1) {
        unsigned bit = (unsigned)__builtin_ctz(some);
        print_name(w->first + bit, out);
        fprintf(out, " %s, priority 0x%02x, %s%s%s%s\n", w->edge >> bit & 1 ? "edge" : "level",
                w->priority[bit], w->enabled >> bit & 1 ? "enabled" : "disabled",
                w->level >> bit & 1 ? ", high" : "", w->pending >> bit & 1 ? ", pending" : "",
                w->active >> bit & 1 ? ", active" : "");
    }
}
