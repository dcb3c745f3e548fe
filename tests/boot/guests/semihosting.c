// SPDX-License-Identifier: MIT
//
// A guest that asks for every semihosting operation and prints what came back on the serial line,
// where another emulator's answers can be compared. What it writes to files the host looks at. It
// ends by SYS_EXIT_EXTENDED with status 42.

#define UART ((volatile unsigned *)0x09000000)

unsigned long exceptions;

enum {
    SYS_OPEN = 1, SYS_CLOSE, SYS_WRITEC, SYS_WRITE0, SYS_WRITE, SYS_READ, SYS_READC, SYS_ISERROR,
    SYS_ISTTY, SYS_SEEK, SYS_FLEN = 0xc, SYS_TMPNAM, SYS_REMOVE, SYS_RENAME, SYS_CLOCK, SYS_TIME,
    SYS_SYSTEM, SYS_ERRNO, SYS_GET_CMDLINE = 0x15, SYS_HEAPINFO, SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20, SYS_ELAPSED = 0x30, SYS_TICKFREQ
};
enum { READ_BINARY = 1, READ_UPDATE = 3, WRITE = 4, APPEND = 8 };

void guest_main(void);

static void put(char c)
{
    UART[0] = (unsigned char)c;
}

static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

static void say(const char *what, long value)
{
    put_text(what);
    put(' ');
    if (value < 0)
        put('-');
    unsigned long v = value < 0 ? -(unsigned long)value : (unsigned long)value;
    unsigned digits = 1;
    while (digits < 16 && v >> (4 * digits))
        digits++;
    while (digits--)
        put("0123456789abcdef"[v >> (4 * digits) & 15]);
    put('\n');
}

static long call(unsigned operation, const volatile void *block)
{
    register unsigned long x0 __asm__("x0") = operation;
    register const volatile void *x1 __asm__("x1") = block;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return (long)x0;
}

static unsigned long length(const char *text)
{
    unsigned long n = 0;
    while (text[n])
        n++;
    return n;
}

static long call3(unsigned operation, unsigned long a, unsigned long b, unsigned long c)
{
    volatile unsigned long block[3] = { a, b, c };
    return call(operation, block);
}

static long open(const char *name, unsigned mode)
{
    return call3(SYS_OPEN, (unsigned long)name, mode, length(name));
}

static void say_bytes(const char *what, const unsigned char *bytes, unsigned n)
{
    put_text(what);
    put_text(" [");
    for (unsigned i = 0; i < n; i++)
        put(bytes[i] >= ' ' && bytes[i] < 127 ? (char)bytes[i] : '.');
    put_text("]\n");
}

static void features(void)
{
    unsigned char bytes[8] = { 0 };
    long h = open(":semihosting-features", 0);
    say("features open", h > 0);
    say("features length", call3(SYS_FLEN, (unsigned long)h, 0, 0));
    say("features not read", call3(SYS_READ, (unsigned long)h, (unsigned long)bytes, 5));
    say_bytes("features", bytes, 4);
    say("features bits", bytes[4]);
    say("features at the end", call3(SYS_READ, (unsigned long)h, (unsigned long)bytes, 5));
    say("features seek", call3(SYS_SEEK, (unsigned long)h, 1, 0));
    say("features again", call3(SYS_READ, (unsigned long)h, (unsigned long)bytes, 2));
    say_bytes("features", bytes, 2);
    say("features write", call3(SYS_WRITE, (unsigned long)h, (unsigned long)bytes, 2));
    say("features close", call3(SYS_CLOSE, (unsigned long)h, 0, 0));
    say("features for writing", open(":semihosting-features", WRITE));
}

static void files(void)
{
    static unsigned char bytes[20000];
    long h = open("in.txt", READ_BINARY);
    say("read open", h > 0);
    say("read length", call3(SYS_FLEN, (unsigned long)h, 0, 0));
    say("read tty", call3(SYS_ISTTY, (unsigned long)h, 0, 0));
    say("read not read", call3(SYS_READ, (unsigned long)h, (unsigned long)bytes, 10));
    say_bytes("read", bytes, 10);
    say("read seek", call3(SYS_SEEK, (unsigned long)h, 6, 0));
    say("read short", call3(SYS_READ, (unsigned long)h, (unsigned long)bytes, 100));
    say_bytes("read", bytes, 12);
    say("read at the end", call3(SYS_READ, (unsigned long)h, (unsigned long)bytes, 100));
    say("read close", call3(SYS_CLOSE, (unsigned long)h, 0, 0));
    say("read close again", call3(SYS_CLOSE, (unsigned long)h, 0, 0));

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)('a' + i % 26);
    h = open("out.txt", WRITE);
    say("write open", h > 0);
    say("write not written", call3(SYS_WRITE, (unsigned long)h, (unsigned long)bytes, sizeof(bytes)));
    say("write close", call3(SYS_CLOSE, (unsigned long)h, 0, 0));
    h = open("out.txt", APPEND);
    say("append", call3(SYS_WRITE, (unsigned long)h, (unsigned long)"end", 3));
    say("append length", call3(SYS_FLEN, (unsigned long)h, 0, 0));
    call3(SYS_CLOSE, (unsigned long)h, 0, 0);
    h = open("out.txt", READ_UPDATE);
    say("update seek", call3(SYS_SEEK, (unsigned long)h, 3, 0));
    say("update", call3(SYS_WRITE, (unsigned long)h, (unsigned long)"XYZ", 3));
    call3(SYS_CLOSE, (unsigned long)h, 0, 0);

    say("missing", open("missing.txt", 0));
    say("missing errno", call(SYS_ERRNO, 0));
    say("mode 12", open("in.txt", 12));
    say("bad handle", call3(SYS_FLEN, 77, 0, 0));
    say("remove", call3(SYS_REMOVE, (unsigned long)"gone.txt", 8, 0));
    say("remove again", call3(SYS_REMOVE, (unsigned long)"gone.txt", 8, 0));
    volatile unsigned long block[4] = { (unsigned long)"old.txt", 7, (unsigned long)"new.txt", 7 };
    say("rename", call(SYS_RENAME, block));
    say("rename again", call(SYS_RENAME, block));
    unsigned char name[64];
    say("temporary", call3(SYS_TMPNAM, (unsigned long)name, 5, sizeof(name)));
    say("temporary begins with", name[0]);
}

static void console(void)
{
    long in = open(":tt", 0), out = open(":tt", WRITE), error = open(":tt", APPEND);
    say("console", in > 0 && out > 0 && error > 0);
    say("console tty", call3(SYS_ISTTY, (unsigned long)out, 0, 0));
    say("console write", call3(SYS_WRITE, (unsigned long)out, (unsigned long)"to the console\n", 15));
    call(SYS_WRITE0, "a line of it\n");
    call(SYS_WRITEC, "!");
    say("console error", call3(SYS_WRITE, (unsigned long)error, (unsigned long)"\n", 1));
}

static void others(void)
{
    char line[256];
    volatile unsigned long block[2] = { (unsigned long)line, sizeof(line) };
    say("command line", call(SYS_GET_CMDLINE, block));
    say("command line length", (long)block[1]);
    say_bytes("command line", (unsigned char *)line, (unsigned)block[1]);
    block[1] = 4;
    say("too long a command line", call(SYS_GET_CMDLINE, block));
    volatile unsigned long heap[4], where = (unsigned long)heap;
    say("heap", call(SYS_HEAPINFO, &where));
    say("heap is memory", heap[0] >= 0x40000000 && heap[0] < heap[1] && heap[2] > heap[3]);
    say("is an error", call3(SYS_ISERROR, -1ul, 0, 0) != 0);
    say("is no error", call3(SYS_ISERROR, 1, 0, 0));
    long before = call(SYS_CLOCK, 0);
    say("clock", before >= 0 && before <= call(SYS_CLOCK, 0));
    say("time", call(SYS_TIME, 0) > 1600000000);
    volatile unsigned long ticks = 0, later = 0;
    say("elapsed", call(SYS_ELAPSED, &ticks));
    call(SYS_ELAPSED, &later);
    say("elapsed more", later > ticks);
    say("ticks a second", call(SYS_TICKFREQ, 0));
}

/* What the reference does otherwise, or not at all. */
static void ours(void)
{
    put_text("ours\n");
    say("shell", call3(SYS_SYSTEM, (unsigned long)"touch shell.txt", 15, 0));
    say("outside", open("../outside.txt", WRITE) > 0);
    say("by a link", open("link.txt", READ_BINARY));
    say("absolute", open("/in.txt", READ_BINARY) > 0);
    say("a folder", open(".", 0));
    say("a device", open("fifo", 0));
    say("no operation", call(0x77, 0));
    say("bad block", call(SYS_OPEN, (void *)0x123456789000));
    say("exceptions", (long)exceptions);
}

void guest_main(void)
{
    features();
    files();
    console();
    others();
    ours();
    volatile unsigned long block[2] = { 0x20026, 42 };
    call(SYS_EXIT_EXTENDED, block);
    put_text("still there\n");
}
