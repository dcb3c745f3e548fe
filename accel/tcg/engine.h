// SPDX-License-Identifier: MIT
//
// Inside the translation engine: units, the vCPU loop, slow memory accesses.
//
// Locks: `lock` (the translation lock) guards the unit table, the page table of translations,
// the scratch unit, linking and compiling; the Background compiles without it. Lookup of units reads
// the hash chains without it: units are published with a release store and live until their piece of
// the buffer is cleared (piece.c), when no vCPU can still be in their code or be `searching`.
#ifndef ACCEL_TCG_ENGINE_H
#define ACCEL_TCG_ENGINE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "accel/accel.h"
#include "softmmu/vcpu.h"
#include "symbols/symbols.h"
#include "tcg/backend.h"

typedef struct Unit Unit;
typedef struct AccelCpu AccelCpu;

/* What a unit covers of one guest page. */
typedef struct UnitSpan UnitSpan;
struct UnitSpan {
    Unit *unit;
    UnitSpan *next;     /* of the same page */
    RamAddr first;
    Vaddr va;           /* of `first` */
    uint32_t bytes;
    uint32_t code_page; /* id: same physical page, virtual page and mode (tcg_code_set_page()) */
};

/* One translation: guest code at a physical place, seen at a virtual address, in a mode. */
struct Unit {
    /* what a look-up touches, in one cache line */
    RamAddr ram;
    Vaddr pc;
    uint64_t flags;
    const void *entry; /* tcg_code_entry(code) */
    _Atomic(Unit *) next_hash;
    atomic_bool dead;
    uint8_t tier;      /* 1: from pc on; 2: a region, see region.c */
    uint8_t heat;      /* samples that met it, see hot.c */
    uint32_t insns;
    TcgCode *code;
    UnitSpan span;     /* of the page of pc */
    UnitSpan *more;    /* of other pages, more_count of them */
    uint32_t more_count;
    uint16_t accesses, indirect; /* to memory; branches; counted while there is a profile */
} __attribute__((aligned(64)));

#define UNIT_HASH_BITS 18
#define SLAB_UNITS 1024 /* units are allocated by so many */

/* Units in the order of their code. */
typedef struct UnitStore {
    Unit **slabs;      /* allocations of SLAB_UNITS */
    size_t count;      /* of slabs */
    size_t used;       /* units */
} UnitStore;

#define PIECES_MAX 32u

typedef enum PieceState { PIECE_EMPTY, PIECE_FILLING, PIECE_FULL } PieceState;

/* A piece of the code buffer, and the units whose code is in it. */
typedef struct Piece {
    PieceState state;
    UnitStore units;
    size_t retired;    /* so many of them, the first, are given up; see piece.c */
    uint64_t filled;   /* when it was full: a number that counts up */
} Piece;

/* What is known of a guest page that holds translated code. */
typedef struct UnitPage {
    UnitSpan *spans;
    uint64_t granules; /* bit n: bytes 64n..64n+63 may be covered by a unit */
} UnitPage;

/* Counters of `info jit`; engine-wide, under the translation lock. */
typedef struct EngineStats {
    uint64_t units, guest_insns, guest_bytes, host_bytes, invalidations;
    uint64_t translate_ns;
    uint64_t evicted_pieces, evicted_units; /* of the code buffer; units: that were not dead before */
    uint64_t halts;            /* of all vCPUs for that */
    uint64_t longest_evict_ns; /* that a vCPU waited for a step of it */
    uint64_t regions, region_blocks, region_insns, region_host_bytes, region_failures;
    uint64_t region_ns, region_locked_ns; /* all of the time, and what of it is under the lock */
    uint64_t asked, arrived, refused, overwritten, cancelled; /* of the thread that makes regions */
    uint64_t waited_ns; /* from asking to publication, of all that arrived */
} EngineStats;

/* A page of guest code that may be part of a region. */
typedef struct RegionPage {
    Vaddr va;
    RamAddr ram;
    uint8_t code[GUEST_PAGE_SIZE]; /* a copy */
} RegionPage;

/* A region from its planning to its publication. */
typedef struct RegionJob RegionJob;
struct RegionJob {
    RegionJob *next;       /* in the queue */
    AccelCpu *ac;          /* who asked */
    CodeRegion region;
    void *plan;            /* the architecture's */
    Unit unit;             /* what is to be published; dead: on no list (any more) */
    RamAddr asked_ram;     /* of the unit that was hot */
    Vaddr asked_pc;
    int64_t asked_ns;
    bool here;             /* the current bank is one that has that unit */
    uint32_t page_count;
    RegionPage pages[CODE_REGION_PAGES];
};

/* The thread that makes regions; see background.c. Under the translation lock. */
typedef struct Background {
    pthread_t thread;
    bool started, quit;
    pthread_cond_t wake;   /* the thread: there is something to do */
    pthread_cond_t done;   /* others: the thread is done with `current` */
    RegionJob *first, *last; /* the queue */
    uint32_t waiting;        /* of these */
    RegionJob *current;
    uint32_t holds;        /* so many want nothing to be made */
    IrUnit *ir;
    TcgCompiler *compiler;
    bool is_full;          /* its piece of the code buffer, for the region that was last */
} Background;

typedef enum Tier2 { TIER2_AUTO, TIER2_OFF, TIER2_ALWAYS } Tier2;

/* What a debugger asked for; changed only while all vCPUs are stopped. */
typedef struct EngineDebug {
    AccelDebugger debugger;
    Vaddr *breakpoints;
    AccelWatch *watches;
    size_t breakpoint_count, watch_count;
} EngineDebug;

typedef struct PerfFiles PerfFiles;
typedef struct HotCpu HotCpu;
typedef struct BranchTable BranchTable;
typedef struct Profile Profile;
typedef struct ProfileCpu ProfileCpu;

/* In the flags of a unit that is made for a single step: one instruction, found by steps only. */
#define UNIT_FLAG_ONE_INSN (UINT64_C(1) << 63)

struct AccelCpu {
    VCPU *cpu;
    AccelRunMode mode; /* under the vCPU's lock; its thread reads it without */
    struct TcgEngine *engine;
    TcgThread *thread;
    HotCpu *hot;      /* NULL: nobody looks for hot code here */
    atomic_bool may_write_unseen; /* in guest code when asked to guard a page of code */
    atomic_bool searching;        /* outside of guest code and without the lock, among the units */
    _Atomic(ProfileCpu *) profile; /* NULL: not profiled */
    bool waits_for_turn;           /* under Turns::lock */
    uint32_t observed_exits; /* so often it is still to come out at once; see branch.c */
    uint32_t entries;              /* with tier2=always */
    _Atomic uint32_t outings;  /* how often it came out of guest code */
    uint32_t outings_then;     /* when the victim was retired; see piece.c */
    uint64_t exits[IR_REASON_COUNT];
    uint64_t lookups, lookup_hits, links, slow_accesses, mmio_accesses;
};

/* Who executes, with thread=single; see turns.c. */
typedef struct Turns {
    bool enabled;
    pthread_mutex_t lock;
    AccelCpu *holder;
    atomic_bool over; /* somebody has waited long enough */
} Turns;

typedef struct TcgEngine {
    Accel accel;
    MemorySpace *memory;
    MemoryListener listener;
    Log *log;
    TcgConfig config;
    uint32_t pc_shift;
    TcgContext *ctx; /* made when the first CPU tells the architecture */
    const CpuOps *ops;
    uint32_t max_insns;
    unsigned passes;
    Tier2 tier2;

    pthread_mutex_t lock;
    IrUnit *scratch;
    _Atomic(Unit *) hash[1 << UNIT_HASH_BITS];
    UnitPage *pages;   /* by RamAddr >> GUEST_PAGE_BITS */
    uint64_t page_count;
    Piece pieces[PIECES_MAX];
    uint32_t piece_count;
    uint32_t empty_pieces;
    uint32_t victim;      /* the next to be cleared; piece_count: none is chosen */
    uint64_t last_filled; /* see Piece */
    EngineStats stats;
    uint32_t last_code_page; /* id given last */
    BranchTable *branches;   /* NULL: nothing noted yet */
    _Atomic uint64_t generation; /* changes when code is forgotten: what was found before may be gone */

    pthread_mutex_t exclusive_lock;
    pthread_cond_t exclusive_cond;
    atomic_bool exclusive_pending;

    Turns turns;
    Background background;
    AccelCpu **cpus;
    uint32_t cpu_count;
    EngineDebug debug;
    Symbols *symbols; /* the caller's, or NULL */
    bool perfmap, jitdump, profile_from_start; /* options */
    PerfFiles *perf;  /* NULL: none are written */
    Profile *profile; /* NULL: never switched on */
} TcgEngine;

/* unit.c */
Unit *unit_find(TcgEngine *e, RamAddr ram, Vaddr pc, uint64_t flags);
/* Find or translate; NULL when the code buffer is full. */
Unit *unit_get(AccelCpu *ac, RamAddr ram, Vaddr pc, uint64_t flags, const uint8_t *host);
void unit_invalidate_range(TcgEngine *e, VCPU *writer, RamAddr addr, uint64_t len);
/* Whether a write there could touch translated code. Lock-free. */
bool unit_covers(const TcgEngine *e, RamAddr addr, uint64_t len);
/* End the units that have an instruction at the virtual address `pc`, in any address space. */
void unit_invalidate_pc(TcgEngine *e, Vaddr pc);
void unit_forget_all(TcgEngine *e); /* the tables; see piece_forget_all() */
void unit_table_destroy(TcgEngine *e);

static inline UnitSpan *unit_span(Unit *u, uint32_t n)
{
    return n ? &u->more[n - 1] : &u->span;
}

static inline Unit *unit_at(const UnitStore *s, size_t n)
{
    return &s->slabs[n / SLAB_UNITS][n % SLAB_UNITS];
}

/* The memory that `ram` is part of, or NULL. */
const MemoryRegion *unit_region_of(const TcgEngine *e, RamAddr ram);
/* Parts of it that regions share; under the translation lock. */
/* Code is about to be read from `ram` on, nobody knows yet how far. Whoever writes there from now on
 * sees it in unit_covers(), and then waits for the lock. Returns what was covered before. */
uint64_t unit_cover_rest_of_page_locked(TcgEngine *e, RamAddr ram);
/* Only that is covered again, and what a new unit has there (`span`, or NULL). */
void unit_uncover_locked(TcgEngine *e, RamAddr ram, uint64_t covered, const UnitSpan *span);
TcgCode *unit_compile_locked(TcgEngine *e, const uint8_t *host);
/* Does the log want to see translation? */
bool unit_is_logged(const TcgEngine *e);
/* Put `u` on the lists of the pages that its spans name: whoever writes to its code ends it. */
void unit_watch_locked(TcgEngine *e, Unit *u);
void unit_unwatch_locked(TcgEngine *e, Unit *u);
/* The page's granules, and whether it has code, from the spans on its list. */
void unit_note_page_locked(TcgEngine *e, RamAddr ram);
/* Enter `what` with its code into all tables; its spans say what they cover. If it was watched it is
 * no longer, but what was made of it is. NULL: out of memory. */
Unit *unit_publish_locked(TcgEngine *e, Unit *what, const IrUnit *ir);
void unit_end_locked(TcgEngine *e, Unit *u); /* another one takes its place */
/* Nothing finds or links it any more; jump caches and the lists of pages still know it. */
void unit_bury_locked(TcgEngine *e, Unit *u);
/* Take dead units off the page's list. */
void unit_sweep_page_locked(TcgEngine *e, RamAddr ram);

/* piece.c: room in the code buffer */
void piece_init(TcgEngine *e); /* when there is a context */
void piece_fini(TcgEngine *e);
/* For a unit with this code. NULL: out of memory. */
Unit *piece_new_unit_locked(TcgEngine *e, const TcgCode *code);
/* Under the translation lock: where `at` in the host's code belongs, or NULL. */
Unit *unit_of_host_locked(TcgEngine *e, uintptr_t at);
/* Called now and then: give up old code in time. */
void piece_prepare_next_locked(TcgEngine *e);
/* Go on with an empty piece. False: all vCPUs must come out of translated code first. */
bool piece_go_on_locked(TcgEngine *e);
/* The same for a compiler. False: not now. */
bool piece_go_on_aside_locked(TcgEngine *e, TcgCompiler *c);
/* No vCPU is in translated code, and the Background holds. */
void piece_forget_all(TcgEngine *e);

/* region.c: translation of regions, the second tier */
/* Under the translation lock, on the vCPU's thread: put a region in place of `u`, or of the unit at
 * its head. */
void region_make_locked(AccelCpu *ac, Unit *u);
/* The same in steps: on the vCPU's thread; by any thread without the lock; false: nothing comes of
 * it, for example because its code was overwritten meanwhile. */
RegionJob *region_plan_locked(AccelCpu *ac, const Unit *u); /* NULL: there is none */
void region_translate(RegionJob *job, IrUnit *ir);
bool region_publish_locked(RegionJob *job, TcgCode *code, const IrUnit *ir);
void region_free_locked(TcgEngine *e, RegionJob *job);
/* Does the current bank have it, so that other pages can be found, too? */
bool region_is_here(AccelCpu *ac, const Unit *u);

/* branch.c: where indirect branches lead */
/* From now on, for a while, note the targets of all branches that `ac` executes; with tier2=always for
 * the next entry, now and then. */
void engine_observe_branches(AccelCpu *ac);
/* The pc is where it led; `generation` that of the code buffer when it was entered. */
void engine_note_branch(AccelCpu *ac, const TcgBranch *branch, uint64_t generation);
/* As CodeRegion.targets(), under the translation lock. */
unsigned engine_branch_targets_locked(TcgEngine *e, RamAddr ram, Vaddr pc, CodeTarget *to,
                                      unsigned max);

/* Signals of samples. Their handlers keep each other out, so that both see what was interrupted. */
#define ENGINE_SIGNAL_PROFILE SIGPROF
#define ENGINE_SIGNAL_HOT SIGRTMIN

/* background.c: the thread that makes regions */
bool background_start(TcgEngine *e, Error **err) MUST_CHECK;
void background_end(TcgEngine *e); /* the vCPUs are gone */
/* On the vCPU's thread: have a region made of `u`. False: not now, ask again. */
bool background_ask_locked(AccelCpu *ac, Unit *u);
/* Drop all that is asked for and under way, and take on nothing until background_go_on(). Without the
 * lock, outside of exclusive sections. */
void background_hold(TcgEngine *e);
void background_go_on(TcgEngine *e);

/* hot.c: which units are worth it, by samples */
void engine_hot_thread(AccelCpu *ac); /* at the start of each thread */
void engine_hot_poll(AccelCpu *ac);   /* outside translated code */
void engine_hot_end(AccelCpu *ac);

/* memory.c */
void engine_slow_access(void *env, TcgSlowAccess *access);
/* Where executable code stands. */
typedef struct FetchPlace {
    RamAddr ram;
    const uint8_t *host;
    uint64_t flags;    /* of its unit: those of the bank, and UNIT_FLAG_GUARDED */
    uint8_t size_log2; /* of the mapping */
} FetchPlace;

/* The place of `pc`. False: an exception is set up in the guest, ready for deliver(). */
bool engine_fetch_page(VCPU *cpu, Vaddr pc, FetchPlace *place);
/* The same from the TLBs alone, without a walk. */
bool engine_fetch_cached(VCPU *cpu, Vaddr pc, FetchPlace *place);

/* loop.c */
void engine_log_changed(Accel *accel);
bool engine_wants_no_chain(const TcgEngine *e); /* by the log's items, or by an option */
void *engine_cpu_thread(void *cpu);
const void *engine_lookup(void *env, Vaddr pc);
void engine_exclusive_begin(TcgEngine *e, VCPU *self);
void engine_exclusive_end(TcgEngine *e);

/* turns.c */
/* Under the vCPU's lock; true: it may run. Else it waits: call engine_wait_for_turn(). */
bool engine_take_turn(AccelCpu *ac);
void engine_wait_for_turn(AccelCpu *ac); /* under the vCPU's lock; comes back now and then */
/* For a vCPU that waits for others: end its turn if one of them wants it. */
bool engine_offer_turn(AccelCpu *ac);
bool engine_turn_is_over(AccelCpu *ac);
bool engine_in_turns(AccelCpu *ac); /* it has the turn, or waits for it */
void engine_end_turn(AccelCpu *ac); /* without the vCPU's lock; wakes the next */

/* debug.c */
void engine_init_debug(TcgEngine *e); /* fills in the Accel's functions */
void engine_fini_debug(TcgEngine *e);
/* On the vCPU's thread, its state exact: stop it and tell the debugger. `watch` may be NULL. */
void engine_debug_stop(AccelCpu *ac, AccelStop why, const AccelWatch *watch);
bool engine_breakpoint_at(const TcgEngine *e, Vaddr pc);
/* How many of the `bytes` from `pc` on a unit may cover: up to the next breakpoint. */
uint32_t engine_bytes_to_breakpoint(const TcgEngine *e, Vaddr pc, uint32_t bytes);
/* The watchpoint that an access hits, or NULL. */
const AccelWatch *engine_find_watch(TcgEngine *e, VCPU *cpu, Vaddr addr, unsigned size, bool read,
                                    bool write);
bool engine_page_watched(const TcgEngine *e, VCPU *cpu, Vaddr va);

/* disas.c */
void engine_log_guest(TcgEngine *e, const IrUnit *u, const uint8_t *code);
void engine_log_host(TcgEngine *e, const TcgCode *code);

/* profile.c: samples of where vCPU threads are, taken by a signal that their own CPU time raises */
bool engine_set_profile(Accel *a, bool on, Error **err) MUST_CHECK;
void engine_profile_thread(AccelCpu *ac); /* at the start of each thread */
void engine_profile_poll(AccelCpu *ac);   /* now and then: the samples' buffer is small */
void engine_profile_end(AccelCpu *ac);    /* the thread is gone */
void engine_profile_unit(Unit *u, const IrUnit *ir); /* fills in what the profile asks of a unit */
/* Samples are of host code: say to which units they belong before these go. Translation lock. */
void engine_profile_settle_locked(TcgEngine *e);
void engine_print_profile(TcgEngine *e, FILE *out);
void engine_fini_profile(TcgEngine *e);

/* perf.c: files that name translated code for perf */
bool engine_perf_open(TcgEngine *e, bool map, bool dump, Error **err) MUST_CHECK;
void engine_perf_add_locked(TcgEngine *e, const Unit *u);
void engine_perf_close(TcgEngine *e);

/* symbols: "name+0x1c", or "" */
void engine_describe(TcgEngine *e, Vaddr pc, char *text, size_t len);

/* stats.c */
void engine_print_stats(Accel *accel, FILE *out);

#endif
