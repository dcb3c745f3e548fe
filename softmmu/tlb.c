// SPDX-License-Identifier: MIT
//
// The software TLB: banks, the second level behind them, invalidation; contract in tlb.h.
//
// Invalidation by page looks at one slot of each bank. Entries and jumps that came from a larger
// mapping are spread over many slots: a bank remembers in a small filter which 2 MiB pieces they
// lie in, and which still larger mappings it has met, and an invalidation there clears the bank.
// Pages up to 64 KiB are no larger mappings: their slots are visited one by one. Jump caches are filtered by a bitmap of page
// numbers, because most invalidated pages never held code.
#include "softmmu/tlb.h"

#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/pages.h"

#define L2_WAYS 2
#define L2_SETS (1 << (TLB_L2_BITS - 1))
#define LARGE_BITS 8
#define LARGE_LOG2 21 /* larger mappings are kept in pieces of 2 MiB */

typedef struct L2Entry {
    uint64_t page;    /* virtual page number of its size class, L2_EMPTY: none */
    uint32_t regime, asid;
    TlbFill fill;
} L2Entry;
#define L2_EMPTY UINT64_MAX

/* What the choice of a bank looks at, apart from the banks, each of which is large. */
typedef struct BankName {
    TlbKey key;
    bool live;
    uint64_t last_use;
} BankName;

/* A filter: bits by host page. */
#define GONE_WORDS 8

struct Tlb {
    BankName names[TLB_BANKS];
    uint8_t recent[2]; /* the banks found last: kernel and user of one process */
    TlbBank banks[TLB_BANKS];
    L2Entry l2[L2_SETS][L2_WAYS];
    L2Entry large[1 << LARGE_BITS];
    uint64_t gone[GONE_WORDS];
    uint64_t tick;
    TlbStats stats;
};

static uint64_t gone_bit(uintptr_t host_page)
{
    return BIT((host_page >> GUEST_PAGE_BITS) & 63);
}

static uint64_t *gone_word(uint64_t *gone, uintptr_t host_page)
{
    return &gone[(host_page >> (GUEST_PAGE_BITS + 6)) & (GONE_WORDS - 1)];
}

static uint64_t *written_word(TlbBank *bank, uintptr_t host_page)
{
    return &bank->written[(host_page >> (GUEST_PAGE_BITS + 6)) & (ARRAY_SIZE(bank->written) - 1)];
}

/* An entry is about to be overwritten: stores may have gone through it. */
static void note_gone(TlbBank *bank, const TlbEntry *e)
{
    uintptr_t host_page = e->tag_write + e->addend;
    if (!(e->tag_write & TLB_FLAGS))
        *gone_word(bank->gone, host_page) |= gone_bit(host_page);
}

static void bank_clear_entries(TlbBank *bank)
{
    memset(bank->gone, 0xff, GONE_WORDS * sizeof(uint64_t));
    for (unsigned i = 0; i < ARRAY_SIZE(bank->entries); i++)
        bank->entries[i] = (TlbEntry){ .tag_read = TLB_INVALID, .tag_write = TLB_INVALID };
}

static uint32_t *code_page_entry(TlbBank *bank, Vaddr va)
{
    return &bank->code_pages[(va >> GUEST_PAGE_BITS) & ((1u << TLB_CODE_PAGE_BITS) - 1)];
}

static void bank_clear_jumps(TlbBank *bank)
{
    memset(bank->code_pages, 0, sizeof(bank->code_pages));
    for (unsigned i = 0; i < ARRAY_SIZE(bank->jumps); i++)
        bank->jumps[i] = (TlbJump){ TLB_JUMP_EMPTY, NULL };
    memset(bank->jump_pages, 0, sizeof(bank->jump_pages));
    bank->jump_halves = 0;
}

static void bank_clear(TlbBank *bank)
{
    if (bank->clean)
        return;
    bank_clear_entries(bank);
    bank_clear_jumps(bank);
    memset(bank->large_pieces, 0, sizeof(bank->large_pieces));
    memset(bank->written, 0, sizeof(bank->written));
    bank->huge_count = 0;
    bank->clean = true;
}

static void l2_clear(Tlb *tlb)
{
    L2Entry *e = &tlb->l2[0][0];
    for (unsigned i = 0; i < L2_SETS * L2_WAYS; i++)
        e[i].page = L2_EMPTY;
    for (unsigned i = 0; i < ARRAY_SIZE(tlb->large); i++)
        tlb->large[i].page = L2_EMPTY;
}

Tlb *tlb_create(void)
{
    Tlb *tlb = pages_map(sizeof(*tlb));
    if (!tlb)
        return NULL;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        tlb->banks[i].gone = tlb->gone;
        bank_clear(&tlb->banks[i]);
    }
    l2_clear(tlb);
    tlb_forget_gone(tlb);
    return tlb;
}

void tlb_destroy(Tlb *tlb)
{
    pages_unmap(tlb, sizeof(*tlb));
}

static bool key_equal(const TlbKey *a, const TlbKey *b)
{
    return a->regime == b->regime && a->asid == b->asid && a->flags == b->flags;
}

static bool bank_is(Tlb *tlb, unsigned n, const TlbKey *key)
{
    return tlb->names[n].live && key_equal(&tlb->names[n].key, key);
}

static TlbBank *bank_used(Tlb *tlb, unsigned n)
{
    tlb->names[n].last_use = ++tlb->tick;
    return &tlb->banks[n];
}

/* The bank for `key`, or the least recently used, emptied. */
static unsigned bank_search(Tlb *tlb, const TlbKey *key)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (bank_is(tlb, i, key))
            return i;
        if (tlb->names[i].last_use < tlb->names[oldest].last_use)
            oldest = i;
    }
    tlb->stats.bank_recycles += tlb->names[oldest].live;
    bank_clear(&tlb->banks[oldest]);
    tlb->banks[oldest].key = *key;
    tlb->names[oldest] = (BankName){ .key = *key, .live = true };
    return oldest;
}

TlbBank *tlb_bank(Tlb *tlb, const TlbKey *key)
{
    for (unsigned i = 0; i < ARRAY_SIZE(tlb->recent); i++)
        if (bank_is(tlb, tlb->recent[i], key))
            return bank_used(tlb, tlb->recent[i]);
    tlb->recent[1] = tlb->recent[0];
    tlb->recent[0] = bank_search(tlb, key);
    return bank_used(tlb, tlb->recent[0]);
}

/* ---- second level ----------------------------------------------------------------------- */

static bool l2_matches(const L2Entry *e, const TlbKey *key, uint64_t page)
{
    return e->page == page && e->regime == key->regime &&
           (e->fill.global || e->asid == key->asid);
}

static L2Entry *l2_large(Tlb *tlb, Vaddr va)
{
    return &tlb->large[(va >> LARGE_LOG2) & ((1u << LARGE_BITS) - 1)];
}

bool tlb_l2_find(Tlb *tlb, const TlbKey *key, Vaddr va, TlbFill *fill)
{
    uint64_t page = va >> GUEST_PAGE_BITS;
    L2Entry *set = tlb->l2[page & (L2_SETS - 1)];
    for (unsigned i = 0; i < L2_WAYS; i++) {
        if (l2_matches(&set[i], key, page)) {
            *fill = set[i].fill;
            return true;
        }
    }
    L2Entry *e = l2_large(tlb, va);
    if (!l2_matches(e, key, va >> LARGE_LOG2))
        return false;
    *fill = e->fill;
    fill->gpa += va & bit_mask(LARGE_LOG2) & ~bit_mask(GUEST_PAGE_BITS);
    return true;
}

void tlb_l2_insert(Tlb *tlb, const TlbKey *key, Vaddr va, const TlbFill *fill)
{
    L2Entry e = { .regime = key->regime, .asid = key->asid, .fill = *fill };
    if (fill->size_log2 >= LARGE_LOG2) {
        e.page = va >> LARGE_LOG2;
        e.fill.gpa &= ~bit_mask(LARGE_LOG2);
        *l2_large(tlb, va) = e;
        return;
    }
    e.page = va >> GUEST_PAGE_BITS;
    L2Entry *set = tlb->l2[e.page & (L2_SETS - 1)];
    if (!l2_matches(&set[0], key, e.page))
        set[1] = set[0];
    set[0] = e;
}

/* ---- filling a bank --------------------------------------------------------------------- */

static uint64_t large_piece_bit(Vaddr va)
{
    return BIT((va >> LARGE_LOG2) & 63);
}

static uint64_t *large_piece_word(TlbBank *bank, Vaddr va)
{
    return &bank->large_pieces[(va >> (LARGE_LOG2 + 6)) & (ARRAY_SIZE(bank->large_pieces) - 1)];
}

static bool in_huge(const TlbBank *bank, Vaddr va)
{
    for (unsigned i = 0; i < bank->huge_count; i++)
        if (!((bank->huge[i].va ^ va) << 8 >> (8 + bank->huge[i].size_log2)))
            return true;
    return false;
}

static void note_huge(TlbBank *bank, Vaddr va, unsigned size_log2)
{
    if (in_huge(bank, va))
        return;
    if (bank->huge_count < TLB_HUGE)
        bank->huge[bank->huge_count++] = (TlbHuge){ va, size_log2 };
    else
        memset(bank->large_pieces, 0xff, sizeof(bank->large_pieces));
}

static void note_large(TlbBank *bank, Vaddr va, unsigned size_log2)
{
    if (size_log2 > LARGE_LOG2)
        note_huge(bank, va, size_log2);
    else if (size_log2 > TLB_PAGE_BITS_MAX)
        *large_piece_word(bank, va) |= large_piece_bit(va);
}

static bool in_large(TlbBank *bank, Vaddr va)
{
    return (*large_piece_word(bank, va) & large_piece_bit(va)) || in_huge(bank, va);
}

void tlb_enter(TlbBank *bank, Vaddr va, const TlbFill *fill, void *host, bool code_page)
{
    Vaddr page = va & ~bit_mask(GUEST_PAGE_BITS);
    uint64_t flags = host && !fill->device ? 0 : TLB_MMIO;
    TlbEntry *e = tlb_entry(bank, va);
    note_gone(bank, e);
    *e = (TlbEntry){
        .tag_read = fill->prot & TLB_READ ? page | flags : TLB_INVALID,
        .tag_write = fill->prot & TLB_WRITE ? page | flags | (code_page ? TLB_NOTDIRTY : 0)
                                            : TLB_INVALID,
        .addend = (uintptr_t)host - page,
        .gpa_page = fill->gpa | (fill->global ? TLB_GLOBAL : 0) |
                    (fill->device ? TLB_DEVICE : 0),
    };
    if (host && fill->prot & TLB_WRITE) /* TLB_NOTDIRTY may go */
        *written_word(bank, (uintptr_t)host) |= gone_bit((uintptr_t)host);
    bank->clean = false;
    note_large(bank, va, fill->size_log2);
}

static uint64_t jump_page_bit(Vaddr va)
{
    return BIT((va >> GUEST_PAGE_BITS) & 63);
}

static uint64_t *jump_page_word(TlbBank *bank, Vaddr va)
{
    return &bank->jump_pages[(va >> (GUEST_PAGE_BITS + 6)) & (ARRAY_SIZE(bank->jump_pages) - 1)];
}

void tlb_enter_jump(TlbBank *bank, Vaddr pc, unsigned pc_shift, unsigned size_log2,
                    const void *code, uint32_t code_page)
{
    *code_page_entry(bank, pc) = code_page;
    bank->jumps[(pc >> pc_shift) & ((1u << TLB_JUMP_BITS) - 1)] = (TlbJump){ pc, code };
    *jump_page_word(bank, pc) |= jump_page_bit(pc);
    bank->jump_halves |= 1 << (pc >> 55 & 1);
    bank->jump_shift = pc_shift;
    note_large(bank, pc, size_log2);
    bank->clean = false;
}

/* ---- invalidation ----------------------------------------------------------------------- */

void tlb_flush_all(Tlb *tlb)
{
    tlb->stats.flushes_all++;
    for (unsigned i = 0; i < TLB_BANKS; i++)
        bank_clear(&tlb->banks[i]);
    l2_clear(tlb);
}

void tlb_flush_asid(Tlb *tlb, uint32_t asid)
{
    tlb->stats.flushes_asid++;
    for (unsigned i = 0; i < TLB_BANKS; i++)
        if (tlb->banks[i].key.asid == asid)
            bank_clear(&tlb->banks[i]);
    L2Entry *e = &tlb->l2[0][0];
    for (unsigned i = 0; i < L2_SETS * L2_WAYS; i++)
        if (e[i].asid == asid && !e[i].fill.global)
            e[i].page = L2_EMPTY;
    for (unsigned i = 0; i < ARRAY_SIZE(tlb->large); i++)
        if (tlb->large[i].asid == asid && !tlb->large[i].fill.global)
            tlb->large[i].page = L2_EMPTY;
}

/* Same page, whatever the ignored top byte. */
static bool same_page(uint64_t tag, Vaddr va)
{
    return !((tag ^ va) << 8 >> (8 + GUEST_PAGE_BITS));
}

/* Jumps into one page lie in neighbouring slots. Kernels flush mostly pages of user space, which
 * their own banks hold no jumps to: the halves of the address space sort that out. */
static void bank_flush_page_jumps(TlbBank *bank, Vaddr va)
{
    if (!(bank->jump_halves >> (va >> 55 & 1) & 1) ||
        !(*jump_page_word(bank, va) & jump_page_bit(va)))
        return;
    uint64_t first = (va & ~bit_mask(GUEST_PAGE_BITS)) >> bank->jump_shift;
    for (unsigned i = 0; i < GUEST_PAGE_SIZE >> bank->jump_shift; i++) {
        TlbJump *j = &bank->jumps[(first + i) & ((1u << TLB_JUMP_BITS) - 1)];
        if (same_page(j->pc, va))
            *j = (TlbJump){ TLB_JUMP_EMPTY, NULL };
    }
    *code_page_entry(bank, va) = 0;
}

static void bank_flush_page(TlbBank *bank, Vaddr va, uint32_t asid, bool any_asid)
{
    bool ours = any_asid || bank->key.asid == asid;
    TlbEntry *e = tlb_entry(bank, va);
    if ((same_page(e->tag_read, va) || same_page(e->tag_write, va)) &&
        (ours || (e->gpa_page & TLB_GLOBAL))) {
        note_gone(bank, e);
        *e = (TlbEntry){ .tag_read = TLB_INVALID, .tag_write = TLB_INVALID };
    }
    bank_flush_page_jumps(bank, va);
}

static void l2_flush_page(Tlb *tlb, Vaddr va)
{
    L2Entry *set = tlb->l2[(va >> GUEST_PAGE_BITS) & (L2_SETS - 1)];
    for (unsigned i = 0; i < L2_WAYS; i++)
        if (set[i].page != L2_EMPTY && same_page(set[i].page << GUEST_PAGE_BITS, va))
            set[i].page = L2_EMPTY;
}

void tlb_flush_page(Tlb *tlb, Vaddr va, unsigned size_log2, uint32_t asid, bool any_asid)
{
    Vaddr first = va & ~bit_mask(size_log2), last = va | bit_mask(size_log2);
    tlb->stats.flushes_page++;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        TlbBank *bank = &tlb->banks[i];
        if (bank->clean)
            continue;
        /* the mapping may be global, so the ASID does not help */
        if (in_large(bank, va)) {
            bank_clear(bank);
            continue;
        }
        for (Vaddr page = first; page - first <= last - first; page += GUEST_PAGE_SIZE)
            bank_flush_page(bank, page, asid, any_asid);
    }
    for (Vaddr page = first; page - first <= last - first; page += GUEST_PAGE_SIZE)
        l2_flush_page(tlb, page);
    /* a block of 1 GiB may be there in many pieces */
    for (unsigned i = 0; i < ARRAY_SIZE(tlb->large); i++) {
        L2Entry *e = &tlb->large[i];
        if (e->page != L2_EMPTY &&
            !(((e->page << LARGE_LOG2) ^ va) << 8 >> (8 + e->fill.size_log2)))
            e->page = L2_EMPTY;
    }
}

void tlb_flush_jumps(Tlb *tlb)
{
    for (unsigned i = 0; i < TLB_BANKS; i++)
        bank_clear_jumps(&tlb->banks[i]);
}

void tlb_remove_jumps_to(Tlb *tlb, uintptr_t first, uintptr_t bytes)
{
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        TlbBank *bank = &tlb->banks[i];
        for (unsigned n = 0; bank->jump_halves && n < ARRAY_SIZE(bank->jumps); n++)
            if ((uintptr_t)bank->jumps[n].code - first < bytes)
                bank->jumps[n] = (TlbJump){ TLB_JUMP_EMPTY, NULL };
    }
}

void tlb_remove_jump(Tlb *tlb, Vaddr pc, unsigned pc_shift)
{
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        TlbJump *j = &tlb->banks[i].jumps[(pc >> pc_shift) & ((1u << TLB_JUMP_BITS) - 1)];
        if (j->pc == pc)
            *j = (TlbJump){ TLB_JUMP_EMPTY, NULL };
    }
}

void tlb_forget_gone(Tlb *tlb)
{
    memset(tlb->gone, 0, sizeof(tlb->gone));
}

bool tlb_protect_code(Tlb *tlb, const void *host_page)
{
    bool found = *gone_word(tlb->gone, (uintptr_t)host_page) & gone_bit((uintptr_t)host_page);
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        TlbBank *b = &tlb->banks[i];
        if (b->clean || !(*written_word(b, (uintptr_t)host_page) & gone_bit((uintptr_t)host_page)))
            continue;
        for (unsigned n = 0; n < ARRAY_SIZE(b->entries); n++) {
            TlbEntry *e = &b->entries[n];
            if (!(e->tag_write & TLB_FLAGS) &&
                e->tag_write + e->addend == (uintptr_t)host_page) {
                e->tag_write |= TLB_NOTDIRTY;
                found = true;
            }
        }
    }
    return found;
}

TlbStats *tlb_stats(Tlb *tlb)
{
    return &tlb->stats;
}

/* ---- info tlb --------------------------------------------------------------------------- */

typedef struct PrintedEntry {
    Vaddr va;
    const L2Entry *entry;
} PrintedEntry;

static int compare_entries(const void *a, const void *b)
{
    const PrintedEntry *x = a, *y = b;
    if (x->entry->regime != y->entry->regime)
        return x->entry->regime < y->entry->regime ? -1 : 1;
    return x->va < y->va ? -1 : x->va > y->va;
}

static size_t collect_entries(const L2Entry *from, size_t count, unsigned page_log2,
                              PrintedEntry *to)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (from[i].page != L2_EMPTY)
            to[n++] = (PrintedEntry){ from[i].page << page_log2, &from[i] };
    return n;
}

void tlb_print(const Tlb *tlb, FILE *out)
{
    size_t small = L2_SETS * L2_WAYS, large = 1u << LARGE_BITS, n;
    PrintedEntry *entries = calloc(small + large, sizeof(*entries));
    if (!entries)
        return;
    n = collect_entries(&tlb->l2[0][0], small, GUEST_PAGE_BITS, entries);
    n += collect_entries(tlb->large, large, LARGE_LOG2, entries + n);
    qsort(entries, n, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < n; i++) {
        const L2Entry *e = entries[i].entry;
        const TlbFill *f = &e->fill;
        fprintf(out, "%016llx: %016llx %c%c%c%c%c %llu KiB regime %x",
                (unsigned long long)entries[i].va, (unsigned long long)f->gpa,
                f->prot & TLB_READ ? 'r' : '-', f->prot & TLB_WRITE ? 'w' : '-',
                f->prot & TLB_EXEC ? 'x' : '-', f->global ? 'g' : '-', f->device ? 'd' : '-',
                (1ull << f->size_log2) >> 10, e->regime);
        if (f->global)
            fputc('\n', out);
        else
            fprintf(out, " asid %u\n", e->asid);
    }
    free(entries);
}
