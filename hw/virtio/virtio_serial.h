// SPDX-License-Identifier: MIT
//
// The virtio console device, `virtio-serial-device`, and what plugs into it: `virtconsole`, a console
// (hvc0), and `virtserialport`, a port that programs in the guest open by name
// (/dev/virtio-ports/NAME).
#ifndef HW_VIRTIO_VIRTIO_SERIAL_H
#define HW_VIRTIO_VIRTIO_SERIAL_H

#include "hw/virtio/virtio.h"

struct Chardev;

typedef struct VirtioPort VirtioPort;

typedef struct VirtioSerial {
    VirtioDevice v;
    /* properties */
    uint32_t max_ports;
    bool emergency_write;

    VirtioPort **ports; /* max_ports of them, by number; NULL: none */
    bool ready;         /* the driver takes messages; under the control queue's lock */
    VirtChain to_guest; /* the same */
    VirtChain to_host;  /* under the lock of the driver's control queue */
} VirtioSerial;

#define VIRTIO_PORT_HELD 16u /* receive buffers taken from the ring before there is input */

struct VirtioPort {
    Device dev;
    /* properties */
    struct Chardev *chr;
    char *name;
    uint32_t number;

    VirtioSerial *serial;
    struct Chardev *line; /* claimed of `chr`, or NULL */
    atomic_bool host_open, guest_open;
    atomic_bool posted;   /* transmission goes on in the main loop */
    unsigned tell;        /* messages to send; under the control queue's lock */

    /* Under the receive queue's lock: a ring of buffers that wait for input. */
    VirtChain rx[VIRTIO_PORT_HELD];
    unsigned rx_first, rx_count;
    /* Under the transmit queue's lock: the request that the host has taken a part of. */
    VirtChain tx;
    bool tx_busy;
    uint64_t tx_done;
};

extern const DeviceType virtio_serial_type, virtconsole_type, virtserialport_type;

#endif
