// SPDX-License-Identifier: MIT
//
// The device model: a device is a struct that begins with `Device`, a constant DeviceType, a
// property table, and (where it has registers) a register table.
//
// Life: device_create() allocates and sets defaults; properties are set from the command line
// or the board; device_realize() checks them and builds (registers, timers, backends);
// device_reset() at power-on and system reset; device_destroy(). All types stand in
// device_types[] (hw/core/types.c); nothing registers itself.
//
// Locking: `lock` guards a device's state. MMIO dispatch holds it (give it to
// memory_region_init_mmio()); timer and backend callbacks take it themselves.
#ifndef HW_CORE_DEVICE_H
#define HW_CORE_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "hw/core/irq.h"
#include "softmmu/memory.h"
#include "util/error.h"
#include "util/log.h"

typedef struct Device Device;
typedef struct DeviceType DeviceType;
struct Machine;

typedef enum PropertyKind {
    PROP_BOOL,   /* bool: on, off */
    PROP_UINT32, /* uint32_t */
    PROP_UINT64, /* uint64_t */
    PROP_SIZE,   /* uint64_t with suffix K M G */
    PROP_STRING, /* char *, owned by the device */
    PROP_DRIVE,  /* struct BlockBackend *, by id */
    PROP_NETDEV, /* struct NetBackend *, by id */
    PROP_CHARDEV, /* struct Chardev *, by id */
    PROP_FSDEV,  /* struct FsDev *, by id */
    PROP_MAC,    /* uint8_t[6] */
} PropertyKind;

typedef struct Property {
    const char *name;
    PropertyKind kind;
    uint32_t offset;    /* in the device's struct */
    const char *initial; /* default as text, or NULL: zero */
    const char *help;
} Property;

struct DeviceType {
    const char *name;     /* as in -device */
    const char *help;     /* one line */
    const char *bus;      /* "virtio-bus", "system-bus": what it plugs into; NULL: nothing */
    const char *slot;     /* the kind of bus of which it offers one place, or NULL */
    bool many_slots;      /* it offers as many as attach() allows */
    bool user_creatable;  /* may be given to -device */
    bool sysbus;          /* its struct begins with a SysbusDevice */
    size_t size;          /* of its struct */
    const Property *properties; /* ends with name NULL; may be NULL */
    bool (*realize)(Device *dev, Error **err);
    void (*reset)(Device *dev);
    void (*start)(Device *dev); /* after a reset of everything, also of the CPUs; may be NULL */
    void (*destroy)(Device *dev); /* what realize made; also after a failed realize */
    /* Of a type with `slot`: take `child` (not realized yet), whose bus is that kind. */
    bool (*attach)(Device *dev, Device *child, Error **err);
    /* Of an interrupt controller: the text of `info irq`; the CPUs are paused. May be NULL. */
    void (*print_interrupts)(Device *dev, FILE *out);
    /* Drive input line `n` from outside (-qtest), numbered as QEMU does. False: there is no such
     * line. NULL: it has none. */
    bool (*set_input)(Device *dev, unsigned n, bool level);
};

struct Device {
    const DeviceType *type;
    char *id;              /* from id=, or NULL */
    struct Machine *machine;
    Device *parent;        /* the bus's owner, for `info qtree` */
    Device *child;         /* what sits in its slot, or NULL; others by `sibling` */
    Device *sibling;
    char *bus_name;        /* of its slot, for bus=; NULL: ID.0, or the slot's kind and a number */
    Device *next;          /* in the machine's list, in order of creation */
    pthread_mutex_t lock;
    bool realized;
};

extern const DeviceType *const device_types[]; /* ends with NULL */
const DeviceType *device_type_find(const char *name);

/* Allocates, sets defaults, enters the machine's list. NULL with an Error. */
Device *device_create(struct Machine *m, const DeviceType *type, const char *id, Error **err);
/* Create, set and realize a device from the text after -device: "TYPE,id=NAME,property=value,...".
 * The board's plug() finds its place. A comma in a value is written twice. */
Device *device_add(struct Machine *m, const char *spec, Error **err);
/* Its second half: let the board find the place of a device whose properties are set, and realize
 * it. On failure the caller destroys it. */
bool device_plug(Device *dev, Error **err) MUST_CHECK;
/* The texts of -device help, and of -device NAME,help; false when there is no such type. */
void device_print_types(FILE *out);
bool device_print_help(const char *name, FILE *out, Error **err) MUST_CHECK;
/* The text of `info qtree`. */
void device_print_tree(const struct Machine *m, FILE *out);

/* Set a property from text. Names and values that do not fit get a did-you-mean. */
bool device_set(Device *dev, const char *name, const char *value, Error **err) MUST_CHECK;
/* Set a pointer property (drive, netdev, chardev) from code. */
void device_set_ptr(Device *dev, const char *name, void *value);
bool device_realize(Device *dev, Error **err) MUST_CHECK;
void device_reset(Device *dev);
/* Takes it out of the machine's list and its slot, and frees it. NULL is ignored. */
void device_destroy(Device *dev);
/* The first device, in the order of creation, with a free slot of that kind; NULL if there is none. */
Device *device_find_slot(const struct Machine *m, const char *bus);
bool device_set_bus_name(Device *owner, const char *name, Error **err) MUST_CHECK;
bool device_attach(Device *owner, Device *child, Error **err) MUST_CHECK;

/* Its id, or its type. */
const char *device_name(const Device *dev);
/* A mistake of the guest: "NAME: text" under -d guest_errors. */
void device_guest_error(const Device *dev, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same for any struct with a property table (a board's): `what` is for messages ("machine
 * 'virt'"). */
/* The defaults. False: out of memory. */
bool properties_init(const Property *props, void *base) MUST_CHECK;
bool properties_set(const Property *props, void *base, struct Machine *m, const char *what,
                    const char *name, const char *value, Error **err) MUST_CHECK;
void properties_print(const Property *props, const void *base, const char *indent, FILE *out);
void properties_print_help(const Property *props, FILE *out);
void properties_free(const Property *props, void *base);

#endif
