// SPDX-License-Identifier: MIT
//
// The life of a device: create, set, realize, reset, destroy; and -device's text. Contract in
// device.h. The machine's list is changed only while the machine is built or stopped.
#include "hw/core/device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "util/bitops.h"
#include "util/keyval.h"
#include "util/suggest.h"

const DeviceType *device_type_find(const char *name)
{
    for (const DeviceType *const *t = device_types; *t; t++)
        if (strcmp((*t)->name, name) == 0)
            return *t;
    return NULL;
}

const char *device_name(const Device *dev)
{
    return dev->id ? dev->id : dev->type->name;
}

void device_guest_error(const Device *dev, const char *fmt, ...)
{
    Log *log = dev->machine ? dev->machine->log : NULL;
    if (!log_on(log, LOG_GUEST_ERRORS))
        return;
    va_list ap;
    va_start(ap, fmt);
    FILE *out = log_begin(log);
    fprintf(out, "%s: ", device_name(dev));
    vfprintf(out, fmt, ap);
    fputc('\n', out);
    log_end(log);
    va_end(ap);
}

/* ---- life ------------------------------------------------------------------------------- */

static bool id_is_good(const char *id)
{
    for (const char *p = id; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._", *p))
            return false;
    return (*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z');
}

Device *device_create(struct Machine *m, const DeviceType *type, const char *id, Error **err)
{
    if (id && !id_is_good(id)) {
        error_set(err, "'%s' is no good id; ids begin with a letter and have letters, digits, '-', "
                  "'.' and '_'", id);
        return NULL;
    }
    if (id && machine_find_device(m, id)) {
        error_set(err, "there are two devices with id '%s'; give one another id", id);
        return NULL;
    }
    assert(type->size >= sizeof(Device));
    Device *dev = calloc(1, type->size);
    char *id_copy = id ? strdup(id) : NULL;
    if (!dev || (id && !id_copy)) {
        free(dev);
        free(id_copy);
        error_set(err, "out of memory for device '%s'", type->name);
        return NULL;
    }
    dev->type = type;
    dev->id = id_copy;
    dev->machine = m;
    pthread_mutex_init(&dev->lock, NULL);
    *m->devices_tail = dev;
    m->devices_tail = &dev->next;
    if (properties_init(type->properties, dev))
        return dev;
    device_destroy(dev);
    error_set(err, "out of memory for device '%s'", type->name);
    return NULL;
}

bool device_set(Device *dev, const char *name, const char *value, Error **err)
{
    char what[96];
    assert(!dev->realized);
    snprintf(what, sizeof(what), "device '%s'", dev->type->name);
    return properties_set(dev->type->properties, dev, dev->machine, what, name, value, err);
}

void device_set_ptr(Device *dev, const char *name, void *value)
{
    for (const Property *p = dev->type->properties; p && p->name; p++) {
        if (strcmp(p->name, name) != 0)
            continue;
        assert(p->kind == PROP_DRIVE || p->kind == PROP_NETDEV || p->kind == PROP_CHARDEV ||
               p->kind == PROP_FSDEV);
        *(void **)((char *)dev + p->offset) = value;
        return;
    }
    assert(!"no such property");
}

bool device_realize(Device *dev, Error **err)
{
    assert(!dev->realized);
    dev->realized = !dev->type->realize || dev->type->realize(dev, err);
    return dev->realized;
}

void device_reset(Device *dev)
{
    if (dev->realized && dev->type->reset)
        dev->type->reset(dev);
}

/* Out of its parent's slot. */
static void detach(Device *dev)
{
    for (Device **at = dev->parent ? &dev->parent->child : NULL; at && *at; at = &(*at)->sibling) {
        if (*at == dev) {
            *at = dev->sibling;
            break;
        }
    }
    dev->parent = dev->sibling = NULL;
}

void device_destroy(Device *dev)
{
    if (!dev)
        return;
    Machine *m = dev->machine;
    Device **at = &m->devices;
    while (*at != dev)
        at = &(*at)->next;
    *at = dev->next;
    if (m->devices_tail == &dev->next)
        m->devices_tail = at;
    detach(dev);
    for (Device *c = dev->child; c; c = c->sibling)
        c->parent = NULL;
    if (dev->type->destroy)
        dev->type->destroy(dev);
    properties_free(dev->type->properties, dev);
    pthread_mutex_destroy(&dev->lock);
    free(dev->bus_name);
    free(dev->id);
    free(dev);
}

/* ---- slots ------------------------------------------------------------------------------ */

static bool has_free_slot(const Device *d)
{
    return d->realized && d->type->slot && (!d->child || d->type->many_slots);
}

Device *device_find_slot(const struct Machine *m, const char *bus)
{
    for (Device *d = m->devices; d; d = d->next)
        if (has_free_slot(d) && strcmp(d->type->slot, bus) == 0)
            return d;
    return NULL;
}

bool device_set_bus_name(Device *owner, const char *name, Error **err)
{
    owner->bus_name = strdup(name);
    return owner->bus_name || error_set(err, "out of memory for device '%s'", owner->type->name);
}

/* `number` is that of its type's slots without a name. */
static void bus_name(const Device *owner, unsigned number, char *buf, size_t len)
{
    if (owner->bus_name)
        snprintf(buf, len, "%s", owner->bus_name);
    else if (owner->id)
        snprintf(buf, len, "%s.0", owner->id);
    else
        snprintf(buf, len, "%s.%u", owner->type->slot, number);
}

/* The device whose slot has that name, and fits `dev`. */
static Device *find_bus(const Device *dev, const char *name, Error **err)
{
    unsigned unnamed = 0;
    char known[64];
    Suggest s = suggest_start(name);
    for (Device *d = dev->machine->devices; d; d = d->next) {
        if (!d->realized || !d->type->slot || strcmp(d->type->slot, dev->type->bus) != 0)
            continue;
        bus_name(d, unnamed, known, sizeof(known));
        unnamed += !d->bus_name && !d->id;
        if (strcmp(known, name) == 0)
            return d;
        if (d->bus_name)
            suggest_offer(&s, d->bus_name);
    }
    error_set(err, "there is no bus '%s' for device '%s'%s", name, dev->type->name,
              suggest_text(&s));
    return NULL;
}

bool device_attach(Device *owner, Device *child, Error **err)
{
    assert(has_free_slot(owner) && !child->parent);
    Device **at = &owner->child;
    while (*at)
        at = &(*at)->sibling;
    *at = child;
    child->parent = owner;
    if (owner->type->attach(owner, child, err))
        return true;
    detach(child);
    return false;
}

/* ---- -device ---------------------------------------------------------------------------- */

/* "virtio-blk-pci" where there is no PCI: the name of what to use instead, or NULL. */
static const char *mmio_twin(const char *name, char *buf, size_t len)
{
    static const char *const endings[] = { "-pci", "-pci-non-transitional", "-pci-transitional" };
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t n = strlen(name), e = strlen(endings[i]);
        if (n <= e || strcmp(name + n - e, endings[i]) != 0)
            continue;
        snprintf(buf, len, "%.*s-device", (int)(n - e), name);
        return device_type_find(buf) ? buf : NULL;
    }
    return NULL;
}

static const DeviceType *user_type(const char *name, Error **err)
{
    const DeviceType *type = device_type_find(name);
    if (type && type->user_creatable)
        return type;
    char buf[64];
    const char *twin = mmio_twin(name, buf, sizeof(buf));
    if (type) {
        error_set(err, "device '%s' is part of the board and cannot be added by -device", name);
    } else if (twin) {
        error_set(err, "this machine has no PCI bus for '%s'; use '-device %s'", name, twin);
    } else {
        Suggest s = suggest_start(name);
        for (const DeviceType *const *t = device_types; *t; t++)
            if ((*t)->user_creatable)
                suggest_offer(&s, (*t)->name);
        error_set(err, "unknown device '%s'%s", name,
                  s.best ? suggest_text(&s) : "; see -device help");
    }
    return NULL;
}

bool device_plug(Device *dev, Error **err)
{
    const BoardType *board = dev->machine->board;
    if (!dev->type->bus)
        return device_realize(dev, err);
    if (!board->plug)
        return error_set(err, "machine '%s' takes no additional devices", board->name);
    return board->plug(dev->machine, dev, err) && device_realize(dev, err);
}

/* Where bus= says. */
static bool plug_into(Device *dev, const char *bus, Error **err)
{
    Device *owner = dev->type->bus ? find_bus(dev, bus, err) : NULL;
    if (!dev->type->bus)
        return error_set(err, "device '%s' sits on no bus; leave out bus=", dev->type->name);
    if (owner && !has_free_slot(owner))
        return error_set(err, "bus '%s' is taken by '%s' already; use another one", bus,
                         device_name(owner->child));
    return owner && device_attach(owner, dev, err) && device_realize(dev, err);
}

static bool set_options(Device *dev, const Keyval *kv, Error **err)
{
    for (size_t i = 0; i < kv->count; i++)
        if (!kv->pairs[i].used && !device_set(dev, kv->pairs[i].key, kv->pairs[i].value, err))
            return false;
    return true;
}

Device *device_add(struct Machine *m, const char *spec, Error **err)
{
    Keyval kv;
    Device *dev = NULL;
    if (!keyval_parse(&kv, spec, "driver", err))
        return NULL;
    const char *driver = keyval_take(&kv, "driver"), *id = keyval_take(&kv, "id");
    const char *bus = keyval_take(&kv, "bus");
    const DeviceType *type = user_type(driver ? driver : "", err);
    if (type)
        dev = device_create(m, type, id, err);
    if (dev && (!set_options(dev, &kv, err) ||
                !(bus ? plug_into(dev, bus, err) : device_plug(dev, err)))) {
        device_destroy(dev);
        dev = NULL;
    }
    keyval_free(&kv);
    return dev;
}

/* ---- help and listings ------------------------------------------------------------------ */

void device_print_types(FILE *out)
{
    for (const DeviceType *const *t = device_types; *t; t++)
        if ((*t)->user_creatable)
            fprintf(out, "name \"%s\"%s%s, desc \"%s\"\n", (*t)->name,
                    (*t)->bus ? ", bus " : "", (*t)->bus ? (*t)->bus : "", (*t)->help);
}

bool device_print_help(const char *name, FILE *out, Error **err)
{
    const DeviceType *type = user_type(name, err);
    if (!type)
        return false;
    fprintf(out, "%s options:\n", type->name);
    fputs("  id=<str>               - the name by which other options and the monitor know it\n"
          "  bus=<str>              - where it is plugged in; by default the first free place\n",
          out);
    properties_print_help(type->properties, out);
    return true;
}

/* How many of its type were made before: part of the name of its bus. */
static unsigned ordinal(const Device *dev)
{
    unsigned n = 0;
    for (const Device *d = dev->machine->devices; d != dev; d = d->next)
        n += d->type == dev->type;
    return n;
}

/* In QEMU's form; a device's bus is shown when something sits on it. */
static void print_device(const Device *dev, unsigned depth, FILE *out)
{
    char indent[64];
    int columns = (int)MIN(2 * depth + 2, sizeof(indent) - 3);
    snprintf(indent, sizeof(indent), "%*s", columns + 2, "");
    fprintf(out, "%*sdev: %s, id \"%s\"\n", columns, "", dev->type->name, dev->id ? dev->id : "");
    properties_print(dev->type->properties, dev, indent, out);
    if (dev->child)
        fprintf(out, "%sbus: %s-bus.%u\n%s  type %s\n", indent, dev->type->name, ordinal(dev),
                indent, dev->type->slot);
    for (const Device *c = dev->child; c; c = c->sibling)
        print_device(c, depth + 2, out);
}

void device_print_tree(const struct Machine *m, FILE *out)
{
    fputs("bus: main-system-bus\n  type System\n", out);
    for (const Device *d = m->devices; d; d = d->next)
        if (!d->parent)
            print_device(d, 0, out);
}
