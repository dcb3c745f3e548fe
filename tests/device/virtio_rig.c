// SPDX-License-Identifier: MIT
//
// A driver of virtio devices for tests; see virtio_rig.h.
#include "virtio_rig.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "util/bitops.h"

void rig_open(Rig *r)
{
    *r = (Rig){ .next_buffer = BENCH_RAM + 0x40000 };
    bench_open(&r->bench);
    r->t = (VirtioMmio *)bench_device(&r->bench, &virtio_mmio_type, NULL);
    bench_map(&r->bench, RIG_BASE, &r->t->bus.mmio);
    bench_ready(&r->bench);
}

void rig_close(Rig *r)
{
    bench_close(&r->bench);
}

void rig_plug(Rig *r, const DeviceType *type, ...)
{
    Error *err = NULL;
    r->dev = device_create(r->bench.m, type, NULL, &err);
    va_list ap;
    va_start(ap, type);
    for (const char *option; (option = va_arg(ap, const char *));) {
        char name[64];
        const char *value = strchr(option, '=');
        snprintf(name, sizeof(name), "%.*s", (int)(value - option), option);
        cr_assert(device_set(r->dev, name, value + 1, &err), "%s", err ? error_text(err) : "");
    }
    va_end(ap);
    cr_assert_eq(device_find_slot(r->bench.m, type->bus), &r->t->bus.dev);
    cr_assert(device_attach(&r->t->bus.dev, r->dev, &err));
    cr_assert(device_realize(r->dev, &err), "%s", err ? error_text(err) : "");
    device_reset(&r->t->bus.dev);
}

uint32_t rig_reg(Rig *r, uint32_t offset)
{
    return r32(&r->bench, RIG_BASE + offset);
}

void rig_set_reg(Rig *r, uint32_t offset, uint32_t value)
{
    w32(&r->bench, RIG_BASE + offset, value);
}

uint64_t rig_offered(Rig *r)
{
    rig_set_reg(r, R_DEVICE_FEATURES_SEL, 1);
    uint64_t f = (uint64_t)rig_reg(r, R_DEVICE_FEATURES) << 32;
    rig_set_reg(r, R_DEVICE_FEATURES_SEL, 0);
    return f | rig_reg(r, R_DEVICE_FEATURES);
}

static void set_addr(Rig *r, uint32_t reg, uint64_t gpa)
{
    rig_set_reg(r, reg, (uint32_t)gpa);
    rig_set_reg(r, reg + 4, (uint32_t)(gpa >> 32));
}

void rig_setup_queue(Rig *r, unsigned n)
{
    RigQueue *q = &r->q[n];
    *q = (RigQueue){ .gpa = BENCH_RAM + n * 0x4000 };
    q->desc = rig_host(r, q->gpa);
    q->avail = rig_host(r, q->gpa + 0x1000);
    q->used = rig_host(r, q->gpa + 0x2000);
    memset(q->desc, 0, 0x4000);
    rig_set_reg(r, R_QUEUE_SEL, n);
    rig_set_reg(r, R_QUEUE_NUM, RIG_SIZE);
    set_addr(r, R_QUEUE_DESC, q->gpa);
    set_addr(r, R_QUEUE_DRIVER, q->gpa + 0x1000);
    set_addr(r, R_QUEUE_DEVICE, q->gpa + 0x2000);
}

void rig_start(Rig *r, uint64_t features)
{
    features |= BIT(VIRTIO_F_VERSION_1);
    rig_set_reg(r, R_STATUS, 0);
    rig_set_reg(r, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    cr_assert_eq(features & ~rig_offered(r), 0, "not all features are offered");
    for (unsigned i = 0; i < 2; i++) {
        rig_set_reg(r, R_DRIVER_FEATURES_SEL, i);
        rig_set_reg(r, R_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
    }
    rig_set_reg(r, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    cr_assert(rig_reg(r, R_STATUS) & VIRTIO_FEATURES_OK);
    for (unsigned n = 0; n < RIG_QUEUES; n++) {
        rig_set_reg(r, R_QUEUE_SEL, n);
        if (!rig_reg(r, R_QUEUE_NUM_MAX))
            break;
        rig_setup_queue(r, n);
        rig_set_reg(r, R_QUEUE_READY, 1);
        cr_assert_eq(rig_reg(r, R_QUEUE_READY), 1);
    }
    rig_set_reg(r, R_STATUS, rig_reg(r, R_STATUS) | VIRTIO_DRIVER_OK);
}

uint64_t rig_alloc(Rig *r, uint32_t len)
{
    uint64_t gpa = r->next_buffer;
    r->next_buffer += (len + 15) & ~15u;
    cr_assert_leq(r->next_buffer, BENCH_RAM + BENCH_RAM_BYTES);
    return gpa;
}

void *rig_host(Rig *r, uint64_t gpa)
{
    return r->bench.ram.host + (gpa - BENCH_RAM);
}

uint16_t rig_add(Rig *r, unsigned n, const RigSeg *segs, unsigned count)
{
    RigQueue *q = &r->q[n];
    uint16_t head = (uint16_t)(q->next_desc % RIG_SIZE);
    for (unsigned i = 0; i < count; i++) {
        unsigned at = q->next_desc++ % RIG_SIZE, next = q->next_desc % RIG_SIZE;
        q->desc[at] = (VirtqDesc){ segs[i].gpa, segs[i].len,
                                   (uint16_t)((segs[i].in ? VIRTQ_DESC_WRITE : 0) |
                                              (i + 1 < count ? VIRTQ_DESC_NEXT : 0)),
                                   (uint16_t)next };
    }
    rig_avail(r, n, head);
    return head;
}

void rig_avail(Rig *r, unsigned n, uint16_t head)
{
    RigQueue *q = &r->q[n];
    uint16_t idx = q->avail->idx;
    q->avail->ring[idx % RIG_SIZE] = head;
    atomic_store(&q->avail->idx, (uint16_t)(idx + 1));
}

void rig_kick(Rig *r, unsigned n)
{
    rig_set_reg(r, R_QUEUE_NOTIFY, n);
}

bool rig_has_used(Rig *r, unsigned n)
{
    return atomic_load(&r->q[n].used->idx) != r->q[n].seen;
}

VirtqUsedElem rig_wait(Rig *r, unsigned n)
{
    RigQueue *q = &r->q[n];
    for (int i = 0; i < 50000 && !rig_has_used(r, n); i++) {
        if (i < 100)
            sched_yield(); /* mostly it takes microseconds */
        else
            usleep(100);
    }
    cr_assert(rig_has_used(r, n), "nothing came back in queue %u", n);
    return q->used->ring[q->seen++ % RIG_SIZE];
}

VirtqUsedElem rig_run(Rig *r, unsigned q, const RigSeg *segs, unsigned count)
{
    uint16_t head = rig_add(r, q, segs, count);
    rig_kick(r, q);
    VirtqUsedElem e = rig_wait(r, q);
    cr_assert_eq(e.id, head);
    return e;
}

bool rig_irq(const Rig *r)
{
    return atomic_load(&r->t->bus.irq.level);
}

bool rig_is_broken(Rig *r)
{
    return rig_reg(r, R_STATUS) & VIRTIO_NEEDS_RESET;
}
