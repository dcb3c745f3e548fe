// SPDX-License-Identifier: MIT
//
// A hostile driver: virtio devices whose queues, descriptors and requests are made of the input.
//
// The first byte chooses the device, the next ones the features that are accepted and the sizes of
// the queues. The rest are steps: write a descriptor, write bytes into a buffer, make a descriptor
// available, notify, meddle with a register or with the rings, let time pass. Descriptors lie in
// guest memory at QUEUES, buffers at BUFFERS, so that chains that make sense are likely.
#include <string.h>
#include "block/block.h"
#include "chardev/chardev.h"
#include "hw/virtio/virtio_mmio.h"
#include "net/net.h"
#include "tests/fuzz/fuzz.h"
#include "util/bitops.h"

#define SLOT (0x0a000000 + 31 * 0x200) /* the first -device */
#define QUEUES UINT64_C(0x40100000)
#define QUEUE_BYTES 0x4000
#define QUEUE_COUNT 8
#define BUFFERS (QUEUES + QUEUE_COUNT * QUEUE_BYTES)
#define RAM_BYTES (QUEUE_COUNT * QUEUE_BYTES + 0x10000) /* that are used */
#define STEPS_MAX 400

enum {
    R_DRIVER_FEATURES = 0x020, R_DRIVER_FEATURES_SEL = 0x024, R_QUEUE_SEL = 0x030,
    R_QUEUE_NUM = 0x038, R_QUEUE_READY = 0x044, R_QUEUE_NOTIFY = 0x050, R_STATUS = 0x070,
    R_QUEUE_DESC = 0x080, R_QUEUE_DRIVER = 0x090, R_QUEUE_DEVICE = 0x0a0,
};

typedef struct Driver {
    Machine *m;
    uint8_t *ram; /* at QUEUES */
    unsigned size[QUEUE_COUNT];
    BlockBackend *drive;
} Driver;

/* ---- the devices ------------------------------------------------------------------------ */

static BlockBackend *open_drive(FuzzFile *f, bool read_only)
{
    static const uint8_t bytes[1 << 16] = { 0x55 };
    Error *err = NULL;
    fuzz_file_open(f, bytes, sizeof(bytes));
    const BlockOptions o = { .id = "d0", .file = f->path, .format = "raw", .discard = true,
                             .read_only = read_only };
    BlockBackend *b = block_open(&o, &err);
    fuzz_must(b, "the disk", err);
    fuzz_file_close(f);
    return b;
}

static NetBackend *open_net(void)
{
    Error *err = NULL;
    NetBackend *n = net_open("user,id=n0,restrict=on", NULL, &err);
    fuzz_must(n, "the network", err);
    return n;
}

static Chardev *open_chardev(void)
{
    static ChardevHost host;
    Error *err = NULL;
    Chardev *chr;
    fuzz_must(chardev_create(&host, "ringbuf,id=c0,size=4096", &chr, &err), "the console", err);
    return chr;
}

/* What the first byte chooses, and the ports behind it. */
static const char *const devices[][2] = {
    { "virtio-blk-device,drive=d0" },
    { "virtio-net-device,netdev=n0" },
    { "virtio-rng-device" },
    { "virtio-balloon-device,free-page-reporting=on" },
    { "virtio-serial-device,max_ports=3", "virtconsole,chardev=c0" },
};

/* The same device as last time, or a new one. */
static void driver_open(Driver *d, uint8_t kind)
{
    static struct {
        FuzzKept board;
        BlockBackend *drive;
    } kept[ARRAY_SIZE(devices)][2];
    unsigned n = kind % ARRAY_SIZE(devices);
    bool read_only = kind & 0x80;
    FuzzKept *board = &kept[n][read_only].board;
    BlockBackend **drive = &kept[n][read_only].drive;
    if (!fuzz_board_reuse(board)) {
        FuzzFile f;
        FuzzBoard o = { .devices = { devices[n][0], devices[n][1] } };
        if (strstr(devices[n][0], "drive="))
            o.drive = *drive = open_drive(&f, read_only);
        if (strstr(devices[n][0], "netdev="))
            o.netdev = open_net();
        if (devices[n][1])
            o.chardev = open_chardev();
        board->m = fuzz_board_create(&o);
    }
    d->m = board->m;
    d->drive = *drive;
    d->ram = memory_host(&d->m->memory, QUEUES, RAM_BYTES, true);
    memset(d->ram, 0, RAM_BYTES);
}

/* ---- registers -------------------------------------------------------------------------- */

static void set_reg(Driver *d, uint32_t reg, uint32_t value)
{
    (void)memory_store(&d->m->memory, SLOT + reg, 4, value);
}

static uint32_t get_reg(Driver *d, uint32_t reg)
{
    uint64_t value = 0;
    (void)memory_load(&d->m->memory, SLOT + reg, 4, &value);
    return (uint32_t)value;
}

static void set_address(Driver *d, uint32_t reg, uint64_t gpa)
{
    set_reg(d, reg, (uint32_t)gpa);
    set_reg(d, reg + 4, (uint32_t)(gpa >> 32));
}

static void open_queue(Driver *d, unsigned n, unsigned size_log2)
{
    uint64_t gpa = QUEUES + n * QUEUE_BYTES;
    d->size[n] = 1u << (size_log2 & 7);
    set_reg(d, R_QUEUE_SEL, n);
    set_reg(d, R_QUEUE_NUM, d->size[n]);
    set_address(d, R_QUEUE_DESC, gpa);
    set_address(d, R_QUEUE_DRIVER, gpa + 0x1000);
    set_address(d, R_QUEUE_DEVICE, gpa + 0x2000);
    set_reg(d, R_QUEUE_READY, 1);
}

static void start(Driver *d, FuzzInput *in)
{
    uint32_t refused = (uint32_t)fuzz_take(in, 4);
    set_reg(d, R_STATUS, 0);
    set_reg(d, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        set_reg(d, 0x014, i);
        set_reg(d, R_DRIVER_FEATURES_SEL, i);
        set_reg(d, R_DRIVER_FEATURES, get_reg(d, 0x010) & (i ? ~0u : ~refused));
    }
    set_reg(d, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    for (unsigned n = 0; n < QUEUE_COUNT; n++)
        open_queue(d, n, fuzz_byte(in));
    set_reg(d, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
                             VIRTIO_DRIVER_OK);
}

/* ---- steps ------------------------------------------------------------------------------ */

static uint8_t *queue(Driver *d, unsigned n)
{
    return d->ram + n % QUEUE_COUNT * QUEUE_BYTES;
}

/* Mostly a buffer, sometimes a table of descriptors, anything else now and then. */
static uint64_t take_address(FuzzInput *in)
{
    uint8_t how = fuzz_byte(in);
    if (how < 0xe0)
        return BUFFERS + how * 0x100 + (fuzz_byte(in) & 0x3f);
    return how < 0xf8 ? QUEUES + fuzz_take(in, 2) : fuzz_take(in, 8);
}

static void write_descriptor(Driver *d, FuzzInput *in, uint8_t what)
{
    VirtqDesc desc = { .addr = take_address(in) };
    uint8_t at = fuzz_byte(in), len = fuzz_byte(in);
    desc.len = len < 0xf0 ? len * (len & 1 ? 1u : 16u) : (uint32_t)fuzz_take(in, 4);
    desc.flags = fuzz_byte(in) & 7;
    desc.next = desc.flags & VIRTQ_DESC_NEXT ? (at + 1) & 0xff : fuzz_byte(in);
    memcpy(queue(d, what) + at * sizeof(desc), &desc, sizeof(desc));
}

static void write_buffer(Driver *d, FuzzInput *in)
{
    uint64_t at = BUFFERS - QUEUES + fuzz_byte(in) * 0x100u;
    size_t len = fuzz_byte(in) & 0x3f;
    len = MIN(in->left, len);
    memcpy(d->ram + at, in->at, len);
    in->at += len;
    in->left -= len;
}

static void make_available(Driver *d, FuzzInput *in, uint8_t what)
{
    unsigned n = what % QUEUE_COUNT;
    VirtqAvail *avail = (VirtqAvail *)(queue(d, n) + 0x1000);
    uint16_t idx = atomic_load(&avail->idx);
    atomic_store(&avail->ring[idx % d->size[n]], fuzz_byte(in));
    atomic_store(&avail->idx, (uint16_t)(idx + 1));
    if (what & 4)
        set_reg(d, R_QUEUE_NOTIFY, n);
}

static void settle(Driver *d)
{
    if (d->drive)
        block_drain(d->drive);
    fuzz_poll(d->m);
}

static void step(Driver *d, FuzzInput *in)
{
    uint8_t what = fuzz_byte(in), low = what & 31;
    switch (what >> 5) {
    case 0: case 1: write_descriptor(d, in, low); break;
    case 2: write_buffer(d, in); break;
    case 3: case 4: make_available(d, in, low); break;
    case 5: set_reg(d, R_QUEUE_NOTIFY, low < 30 ? low % QUEUE_COUNT : fuzz_byte(in)); break;
    case 6: settle(d); break;
    default:
        if (low < 8)
            set_reg(d, (uint32_t)fuzz_byte(in) * 4, (uint32_t)fuzz_take(in, 4));
        else if (low < 16)
            start(d, in);
        else /* the rings' indices */
            memcpy(queue(d, low) + (low & 8 ? 0x1000 : 0x2000), &(uint32_t){ fuzz_take(in, 4) }, 4);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    Driver d = { 0 };
    driver_open(&d, fuzz_byte(&in));
    start(&d, &in);
    for (unsigned i = 0; in.left && i < STEPS_MAX; i++)
        step(&d, &in);
    settle(&d);
    return 0;
}
