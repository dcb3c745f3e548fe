// SPDX-License-Identifier: MIT
//
// The MMIO transport of virtio, version 2 (virtio 1.2, section 4.2). The legacy version 1 is not
// offered: drivers that only know that one find a device of a version they do not know.
//
// Locks: bus.dev.lock guards the registers. The three registers of the data path (QueueNotify,
// InterruptStatus, InterruptACK) are served without it, so that vCPUs do not wait for each other;
// the interrupt has `irq_lock`, the innermost of all but the interrupt controller's.
#include "hw/virtio/virtio_mmio.h"

#include "hw/core/machine.h"
#include "util/bitops.h"

#define WINDOW_BYTES 0x200u
#define CONFIG_OFFSET 0x100u
#define VENDOR_ID 0x554d4551u /* "QEMU": what drivers' quirk tables expect */

enum {
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
};

static VirtioMmio *mmio(Device *dev)
{
    return (VirtioMmio *)dev;
}

/* The device in the slot, or NULL. */
static VirtioDevice *plugged(const VirtioMmio *t)
{
    return t->vdev && t->vdev->dev.realized ? t->vdev : NULL;
}

/* ---- interrupt -------------------------------------------------------------------------- */

static void change_interrupt(VirtioMmio *t, uint32_t set, uint32_t clear)
{
    pthread_mutex_lock(&t->irq_lock);
    t->interrupt_status = (t->interrupt_status | set) & ~clear;
    irq_set(&t->bus.irq, t->interrupt_status);
    pthread_mutex_unlock(&t->irq_lock);
}

static void raise_interrupt(void *opaque, uint32_t causes)
{
    change_interrupt(opaque, causes, 0);
}

static uint64_t interrupt_status_read(Device *dev, unsigned index)
{
    VirtioMmio *t = mmio(dev);
    pthread_mutex_lock(&t->irq_lock);
    uint32_t status = t->interrupt_status;
    pthread_mutex_unlock(&t->irq_lock);
    return status;
}

static void interrupt_ack_write(Device *dev, unsigned index, uint64_t value)
{
    change_interrupt(mmio(dev), 0, (uint32_t)value);
}

/* ---- identity and features -------------------------------------------------------------- */

static uint64_t device_id_read(Device *dev, unsigned index)
{
    const VirtioDevice *v = plugged(mmio(dev));
    return v ? v->ops->device_id : 0; /* 0: nothing is plugged in, drivers pass by */
}

static uint64_t device_features_read(Device *dev, unsigned index)
{
    const VirtioMmio *t = mmio(dev);
    const VirtioDevice *v = plugged(t);
    return v && t->device_features_sel < 2 ? bits_get(v->offered, 32 * t->device_features_sel, 32)
                                           : 0;
}

static void driver_features_write(Device *dev, unsigned index, uint64_t value)
{
    VirtioMmio *t = mmio(dev);
    if (plugged(t))
        virtio_set_features(t->vdev, t->driver_features_sel, (uint32_t)value);
}

static uint64_t status_read(Device *dev, unsigned index)
{
    const VirtioDevice *v = plugged(mmio(dev));
    return v ? atomic_load(&v->status) : 0;
}

static void reset_locked(VirtioMmio *t)
{
    if (plugged(t))
        virtio_reset(t->vdev);
    t->device_features_sel = t->driver_features_sel = t->queue_sel = 0;
    change_interrupt(t, 0, UINT32_MAX);
}

static void status_write(Device *dev, unsigned index, uint64_t value)
{
    VirtioMmio *t = mmio(dev);
    if (value == 0)
        reset_locked(t);
    else if (plugged(t))
        virtio_set_status(t->vdev, (uint32_t)value);
}

/* ---- queues ----------------------------------------------------------------------------- */

static VirtQueue *selected(Device *dev)
{
    const VirtioMmio *t = mmio(dev);
    return plugged(t) ? virtio_queue(t->vdev, t->queue_sel) : NULL;
}

/* The selected queue if its set-up may be changed now. */
static VirtQueue *selected_for_setup(Device *dev)
{
    VirtQueue *vq = selected(dev);
    if (vq && !vq->open)
        return vq;
    device_guest_error(dev, vq ? "set-up of queue %u while it is in use: ignored"
                               : "set-up of queue %u, which does not exist: ignored",
                       mmio(dev)->queue_sel);
    return NULL;
}

static uint64_t queue_num_max_read(Device *dev, unsigned index)
{
    const VirtQueue *vq = selected(dev);
    return vq ? vq->max_size : 0;
}

static void queue_num_write(Device *dev, unsigned index, uint64_t value)
{
    VirtQueue *vq = selected_for_setup(dev);
    if (vq)
        vq->size = (uint32_t)value;
}

static uint64_t queue_ready_read(Device *dev, unsigned index)
{
    const VirtQueue *vq = selected(dev);
    return vq && vq->open;
}

static void queue_ready_write(Device *dev, unsigned index, uint64_t value)
{
    VirtQueue *vq = selected(dev);
    if (vq)
        virtio_set_queue_ready(mmio(dev)->vdev, vq, value & 1);
}

static void queue_notify_write(Device *dev, unsigned index, uint64_t value)
{
    VirtioMmio *t = mmio(dev);
    if (plugged(t))
        virtio_notify(t->vdev, (uint32_t)value);
}

/* `index` is 0 for the low half of an address, 1 for the high one. */
static void put_half(uint64_t *addr, unsigned index, uint64_t value)
{
    *addr = bits_set(*addr, 32 * index, 32, value);
}

static void queue_desc_write(Device *dev, unsigned index, uint64_t value)
{
    VirtQueue *vq = selected_for_setup(dev);
    if (vq)
        put_half(&vq->desc_gpa, index, value);
}

static void queue_driver_write(Device *dev, unsigned index, uint64_t value)
{
    VirtQueue *vq = selected_for_setup(dev);
    if (vq)
        put_half(&vq->avail_gpa, index, value);
}

static void queue_device_write(Device *dev, unsigned index, uint64_t value)
{
    VirtQueue *vq = selected_for_setup(dev);
    if (vq)
        put_half(&vq->used_gpa, index, value);
}

/* ---- configuration space ---------------------------------------------------------------- */

static uint64_t config_generation_read(Device *dev, unsigned index)
{
    const VirtioDevice *v = plugged(mmio(dev));
    return v ? atomic_load(&v->config_generation) : 0;
}

static uint64_t config_read(Device *dev, unsigned index)
{
    const VirtioDevice *v = plugged(mmio(dev));
    return v && index < v->config_bytes ? v->config[index] : 0;
}

static void config_write(Device *dev, unsigned index, uint64_t value)
{
    VirtioDevice *v = plugged(mmio(dev));
    if (v && v->ops->write_config && index < v->config_bytes &&
        v->ops->write_config(v, index, (uint8_t)value))
        return;
    device_guest_error(dev, "write of 0x%llx to byte %u of the configuration, which is read-only",
                       (unsigned long long)value, index);
}

/* ---- registers -------------------------------------------------------------------------- */

static const RegDesc virtio_mmio_regs[] = {
    { 0x000, 4, "MagicValue", .reset = 0x74726976, .help = "\"virt\"" },
    { 0x004, 4, "Version", .reset = 2 },
    { 0x008, 4, "DeviceID", .read = device_id_read, .help = "0: no device" },
    { 0x00c, 4, "VendorID", .reset = VENDOR_ID },
    { 0x010, 4, "DeviceFeatures", .read = device_features_read,
      .help = "32 of the features offered" },
    { 0x014, 4, "DeviceFeaturesSel", REG_AT(VirtioMmio, device_features_sel),
      .write_mask = UINT32_MAX, .help = "which 32" },
    { 0x020, 4, "DriverFeatures", .write = driver_features_write,
      .help = "32 of the features accepted" },
    { 0x024, 4, "DriverFeaturesSel", REG_AT(VirtioMmio, driver_features_sel),
      .write_mask = UINT32_MAX, .help = "which 32" },
    { 0x030, 4, "QueueSel", REG_AT(VirtioMmio, queue_sel), .write_mask = UINT32_MAX,
      .help = "the queue that the following registers mean" },
    { 0x034, 4, "QueueNumMax", .read = queue_num_max_read, .help = "0: no such queue" },
    { 0x038, 4, "QueueNum", .write = queue_num_write, .help = "entries" },
    { 0x044, 4, "QueueReady", .read = queue_ready_read, .write = queue_ready_write },
    { REG_QUEUE_NOTIFY, 4, "QueueNotify", .write = queue_notify_write,
      .help = "number of a queue that has requests" },
    { REG_INTERRUPT_STATUS, 4, "InterruptStatus", .read = interrupt_status_read,
      .help = "bit 0: a used ring, bit 1: the configuration" },
    { REG_INTERRUPT_ACK, 4, "InterruptACK", .write = interrupt_ack_write },
    { 0x070, 4, "Status", .read = status_read, .write = status_write, .help = "0 resets" },
    { 0x080, 4, "QueueDesc", .count = 2, .write = queue_desc_write },
    { 0x090, 4, "QueueDriver", .count = 2, .write = queue_driver_write,
      .help = "the available ring" },
    { 0x0a0, 4, "QueueDevice", .count = 2, .write = queue_device_write, .help = "the used ring" },
    { 0x0ac, 4, "SHMSel", .ignores_writes = true, .help = "there is no shared memory" },
    { 0x0b0, 4, "SHMLen", .count = 2, .reset = UINT32_MAX, .ignores_writes = true },
    { 0x0b8, 4, "SHMBase", .count = 2, .reset = UINT32_MAX, .ignores_writes = true },
    { 0x0fc, 4, "ConfigGeneration", .read = config_generation_read },
    { CONFIG_OFFSET, 1, "Config", .count = WINDOW_BYTES - CONFIG_OFFSET, .read = config_read,
      .write = config_write, .help = "the device's configuration space" },
};

static bool is_data_path(Hwaddr offset)
{
    return offset == REG_QUEUE_NOTIFY || offset == REG_INTERRUPT_STATUS ||
           offset == REG_INTERRUPT_ACK;
}

static uint64_t window_read(void *opaque, Hwaddr offset, unsigned size)
{
    VirtioMmio *t = opaque;
    if (is_data_path(offset) && size == 4)
        return regs_read(&t->regs, offset, size);
    pthread_mutex_lock(&t->bus.dev.lock);
    uint64_t value = regs_read(&t->regs, offset, size);
    pthread_mutex_unlock(&t->bus.dev.lock);
    return value;
}

static void window_write(void *opaque, Hwaddr offset, uint64_t value, unsigned size)
{
    VirtioMmio *t = opaque;
    if (is_data_path(offset) && size == 4) {
        regs_write(&t->regs, offset, value, size);
        return;
    }
    pthread_mutex_lock(&t->bus.dev.lock);
    regs_write(&t->regs, offset, value, size);
    pthread_mutex_unlock(&t->bus.dev.lock);
}

static const MemoryOps window_ops = { window_read, window_write, 1, 4 };

/* ---- the device ------------------------------------------------------------------------- */

static bool virtio_mmio_realize(Device *dev, Error **err)
{
    VirtioMmio *t = mmio(dev);
    regs_init(&t->regs, virtio_mmio_regs, ARRAY_SIZE(virtio_mmio_regs), dev);
    memory_region_init_mmio(&t->bus.mmio, "virtio-mmio", WINDOW_BYTES, &window_ops, t, NULL);
    pthread_mutex_init(&t->irq_lock, NULL);
    return true;
}

static void virtio_mmio_reset(Device *dev)
{
    pthread_mutex_lock(&dev->lock);
    reset_locked(mmio(dev));
    pthread_mutex_unlock(&dev->lock);
}

/* device_destroy() takes the child away before us. */
static void virtio_mmio_destroy(Device *dev)
{
    if (dev->realized)
        pthread_mutex_destroy(&mmio(dev)->irq_lock);
}

static bool virtio_mmio_attach(Device *dev, Device *child, Error **err)
{
    VirtioMmio *t = mmio(dev);
    t->vdev = (VirtioDevice *)child; /* all types on "virtio-bus" begin with one */
    t->vdev->interrupt = raise_interrupt;
    t->vdev->interrupt_opaque = t;
    return true;
}

const DeviceType virtio_mmio_type = {
    .name = "virtio-mmio",
    .help = "virtio transport in memory (virtio 1.2, version 2 of the register layout)",
    .bus = "system-bus",
    .sysbus = true,
    .slot = "virtio-bus",
    .size = sizeof(VirtioMmio),
    .realize = virtio_mmio_realize,
    .reset = virtio_mmio_reset,
    .destroy = virtio_mmio_destroy,
    .attach = virtio_mmio_attach,
};
