// SPDX-License-Identifier: MIT
//
// Character devices: which texts open what, and the terminal that guest and monitor share.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/chardev_rig.h"
#include "util/bitops.h"

/* ---- the mux ---------------------------------------------------------------------------- */

/* An end of the mux as a UART or a monitor sees it. */
typedef struct Frontend {
    uint8_t in[128 * 1024];
    size_t count, room;
    unsigned opened, breaks;
} Frontend;

typedef struct MuxRig {
    MainLoop *loop;
    FakeTerminal terminal;
    Chardev *chr;
    ChardevMux mux;
    Frontend guest, monitor;
    unsigned quits;
} MuxRig;

static size_t frontend_room(void *opaque)
{
    return ((Frontend *)opaque)->room;
}

static void frontend_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Frontend *f = opaque;
    memcpy(f->in + f->count, buf, len);
    f->count += len;
    f->room -= len;
}

static void frontend_event(void *opaque, ChardevEvent event)
{
    Frontend *f = opaque;
    f->opened += event == CHARDEV_OPENED;
    f->breaks += event == CHARDEV_BREAK;
}

static void frontend_attach(Frontend *f, Chardev *chr)
{
    f->room = 1000;
    chardev_attach(chr, &(ChardevHandlers){ frontend_room, frontend_receive, frontend_event, f });
}

static void quit(void *opaque)
{
    ((MuxRig *)opaque)->quits++;
}

static void stop_loop(void *opaque)
{
    mainloop_quit(opaque);
}

/* Let posted work run. */
static void settle(MuxRig *r)
{
    mainloop_post(r->loop, stop_loop, r->loop);
    mainloop_run(r->loop);
}

static MuxRig *mux_rig(void)
{
    MuxRig *r = calloc(1, sizeof(*r));
    Error *err = NULL;
    r->loop = mainloop_create(&err);
    r->chr = fake_terminal_open(&r->terminal, r->loop);
    cr_assert(chardev_open_mux(r->loop, r->chr, quit, r, &r->mux, &err));
    frontend_attach(&r->guest, r->mux.guest);
    frontend_attach(&r->monitor, r->mux.monitor);
    return r;
}

static void mux_rig_free(MuxRig *r)
{
    chardev_close(r->mux.monitor);
    cr_expect_not(r->terminal.closed);
    chardev_close(r->mux.guest);
    cr_expect(r->terminal.closed);
    mainloop_destroy(r->loop);
    free(r);
}

static void expect_input(Frontend *f, const char *text)
{
    cr_expect_eq(f->count, strlen(text));
    cr_expect(!memcmp(f->in, text, f->count));
    f->room += f->count;
    f->count = 0;
}

Test(mux, keys_go_to_the_guest_first)
{
    MuxRig *r = mux_rig();
    fake_terminal_type(r->chr, "ls\r\x03");
    expect_input(&r->guest, "ls\r\x03");
    expect_input(&r->monitor, "");
    mux_rig_free(r);
}

Test(mux, ctrl_a_c_switches_and_switches_back)
{
    MuxRig *r = mux_rig();
    unsigned opened = r->monitor.opened;
    fake_terminal_type(r->chr, "a\001cinfo\001cb");
    expect_input(&r->guest, "ab");
    expect_input(&r->monitor, "info");
    cr_expect_eq(r->monitor.opened, opened + 1);
    mux_rig_free(r);
}

Test(mux, ctrl_a_twice_is_one)
{
    MuxRig *r = mux_rig();
    fake_terminal_type(r->chr, "\001\001x");
    expect_input(&r->guest, "\001x");
    cr_expect_eq(r->quits, 0);
    mux_rig_free(r);
}

Test(mux, ctrl_a_may_come_alone)
{
    MuxRig *r = mux_rig();
    fake_terminal_type(r->chr, "\001");
    fake_terminal_type(r->chr, "x");
    cr_expect_eq(r->quits, 1);
    expect_input(&r->guest, "");
    mux_rig_free(r);
}

Test(mux, ctrl_a_b_is_a_break)
{
    MuxRig *r = mux_rig();
    fake_terminal_type(r->chr, "\001c\001b");
    cr_expect_eq(r->guest.breaks, 1);
    cr_expect_eq(r->monitor.breaks, 0);
    mux_rig_free(r);
}

Test(mux, any_other_key_helps)
{
    MuxRig *r = mux_rig();
    fake_terminal_take(&r->terminal);
    fake_terminal_type(r->chr, "\001h");
    cr_expect(strstr(fake_terminal_take(&r->terminal), "Ctrl-A x"));
    fake_terminal_type(r->chr, "\001?");
    cr_expect(strstr(fake_terminal_take(&r->terminal), "Ctrl-A x"));
    expect_input(&r->guest, "");
    mux_rig_free(r);
}

Test(mux, the_monitor_is_silent_in_the_background)
{
    MuxRig *r = mux_rig();
    fake_terminal_take(&r->terminal);
    cr_expect_eq(chardev_write(r->mux.monitor, "hidden", 6), 6);
    chardev_write(r->mux.guest, "seen", 4);
    cr_expect_str_eq(fake_terminal_take(&r->terminal), "seen");
    fake_terminal_type(r->chr, "\001c");
    fake_terminal_take(&r->terminal);
    chardev_write(r->mux.monitor, "prompt", 6);
    chardev_write(r->mux.guest, "log", 3);
    cr_expect_str_eq(fake_terminal_take(&r->terminal), "promptlog");
    mux_rig_free(r);
}

Test(mux, keys_work_while_the_guest_takes_no_input)
{
    MuxRig *r = mux_rig();
    r->guest.room = 0;
    for (int i = 0; i < 60; i++)
        cr_assert_eq(fake_terminal_type(r->chr, "0123456789012345678901234567890123456789"), 40);
    fake_terminal_type(r->chr, "\001x");
    cr_expect_eq(r->quits, 1);
    cr_expect_eq(r->guest.count, 0);
    /* and nothing of it is lost */
    r->guest.room = 100;
    chardev_accept_input(r->mux.guest);
    settle(r);
    cr_expect_eq(r->guest.count, 100);
    r->guest.room = 10000;
    chardev_accept_input(r->mux.guest);
    settle(r);
    cr_expect_eq(r->guest.count, 2400);
    for (size_t i = 0; i < r->guest.count; i++)
        cr_assert_eq((char)r->guest.in[i], (char)('0' + i % 10));
    mux_rig_free(r);
}

Test(mux, a_full_queue_stops_the_terminal_and_keeps_order)
{
    MuxRig *r = mux_rig();
    char piece[1024];
    size_t typed = 0, n;
    r->guest.room = 0;
    do {
        for (size_t i = 0; i < sizeof(piece) - 1; i++)
            piece[i] = (char)('a' + (typed + i) % 26);
        piece[sizeof(piece) - 1] = '\0';
        typed += n = fake_terminal_type(r->chr, piece);
    } while (n);
    cr_expect_eq(chardev_room(r->chr), 0);
    while (r->guest.count < typed) {
        r->guest.room = 1500;
        chardev_accept_input(r->mux.guest);
        settle(r);
    }
    cr_expect_eq(r->guest.count, typed);
    for (size_t i = 0; i < typed; i++)
        cr_assert_eq((char)r->guest.in[i], (char)('a' + i % 26));
    mux_rig_free(r);
}

/* ---- opening by text -------------------------------------------------------------------- */

Test(chardev, texts_that_open_nothing)
{
    static const char *const texts[] = {
        "", "stdoi", "file", "file:", "unix:", "null:x", "stdio:x", "pty:/dev/x", "tcp::1",
        "unix:/nowhere/x", "unix:/nowhere/x,server=maybe", "file:/nowhere/x",
    };
    Error *err = NULL;
    MainLoop *loop = mainloop_create(&err);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        Chardev *chr;
        cr_assert_not(chardev_open(loop, NULL, texts[i], &chr, &err), "%s", texts[i]);
        cr_expect(strlen(error_text(err)) > 10);
        cr_expect_eq(chr, NULL);
        error_free(err);
        err = NULL;
    }
    mainloop_destroy(loop);
}

Test(chardev, none_is_no_device_and_no_error)
{
    Error *err = NULL;
    MainLoop *loop = mainloop_create(&err);
    Chardev *chr;
    cr_assert(chardev_open(loop, NULL, "none", &chr, &err));
    cr_expect_eq(chr, NULL);
    chardev_close(chr);
    mainloop_destroy(loop);
}

Test(chardev, a_socket_replaces_a_dead_socket_but_no_other_file)
{
    char folder[] = "/tmp/dragoman-test-XXXXXX", path[64], spec[128];
    Error *err = NULL;
    Chardev *chr;
    struct stat st;
    MainLoop *loop = mainloop_create(&err);
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", path);

    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_eq(write(fd, "precious", 8), 8);
    close(fd);
    cr_assert_not(chardev_open(loop, NULL, spec, &chr, &err));
    error_free(err);
    err = NULL;
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_size, 8);
    unlink(path);

    cr_assert(chardev_open(loop, NULL, spec, &chr, &err));
    cr_expect_str_eq(chardev_label(chr) + 5, path);
    Chardev *second;
    cr_assert_not(chardev_open(loop, NULL, spec, &second, &err));
    cr_expect(strstr(error_text(err), "in use"));
    error_free(err);
    chardev_close(chr);
    cr_expect_eq(stat(path, &st), -1, "it takes its socket away");
    rmdir(folder);
    mainloop_destroy(loop);
}
