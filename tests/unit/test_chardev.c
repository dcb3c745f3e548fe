// SPDX-License-Identifier: MIT
//
// Character devices: which texts open what, what each kind does with the bytes, and the terminal
// that guest and monitor share.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/chardev_rig.h"
#include "util/bitops.h"

/* ---- the mux ---------------------------------------------------------------------------- */

/* An end of the mux as a UART or a monitor sees it. */
typedef struct Frontend {
    uint8_t in[128 * 1024];
    size_t count, room;
    unsigned opened, closed, breaks, writable, resized;
} Frontend;

typedef struct MuxRig {
    MainLoop *loop;
    FakeTerminal terminal;
    Chardev *chr, *mux, *guest_end, *monitor_end;
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
    f->closed += event == CHARDEV_CLOSED;
    f->breaks += event == CHARDEV_BREAK;
    f->resized += event == CHARDEV_RESIZED;
}

static void frontend_writable(void *opaque)
{
    ((Frontend *)opaque)->writable++;
}

static void frontend_attach(Frontend *f, Chardev *chr, bool background)
{
    f->room = 1000;
    chardev_attach(chr, &(ChardevHandlers){ .can_receive = frontend_room,
                                            .receive = frontend_receive,
                                            .event = frontend_event,
                                            .writable = frontend_writable,
                                            .opaque = f, .background = background });
}

static void quit(void *opaque, int status)
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
    r->terminal.host.quit = quit;
    r->terminal.host.opaque = r;
    r->mux = chardev_open_mux(r->chr, "m", &err);
    r->monitor_end = chardev_claim(r->mux, "a monitor", &err);
    r->guest_end = chardev_claim(r->mux, "pl011", &err);
    frontend_attach(&r->monitor, r->monitor_end, true);
    frontend_attach(&r->guest, r->guest_end, false);
    return r;
}

static void mux_rig_free(MuxRig *r)
{
    chardev_release(r->guest_end);
    cr_expect_not(r->terminal.closed);
    chardev_close(r->mux);
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
    cr_expect_eq(chardev_write(r->monitor_end, "hidden", 6), 6);
    chardev_write(r->guest_end, "seen", 4);
    cr_expect_str_eq(fake_terminal_take(&r->terminal), "seen");
    fake_terminal_type(r->chr, "\001c");
    fake_terminal_take(&r->terminal);
    chardev_write(r->monitor_end, "prompt", 6);
    chardev_write(r->guest_end, "log", 3);
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
    chardev_accept_input(r->guest_end);
    settle(r);
    cr_expect_eq(r->guest.count, 100);
    r->guest.room = 10000;
    chardev_accept_input(r->guest_end);
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
        chardev_accept_input(r->guest_end);
        settle(r);
    }
    cr_expect_eq(r->guest.count, typed);
    for (size_t i = 0; i < typed; i++)
        cr_assert_eq((char)r->guest.in[i], (char)('a' + i % 26));
    mux_rig_free(r);
}

Test(mux, each_claim_is_an_end_up_to_four)
{
    MuxRig *r = mux_rig();
    Frontend *port = calloc(1, sizeof(*port));
    Error *err = NULL;
    Chardev *third = chardev_claim(r->mux, "a port", &err);
    frontend_attach(port, third, false);
    cr_assert(chardev_claim(r->mux, "another", &err));
    cr_assert_not(chardev_claim(r->mux, "too much", &err));
    cr_expect(strstr(error_text(err), "'m' is shared by 4"));
    error_free(err);
    cr_expect_eq(port->opened, 1);
    fake_terminal_type(r->chr, "a\001cb\001c\001cc");
    expect_input(&r->guest, "a");
    expect_input(port, "b");
    expect_input(&r->monitor, "c");
    chardev_set_size(r->chr, 132, 43);
    uint16_t cols, rows;
    cr_expect(chardev_size(third, &cols, &rows));
    cr_expect_eq(cols * 1000 + rows, 132043);
    cr_expect_eq(port->resized, 1);
    mux_rig_free(r);
    free(port);
}

Test(mux, who_came_short_hears_of_room)
{
    MuxRig *r = mux_rig();
    r->terminal.room = 0;
    cr_expect_eq(chardev_write(r->guest_end, "x", 1), 0);
    r->terminal.room = SIZE_MAX;
    chardev_writable(r->chr);
    cr_expect_eq(r->guest.writable, 1);
    chardev_writable(r->chr);
    cr_expect_eq(r->guest.writable, 1);
    mux_rig_free(r);
}

/* ---- opening by text -------------------------------------------------------------------- */

typedef struct Lab {
    ChardevHost host;
    char folder[32], path[64], spec[256];
    int status; /* of quit(), or -1 */
    Frontend *frontend;
} Lab;

static void lab_quit(void *opaque, int status)
{
    ((Lab *)opaque)->status = status;
}

static void lab_open(Lab *l)
{
    Error *err = NULL;
    *l = (Lab){ .folder = "/tmp/dragoman-test-XXXXXX", .status = -1 };
    signal(SIGPIPE, SIG_IGN);
    cr_assert(mkdtemp(l->folder));
    snprintf(l->path, sizeof(l->path), "%s/s", l->folder);
    l->host = (ChardevHost){ .loop = mainloop_create(&err), .quit = lab_quit, .opaque = l };
    l->frontend = calloc(1, sizeof(Frontend));
}

static void lab_close(Lab *l)
{
    unlink(l->path);
    cr_expect_eq(rmdir(l->folder), 0, "something was left in the folder");
    mainloop_destroy(l->host.loop);
    free(l->frontend);
}

static void stop_loop_of(Lab *l)
{
    mainloop_post(l->host.loop, stop_loop, l->host.loop);
    mainloop_run(l->host.loop);
}

/* Let the main loop run until the condition holds. */
#define RUN_UNTIL(l, condition) \
    do { \
        for (int tries_ = 0; tries_ < 5000 && !(condition); tries_++) { \
            usleep(1000); \
            stop_loop_of(l); \
        } \
        cr_assert(condition); \
    } while (0)

/* "KIND,id=c,..." with the lab's path for %s, attached to the lab's frontend. */
static Chardev *lab_create(Lab *l, const char *format)
{
    Error *err = NULL;
    Chardev *chr;
    snprintf(l->spec, sizeof(l->spec), format, l->path, l->path);
    cr_assert(chardev_create(&l->host, l->spec, &chr, &err), "%s", err ? error_text(err) : "");
    frontend_attach(l->frontend, chardev_claim(chr, "a test", &err), false);
    return chr;
}

static void expect_refused(Lab *l, bool short_form, const char *text, const char *mention)
{
    Error *err = NULL;
    Chardev *chr;
    bool ok = short_form ? chardev_open(&l->host, NULL, text, &chr, &err)
                         : chardev_create(&l->host, text, &chr, &err);
    cr_assert_not(ok, "%s", text);
    cr_expect(strstr(error_text(err), mention), "%s: '%s' does not mention '%s'", text,
              error_text(err), mention);
    cr_expect_eq(chr, NULL);
    error_free(err);
}

Test(chardev, texts_that_open_nothing)
{
    static const char *const texts[][2] = {
        { "", "stdio" }, { "stdoi", "did you mean 'stdio'" }, { "file", "file:PATH" },
        { "file:", "file:PATH" }, { "unix:", "unix:PATH" }, { "null:x", "takes no argument" },
        { "stdio:x", "takes no argument" }, { "pty:/dev/x", "takes no argument" },
        { "unix:/nowhere/x", "No such file" }, { "unix:/nowhere/x,server=maybe", "neither" },
        { "unix:/nowhere/x,sever=on", "did you mean 'server'" },
        { "file:/nowhere/x", "No such file" }, { "tcp:localhost", "names no port" },
        { "tcp:127.0.0.1:1", "refused" }, { "udp::1", "not supported" },
        { "pipe:/nowhere/x", "mkfifo" }, { "/dev/null", "no serial port" },
        { "ringbuf", "chardev:ID" }, { "mon:none", "nothing to share" },
    };
    Lab l;
    lab_open(&l);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        expect_refused(&l, true, texts[i][0], texts[i][1]);
    lab_close(&l);
}

Test(chardev, options_that_make_no_sense)
{
    static const char *const texts[][2] = {
        { "null", "no id" }, { "null,id=", "no id" }, { "nul,id=c", "did you mean 'null'" },
        { "socket,id=c", "host=HOST,port=PORT" }, { "socket,id=c,host=localhost", "an address" },
        { "socket,id=c,path=/x,port=1", "leave one out" },
        { "socket,id=c,port=65537,server=on,wait=off", "'65537' is no port" },
        { "socket,id=c,path=/x,wait=off", "nothing to wait for" },
        { "socket,id=c,path=/x,server=on,reconnect=1", "cannot reconnect" },
        { "socket,id=c,path=/x,reconnect=soon", "reconnect=soon" },
        { "file,id=c", "path=" }, { "file,id=c,path=/x,size=3", "no option 'size'" },
        { "ringbuf,id=c,size=100", "power of two" }, { "ringbuf,id=c,size=64E", "power of two" },
        { "null,id=c,logfile=/nowhere/x", "No such file" }, { "vc,id=c", "not supported" },
        { "null,id=c,mux=perhaps", "neither" },
    };
    Lab l;
    lab_open(&l);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        expect_refused(&l, false, texts[i][0], texts[i][1]);
    lab_close(&l);
}

Test(chardev, none_is_no_device_and_no_error)
{
    Error *err = NULL;
    Chardev *chr;
    Lab l;
    lab_open(&l);
    cr_assert(chardev_open(&l.host, NULL, "none", &chr, &err));
    cr_expect_eq(chr, NULL);
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, has_one_user)
{
    Error *err = NULL;
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "null,id=c");
    cr_assert_not(chardev_claim(chr, "another", &err));
    cr_expect(strstr(error_text(err), "'c' is used by a test already"));
    error_free(err);
    err = NULL;
    chardev_release(chr);
    cr_assert_eq(chardev_claim(chr, "another", &err), chr);
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, there_is_one_stdio)
{
    Error *err = NULL;
    Chardev *chr;
    Lab l;
    lab_open(&l);
    cr_assert(chardev_create(&l.host, "stdio,id=c,mux=on,signal=off", &chr, &err));
    cr_expect(chardev_is_mux(chr));
    expect_refused(&l, true, "stdio", "taken already");
    chardev_close(chr);
    cr_assert(chardev_open(&l.host, NULL, "stdio", &chr, &err));
    chardev_close(chr);
    lab_close(&l);
}

/* ---- kinds ------------------------------------------------------------------------------ */

static void expect_file(const char *path, const char *wanted)
{
    char text[256] = "";
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    cr_expect_eq(fread(text, 1, sizeof(text) - 1, f), strlen(wanted));
    cr_expect_str_eq(text, wanted);
    fclose(f);
}

Test(chardev, a_file_is_truncated_or_appended_to)
{
    Lab l;
    lab_open(&l);
    static const char *const specs[] = { "file,id=c,path=%s", "file,id=c,path=%s",
                                         "file,id=c,path=%s,append=on" };
    for (int i = 0; i < 3; i++) {
        Chardev *chr = lab_create(&l, specs[i]);
        cr_expect_eq(chardev_write(chr, "line\n", 5), 5);
        chardev_close(chr);
    }
    expect_file(l.path, "line\nline\n");
    lab_close(&l);
}

Test(chardev, a_file_may_be_the_input)
{
    Lab l;
    lab_open(&l);
    FILE *f = fopen(l.path, "w");
    fputs("typed", f);
    fclose(f);
    Chardev *chr = lab_create(&l, "file,id=c,path=/dev/null,input-path=%s");
    RUN_UNTIL(&l, l.frontend->count == 5);
    expect_input(l.frontend, "typed");
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, a_logfile_has_the_output)
{
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "null,id=c,logfile=%s");
    chardev_write(chr, "one ", 4);
    chardev_close(chr);
    chr = lab_create(&l, "ringbuf,id=c,size=64,logfile=%s,logappend=on");
    chardev_write(chr, "two", 3);
    chardev_close(chr);
    expect_file(l.path, "one two");
    lab_close(&l);
}

Test(chardev, a_ring_keeps_the_last)
{
    Error *err = NULL;
    uint8_t buf[32];
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "ringbuf,id=c,size=8");
    cr_expect_eq(chardev_ringbuf_read(chr, buf, sizeof(buf), &err), 0);
    chardev_write(chr, "0123456789", 10);
    cr_expect_eq(chardev_ringbuf_read(chr, buf, 3, &err), 3);
    cr_expect_eq(memcmp(buf, "234", 3), 0);
    cr_expect_eq(chardev_ringbuf_read(chr, buf, sizeof(buf), &err), 5);
    cr_expect_eq(memcmp(buf, "56789", 5), 0);
    chardev_close(chr);
    chr = lab_create(&l, "null,id=c");
    cr_expect_eq(chardev_ringbuf_read(chr, buf, 1, &err), SIZE_MAX);
    cr_expect(strstr(error_text(err), "no ring buffer"));
    error_free(err);
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, testdev_ends_the_emulator)
{
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "testdev,id=c");
    chardev_write(chr, "7x\n", 3);
    cr_expect_eq(l.status, -1);
    chardev_write(chr, " 2", 2);
    chardev_write(chr, "1q", 2);
    cr_expect_eq(l.status, 43);
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, pipes_go_both_ways)
{
    char in[80], out[80], buf[8];
    Lab l;
    lab_open(&l);
    snprintf(in, sizeof(in), "%s.in", l.path);
    snprintf(out, sizeof(out), "%s.out", l.path);
    cr_assert_eq(mkfifo(in, 0600) | mkfifo(out, 0600), 0);
    Chardev *chr = lab_create(&l, "pipe,id=c,path=%s");
    int to = open(in, O_WRONLY), from = open(out, O_RDONLY);
    cr_assert_eq(write(to, "hello", 5), 5);
    RUN_UNTIL(&l, l.frontend->count == 5);
    cr_expect_eq(chardev_write(chr, "world", 5), 5);
    cr_expect_eq(read(from, buf, sizeof(buf)), 5);
    chardev_close(chr);
    close(to);
    close(from);
    unlink(in);
    unlink(out);
    lab_close(&l);
}

/* ---- pseudo-terminals ------------------------------------------------------------------- */

static int terminal_open(const Chardev *chr)
{
    int fd = open(chardev_label(chr) + strlen("pty:"), O_RDWR | O_NOCTTY);
    cr_assert_geq(fd, 0);
    return fd;
}

/* The guest of a console that nobody looks at goes on. */
Test(chardev, a_pseudo_terminal_without_a_terminal_drops_output)
{
    static uint8_t piece[65536];
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "pty,id=c");
    cr_expect_eq(l.frontend->opened, 0);
    for (int i = 0; i < 32; i++) {
        cr_assert_eq(chardev_write(chr, piece, sizeof(piece)), sizeof(piece), "piece %d", i);
        stop_loop_of(&l);
    }
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, a_pseudo_terminal_tells_who_comes_and_goes)
{
    static uint8_t piece[65536];
    char buf[8];
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "pty,id=c");
    for (unsigned round = 1; round <= 2; round++) {
        int terminal = terminal_open(chr);
        tcflush(terminal, TCIFLUSH); /* what the peer before did not read */
        cr_expect_eq(chardev_write(chr, "now", 3), 3, "before the main loop has looked");
        cr_expect_eq(read(terminal, buf, sizeof(buf)), 3);
        cr_assert_eq(write(terminal, "in\r\n", 4), 4);
        RUN_UNTIL(&l, l.frontend->opened == round);
        RUN_UNTIL(&l, l.frontend->count == 4);
        expect_input(l.frontend, "in\r\n");
        cr_expect_eq(chardev_write(chr, "a\nb", 3), 3);
        cr_expect_eq(read(terminal, buf, sizeof(buf)), 3, "raw");
        /* it goes while the guest waits for it to read */
        size_t len = sizeof(piece);
        for (int i = 0; i < 32 && len == sizeof(piece); i++)
            len = chardev_write(chr, piece, sizeof(piece));
        cr_expect_lt(len, sizeof(piece), "held back");
        unsigned before = l.frontend->writable;
        l.frontend->room = 0; /* nor does the guest read */
        close(terminal);
        RUN_UNTIL(&l, l.frontend->writable > before);
        l.frontend->room = 1000;
        chardev_accept_input(chr);
        RUN_UNTIL(&l, l.frontend->closed == round + 1);
        cr_expect_eq(chardev_write(chr, piece, sizeof(piece)), sizeof(piece));
    }
    chardev_close(chr);
    lab_close(&l);
}

/* ---- sockets ---------------------------------------------------------------------------- */

Test(chardev, a_socket_replaces_a_dead_socket_but_no_other_file)
{
    Error *err = NULL;
    struct stat st;
    Lab l;
    lab_open(&l);
    int fd = open(l.path, O_CREAT | O_WRONLY, 0600);
    cr_assert_eq(write(fd, "precious", 8), 8);
    close(fd);
    snprintf(l.spec, sizeof(l.spec), "unix:%s,server=on,wait=off", l.path);
    expect_refused(&l, true, l.spec, "choose another");
    cr_assert_eq(stat(l.path, &st), 0);
    cr_expect_eq(st.st_size, 8);
    unlink(l.path);

    Chardev *chr;
    cr_assert(chardev_open(&l.host, NULL, l.spec, &chr, &err));
    cr_expect_str_eq(chardev_label(chr) + 5, l.path);
    expect_refused(&l, true, l.spec, "in use");
    chardev_close(chr);
    cr_expect_eq(stat(l.path, &st), -1, "it takes its socket away");

    snprintf(l.spec, sizeof(l.spec), "unix:path=%s,server=on,wait=off", l.path);
    cr_assert(chardev_open(&l.host, NULL, l.spec, &chr, &err), "the name of the option is there");
    cr_expect_str_eq(chardev_label(chr) + 5, l.path);
    chardev_close(chr);
    lab_close(&l);
}

static int peer_connect(const Lab *l)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", l->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int peer_listen(const Lab *l)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", l->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

Test(chardev, a_server_tells_who_comes_and_goes)
{
    char buf[8];
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "socket,id=c,path=%s,server=on,wait=off");
    cr_expect_eq(l.frontend->opened, 0);
    cr_expect_eq(chardev_write(chr, "lost", 4), 4, "nobody listens");
    for (unsigned round = 1; round <= 2; round++) {
        int peer = peer_connect(&l);
        RUN_UNTIL(&l, l.frontend->opened == round);
        cr_assert_eq(write(peer, "in", 2), 2);
        RUN_UNTIL(&l, l.frontend->count == 2);
        expect_input(l.frontend, "in");
        cr_expect_eq(chardev_write(chr, "out", 3), 3);
        cr_expect_eq(read(peer, buf, sizeof(buf)), 3);
        close(peer);
        RUN_UNTIL(&l, l.frontend->closed == round + 1);
    }
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, a_client_connects_again)
{
    char buf[8];
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "socket,id=c,path=%s,reconnect-ms=20");
    cr_expect_eq(l.frontend->opened, 0, "nobody listens yet");
    int listener = peer_listen(&l);
    for (unsigned round = 1; round <= 3; round++) {
        RUN_UNTIL(&l, l.frontend->opened == round);
        int peer = accept(listener, NULL, NULL);
        cr_expect_eq(chardev_write(chr, "out", 3), 3);
        cr_expect_eq(read(peer, buf, sizeof(buf)), 3);
        close(peer);
        RUN_UNTIL(&l, l.frontend->closed == round + 1);
    }
    close(listener);
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, a_slow_reader_holds_the_writer_back_and_loses_nothing)
{
    enum { TOTAL = 4 << 20 };
    static uint8_t piece[60000], got[TOTAL];
    size_t sent = 0, received = 0;
    unsigned short_writes = 0;
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "socket,id=c,path=%s,server=on,wait=off");
    int peer = peer_connect(&l);
    fcntl(peer, F_SETFL, O_NONBLOCK);
    RUN_UNTIL(&l, l.frontend->opened == 1);
    while (received < TOTAL) {
        size_t len = MIN(sizeof(piece), TOTAL - sent), n = len;
        while (sent < TOTAL && n == len) {
            for (size_t i = 0; i < len; i++)
                piece[i] = (uint8_t)((sent + i) * 2654435761u >> 24);
            n = chardev_write(chr, piece, len);
            sent += n;
            short_writes += n < len;
            len = MIN(sizeof(piece), TOTAL - sent);
        }
        unsigned before = l.frontend->writable;
        for (int i = 0; i < 1000 && received < TOTAL && l.frontend->writable == before; i++) {
            ssize_t r = read(peer, got + received, TOTAL - received);
            received += r > 0 ? (size_t)r : 0;
            stop_loop_of(&l);
        }
    }
    cr_expect_gt(short_writes, 0);
    cr_expect_geq(l.frontend->writable, short_writes - 1);
    for (size_t i = 0; i < TOTAL; i++)
        cr_assert_eq(got[i], (uint8_t)(i * 2654435761u >> 24), "byte %zu", i);
    close(peer);
    chardev_close(chr);
    lab_close(&l);
}

/* Our end of the connection to `peer`: until its buffer is full, past the character device. */
static void fill_connection(const Lab *l)
{
    static const uint8_t zeros[4096];
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_un addr = { 0 };
        socklen_t len = sizeof(addr), int_len = sizeof(int);
        int listens = 1;
        if (getsockname(fd, (struct sockaddr *)&addr, &len) || strcmp(addr.sun_path, l->path) ||
            getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) || listens)
            continue;
        while (write(fd, zeros, sizeof(zeros)) > 0)
            continue;
        return;
    }
    cr_assert(false, "no connection");
}

/* As a vCPU may, between the end of the connection and its being taken down. */
static void write_late(void *opaque, uint32_t events)
{
    cr_expect_eq(chardev_write(opaque, "late", 4), 4);
}

Test(chardev, output_that_waits_ends_with_the_connection)
{
    Error *err = NULL;
    int pipes[2];
    Lab l;
    lab_open(&l);
    Chardev *chr = lab_create(&l, "socket,id=c,path=%s,server=on,wait=off");
    int peer = peer_connect(&l);
    RUN_UNTIL(&l, l.frontend->opened == 1);
    fill_connection(&l);
    cr_assert_eq(pipe(pipes), 0);
    LoopWatch *w = mainloop_watch(l.host.loop, pipes[0], EPOLLIN, write_late, chr, &err);
    /* both are ready at once, in this order */
    cr_assert_eq(shutdown(peer, SHUT_WR), 0);
    close(pipes[1]);
    mainloop_watch_set(w, EPOLLIN | EPOLLONESHOT);
    RUN_UNTIL(&l, l.frontend->closed == 2);
    stop_loop_of(&l);
    mainloop_unwatch(w);
    close(pipes[0]);
    close(peer);
    chardev_close(chr);
    lab_close(&l);
}

Test(chardev, a_server_listens_on_tcp)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    char spec[96];
    Lab l;
    lab_open(&l);
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    bind(probe, (struct sockaddr *)&addr, len);
    getsockname(probe, (struct sockaddr *)&addr, &len);
    close(probe); /* the port is free, and nobody else will want it so soon */
    snprintf(spec, sizeof(spec), "socket,id=c,port=%u,server,nowait", ntohs(addr.sin_port));
    Chardev *chr = lab_create(&l, spec);
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(peer, (struct sockaddr *)&addr, len), 0);
    RUN_UNTIL(&l, l.frontend->opened == 1);
    cr_assert_eq(write(peer, "in", 2), 2);
    RUN_UNTIL(&l, l.frontend->count == 2);
    close(peer);
    RUN_UNTIL(&l, l.frontend->closed == 2);
    chardev_close(chr);
    lab_close(&l);
}

/* TCP with an address that is in the label's text only; the port is the test's. */
Test(chardev, telnet_takes_commands_out_of_the_input)
{
    Error *err = NULL;
    uint8_t buf[64];
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    Lab l;
    lab_open(&l);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&addr, len);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&addr, &len);
    snprintf(l.spec, sizeof(l.spec), "telnet:127.0.0.1:%u,nodelay=on", ntohs(addr.sin_port));
    Chardev *chr;
    cr_assert(chardev_open(&l.host, "c", l.spec, &chr, &err), "%s", err ? error_text(err) : "");
    frontend_attach(l.frontend, chardev_claim(chr, "a test", &err), false);
    int peer = accept(listener, NULL, NULL);
    cr_assert_eq(read(peer, buf, sizeof(buf)), 12, "the greeting");
    cr_assert_eq(write(peer, "a\xff\xfd\x01" "b\xff\xfa\x18\x01\xff\xf0" "c\xff\xff" "d\xff\xf3"
                       "e", 18), 18);
    RUN_UNTIL(&l, l.frontend->count == 6);
    expect_input(l.frontend, "abc\xff" "de");
    cr_expect_eq(l.frontend->breaks, 1);
    cr_expect_eq(chardev_write(chr, "x\xffy", 3), 3);
    cr_expect_eq(read(peer, buf, sizeof(buf)), 4);
    cr_expect_eq(memcmp(buf, "x\xff\xffy", 4), 0);
    close(peer);
    close(listener);
    chardev_close(chr);
    lab_close(&l);
}
