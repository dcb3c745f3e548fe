// SPDX-License-Identifier: MIT
// Translation with each granule. For each of them the lower half of the address space, where this
// runs, is mapped with it, faults of all kinds are provoked there (Arm ARM D8.15), and the upper
// half gets random tables, one after the other with another geometry (D8.2): the answers of AT and
// what accesses do are told, and a sum of the tables afterwards, which hardware may have updated
// (D8.5). Where hardware manages the dirty state nothing is fetched and AT does not ask for writes:
// there the reference differs from the manual.
#include "payload.h"

#define ALIAS_BASE 0x80000000ul         // EL0's view of the image, a block
#define KINDS 0xc0000000ul              // pages of all kinds
#define KINDS_MORE (KINDS + (32ul << page_bits))
#define RAM_BASE 0x40000000ul
#define POOL 0x48000000ul               // data that random tables map; 64 pages of 64K
#define POOL_END 0x48400000ul
#define OUTSIDE (1ul << 44)             // no physical address
#define CONTIGUOUS (1ul << 52)
#define DIRTY_BIT (1ul << 51)

// In the upper half there is one table for each level, and a second one for the last.
enum { TABLE_BYTES = 65536, LOW_TABLES = 4, EXTRA_TABLE = 4, HIGH_TABLES = 5 };

static uint64_t low_tables[LOW_TABLES][TABLE_BYTES / 8] __attribute__((aligned(65536)));
static uint64_t high_tables[HIGH_TABLES][TABLE_BYTES / 8] __attribute__((aligned(65536)));
static unsigned page_bits, low_used;

static const struct { const char *name; unsigned page_bits, tg0, tg1; } granules[] = {
    { "4K", 12, 0, 2 }, { "16K", 14, 2, 1 }, { "64K", 16, 1, 3 },
};

// ---- random numbers: the same in every run

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}

static bool one_in(unsigned n)
{
    return random_bits() >> 32 & 0xffff ? random_bits() % n == 0 : false;
}

// ---- geometry

static unsigned stride(void)
{
    return page_bits - 3;
}

static unsigned level_shift(unsigned level)
{
    return page_bits + stride() * (3 - level);
}

static unsigned start_level(unsigned size_bits)
{
    return 4 - (size_bits - page_bits + stride() - 1) / stride();
}

static bool block_level(unsigned level)
{
    return level == 2 || (level == 1 && page_bits == 12);
}

// ---- the lower half: 39 bits

enum { LOW_SIZE_BITS = 39 };

static void map(uint64_t va, uint64_t desc, unsigned last)
{
    uint64_t *table = low_tables[0];
    for (unsigned level = start_level(LOW_SIZE_BITS); level < last; level++) {
        uint64_t *entry = &table[va >> level_shift(level) & ((1ul << stride()) - 1)];
        if (!*entry)
            *entry = (uint64_t)low_tables[++low_used] | PAGE;
        table = (uint64_t *)(*entry & 0xfffffffff000);
    }
    table[va >> level_shift(last) & ((1ul << stride()) - 1)] = desc;
}

#define PLAIN (PAGE | NORMAL | SHARED | AF)
static const struct { const char *name; uint64_t desc; } pages[] = {
    { "user-rw", POOL | PLAIN | USER | NG },
    { "user-ro", POOL | PLAIN | USER | READ_ONLY },
    { "kernel-rw", POOL | PLAIN },
    { "kernel-ro", POOL | PLAIN | READ_ONLY },
    { "user-none-x", POOL | PLAIN | PXN },
    { "no-af", (POOL | PLAIN | USER) & ~(uint64_t)AF },
    { "invalid", 0 },
    { "address-size", OUTSIDE | PLAIN | USER },
    { "hole", HOLE | PLAIN | USER },
    { "reserved", (POOL | PLAIN | USER) & ~(uint64_t)TABLE },
    { "contiguous", POOL | PLAIN | USER | CONTIGUOUS },
};
#define PAGE_COUNT (sizeof(pages) / sizeof(pages[0]))

// What EL1 uses is not executable at EL0, or enhanced PAN would keep EL1 from it.
static void map_low(void)
{
    uint64_t block = PAGE & ~TABLE, normal = block | NORMAL | SHARED | AF;
    for (unsigned t = 0; t < LOW_TABLES; t++)
        for (unsigned i = 0; i < 1u << stride(); i++)
            low_tables[t][i] = 0;
    low_used = 0;
    uint64_t size = 1ul << level_shift(2);
    map(0x09000000 & -size, (0x09000000 & -size) | block | 2 << 2 | AF | UXN, 2);
    for (uint64_t pa = RAM_BASE; pa < RAM_BASE + 0x10000000; pa += size) {
        map(pa, pa | normal | UXN, 2);
        map(pa - RAM_BASE + ALIAS_BASE, pa | normal | USER | READ_ONLY, 2);
    }
    for (unsigned i = 0; i < PAGE_COUNT; i++)
        map(KINDS + ((uint64_t)i << page_bits), pages[i].desc, 3);
}

// ---- registers

#define TCR_HA (1ul << 39)
#define TCR_HD (1ul << 40)
#define TCR_HPD1 (1ul << 42)
#define TCR_TBI1 (1ul << 38)
#define TCR_E0PD1 (1ul << 56)
#define TCR_EPD1 (1ul << 23)

static uint64_t tcr_low(unsigned g)
{
    return (64 - LOW_SIZE_BITS) | granules[g].tg0 << 14 | 5 << 8 | 3 << 12 | 1ul << 36;
}

static void flush_all(void)
{
    __asm__ volatile("dsb ish\n tlbi vmalle1\n ic iallu\n dsb ish\n isb" : : : "memory");
}

// The MMU is off around it: what it translates with is replaced.
static void set_low(unsigned g)
{
    SYSREG_WRITE(sctlr_el1, SCTLR_ON & ~1ul);
    page_bits = granules[g].page_bits;
    map_low();
    SYSREG_WRITE(mair_el1, ~0xfb0000ul); // device memory has index 2
    SYSREG_WRITE(tcr_el1, tcr_low(g) | TCR_EPD1 | 25 << 16 | (uint64_t)granules[g].tg1 << 30 | 4ul << 32);
    SYSREG_WRITE(ttbr0_el1, low_tables[0]);
    flush_all();
    SYSREG_WRITE(sctlr_el1, SCTLR_ON);
}

// ---- what happens

static const struct { const char *name; char code; } cases[] = {
    { " ldr", 'l' }, { " str", 's' }, { " ldtr", 'L' }, { " sttr", 'S' }, { " br", 'b' },
};

#define SET_PAN(v) __asm__ volatile("msr s3_0_c4_c2_3, %0\n isb" : : "r"((uint64_t)(v) << 22))
#define GET_PAN() SYSREG_READ(s3_0_c4_c2_3)

// At EL0, where the image is seen elsewhere, or at EL1 with PSTATE.PAN as it is.
static void run_at(char *at, uint64_t va, unsigned el)
{
    run_case((uint64_t)at - RAM_BASE * !el + ALIAS_BASE * !el, el ? 0x3c5 | GET_PAN() : 0, va, 0);
}

static void tell_access(const char *name, char code, uint64_t va, unsigned el)
{
    extern char case_ldr[], case_str[], case_ldtr[], case_sttr[], case_br[];
    char *at = code == 'l' ? case_ldr : code == 's' ? case_str : code == 'L' ? case_ldtr : code == 'S' ? case_sttr : case_br;
    run_at(at, va, el);
    put_text(name);
    put_hex(el ? "1 " : "0 ", taken_state.esr);
    uint64_t ec = taken_state.esr >> 26;
    if (ec >= 0x20 && ec <= 0x25 && taken_state.far != va)
        put_hex(" far ", taken_state.far);
}

static void accesses(uint64_t va, bool fetch)
{
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]) - !fetch; i++)
        for (unsigned el = 0; el < 2; el++)
            tell_access(cases[i].name, cases[i].code, va, el);
    put('\n');
}

#define AT(op, va) ({ __asm__ volatile("at " op ", %0\n isb" : : "r"(va)); SYSREG_READ(par_el1); })
// AT S1E1RP and S1E1WP, FEAT_PAN2
#define AT_PAN(op, va) ({ __asm__ volatile("sys #0, c7, c9, #" op ", %0\n isb" : : "r"(va)); SYSREG_READ(par_el1); })

// A walk that met nothing is an exception of AT, and is not asked for here.
static uint64_t tell_at(uint64_t va, bool writes)
{
    uint64_t par = AT("s1e1r", va);
    put_hex(" r1 ", par);
    put_hex(" r0 ", AT("s1e0r", va));
    put_hex(" p ", AT_PAN("0", va));
    if (writes) {
        put_hex(" w1 ", AT("s1e1w", va));
        put_hex(" w0 ", AT("s1e0w", va));
        put_hex(" wp ", AT_PAN("1", va));
    }
    put('\n');
    return par;
}

static void directed(const char *granule)
{
    for (unsigned pan = 0; pan < 2; pan++) {
        SET_PAN(pan);
        for (unsigned i = 0; i < PAGE_COUNT; i++) {
            uint64_t va = KINDS + ((uint64_t)i << page_bits) + (1ul << page_bits) - 64;
            put_text(granule);
            put_hex(" pan ", pan);
            put(' ');
            put_text(pages[i].name);
            tell_at(va, true);
            put_text("   ");
            accesses(va, true);
        }
    }
    SET_PAN(0);
}

// ---- where the reference is not followed: the manual is (KNOWN in run.py)

#define CLEAN_PAGE KINDS_MORE           // may be made dirty by hardware
#define DEVICE_PAGE (KINDS_MORE + (1ul << page_bits))
#define IN_DEVICE (KINDS_MORE + (1ul << level_shift(2))) // its table is in a device
#define WRONG_BLOCK 0x7000000000ul      // a block at level 1
#define SCTLR_EPAN (1ul << 57)
#define SCTLR_UCI (1ul << 26)

static uint64_t *entry_of(uint64_t va, unsigned last)
{
    uint64_t *table = low_tables[0];
    for (unsigned level = start_level(LOW_SIZE_BITS); level < last; level++)
        table = (uint64_t *)(table[va >> level_shift(level) & ((1ul << stride()) - 1)] & 0xfffffffff000);
    return &table[va >> level_shift(last) & ((1ul << stride()) - 1)];
}

static void tell_case(const char *name, char *at, uint64_t va, unsigned el)
{
    run_at(at, va, el);
    put_text("manual ");
    put_text(name);
    put_hex(" el", el);
    put_hex(" esr ", taken_state.esr);
    if (taken_state.esr >> 26 != 0x15) // SVC: nothing happened
        put_hex(" far ", taken_state.far);
    put('\n');
}
#define TELL(name, code, va, el) do { extern char case_##code[]; tell_case(name, case_##code, va, el); } while (0)

// D8.5.2: a clean page is writable, and dirty after the first write; AT makes nothing dirty.
static void manual_dirty_state(void)
{
    uint64_t tcr = SYSREG_READ(tcr_el1), *entry = entry_of(CLEAN_PAGE, 3);
    SYSREG_WRITE(tcr_el1, tcr | TCR_HA | TCR_HD);
    put_hex("manual clean page at ", AT("s1e0w", CLEAN_PAGE));
    put_hex(" descriptor ", *entry);
    put('\n');
    TELL("clean page br", br, CLEAN_PAGE, 1);
    TELL("clean page sttr", sttr, CLEAN_PAGE, 1);
    put_hex("manual dirty page descriptor ", *entry);
    put('\n');
    SYSREG_WRITE(tcr_el1, tcr);
}

static void manual_maintenance(uint64_t va, const char *where, unsigned el)
{
    TELL(where, dc_cvac, va, el);
    TELL(where, dc_cvau, va, el);
    TELL(where, dc_civac, va, el);
    TELL(where, ic_ivau, va, el);
    if (el)
        TELL(where, dc_ivac, va, el);
}

static void by_the_manual(void)
{
    uint64_t kernel_only = KINDS + (2ul << page_bits), read_only = KINDS + (3ul << page_bits);
    uint64_t user = KINDS, none = KINDS + (4ul << page_bits), invalid = KINDS + (6ul << page_bits) + 0x24;
    map(CLEAN_PAGE, (POOL | PLAIN | USER | READ_ONLY | DIRTY_BIT) & ~(uint64_t)AF, 3);
    map(DEVICE_PAGE, POOL | PAGE | 2 << 2 | AF, 3);
    map(IN_DEVICE, 0x09000000 | PAGE, 2);
    if (page_bits == 14)
        map(WRONG_BLOCK, VALID | NORMAL | SHARED | AF, 1);
    __asm__ volatile("dsb ish\n isb" : : : "memory");
    put_text("manual ");
    put_text(page_bits == 12 ? "4K\n" : page_bits == 14 ? "16K\n" : "64K\n");
    manual_dirty_state();
    TELL("table in a device", ldr, IN_DEVICE, 1);
    if (page_bits == 14)
        TELL("block at level 1", ldr, WRONG_BLOCK, 1);
    SYSREG_WRITE(sctlr_el1, SCTLR_ON | SCTLR_EPAN | SCTLR_UCI);
    manual_maintenance(invalid, "invalid", 0);
    manual_maintenance(invalid, "invalid", 1);
    manual_maintenance(kernel_only, "kernel-only", 0);
    manual_maintenance(read_only, "read-only", 1);
    SET_PAN(1);
    manual_maintenance(user, "user under PAN", 1);
    TELL("enhanced PAN", ldr, none, 1);
    SET_PAN(0);
    SYSREG_WRITE(sctlr_el1, SCTLR_ON);
    TELL("dc zva read-only", dc_zva, read_only + 0x24, 1);
    TELL("dc zva device", dc_zva, DEVICE_PAGE + 0x24, 1);
}

// ---- random tables in the upper half

static uint64_t random_descriptor(unsigned level, bool dirty_bits)
{
    uint64_t bits = random_bits(), desc = NORMAL | SHARED | AF;
    if (one_in(8))
        return bits & ~1ul;
    if (level < 3 && !(block_level(level) && one_in(3))) {
        desc = PAGE | (uint64_t)high_tables[level == 2 && one_in(2) ? EXTRA_TABLE : level + 1];
        for (unsigned bit = 59; bit < 63; bit++)
            desc |= one_in(12) ? 1ul << bit : 0;
    } else {
        uint64_t offset = bits % (POOL_END - POOL);
        desc |= (level == 3 && !one_in(20) ? PAGE : VALID) | ((POOL + offset) >> level_shift(level) << level_shift(level));
        desc |= (bits >> 40 & (USER | READ_ONLY | NG)) | (bits & (PXN | UXN)) | (bits >> 8 & CONTIGUOUS);
        desc |= dirty_bits ? bits >> 6 & DIRTY_BIT : 0;
        desc &= one_in(5) ? ~(uint64_t)AF : ~0ul;
    }
    return one_in(40) ? desc | OUTSIDE : desc;
}

static void randomize_tables(bool dirty_bits)
{
    for (unsigned t = 0; t < HIGH_TABLES; t++)
        for (unsigned i = 0; i < 1u << stride(); i++)
            high_tables[t][i] = random_descriptor(t == EXTRA_TABLE ? 3 : t, dirty_bits);
}

static uint64_t tables_sum(void)
{
    uint64_t sum = 0;
    for (unsigned t = 0; t < HIGH_TABLES; t++)
        for (unsigned i = 0; i < 1u << stride(); i++)
            sum = (sum ^ high_tables[t][i]) * 0x100000001b3;
    return sum;
}

static void fill_pool(void)
{
    for (uint32_t *p = (uint32_t *)POOL; p < (uint32_t *)POOL_END; p++)
        *p = 0xd4000fe1; // svc #0x7f
    __asm__ volatile("dsb ish\n ic ialluis\n dsb ish\n isb" : : : "memory");
}

static uint64_t random_va(unsigned size_bits, bool tagged)
{
    uint64_t va = random_bits() & ((1ul << size_bits) - 1) & ~63ul;
    va |= -1ul << size_bits;
    if (one_in(16))
        va ^= 1ul << (size_bits + random_bits() % (55 - size_bits)); // not in the range
    return tagged && one_in(3) ? va & (random_bits() | 0x00fffffffffffffful) : va;
}

static void random_tables(unsigned g, unsigned t1sz)
{
    uint64_t bits = random_bits(), tcr = tcr_low(g) | (uint64_t)granules[g].tg1 << 30 | 5 << 24 | 3 << 28;
    bool managed = one_in(3), dirty = managed && one_in(2), tagged = bits & TCR_TBI1;
    tcr |= (uint64_t)t1sz << 16 | (bits & (TCR_TBI1 | TCR_HPD1)) | (managed ? TCR_HA : 0) | (dirty ? TCR_HD : 0);
    tcr |= one_in(6) ? TCR_E0PD1 : 0;
    tcr |= one_in(20) ? TCR_EPD1 : 0;
    tcr |= (one_in(3) ? bits % 5 : 4) << 32;
    unsigned size_bits = 64 - (t1sz < 16 ? 16 : t1sz > 48 ? 48 : t1sz);
    randomize_tables(dirty || one_in(2));
    SYSREG_WRITE(ttbr1_el1, high_tables[start_level(size_bits)]);
    SYSREG_WRITE(tcr_el1, tcr);
    flush_all();
    put_text(granules[g].name);
    put_hex(" tcr ", tcr);
    put('\n');
    for (unsigned n = 0; n < 24; n++) {
        uint64_t va = random_va(size_bits, tagged);
        put_hex("va ", va);
        SET_PAN(n & 1);
        uint64_t par = tell_at(va, !dirty), pa = par & 0xfffffffff000;
        if ((par & 1) || (pa >= POOL && pa < POOL_END)) {
            put_hex("   ", va);
            accesses(va, !dirty);
        }
    }
    SET_PAN(0);
    put_hex("tables ", tables_sum());
    put('\n');
}

static void test_granule(unsigned g)
{
    set_low(g);
    fill_pool();
    directed(granules[g].name);
    by_the_manual();
    for (unsigned t1sz = 16; t1sz <= 48; t1sz++)
        random_tables(g, t1sz);
    for (unsigned n = 0; n < 20; n++)
        random_tables(g, 16 + random_bits() % 33);
    random_tables(g, 50);
}

void system_main(void)
{
    for (unsigned g = 0; g < 3; g++)
        test_granule(g);
    put_text("end\n");
    power_off();
}
