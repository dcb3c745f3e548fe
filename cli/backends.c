// SPDX-License-Identifier: MIT
//
// Disks, networks and shared folders from the options; contract in backends.h. A machine that takes
// over a backend owns it from then on; until then it is closed here.
#include "cli/backends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "block/block.h"
#include "fsdev/fsdev.h"
#include "net/net.h"
#include "util/bitops.h"
#include "util/keyval.h"
#include "util/suggest.h"

/* A device for a backend, as `-drive if=virtio`, `-nic` and `-virtfs` imply it; with one property
 * more unless `value` is NULL. */
static bool add_implied(Machine *m, const char *model, const char *property, void *backend,
                        const char *name, const char *value, Error **err)
{
    const DeviceType *type = device_type_find(model);
    if (!type)
        return error_set(err, "this build has no device '%s'", model);
    Device *dev = device_create(m, type, NULL, err);
    if (!dev)
        return false;
    device_set_ptr(dev, property, backend);
    if ((!value || device_set(dev, name, value, err)) && device_plug(dev, err))
        return true;
    device_destroy(dev);
    return false;
}

/* ---- disks ------------------------------------------------------------------------------ */

const char *const drive_parameters[] = {
    "file", "format", "if", "id", "readonly", "read-only", "snapshot", "cache", "discard",
    "index", "media", "aio", "locking", "file.locking", "werror", "rerror", "detect-zeroes", NULL
};

/* What a parameter may be, where it chooses among words. */
typedef struct DriveWords {
    const char *name;
    const char *words[5];
} DriveWords;

static const DriveWords drive_words[] = {
    { "if", { "virtio", "none" } },
    { "media", { "disk", "cdrom" } },
    { "discard", { "ignore", "unmap", "off", "on" } },
    { "locking", { "auto", "on", "off" } },
    { "file.locking", { "auto", "on", "off" } },
    { "aio", { "threads", "native", "io_uring" } },
    { "werror", { "report", "enospc" } },
    { "rerror", { "report" } },
    { "detect-zeroes", { "off", "on", "unmap" } },
};

static bool check_words(Keyval *kv, Error **err)
{
    for (size_t i = 0; i < ARRAY_SIZE(drive_words); i++) {
        const DriveWords *w = &drive_words[i];
        const char *value = keyval_take(kv, w->name);
        bool known = !value;
        char list[64] = "";
        for (size_t n = 0; n < ARRAY_SIZE(w->words) && w->words[n]; n++) {
            known |= value && !strcmp(value, w->words[n]);
            snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", n ? ", " : "",
                     w->words[n]);
        }
        if (!known)
            return error_set(err, "-drive %s=%s is not supported; choose from: %s", w->name, value,
                             list);
    }
    return true;
}

/* The numbers that drives have by index=, or get in turn, as bits: those of if=virtio, then the
 * others. */
typedef struct DriveNumbers {
    uint64_t used[2];
} DriveNumbers;

static bool number_drive(Keyval *kv, DriveNumbers *numbers, bool implied, unsigned *number,
                         Error **err)
{
    const char *text = keyval_take(kv, "index");
    uint64_t *used = &numbers->used[!implied];
    char *end;
    unsigned long index = text ? strtoul(text, &end, 10) : 0;
    if (text && (end == text || *end || index >= MAX_REPEATED))
        return error_set(err, "-drive index=%s is not a number from 0 to %d", text,
                         MAX_REPEATED - 1);
    while (!text && index < MAX_REPEATED - 1 && *used & BIT(index))
        index++;
    if (*used & BIT(index))
        return error_set(err, "there are two of -drive with index=%lu; give one another index",
                         index);
    *used |= BIT(index);
    *number = (unsigned)index;
    return true;
}

static bool word_is(Keyval *kv, const char *name, const char *word)
{
    const char *value = keyval_take(kv, name);
    return value && !strcmp(value, word);
}

static bool open_disk(Machine *m, const BlockOptions *bo, bool implied, Error **err)
{
    BlockBackend *b = block_open(bo, err);
    if (!b)
        return false;
    if (!machine_add_drive(m, b, err)) {
        block_close(b);
        return false;
    }
    return !implied || add_implied(m, "virtio-blk-device", "drive", b, NULL, NULL, err);
}

static bool add_drive(Machine *m, const char *text, DriveNumbers *numbers, bool snapshot,
                      Error **err)
{
    Keyval kv;
    char id[32];
    unsigned number = 0;
    if (!keyval_parse(&kv, text, NULL, err))
        return false;
    bool implied = !word_is(&kv, "if", "none");
    BlockOptions bo = { .id = keyval_take(&kv, "id"), .file = keyval_take(&kv, "file"),
                        .format = keyval_take(&kv, "format"), .cache = keyval_take(&kv, "cache"),
                        .snapshot = snapshot };
    bool ok = keyval_take_bool(&kv, "readonly", &bo.read_only, err) &&
              keyval_take_bool(&kv, "read-only", &bo.read_only, err) &&
              keyval_take_bool(&kv, "snapshot", &bo.snapshot, err) && check_words(&kv, err) &&
              number_drive(&kv, numbers, implied, &number, err) &&
              keyval_check_used(&kv, "-drive", drive_parameters, err);
    if (ok && (!bo.file || !*bo.file))
        ok = error_set(err, "-drive '%s' names no file; write file=PATH", text);
    bo.locking = !word_is(&kv, "locking", "off") && !word_is(&kv, "file.locking", "off");
    bo.discard = word_is(&kv, "discard", "unmap") || word_is(&kv, "discard", "on");
    bo.read_only |= word_is(&kv, "media", "cdrom");
    bo.detect_zeroes = word_is(&kv, "detect-zeroes", "on");
    bo.detect_zeroes_unmap = word_is(&kv, "detect-zeroes", "unmap");
    if (ok && bo.detect_zeroes_unmap && !bo.discard)
        ok = error_set(err, "-drive detect-zeroes=unmap needs discard=unmap");
    snprintf(id, sizeof(id), "%s%u", implied ? "virtio" : "none", number);
    if (!bo.id)
        bo.id = id;
    ok = ok && open_disk(m, &bo, implied, err);
    keyval_free(&kv);
    return ok;
}

/* -hda to -hdd and -cdrom: a file name only, of which the format is looked up. */
static bool add_file(Machine *m, const char *file, const char *id, bool read_only, bool snapshot,
                     Error **err)
{
    const BlockOptions bo = { .id = id, .file = file, .read_only = read_only,
                              .snapshot = snapshot, .locking = true };
    return !file || open_disk(m, &bo, true, err);
}

static bool add_drives(Machine *m, const Options *o, Error **err)
{
    static const char *const ids[MAX_HARD_DISKS] = { "hda", "hdb", "hdc", "hdd" };
    for (unsigned i = 0; i < MAX_HARD_DISKS; i++)
        if (!add_file(m, o->hard_disks[i], ids[i], false, o->snapshot, err))
            return false;
    if (!add_file(m, o->cdrom, "cdrom", true, false, err))
        return false;
    DriveNumbers numbers = { { 0 } };
    for (unsigned i = 0; i < o->drives.count; i++)
        if (!add_drive(m, o->drives.text[i], &numbers, o->snapshot, err))
            return false;
    return true;
}

/* ---- networks --------------------------------------------------------------------------- */

static bool add_netdev(Machine *m, const char *spec, NetBackend **out, Error **err)
{
    *out = net_open(spec, m->log, err);
    if (!*out)
        return false;
    if (machine_add_netdev(m, *out, err))
        return true;
    net_close(*out);
    return false;
}

static void put_value(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == ',')
            fputc(',', out);
        fputc(*text, out);
    }
}

/* What of -nic is the network's: all but the model and its address. NULL: out of memory. */
static char *netdev_spec(const Keyval *kv, unsigned n)
{
    char *spec = NULL;
    size_t len = 0;
    bool has_id = false;
    FILE *f = open_memstream(&spec, &len);
    if (!f)
        return NULL;
    for (size_t i = 0; i < kv->count; i++)
        if (!strcmp(kv->pairs[i].key, "type"))
            put_value(f, kv->pairs[i].value);
    for (size_t i = 0; i < kv->count; i++) {
        const KeyvalPair *p = &kv->pairs[i];
        has_id |= !strcmp(p->key, "id");
        if (p->used || !strcmp(p->key, "type"))
            continue;
        fprintf(f, ",%s=", p->key);
        put_value(f, p->value);
    }
    if (!has_id)
        fprintf(f, ",id=nic%u", n);
    fclose(f);
    return spec;
}

static bool check_model(const char *model, Error **err)
{
    static const char *const known[] = { "virtio", "virtio-net-device", "virtio-net-pci" };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!model || !strcmp(model, known[i]))
            return true;
    return error_set(err, "-nic model=%s is not a model of this board; use "
                     "model=virtio-net-device", model);
}

/* "-nic user,model=X,mac=M,rest" is "-netdev user,id=nicN,rest" and a device. */
static bool add_nic(Machine *m, const char *text, unsigned n, Error **err)
{
    Keyval kv;
    NetBackend *net;
    if (!strcmp(text, "none"))
        return true;
    if (!keyval_parse(&kv, text, "type", err))
        return false;
    bool typed = kv.count && !strcmp(kv.pairs[0].key, "type");
    const char *model = keyval_take(&kv, "model"), *mac = keyval_take(&kv, "mac");
    char *spec = netdev_spec(&kv, n);
    bool ok = typed || error_set(err, "-nic '%s' needs a type first, as in '-nic user'", text);
    ok = ok && (spec || error_set(err, "out of memory for -nic"));
    ok = ok && check_model(model, err) && add_netdev(m, spec, &net, err) &&
         add_implied(m, "virtio-net-device", "netdev", net, "mac", mac, err);
    free(spec);
    keyval_free(&kv);
    return ok;
}

/* ---- shared folders --------------------------------------------------------------------- */

/* -fsdev, or -virtfs with its device. */
static bool add_folder(Machine *m, const char *text, const char *option, bool implied, Error **err)
{
    Keyval kv;
    if (!keyval_parse(&kv, text, "driver", err))
        return false;
    const char *tag = implied ? keyval_take(&kv, "mount_tag") : NULL;
    bool ok = !implied || tag ||
              error_set(err, "%s names no mount_tag=, by which the guest mounts it", option);
    FsDev *d = ok ? fsdev_open(&kv, option, tag, err) : NULL;
    ok = d && machine_add_fsdev(m, d, err);
    if (!ok)
        fsdev_close(d);
    ok = ok && (!implied || add_implied(m, "virtio-9p-device", "fsdev", d, "mount_tag", tag, err));
    keyval_free(&kv);
    return ok;
}

static bool add_folders(Machine *m, const Options *o, Error **err)
{
    for (unsigned i = 0; i < o->fsdevs.count; i++)
        if (!add_folder(m, o->fsdevs.text[i], "-fsdev", false, err))
            return false;
    for (unsigned i = 0; i < o->virtfs.count; i++)
        if (!add_folder(m, o->virtfs.text[i], "-virtfs", true, err))
            return false;
    return true;
}

bool backends_add(Machine *m, const Options *o, Error **err)
{
    NetBackend *net;
    if (!add_drives(m, o, err))
        return false;
    for (unsigned i = 0; i < o->netdevs.count; i++)
        if (!add_netdev(m, o->netdevs.text[i], &net, err))
            return false;
    for (unsigned i = 0; i < o->nics.count; i++)
        if (!add_nic(m, o->nics.text[i], i, err))
            return false;
    return add_folders(m, o, err);
}

bool backends_add_default_nic(Machine *m, const Options *o, Error **err)
{
    const DeviceType *type = device_type_find("virtio-net-device");
    if (o->nodefaults || o->nics.count || o->netdevs.count || !type ||
        !device_find_slot(m, type->bus))
        return true;
    return add_nic(m, "user", 0, err);
}
