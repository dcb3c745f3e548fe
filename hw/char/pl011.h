// SPDX-License-Identifier: MIT
//
// PrimeCell UART, PL011 (Arm DDI 0183): the serial port of Arm boards.
//
// Window: `bus.mmio`, 4 KiB. Output: `bus.irq`, UARTINTR (all sources combined).
// Property: chardev, the host's end; without one, output vanishes.
#ifndef HW_CHAR_PL011_H
#define HW_CHAR_PL011_H

#include "hw/core/regs.h"
#include "hw/core/sysbus.h"
#include "softmmu/clock.h"

struct Chardev;

enum { PL011_FIFO_DEPTH = 16 };

typedef struct Pl011Fifo {
    uint16_t entries[PL011_FIFO_DEPTH]; /* data, and for reception the flags of UARTDR */
    unsigned first, count;
} Pl011Fifo;

typedef struct Pl011 {
    SysbusDevice bus;
    struct Chardev *chr;  /* the property */
    struct Chardev *line; /* what was claimed of it */
    RegBank regs;
    Pl011Fifo rx, tx;
    Timer tx_retry; /* armed while the host does not take what is in `tx` */
    bool input_refused;
    bool rx_unmasked, receiving; /* the guest takes input by interrupts: now; for a while */
    Timer settled;               /* sets `receiving` */
    bool polled;                 /* the guest polls for input */
    unsigned polls;              /* looks at UARTFR that were not for output */
    uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
} Pl011;

extern const DeviceType pl011_type;

#endif
