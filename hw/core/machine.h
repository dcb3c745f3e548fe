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
#include "hw/core/loader.h"
#include "softmmu/clock.h"
#include "softmmu/mainloop.h"
#include "softmmu/memory.h"
#include "softmmu/runstate.h"
#include "softmmu/vcpu.h"
#include "util/error.h"
#include "util/log.h"

typedef struct Machine Machine;
struct Symbols;

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
    /* The names that the kernel carries; false: none. And where its first byte is, before its MMU
     * is on. May be NULL. */
    bool (*load_symbols)(const Machine *m, struct Symbols *symbols);
    Hwaddr (*kernel_address)(const Machine *m);
    void (*destroy)(Machine *m);   /* what create made besides devices and CPUs; may be NULL */
} BoardType;

extern const BoardType *const board_types[]; /* ends with NULL */

struct SerialConfig;

/* Services of the host for programs without an operating system (hw/arm/semihosting.h). */
typedef struct SemihostingConfig {
    bool userspace;     /* at EL0, too */
    char *command_line; /* SYS_GET_CMDLINE; NULL: the kernel's name and -append */
    char *root;         /* the folder that files are confined to; NULL: none */
    char *chardev;      /* id of the console; NULL: standard output, no input */
} SemihostingConfig;

/* What the command line asked for. Strings live as long as the machine. */
typedef struct MachineConfig {
    const char *name;
    const char *cpu_model;      /* with features: "max,pauth=off" */
    uint32_t cpus, max_cpus, sockets, clusters, cores, threads; /* 0: not given */
    uint64_t ram_bytes;
    HostRamSource ram_source;
    const char *kernel, *initrd, *append, *dtb, *firmware; /* paths, or NULL */
    const char *dumpdtb;        /* write the device tree there and end */
    bool no_reboot;
    bool passive;               /* nothing executes (Accel): a kernel is not needed */
    struct Chardev *serials[4]; /* NULL: none */
    unsigned serial_count;
    const SemihostingConfig *semihosting; /* NULL: off */
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
    BlobList blobs;         /* what is loaded at each reset, by the board and others */
    bool has_program;       /* some CPU has something to run */
    struct Accel *accel;    /* boards and devices do not look inside */
    /* backends by id, for properties; owned by the machine */
    struct BlockBackend **drives;
    struct NetBackend **netdevs;
    struct Chardev **chardevs;
    struct FsDev **fsdevs;
    size_t drive_count, netdev_count, chardev_count, fsdev_count;
};

/* A machine without a board: log, loop, clock, memory space. */
Machine *machine_create(Log *log, Error **err);
/* Devices, CPUs, then backends. The engine is gone already. */
void machine_destroy(Machine *m);

/* Rows of board_types[] by name or alias; NULL with a did-you-mean. */
const BoardType *board_type_find(const char *name, Error **err);
void board_print_types(FILE *out);      /* -M help */
/* Choose the board and give its properties their defaults. Call before machine_set(). */
bool machine_select_board(Machine *m, const BoardType *board, Error **err) MUST_CHECK;
/* A property=value of -M. */
bool machine_set(Machine *m, const char *name, const char *value, Error **err) MUST_CHECK;
/* Check m->config against the board's limits, fill in what was not given, create everything and
 * publish the memory map. With config.dumpdtb set the file is written: the caller ends then. */
bool machine_build(Machine *m, Error **err) MUST_CHECK;

/* Hand over a backend; its id must be new. On failure it still belongs to the caller. */
bool machine_add_drive(Machine *m, struct BlockBackend *b, Error **err) MUST_CHECK;
bool machine_add_netdev(Machine *m, struct NetBackend *n, Error **err) MUST_CHECK;
bool machine_add_chardev(Machine *m, struct Chardev *c, Error **err) MUST_CHECK;
bool machine_add_fsdev(Machine *m, struct FsDev *d, Error **err) MUST_CHECK;
/* NULL with a did-you-mean. */
struct BlockBackend *machine_find_drive(const Machine *m, const char *id, Error **err);
struct NetBackend *machine_find_netdev(const Machine *m, const char *id, Error **err);
struct Chardev *machine_find_chardev(const Machine *m, const char *id, Error **err);
struct FsDev *machine_find_fsdev(const Machine *m, const char *id, Error **err);
Device *machine_find_device(const Machine *m, const char *id);

/* The index of the vCPU on whose thread this runs; 0 on other threads (monitor, tests). */
uint32_t machine_current_cpu(const Machine *m);

/* Reset all devices, then the CPUs through the board. vCPUs are paused. */
void machine_reset(Machine *m);

#endif
