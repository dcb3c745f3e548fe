// SPDX-License-Identifier: MIT
//
// The PrimeCells of the Arm boards: PL011 (DDI 0183), PL031 (DDI 0224), PL061 (DDI 0190).
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "bench.h"
#include "tests/unit/chardev_rig.h"
#include "chardev/chardev.h"
#include "hw/char/pl011.h"
#include "hw/gpio/pl061.h"
#include "hw/rtc/pl031.h"
#include "util/clock.h"

enum { BASE = 0x09000000 };

static void set_level(void *opaque, unsigned n, bool level)
{
    *(bool *)opaque = level;
}

static void expect_primecell_id(Bench *b, uint32_t part)
{
    uint32_t id = 0, cell = 0;
    for (unsigned i = 0; i < 4; i++) {
        id |= r32(b, BASE + 0xfe0 + 4 * i) << (8 * i);
        cell |= r32(b, BASE + 0xff0 + 4 * i) << (8 * i);
    }
    cr_expect_eq(id & 0xfffff, 0x41000 | part);
    cr_expect_eq(cell, 0xb105f00d);
}

/* ---- PL011 ------------------------------------------------------------------------------ */

enum {
    DR = BASE, RSR = BASE + 4, FR = BASE + 0x18, LCR_H = BASE + 0x2c, CR = BASE + 0x30,
    IFLS = BASE + 0x34, IMSC = BASE + 0x38, RIS = BASE + 0x3c, MIS = BASE + 0x40, ICR = BASE + 0x44,
    FR_RXFE = 1 << 4, FR_TXFF = 1 << 5, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7,
    INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RT = 1 << 6, INT_BE = 1 << 9, INT_OE = 1 << 10,
};

typedef struct Uart {
    Bench bench;
    Pl011 *uart;
    bool irq;
} Uart;

/* With the host end looped back, which needs no host. */
static void uart_open(Uart *u, uint32_t lcr_h)
{
    *u = (Uart){ 0 };
    bench_open(&u->bench);
    u->uart = (Pl011 *)bench_device(&u->bench, &pl011_type, NULL);
    irq_connect(&u->uart->bus.irq, set_level, &u->irq, 0);
    bench_map(&u->bench, BASE, &u->uart->bus.mmio);
    bench_ready(&u->bench);
    w32(&u->bench, LCR_H, lcr_h);
    w32(&u->bench, CR, 0x381);
}

static void type(Uart *u, const char *text)
{
    for (; *text; text++)
        bench_write(&u->bench, DR, 1, (uint8_t)*text);
}

Test(pl011, identifies_itself_and_resets)
{
    Uart u;
    uart_open(&u, 0x70);
    expect_primecell_id(&u.bench, 0x011);
    device_reset(&u.uart->bus.dev);
    cr_expect_eq(r32(&u.bench, CR), 0x300);
    cr_expect_eq(r32(&u.bench, IFLS), 0x12);
    cr_expect_eq(r32(&u.bench, FR) & 0xf8, FR_RXFE | FR_TXFE);
    bench_close(&u.bench);
}

Test(pl011, receives_in_order_and_tells_the_level)
{
    Uart u;
    uart_open(&u, 0x70);
    Bench *b = &u.bench;
    w32(b, IMSC, INT_RX);
    type(&u, "1234567");
    cr_expect_not(u.irq, "seven of sixteen: below one half");
    cr_expect_eq(r32(b, RIS) & (INT_RX | INT_RT), INT_RT);
    type(&u, "8");
    cr_expect(u.irq);
    cr_expect_eq(r32(b, MIS), INT_RX);
    cr_expect_eq(r32(b, DR), '1');
    cr_expect_not(u.irq, "fell below the level");
    for (char c = '2'; c <= '8'; c++)
        cr_expect_eq(r32(b, DR), (uint32_t)c);
    cr_expect(r32(b, FR) & FR_RXFE);
    cr_expect_eq(r32(b, RIS) & INT_RT, 0, "empty ends the timeout");
    bench_close(&u.bench);
}

Test(pl011, overrun_loses_what_does_not_fit)
{
    Uart u;
    uart_open(&u, 0x70);
    Bench *b = &u.bench;
    type(&u, "0123456789abcdefXY");
    cr_expect(r32(b, FR) & FR_RXFF);
    cr_expect(r32(b, RIS) & INT_OE);
    cr_expect(r32(b, RSR) & 8);
    w32(b, RSR, 0);
    cr_expect_eq(r32(b, RSR), 0);
    cr_expect_eq(r32(b, DR), '0');
    w32(b, ICR, 0x7ff);
    cr_expect_eq(r32(b, RIS) & INT_OE, 0);
    bench_close(&u.bench);
}

Test(pl011, without_fifos_there_is_room_for_one)
{
    Uart u;
    uart_open(&u, 0x60);
    Bench *b = &u.bench;
    w32(b, IMSC, INT_RX);
    type(&u, "a");
    cr_expect(u.irq);
    cr_expect(r32(b, FR) & FR_RXFF);
    cr_expect_eq(r32(b, DR), 'a');
    cr_expect_not(u.irq);
    bench_close(&u.bench);
}

Test(pl011, transmit_interrupt_rises_when_a_character_has_left)
{
    Uart u;
    uart_open(&u, 0x70);
    Bench *b = &u.bench;
    w32(b, IMSC, INT_TX);
    cr_expect_not(u.irq, "nothing was sent yet");
    type(&u, "a");
    cr_expect(u.irq);
    w32(b, ICR, INT_TX);
    cr_expect_not(u.irq);
    bench_close(&u.bench);
}

Test(pl011, talks_to_its_host_end)
{
    char spec[160], path[64], answer[8] = { 0 };
    Error *err = NULL;
    Chardev *chr = NULL;
    Uart u = { 0 };
    Bench *b = &u.bench;
    bench_open(b);
    snprintf(path, sizeof(path), "/tmp/pl011-test-%d", (int)getpid());
    snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", path);
    ChardevHost host = { .loop = b->m->loop };
    cr_assert(chardev_open(&host, "c0", spec, &chr, &err), "%s", err ? error_text(err) : "");
    cr_assert(machine_add_chardev(b->m, chr, &err));
    u.uart = (Pl011 *)bench_device(b, &pl011_type, "chardev=c0", NULL);
    bench_map(b, BASE, &u.uart->bus.mmio);
    bench_ready(b);
    w32(b, LCR_H, 0x70);

    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    bench_run_ms(b, 20);
    type(&u, "hello");
    bench_run_ms(b, 20);
    cr_expect_eq(read(fd, answer, sizeof(answer)), 5);
    cr_expect_str_eq(answer, "hello");

    static const char long_line[] = "more than the sixteen that fit into the FIFO";
    cr_assert(write(fd, long_line, sizeof(long_line)) == sizeof(long_line));
    for (unsigned i = 0; i < sizeof(long_line); i++) {
        for (int tries = 0; r32(b, FR) & FR_RXFE && tries < 50; tries++)
            bench_run_ms(b, 5);
        cr_assert_eq(r32(b, DR), (uint8_t)long_line[i], "character %u", i);
    }
    close(fd);
    bench_close(b);
    unlink(path);
}

/* What a driver that starts would find in the FIFO and throw away stays with the host. */
Test(pl011, early_input_waits_until_somebody_listens)
{
    Error *err = NULL;
    FakeTerminal terminal;
    Uart u = { 0 };
    Bench *b = &u.bench;
    bench_open(b);
    Chardev *chr = fake_terminal_open(&terminal, b->m->loop);
    chr->id = strdup("c0");
    cr_assert(machine_add_chardev(b->m, chr, &err));
    u.uart = (Pl011 *)bench_device(b, &pl011_type, "chardev=c0", NULL);
    bench_map(b, BASE, &u.uart->bus.mmio);
    bench_ready(b);
    w32(b, LCR_H, 0x70);
    for (int i = 0; i < 100; i++)
        type(&u, "a line of early output\n");
    cr_expect_eq(fake_terminal_type(chr, "early"), 0, "nobody listens");
    w32(b, IMSC, INT_RX | INT_RT);
    cr_expect_eq(fake_terminal_type(chr, "early"), 0, "the driver may empty the FIFO yet");
    bench_run_ms(b, 60);
    cr_expect_eq(fake_terminal_type(chr, "early"), 5);
    cr_expect_eq(r32(b, DR), 'e');
    w32(b, IMSC, 0);
    cr_expect_eq(fake_terminal_type(chr, "more"), 0, "the driver has gone");
    for (int i = 0; i < 4; i++)
        r32(b, DR);
    for (int i = 0; i < 10; i++) {
        for (int look = 0; look < 10; look++)
            r32(b, FR);
        w32(b, DR, '.');
    }
    cr_expect_eq(fake_terminal_type(chr, "more"), 4, "it polls");
    cr_expect_eq(r32(b, DR), 'm');
    bench_close(b);
}

/* ---- PL031 ------------------------------------------------------------------------------ */

Test(pl031, shows_the_hosts_time_and_takes_another)
{
    Bench b;
    bench_open(&b);
    b.m->config.rtc_offset_seconds = 86400;
    Pl031 *rtc = (Pl031 *)bench_device(&b, &pl031_type, NULL);
    bench_map(&b, BASE, &rtc->bus.mmio);
    bench_ready(&b);
    expect_primecell_id(&b, 0x031);
    uint32_t host = (uint32_t)(host_realtime_ns() / NS_PER_SECOND);
    cr_expect(r32(&b, BASE) - (host + 86400) <= 1);
    w32(&b, BASE + 8, 1000000000);
    cr_expect(r32(&b, BASE) - 1000000000u <= 1);
    cr_expect_eq(r32(&b, BASE + 0xc), 1, "runs");
    device_reset(&rtc->bus.dev);
    cr_expect(r32(&b, BASE) - 1000000000u <= 1, "keeps the time over a reset");
    bench_close(&b);
}

Test(pl031, rings_at_the_match)
{
    Bench b;
    bool irq = false;
    bench_open(&b);
    Pl031 *rtc = (Pl031 *)bench_device(&b, &pl031_type, NULL);
    irq_connect(&rtc->bus.irq, set_level, &irq, 0);
    bench_map(&b, BASE, &rtc->bus.mmio);
    bench_ready(&b);
    w32(&b, BASE + 0x10, 1);
    w32(&b, BASE + 4, r32(&b, BASE) + 1);
    cr_expect_not(irq);
    bench_run_ms(&b, 1200);
    cr_expect(irq);
    cr_expect_eq(r32(&b, BASE + 0x18), 1);
    w32(&b, BASE + 0x1c, 1);
    cr_expect_not(irq);
    cr_expect_eq(r32(&b, BASE + 0x14), 0);
    bench_close(&b);
}

/* ---- PL061 ------------------------------------------------------------------------------ */

typedef struct Gpio {
    Bench bench;
    Pl061 *gpio;
    bool irq;
} Gpio;

static void gpio_open(Gpio *g)
{
    *g = (Gpio){ 0 };
    bench_open(&g->bench);
    g->gpio = (Pl061 *)bench_device(&g->bench, &pl061_type, NULL);
    irq_connect(&g->gpio->bus.irq, set_level, &g->irq, 0);
    bench_map(&g->bench, BASE, &g->gpio->bus.mmio);
    bench_ready(&g->bench);
}

Test(pl061, address_masks_the_pins)
{
    Gpio g;
    bool out5 = false;
    gpio_open(&g);
    Bench *b = &g.bench;
    expect_primecell_id(b, 0x061);
    irq_connect(&g.gpio->out[5], set_level, &out5, 0);
    w32(b, BASE + 0x400, 0xf0); /* pins 4-7 are outputs */
    w32(b, BASE + (0x20 << 2), 0xff);
    cr_expect_eq(r32(b, BASE + 0x3fc), 0x20);
    cr_expect(out5);
    pl061_set_pin(g.gpio, 1, true);
    pl061_set_pin(g.gpio, 6, true);
    cr_expect_eq(r32(b, BASE + 0x3fc), 0x22, "an output is not driven from outside");
    cr_expect_eq(r32(b, BASE + (0x02 << 2)), 0x02);
    bench_close(b);
}

Test(pl061, edges_are_latched_and_levels_followed)
{
    Gpio g;
    gpio_open(&g);
    Bench *b = &g.bench;
    w32(b, BASE + 0x40c, 1 << 3); /* rising */
    w32(b, BASE + 0x410, 1 << 3);
    pl061_set_pin(g.gpio, 3, true);
    pl061_set_pin(g.gpio, 3, false);
    cr_expect(g.irq);
    cr_expect_eq(r32(b, BASE + 0x418), 1 << 3);
    w32(b, BASE + 0x41c, 1 << 3);
    cr_expect_not(g.irq);
    w32(b, BASE + 0x408, 1 << 3); /* both edges */
    pl061_set_pin(g.gpio, 3, true);
    cr_expect(g.irq);
    w32(b, BASE + 0x41c, 1 << 3);
    pl061_set_pin(g.gpio, 3, false);
    cr_expect(g.irq);
    w32(b, BASE + 0x41c, 1 << 3);
    w32(b, BASE + 0x404, 1 << 3); /* level, high */
    cr_expect_not(g.irq);
    pl061_set_pin(g.gpio, 3, true);
    cr_expect(g.irq);
    w32(b, BASE + 0x41c, 1 << 3);
    cr_expect(g.irq, "a level cannot be cleared away");
    pl061_set_pin(g.gpio, 3, false);
    cr_expect_not(g.irq);
    bench_close(b);
}
