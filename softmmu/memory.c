// SPDX-License-Identifier: MIT
//
// Guest physical memory: the region tree, its flattening, and access; contract in memory.h.
//
// The view is built by painting: a region's children are painted from the highest priority down,
// then the region itself, and each paints only what is still bare. The result is sorted by
// address, so a lookup is a binary search.
#include "softmmu/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "util/bitops.h"
#include "util/pages.h"

#define MANY_BYTES (UINT64_C(1) << 20) /* as when a kernel is loaded */

/* ---- regions ---------------------------------------------------------------------------- */

static void region_init(MemoryRegion *mr, const char *name, MemoryKind kind, uint64_t size)
{
    *mr = (MemoryRegion){ .name = name, .kind = kind, .size = size, .enabled = true,
                          .ram_addr = RAM_ADDR_NONE };
}

void memory_region_init_container(MemoryRegion *mr, const char *name, uint64_t size)
{
    region_init(mr, name, MEM_CONTAINER, size);
}

void memory_region_init_mmio(MemoryRegion *mr, const char *name, uint64_t size,
                             const MemoryOps *ops, void *opaque, pthread_mutex_t *lock)
{
    assert(ops->min_size && ops->min_size <= ops->max_size && ops->max_size <= 8);
    region_init(mr, name, MEM_MMIO, size);
    mr->ops = ops;
    mr->opaque = opaque;
    mr->lock = lock;
}

void memory_region_init_alias(MemoryRegion *mr, const char *name, MemoryRegion *target,
                              Hwaddr target_offset, uint64_t size)
{
    region_init(mr, name, MEM_ALIAS, size);
    mr->target = target;
    mr->target_offset = target_offset;
}

bool memory_region_init_ram_from(MemoryRegion *mr, MemorySpace *space, const char *name,
                                 uint64_t size, const HostRamSource *source, Error **err)
{
    assert(size && size % GUEST_PAGE_SIZE == 0);
    region_init(mr, name, MEM_RAM, size);
    if (!host_ram_map(&mr->backing, name, size, source, err))
        return false;
    mr->code_pages = calloc(size >> GUEST_PAGE_BITS, 1);
    if (!mr->code_pages) {
        host_ram_unmap(&mr->backing);
        return error_set(err, "out of memory for the page flags of guest memory; use a smaller -m");
    }
    mr->host = mr->backing.bytes;
    mr->ram_addr = space->ram_next;
    space->ram_next += align_up(size, UINT64_C(1) << 21);
    return true;
}

bool memory_region_init_ram(MemoryRegion *mr, MemorySpace *space, const char *name, uint64_t size,
                            bool rom, Error **err)
{
    if (!memory_region_init_ram_from(mr, space, name, size, &(HostRamSource){ 0 }, err))
        return false;
    mr->kind = rom ? MEM_ROM : MEM_RAM;
    return true;
}

void memory_region_destroy(MemoryRegion *mr)
{
    if (mr->host)
        host_ram_unmap(&mr->backing);
    free((void *)mr->code_pages);
    mr->host = NULL;
    mr->code_pages = NULL;
}

void memory_region_add(MemoryRegion *parent, Hwaddr offset, MemoryRegion *child, int priority)
{
    assert(parent->kind == MEM_CONTAINER && !child->parent);
    child->parent = parent;
    child->offset = offset;
    child->priority = priority;
    MemoryRegion **at = &parent->first_child;
    while (*at && (*at)->priority >= priority)
        at = &(*at)->next_sibling;
    child->next_sibling = *at;
    *at = child;
}

void memory_region_remove(MemoryRegion *child)
{
    MemoryRegion **at = &child->parent->first_child;
    while (*at != child)
        at = &(*at)->next_sibling;
    *at = child->next_sibling;
    child->parent = child->next_sibling = NULL;
}

/* ---- the flat view ---------------------------------------------------------------------- */

typedef struct Painter {
    FlatRange *ranges; /* sorted, disjoint */
    size_t count, capacity;
    bool failed;
} Painter;

/* An area of the space that shows `region` from `offset` on; last is inclusive. */
typedef struct Area {
    Hwaddr first, last;
    MemoryRegion *region;
    Hwaddr offset;
} Area;

static void paint_insert(Painter *p, size_t at, const FlatRange *r)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 64;
        FlatRange *grown = realloc(p->ranges, capacity * sizeof(*grown));
        if (!grown) {
            p->failed = true;
            return;
        }
        p->ranges = grown;
        p->capacity = capacity;
    }
    memmove(&p->ranges[at + 1], &p->ranges[at], (p->count - at) * sizeof(*r));
    p->ranges[at] = *r;
    p->count++;
}

/* Paint the bare parts of the area with a terminal region. */
static void paint_leaf(Painter *p, const Area *a)
{
    Hwaddr first = a->first;
    size_t i = 0;
    while (!p->failed) {
        while (i < p->count && p->ranges[i].last < first)
            i++;
        bool covered = i < p->count && p->ranges[i].first <= first;
        if (!covered) {
            Hwaddr last = a->last;
            if (i < p->count && p->ranges[i].first <= last)
                last = p->ranges[i].first - 1;
            paint_insert(p, i, &(FlatRange){ first, last, a->region,
                                             a->offset + (first - a->first) });
        }
        if (i >= p->count || p->ranges[i].last >= a->last)
            return;
        first = p->ranges[i].last + 1;
    }
}

static void paint_area(Painter *p, const Area *a);

static void paint_children(Painter *p, const Area *a)
{
    for (MemoryRegion *c = a->region->first_child; c; c = c->next_sibling) {
        Hwaddr shown_last = a->offset + (a->last - a->first);
        Hwaddr first = MAX(c->offset, a->offset);
        Hwaddr last = MIN(c->offset + (c->size - 1), shown_last);
        if (!c->enabled || first > last)
            continue;
        paint_area(p, &(Area){ a->first + (first - a->offset), a->first + (last - a->offset), c,
                               first - c->offset });
    }
}

static void paint_area(Painter *p, const Area *a)
{
    MemoryRegion *mr = a->region;
    switch (mr->kind) {
    case MEM_CONTAINER:
        paint_children(p, a);
        break;
    case MEM_ALIAS:
        paint_area(p, &(Area){ a->first, a->last, mr->target, a->offset + mr->target_offset });
        break;
    default:
        paint_leaf(p, a);
    }
}

void memory_space_init(MemorySpace *space, MemoryRegion *root, Log *log)
{
    *space = (MemorySpace){ .root = root, .log = log };
    pthread_mutex_init(&space->change_lock, NULL);
}

void memory_space_destroy(MemorySpace *space)
{
    for (FlatView *v = atomic_load(&space->view), *next; v; v = next) {
        next = v->retired;
        free(v);
    }
    atomic_store(&space->view, NULL);
    pthread_mutex_destroy(&space->change_lock);
}

bool memory_space_commit(MemorySpace *space, Error **err)
{
    Painter p = { 0 };
    pthread_mutex_lock(&space->change_lock);
    paint_area(&p, &(Area){ 0, space->root->size - 1, space->root, 0 });
    FlatView *view = malloc(sizeof(*view) + p.count * sizeof(FlatRange));
    bool ok = view && !p.failed;
    if (ok) {
        view->retired = atomic_load(&space->view);
        view->count = p.count;
        if (p.count)
            memcpy(view->ranges, p.ranges, p.count * sizeof(FlatRange));
        atomic_store(&space->view, view);
    } else {
        free(view);
    }
    pthread_mutex_unlock(&space->change_lock);
    free(p.ranges);
    if (!ok)
        return error_set(err, "out of memory for the map of guest memory");
    for (MemoryListener *l = space->listeners; l; l = l->next)
        if (l->map_changed)
            l->map_changed(l);
    return true;
}

void memory_space_add_listener(MemorySpace *space, MemoryListener *l)
{
    l->next = space->listeners;
    space->listeners = l;
}

const FlatRange *memory_find(const MemorySpace *space, Hwaddr gpa)
{
    const FlatView *v = atomic_load_explicit(&space->view, memory_order_acquire);
    size_t low = 0, high = v ? v->count : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (gpa > v->ranges[mid].last)
            low = mid + 1;
        else if (gpa < v->ranges[mid].first)
            high = mid;
        else
            return &v->ranges[mid];
    }
    return NULL;
}

/* ---- access ----------------------------------------------------------------------------- */

static bool range_is_ram(const FlatRange *r)
{
    return r->region->kind != MEM_MMIO;
}

static uint8_t *range_host(const FlatRange *r, Hwaddr gpa)
{
    return r->region->host + r->region_offset + (gpa - r->first);
}

/* Tell the engines when translated code was overwritten. */
static void range_written(MemorySpace *space, const FlatRange *r, Hwaddr gpa, uint64_t len)
{
    /* either the writer sees that the page holds code, or the translator what was written */
    atomic_thread_fence(memory_order_seq_cst);
    MemoryRegion *mr = r->region;
    uint64_t offset = r->region_offset + (gpa - r->first);
    for (uint64_t page = offset >> GUEST_PAGE_BITS; page <= (offset + len - 1) >> GUEST_PAGE_BITS;
         page++) {
        if (!atomic_load_explicit(&mr->code_pages[page], memory_order_relaxed))
            continue;
        for (MemoryListener *l = space->listeners; l; l = l->next)
            if (l->ram_written)
                l->ram_written(l, mr->ram_addr + offset, len);
        return;
    }
}

static uint64_t mmio_read_locked(MemoryRegion *mr, Hwaddr offset, unsigned size)
{
    const MemoryOps *ops = mr->ops;
    if (size < ops->min_size) {
        Hwaddr base = offset & ~(Hwaddr)(ops->min_size - 1);
        uint64_t v = ops->read(mr->opaque, base, ops->min_size);
        return v >> (8 * (offset - base)) & bit_mask(8 * size);
    }
    uint64_t value = 0;
    unsigned step = MIN(size, ops->max_size);
    for (unsigned i = 0; i < size; i += step)
        value |= (ops->read(mr->opaque, offset + i, step) & bit_mask(8 * step)) << (8 * i);
    return value;
}

static void mmio_write_locked(MemoryRegion *mr, Hwaddr offset, uint64_t value, unsigned size)
{
    unsigned step = MIN(size, mr->ops->max_size);
    for (unsigned i = 0; i < size; i += step)
        mr->ops->write(mr->opaque, offset + i, value >> (8 * i) & bit_mask(8 * step), step);
}

static uint64_t mmio_read(MemoryRegion *mr, Hwaddr offset, unsigned size)
{
    if (mr->lock)
        pthread_mutex_lock(mr->lock);
    uint64_t value = mmio_read_locked(mr, offset, size);
    if (mr->lock)
        pthread_mutex_unlock(mr->lock);
    return value;
}

static MemoryResult mmio_write(MemorySpace *space, MemoryRegion *mr, Hwaddr offset, uint64_t value,
                               unsigned size)
{
    if (size < mr->ops->min_size) {
        log_print(space->log, LOG_GUEST_ERRORS,
                  "%s: %u-byte write at offset 0x%llx, the device takes %u bytes or more\n",
                  mr->name, size, (unsigned long long)offset, mr->ops->min_size);
        return MEM_BAD_SIZE;
    }
    if (mr->lock)
        pthread_mutex_lock(mr->lock);
    mmio_write_locked(mr, offset, value, size);
    if (mr->lock)
        pthread_mutex_unlock(mr->lock);
    return MEM_OK;
}

static MemoryResult nothing_there(MemorySpace *space, Hwaddr gpa, unsigned size, const char *what)
{
    log_print(space->log, LOG_GUEST_ERRORS, "memory: %u-byte %s at 0x%llx, nothing is there\n",
              size, what, (unsigned long long)gpa);
    return MEM_NOTHING_THERE;
}

/* Accesses that straddle two ranges go byte by byte. */
static bool access_fits(const FlatRange *r, Hwaddr gpa, unsigned size)
{
    return r && r->last - gpa >= size - 1;
}

static MemoryResult load_bytewise(MemorySpace *space, Hwaddr gpa, unsigned size, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint64_t byte;
        MemoryResult r = memory_load(space, gpa + i, 1, &byte);
        if (r != MEM_OK)
            return r;
        *value |= byte << (8 * i);
    }
    return MEM_OK;
}

MemoryResult memory_load(MemorySpace *space, Hwaddr gpa, unsigned size, uint64_t *value)
{
    const FlatRange *r = memory_find(space, gpa);
    *value = 0;
    if (!r)
        return nothing_there(space, gpa, size, "read");
    if (!access_fits(r, gpa, size))
        return load_bytewise(space, gpa, size, value);
    if (range_is_ram(r))
        memcpy(value, range_host(r, gpa), size);
    else
        *value = mmio_read(r->region, r->region_offset + (gpa - r->first), size);
    return MEM_OK;
}

MemoryResult memory_store(MemorySpace *space, Hwaddr gpa, unsigned size, uint64_t value)
{
    const FlatRange *r = memory_find(space, gpa);
    if (!r)
        return nothing_there(space, gpa, size, "write");
    if (!access_fits(r, gpa, size)) {
        MemoryResult result = MEM_OK;
        for (unsigned i = 0; i < size && result == MEM_OK; i++)
            result = memory_store(space, gpa + i, 1, value >> (8 * i) & 0xff);
        return result;
    }
    if (r->region->kind == MEM_MMIO)
        return mmio_write(space, r->region, r->region_offset + (gpa - r->first), value, size);
    if (r->region->kind == MEM_ROM)
        return MEM_READ_ONLY;
    memcpy(range_host(r, gpa), &value, size);
    range_written(space, r, gpa, size);
    return MEM_OK;
}

/* The largest power of two, up to 8, that an access at `gpa` of what remains may have. */
static unsigned device_step(Hwaddr gpa, uint64_t len)
{
    unsigned step = 8;
    while (step > len || gpa % step)
        step /= 2;
    return step;
}

static MemoryResult copy_piece(MemorySpace *space, Hwaddr gpa, uint8_t *buf, uint64_t len,
                               bool write, bool to_rom, uint64_t *done)
{
    const FlatRange *r = memory_find(space, gpa);
    if (!r)
        return nothing_there(space, gpa, 1, write ? "write" : "read");
    if (range_is_ram(r)) {
        *done = MIN(len, r->last - gpa + 1 ? r->last - gpa + 1 : len);
        if (!write) {
            memcpy(buf, range_host(r, gpa), *done);
        } else if (r->region->kind == MEM_RAM || to_rom) {
            if (*done >= MANY_BYTES)
                pages_touch(range_host(r, gpa), *done, true);
            memcpy(range_host(r, gpa), buf, *done);
            range_written(space, r, gpa, *done);
        }
        return MEM_OK;
    }
    uint64_t value = 0;
    *done = device_step(gpa, len);
    if (!write) {
        MemoryResult result = memory_load(space, gpa, *done, &value);
        memcpy(buf, &value, *done);
        return result;
    }
    memcpy(&value, buf, *done);
    return memory_store(space, gpa, *done, value);
}

static MemoryResult copy(MemorySpace *space, Hwaddr gpa, uint8_t *buf, uint64_t len, bool write,
                         bool to_rom)
{
    while (len) {
        uint64_t done;
        MemoryResult r = copy_piece(space, gpa, buf, len, write, to_rom, &done);
        if (r != MEM_OK)
            return r;
        gpa += done;
        buf += done;
        len -= done;
    }
    return MEM_OK;
}

MemoryResult memory_read(MemorySpace *space, Hwaddr gpa, void *buf, uint64_t len)
{
    return copy(space, gpa, buf, len, false, false);
}

MemoryResult memory_write(MemorySpace *space, Hwaddr gpa, const void *buf, uint64_t len)
{
    return copy(space, gpa, (uint8_t *)buf, len, true, false);
}

MemoryResult memory_write_rom(MemorySpace *space, Hwaddr gpa, const void *buf, uint64_t len)
{
    return copy(space, gpa, (uint8_t *)buf, len, true, true);
}

void *memory_host(MemorySpace *space, Hwaddr gpa, uint64_t len, bool write)
{
    const FlatRange *r = memory_find(space, gpa);
    if (!r || !len || !range_is_ram(r) || (write && r->region->kind == MEM_ROM) ||
        r->last - gpa < len - 1)
        return NULL;
    return range_host(r, gpa);
}

void memory_written(MemorySpace *space, Hwaddr gpa, uint64_t len)
{
    const FlatRange *r = memory_find(space, gpa);
    if (r && len && range_is_ram(r))
        range_written(space, r, gpa, MIN(len, r->last - gpa + 1));
}

/* Pages that are shared with a file are given back only when they leave the file. */
static bool range_discard(MemorySpace *space, const FlatRange *r, Hwaddr gpa, uint64_t len)
{
    uint64_t page_bytes = r->region->backing.page_bytes;
    uintptr_t from = (uintptr_t)range_host(r, gpa), first = align_up(from, page_bytes);
    uintptr_t end = align_down(from + len, page_bytes);
    if (first >= end)
        return true;
    const HostRam *backing = &r->region->backing;
    if (!backing->shared && backing->fd >= 0)
        return false; /* the file's bytes would show */
    bool ok = !madvise((void *)first, end - first, backing->shared ? MADV_REMOVE : MADV_DONTNEED);
    range_written(space, r, gpa + (first - from), end - first);
    return ok;
}

bool memory_discard(MemorySpace *space, Hwaddr gpa, uint64_t len)
{
    bool ok = true;
    while (len) {
        const FlatRange *r = memory_find(space, gpa);
        uint64_t n = r ? MIN(len - 1, r->last - gpa) + 1 : MIN(len, GUEST_PAGE_SIZE);
        if (r && r->region->kind == MEM_RAM)
            ok &= range_discard(space, r, gpa, n);
        gpa += n;
        len -= n;
    }
    return ok;
}

MemoryResult memory_exchange(MemorySpace *space, Hwaddr gpa, uint64_t *found, uint64_t value)
{
    _Atomic uint64_t *host = memory_host(space, gpa, 8, true);
    if (!host)
        return MEM_READ_ONLY;
    if (atomic_compare_exchange_strong(host, found, value))
        memory_written(space, gpa, 8);
    return MEM_OK;
}

/* ---- info mtree ------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [MEM_CONTAINER] = "i/o", [MEM_RAM] = "ram", [MEM_ROM] = "rom", [MEM_MMIO] = "i/o",
    [MEM_ALIAS] = "i/o",
};

static void print_tree(const MemoryRegion *mr, Hwaddr base, int depth, FILE *out)
{
    bool everything = mr->size == UINT64_MAX; /* which stands for 2^64 */
    fprintf(out, "%*s%016llx-%016llx (prio %d, %s): ", depth * 2 + 2, "", (unsigned long long)base,
            (unsigned long long)(base + mr->size - !everything), mr->priority,
            kind_names[mr->kind]);
    if (mr->kind == MEM_ALIAS)
        fprintf(out, "alias %s @%s %016llx-%016llx", mr->name, mr->target->name,
                (unsigned long long)mr->target_offset,
                (unsigned long long)(mr->target_offset + mr->size - 1));
    else
        fputs(mr->name, out);
    fputs(mr->enabled ? "\n" : " [disabled]\n", out);
    for (const MemoryRegion *c = mr->first_child; c; c = c->next_sibling)
        print_tree(c, base + c->offset, depth + 1, out);
}

void memory_space_print(const MemorySpace *space, FILE *out)
{
    fprintf(out, "address-space: memory\n");
    print_tree(space->root, 0, 0, out);
    fprintf(out, "\n");
}

void memory_space_print_flat(const MemorySpace *space, FILE *out)
{
    const FlatView *v = atomic_load(&((MemorySpace *)space)->view);
    fprintf(out, "FlatView #0\n AS \"memory\", root: %s\n Root memory region: %s\n",
            space->root->name, space->root->name);
    for (size_t i = 0; v && i < v->count; i++) {
        const FlatRange *r = &v->ranges[i];
        fprintf(out, "  %016llx-%016llx (prio %d, %s): %s", (unsigned long long)r->first,
                (unsigned long long)r->last, r->region->priority, kind_names[r->region->kind],
                r->region->name);
        if (r->region_offset)
            fprintf(out, " @%016llx", (unsigned long long)r->region_offset);
        fprintf(out, "\n");
    }
    fprintf(out, "\n");
}
