// SPDX-License-Identifier: MIT
//
// PL061 GPIO (Arm DDI 0190B). Bits 9..2 of the address of GPIODATA mask the pins that an access is
// about. Edge interrupts are latched in `ris`; level ones are recomputed from the pins.
//
// dev.lock guards the state.
#include "hw/gpio/pl061.h"

#include "util/bitops.h"

static Pl061 *pl061(Device *dev)
{
    return (Pl061 *)dev;
}

static uint32_t pins(const Pl061 *g)
{
    return (g->latched & g->dir) | (g->in & ~g->dir);
}

static void update_irq(Pl061 *g)
{
    uint32_t match = ~(pins(g) ^ g->iev); /* the pins that have the level which interrupts */
    g->ris = (g->ris & ~g->is) | (match & g->is & 0xff);
    irq_set(&g->bus.irq, g->ris & g->ie);
}

/* Something changed that pins depend on; `before` are their levels before. */
static void pins_changed(Pl061 *g, uint32_t before)
{
    uint32_t now = pins(g), changed = (before ^ now) & ~g->is & ~g->dir;
    g->ris |= changed & (g->ibe | ~(now ^ g->iev));
    update_irq(g);
    for (unsigned i = 0; i < PL061_PINS; i++)
        irq_set(&g->out[i], g->latched & g->dir & 1u << i);
}

void pl061_set_pin(void *opaque, unsigned n, bool level)
{
    Pl061 *g = opaque;
    pthread_mutex_lock(&g->bus.dev.lock);
    uint32_t before = pins(g);
    g->in = level ? g->in | 1u << n : g->in & ~(1u << n);
    pins_changed(g, before);
    pthread_mutex_unlock(&g->bus.dev.lock);
}

static uint64_t data_read(Device *dev, unsigned mask)
{
    return pins(pl061(dev)) & mask;
}

static void data_write(Device *dev, unsigned mask, uint64_t value)
{
    Pl061 *g = pl061(dev);
    uint32_t before = pins(g);
    mask &= g->dir;
    g->latched = (g->latched & ~mask) | ((uint32_t)value & mask);
    pins_changed(g, before);
}

static uint64_t dir_read(Device *dev, unsigned index)
{
    return pl061(dev)->dir;
}

static void dir_write(Device *dev, unsigned index, uint64_t value)
{
    Pl061 *g = pl061(dev);
    uint32_t before = pins(g);
    g->dir = value & 0xff;
    pins_changed(g, before);
}

static void control_wrote(Device *dev, unsigned index)
{
    update_irq(pl061(dev));
}

static uint64_t mis_read(Device *dev, unsigned index)
{
    return pl061(dev)->ris & pl061(dev)->ie;
}

static void ic_write(Device *dev, unsigned index, uint64_t value)
{
    Pl061 *g = pl061(dev);
    g->ris &= ~((uint32_t)value & ~g->is);
    update_irq(g);
}

static const RegDesc pl061_regs[] = {
    { 0x000, 4, "GPIODATA", .count = 256, .read = data_read, .write = data_write,
      .help = "pins; the address masks them" },
    { 0x400, 4, "GPIODIR", .read = dir_read, .write = dir_write, .help = "1: output" },
    { 0x404, 4, "GPIOIS", REG_AT(Pl061, is), .write_mask = 0xff, .wrote = control_wrote,
      .help = "interrupt sense: 1 level, 0 edge" },
    { 0x408, 4, "GPIOIBE", REG_AT(Pl061, ibe), .write_mask = 0xff, .wrote = control_wrote,
      .help = "both edges interrupt" },
    { 0x40c, 4, "GPIOIEV", REG_AT(Pl061, iev), .write_mask = 0xff, .wrote = control_wrote,
      .help = "1: high or rising, 0: low or falling" },
    { 0x410, 4, "GPIOIE", REG_AT(Pl061, ie), .write_mask = 0xff, .wrote = control_wrote,
      .help = "interrupt mask: 1 lets through" },
    { 0x414, 4, "GPIORIS", REG_AT(Pl061, ris), .help = "interrupts before the mask" },
    { 0x418, 4, "GPIOMIS", .read = mis_read, .help = "interrupts after the mask" },
    { 0x41c, 4, "GPIOIC", .write = ic_write, .help = "clear edge interrupts" },
    { 0x420, 4, "GPIOAFSEL", REG_AT(Pl061, afsel), .write_mask = 0xff,
      .help = "pins under hardware control: no effect" },
    { 0xfe0, 4, "GPIOPeriphID0", .reset = 0x61 },
    { 0xfe4, 4, "GPIOPeriphID1", .reset = 0x10 },
    { 0xfe8, 4, "GPIOPeriphID2", .reset = 0x04 },
    { 0xfec, 4, "GPIOPeriphID3", .reset = 0x00 },
    { 0xff0, 4, "GPIOPCellID0", .reset = 0x0d },
    { 0xff4, 4, "GPIOPCellID1", .reset = 0xf0 },
    { 0xff8, 4, "GPIOPCellID2", .reset = 0x05 },
    { 0xffc, 4, "GPIOPCellID3", .reset = 0xb1 },
};

static bool pl061_realize(Device *dev, Error **err)
{
    Pl061 *g = pl061(dev);
    regs_init(&g->regs, pl061_regs, ARRAY_SIZE(pl061_regs), dev);
    memory_region_init_mmio(&g->bus.mmio, "pl061", 0x1000, &reg_bank_ops, &g->regs, &dev->lock);
    return true;
}

static void pl061_reset(Device *dev)
{
    Pl061 *g = pl061(dev);
    pthread_mutex_lock(&dev->lock);
    g->latched = g->dir = 0;
    regs_reset(&g->regs);
    pins_changed(g, pins(g));
    pthread_mutex_unlock(&dev->lock);
}

static bool pl061_set_input(Device *dev, unsigned n, bool level)
{
    if (n < PL061_PINS)
        pl061_set_pin(dev, n, level);
    return n < PL061_PINS;
}

const DeviceType pl061_type = {
    .name = "pl061",
    .help = "PrimeCell general-purpose I/O (PL061)",
    .bus = "system-bus",
    .sysbus = true,
    .set_input = pl061_set_input,
    .size = sizeof(Pl061),
    .realize = pl061_realize,
    .reset = pl061_reset,
};
