// SPDX-License-Identifier: MIT
//
// The software TLB: which entries an invalidation removes, and which it must leave.
#include <criterion/criterion.h>

#include "softmmu/tlb.h"

static uint8_t host_page[GUEST_PAGE_SIZE];

static const TlbFill page_fill = { .gpa = 0x40001000, .prot = TLB_READ | TLB_WRITE,
                                   .size_log2 = 12 };

static bool hits(TlbBank *bank, Vaddr va)
{
    return tlb_entry(bank, va)->tag_read == (va & ~(Vaddr)0xfff);
}

static TlbBank *bank_of(Tlb *tlb, uint32_t regime, uint32_t asid)
{
    return tlb_bank(tlb, &(TlbKey){ .regime = regime, .asid = asid });
}

Test(tlb, address_spaces_are_apart)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1), *b = bank_of(tlb, 0, 2);
    cr_assert_neq(a, b);
    tlb_enter(a, 0x1000, &page_fill, host_page, false);
    cr_assert(hits(a, 0x1000));
    cr_assert_not(hits(b, 0x1000));
    cr_assert_eq(bank_of(tlb, 0, 1), a, "coming back finds the bank as it was");
    tlb_destroy(tlb);
}

Test(tlb, page_invalidation_minds_asid_and_global)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1), *b = bank_of(tlb, 0, 2);
    TlbFill global = page_fill;
    global.global = true;
    tlb_enter(a, 0x1000, &page_fill, host_page, false);
    tlb_enter(b, 0x1000, &page_fill, host_page, false);
    tlb_enter(b, 0x2000, &global, host_page, false);
    tlb_flush_page(tlb, 0x1000, 12, 1, false);
    cr_assert_not(hits(a, 0x1000));
    cr_assert(hits(b, 0x1000));
    tlb_flush_page(tlb, 0x2000, 12, 1, false);
    cr_assert_not(hits(b, 0x2000), "a global entry goes whatever the ASID");
    tlb_destroy(tlb);
}

Test(tlb, tagged_addresses_are_invalidated_by_the_canonical_one)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1);
    tlb_enter(a, 0x5a00000000001000, &page_fill, host_page, false);
    cr_assert(hits(a, 0x5a00000000001000));
    tlb_flush_page(tlb, 0x1000, 12, 1, false);
    cr_assert_not(hits(a, 0x5a00000000001000));
    tlb_destroy(tlb);
}

Test(tlb, a_large_page_goes_as_a_whole)
{
    Tlb *tlb = tlb_create();
    TlbKey key = { .asid = 1 };
    TlbBank *a = tlb_bank(tlb, &key);
    TlbFill large = { .gpa = 0x40005000, .prot = TLB_READ, .size_log2 = 21 }, found;
    tlb_enter(a, 0x5000, &large, host_page, false);
    tlb_l2_insert(tlb, &key, 0x5000, &large);
    cr_assert(tlb_l2_find(tlb, &key, 0x123000, &found));
    cr_assert_eq(found.gpa, 0x40123000);
    tlb_flush_page(tlb, 0x1ff000, 12, 1, false);
    cr_assert_not(hits(a, 0x5000));
    cr_assert_not(tlb_l2_find(tlb, &key, 0x123000, &found));
    tlb_destroy(tlb);
}

Test(tlb, a_page_of_64_KiB_goes_as_a_whole_and_alone)
{
    Tlb *tlb = tlb_create();
    TlbKey key = { .asid = 1 };
    TlbBank *a = tlb_bank(tlb, &key);
    TlbFill fill = { .gpa = 0x40000000, .prot = TLB_READ, .size_log2 = 16 }, found;
    for (Vaddr va = 0x10000; va < 0x30000; va += 0x1000) {
        tlb_enter(a, va, &fill, host_page, false);
        tlb_l2_insert(tlb, &key, va, &fill);
    }
    tlb_flush_page(tlb, 0x1f000, 16, 1, false);
    for (Vaddr va = 0x10000; va < 0x20000; va += 0x1000) {
        cr_assert_not(hits(a, va));
        cr_assert_not(tlb_l2_find(tlb, &key, va, &found));
    }
    cr_assert(hits(a, 0x20000), "its neighbour stays");
    tlb_destroy(tlb);
}

Test(tlb, a_huge_block_goes_as_a_whole_and_alone)
{
    Tlb *tlb = tlb_create();
    TlbKey key = { .asid = 1 };
    TlbBank *a = tlb_bank(tlb, &key);
    TlbFill huge = { .gpa = 0x40005000, .prot = TLB_READ, .size_log2 = 29 };
    tlb_enter(a, 0x40005000, &huge, host_page, false);
    tlb_flush_page(tlb, 0x60000000, 12, 1, false);
    cr_assert(hits(a, 0x40005000), "another block");
    tlb_flush_page(tlb, 0x5ffff000, 12, 1, false);
    cr_assert_not(hits(a, 0x40005000));
    for (unsigned i = 0; i <= TLB_HUGE; i++)
        tlb_enter(a, (Vaddr)i << 30, &huge, host_page, false);
    tlb_flush_page(tlb, (Vaddr)TLB_HUGE << 30 | 0x1234000, 12, 1, false);
    cr_assert_not(hits(a, (Vaddr)TLB_HUGE << 30), "more blocks than are noted one by one");
    tlb_destroy(tlb);
}

Test(tlb, asid_flush_keeps_global_in_the_second_level)
{
    Tlb *tlb = tlb_create();
    TlbKey key = { .asid = 7 };
    TlbFill global = page_fill, found;
    global.global = true;
    tlb_l2_insert(tlb, &key, 0x1000, &page_fill);
    tlb_l2_insert(tlb, &key, 0x2000, &global);
    tlb_flush_asid(tlb, 7);
    cr_assert_not(tlb_l2_find(tlb, &key, 0x1000, &found));
    cr_assert(tlb_l2_find(tlb, &key, 0x2000, &found));
    tlb_destroy(tlb);
}

Test(tlb, pages_with_code_write_slowly)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1);
    tlb_enter(a, 0x1000, &page_fill, host_page, false);
    cr_assert_eq(tlb_entry(a, 0x1000)->tag_write, 0x1000);
    tlb_protect_code(tlb, host_page);
    cr_assert_eq(tlb_entry(a, 0x1000)->tag_write, 0x1000 | TLB_NOTDIRTY);
    cr_assert_eq(tlb_entry(a, 0x1000)->tag_read, 0x1000);
    tlb_destroy(tlb);
}

Test(tlb, entries_that_are_gone_may_have_been_written_through)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1);
    TlbFill other = page_fill;
    cr_assert_not(tlb_protect_code(tlb, host_page));
    tlb_enter(a, 0x1000, &page_fill, host_page, false);
    tlb_enter(a, 0x1000 + (GUEST_PAGE_SIZE << TLB_BITS), &other, host_page + GUEST_PAGE_SIZE, false);
    cr_assert(tlb_protect_code(tlb, host_page), "another page took its slot");
    tlb_forget_gone(tlb);
    cr_assert_not(tlb_protect_code(tlb, host_page));
    tlb_flush_all(tlb);
    cr_assert(tlb_protect_code(tlb, host_page), "nobody knows what was flushed");
    tlb_destroy(tlb);
}

Test(tlb, device_memory_never_hits)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1);
    TlbFill device = page_fill;
    device.device = true;
    tlb_enter(a, 0x1000, &device, host_page, false);
    cr_assert_not(hits(a, 0x1000));
    tlb_enter(a, 0x2000, &page_fill, NULL, false);
    cr_assert_not(hits(a, 0x2000));
    tlb_destroy(tlb);
}

Test(tlb, jumps_of_an_invalidated_page_are_gone)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1);
    tlb_enter_jump(a, 0x1040, 2, 12, host_page, 7);
    cr_assert_eq(tlb_jump_find(a, 0x1040, 2), host_page);
    tlb_flush_page(tlb, 0x3000, 12, 1, false);
    cr_assert_eq(tlb_jump_find(a, 0x1040, 2), host_page);
    cr_assert_eq(a->code_pages[1], 7);
    tlb_flush_page(tlb, 0x1000, 12, 1, false);
    cr_assert_null(tlb_jump_find(a, 0x1040, 2));
    cr_assert_eq(a->code_pages[1], 0);
    tlb_destroy(tlb);
}

Test(tlb, jumps_of_a_large_page_go_with_it)
{
    Tlb *tlb = tlb_create();
    TlbBank *a = bank_of(tlb, 0, 1);
    tlb_enter_jump(a, 0x5040, 2, 21, host_page, 8);
    tlb_flush_page(tlb, 0x400000, 12, 1, false);
    cr_assert_eq(tlb_jump_find(a, 0x5040, 2), host_page);
    tlb_flush_page(tlb, 0x1ff000, 12, 1, false);
    cr_assert_null(tlb_jump_find(a, 0x5040, 2));
    tlb_destroy(tlb);
}

Test(tlb, the_least_recently_used_bank_is_recycled)
{
    Tlb *tlb = tlb_create();
    TlbBank *first = bank_of(tlb, 0, 0);
    tlb_enter(first, 0x1000, &page_fill, host_page, false);
    for (uint32_t asid = 1; asid < TLB_BANKS; asid++)
        bank_of(tlb, 0, asid);
    cr_assert(hits(bank_of(tlb, 0, 0), 0x1000), "still there, and used now");
    bank_of(tlb, 0, 100);
    cr_assert(hits(bank_of(tlb, 0, 0), 0x1000), "another one went");
    tlb_destroy(tlb);
}
