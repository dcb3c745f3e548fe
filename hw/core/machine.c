// SPDX-License-Identifier: MIT
//
// The machine: creating the empty one, letting its board fill it, reset, and taking it apart.
// Contract in machine.h. Everything here runs on the main thread while no vCPU executes, but for
// machine_current_cpu().
#include "hw/core/machine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "block/block.h"
#include "chardev/chardev.h"
#include "fsdev/fsdev.h"
#include "net/net.h"
#include "util/bitops.h"
#include "util/suggest.h"

Machine *machine_create(Log *log, Error **err)
{
    Machine *m = calloc(1, sizeof(*m));
    if (!m) {
        error_set(err, "out of memory for the machine");
        return NULL;
    }
    m->log = log;
    m->devices_tail = &m->devices;
    m->loop = mainloop_create(err);
    if (!m->loop)
        goto free_machine;
    m->clock = vclock_create(m->loop, err);
    if (!m->clock)
        goto destroy_loop;
    m->run.loop = m->loop;
    /* all of the physical address space but its last byte, which no machine has */
    memory_region_init_container(&m->system, "system", UINT64_MAX);
    memory_space_init(&m->memory, &m->system, log);
    return m;

destroy_loop:
    mainloop_destroy(m->loop);
free_machine:
    free(m);
    return NULL;
}

/* Slots' children before their owners, else in the reverse order of creation. */
static void destroy_devices(Machine *m)
{
    while (m->devices) {
        Device *last = m->devices;
        while (last->next)
            last = last->next;
        device_destroy(last->child ? last->child : last);
    }
}

void machine_destroy(Machine *m)
{
    if (!m)
        return;
    destroy_devices(m);
    if (m->board && m->board->destroy)
        m->board->destroy(m);
    for (uint32_t i = 0; i < m->cpu_count; i++)
        m->cpus[i]->ops->destroy(m->cpus[i]);
    free(m->cpus);
    if (m->board)
        properties_free(m->board->properties, m->board_state);
    free(m->board_state);
    for (size_t i = 0; i < m->chardev_count; i++)
        chardev_close(m->chardevs[i]);
    for (size_t i = 0; i < m->netdev_count; i++)
        net_close(m->netdevs[i]);
    for (size_t i = 0; i < m->drive_count; i++)
        block_close(m->drives[i]);
    for (size_t i = 0; i < m->fsdev_count; i++)
        fsdev_close(m->fsdevs[i]);
    free(m->fsdevs);
    free(m->chardevs);
    free(m->netdevs);
    free(m->drives);
    memory_space_destroy(&m->memory);
    vclock_destroy(m->clock);
    mainloop_destroy(m->loop);
    free(m);
}

void machine_reset(Machine *m)
{
    for (Device *d = m->devices; d; d = d->next)
        device_reset(d);
    m->board->reset(m);
    for (Device *d = m->devices; d; d = d->next)
        if (d->realized && d->type->start)
            d->type->start(d);
}

/* ---- board ------------------------------------------------------------------------------ */

bool machine_select_board(Machine *m, const BoardType *board, Error **err)
{
    assert(!m->board);
    m->board_state = calloc(1, board->size ? board->size : 1);
    if (!m->board_state)
        return error_set(err, "out of memory for machine '%s'", board->name);
    m->board = board;
    m->config.name = board->name;
    return properties_init(board->properties, m->board_state) ||
           error_set(err, "out of memory for machine '%s'", board->name);
}

bool machine_set(Machine *m, const char *name, const char *value, Error **err)
{
    char what[64];
    snprintf(what, sizeof(what), "machine '%s'", m->board->name);
    return properties_set(m->board->properties, m->board_state, m, what, name, value, err);
}

static bool check_cpus(Machine *m, Error **err)
{
    MachineConfig *c = &m->config;
    uint32_t max = MAX(c->cpus, c->max_cpus);
    if (max > m->board->max_cpus)
        return error_set(err, "machine '%s' holds at most %" PRIu32 " CPUs, not %" PRIu32
                         "; use -smp %" PRIu32, m->board->name, m->board->max_cpus, max,
                         m->board->max_cpus);
    return true;
}

static bool check_ram(Machine *m, Error **err)
{
    uint64_t ram = m->config.ram_bytes;
    if (ram > m->board->max_ram)
        return error_set(err, "machine '%s' holds at most %" PRIu64 " MiB of memory, not %" PRIu64
                         " MiB; use a smaller -m", m->board->name, m->board->max_ram >> 20,
                         ram >> 20);
    if (ram % GUEST_PAGE_SIZE)
        return error_set(err, "memory comes in pages of 4 KiB; use -m %" PRIu64, (ram >> 20) + 1);
    return true;
}

bool machine_build(Machine *m, Error **err)
{
    MachineConfig *c = &m->config;
    if (!c->cpus)
        c->cpus = MAX(c->max_cpus, 1);
    if (!c->ram_bytes)
        c->ram_bytes = m->board->default_ram;
    if (!c->cpu_model)
        c->cpu_model = m->board->default_cpu;
    if (!check_cpus(m, err) || !check_ram(m, err))
        return false;
    m->cpus = calloc(c->cpus, sizeof(*m->cpus));
    if (!m->cpus)
        return error_set(err, "out of memory for %" PRIu32 " CPUs", c->cpus);
    return m->board->create(m, err) && memory_space_commit(&m->memory, err);
}

uint32_t machine_current_cpu(const Machine *m)
{
    pthread_t self = pthread_self();
    for (uint32_t i = 0; i < m->cpu_count; i++)
        if (m->cpus[i]->thread_started && pthread_equal(m->cpus[i]->thread, self))
            return i;
    return 0;
}

/* ---- backends --------------------------------------------------------------------------- */

/* A list of backends of one kind, for the functions below. */
typedef struct BackendList {
    void ***items;
    size_t *count;
    const char *(*id)(const void *item);
    const char *option; /* which makes them */
} BackendList;

static const char *drive_id(const void *item)
{
    return block_id(item);
}

static const char *netdev_id(const void *item)
{
    return net_id(item);
}

static const char *chr_id(const void *item)
{
    return chardev_id(item);
}

static BackendList drive_list(const Machine *m)
{
    return (BackendList){ (void ***)&m->drives, (size_t *)&m->drive_count, drive_id, "-drive" };
}

static BackendList netdev_list(const Machine *m)
{
    return (BackendList){ (void ***)&m->netdevs, (size_t *)&m->netdev_count, netdev_id, "-netdev" };
}

static BackendList chardev_list(const Machine *m)
{
    return (BackendList){ (void ***)&m->chardevs, (size_t *)&m->chardev_count, chr_id, "-chardev" };
}

static const char *folder_id(const void *item)
{
    return fsdev_id(item);
}

static BackendList fsdev_list(const Machine *m)
{
    return (BackendList){ (void ***)&m->fsdevs, (size_t *)&m->fsdev_count, folder_id, "-fsdev" };
}

static void *backend_find(BackendList list, const char *id, Suggest *s)
{
    for (size_t i = 0; i < *list.count; i++) {
        const char *known = list.id((*list.items)[i]);
        if (known && strcmp(known, id) == 0)
            return (*list.items)[i];
        if (s)
            suggest_offer(s, known);
    }
    return NULL;
}

static bool backend_add(BackendList list, void *item, Error **err)
{
    const char *id = list.id(item);
    if (id && backend_find(list, id, NULL))
        return error_set(err, "there are two of %s with id '%s'; give one another id", list.option,
                         id);
    void **grown = realloc(*list.items, (*list.count + 1) * sizeof(*grown));
    if (!grown)
        return error_set(err, "out of memory");
    grown[(*list.count)++] = item;
    *list.items = grown;
    return true;
}

static void *backend_get(BackendList list, const char *id, Error **err)
{
    Suggest s = suggest_start(id);
    void *item = backend_find(list, id, &s);
    if (!item)
        error_set(err, "there is no %s with id '%s'%s", list.option, id, suggest_text(&s));
    return item;
}

bool machine_add_drive(Machine *m, struct BlockBackend *b, Error **err)
{
    return backend_add(drive_list(m), b, err);
}

bool machine_add_netdev(Machine *m, struct NetBackend *n, Error **err)
{
    return backend_add(netdev_list(m), n, err);
}

bool machine_add_chardev(Machine *m, struct Chardev *c, Error **err)
{
    return backend_add(chardev_list(m), c, err);
}

bool machine_add_fsdev(Machine *m, struct FsDev *d, Error **err)
{
    return backend_add(fsdev_list(m), d, err);
}

struct BlockBackend *machine_find_drive(const Machine *m, const char *id, Error **err)
{
    return backend_get(drive_list(m), id, err);
}

struct NetBackend *machine_find_netdev(const Machine *m, const char *id, Error **err)
{
    return backend_get(netdev_list(m), id, err);
}

struct Chardev *machine_find_chardev(const Machine *m, const char *id, Error **err)
{
    return backend_get(chardev_list(m), id, err);
}

struct FsDev *machine_find_fsdev(const Machine *m, const char *id, Error **err)
{
    return backend_get(fsdev_list(m), id, err);
}

Device *machine_find_device(const Machine *m, const char *id)
{
    for (Device *d = m->devices; d; d = d->next)
        if (d->id && strcmp(d->id, id) == 0)
            return d;
    return NULL;
}
