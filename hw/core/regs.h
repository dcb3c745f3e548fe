// SPDX-License-Identifier: MIT
//
// Register tables: a device states each register once. Dispatch, tracing, reset and the
// reference documentation come from the table.
//
//     static const RegDesc pl031_regs[] = {
//         { 0x00, 4, "RTCDR",  .read = pl031_read_dr, .help = "current seconds" },
//         { 0x04, 4, "RTCMR",  REG_AT(PL031, match), .write_mask = ~0u, .wrote = ... },
//
// A read gives the hook's value, or (storage & read_mask); a row with neither is a constant, its
// `reset`. A write goes to the `write` hook, or computes
//   new = (old & ~write_mask) | (value & write_mask), then clears the bits of value & w1c_mask,
// stores it, and calls `wrote`. Offsets that no row covers read as zero, ignore writes, and are a
// line under -d guest_errors; so is a write to a read-only register.
//
// Widths: an access wider than a register goes to consecutive registers, in ascending order. A
// narrower read takes its bytes of the register; a narrower write merges with the stored bytes, or,
// where there is a `write` hook, must start at the lowest byte and is extended with zeros.
#ifndef HW_CORE_REGS_H
#define HW_CORE_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hw/core/device.h"

typedef struct RegDesc {
    uint32_t offset;
    uint8_t width;       /* bytes: 1, 2, 4, 8 */
    const char *name;    /* as in the data sheet */
    uint32_t storage;    /* offset in the device's struct, 0: none */
    uint64_t reset;
    uint64_t read_mask;  /* 0: all of the storage is readable */
    uint64_t write_mask;
    uint64_t w1c_mask;
    uint16_t count;      /* of consecutive registers `width` apart, 0: one */
    uint64_t (*read)(Device *dev, unsigned index);
    void (*write)(Device *dev, unsigned index, uint64_t value); /* instead of the masks */
    void (*wrote)(Device *dev, unsigned index); /* after the masks */
    bool ignores_writes; /* read-only, and software is known to write it all the same */
    const char *help;
} RegDesc;

#define REG_AT(type, field) .storage = offsetof(type, field)

typedef struct RegBank {
    const RegDesc *regs;
    size_t count;
    Device *dev;
} RegBank;

/* `regs` is sorted by offset, rows do not overlap (asserted). */
void regs_init(RegBank *bank, const RegDesc *regs, size_t count, Device *dev);
uint64_t regs_read(const RegBank *bank, Hwaddr offset, unsigned size);
void regs_write(const RegBank *bank, Hwaddr offset, uint64_t value, unsigned size);
void regs_reset(const RegBank *bank); /* storage gets the reset values */

/* MemoryOps whose opaque is a RegBank: 1 to 4 bytes. */
extern const MemoryOps reg_bank_ops;

#endif
