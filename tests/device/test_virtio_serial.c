// SPDX-License-Identifier: MIT
//
// The virtio console device between a driver and host ends of the test: messages about ports, bytes
// both ways, back-pressure, a driver that knows of one port only, resets, and nonsense.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "hw/virtio/virtio_serial.h"
#include "tests/unit/chardev_rig.h"
#include "util/bitops.h"
#include "virtio_rig.h"

enum { F_SIZE = 0, F_MULTIPORT = 1, F_EMERG_WRITE = 2 };
enum { RX0, TX0, CTRL_IN, CTRL_OUT, RX1, TX1, RX2, TX2 };
enum { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, CONSOLE_PORT = 4, RESIZE = 5, OPEN = 6,
       NAME = 7 };

typedef struct Message {
    uint32_t port;
    uint16_t event, value;
    char tail[64];
} Message;

/* Port 0 is a console on a terminal of 80 by 24, port 1 is called org.test.0. */
typedef struct SerialRig {
    Rig r;
    FakeTerminal terminal[2];
    Chardev *chr[2];
    uint64_t messages; /* buffers for them */
} SerialRig;

static void add_port(SerialRig *b, const DeviceType *type, Chardev *chr, const char *name)
{
    Error *err = NULL;
    Device *dev = device_create(b->r.bench.m, type, NULL, &err);
    cr_assert(machine_add_chardev(b->r.bench.m, chr, &err));
    device_set_ptr(dev, "chardev", chr);
    cr_assert(!name || device_set(dev, "name", name, &err));
    cr_assert(device_attach(b->r.dev, dev, &err), "%s", err ? error_text(err) : "");
    cr_assert(device_realize(dev, &err));
}

static void open_serial(SerialRig *b)
{
    *b = (SerialRig){ 0 };
    rig_open(&b->r);
    rig_plug(&b->r, &virtio_serial_type, "max_ports=3", NULL);
    for (int i = 0; i < 2; i++)
        b->chr[i] = fake_terminal_open(&b->terminal[i], b->r.bench.m->loop);
    b->chr[0]->cols = 80;
    b->chr[0]->rows = 24;
    add_port(b, &virtconsole_type, b->chr[0], NULL);
    add_port(b, &virtserialport_type, b->chr[1], "org.test.0");
}

static void close_serial(SerialRig *b)
{
    rig_close(&b->r);
}

static void give_message_buffers(SerialRig *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rig_add(&b->r, CTRL_IN, &(RigSeg){ rig_alloc(&b->r, 64), 64, true }, 1);
    rig_kick(&b->r, CTRL_IN);
}

static void say(SerialRig *b, uint32_t port, uint16_t event, uint16_t value)
{
    uint64_t buf = rig_alloc(&b->r, 8);
    Message m = { port, event, value, "" };
    memcpy(rig_host(&b->r, buf), &m, 8);
    rig_run(&b->r, CTRL_OUT, &(RigSeg){ buf, 8, false }, 1);
}

static Message hear(SerialRig *b, uint32_t *len)
{
    Message m = { 0 };
    VirtqUsedElem e = rig_wait(&b->r, CTRL_IN);
    const VirtqDesc *d = &b->r.q[CTRL_IN].desc[e.id];
    memcpy(&m, rig_host(&b->r, d->addr), MIN(e.len, sizeof(m)));
    *len = e.len;
    return m;
}

static Message expect_message(SerialRig *b, uint32_t port, uint16_t event, uint16_t value)
{
    uint32_t len;
    Message m = hear(b, &len);
    cr_assert_eq(m.port, port, "port %u", m.port);
    cr_assert_eq(m.event, event, "event %u", m.event);
    cr_assert_eq(m.value, value, "value %u", m.value);
    return m;
}

/* Negotiate, and go through the messages up to open ports. */
static void start_ports(SerialRig *b)
{
    rig_start(&b->r, BIT(F_MULTIPORT) | BIT(F_SIZE));
    give_message_buffers(b, 12);
    say(b, 0, DEVICE_READY, 1);
    expect_message(b, 0, PORT_ADD, 1);
    expect_message(b, 1, PORT_ADD, 1);
    for (uint32_t port = 0; port < 2; port++)
        say(b, port, PORT_READY, 1);
    expect_message(b, 0, CONSOLE_PORT, 1);
    expect_message(b, 0, RESIZE, 1);
    expect_message(b, 0, OPEN, 1);
    expect_message(b, 1, OPEN, 1);
    expect_message(b, 1, NAME, 1);
    for (uint32_t port = 0; port < 2; port++)
        say(b, port, OPEN, 1);
}

static void give_input_buffer(SerialRig *b, unsigned queue, uint32_t len, uint64_t *at)
{
    *at = rig_alloc(&b->r, len);
    rig_add(&b->r, queue, &(RigSeg){ *at, len, true }, 1);
    rig_kick(&b->r, queue);
}

static void put(SerialRig *b, unsigned queue, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    uint64_t buf = rig_alloc(&b->r, len);
    memcpy(rig_host(&b->r, buf), text, len);
    rig_add(&b->r, queue, &(RigSeg){ buf, len, false }, 1);
    rig_kick(&b->r, queue);
}

/* ---- ports ------------------------------------------------------------------------------ */

Test(virtio_serial, configuration)
{
    SerialRig b;
    open_serial(&b);
    cr_expect_eq(rig_reg(&b.r, R_DEVICE_ID), 3);
    cr_expect_eq(rig_offered(&b.r) & 7, 7);
    cr_expect_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG, 2), 80);
    cr_expect_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG + 2, 2), 24);
    cr_expect_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG + 4, 4), 3);
    close_serial(&b);
}

Test(virtio_serial, ports_introduce_themselves)
{
    uint32_t len;
    SerialRig b;
    open_serial(&b);
    rig_start(&b.r, BIT(F_MULTIPORT) | BIT(F_SIZE));
    say(&b, 0, DEVICE_READY, 1);
    cr_expect(!rig_has_used(&b.r, CTRL_IN), "there is no buffer for messages yet");
    give_message_buffers(&b, 1);
    expect_message(&b, 0, PORT_ADD, 1);
    cr_expect(!rig_has_used(&b.r, CTRL_IN));
    give_message_buffers(&b, 8);
    expect_message(&b, 1, PORT_ADD, 1);
    say(&b, 1, PORT_READY, 1);
    expect_message(&b, 1, OPEN, 1);
    Message m = hear(&b, &len);
    cr_expect_eq(m.event, NAME);
    cr_expect_eq(len, 8 + sizeof("org.test.0"));
    cr_expect_str_eq(m.tail, "org.test.0");
    close_serial(&b);
}

Test(virtio_serial, the_guest_hears_who_comes_and_goes)
{
    SerialRig b;
    open_serial(&b);
    start_ports(&b);
    chardev_event(b.chr[1], CHARDEV_CLOSED);
    expect_message(&b, 1, OPEN, 0);
    chardev_event(b.chr[1], CHARDEV_OPENED);
    expect_message(&b, 1, OPEN, 1);
    chardev_event(b.chr[0], CHARDEV_CLOSED);
    cr_expect(!rig_has_used(&b.r, CTRL_IN), "a console is always connected");
    close_serial(&b);
}

Test(virtio_serial, a_resized_window_is_told)
{
    SerialRig b;
    open_serial(&b);
    start_ports(&b);
    chardev_set_size(b.chr[0], 132, 43);
    Message m = expect_message(&b, 0, RESIZE, 1);
    uint16_t size[2];
    memcpy(size, m.tail, sizeof(size));
    cr_expect_eq(size[0], 132);
    cr_expect_eq(size[1], 43);
    cr_expect_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG, 2), 132);
    close_serial(&b);
}

Test(virtio_serial, places_are_checked)
{
    static const struct {
        const DeviceType *type;
        const char *property, *value, *mention;
    } rows[] = {
        { &virtserialport_type, "nr", "0", "port 0" },
        { &virtserialport_type, "nr", "1", "taken" },
        { &virtserialport_type, "nr", "3", "up to 2" },
        { &virtserialport_type, "name", "org.test.0", "another" },
        { &virtconsole_type, "nr", "0", "taken" },
    };
    SerialRig b;
    open_serial(&b);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Error *err = NULL;
        Device *dev = device_create(b.r.bench.m, rows[i].type, NULL, &err);
        cr_assert(device_set(dev, rows[i].property, rows[i].value, &err));
        cr_assert_not(device_attach(b.r.dev, dev, &err), "row %zu", i);
        cr_expect(strstr(error_text(err), rows[i].mention), "%s", error_text(err));
        error_free(err);
        device_destroy(dev);
    }
    FakeTerminal more[2];
    add_port(&b, &virtconsole_type, fake_terminal_open(&more[0], b.r.bench.m->loop), NULL);
    Error *err = NULL;
    Device *dev = device_create(b.r.bench.m, &virtserialport_type, NULL, &err);
    cr_assert_not(device_attach(b.r.dev, dev, &err));
    cr_expect(strstr(error_text(err), "max_ports="));
    error_free(err);
    device_destroy(dev);
    close_serial(&b);
}

/* ---- bytes ------------------------------------------------------------------------------ */

Test(virtio_serial, output_arrives_at_the_port_s_host_end)
{
    SerialRig b;
    open_serial(&b);
    start_ports(&b);
    put(&b, TX0, "console");
    put(&b, TX1, "port");
    cr_expect_eq(rig_wait(&b.r, TX0).len, 0);
    rig_wait(&b.r, TX1);
    cr_expect_str_eq(fake_terminal_take(&b.terminal[0]), "console");
    cr_expect_str_eq(fake_terminal_take(&b.terminal[1]), "port");
    close_serial(&b);
}

Test(virtio_serial, output_waits_for_the_host)
{
    SerialRig b;
    open_serial(&b);
    start_ports(&b);
    b.terminal[1].room = 3;
    put(&b, TX1, "first ");
    put(&b, TX1, "second");
    cr_expect(!rig_has_used(&b.r, TX1));
    b.terminal[1].room = 5;
    chardev_writable(b.chr[1]);
    rig_wait(&b.r, TX1);
    cr_expect(!rig_has_used(&b.r, TX1), "two bytes of the second one went");
    b.terminal[1].room = SIZE_MAX;
    chardev_writable(b.chr[1]);
    rig_wait(&b.r, TX1);
    cr_expect_str_eq(fake_terminal_take(&b.terminal[1]), "first second");
    close_serial(&b);
}

Test(virtio_serial, input_waits_for_the_guest)
{
    SerialRig b;
    uint64_t at[2];
    open_serial(&b);
    start_ports(&b);
    cr_expect_eq(chardev_room(b.chr[1]), 0, "there is no buffer yet");
    give_input_buffer(&b, RX1, 4, &at[0]);
    give_input_buffer(&b, RX1, 4, &at[1]);
    cr_expect_eq(chardev_room(b.chr[1]), 8);
    cr_expect_eq(fake_terminal_type(b.chr[1], "hello, world"), 8);
    cr_expect_eq(rig_wait(&b.r, RX1).len, 4);
    cr_expect_eq(rig_wait(&b.r, RX1).len, 4);
    cr_expect_eq(memcmp(rig_host(&b.r, at[0]), "hell", 4), 0);
    cr_expect_eq(memcmp(rig_host(&b.r, at[1]), "o, w", 4), 0);
    cr_expect_eq(chardev_room(b.chr[1]), 0);
    say(&b, 1, OPEN, 0);
    give_input_buffer(&b, RX1, 4, &at[0]);
    cr_expect_eq(chardev_room(b.chr[1]), 0, "the guest has closed the port");
    say(&b, 1, OPEN, 1);
    cr_expect_eq(fake_terminal_type(b.chr[1], "x"), 1);
    cr_expect_eq(rig_wait(&b.r, RX1).len, 1);
    close_serial(&b);
}

Test(virtio_serial, a_driver_without_multiport_has_the_console)
{
    SerialRig b;
    uint64_t at;
    open_serial(&b);
    rig_start(&b.r, 0);
    put(&b, TX0, "hi");
    rig_wait(&b.r, TX0);
    cr_expect_str_eq(fake_terminal_take(&b.terminal[0]), "hi");
    give_input_buffer(&b, RX0, 16, &at);
    cr_expect_eq(fake_terminal_type(b.chr[0], "ho"), 2);
    cr_expect_eq(rig_wait(&b.r, RX0).len, 2);
    close_serial(&b);
}

Test(virtio_serial, emergency_output_needs_no_driver)
{
    SerialRig b;
    open_serial(&b);
    bench_write(&b.r.bench, RIG_BASE + R_CONFIG + 8, 4, 'A');
    bench_write(&b.r.bench, RIG_BASE + R_CONFIG + 8, 1, 'B');
    cr_expect_str_eq(fake_terminal_take(&b.terminal[0]), "AB");
    close_serial(&b);
}

/* ---- resets and nonsense ---------------------------------------------------------------- */

Test(virtio_serial, a_reset_forgets_buffers_and_requests)
{
    SerialRig b;
    uint64_t at;
    open_serial(&b);
    start_ports(&b);
    give_input_buffer(&b, RX1, 100, &at);
    cr_expect_eq(chardev_room(b.chr[1]), 100);
    b.terminal[1].room = 0;
    put(&b, TX1, "stuck");
    rig_set_reg(&b.r, R_STATUS, 0);
    cr_expect_eq(chardev_room(b.chr[1]), 0);
    b.terminal[1].room = SIZE_MAX;
    chardev_writable(b.chr[1]);
    cr_expect_str_eq(fake_terminal_take(&b.terminal[1]), "");
    start_ports(&b);
    put(&b, TX1, "new");
    rig_wait(&b.r, TX1);
    cr_expect_str_eq(fake_terminal_take(&b.terminal[1]), "new");
    close_serial(&b);
}

Test(virtio_serial, messages_of_nonsense_are_ignored)
{
    SerialRig b;
    open_serial(&b);
    start_ports(&b);
    say(&b, 7, PORT_READY, 1);
    say(&b, UINT32_MAX, OPEN, 1);
    say(&b, 2, PORT_READY, 1);
    say(&b, 1, PORT_READY, 0);
    say(&b, 1, 99, 1);
    rig_run(&b.r, CTRL_OUT, &(RigSeg){ rig_alloc(&b.r, 8), 3, false }, 1);
    rig_kick(&b.r, RX2);
    rig_kick(&b.r, TX2);
    rig_kick(&b.r, 60);
    cr_expect(!rig_has_used(&b.r, CTRL_IN));
    cr_expect_not(rig_is_broken(&b.r));
    put(&b, TX1, "fine");
    rig_wait(&b.r, TX1);
    close_serial(&b);
}

Test(virtio_serial, rings_of_nonsense_do_no_harm)
{
    SerialRig b;
    open_serial(&b);
    rig_start(&b.r, BIT(F_MULTIPORT));
    uint64_t buf = rig_alloc(&b.r, 65536);
    srand(5);
    for (int i = 0; i < 5000; i++) {
        unsigned q = (unsigned)rand() % 6, count = 1 + (unsigned)rand() % 4;
        RigSeg segs[4];
        for (unsigned s = 0; s < count; s++)
            segs[s] = (RigSeg){ buf + (uint64_t)rand() % 60000, (uint32_t)rand() % 2000,
                                rand() % 4 ? !(q & 1) : q & 1 };
        uint32_t *words = rig_host(&b.r, segs[0].gpa & ~UINT64_C(3));
        words[0] = (uint32_t)rand() % 4;
        words[1] = (uint32_t)rand() % 8 | 1u << 16;
        rig_add(&b.r, q, segs, count);
        rig_kick(&b.r, q);
        fake_terminal_type(b.chr[rand() & 1], "some input that nobody asked for");
        fake_terminal_take(&b.terminal[0]);
        fake_terminal_take(&b.terminal[1]);
        b.terminal[1].room = (size_t)rand() % 3000;
        chardev_writable(b.chr[1]);
        if (rig_is_broken(&b.r) || rand() % 30 == 0)
            rig_start(&b.r, BIT(F_MULTIPORT));
    }
    close_serial(&b);
}
