// SPDX-License-Identifier: MIT
//
// PL011 UART (Arm DDI 0183G). Characters take no time: one that is written is handed to the host at
// once, and what the host does not take waits in the transmit FIFO for a retry, so a slow host end
// shows to the guest as a full FIFO and nothing is lost. A received character that does not reach
// the FIFO's trigger level raises the receive timeout at once. The receiver and transmitter work
// even when UARTCR has them off, as bare programs for emulated machines expect. No DMA, no IrDA.
//
// Drivers throw away what the FIFO holds while they start. So that nothing that was typed early is
// lost, input stays with the host until the guest looks for it: when the receive interrupts have been
// unmasked for a while (Linux unmasks them, then empties the FIFO), or when it polls UARTFR.
//
// dev.lock guards the state; the handlers of the host end (main-loop thread) take it.
#include "hw/char/pl011.h"

#include "chardev/chardev.h"
#include "hw/core/machine.h"
#include "util/bitops.h"

enum { /* UARTDR and UARTRSR */
    DR_BREAK = 1 << 10,
    DR_FLAGS_SHIFT = 8,
    RSR_OVERRUN = 1 << 3,
};

enum { /* UARTFR */
    FR_CTS = 1 << 0,
    FR_DSR = 1 << 1,
    FR_DCD = 1 << 2,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    FR_RXFF = 1 << 6,
    FR_TXFE = 1 << 7,
};

enum { LCR_H_FEN = 1 << 4 }; /* UARTLCR_H: FIFOs enabled */
enum { CR_LBE = 1 << 7 };    /* UARTCR: loopback */

enum { /* UARTIMSC, UARTRIS, UARTMIS, UARTICR */
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_RT = 1 << 6,
    INT_BE = 1 << 9,
    INT_OE = 1 << 10,
    INT_ALL = 0x7ff,
};

/* A transmitter looks at UARTFR, too, before and after each character, but not more often. */
#define POLLS_PER_CHARACTER 4u
#define POLLS_FOR_INPUT 32u
#define SETTLE_NS (NS_PER_SECOND / 20)
#define TX_RETRY_NS (NS_PER_SECOND / 1000)

static Pl011 *pl011(Device *dev)
{
    return (Pl011 *)dev;
}

static void update_irq(Pl011 *u)
{
    irq_set(&u->bus.irq, u->ris & u->imsc);
}

/* ---- FIFOs ------------------------------------------------------------------------------ */

static unsigned fifo_depth(const Pl011 *u)
{
    return u->lcr_h & LCR_H_FEN ? PL011_FIFO_DEPTH : 1;
}

static void fifo_put(Pl011Fifo *f, uint16_t entry)
{
    f->entries[(f->first + f->count++) % PL011_FIFO_DEPTH] = entry;
}

static uint16_t fifo_get(Pl011Fifo *f)
{
    uint16_t entry = f->entries[f->first];
    f->first = (f->first + 1) % PL011_FIFO_DEPTH;
    f->count--;
    return entry;
}

/* Characters in the receive FIFO that raise UARTRXINTR: 1/8, 1/4, 1/2, 3/4, 7/8 of it. */
static unsigned rx_trigger(const Pl011 *u)
{
    static const uint8_t levels[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };
    return u->lcr_h & LCR_H_FEN ? levels[bits_get(u->ifls, 3, 3)] : 1;
}

static void rx_put(Pl011 *u, uint16_t entry)
{
    if (u->rx.count >= fifo_depth(u)) {
        u->ris |= INT_OE;
        u->rsr |= RSR_OVERRUN;
        return;
    }
    fifo_put(&u->rx, entry);
    if (entry & DR_BREAK)
        u->ris |= INT_BE;
    u->ris |= INT_RT;
    if (u->rx.count >= rx_trigger(u))
        u->ris |= INT_RX;
}

/* Give the host what waits; with what it leaves, try again later. */
static void tx_drain(Pl011 *u)
{
    while (u->tx.count) {
        uint8_t c = (uint8_t)u->tx.entries[u->tx.first];
        if (u->cr & CR_LBE)
            rx_put(u, c);
        else if (u->line && chardev_write(u->line, &c, 1) == 0)
            break;
        fifo_get(&u->tx);
    }
    if (u->tx.count)
        timer_arm(&u->tx_retry, vclock_now_ns(u->tx_retry.clock) + TX_RETRY_NS);
    else
        u->ris |= INT_TX;
}

static void tx_retry(void *opaque)
{
    Pl011 *u = opaque;
    pthread_mutex_lock(&u->bus.dev.lock);
    if (u->tx.count)
        tx_drain(u);
    update_irq(u);
    pthread_mutex_unlock(&u->bus.dev.lock);
}

/* ---- who listens ------------------------------------------------------------------------ */

static bool guest_listens(const Pl011 *u)
{
    return u->polled || u->receiving;
}

static unsigned rx_room(const Pl011 *u)
{
    unsigned depth = fifo_depth(u);
    return guest_listens(u) && u->rx.count < depth ? depth - u->rx.count : 0;
}

/* The host may go on if it was refused, and there is room now. */
static void resume_input(Pl011 *u)
{
    if (!u->input_refused || !rx_room(u))
        return;
    u->input_refused = false;
    chardev_accept_input(u->line);
}

/* The driver changed what it does with input: wait until it has finished. */
static void restart_receiver(Pl011 *u)
{
    u->receiving = false;
    u->polls = 0;
    timer_cancel(&u->settled);
    if (u->rx_unmasked)
        timer_arm(&u->settled, vclock_now_ns(u->settled.clock) + SETTLE_NS);
}

static void receiver_settled(void *opaque)
{
    Pl011 *u = opaque;
    pthread_mutex_lock(&u->bus.dev.lock);
    u->receiving = u->rx_unmasked;
    u->polled &= !u->receiving;
    resume_input(u);
    pthread_mutex_unlock(&u->bus.dev.lock);
}

static void count_poll(Pl011 *u)
{
    if (u->polled || u->rx.count || u->tx.count || ++u->polls < POLLS_FOR_INPUT)
        return;
    u->polled = true;
    resume_input(u);
}

/* ---- registers -------------------------------------------------------------------------- */

static uint64_t dr_read(Device *dev, unsigned index)
{
    Pl011 *u = pl011(dev);
    if (!u->rx.count) {
        count_poll(u);
        return 0;
    }
    uint16_t entry = fifo_get(&u->rx);
    u->rsr = (u->rsr & RSR_OVERRUN) | entry >> DR_FLAGS_SHIFT;
    if (u->rx.count < rx_trigger(u))
        u->ris &= ~INT_RX;
    if (!u->rx.count)
        u->ris &= ~INT_RT;
    update_irq(u);
    if (!u->rx.count)
        resume_input(u);
    return entry;
}

static void dr_write(Device *dev, unsigned index, uint64_t value)
{
    Pl011 *u = pl011(dev);
    if (u->tx.count >= fifo_depth(u)) {
        device_guest_error(dev, "UARTDR written while the transmit FIFO is full");
        return;
    }
    u->polls -= MIN(u->polls, POLLS_PER_CHARACTER);
    u->ris &= ~INT_TX;
    fifo_put(&u->tx, (uint8_t)value);
    tx_drain(u);
    update_irq(u);
}

static void ecr_write(Device *dev, unsigned index, uint64_t value)
{
    pl011(dev)->rsr = 0;
}

static uint64_t rsr_read(Device *dev, unsigned index)
{
    return pl011(dev)->rsr;
}

static uint64_t fr_read(Device *dev, unsigned index)
{
    Pl011 *u = pl011(dev);
    count_poll(u);
    uint64_t fr = FR_CTS | FR_DSR | FR_DCD;
    fr |= u->rx.count == 0 ? FR_RXFE : 0;
    fr |= u->rx.count >= fifo_depth(u) ? FR_RXFF : 0;
    fr |= u->tx.count == 0 ? FR_TXFE : 0;
    fr |= u->tx.count >= fifo_depth(u) ? FR_TXFF : 0;
    return fr;
}

/* Turning the FIFOs on or off flushes them (section 3.3.7). */
static void lcr_h_write(Device *dev, unsigned index, uint64_t value)
{
    Pl011 *u = pl011(dev);
    if ((value ^ u->lcr_h) & LCR_H_FEN) {
        u->rx = u->tx = (Pl011Fifo){ 0 };
        u->ris &= ~(INT_RX | INT_RT);
        restart_receiver(u);
    }
    u->lcr_h = value & 0xff;
    update_irq(u);
}

static uint64_t lcr_h_read(Device *dev, unsigned index)
{
    return pl011(dev)->lcr_h;
}

static void imsc_wrote(Device *dev, unsigned index)
{
    Pl011 *u = pl011(dev);
    bool unmasked = u->imsc & (INT_RX | INT_RT);
    if (unmasked != u->rx_unmasked) {
        u->rx_unmasked = unmasked;
        restart_receiver(u);
    }
    update_irq(u);
}

static uint64_t mis_read(Device *dev, unsigned index)
{
    return pl011(dev)->ris & pl011(dev)->imsc;
}

static void icr_write(Device *dev, unsigned index, uint64_t value)
{
    pl011(dev)->ris &= ~(value & INT_ALL);
    update_irq(pl011(dev));
}

static const RegDesc pl011_regs[] = {
    { 0x000, 4, "UARTDR", .read = dr_read, .write = dr_write, .help = "data and its errors" },
    { 0x004, 4, "UARTRSR/UARTECR", .read = rsr_read, .write = ecr_write,
      .help = "errors of the last character; writing clears" },
    { 0x018, 4, "UARTFR", .read = fr_read, .ignores_writes = true,
      .help = "FIFO states, modem lines" },
    { 0x020, 4, "UARTILPR", REG_AT(Pl011, ilpr), .write_mask = 0xff, .help = "IrDA divisor" },
    { 0x024, 4, "UARTIBRD", REG_AT(Pl011, ibrd), .write_mask = 0xffff, .help = "baud, integer" },
    { 0x028, 4, "UARTFBRD", REG_AT(Pl011, fbrd), .write_mask = 0x3f, .help = "baud, fraction" },
    { 0x02c, 4, "UARTLCR_H", .read = lcr_h_read, .write = lcr_h_write,
      .help = "frame format, FIFO enable" },
    { 0x030, 4, "UARTCR", REG_AT(Pl011, cr), .reset = 0x0300, .write_mask = 0xff87,
      .help = "enables, loopback, modem outputs" },
    { 0x034, 4, "UARTIFLS", REG_AT(Pl011, ifls), .reset = 0x12, .write_mask = 0x3f,
      .help = "FIFO levels that interrupt" },
    { 0x038, 4, "UARTIMSC", REG_AT(Pl011, imsc), .write_mask = INT_ALL, .wrote = imsc_wrote,
      .help = "interrupt mask: 1 lets through" },
    { 0x03c, 4, "UARTRIS", REG_AT(Pl011, ris), .help = "interrupts before the mask" },
    { 0x040, 4, "UARTMIS", .read = mis_read, .help = "interrupts after the mask" },
    { 0x044, 4, "UARTICR", .write = icr_write, .help = "clear interrupts" },
    { 0x048, 4, "UARTDMACR", REG_AT(Pl011, dmacr), .write_mask = 0x7, .help = "DMA: not here" },
    { 0xfe0, 4, "UARTPeriphID0", .reset = 0x11 },
    { 0xfe4, 4, "UARTPeriphID1", .reset = 0x10 },
    { 0xfe8, 4, "UARTPeriphID2", .reset = 0x14, .help = "r1p1: FIFOs of 16" },
    { 0xfec, 4, "UARTPeriphID3", .reset = 0x00 },
    { 0xff0, 4, "UARTPCellID0", .reset = 0x0d },
    { 0xff4, 4, "UARTPCellID1", .reset = 0xf0 },
    { 0xff8, 4, "UARTPCellID2", .reset = 0x05 },
    { 0xffc, 4, "UARTPCellID3", .reset = 0xb1 },
};

/* ---- host end --------------------------------------------------------------------------- */

static size_t host_can_send(void *opaque)
{
    Pl011 *u = opaque;
    pthread_mutex_lock(&u->bus.dev.lock);
    unsigned room = rx_room(u);
    u->input_refused = room == 0;
    pthread_mutex_unlock(&u->bus.dev.lock);
    return room;
}

static void host_sent(void *opaque, const uint8_t *buf, size_t len)
{
    Pl011 *u = opaque;
    pthread_mutex_lock(&u->bus.dev.lock);
    for (size_t i = 0; i < len; i++)
        rx_put(u, buf[i]);
    update_irq(u);
    pthread_mutex_unlock(&u->bus.dev.lock);
}

static void host_event(void *opaque, ChardevEvent event)
{
    Pl011 *u = opaque;
    if (event != CHARDEV_BREAK)
        return;
    pthread_mutex_lock(&u->bus.dev.lock);
    rx_put(u, DR_BREAK);
    update_irq(u);
    pthread_mutex_unlock(&u->bus.dev.lock);
}

/* ---- device ----------------------------------------------------------------------------- */

static bool pl011_realize(Device *dev, Error **err)
{
    Pl011 *u = pl011(dev);
    regs_init(&u->regs, pl011_regs, ARRAY_SIZE(pl011_regs), dev);
    memory_region_init_mmio(&u->bus.mmio, "pl011", 0x1000, &reg_bank_ops, &u->regs, &dev->lock);
    timer_init(&u->tx_retry, dev->machine->clock, tx_retry, u);
    timer_init(&u->settled, dev->machine->clock, receiver_settled, u);
    regs_reset(&u->regs);
    if (!u->chr)
        return true;
    u->line = chardev_claim(u->chr, dev->type->name, err);
    if (!u->line)
        return false;
    chardev_attach(u->line, &(ChardevHandlers){ .can_receive = host_can_send,
                                                .receive = host_sent,
                                                .event = host_event,
                                                .opaque = u });
    return true;
}

static void pl011_reset(Device *dev)
{
    Pl011 *u = pl011(dev);
    pthread_mutex_lock(&dev->lock);
    timer_cancel(&u->tx_retry);
    regs_reset(&u->regs);
    u->rx = u->tx = (Pl011Fifo){ 0 };
    u->rsr = u->lcr_h = 0;
    u->rx_unmasked = u->polled = false;
    restart_receiver(u);
    update_irq(u);
    pthread_mutex_unlock(&dev->lock);
}

static void pl011_destroy(Device *dev)
{
    Pl011 *u = pl011(dev);
    if (!dev->realized)
        return;
    timer_cancel(&u->tx_retry);
    timer_cancel(&u->settled);
    chardev_release(u->line);
}

static const Property pl011_properties[] = {
    { "chardev", PROP_CHARDEV, offsetof(Pl011, chr), NULL, "where the characters go" },
    { 0 },
};

const DeviceType pl011_type = {
    .name = "pl011",
    .help = "PrimeCell UART (PL011)",
    .bus = "system-bus",
    .sysbus = true,
    .size = sizeof(Pl011),
    .properties = pl011_properties,
    .realize = pl011_realize,
    .reset = pl011_reset,
    .destroy = pl011_destroy,
};
