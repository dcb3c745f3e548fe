// SPDX-License-Identifier: MIT
//
// Register tables: finding the row, widths, masks, hooks. Contract in regs.h.
#include "hw/core/regs.h"

#include <assert.h>
#include <string.h>
#include "util/bitops.h"

static unsigned reg_count(const RegDesc *r)
{
    return r->count ? r->count : 1;
}

static Hwaddr reg_end(const RegDesc *r)
{
    return r->offset + (Hwaddr)reg_count(r) * r->width;
}

void regs_init(RegBank *bank, const RegDesc *regs, size_t count, Device *dev)
{
    for (size_t i = 0; i < count; i++) {
        assert(regs[i].width && is_power_of_2(regs[i].width) && regs[i].width <= 8);
        assert(i == 0 || reg_end(&regs[i - 1]) <= regs[i].offset);
    }
    *bank = (RegBank){ .regs = regs, .count = count, .dev = dev };
}

/* The row that covers `offset`, or NULL. */
static const RegDesc *reg_find(const RegBank *bank, Hwaddr offset)
{
    size_t low = 0, high = bank->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const RegDesc *r = &bank->regs[mid];
        if (offset < r->offset)
            high = mid;
        else if (offset >= reg_end(r))
            low = mid + 1;
        else
            return r;
    }
    return NULL;
}

static void *reg_storage(const RegBank *bank, const RegDesc *r, unsigned index)
{
    return r->storage ? (char *)bank->dev + r->storage + (size_t)index * r->width : NULL;
}

static uint64_t storage_get(const void *at, unsigned width)
{
    uint64_t v = 0;
    memcpy(&v, at, width); /* hosts are little-endian */
    return v;
}

/* The value of a whole register. */
static uint64_t reg_read(const RegBank *bank, const RegDesc *r, unsigned index)
{
    if (r->read)
        return r->read(bank->dev, index);
    const void *at = reg_storage(bank, r, index);
    if (!at)
        return r->reset; /* a constant */
    uint64_t v = storage_get(at, r->width);
    return r->read_mask ? v & r->read_mask : v;
}

/* Write the bits of `bytes` (a mask of the register) that a narrow access covers. */
static void reg_write(const RegBank *bank, const RegDesc *r, unsigned index, uint64_t value,
                      uint64_t bytes)
{
    if (r->write) {
        r->write(bank->dev, index, value);
        return;
    }
    void *at = reg_storage(bank, r, index);
    if (!at || !(r->write_mask | r->w1c_mask)) {
        if (r->wrote)
            r->wrote(bank->dev, index);
        else if (!r->ignores_writes)
            device_guest_error(bank->dev, "write of 0x%llx to read-only register %s",
                               (unsigned long long)value, r->name);
        return;
    }
    uint64_t old = storage_get(at, r->width), mask = r->write_mask & bytes;
    uint64_t next = ((old & ~mask) | (value & mask)) & ~(value & r->w1c_mask & bytes);
    memcpy(at, &next, r->width);
    if (r->wrote)
        r->wrote(bank->dev, index);
}

/* The piece of an access that falls into one register, or into no register. */
typedef struct Piece {
    const RegDesc *reg; /* NULL: none */
    unsigned index, first, bytes; /* of consecutive registers; byte in it; length */
} Piece;

static Piece piece_at(const RegBank *bank, Hwaddr offset, unsigned left)
{
    const RegDesc *r = reg_find(bank, offset);
    if (!r)
        return (Piece){ .bytes = MIN(left, 4 - (unsigned)(offset & 3)) };
    unsigned within = (unsigned)(offset - r->offset);
    unsigned first = within % r->width;
    return (Piece){ r, within / r->width, first, MIN(left, r->width - first) };
}

uint64_t regs_read(const RegBank *bank, Hwaddr offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned done = 0; done < size;) {
        Piece p = piece_at(bank, offset + done, size - done);
        if (p.reg) {
            uint64_t v = reg_read(bank, p.reg, p.index) >> (8 * p.first);
            value |= (v & bit_mask(8 * p.bytes)) << (8 * done);
        } else {
            device_guest_error(bank->dev, "read of %u byte(s) at offset 0x%llx: no register",
                               p.bytes, (unsigned long long)(offset + done));
        }
        done += p.bytes;
    }
    return value;
}

void regs_write(const RegBank *bank, Hwaddr offset, uint64_t value, unsigned size)
{
    for (unsigned done = 0; done < size;) {
        Piece p = piece_at(bank, offset + done, size - done);
        uint64_t v = value >> (8 * done) & bit_mask(8 * p.bytes);
        if (!p.reg)
            device_guest_error(bank->dev, "write of 0x%llx at offset 0x%llx: no register",
                               (unsigned long long)v, (unsigned long long)(offset + done));
        else if (p.reg->write && p.first)
            device_guest_error(bank->dev, "write of 0x%llx to byte %u of register %s is ignored",
                               (unsigned long long)v, p.first, p.reg->name);
        else
            reg_write(bank, p.reg, p.index, v << (8 * p.first),
                      bit_mask(8 * p.bytes) << (8 * p.first));
        done += p.bytes;
    }
}

void regs_reset(const RegBank *bank)
{
    for (size_t i = 0; i < bank->count; i++) {
        const RegDesc *r = &bank->regs[i];
        for (unsigned n = 0; r->storage && n < reg_count(r); n++)
            memcpy(reg_storage(bank, r, n), &r->reset, r->width);
    }
}

static uint64_t bank_read(void *opaque, Hwaddr offset, unsigned size)
{
    return regs_read(opaque, offset, size);
}

static void bank_write(void *opaque, Hwaddr offset, uint64_t value, unsigned size)
{
    regs_write(opaque, offset, value, size);
}

const MemoryOps reg_bank_ops = { bank_read, bank_write, 1, 4 };
