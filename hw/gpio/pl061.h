// SPDX-License-Identifier: MIT
//
// PrimeCell GPIO, PL061 (Arm DDI 0190): eight pins.
//
// Window: `bus.mmio`, 4 KiB. Outputs: `bus.irq`, GPIOINTR; `out[n]`, the level of pin n while it is
// an output. Inputs: pl061_set_pin().
#ifndef HW_GPIO_PL061_H
#define HW_GPIO_PL061_H

#include "hw/core/regs.h"
#include "hw/core/sysbus.h"

enum { PL061_PINS = 8 };

typedef struct Pl061 {
    SysbusDevice bus;
    RegBank regs;
    IrqLine out[PL061_PINS];
    uint32_t in;      /* levels that others drive */
    uint32_t latched; /* output levels as written */
    uint32_t dir, is, ibe, iev, ie, ris, afsel;
} Pl061;

extern const DeviceType pl061_type;

/* Listener for IrqLine; opaque is the Pl061, n the pin. Any thread. */
void pl061_set_pin(void *opaque, unsigned n, bool level);

#endif
