// SPDX-License-Identifier: MIT
//
// All device types: add yours to device_types[] (docs/adding-a-device.md).
#include "hw/char/pl011.h"
#include "hw/core/device.h"
#include "hw/gpio/pl061.h"
#include "hw/intc/gicv2.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/rtc/pl031.h"

const DeviceType *const device_types[] = {
    &gicv2_type,
    &pl011_type,
    &pl031_type,
    &pl061_type,
    &fw_cfg_type,
    NULL,
};
