// SPDX-License-Identifier: MIT
//
// `-device loader`: files and values that the user wants in guest memory at each reset, and the
// address at which a CPU starts. Properties:
//
//   file=F[,addr=A][,force-raw=on][,cpu-num=N]   an ELF program, or the bytes of F at A
//   addr=A,data=V,data-len=L[,data-be=on]        a value of L bytes
//   addr=A,cpu-num=N                             CPU N starts at A
#ifndef HW_CORE_LOADER_DEVICE_H
#define HW_CORE_LOADER_DEVICE_H

#include "hw/core/device.h"
#include "hw/core/loader.h"

typedef struct LoaderDevice {
    Device dev;
    /* properties */
    char *file;
    uint64_t addr, data;
    uint32_t data_len, cpu_num;
    bool data_be, force_raw;

    char *what;       /* for messages */
    FileData bytes;
    uint8_t value[8]; /* `data` in the guest's order */
    bool starts_cpu;
    Hwaddr entry;
} LoaderDevice;

extern const DeviceType loader_device_type;

#endif
