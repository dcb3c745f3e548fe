// SPDX-License-Identifier: MIT
//
// `-device loader`, contract in loader_device.h. What is loaded joins the machine's blobs: all are
// checked here and written at each reset.
#include "hw/core/loader_device.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "util/bitops.h"

#define CPU_NONE UINT32_MAX

/* ---- where there is memory -------------------------------------------------------------- */

static bool is_memory(const FlatRange *r)
{
    return r && (r->region->kind == MEM_RAM || r->region->kind == MEM_ROM);
}

static bool add_at(LoaderDevice *l, const uint8_t *bytes, uint64_t size, Error **err)
{
    Machine *m = l->dev.machine;
    const FlatRange *r = memory_find(&m->memory, l->addr);
    const Blob blob = { .what = l->what, .addr = l->addr, .bytes = bytes, .size = size,
                        .mem_bytes = size };
    if (!is_memory(r))
        return error_set(err, "there is no memory at 0x%" PRIx64 " for %s; give another addr=",
                         l->addr, l->what);
    return blob_add(&m->blobs, &blob, r->first, r->last, err);
}

/* The largest run of RAM, for programs that say by themselves where they go. */
static const FlatRange *main_memory(const Machine *m)
{
    const FlatView *view = atomic_load(&m->memory.view);
    const FlatRange *best = NULL;
    for (size_t i = 0; i < view->count; i++) {
        const FlatRange *r = &view->ranges[i];
        if (r->region->kind == MEM_RAM && (!best || r->last - r->first > best->last - best->first))
            best = r;
    }
    return best;
}

/* ---- files ------------------------------------------------------------------------------ */

static bool add_elf(LoaderDevice *l, Error **err)
{
    const FlatRange *r = main_memory(l->dev.machine);
    ElfInfo info;
    if (!elf64_load(&l->bytes, EM_AARCH64, r->first, r->last, &l->dev.machine->blobs, &info, err))
        return false;
    l->entry = info.entry;
    return true;
}

static bool add_file(LoaderDevice *l, Error **err)
{
    if (!file_read(&l->bytes, "loader", l->file, l->dev.machine->config.ram_bytes, err))
        return false;
    bool is_elf = l->bytes.size >= SELFMAG && !memcmp(l->bytes.bytes, ELFMAG, SELFMAG);
    if (is_elf && !l->force_raw)
        return add_elf(l, err);
    l->entry = l->addr;
    return add_at(l, l->bytes.bytes, l->bytes.size, err);
}

/* ---- the device ------------------------------------------------------------------------- */

static bool check(const LoaderDevice *l, Error **err)
{
    const Machine *m = l->dev.machine;
    if (l->file && (l->data_len || l->data))
        return error_set(err, "device 'loader' takes either a file or data; leave one out");
    if (l->data && !l->data_len)
        return error_set(err, "device 'loader': data needs its length; give data-len=, from 1 to 8");
    if (l->data_len > sizeof(l->value))
        return error_set(err, "device 'loader': data-len=%" PRIu32 " is more than 8; use several "
                         "loaders, or a file", l->data_len);
    if (l->cpu_num != CPU_NONE && l->cpu_num >= m->cpu_count)
        return error_set(err, "device 'loader': there is no CPU %" PRIu32 "; cpu-num counts from 0 "
                         "to %" PRIu32, l->cpu_num, m->cpu_count - 1);
    return l->file || l->data_len || l->cpu_num != CPU_NONE ||
           error_set(err, "device 'loader' has nothing to load; give file=, or data= and "
                     "data-len=, or cpu-num=");
}

/* For messages; malloc'ed. */
static char *describe(const LoaderDevice *l)
{
    char *text;
    int n = l->file ? asprintf(&text, "the loader's file '%s'", l->file)
                    : asprintf(&text, "the loader's data at 0x%" PRIx64, l->addr);
    return n < 0 ? NULL : text;
}

static bool loader_realize(Device *dev, Error **err)
{
    LoaderDevice *l = (LoaderDevice *)dev;
    if (!check(l, err))
        return false;
    l->what = describe(l);
    if (!l->what)
        return error_set(err, "out of memory for device 'loader'");
    l->entry = l->addr;
    l->starts_cpu = l->cpu_num != CPU_NONE && !l->data_len;
    dev->machine->has_program |= l->starts_cpu;
    for (unsigned i = 0; i < l->data_len; i++)
        l->value[i] = (uint8_t)(l->data >> 8 * (l->data_be ? l->data_len - 1 - i : i));
    if (l->file)
        return add_file(l, err);
    return !l->data_len || add_at(l, l->value, l->data_len, err);
}

static void loader_start(Device *dev)
{
    const LoaderDevice *l = (const LoaderDevice *)dev;
    if (!l->starts_cpu)
        return;
    VCPU *cpu = dev->machine->cpus[l->cpu_num];
    cpu->ops->set_pc(cpu, l->entry);
}

static void loader_destroy(Device *dev)
{
    LoaderDevice *l = (LoaderDevice *)dev;
    file_free(&l->bytes);
    free(l->what);
}

static const Property loader_properties[] = {
    { "file", PROP_STRING, offsetof(LoaderDevice, file), NULL, "an ELF program, or any bytes" },
    { "addr", PROP_UINT64, offsetof(LoaderDevice, addr), "0", "where it goes" },
    { "force-raw", PROP_BOOL, offsetof(LoaderDevice, force_raw), "off",
      "an ELF file is bytes like others" },
    { "data", PROP_UINT64, offsetof(LoaderDevice, data), "0", "a value instead of a file" },
    { "data-len", PROP_UINT32, offsetof(LoaderDevice, data_len), "0", "its bytes, up to 8" },
    { "data-be", PROP_BOOL, offsetof(LoaderDevice, data_be), "off", "the highest byte first" },
    { "cpu-num", PROP_UINT32, offsetof(LoaderDevice, cpu_num), "4294967295",
      "the CPU that starts there" },
    { 0 },
};

const DeviceType loader_device_type = {
    .name = "loader",
    .help = "a file or a value in guest memory",
    .user_creatable = true,
    .size = sizeof(LoaderDevice),
    .properties = loader_properties,
    .realize = loader_realize,
    .start = loader_start,
    .destroy = loader_destroy,
};
