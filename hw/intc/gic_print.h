// SPDX-License-Identifier: MIT
//
// How interrupt controllers show their state in `info irq`.
#ifndef HW_INTC_GIC_PRINT_H
#define HW_INTC_GIC_PRINT_H

#include <stdint.h>
#include <stdio.h>

/* 32 interrupts, the first of which is INTID `first`. */
typedef struct GicWord {
    unsigned first;
    uint32_t enabled, pending, active, level, edge;
    const uint8_t *priority; /* of `first` and those after it */
} GicWord;

/* A line for each interrupt that is enabled, pending, active, or whose input is high. */
void gic_print_word(const GicWord *w, FILE *out);

#endif
