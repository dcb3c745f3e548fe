// SPDX-License-Identifier: MIT
//
// Direct boot of 64-bit Arm kernels (Linux, Documentation/arch/arm64/booting.rst): reading and
// checking kernel, initrd and device tree, their places in RAM, and the state in which the first
// CPU starts. ELF programs are loaded at their physical addresses and started the same way.
//
//   RAM + 2 MiB             Image (+ its text_offset)
//   RAM + min(128M, RAM/2)  initrd, or behind the kernel where that reaches further
//   next 2 MiB boundary     device tree; at the start of RAM for an ELF program that
//                           leaves room, and without a kernel
#ifndef HW_ARM_BOOT_H
#define HW_ARM_BOOT_H

#include "hw/core/loader.h"
#include "hw/core/machine.h"

typedef struct ArmBoot {
    FileData kernel, initrd;
    BlobList *blobs;  /* the machine's */
    void *fdt;        /* malloc'ed */
    bool randomness;  /* fill /chosen/rng-seed and kaslr-seed anew at each reset */
    Hwaddr entry, kernel_low, kernel_high;
    Hwaddr initrd_addr, fdt_addr;
    bool is_linux;    /* an Image */
} ArmBoot;

/* Load what the machine's configuration names. `fdt` is the board's device tree, malloc'ed, of which this takes
 * possession; -dtb replaces it. /chosen and /memory are filled in. On failure call
 * arm_boot_free() all the same. */
bool arm_boot_load(ArmBoot *boot, Machine *m, Hwaddr ram_base, void *fdt, bool randomness,
                   Error **err) MUST_CHECK;
/* Write everything to RAM. The first CPU then starts at `entry` with X0 = `fdt_addr`. */
void arm_boot_reset(ArmBoot *boot, MemorySpace *space);
/* The names in the kernel file: an ELF program's symbols, an Image's kallsyms. */
bool arm_boot_load_symbols(const ArmBoot *boot, struct Symbols *symbols);
void arm_boot_free(ArmBoot *boot);

#endif
