// SPDX-License-Identifier: MIT
//
// PL031 RTC (Arm DDI 0224C). The counter is not stored: it is the host's time plus an offset, which
// writing RTCLR changes. The alarm is a timer on virtual time that looks again when it fires,
// because the two clocks drift apart when the machine is stopped.
//
// dev.lock guards the state.
#include "hw/rtc/pl031.h"

#include "hw/core/machine.h"
#include "util/bitops.h"
#include "util/clock.h"

static Pl031 *pl031(Device *dev)
{
    return (Pl031 *)dev;
}

static void update_irq(Pl031 *r)
{
    irq_set(&r->bus.irq, r->ris & r->imsc);
}

/* The host's time, but where virtual time is moved by hand: there it is that of the start. */
static int64_t reference_ns(const Pl031 *r)
{
    return r->bus.dev.machine->config.passive ? r->start_ns + vclock_now_ns(r->alarm.clock)
                                              : host_realtime_ns();
}

static int64_t now_ns(const Pl031 *r)
{
    return reference_ns(r) + r->offset_seconds * NS_PER_SECOND;
}

static uint32_t counter(const Pl031 *r)
{
    return (uint32_t)(now_ns(r) / NS_PER_SECOND);
}

/* Arm the alarm for the moment when the counter becomes RTCMR, up to 136 years ahead. */
static void set_alarm(Pl031 *r)
{
    int64_t into_second = now_ns(r) % NS_PER_SECOND;
    uint32_t seconds = r->mr - counter(r);
    if (seconds == 0) {
        r->ris = 1;
        update_irq(r);
        return;
    }
    timer_arm(&r->alarm, vclock_now_ns(r->alarm.clock) + seconds * NS_PER_SECOND - into_second);
}

static void alarm_fired(void *opaque)
{
    Pl031 *r = opaque;
    pthread_mutex_lock(&r->bus.dev.lock);
    /* The clocks differ by less than a second, or the machine stood still and we are late. */
    uint32_t ahead = r->mr - counter(r);
    if (ahead == 0 || ahead > INT32_MAX) {
        r->ris = 1;
        update_irq(r);
    } else {
        set_alarm(r);
    }
    pthread_mutex_unlock(&r->bus.dev.lock);
}

static uint64_t dr_read(Device *dev, unsigned index)
{
    return counter(pl031(dev));
}

static void mr_wrote(Device *dev, unsigned index)
{
    set_alarm(pl031(dev));
}

static void lr_wrote(Device *dev, unsigned index)
{
    Pl031 *r = pl031(dev);
    r->offset_seconds = (int64_t)r->lr - reference_ns(r) / NS_PER_SECOND;
    set_alarm(r);
}

static void imsc_wrote(Device *dev, unsigned index)
{
    update_irq(pl031(dev));
}

static uint64_t mis_read(Device *dev, unsigned index)
{
    return pl031(dev)->ris & pl031(dev)->imsc;
}

static void icr_write(Device *dev, unsigned index, uint64_t value)
{
    pl031(dev)->ris &= ~(uint32_t)value;
    update_irq(pl031(dev));
}

static const RegDesc pl031_regs[] = {
    { 0x000, 4, "RTCDR", .read = dr_read, .help = "seconds since 1970" },
    { 0x004, 4, "RTCMR", REG_AT(Pl031, mr), .write_mask = UINT32_MAX, .wrote = mr_wrote,
      .help = "match: the alarm" },
    { 0x008, 4, "RTCLR", REG_AT(Pl031, lr), .write_mask = UINT32_MAX, .wrote = lr_wrote,
      .help = "load: sets the clock" },
    { 0x00c, 4, "RTCCR", .reset = 1, .ignores_writes = true, .help = "started, always" },
    { 0x010, 4, "RTCIMSC", REG_AT(Pl031, imsc), .write_mask = 1, .wrote = imsc_wrote,
      .help = "interrupt mask" },
    { 0x014, 4, "RTCRIS", REG_AT(Pl031, ris), .help = "interrupt before the mask" },
    { 0x018, 4, "RTCMIS", .read = mis_read, .help = "interrupt after the mask" },
    { 0x01c, 4, "RTCICR", .write = icr_write, .help = "clear the interrupt" },
    { 0xfe0, 4, "RTCPeriphID0", .reset = 0x31 },
    { 0xfe4, 4, "RTCPeriphID1", .reset = 0x10 },
    { 0xfe8, 4, "RTCPeriphID2", .reset = 0x04 },
    { 0xfec, 4, "RTCPeriphID3", .reset = 0x00 },
    { 0xff0, 4, "RTCPCellID0", .reset = 0x0d },
    { 0xff4, 4, "RTCPCellID1", .reset = 0xf0 },
    { 0xff8, 4, "RTCPCellID2", .reset = 0x05 },
    { 0xffc, 4, "RTCPCellID3", .reset = 0xb1 },
};

static bool pl031_realize(Device *dev, Error **err)
{
    Pl031 *r = pl031(dev);
    regs_init(&r->regs, pl031_regs, ARRAY_SIZE(pl031_regs), dev);
    memory_region_init_mmio(&r->bus.mmio, "pl031", 0x1000, &reg_bank_ops, &r->regs, &dev->lock);
    timer_init(&r->alarm, dev->machine->clock, alarm_fired, r);
    r->offset_seconds = dev->machine->config.rtc_offset_seconds;
    r->start_ns = host_realtime_ns();
    return true;
}

/* The time the guest set survives, as in a chip with a battery. */
static void pl031_reset(Device *dev)
{
    Pl031 *r = pl031(dev);
    pthread_mutex_lock(&dev->lock);
    timer_cancel(&r->alarm);
    regs_reset(&r->regs);
    update_irq(r);
    pthread_mutex_unlock(&dev->lock);
}

static void pl031_destroy(Device *dev)
{
    if (dev->realized)
        timer_cancel(&pl031(dev)->alarm);
}

const DeviceType pl031_type = {
    .name = "pl031",
    .help = "PrimeCell real time clock (PL031)",
    .bus = "system-bus",
    .sysbus = true,
    .size = sizeof(Pl031),
    .realize = pl031_realize,
    .reset = pl031_reset,
    .destroy = pl031_destroy,
};
