// SPDX-License-Identifier: MIT
//
// Guest physical memory: a tree of regions, flattened into a sorted view.
//
// Regions are RAM, ROM, MMIO, aliases of a part of another region, or containers. A MemorySpace
// is the view from one root. Changes to the tree are made by the machine's constructor or under
// memory_space_begin()/commit(); commit builds a new immutable FlatView and publishes it with
// one atomic store. Readers (vCPUs, DMA) take the pointer without a lock; retired views live
// until the space is destroyed, because changes are rare.
//
// Each RAM region has memory of this process, or a file that others can map if the user asks for one
// (host_ram.h).
// Every RAM byte has a RamAddr, unique in the machine, by which translations are keyed.
#ifndef SOFTMMU_MEMORY_H
#define SOFTMMU_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/host_ram.h"
#include "util/error.h"
#include "util/log.h"
#include "util/types.h"

typedef uint64_t RamAddr;
#define RAM_ADDR_NONE UINT64_MAX
#define GUEST_PAGE_BITS 12
#define GUEST_PAGE_SIZE 4096u

/* The two ends of an MMIO access; `offset` is in the region, `size` 1, 2, 4 or 8 bytes within
 * [min_size, max_size]. Larger accesses are split into max_size pieces (little-endian, ascending);
 * smaller ones are widened for reads by reading min_size and extracting, and for writes are
 * refused as a guest error. `lock`, if not NULL in the region, is held around both. */
typedef struct MemoryOps {
    uint64_t (*read)(void *opaque, Hwaddr offset, unsigned size);
    void (*write)(void *opaque, Hwaddr offset, uint64_t value, unsigned size);
    uint8_t min_size, max_size;
} MemoryOps;

typedef enum MemoryKind { MEM_CONTAINER, MEM_RAM, MEM_ROM, MEM_MMIO, MEM_ALIAS } MemoryKind;

typedef struct MemoryRegion MemoryRegion;
struct MemoryRegion {
    const char *name;
    MemoryKind kind;
    uint64_t size;
    /* place in the parent */
    MemoryRegion *parent, *first_child, *next_sibling;
    Hwaddr offset;      /* in the parent */
    int priority;       /* the higher wins where siblings overlap */
    bool enabled;
    /* RAM and ROM */
    uint8_t *host;
    HostRam backing;
    RamAddr ram_addr;
    _Atomic uint8_t *code_pages; /* one byte a page: has translations */
    /* MMIO */
    const MemoryOps *ops;
    void *opaque;
    pthread_mutex_t *lock;
    /* alias */
    MemoryRegion *target;
    Hwaddr target_offset;
};

/* A maximal run of addresses that one region serves. */
typedef struct FlatRange {
    Hwaddr first, last;    /* inclusive */
    MemoryRegion *region;  /* RAM, ROM or MMIO */
    Hwaddr region_offset;  /* of `first` in the region */
} FlatRange;

typedef struct FlatView {
    struct FlatView *retired; /* chain of older views */
    size_t count;
    FlatRange ranges[];
} FlatView;

/* Hears of RAM writes that did not come from a vCPU's fast path, and of changes of the map. */
typedef struct MemoryListener MemoryListener;
struct MemoryListener {
    void (*ram_written)(MemoryListener *l, RamAddr addr, uint64_t len); /* only for code pages */
    void (*map_changed)(MemoryListener *l);
    MemoryListener *next;
};

typedef struct MemorySpace {
    MemoryRegion *root;
    _Atomic(FlatView *) view;
    MemoryListener *listeners;
    RamAddr ram_next;
    Log *log;
    pthread_mutex_t change_lock;
} MemorySpace;

typedef enum MemoryResult {
    MEM_OK,
    MEM_NOTHING_THERE, /* no region answers: the guest's own external abort */
    MEM_READ_ONLY,     /* a write to ROM: ignored by the space, the caller may not care */
    MEM_BAD_SIZE,      /* a device refused the size */
} MemoryResult;

/* Regions. Names must outlive the region. */
void memory_region_init_container(MemoryRegion *mr, const char *name, uint64_t size);
void memory_region_init_mmio(MemoryRegion *mr, const char *name, uint64_t size,
                             const MemoryOps *ops, void *opaque, pthread_mutex_t *lock);
void memory_region_init_alias(MemoryRegion *mr, const char *name, MemoryRegion *target,
                              Hwaddr target_offset, uint64_t size);
/* RAM or ROM of `size` bytes (a multiple of the page), zero-filled. */
bool memory_region_init_ram(MemoryRegion *mr, MemorySpace *space, const char *name, uint64_t size,
                            bool rom, Error **err) MUST_CHECK;
/* RAM from somewhere else. */
bool memory_region_init_ram_from(MemoryRegion *mr, MemorySpace *space, const char *name,
                                 uint64_t size, const HostRamSource *source,
                                 Error **err) MUST_CHECK;
void memory_region_destroy(MemoryRegion *mr);
void memory_region_add(MemoryRegion *parent, Hwaddr offset, MemoryRegion *child, int priority);
void memory_region_remove(MemoryRegion *child);

/* A space over `root`. Nothing is visible before the first memory_space_commit(). */
void memory_space_init(MemorySpace *space, MemoryRegion *root, Log *log);
void memory_space_destroy(MemorySpace *space);
bool memory_space_commit(MemorySpace *space, Error **err) MUST_CHECK;
void memory_space_add_listener(MemorySpace *space, MemoryListener *l);

/* The range that holds `gpa`, or NULL. Valid until the space is destroyed. */
const FlatRange *memory_find(const MemorySpace *space, Hwaddr gpa);

/* One access of 1, 2, 4 or 8 bytes, to RAM or a device; any alignment. */
MemoryResult memory_load(MemorySpace *space, Hwaddr gpa, unsigned size, uint64_t *value);
MemoryResult memory_store(MemorySpace *space, Hwaddr gpa, unsigned size, uint64_t value);

/* Copy bytes, across regions. Used by DMA, loaders, debuggers. RAM and devices; ROM is written
 * only by memory_write_rom(). */
MemoryResult memory_read(MemorySpace *space, Hwaddr gpa, void *buf, uint64_t len);
MemoryResult memory_write(MemorySpace *space, Hwaddr gpa, const void *buf, uint64_t len);
MemoryResult memory_write_rom(MemorySpace *space, Hwaddr gpa, const void *buf, uint64_t len);

/* Host pointer to `len` bytes of RAM at `gpa` that are contiguous in one region, else NULL. After
 * writing through it call memory_written(). */
void *memory_host(MemorySpace *space, Hwaddr gpa, uint64_t len, bool write);
void memory_written(MemorySpace *space, Hwaddr gpa, uint64_t len);

/* Give the whole pages of RAM in this range back to the host: until the guest writes to them they
 * read as zeros and cost nothing. What is no RAM is left alone. False: the host could not. */
bool memory_discard(MemorySpace *space, Hwaddr gpa, uint64_t len);

/* Atomically replace the 8 bytes at `gpa`, which is a multiple of 8, by `value` if they are *found;
 * *found becomes what was there. MEM_READ_ONLY: no RAM that can be written. */
MemoryResult memory_exchange(MemorySpace *space, Hwaddr gpa, uint64_t *found, uint64_t value);

/* The texts of `info mtree` and `info mtree -f`. */
void memory_space_print(const MemorySpace *space, FILE *out);
void memory_space_print_flat(const MemorySpace *space, FILE *out);

#endif
