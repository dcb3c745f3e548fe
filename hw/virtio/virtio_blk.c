// SPDX-License-Identifier: MIT
//
// virtio block device (virtio 1.2, section 5.2).
//
// A request is taken from its queue on the vCPU that notifies, checked, and handed to the block
// backend; it is given back on the backend's thread. Requests are as many as the driver has under
// way and are kept for reuse. Where the header, the data and the status byte lie in the segments
// of a chain is the driver's choice, as the specification wants it.
#include "hw/virtio/virtio_blk.h"

#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "util/bitops.h"

#define SECTOR_BYTES UINT64_C(512) /* the protocol's unit, whatever logical_block_size is */

/* Feature bits */
enum {
    BLK_F_SEG_MAX = 2,
    BLK_F_RO = 5,
    BLK_F_BLK_SIZE = 6,
    BLK_F_FLUSH = 9,
    BLK_F_TOPOLOGY = 10,
    BLK_F_MQ = 12,
    BLK_F_DISCARD = 13,
    BLK_F_WRITE_ZEROES = 14,
};

/* Types of requests */
enum {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
};

enum { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };

enum { BLK_ID_BYTES = 20 };

/* Configuration space: offsets */
enum {
    CONFIG_CAPACITY = 0,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_PHYSICAL_EXPONENT = 24,
    CONFIG_MIN_IO_BLOCKS = 26,
    CONFIG_OPT_IO_BLOCKS = 28,
    CONFIG_NUM_QUEUES = 34,
    CONFIG_MAX_DISCARD_SECTORS = 36,
    CONFIG_MAX_DISCARD_SEGMENTS = 40,
    CONFIG_DISCARD_ALIGNMENT = 44,
    CONFIG_MAX_ZEROES_SECTORS = 48,
    CONFIG_MAX_ZEROES_SEGMENTS = 52,
    CONFIG_ZEROES_MAY_UNMAP = 56,
    CONFIG_BYTES = 60,
};

/* Reads up to this size are tried on the vCPU's own thread; longer ones rather run beside it. */
#define READ_NOW_BYTES_MAX (UINT64_C(32) << 10)

#define RANGE_SECTORS_MAX 0x3fffffu /* of one discard or write zeroes */

typedef struct BlkHeader {
    uint32_t type, reserved;
    uint64_t sector;
} BlkHeader;

/* What a discard or write zeroes carries; we announce that one range fits. */
typedef struct BlkRange {
    uint64_t sector;
    uint32_t sectors, flags; /* bit 0: unmap */
} BlkRange;

typedef struct BlkRequest {
    BlockRequest io;
    VirtioBlk *blk;
    VirtQueue *vq;
    VirtChain chain;
    bool status_apart; /* the last in segment is shown to the backend without the status byte */
    struct BlkRequest *next;
} BlkRequest;

static VirtioBlk *virtio_blk(VirtioDevice *v)
{
    return (VirtioBlk *)v;
}

/* ---- requests --------------------------------------------------------------------------- */

static BlkRequest *take_request_locked(VirtioBlk *b, VirtQueue *vq)
{
    BlkRequest *r = b->idle[vq->index];
    if (r) {
        b->idle[vq->index] = r->next;
    } else {
        r = calloc(1, sizeof(*r));
        if (r) {
            r->blk = b;
            r->vq = vq;
        }
    }
    return r;
}

static void keep_request_locked(BlkRequest *r)
{
    r->next = r->blk->idle[r->vq->index];
    r->blk->idle[r->vq->index] = r;
}

static void set_status_apart(BlkRequest *r, bool apart)
{
    if (r->status_apart != apart)
        virtchain_in(&r->chain)[r->chain.in_count - 1].iov_len += apart ? -1 : 1;
    r->status_apart = apart;
}

/* The status is the last byte that the device writes. */
static void complete_locked(BlkRequest *r, uint8_t status)
{
    set_status_apart(r, false);
    virtchain_write(&r->chain, r->chain.in_bytes - 1, &status, 1);
    virtqueue_push_locked(r->vq, &r->chain, (uint32_t)MIN(r->chain.in_bytes, UINT32_MAX));
    keep_request_locked(r);
}

static void io_done(BlockRequest *io, int error)
{
    BlkRequest *r = io->opaque;
    VirtioBlk *b = r->blk;
    /* A driver that never flushes is promised that writes are on the medium. */
    if (!error && (io->op == BLOCK_WRITE || io->op == BLOCK_WRITE_ZEROES) &&
        !virtio_has_feature(&b->v, BLK_F_FLUSH)) {
        io->op = BLOCK_FLUSH;
        block_submit(b->drive, io);
        return;
    }
    VirtQueue *vq = r->vq;
    pthread_mutex_lock(&vq->lock);
    complete_locked(r, error ? BLK_S_IOERR : BLK_S_OK);
    virtqueue_publish_locked(vq);
    pthread_mutex_unlock(&vq->lock);
}

static void submit(BlkRequest *r, BlockOp op, uint64_t offset, uint64_t len)
{
    r->io.op = op;
    r->io.offset = offset;
    r->io.len = len;
    r->io.done = io_done;
    r->io.opaque = r;
    block_submit(r->blk->drive, &r->io);
}

static bool range_is_good(const VirtioBlk *b, uint64_t sector, uint64_t len)
{
    uint64_t capacity = b->capacity_bytes;
    return sector <= capacity / SECTOR_BYTES && len <= capacity - sector * SECTOR_BYTES;
}

/* Each of these returns the status if the request is done already, or SUBMITTED. */
enum { SUBMITTED = 0x100 };

static int start_transfer(BlkRequest *r, const BlkHeader *h, bool write)
{
    VirtChain *c = &r->chain;
    uint64_t len = write ? c->out_bytes - sizeof(*h) : c->in_bytes - 1;
    if (len % SECTOR_BYTES || !range_is_good(r->blk, h->sector, len) ||
        (write && block_read_only(r->blk->drive)))
        return BLK_S_IOERR;
    if (len == 0)
        return BLK_S_OK;
    if (write) {
        r->io.iov = c->iov;
        r->io.iov_count = c->out_count;
        iov_cut_front(&r->io.iov, &r->io.iov_count, sizeof(*h));
    } else {
        set_status_apart(r, true);
        r->io.iov = virtchain_in(c);
        r->io.iov_count = c->in_count - (r->io.iov[c->in_count - 1].iov_len == 0);
        if (len <= READ_NOW_BYTES_MAX &&
            block_read_now(r->blk->drive, r->io.iov, r->io.iov_count, h->sector * SECTOR_BYTES,
                           len))
            return BLK_S_OK;
    }
    submit(r, write ? BLOCK_WRITE : BLOCK_READ, h->sector * SECTOR_BYTES, len);
    return SUBMITTED;
}

static int answer_id(BlkRequest *r)
{
    char id[BLK_ID_BYTES] = { 0 };
    const char *serial = r->blk->serial ? r->blk->serial : "";
    memcpy(id, serial, MIN(strlen(serial), sizeof(id)));
    virtchain_write(&r->chain, 0, id, MIN(sizeof(id), r->chain.in_bytes - 1));
    return BLK_S_OK;
}

static int start_range(BlkRequest *r, bool zeroes)
{
    const VirtioBlk *b = r->blk;
    BlkRange range;
    if (!virtio_has_feature(&b->v, zeroes ? BLK_F_WRITE_ZEROES : BLK_F_DISCARD))
        return BLK_S_UNSUPP;
    if (r->chain.out_bytes != sizeof(BlkHeader) + sizeof(range))
        return BLK_S_UNSUPP;
    virtchain_read(&r->chain, sizeof(BlkHeader), &range, sizeof(range));
    uint64_t len = range.sectors * SECTOR_BYTES;
    if (range.flags & ~(zeroes ? 1u : 0u))
        return BLK_S_UNSUPP;
    if (range.sectors > RANGE_SECTORS_MAX || !range_is_good(b, range.sector, len) ||
        block_read_only(b->drive))
        return BLK_S_IOERR;
    r->io.unmap = range.flags & 1;
    submit(r, zeroes ? BLOCK_WRITE_ZEROES : BLOCK_DISCARD, range.sector * SECTOR_BYTES, len);
    return SUBMITTED;
}

static int start_request(BlkRequest *r)
{
    BlkHeader h;
    virtchain_read(&r->chain, 0, &h, sizeof(h));
    switch (h.type) {
    case BLK_T_IN:
        return start_transfer(r, &h, false);
    case BLK_T_OUT:
        return start_transfer(r, &h, true);
    case BLK_T_FLUSH:
        submit(r, BLOCK_FLUSH, 0, 0);
        return SUBMITTED;
    case BLK_T_GET_ID:
        return answer_id(r);
    case BLK_T_DISCARD:
        return start_range(r, false);
    case BLK_T_WRITE_ZEROES:
        return start_range(r, true);
    default:
        return BLK_S_UNSUPP;
    }
}

/* False: there is none, or it was nonsense. */
static bool serve_one_locked(VirtioBlk *b, VirtQueue *vq)
{
    BlkRequest *r = take_request_locked(b, vq);
    if (!r) {
        virtio_break(&b->v, "queue %u: the host is out of memory for a request", vq->index);
        return false;
    }
    if (!virtqueue_pop_locked(vq, &r->chain)) {
        keep_request_locked(r);
        return false;
    }
    if (r->chain.out_bytes < sizeof(BlkHeader) || r->chain.in_bytes < 1) {
        virtio_break(&b->v, "queue %u: a request without header or status byte", vq->index);
        keep_request_locked(r);
        return false;
    }
    int status = start_request(r);
    if (status != SUBMITTED)
        complete_locked(r, (uint8_t)status);
    return true;
}

static void blk_notify(VirtioDevice *v, unsigned queue)
{
    VirtioBlk *b = virtio_blk(v);
    VirtQueue *vq = &v->queues[queue];
    pthread_mutex_lock(&vq->lock);
    do {
        virtqueue_silence_locked(vq);
        while (serve_one_locked(b, vq))
            continue;
        virtqueue_publish_locked(vq);
    } while (!virtqueue_listen_locked(vq) && virtio_runs(v));
    pthread_mutex_unlock(&vq->lock);
}

static void blk_stop(VirtioDevice *v)
{
    block_drain(virtio_blk(v)->drive);
}

static const VirtioClass blk_class = { .device_id = 2, .notify = blk_notify, .stop = blk_stop };

/* ---- the device ------------------------------------------------------------------------- */

static bool check_properties(VirtioBlk *b, Error **err)
{
    const char *name = b->v.dev.type->name;
    uint32_t logical = b->logical_block_size;
    if (!b->drive)
        return error_set(err, "device '%s' needs a drive; give it drive=ID, the id of a -drive",
                         name);
    if (!is_power_of_2(logical) || logical < SECTOR_BYTES || logical > 65536)
        return error_set(err, "device '%s': logical_block_size must be a power of two from 512 to "
                         "65536, not %u", name, logical);
    if (!b->physical_block_size)
        b->physical_block_size = logical;
    if (!is_power_of_2(b->physical_block_size) || b->physical_block_size < logical)
        return error_set(err, "device '%s': physical_block_size must be a power of two and not "
                         "below logical_block_size", name);
    if (b->min_io_size % logical || b->opt_io_size % logical)
        return error_set(err, "device '%s': min_io_size and opt_io_size must be multiples of "
                         "logical_block_size", name);
    if (b->min_io_size / logical > UINT16_MAX)
        return error_set(err, "device '%s': min_io_size is too large", name);
    if (!virtio_check_queue_size(&b->v, b->queue_size, 4, err))
        return false;
    if (b->queue_count < 1 || b->queue_count > VIRTIO_BLK_QUEUES_MAX)
        return error_set(err, "device '%s': num-queues must be from 1 to %u", name,
                         VIRTIO_BLK_QUEUES_MAX);
    return true;
}

static void fill_config(VirtioBlk *b)
{
    VirtioDevice *v = &b->v;
    uint32_t logical = b->logical_block_size;
    b->capacity_bytes = align_down(block_size(b->drive), logical);
    v->config_bytes = CONFIG_BYTES;
    virtio_config_put(v, CONFIG_CAPACITY, b->capacity_bytes / SECTOR_BYTES, 8);
    virtio_config_put(v, CONFIG_SEG_MAX, MIN(b->queue_size, VIRTQ_CHAIN_MAX) - 2, 4);
    virtio_config_put(v, CONFIG_BLK_SIZE, logical, 4);
    virtio_config_put(v, CONFIG_PHYSICAL_EXPONENT,
                      (uint64_t)__builtin_ctz(b->physical_block_size / logical), 1);
    virtio_config_put(v, CONFIG_MIN_IO_BLOCKS, b->min_io_size / logical, 2);
    virtio_config_put(v, CONFIG_OPT_IO_BLOCKS, b->opt_io_size / logical, 4);
    virtio_config_put(v, CONFIG_NUM_QUEUES, b->queue_count, 2);
    virtio_config_put(v, CONFIG_MAX_DISCARD_SECTORS, RANGE_SECTORS_MAX, 4);
    virtio_config_put(v, CONFIG_MAX_DISCARD_SEGMENTS, 1, 4);
    virtio_config_put(v, CONFIG_DISCARD_ALIGNMENT, logical / SECTOR_BYTES, 4);
    virtio_config_put(v, CONFIG_MAX_ZEROES_SECTORS, RANGE_SECTORS_MAX, 4);
    virtio_config_put(v, CONFIG_MAX_ZEROES_SEGMENTS, 1, 4);
    virtio_config_put(v, CONFIG_ZEROES_MAY_UNMAP, 1, 1);
}

static uint64_t features(const VirtioBlk *b)
{
    uint64_t f = BIT(BLK_F_SEG_MAX) | BIT(BLK_F_BLK_SIZE) | BIT(BLK_F_TOPOLOGY) | BIT(BLK_F_FLUSH);
    if (b->queue_count > 1)
        f |= BIT(BLK_F_MQ);
    if (block_read_only(b->drive))
        return f | BIT(BLK_F_RO);
    return f | (b->discard ? BIT(BLK_F_DISCARD) : 0) |
           (b->write_zeroes ? BIT(BLK_F_WRITE_ZEROES) : 0);
}

static bool virtio_blk_realize(Device *dev, Error **err)
{
    VirtioBlk *b = (VirtioBlk *)dev;
    uint32_t sizes[VIRTIO_BLK_QUEUES_MAX];
    if (!check_properties(b, err) ||
        !block_claim(b->drive, device_name(dev), err))
        return false;
    b->claimed = true;
    fill_config(b);
    for (uint32_t i = 0; i < b->queue_count; i++)
        sizes[i] = b->queue_size;
    return virtio_init(&b->v, &blk_class, features(b), sizes, b->queue_count, err);
}

static void virtio_blk_destroy(Device *dev)
{
    VirtioBlk *b = (VirtioBlk *)dev;
    virtio_cleanup(&b->v);
    if (b->claimed)
        block_release(b->drive);
    for (unsigned i = 0; i < VIRTIO_BLK_QUEUES_MAX; i++) {
        for (BlkRequest *r; (r = b->idle[i]);) {
            b->idle[i] = r->next;
            virtchain_free(&r->chain);
            free(r);
        }
    }
}

static const Property virtio_blk_properties[] = {
    { "drive", PROP_DRIVE, offsetof(VirtioBlk, drive), NULL, "the disk" },
    { "serial", PROP_STRING, offsetof(VirtioBlk, serial), NULL,
      "serial number; the guest sees 20 characters" },
    { "logical_block_size", PROP_UINT32, offsetof(VirtioBlk, logical_block_size), "512",
      "bytes of the smallest unit of transfer" },
    { "physical_block_size", PROP_UINT32, offsetof(VirtioBlk, physical_block_size), "0",
      "bytes of the smallest unit without read-modify-write; 0: as logical_block_size" },
    { "min_io_size", PROP_UINT32, offsetof(VirtioBlk, min_io_size), "0",
      "advice for the guest: bytes of a small transfer" },
    { "opt_io_size", PROP_UINT32, offsetof(VirtioBlk, opt_io_size), "0",
      "advice for the guest: bytes of a good transfer" },
    { "num-queues", PROP_UINT32, offsetof(VirtioBlk, queue_count), "1", "request queues" },
    { "queue-size", PROP_UINT32, offsetof(VirtioBlk, queue_size), "256", "entries of a queue" },
    { "discard", PROP_BOOL, offsetof(VirtioBlk, discard), "on",
      "offer discard; it reaches the file with -drive discard=unmap" },
    { "write-zeroes", PROP_BOOL, offsetof(VirtioBlk, write_zeroes), "on", "offer write zeroes" },
    VIRTIO_PROPERTIES,
    { 0 },
};

const DeviceType virtio_blk_type = {
    .name = "virtio-blk-device",
    .help = "disk",
    .bus = "virtio-bus",
    .user_creatable = true,
    .size = sizeof(VirtioBlk),
    .properties = virtio_blk_properties,
    .realize = virtio_blk_realize,
    .destroy = virtio_blk_destroy,
};
