// SPDX-License-Identifier: MIT
//
// The device model: register tables, properties, ids, slots, did-you-mean.
#include <criterion/criterion.h>
#include <string.h>
#include "bench.h"
#include "hw/core/regs.h"
#include "util/bitops.h"
#include "util/suggest.h"

typedef struct Toy {
    Device dev;
    bool flag;
    uint32_t number;
    uint64_t bytes;
    char *text;
    uint8_t mac[6];
    RegBank regs;
    uint32_t control, status, pair[2], seen;
} Toy;

static Toy *toy(Device *dev)
{
    return (Toy *)dev;
}

static void command_write(Device *dev, unsigned index, uint64_t value)
{
    toy(dev)->seen = index << 16 | (uint32_t)value;
}

static uint64_t lane_read(Device *dev, unsigned index)
{
    return 0x10 + index;
}

static const RegDesc toy_regs[] = {
    { 0x00, 4, "ID", .reset = 0x12345678 },
    { 0x04, 4, "CONTROL", REG_AT(Toy, control), .reset = 0x80, .write_mask = 0xff00ff },
    { 0x08, 4, "STATUS", REG_AT(Toy, status), .reset = 0xf, .w1c_mask = 0xff },
    { 0x0c, 4, "PAIR", REG_AT(Toy, pair), .count = 2, .write_mask = ~0u },
    { 0x20, 2, "COMMAND", .count = 4, .write = command_write },
    { 0x40, 1, "LANE", .count = 8, .read = lane_read },
};

static bool toy_realize(Device *dev, Error **err)
{
    regs_init(&toy(dev)->regs, toy_regs, ARRAY_SIZE(toy_regs), dev);
    regs_reset(&toy(dev)->regs);
    return true;
}

static const Property toy_properties[] = {
    { "flag", PROP_BOOL, offsetof(Toy, flag), "on", NULL },
    { "number", PROP_UINT32, offsetof(Toy, number), "7", NULL },
    { "bytes", PROP_SIZE, offsetof(Toy, bytes), "4K", NULL },
    { "text", PROP_STRING, offsetof(Toy, text), "none", NULL },
    { "mac", PROP_MAC, offsetof(Toy, mac), "52:54:00:12:34:56", NULL },
    { 0 },
};

static const DeviceType toy_type = {
    .name = "toy", .help = "for tests", .bus = "toy-bus", .size = sizeof(Toy),
    .properties = toy_properties, .realize = toy_realize,
};

static bool take_anything(Device *dev, Device *child, Error **err)
{
    return true;
}

static const DeviceType box_type = {
    .name = "box", .help = "for tests", .bus = "system-bus", .size = sizeof(Device),
    .slot = "toy-bus", .attach = take_anything,
};

/* ---- register tables -------------------------------------------------------------------- */

Test(regs, masks_decide_what_a_write_changes)
{
    Bench b;
    bench_open(&b);
    Toy *t = toy(bench_device(&b, &toy_type, NULL));
    RegBank *r = &t->regs;
    cr_expect_eq(regs_read(r, 0, 4), 0x12345678);
    regs_write(r, 0, 0, 4);
    cr_expect_eq(regs_read(r, 0, 4), 0x12345678, "constants stay");
    cr_expect_eq(regs_read(r, 4, 4), 0x80);
    regs_write(r, 4, 0xffffffff, 4);
    cr_expect_eq(t->control, 0xff00ff);
    regs_write(r, 8, 0x3, 4);
    cr_expect_eq(t->status, 0xc, "writing 1 clears");
    regs_reset(r);
    cr_expect_eq(t->status, 0xf);
    bench_close(&b);
}

Test(regs, narrow_and_wide_accesses)
{
    Bench b;
    bench_open(&b);
    Toy *t = toy(bench_device(&b, &toy_type, NULL));
    RegBank *r = &t->regs;
    cr_expect_eq(regs_read(r, 1, 1), 0x56);
    cr_expect_eq(regs_read(r, 2, 2), 0x1234);
    regs_write(r, 0xd, 0xab, 1);
    cr_expect_eq(t->pair[0], 0xab00, "the other bytes stay");
    regs_write(r, 0xc, 0x1122334455667788, 8);
    cr_expect_eq(t->pair[0], 0x55667788);
    cr_expect_eq(t->pair[1], 0x11223344);
    cr_expect_eq(regs_read(r, 0xc, 8), 0x1122334455667788);
    regs_write(r, 0x20, 0xbeefcafe, 4);
    cr_expect_eq(t->seen, 1u << 16 | 0xbeef, "two registers, ascending");
    regs_write(r, 0x24, 0x5a, 1);
    cr_expect_eq(t->seen, 2u << 16 | 0x5a, "extended with zeros");
    regs_write(r, 0x25, 0xff, 1);
    cr_expect_eq(t->seen, 2u << 16 | 0x5a, "not the lowest byte: ignored");
    cr_expect_eq(regs_read(r, 0x41, 4), 0x14131211);
    cr_expect_eq(regs_read(r, 0x80, 4), 0);
    regs_write(r, 0x80, 1, 4);
    bench_close(&b);
}

/* ---- properties ------------------------------------------------------------------------- */

static void expect_refused(Device *dev, const char *name, const char *value, const char *text)
{
    Error *err = NULL;
    cr_expect_not(device_set(dev, name, value, &err));
    cr_expect(err && strstr(error_text(err), text), "'%s' should mention '%s'",
              err ? error_text(err) : "", text);
    error_free(err);
}

Test(properties, have_defaults_and_take_text)
{
    Bench b;
    Error *err = NULL;
    bench_open(&b);
    Toy *t = toy(device_create(b.m, &toy_type, "t0", &err));
    cr_expect(t->flag && t->number == 7 && t->bytes == 4096 && strcmp(t->text, "none") == 0);
    cr_expect_eq(t->mac[5], 0x56);
    cr_expect(device_set(&t->dev, "flag", "off", &err) && !t->flag);
    cr_expect(device_set(&t->dev, "number", "0x10", &err) && t->number == 16);
    cr_expect(device_set(&t->dev, "bytes", "3G", &err) && t->bytes == 3ull << 30);
    cr_expect(device_set(&t->dev, "text", "other", &err) && strcmp(t->text, "other") == 0);
    cr_expect(device_set(&t->dev, "mac", "02:00:0a:B:c:fF", &err) && t->mac[5] == 0xff);
    bench_close(&b);
}

Test(properties, refuse_what_does_not_fit)
{
    Bench b;
    bench_open(&b);
    Device *dev = device_create(b.m, &toy_type, NULL, NULL);
    expect_refused(dev, "flga", "on", "did you mean 'flag'?");
    expect_refused(dev, "flag", "maybe", "on or off");
    expect_refused(dev, "number", "4294967296", "number");
    expect_refused(dev, "number", "-1", "number");
    expect_refused(dev, "number", "", "number");
    expect_refused(dev, "bytes", "1X", "size");
    expect_refused(dev, "bytes", "99999999T", "size");
    expect_refused(dev, "mac", "52:54:00:12:34", "address");
    expect_refused(dev, "mac", "01:00:00:00:00:00", "multicast");
    bench_close(&b);
}

Test(devices, have_ids_of_their_own)
{
    Bench b;
    Error *err = NULL;
    bench_open(&b);
    cr_assert(device_create(b.m, &toy_type, "t0", &err));
    cr_expect_null(device_create(b.m, &toy_type, "t0", &err));
    cr_expect(strstr(error_text(err), "t0"));
    error_free(err);
    err = NULL;
    cr_expect_null(device_create(b.m, &toy_type, "0 bad", &err));
    error_free(err);
    cr_expect_not_null(machine_find_device(b.m, "t0"));
    bench_close(&b);
}

Test(devices, fill_slots_in_the_order_of_creation)
{
    Bench b;
    Error *err = NULL;
    bench_open(&b);
    Device *box1 = bench_device(&b, &box_type, NULL), *box2 = bench_device(&b, &box_type, NULL);
    Device *one = device_create(b.m, &toy_type, NULL, NULL);
    cr_expect_eq(device_find_slot(b.m, "toy-bus"), box1);
    cr_assert(device_attach(box1, one, &err));
    cr_expect_eq(device_find_slot(b.m, "toy-bus"), box2);
    cr_expect_null(device_find_slot(b.m, "pci"));
    device_destroy(one);
    cr_expect_eq(device_find_slot(b.m, "toy-bus"), box1, "free again");
    bench_close(&b);
}

/* ---- did you mean ----------------------------------------------------------------------- */

Test(suggest, finds_the_near_name_and_nothing_else)
{
    static const char *const known[] = { "virtio-blk-device", "virtio-net-device", "kernel", NULL };
    static const struct {
        const char *typed, *best;
    } cases[] = { { "virtoi-blk-device", "virtio-blk-device" }, { "kernle", "kernel" },
                  { "virtio-net", "virtio-net-device" },        { "KERNEL", "kernel" },
                  { "qqqqqq", NULL } };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        Suggest s = suggest_start(cases[i].typed);
        for (const char *const *k = known; *k; k++)
            suggest_offer(&s, *k);
        if (cases[i].best)
            cr_expect_str_eq(s.best ? s.best : "", cases[i].best);
        else
            cr_expect_str_eq(suggest_text(&s), "");
    }
    cr_expect_eq(suggest_distance("ab", "ba"), 1);
    cr_expect_eq(suggest_distance("", "abc"), 3);
}
