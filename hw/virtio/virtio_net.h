// SPDX-License-Identifier: MIT
//
// The virtio network device.
#ifndef HW_VIRTIO_VIRTIO_NET_H
#define HW_VIRTIO_VIRTIO_NET_H

#include "hw/virtio/virtio.h"
#include "net/net.h"

typedef struct VirtioNet {
    VirtioDevice v;
    /* properties */
    NetBackend *netdev;
    uint8_t mac[6];          /* all zeros: 52:54:00:12:34:56, or the next free one */
    bool csum, host_tso4, guest_csum, mrg_rxbuf;
    uint32_t queue_size;

    bool claimed;
    VirtChain rx_first, rx_more; /* under the receive queue's lock */
    VirtChain tx;                /* under the transmit queue's lock */
    uint8_t *tx_frame;           /* a frame whose checksum we fill in */
    VirtChain ctrl;              /* under the control queue's lock */
} VirtioNet;

extern const DeviceType virtio_net_type;

#endif
