// SPDX-License-Identifier: MIT
//
// All device types: add yours to device_types[] (docs/adding-a-device.md).
#include "hw/char/pl011.h"
#include "hw/core/device.h"
#include "hw/core/loader_device.h"
#include "hw/gpio/pl061.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv3.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/rtc/pl031.h"
#include "hw/virtio/virtio_9p.h"
#include "hw/virtio/virtio_balloon.h"
#include "hw/virtio/virtio_blk.h"
#include "hw/virtio/virtio_mmio.h"
#include "hw/virtio/virtio_net.h"
#include "hw/virtio/virtio_rng.h"
#include "hw/virtio/virtio_serial.h"

const DeviceType *const device_types[] = {
    &gicv2_type,
    &gicv3_type,
    &gicv3_redist_type,
    &pl011_type,
    &pl031_type,
    &pl061_type,
    &fw_cfg_type,
    &loader_device_type,
    &virtio_mmio_type,
    &virtio_9p_type,
    &virtio_balloon_type,
    &virtio_blk_type,
    &virtio_net_type,
    &virtio_rng_type,
    &virtio_serial_type,
    &virtconsole_type,
    &virtserialport_type,
    NULL,
};
