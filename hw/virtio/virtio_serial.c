// SPDX-License-Identifier: MIT
//
// virtio console device (virtio 1.2, section 5.3) with several ports. Each port has a pair of queues;
// a third pair carries messages about ports.
//
// Back-pressure: input is taken from the host only when the guest has given buffers for it and, if
// it knows of ports, has the port open. Output that the host does not take stays in its request
// until the host end has room; then nothing more is taken from that queue.
//
// What there is to tell the guest is a set of bits for each port, so that a driver that gives no
// buffers costs no memory and learns the latest state.
//
// Order of locks: transport, the driver's control queue, our control queue; those of ports' queues
// are innermost but for the host end's.
#include "hw/virtio/virtio_serial.h"

#include <stdlib.h>
#include <string.h>
#include "chardev/chardev.h"
#include "hw/core/machine.h"
#include "util/bitops.h"

/* Feature bits */
enum { CONSOLE_F_SIZE = 0, CONSOLE_F_MULTIPORT = 1, CONSOLE_F_EMERG_WRITE = 2 };

/* Configuration space: offsets, and its size */
enum { CONFIG_COLS = 0, CONFIG_ROWS = 2, CONFIG_MAX_PORTS = 4, CONFIG_EMERG_WRITE = 8,
       CONFIG_BYTES = 12 };

enum { QUEUE_CONTROL_IN = 2, QUEUE_CONTROL_OUT = 3 }; /* as the guest sees them */
enum { PORT_QUEUE_SIZE = 128, CONTROL_QUEUE_SIZE = 32 };

#define MAX_PORTS 511u
#define NUMBER_ANY UINT32_MAX
#define TX_BATCH 64u
#define NAME_BYTES_MAX 256u

typedef struct ControlMessage {
    uint32_t port;
    uint16_t event, value;
} ControlMessage;

enum { /* events */
    EVENT_DEVICE_READY = 0,
    EVENT_PORT_ADD = 1,
    EVENT_PORT_READY = 3,
    EVENT_CONSOLE_PORT = 4,
    EVENT_RESIZE = 5,
    EVENT_PORT_OPEN = 6,
    EVENT_PORT_NAME = 7,
};

static VirtioSerial *serial_of(VirtioDevice *v)
{
    return (VirtioSerial *)v;
}

static bool is_console(const VirtioPort *p)
{
    return p->dev.type == &virtconsole_type;
}

static VirtQueue *rx_queue(const VirtioPort *p)
{
    return &p->serial->v.queues[p->number ? 2 * (p->number + 1) : 0];
}

static VirtQueue *tx_queue(const VirtioPort *p)
{
    return rx_queue(p) + 1;
}

/* NULL when there is none of that number. */
static VirtioPort *find_port(const VirtioSerial *s, uint32_t number)
{
    return number < s->max_ports ? s->ports[number] : NULL;
}

/* ---- messages to the guest -------------------------------------------------------------- */

/* What follows the message's head; returns its length. */
static size_t message_tail(const VirtioPort *p, uint16_t event, uint8_t *to)
{
    if (event == EVENT_PORT_NAME) {
        size_t len = MIN(strlen(p->name) + 1, NAME_BYTES_MAX);
        memcpy(to, p->name, len);
        return len;
    }
    if (event == EVENT_RESIZE) {
        uint16_t size[2]; /* columns first; some versions of Linux take them for rows */
        chardev_size(p->line, &size[0], &size[1]);
        memcpy(to, size, sizeof(size));
        return sizeof(size);
    }
    return 0;
}

/* False: the driver has given no buffer. */
static bool send_message_locked(VirtioPort *p, uint16_t event)
{
    VirtioSerial *s = p->serial;
    VirtQueue *vq = &s->v.queues[QUEUE_CONTROL_IN];
    uint8_t bytes[sizeof(ControlMessage) + NAME_BYTES_MAX];
    if (!virtqueue_pop_locked(vq, &s->to_guest) &&
        (virtqueue_listen_locked(vq) || !virtqueue_pop_locked(vq, &s->to_guest)))
        return false;
    ControlMessage head = { p->number, event,
                            event == EVENT_PORT_OPEN ? atomic_load(&p->host_open) : 1 };
    memcpy(bytes, &head, sizeof(head));
    size_t len = sizeof(head) + message_tail(p, event, bytes + sizeof(head));
    size_t written = virtchain_write(&s->to_guest, 0, bytes, len);
    virtqueue_push_locked(vq, &s->to_guest, (uint32_t)written);
    return true;
}

static void send_messages_locked(VirtioSerial *s)
{
    bool room = s->ready;
    for (uint32_t n = 0; n < s->max_ports && room; n++) {
        VirtioPort *p = s->ports[n];
        for (uint16_t event = 0; p && room && p->tell; event++) {
            if (p->tell & BIT(event) && (room = send_message_locked(p, event)))
                p->tell &= ~(unsigned)BIT(event);
        }
    }
    virtqueue_publish_locked(&s->v.queues[QUEUE_CONTROL_IN]);
}

static void tell_guest(VirtioPort *p, unsigned events)
{
    VirtQueue *vq = &p->serial->v.queues[QUEUE_CONTROL_IN];
    pthread_mutex_lock(&vq->lock);
    if (p->serial->ready) {
        p->tell |= events;
        send_messages_locked(p->serial);
    }
    pthread_mutex_unlock(&vq->lock);
}

static void resume_messages(VirtioSerial *s)
{
    VirtQueue *vq = &s->v.queues[QUEUE_CONTROL_IN];
    pthread_mutex_lock(&vq->lock);
    send_messages_locked(s);
    pthread_mutex_unlock(&vq->lock);
}

/* ---- messages of the guest -------------------------------------------------------------- */

static void driver_ready(VirtioSerial *s)
{
    VirtQueue *vq = &s->v.queues[QUEUE_CONTROL_IN];
    pthread_mutex_lock(&vq->lock);
    s->ready = true;
    for (uint32_t n = 0; n < s->max_ports; n++)
        if (s->ports[n])
            s->ports[n]->tell = BIT(EVENT_PORT_ADD);
    send_messages_locked(s);
    pthread_mutex_unlock(&vq->lock);
}

static void port_ready(VirtioPort *p)
{
    uint16_t cols, rows;
    unsigned events = p->name ? BIT(EVENT_PORT_NAME) : 0;
    if (is_console(p))
        events |= BIT(EVENT_CONSOLE_PORT);
    if (is_console(p) && p->line && chardev_size(p->line, &cols, &rows))
        events |= BIT(EVENT_RESIZE);
    if (atomic_load(&p->host_open))
        events |= BIT(EVENT_PORT_OPEN);
    tell_guest(p, events);
}

static void guest_opened(VirtioPort *p, bool open)
{
    atomic_store(&p->guest_open, open);
    if (open && p->line)
        chardev_accept_input(p->line);
}

static void act_on_message(VirtioSerial *s, const ControlMessage *m)
{
    VirtioPort *p = find_port(s, m->port);
    if (m->event == EVENT_DEVICE_READY && m->value)
        driver_ready(s);
    else if (m->event == EVENT_PORT_READY && m->value && p)
        port_ready(p);
    else if (m->event == EVENT_PORT_OPEN && p)
        guest_opened(p, m->value);
    else
        device_guest_error(&s->v.dev, "message %u with value %u about port %u: ignored", m->event,
                           m->value, m->port);
}

static void serve_control(VirtioSerial *s)
{
    VirtQueue *vq = &s->v.queues[QUEUE_CONTROL_OUT];
    pthread_mutex_lock(&vq->lock);
    do {
        virtqueue_silence_locked(vq);
        while (virtqueue_pop_locked(vq, &s->to_host)) {
            ControlMessage m;
            if (virtchain_read(&s->to_host, 0, &m, sizeof(m)) == sizeof(m))
                act_on_message(s, &m);
            else
                device_guest_error(&s->v.dev, "message of %llu bytes is too short",
                                   (unsigned long long)s->to_host.out_bytes);
            virtqueue_push_locked(vq, &s->to_host, 0);
        }
        virtqueue_publish_locked(vq);
    } while (!virtqueue_listen_locked(vq) && virtio_runs(&s->v));
    pthread_mutex_unlock(&vq->lock);
}

/* ---- input ------------------------------------------------------------------------------ */

static bool guest_listens(const VirtioPort *p)
{
    const VirtioDevice *v = &p->serial->v;
    return virtio_runs(v) &&
           (!virtio_has_feature(v, CONSOLE_F_MULTIPORT) || atomic_load(&p->guest_open));
}

/* Take buffers out of the ring until there is room enough for one read. */
static void hold_buffers_locked(VirtioPort *p, VirtQueue *vq)
{
    while (p->rx_count < VIRTIO_PORT_HELD) {
        VirtChain *c = &p->rx[(p->rx_first + p->rx_count) % VIRTIO_PORT_HELD];
        if (!virtqueue_pop_locked(vq, c))
            return;
        if (c->in_bytes == 0) {
            virtio_break(&p->serial->v, "port %u: a receive buffer without room", p->number);
            return;
        }
        p->rx_count++;
    }
}

static size_t port_room(void *opaque)
{
    VirtioPort *p = opaque;
    VirtQueue *vq = rx_queue(p);
    if (!guest_listens(p))
        return 0;
    pthread_mutex_lock(&vq->lock);
    hold_buffers_locked(p, vq);
    if (!p->rx_count && !virtqueue_listen_locked(vq))
        hold_buffers_locked(p, vq);
    uint64_t room = 0;
    for (unsigned i = 0; i < p->rx_count; i++)
        room += p->rx[(p->rx_first + i) % VIRTIO_PORT_HELD].in_bytes;
    pthread_mutex_unlock(&vq->lock);
    return room;
}

static void port_receive(void *opaque, const uint8_t *buf, size_t len)
{
    VirtioPort *p = opaque;
    VirtQueue *vq = rx_queue(p);
    pthread_mutex_lock(&vq->lock);
    while (len && p->rx_count) {
        VirtChain *c = &p->rx[p->rx_first];
        size_t n = virtchain_write(c, 0, buf, len);
        virtqueue_push_locked(vq, c, (uint32_t)n);
        p->rx_first = (p->rx_first + 1) % VIRTIO_PORT_HELD;
        p->rx_count--;
        buf += n;
        len -= n;
    }
    virtqueue_publish_locked(vq);
    pthread_mutex_unlock(&vq->lock);
}

/* ---- output ----------------------------------------------------------------------------- */

/* Hand over the rest of the request; false: the host has no room for all of it. */
static bool send_request_locked(VirtioPort *p)
{
    uint64_t skip = p->tx_done;
    for (unsigned i = 0; i < p->tx.out_count && p->line; i++) {
        const struct iovec *iov = &p->tx.iov[i];
        if (skip >= iov->iov_len) {
            skip -= iov->iov_len;
            continue;
        }
        size_t n = chardev_write(p->line, (char *)iov->iov_base + skip, iov->iov_len - skip);
        p->tx_done += n;
        if (n < iov->iov_len - skip)
            return false;
        skip = 0;
    }
    return true;
}

/* Up to TX_BATCH requests; false: the host has no room. */
static bool send_batch_locked(VirtioPort *p, VirtQueue *vq, unsigned *count)
{
    bool room = true;
    for (*count = 0; *count < TX_BATCH && (p->tx_busy || virtqueue_pop_locked(vq, &p->tx));
         ++*count) {
        if (!p->tx_busy)
            p->tx_done = 0;
        room = send_request_locked(p);
        p->tx_busy = !room;
        if (!room)
            break;
        virtqueue_push_locked(vq, &p->tx, 0);
    }
    virtqueue_publish_locked(vq);
    return room;
}

static void transmit(VirtioPort *p);

static void transmit_posted(void *opaque)
{
    VirtioPort *p = opaque;
    atomic_store(&p->posted, false);
    transmit(p);
}

/* The vCPU that notified sends a batch; if more comes in meanwhile the main loop goes on. */
static void transmit(VirtioPort *p)
{
    VirtQueue *vq = tx_queue(p);
    unsigned count;
    pthread_mutex_lock(&vq->lock);
    virtqueue_silence_locked(vq);
    bool more = send_batch_locked(p, vq, &count) &&
                (count == TX_BATCH || !virtqueue_listen_locked(vq)) && virtio_runs(&p->serial->v);
    pthread_mutex_unlock(&vq->lock);
    if (more && !atomic_exchange(&p->posted, true))
        mainloop_post(p->dev.machine->loop, transmit_posted, p);
}

static void port_writable(void *opaque)
{
    transmit(opaque);
}

/* Characters before the driver runs, one at a time (section 5.3.4). */
static void write_emergency(VirtioSerial *s, uint8_t c)
{
    for (uint32_t n = 0; n < s->max_ports; n++) {
        if (s->ports[n] && is_console(s->ports[n]) && s->ports[n]->line) {
            chardev_write(s->ports[n]->line, &c, 1);
            return;
        }
    }
}

/* ---- the host end ----------------------------------------------------------------------- */

static void window_changed(VirtioPort *p)
{
    uint16_t cols, rows;
    if (!is_console(p) || !chardev_size(p->line, &cols, &rows))
        return;
    if (p->number == 0)
        virtio_config_change(&p->serial->v, CONFIG_COLS, cols | (uint32_t)rows << 16, 4);
    tell_guest(p, BIT(EVENT_RESIZE));
}

/* A console is always connected: what it says while nobody listens is lost, as on a wire. */
static void port_event(void *opaque, ChardevEvent event)
{
    VirtioPort *p = opaque;
    if (event == CHARDEV_RESIZED)
        window_changed(p);
    if ((event != CHARDEV_OPENED && event != CHARDEV_CLOSED) || is_console(p))
        return;
    atomic_store(&p->host_open, event == CHARDEV_OPENED);
    tell_guest(p, BIT(EVENT_PORT_OPEN));
}

/* ---- the bus ---------------------------------------------------------------------------- */

static void serial_notify(VirtioDevice *v, unsigned queue)
{
    VirtioSerial *s = serial_of(v);
    if (queue == QUEUE_CONTROL_IN) {
        resume_messages(s);
        return;
    }
    if (queue == QUEUE_CONTROL_OUT) {
        serve_control(s);
        return;
    }
    VirtioPort *p = find_port(s, queue < QUEUE_CONTROL_IN ? 0 : queue / 2 - 1);
    if (!p)
        device_guest_error(&v->dev, "notification of queue %u, which has no port", queue);
    else if (queue & 1)
        transmit(p);
    else if (p->line)
        chardev_accept_input(p->line);
}

/* Requests of closed queues are the guest's again. */
static void serial_stop(VirtioDevice *v)
{
    const VirtioSerial *s = serial_of(v);
    for (uint32_t n = 0; n < s->max_ports; n++) {
        VirtioPort *p = s->ports[n];
        if (!p)
            continue;
        VirtQueue *rx = rx_queue(p), *tx = tx_queue(p);
        pthread_mutex_lock(&rx->lock);
        p->rx_count = rx->open ? p->rx_count : 0;
        pthread_mutex_unlock(&rx->lock);
        pthread_mutex_lock(&tx->lock);
        p->tx_busy &= tx->open;
        pthread_mutex_unlock(&tx->lock);
    }
}

static void serial_restart(VirtioDevice *v)
{
    VirtioSerial *s = serial_of(v);
    pthread_mutex_lock(&v->queues[QUEUE_CONTROL_IN].lock);
    s->ready = false;
    for (uint32_t n = 0; n < s->max_ports; n++) {
        if (s->ports[n]) {
            s->ports[n]->tell = 0;
            atomic_store(&s->ports[n]->guest_open, false);
        }
    }
    pthread_mutex_unlock(&v->queues[QUEUE_CONTROL_IN].lock);
}

static bool serial_write_config(VirtioDevice *v, unsigned offset, uint8_t value)
{
    VirtioSerial *s = serial_of(v);
    if (offset < CONFIG_EMERG_WRITE || !s->emergency_write)
        return false;
    if (offset == CONFIG_EMERG_WRITE)
        write_emergency(s, value);
    return true;
}

static const VirtioClass serial_class = {
    .device_id = 3, .notify = serial_notify, .stop = serial_stop, .reset = serial_restart,
    .write_config = serial_write_config,
};

static bool virtio_serial_realize(Device *dev, Error **err)
{
    VirtioSerial *s = (VirtioSerial *)dev;
    uint32_t max = s->max_ports;
    if (max < 1 || max > MAX_PORTS)
        return error_set(err, "device '%s': max_ports must be from 1 to %u", dev->type->name,
                         MAX_PORTS);
    uint32_t sizes[2 * (MAX_PORTS + 1)];
    for (unsigned i = 0; i < 2 * (max + 1); i++)
        sizes[i] = i / 2 == QUEUE_CONTROL_IN / 2 ? CONTROL_QUEUE_SIZE : PORT_QUEUE_SIZE;
    s->ports = calloc(max, sizeof(*s->ports));
    if (!s->ports)
        return error_set(err, "out of memory for device '%s'", dev->type->name);
    virtio_config_put(&s->v, CONFIG_MAX_PORTS, max, 4);
    s->v.config_bytes = CONFIG_BYTES;
    uint64_t features = (max > 1 ? BIT(CONSOLE_F_MULTIPORT) : 0) |
                        (s->emergency_write ? BIT(CONSOLE_F_EMERG_WRITE) : 0);
    return virtio_init(&s->v, &serial_class, features, sizes, 2 * (max + 1), err);
}

static void virtio_serial_destroy(Device *dev)
{
    VirtioSerial *s = (VirtioSerial *)dev;
    virtio_cleanup(&s->v);
    virtchain_free(&s->to_guest);
    virtchain_free(&s->to_host);
    free(s->ports);
}

/* Number 0 is the first console's, for drivers that know of one port only. */
static uint32_t free_number(const VirtioSerial *s, const VirtioPort *p)
{
    uint32_t n = is_console(p) ? 0 : 1;
    while (n < s->max_ports && s->ports[n])
        n++;
    return n;
}

static bool check_port(const VirtioSerial *s, const VirtioPort *p, uint32_t number, Error **err)
{
    const char *type = p->dev.type->name;
    if (p->number == NUMBER_ANY && number >= s->max_ports)
        return error_set(err, "there is no free port for '%s'; give the virtio-serial-device more "
                         "with max_ports=, which is %u", type, s->max_ports);
    if (number >= s->max_ports)
        return error_set(err, "device '%s': nr=%u is too large, ports are numbered up to %u", type,
                         number, s->max_ports - 1);
    if (number == 0 && !is_console(p))
        return error_set(err, "device '%s': port 0 is for a virtconsole; leave out nr=0", type);
    if (s->ports[number])
        return error_set(err, "device '%s': port %u is taken already; leave out nr=", type, number);
    for (uint32_t n = 0; n < s->max_ports && p->name; n++)
        if (s->ports[n] && s->ports[n]->name && !strcmp(s->ports[n]->name, p->name))
            return error_set(err, "device '%s': there is a port called '%s' already; give another "
                             "name", type, p->name);
    return !p->name || strlen(p->name) < NAME_BYTES_MAX ||
           error_set(err, "device '%s': a name has less than %u bytes", type, NAME_BYTES_MAX);
}

static bool virtio_serial_attach(Device *dev, Device *child, Error **err)
{
    VirtioSerial *s = (VirtioSerial *)dev;
    VirtioPort *p = (VirtioPort *)child;
    uint32_t number = p->number == NUMBER_ANY ? free_number(s, p) : p->number;
    if (!check_port(s, p, number, err))
        return false;
    p->number = number;
    p->serial = s;
    return true;
}

static const Property virtio_serial_properties[] = {
    { "max_ports", PROP_UINT32, offsetof(VirtioSerial, max_ports), "31", "how many ports fit" },
    { "emergency-write", PROP_BOOL, offsetof(VirtioSerial, emergency_write), "on",
      "output before the driver runs, through the configuration space" },
    VIRTIO_PROPERTIES,
    { 0 },
};

const DeviceType virtio_serial_type = {
    .name = "virtio-serial-device",
    .help = "consoles and ports: the bus for virtconsole and virtserialport",
    .bus = "virtio-bus",
    .slot = "virtio-serial-bus",
    .many_slots = true,
    .user_creatable = true,
    .size = sizeof(VirtioSerial),
    .properties = virtio_serial_properties,
    .realize = virtio_serial_realize,
    .destroy = virtio_serial_destroy,
    .attach = virtio_serial_attach,
};

/* ---- ports ------------------------------------------------------------------------------ */

static bool virtio_port_realize(Device *dev, Error **err)
{
    VirtioPort *p = (VirtioPort *)dev;
    VirtioDevice *v = &p->serial->v;
    uint16_t cols, rows;
    if (p->chr && !(p->line = chardev_claim(p->chr, device_name(dev), err)))
        return false;
    p->serial->ports[p->number] = p;
    atomic_store(&p->host_open, is_console(p));
    if (!p->line)
        return true;
    if (is_console(p) && chardev_size(p->line, &cols, &rows)) {
        v->offered |= BIT(CONSOLE_F_SIZE);
        if (p->number == 0)
            virtio_config_put(v, CONFIG_COLS, cols | (uint32_t)rows << 16, 4);
    }
    chardev_attach(p->line, &(ChardevHandlers){ .can_receive = port_room, .receive = port_receive,
                                                .event = port_event, .writable = port_writable,
                                                .opaque = p });
    return true;
}

static void virtio_port_destroy(Device *dev)
{
    VirtioPort *p = (VirtioPort *)dev;
    chardev_release(p->line);
    if (p->serial && p->serial->ports[p->number] == p)
        p->serial->ports[p->number] = NULL;
    for (unsigned i = 0; i < VIRTIO_PORT_HELD; i++)
        virtchain_free(&p->rx[i]);
    virtchain_free(&p->tx);
}

static const Property virtio_port_properties[] = {
    { "chardev", PROP_CHARDEV, offsetof(VirtioPort, chr), NULL, "the host's end" },
    { "name", PROP_STRING, offsetof(VirtioPort, name), NULL,
      "by which the guest finds it in /dev/virtio-ports" },
    { "nr", PROP_UINT32, offsetof(VirtioPort, number), "4294967295",
      "number on its bus; by default the next free one" },
    { 0 },
};

const DeviceType virtconsole_type = {
    .name = "virtconsole",
    .help = "console on a virtio-serial-device (hvc0)",
    .bus = "virtio-serial-bus",
    .user_creatable = true,
    .size = sizeof(VirtioPort),
    .properties = virtio_port_properties,
    .realize = virtio_port_realize,
    .destroy = virtio_port_destroy,
};

const DeviceType virtserialport_type = {
    .name = "virtserialport",
    .help = "named port on a virtio-serial-device",
    .bus = "virtio-serial-bus",
    .user_creatable = true,
    .size = sizeof(VirtioPort),
    .properties = virtio_port_properties,
    .realize = virtio_port_realize,
    .destroy = virtio_port_destroy,
};
