// SPDX-License-Identifier: MIT
//
// fw_cfg, the memory-mapped form with DMA (QEMU's docs/specs/fw_cfg). Selector and DMA address are
// big-endian registers, the data register is a stream of bytes that keeps their order.
//
// A DMA transfer goes to RAM only: a guest that aims it at a device, this one included, gets the
// error bit. dev.lock guards selector and position.
#include "hw/nvram/fw_cfg.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "util/bitops.h"

enum { REG_DATA = 0, REG_SELECTOR = 8, REG_DMA = 16, WINDOW_BYTES = 24 };

enum { /* control word of a DMA request */
    DMA_ERROR = 1 << 0,
    DMA_READ = 1 << 1,
    DMA_SKIP = 1 << 2,
    DMA_SELECT = 1 << 3,
    DMA_WRITE = 1 << 4,
    DMA_KEY_SHIFT = 16,
};

enum { ID_TRADITIONAL = 1 << 0, ID_DMA = 1 << 1 };

#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) /* "QEMU CFG" */

typedef struct DmaRequest { /* in guest memory, big-endian */
    uint32_t control, length;
    uint64_t address;
} DmaRequest;

/* A row of the directory, big-endian. */
typedef struct DirEntry {
    uint32_t size;
    uint16_t key, reserved;
    char name[56];
} DirEntry;

static FwCfg *fw_cfg(Device *dev)
{
    return (FwCfg *)dev;
}

/* ---- items ------------------------------------------------------------------------------ */

static void item_set(FwCfg *f, unsigned key, const void *data, uint64_t size, void *owned)
{
    FwCfgItem *item = &f->items[key];
    free(item->owned);
    item->data = data;
    item->size = size;
    item->owned = owned;
}

void fw_cfg_add_bytes(FwCfg *f, enum FwCfgKey key, const void *data, uint64_t size)
{
    item_set(f, key, data, size, NULL);
}

static void item_number(FwCfg *f, unsigned key, const void *value, uint64_t size)
{
    FwCfgItem *item = &f->items[key];
    assert(size <= sizeof(item->number));
    memcpy(item->number, value, size);
    item_set(f, key, item->number, size, NULL);
}

void fw_cfg_add_u16(FwCfg *f, enum FwCfgKey key, uint16_t value)
{
    value = htole16(value);
    item_number(f, key, &value, sizeof(value));
}

void fw_cfg_add_u32(FwCfg *f, enum FwCfgKey key, uint32_t value)
{
    value = htole32(value);
    item_number(f, key, &value, sizeof(value));
}

void fw_cfg_add_u64(FwCfg *f, enum FwCfgKey key, uint64_t value)
{
    value = htole64(value);
    item_number(f, key, &value, sizeof(value));
}

void fw_cfg_add_string(FwCfg *f, enum FwCfgKey key, const char *text)
{
    fw_cfg_add_bytes(f, key, text, strlen(text) + 1);
}

/* The directory, rebuilt from the files. */
static bool update_directory(FwCfg *f)
{
    size_t size = sizeof(uint32_t) + f->file_count * sizeof(DirEntry);
    uint8_t *dir = calloc(1, size);
    if (!dir)
        return false;
    uint32_t count = htobe32(f->file_count);
    memcpy(dir, &count, sizeof(count));
    for (unsigned i = 0; i < f->file_count; i++) {
        const FwCfgItem *item = &f->items[FW_CFG_FILE_FIRST + i];
        DirEntry e = { .size = htobe32((uint32_t)item->size),
                       .key = htobe16((uint16_t)(FW_CFG_FILE_FIRST + i)) };
        memcpy(e.name, item->name, sizeof(e.name));
        memcpy(dir + sizeof(count) + i * sizeof(e), &e, sizeof(e));
    }
    item_set(f, FW_CFG_FILE_DIR, dir, size, dir);
    return true;
}

bool fw_cfg_add_file(FwCfg *f, const char *name, const void *data, uint64_t size, Error **err)
{
    if (strlen(name) >= sizeof(f->items[0].name))
        return error_set(err, "fw_cfg file name '%s' is too long; use at most 55 characters", name);
    for (unsigned i = 0; i < f->file_count; i++)
        if (strcmp(f->items[FW_CFG_FILE_FIRST + i].name, name) == 0)
            return error_set(err, "there are two fw_cfg files named '%s'", name);
    if (f->file_count == FW_CFG_FILES)
        return error_set(err, "too many fw_cfg files; at most %d fit", FW_CFG_FILES);
    unsigned key = FW_CFG_FILE_FIRST + f->file_count;
    void *copy = malloc(size ? size : 1);
    if (copy) {
        memcpy(copy, data, size);
        item_set(f, key, copy, size, copy);
    }
    strcpy(f->items[key].name, name);
    f->file_count++;
    if (!copy || !update_directory(f))
        return error_set(err, "out of memory for fw_cfg file '%s'", name);
    return true;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void select_item(FwCfg *f, uint16_t key)
{
    f->key = key & 0x3fff; /* bits 14 and 15: write channel, architecture's own; not used */
    f->position = 0;
    if (f->key >= FW_CFG_ITEMS || !f->items[f->key].data)
        f->position = UINT64_MAX; /* nothing to read */
}

static uint64_t bytes_left(const FwCfg *f)
{
    if (f->position == UINT64_MAX)
        return 0;
    return f->items[f->key].size - f->position;
}

/* Copy the next `len` bytes, zeroes past the end; `to` NULL skips. */
static void take(FwCfg *f, uint8_t *to, uint64_t len)
{
    uint64_t have = MIN(len, bytes_left(f));
    if (to && have)
        memcpy(to, f->items[f->key].data + f->position, have);
    if (to)
        memset(to + have, 0, len - have);
    if (have)
        f->position += have;
}

/* ---- DMA -------------------------------------------------------------------------------- */

static bool dma_transfer(FwCfg *f, uint32_t control, Hwaddr address, uint32_t length)
{
    MemorySpace *space = &f->dev.machine->memory;
    if (control & DMA_SELECT)
        select_item(f, (uint16_t)(control >> DMA_KEY_SHIFT));
    if (control & DMA_READ) {
        void *to = length ? memory_host(space, address, length, true) : NULL;
        if (length && !to)
            return false;
        take(f, to, length);
        if (length)
            memory_written(space, address, length);
        return true;
    }
    if (control & DMA_WRITE)
        return false; /* no item is writable */
    if (control & DMA_SKIP)
        take(f, NULL, length);
    return true;
}

static void dma_start(FwCfg *f, Hwaddr request_addr)
{
    MemorySpace *space = &f->dev.machine->memory;
    DmaRequest *in_guest = memory_host(space, request_addr, sizeof(*in_guest), true);
    if (!in_guest) {
        device_guest_error(&f->dev, "DMA request at 0x%llx, where there is no RAM",
                           (unsigned long long)request_addr);
        return;
    }
    DmaRequest req;
    memcpy(&req, in_guest, sizeof(req));
    bool ok = dma_transfer(f, be32toh(req.control), be64toh(req.address), be32toh(req.length));
    if (!ok)
        device_guest_error(&f->dev, "DMA of 0x%x bytes to 0x%llx with control 0x%x failed",
                           be32toh(req.length), (unsigned long long)be64toh(req.address),
                           be32toh(req.control));
    uint32_t result = htobe32(ok ? 0 : DMA_ERROR);
    memcpy(in_guest, &result, sizeof(result));
    memory_written(space, request_addr, sizeof(result));
}

/* ---- registers -------------------------------------------------------------------------- */

/* `value` of `size` bytes with their order reversed. */
static uint64_t swap_bytes(uint64_t value, unsigned size)
{
    return be64toh(value) >> (64 - 8 * size);
}

static uint64_t fw_cfg_read(void *opaque, Hwaddr offset, unsigned size)
{
    FwCfg *f = opaque;
    if (offset < REG_SELECTOR) {
        uint64_t value = 0;
        take(f, (uint8_t *)&value, size);
        return value;
    }
    if (offset >= REG_DMA) {
        uint64_t low_first = be64toh(DMA_SIGNATURE);
        return low_first >> (8 * (offset - REG_DMA)) & bit_mask(8 * size);
    }
    return 0;
}

static void fw_cfg_write(void *opaque, Hwaddr offset, uint64_t value, unsigned size)
{
    FwCfg *f = opaque;
    if (offset == REG_SELECTOR && size == 2) {
        select_item(f, (uint16_t)swap_bytes(value, 2));
    } else if (offset == REG_DMA && size == 8) {
        f->dma_high = 0;
        dma_start(f, swap_bytes(value, 8));
    } else if (offset == REG_DMA && size == 4) {
        f->dma_high = swap_bytes(value, 4) << 32;
    } else if (offset == REG_DMA + 4 && size == 4) {
        Hwaddr high = f->dma_high;
        f->dma_high = 0;
        dma_start(f, high | swap_bytes(value, 4));
    } else {
        device_guest_error(&f->dev, "%u-byte write at offset 0x%llx is ignored", size,
                           (unsigned long long)offset);
    }
}

static const MemoryOps fw_cfg_ops = { fw_cfg_read, fw_cfg_write, 1, 8 };

/* ---- device ----------------------------------------------------------------------------- */

static bool fw_cfg_realize(Device *dev, Error **err)
{
    FwCfg *f = fw_cfg(dev);
    memory_region_init_mmio(&f->mmio, "fw-cfg", WINDOW_BYTES, &fw_cfg_ops, f, &dev->lock);
    fw_cfg_add_bytes(f, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_u32(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    if (!update_directory(f))
        return error_set(err, "out of memory for fw_cfg");
    return true;
}

static void fw_cfg_reset(Device *dev)
{
    FwCfg *f = fw_cfg(dev);
    pthread_mutex_lock(&dev->lock);
    select_item(f, FW_CFG_SIGNATURE);
    f->dma_high = 0;
    pthread_mutex_unlock(&dev->lock);
}

static void fw_cfg_destroy(Device *dev)
{
    for (unsigned i = 0; i < FW_CFG_ITEMS; i++)
        free(fw_cfg(dev)->items[i].owned);
}

const DeviceType fw_cfg_type = {
    .name = "fw_cfg_mem",
    .help = "QEMU-compatible firmware configuration, memory-mapped, with DMA",
    .bus = "system-bus",
    .size = sizeof(FwCfg),
    .realize = fw_cfg_realize,
    .reset = fw_cfg_reset,
    .destroy = fw_cfg_destroy,
};
