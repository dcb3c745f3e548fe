// SPDX-License-Identifier: MIT
//
// The software TLB of a vCPU.
//
// A bank is the fast lookup of one address space in one mode: a direct-mapped TLB and a
// direct-mapped cache from guest pc to translated code. A bank is named by a key (regime, ASID
// and whatever else selects translations); changing ASID or exception level changes the current
// bank and flushes nothing. TLB_BANKS banks are kept, the least recently used is recycled.
// Behind the banks stands a larger second-level TLB, tagged by ASID or global, which also
// remembers large pages (one entry for a block of up to 2^size_log2 bytes).
//
// Owner: the vCPU's own thread. Other threads never touch a Tlb: they queue invalidations with
// vcpu_queue_flush() or tlb_broadcast_*(), which the owner carries out before it runs translated
// code again.
//
// Tagged addresses (top-byte-ignore) hit as themselves: the tag of an entry is the address as
// the guest wrote it, and invalidation compares canonical addresses; aliases that differ in the
// top byte only fall into the same slot.
#ifndef SOFTMMU_TLB_H
#define SOFTMMU_TLB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/memory.h"
#include "util/types.h"

#define TLB_BITS 12         /* entries of a bank, log2 */
#define TLB_ENTRY_BITS 5    /* bytes of an entry, log2 */
#define TLB_JUMP_BITS 14    /* jump cache entries of a bank, log2 */
#define TLB_CODE_PAGE_BITS 10 /* code page entries of a bank, log2 */
#define TLB_BANKS 16
#define TLB_L2_BITS 12

/* Bits below the page in a tag; any of them makes the fast path miss. */
enum {
    TLB_INVALID = 1 << 11, /* nothing there */
    TLB_MMIO = 1 << 10,    /* a device, or device memory type: always the slow path */
    TLB_NOTDIRTY = 1 << 9, /* tag_write only: the page holds translated code */
    TLB_FLAGS = TLB_INVALID | TLB_MMIO | TLB_NOTDIRTY,
};

typedef struct TlbEntry {
    uint64_t tag_read, tag_write; /* page address as the guest wrote it, or with flags */
    uint64_t addend;              /* host address = guest address + addend (RAM) */
    uint64_t gpa_page;            /* gpa of the page, or'ed with TLB_GLOBAL, TLB_DEVICE */
} TlbEntry;

/* Attributes in gpa_page. */
enum {
    TLB_GLOBAL = 1 << 0, /* valid in every ASID */
    TLB_DEVICE = 1 << 1, /* device memory type: unaligned accesses fault */
};

typedef struct TlbJump {
    uint64_t pc;      /* TLB_JUMP_EMPTY: none */
    const void *code;
} TlbJump;
#define TLB_JUMP_EMPTY UINT64_C(1) /* no instruction has an odd address */

/* What selects a bank. Equality of all fields is equality of the address space and mode. */
typedef struct TlbKey {
    uint32_t regime; /* the target's own numbering of all that a walk's result depends on besides
                      * the ASID: translation regime, privilege, PAN, ... */
    uint32_t asid;
    uint64_t flags;  /* mode bits that select translations (from CpuOps.unit_flags) */
} TlbKey;

#define TLB_PAGE_BITS_MAX 16 /* larger mappings are blocks, of which a bank keeps note */
#define TLB_HUGE 6

typedef struct TlbHuge {
    Vaddr va;
    uint8_t size_log2;
} TlbHuge;

typedef struct TlbBank {
    TlbEntry entries[1 << TLB_BITS];
    TlbJump jumps[1 << TLB_JUMP_BITS];
    uint32_t code_pages[1 << TLB_CODE_PAGE_BITS]; /* by page of the pc: see tlb_enter_jump() */
    TlbKey key;
    bool clean;                       /* holds nothing since the last flush */
    uint64_t large_pieces[8];         /* filter: 2 MiB pieces (by low bits of their number) of
                                       * which something came from a mapping larger than a page */
    TlbHuge huge[TLB_HUGE];           /* mappings larger than 2 MiB of which something is here */
    uint8_t huge_count;
    uint64_t jump_pages[64];          /* filter: pages (by low bits of their number) with jumps */
    uint8_t jump_halves;              /* bit n: there are jumps to addresses with bit 55 == n */
    uint8_t jump_shift;               /* pc_shift of the jumps */
    uint64_t written[64];             /* filter: host pages (by low bits of their number) that may
                                       * be written to, entered since the last flush */
    uint64_t *gone;                   /* the Tlb's filter of writable entries that are gone */
} TlbBank;

enum { TLB_READ = 1, TLB_WRITE = 2, TLB_EXEC = 4 };

/* The result of a table walk. */
typedef struct TlbFill {
    Hwaddr gpa;        /* of the page that holds the address, page-aligned to GUEST_PAGE_BITS */
    uint8_t prot;      /* TLB_READ | TLB_WRITE | TLB_EXEC */
    uint8_t size_log2; /* of the mapping: GUEST_PAGE_BITS or more */
    bool global;       /* valid in every ASID of the regime */
    bool device;       /* device memory type: unaligned accesses fault */
    bool guarded;      /* code there has to name the targets of its indirect branches */
} TlbFill;

struct Tlb;
typedef struct Tlb Tlb;

typedef struct TlbStats {
    uint64_t misses, l2_hits, walks, flushes_all, flushes_asid, flushes_page, bank_recycles;
} TlbStats;

Tlb *tlb_create(void);
void tlb_destroy(Tlb *tlb);

/* The bank for `key`, recycled if need be. */
TlbBank *tlb_bank(Tlb *tlb, const TlbKey *key);

/* Second-level lookup for (key, page of va); fills *fill. */
bool tlb_l2_find(Tlb *tlb, const TlbKey *key, Vaddr va, TlbFill *fill);
void tlb_l2_insert(Tlb *tlb, const TlbKey *key, Vaddr va, const TlbFill *fill);

/* Enter a page into a bank. `host` is the page's first byte, NULL: MMIO. `va` as the guest
 * wrote it. */
void tlb_enter(TlbBank *bank, Vaddr va, const TlbFill *fill, void *host, bool code_page);

/* Remember code for `pc` in the bank's jump cache, and which page of code stands at pc's page: not
 * 0, the same for all code of that page in this bank. `size_log2` is that of the mapping. */
void tlb_enter_jump(TlbBank *bank, Vaddr pc, unsigned pc_shift, unsigned size_log2,
                    const void *code, uint32_t code_page);

static inline const void *tlb_jump_find(const TlbBank *bank, Vaddr pc, unsigned pc_shift)
{
    const TlbJump *j = &bank->jumps[(pc >> pc_shift) & ((1u << TLB_JUMP_BITS) - 1)];
    return j->pc == pc ? j->code : NULL;
}

static inline TlbEntry *tlb_entry(TlbBank *bank, Vaddr va)
{
    return &bank->entries[(va >> GUEST_PAGE_BITS) & ((1u << TLB_BITS) - 1)];
}

/* Invalidations, on the owner's thread. `va` canonical. */
void tlb_flush_all(Tlb *tlb);
void tlb_flush_asid(Tlb *tlb, uint32_t asid);               /* non-global entries of the ASID */
/* The page of 1 << size_log2 bytes (the smallest that the tables map, at most TLB_PAGE_BITS_MAX)
 * around `va`, or the block that it belongs to. */
void tlb_flush_page(Tlb *tlb, Vaddr va, unsigned size_log2, uint32_t asid, bool any_asid);
void tlb_flush_jumps(Tlb *tlb);                             /* all jump caches */
/* Those to host code from `first` on, `bytes` of it. */
void tlb_remove_jumps_to(Tlb *tlb, uintptr_t first, uintptr_t bytes);
void tlb_remove_jump(Tlb *tlb, Vaddr pc, unsigned pc_shift); /* one pc, in every bank */
/* Stores to the page with this host address take the slow path from now on. True when there is an
 * entry by which they did not, or there may have been one since tlb_forget_gone(). */
bool tlb_protect_code(Tlb *tlb, const void *host_page);
/* What was stored until now through entries that are gone is no matter any more. */
void tlb_forget_gone(Tlb *tlb);

TlbStats *tlb_stats(Tlb *tlb);
/* The text of `info tlb`: the second level, which holds what walks found. While the owner waits. */
void tlb_print(const Tlb *tlb, FILE *out);

#endif
