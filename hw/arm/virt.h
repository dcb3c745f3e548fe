// SPDX-License-Identifier: MIT
//
// The Arm `virt` board: a machine that exists only as emulation, with the memory map and device
// tree that kernels and firmware made for QEMU's board of that name expect. GICv2 with up to 8
// CPUs, or GICv3 with up to 64.
#ifndef HW_ARM_VIRT_H
#define HW_ARM_VIRT_H

#include "hw/core/machine.h"

extern const BoardType virt_board_type;

#endif
