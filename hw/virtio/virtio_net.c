// SPDX-License-Identifier: MIT
//
// virtio network device (virtio 1.2, section 5.1): one pair of queues, mergeable receive buffers,
// checksum offload, and a control queue.
//
// The receive filter is the driver's wish only: everything that the backend delivers is passed on,
// which the specification allows. Frames come and go on the backend's thread; a vCPU that notifies
// only wakes it.
#include "hw/virtio/virtio_net.h"

#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "util/bitops.h"

/* Feature bits */
enum {
    NET_F_CSUM = 0,
    NET_F_GUEST_CSUM = 1,
    NET_F_MAC = 5,
    NET_F_HOST_TSO4 = 11,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_MAC_ADDR = 23,
};

enum { QUEUE_RX, QUEUE_TX, QUEUE_CTRL, QUEUE_COUNT };

/* Configuration space: offsets, and its size */
enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_BYTES = 10 };
enum { STATUS_LINK_UP = 1 };

/* What precedes each frame */
typedef struct NetHeader {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size;
    uint16_t csum_start, csum_offset;
    uint16_t num_buffers;
} NetHeader;

_Static_assert(sizeof(NetHeader) == 12, "the header's size is the protocol's");

enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { GSO_NONE = 0, GSO_TCPV4 = 1 };

/* Offsets in frames */
enum { ETH_TYPE = 12, ETH_BYTES = 14, IP_LENGTH = 2, IP_PROTOCOL = 9, IP_SUM = 10, IP_FROM = 12,
       TCP_SUM = 16, TCP_BYTES = 20 };
enum { ETH_TYPE_IPV4 = 0x0800, IP_PROTOCOL_TCP = 6 };

#define FRAME_BYTES_MAX 65550u
#define TX_BATCH 64u

static VirtioNet *virtio_net(VirtioDevice *v)
{
    return (VirtioNet *)v;
}

/* ---- to the guest ----------------------------------------------------------------------- */

/* While the driver does not run, frames are taken and forgotten. */
static bool net_can_receive(void *opaque)
{
    VirtioNet *n = opaque;
    VirtQueue *vq = &n->v.queues[QUEUE_RX];
    if (!virtio_runs(&n->v))
        return true;
    pthread_mutex_lock(&vq->lock);
    bool can = !virtqueue_empty_locked(vq) || !virtqueue_listen_locked(vq);
    pthread_mutex_unlock(&vq->lock);
    return can;
}

/* Put the frame, from byte `done` on, behind what `c` has already; gives the chain back. */
static size_t fill_buffer_locked(VirtQueue *vq, VirtChain *c, uint64_t skip, const uint8_t *frame,
                                 size_t len)
{
    size_t n = virtchain_write(c, skip, frame, len);
    virtqueue_push_locked(vq, c, (uint32_t)(skip + n));
    return n;
}

/* The number of buffers that took the frame; 0: there was not enough room. `*popped` counts those
 * that were taken. */
static unsigned fill_buffers_locked(VirtioNet *n, const uint8_t *frame, size_t len,
                                    unsigned *popped)
{
    VirtQueue *vq = &n->v.queues[QUEUE_RX];
    bool merge = virtio_has_feature(&n->v, NET_F_MRG_RXBUF);
    if (!virtqueue_pop_locked(vq, &n->rx_first))
        return 0;
    *popped = 1;
    if (n->rx_first.in_bytes < sizeof(NetHeader)) {
        virtio_break(&n->v, "receive buffer of %llu bytes is too short for the header",
                     (unsigned long long)n->rx_first.in_bytes);
        return 0;
    }
    size_t done = fill_buffer_locked(vq, &n->rx_first, sizeof(NetHeader), frame, len);
    while (done < len) {
        if (!merge || !virtqueue_pop_locked(vq, &n->rx_more))
            return 0;
        ++*popped;
        done += fill_buffer_locked(vq, &n->rx_more, 0, frame + done, len - done);
    }
    return *popped;
}

static void net_receive(void *opaque, const uint8_t *frame, size_t len)
{
    VirtioNet *n = opaque;
    VirtQueue *vq = &n->v.queues[QUEUE_RX];
    unsigned popped = 0;
    if (!virtio_runs(&n->v))
        return;
    pthread_mutex_lock(&vq->lock);
    unsigned buffers = fill_buffers_locked(n, frame, len, &popped);
    if (buffers) {
        /* the backend is in this process: its checksums are right */
        NetHeader h = { .num_buffers = (uint16_t)buffers,
                        .flags = virtio_has_feature(&n->v, NET_F_GUEST_CSUM) ? HDR_DATA_VALID : 0 };
        virtchain_write(&n->rx_first, 0, &h, sizeof(h));
        virtqueue_publish_locked(vq);
    } else {
        virtqueue_rollback_locked(vq, popped); /* the frame is lost, as on a wire */
    }
    pthread_mutex_unlock(&vq->lock);
}

/* ---- from the guest --------------------------------------------------------------------- */

/* The Internet checksum of RFC 1071, in the byte order of memory. */
static uint16_t checksum(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    for (; len >= 4; p += 4, len -= 4) {
        uint32_t word;
        memcpy(&word, p, 4);
        sum += word;
    }
    uint32_t rest = 0;
    memcpy(&rest, p, len);
    sum += rest;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint16_t get_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* A TCP segment that is to be cut into frames: the backend takes it as it is, once its headers say
 * how long it is. Drivers fill in the checksum of the pseudo-header with or without the length. */
static bool complete_large_segment(uint8_t *frame, size_t len, size_t tcp)
{
    uint8_t *ip = frame + ETH_BYTES;
    if (tcp + TCP_BYTES > len || len - ETH_BYTES > UINT16_MAX || tcp < ETH_BYTES + 20 ||
        get_be16(frame + ETH_TYPE) != ETH_TYPE_IPV4 || ip[IP_PROTOCOL] != IP_PROTOCOL_TCP ||
        ETH_BYTES + 4 * (ip[0] & 0xfu) != tcp)
        return false;
    put_be16(ip + IP_LENGTH, (uint16_t)(len - ETH_BYTES));
    put_be16(ip + IP_SUM, 0);
    uint16_t sum = checksum(ip, tcp - ETH_BYTES);
    memcpy(ip + IP_SUM, &sum, 2);
    uint8_t pseudo[12];
    memcpy(pseudo, ip + IP_FROM, 8);
    put_be16(pseudo + 8, IP_PROTOCOL_TCP);
    put_be16(pseudo + 10, (uint16_t)(len - tcp));
    sum = (uint16_t)~checksum(pseudo, sizeof(pseudo));
    memcpy(frame + tcp + TCP_SUM, &sum, 2);
    return true;
}

/* Do what the driver left to us; the frame goes through a buffer of ours. */
static void send_completed(VirtioNet *n, const NetHeader *h)
{
    size_t len = n->tx.out_bytes - sizeof(*h), at = (size_t)h->csum_start + h->csum_offset;
    bool good = len <= FRAME_BYTES_MAX && h->csum_start < len && at + 2 <= len;
    if (good) {
        virtchain_read(&n->tx, sizeof(*h), n->tx_frame, len);
        good = h->gso_type == GSO_NONE ||
               (h->gso_type == GSO_TCPV4 && virtio_has_feature(&n->v, NET_F_HOST_TSO4) &&
                h->csum_offset == TCP_SUM &&
                complete_large_segment(n->tx_frame, len, h->csum_start));
    }
    if (!good) {
        device_guest_error(&n->v.dev, "frame of %zu bytes, type %u, checksum at %zu: dropped", len,
                           h->gso_type, at);
        return;
    }
    uint16_t sum = checksum(n->tx_frame + h->csum_start, len - h->csum_start);
    if (sum == 0)
        sum = 0xffff; /* the same number, but not "no checksum" */
    memcpy(n->tx_frame + at, &sum, 2);
    struct iovec iov = { n->tx_frame, len };
    net_send(n->netdev, &iov, 1);
}

static void send_frame_locked(VirtioNet *n)
{
    NetHeader h;
    VirtChain *c = &n->tx;
    if (virtchain_read(c, 0, &h, sizeof(h)) < sizeof(h)) {
        device_guest_error(&n->v.dev, "frame of %llu bytes without header is dropped",
                           (unsigned long long)c->out_bytes);
    } else if (h.flags & HDR_NEEDS_CSUM && virtio_has_feature(&n->v, NET_F_CSUM)) {
        send_completed(n, &h);
    } else if (c->out_bytes > sizeof(h)) {
        struct iovec *iov = c->iov;
        unsigned count = c->out_count;
        iov_cut_front(&iov, &count, sizeof(h));
        net_send(n->netdev, iov, count);
    }
}

/* Sends a batch, so that the backend comes to its other work, too. */
static bool net_transmit(void *opaque)
{
    VirtioNet *n = opaque;
    VirtQueue *vq = &n->v.queues[QUEUE_TX];
    pthread_mutex_lock(&vq->lock);
    virtqueue_silence_locked(vq);
    unsigned sent = 0;
    while (sent < TX_BATCH && virtqueue_pop_locked(vq, &n->tx)) {
        send_frame_locked(n);
        virtqueue_push_locked(vq, &n->tx, 0);
        sent++;
    }
    virtqueue_publish_locked(vq);
    bool more = (sent == TX_BATCH || !virtqueue_listen_locked(vq)) && virtio_runs(&n->v);
    pthread_mutex_unlock(&vq->lock);
    return more;
}

/* ---- control queue ---------------------------------------------------------------------- */

enum { CTRL_RX = 0, CTRL_MAC = 1 };
enum { CTRL_RX_PROMISC = 0, CTRL_RX_ALLMULTI = 1, CTRL_MAC_TABLE_SET = 0, CTRL_MAC_ADDR_SET = 1 };
enum { CTRL_OK = 0, CTRL_ERR = 1 };

static void publish_mac(VirtioNet *n, const uint8_t *mac)
{
    memcpy(n->v.config + CONFIG_MAC, mac, 6);
    atomic_fetch_add(&n->v.config_generation, 1);
}

/* Two tables, unicast and multicast, each a count and that many addresses. */
static bool mac_tables_are_good(const VirtChain *c)
{
    uint64_t at = 2;
    for (int i = 0; i < 2; i++) {
        uint32_t entries;
        if (virtchain_read(c, at, &entries, 4) < 4 || entries > c->out_bytes / 6)
            return false;
        at += 4 + 6 * (uint64_t)entries;
    }
    return at == c->out_bytes;
}

static uint8_t run_command(VirtioNet *n)
{
    const VirtChain *c = &n->ctrl;
    uint8_t head[2], mac[6];
    if (virtchain_read(c, 0, head, sizeof(head)) < sizeof(head))
        return CTRL_ERR;
    if (head[0] == CTRL_RX && head[1] <= CTRL_RX_ALLMULTI)
        return c->out_bytes == 3 ? CTRL_OK : CTRL_ERR;
    if (head[0] == CTRL_MAC && head[1] == CTRL_MAC_TABLE_SET)
        return mac_tables_are_good(c) ? CTRL_OK : CTRL_ERR;
    if (head[0] == CTRL_MAC && head[1] == CTRL_MAC_ADDR_SET && c->out_bytes == 8) {
        virtchain_read(c, 2, mac, sizeof(mac));
        publish_mac(n, mac);
        return CTRL_OK;
    }
    return CTRL_ERR;
}

static void serve_ctrl(VirtioDevice *v)
{
    VirtioNet *n = virtio_net(v);
    VirtQueue *vq = &v->queues[QUEUE_CTRL];
    pthread_mutex_lock(&vq->lock);
    do {
        virtqueue_silence_locked(vq);
        while (virtqueue_pop_locked(vq, &n->ctrl)) {
            uint8_t ack = run_command(n);
            size_t written = virtchain_write(&n->ctrl, 0, &ack, 1);
            virtqueue_push_locked(vq, &n->ctrl, (uint32_t)written);
        }
        virtqueue_publish_locked(vq);
    } while (!virtqueue_listen_locked(vq) && virtio_runs(v));
    pthread_mutex_unlock(&vq->lock);
}

/* ---- the device ------------------------------------------------------------------------- */

static void virtio_net_notify(VirtioDevice *v, unsigned queue)
{
    if (queue == QUEUE_CTRL)
        serve_ctrl(v);
    else
        net_kick(virtio_net(v)->netdev);
}

static void virtio_net_restart(VirtioDevice *v)
{
    publish_mac(virtio_net(v), virtio_net(v)->mac);
}

static const VirtioClass net_class = { .device_id = 1, .notify = virtio_net_notify,
                                       .reset = virtio_net_restart };

static bool mac_is_taken(const VirtioNet *n, const uint8_t *mac)
{
    for (const Device *d = n->v.dev.machine->devices; d; d = d->next)
        if (d->type == &virtio_net_type && d != &n->v.dev &&
            memcmp(((const VirtioNet *)d)->mac, mac, 6) == 0)
            return true;
    return false;
}

static void choose_mac(VirtioNet *n)
{
    static const uint8_t none[6] = { 0 }, first[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    if (memcmp(n->mac, none, 6) != 0)
        return;
    uint8_t mac[6];
    memcpy(mac, first, 6);
    while (mac_is_taken(n, mac))
        mac[5]++;
    memcpy(n->mac, mac, 6);
}

static uint64_t features(const VirtioNet *n)
{
    return BIT(NET_F_MAC) | BIT(NET_F_STATUS) | BIT(NET_F_CTRL_VQ) | BIT(NET_F_CTRL_RX) |
           BIT(NET_F_CTRL_MAC_ADDR) | (n->csum ? BIT(NET_F_CSUM) : 0) |
           (n->csum && n->host_tso4 ? BIT(NET_F_HOST_TSO4) : 0) |
           (n->guest_csum ? BIT(NET_F_GUEST_CSUM) : 0) |
           (n->mrg_rxbuf ? BIT(NET_F_MRG_RXBUF) : 0);
}

static bool virtio_net_realize(Device *dev, Error **err)
{
    VirtioNet *n = (VirtioNet *)dev;
    const char *name = dev->type->name;
    if (!n->netdev)
        return error_set(err, "device '%s' needs a network; give it netdev=ID, the id of a "
                         "-netdev", name);
    if (!virtio_check_queue_size(&n->v, n->queue_size, 64, err) ||
        !net_claim(n->netdev, device_name(dev), err))
        return false;
    n->claimed = true;
    n->tx_frame = malloc(FRAME_BYTES_MAX);
    if (!n->tx_frame)
        return error_set(err, "out of memory for device '%s'", name);
    choose_mac(n);
    publish_mac(n, n->mac);
    virtio_config_put(&n->v, CONFIG_STATUS, STATUS_LINK_UP, 2);
    n->v.config_bytes = CONFIG_BYTES;
    const uint32_t sizes[QUEUE_COUNT] = { n->queue_size, n->queue_size, 64 };
    if (!virtio_init(&n->v, &net_class, features(n), sizes, QUEUE_COUNT, err))
        return false;
    net_attach(n->netdev, &(NetReceiver){ net_can_receive, net_receive, net_transmit, n });
    return true;
}

static void virtio_net_destroy(Device *dev)
{
    VirtioNet *n = (VirtioNet *)dev;
    if (n->claimed)
        net_release(n->netdev);
    virtio_cleanup(&n->v);
    free(n->tx_frame);
    virtchain_free(&n->rx_first);
    virtchain_free(&n->rx_more);
    virtchain_free(&n->tx);
    virtchain_free(&n->ctrl);
}

static const Property virtio_net_properties[] = {
    { "netdev", PROP_NETDEV, offsetof(VirtioNet, netdev), NULL, "the network" },
    { "mac", PROP_MAC, offsetof(VirtioNet, mac), NULL,
      "Ethernet address; by default 52:54:00:12:34:56 or the next free one" },
    { "csum", PROP_BOOL, offsetof(VirtioNet, csum), "on",
      "let the guest leave checksums to the host" },
    { "host_tso4", PROP_BOOL, offsetof(VirtioNet, host_tso4), "on",
      "let the guest send TCP segments of 64 KiB in one piece; needs csum" },
    { "guest_csum", PROP_BOOL, offsetof(VirtioNet, guest_csum), "on",
      "spare the guest checking what the host computed" },
    { "mrg_rxbuf", PROP_BOOL, offsetof(VirtioNet, mrg_rxbuf), "on",
      "a frame may fill several receive buffers" },
    { "queue-size", PROP_UINT32, offsetof(VirtioNet, queue_size), "256", "entries of a queue" },
    VIRTIO_PROPERTIES,
    { 0 },
};

const DeviceType virtio_net_type = {
    .name = "virtio-net-device",
    .help = "network interface",
    .bus = "virtio-bus",
    .user_creatable = true,
    .size = sizeof(VirtioNet),
    .properties = virtio_net_properties,
    .realize = virtio_net_realize,
    .destroy = virtio_net_destroy,
};
