// SPDX-License-Identifier: MIT
//
// The firmware configuration device of QEMU-compatible machines (QEMU's docs/specs/fw_cfg): items
// of bytes that firmware and the guest's kernel read by number, or by name through a directory.
//
// Window: `mmio`, 24 bytes: data (8), selector (2), DMA address (8 at offset 16).
// Items are added by the board before the guest runs and do not change afterwards, but for the
// files that are marked writable.
#ifndef HW_NVRAM_FW_CFG_H
#define HW_NVRAM_FW_CFG_H

#include "hw/core/device.h"

enum FwCfgKey {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
};

enum { FW_CFG_FILES = 32, FW_CFG_ITEMS = FW_CFG_FILE_FIRST + FW_CFG_FILES };

typedef struct FwCfgItem {
    const uint8_t *data; /* NULL: no such item, reads as zeroes */
    uint64_t size;
    void *owned;         /* freed with the device, or NULL */
    uint8_t number[8];   /* what `data` points to, when the item is a number */
    char name[56];       /* of a file */
} FwCfgItem;

typedef struct FwCfg {
    Device dev;
    MemoryRegion mmio;
    FwCfgItem items[FW_CFG_ITEMS];
    unsigned file_count;
    uint16_t key;        /* selected */
    uint64_t position;   /* in that item */
    uint64_t dma_high;   /* upper half of the DMA address, already written */
} FwCfg;

extern const DeviceType fw_cfg_type;

/* Bytes and texts that outlive the device, which does not copy them. */
void fw_cfg_add_bytes(FwCfg *f, enum FwCfgKey key, const void *data, uint64_t size);
void fw_cfg_add_string(FwCfg *f, enum FwCfgKey key, const char *text);
void fw_cfg_add_u16(FwCfg *f, enum FwCfgKey key, uint16_t value);
void fw_cfg_add_u32(FwCfg *f, enum FwCfgKey key, uint32_t value);
void fw_cfg_add_u64(FwCfg *f, enum FwCfgKey key, uint64_t value);
/* A named file, copied; false when there are too many or the name is too long or taken. */
bool fw_cfg_add_file(FwCfg *f, const char *name, const void *data, uint64_t size,
                     Error **err) MUST_CHECK;

#endif
