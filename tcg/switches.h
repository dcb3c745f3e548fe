// SPDX-License-Identifier: MIT
//
// Optimisations that can be left out one at a time, to see what each is worth and whether it is
// what is wrong (docs/performance.md). They are looked at while code is translated, never by the
// code. Whatever is left out, translated code does the same.
//
// One row each: name, option of -accel tcg, what it leaves out.
#ifndef TCG_SWITCHES_H
#define TCG_SWITCHES_H

#include <stdint.h>

#define TCG_SWITCHES(ROW) \
    ROW(FORWARDING, "no-forwarding", "forwarding of variables and copies, common subexpressions") \
    ROW(FOLDING, "no-folding", "the rules that simplify the IR") \
    ROW(DEAD, "no-dead", "removal of values and settings that nobody sees") \
    ROW(JOINING, "no-joining", "blocks that one jump leads to as part of the one that jumps") \
    ROW(FUSED_FLAGS, "no-fused-flags", "arithmetic and its flags by one instruction") \
    ROW(FUSED_COMPARISONS, "no-fused-comparisons", "comparisons by flags that are there") \
    ROW(FLAG_RECIPES, "no-flag-recipes", "flags computed again when wanted, not saved") \
    ROW(WIDE_PRODUCTS, "no-wide-products", "both halves of a product by one multiplication") \
    ROW(CARRY_SUMS, "no-carry-sums", "one more if the carry is set by an addition with carry") \
    ROW(SCALED_SUMS, "no-scaled-sums", "a shift to the left and a sum by one instruction") \
    ROW(SHARED_CHECKS, "no-shared-checks", "one TLB check for accesses by the same base") \
    ROW(SHARED_ACROSS_BLOCKS, "no-shared-across-blocks", "such checks for more than one block") \
    ROW(STREAMS, "no-streams", "a loop's accesses that move through a page by one comparison") \
    ROW(MERGE_REGISTERS, "no-merge-registers", "registers where control flow joins, as in loops") \
    ROW(LOOP_FLAGS, "no-loop-flags", "flags of a loop's end computed in the next iteration if wanted") \
    ROW(UNSEEN, "no-unseen", "variables set again before anybody looks, which are not stored") \
    ROW(SIDE_EXITS, "no-side-exits", "units that go on behind conditional branches") \
    ROW(INLINED_CALLS, "no-inlined-calls", "functions as part of their callers' regions") \
    ROW(BACKGROUND, "no-background", "the thread that makes regions: each vCPU makes its own") \
    ROW(INDIRECT_TARGETS, "no-indirect-targets", "indirect branches within regions") \
    ROW(CROSS_PAGE_REGIONS, "no-cross-page-regions", "regions of more than one page") \
    ROW(CHAINING, "no-chaining", "jumps from unit to unit; there are no regions then, too")

enum {
#define TCG_SWITCH_NUMBER(NAME, OPTION, HELP) TCG_SWITCH_##NAME,
    TCG_SWITCHES(TCG_SWITCH_NUMBER)
#undef TCG_SWITCH_NUMBER
    TCG_SWITCH_COUNT
};

/* A mask of these, for example TCG_NO_FOLDING, says what is left out. */
enum {
#define TCG_SWITCH_BIT(NAME, OPTION, HELP) TCG_NO_##NAME = 1u << TCG_SWITCH_##NAME,
    TCG_SWITCHES(TCG_SWITCH_BIT)
#undef TCG_SWITCH_BIT
};

typedef struct TcgSwitch {
    const char *option, *help;
} TcgSwitch;

extern const TcgSwitch tcg_switches[TCG_SWITCH_COUNT];

#endif
