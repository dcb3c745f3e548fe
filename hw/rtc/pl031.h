// SPDX-License-Identifier: MIT
//
// PrimeCell Real Time Clock, PL031 (Arm DDI 0224): seconds since 1970 and an alarm.
//
// Window: `bus.mmio`, 4 KiB. Output: `bus.irq`, RTCINTR.
// The clock is the host's, plus the machine's rtc_offset_seconds (-rtc base=), plus what the guest
// set; it runs on while the machine is stopped, as a clock with a battery does.
#ifndef HW_RTC_PL031_H
#define HW_RTC_PL031_H

#include "hw/core/regs.h"
#include "hw/core/sysbus.h"
#include "softmmu/clock.h"

typedef struct Pl031 {
    SysbusDevice bus;
    RegBank regs;
    Timer alarm;
    int64_t start_ns;       /* the host's time when the device was made */
    int64_t offset_seconds; /* the guest's clock minus the host's */
    uint32_t mr, lr, imsc, ris;
} Pl031;

extern const DeviceType pl031_type;

#endif
