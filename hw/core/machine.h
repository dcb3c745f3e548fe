// SPDX-License-Identifier: MIT
//
// The machine: everything that one guest consists of hangs off this structure. There may be
// several in a process.
#ifndef HW_CORE_MACHINE_H
#define HW_CORE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "softmmu/clock.h"
#include "softmmu/mainloop.h"
#include "softmmu/memory.h"
#include "softmmu/runstate.h"
#include "softmmu/vcpu.h"
#include "util/error.h"
#include "util/log.h"

typedef struct Machine Machine;

/* A board. `help` is what -M help prints. */
typedef struct BoardType {
    const char *name;    /* "virt" */
    const char *alias;   /* or NULL */
    const char *help;    /* "QEMU-compatible ..." one line */
    const char *arch;    /* "aarch64" */
    const char *default_cpu;
    uint32_t max_cpus;
    uint64_t default_ram, max_ram; /* bytes */
    const Property *properties;    /* of -M NAME,property=value; offsets in the board's struct */
    size_t size;
    /* Build everything from m->config; backends exist already. */
    bool (*create)(Machine *m, Error **err);
    /* System reset: devices are reset already; loads kernel and sets CPUs to their start. */
    void (*reset)(Machine *m);
    void (*powerdown)(Machine *m); /* press the power button */
    /* Take a device of -device; false with an Error when it does not fit. */
    bool (*plug)(Machine *m, Device *dev, Error **err);
} BoardType;

extern const BoardType *const board_types[]; /* ends with NULL */

struct SerialConfig;

/* What the command line asked for. Strings live as long as the machine. */
typedef struct MachineConfig {
    const char *name;
    const char *cpu_model;      /* with features: "max,pauth=off" */
    uint32_t cpus, max_cpus, sockets, clusters, cores, threads; /* 0: not given */
    uint64_t ram_bytes;
    const char *kernel, *initrd, *append, *dtb, *firmware; /* paths, or NULL */
    const char *dumpdtb;
    bool no_reboot;
    struct Chardev *serials[4]; /* NULL: none */
    unsigned serial_count;
    int64_t rtc_offset_seconds; /* guest's clock minus the host's */
} MachineConfig;

struct Machine {
    const BoardType *board;
    void *board_state;      /* board->size bytes */
    MachineConfig config;
    Log *log;
    MainLoop *loop;
    VirtClock *clock;
    RunState run;
    MemoryRegion system;    /* root container of the physical address space */
    MemorySpace memory;
    VCPU **cpus;
    uint32_t cpu_count;
    Device *devices, **devices_tail;
    struct Accel *accel;    /* boards and devices do not look inside */
    struct BlockBackend *drives; /* lists by id, for properties */
    struct NetBackend *netdevs;
    struct Chardev *chardevs;
};

/* A machine without a board: log, loop, clock, memory space. */
Machine *machine_create(Log *log, Error **err);
void machine_destroy(Machine *m);
/* Reset all devices, then the CPUs through the board. vCPUs are paused. */
void machine_reset(Machine *m);

#endif
