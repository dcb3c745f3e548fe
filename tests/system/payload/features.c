// SPDX-License-Identifier: MIT
// What Armv8.1 to 8.5 brought to EL0 and EL1: pointer authentication (Arm ARM D8.8), branch target
// identification (D8.4.4), UAO, SSBS, prediction restriction, random numbers, invalidation by
// range (C5.5), and the rest of what -cpu max announces in that line.
#include "payload.h"

#define PLAIN (NORMAL | SHARED | AF)
#define GUARDED (1ul << 50)
#define GUARDED_ALIAS 0x60000000ul      // as ALIAS, but the pages are guarded
#define KERNEL_PAGE (PAGES + 0x200000)
#define SMALL_PAGES 0xb0000000ul        // four pages

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));

#define ENIA (1ul << 31)
#define ENIB (1ul << 30)
#define ENDA (1ul << 27)
#define ENDB (1ul << 13)
#define ALL_KEYS (ENIA | ENIB | ENDA | ENDB)
#define BT0 (1ul << 35)
#define BT1 (1ul << 36)
#define DSSBS (1ul << 44)
#define TSCXT (1ul << 20)
#define ENRCTX (1ul << 10)
#define UCI (1ul << 26)
#define TCR (25 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 23 | 2ul << 30 | 4ul << 32)
#define TBI0 (1ul << 37)
#define TBI1 (1ul << 38)
#define TBID0 (1ul << 51)
#define TBID1 (1ul << 52)

static void sctlr(uint64_t more)
{
    SYSREG_WRITE(sctlr_el1, SCTLR_ON | more);
}

static void enable_mmu(void)
{
    uint64_t code = 0x44000000 | VALID | PLAIN | USER | READ_ONLY;
    level1[0] = VALID | AF;
    level1[1] = 0x40000000 | VALID | PLAIN;
    level1[2] = (uint64_t)level2 | PAGE;
    level2[32] = code;
    level2[288] = code | GUARDED;
    level2[128] = SCRATCH | VALID | PLAIN | USER | UXN | PXN;
    level2[129] = SCRATCH | VALID | PLAIN | UXN | PXN;
    level2[384] = (uint64_t)level3 | PAGE;
    SYSREG_WRITE(mair_el1, 0xff04);
    SYSREG_WRITE(tcr_el1, TCR);
    SYSREG_WRITE(ttbr0_el1, level1);
    __asm__ volatile("dsb ish\ntlbi vmalle1\nic iallu\ndsb ish\nisb" : : : "memory");
    sctlr(0);
}

// ---- pointer authentication

#define KEY_WRITE(name, n) SYSREG_WRITE(name, 0x9e3779b97f4a7c15ul * (2 * (n) + 1))

static void write_keys(void)
{
    KEY_WRITE(s3_0_c2_c1_0, 0);
    KEY_WRITE(s3_0_c2_c1_1, 1);
    KEY_WRITE(s3_0_c2_c1_2, 2);
    KEY_WRITE(s3_0_c2_c1_3, 3);
    KEY_WRITE(s3_0_c2_c2_0, 4);
    KEY_WRITE(s3_0_c2_c2_1, 5);
    KEY_WRITE(s3_0_c2_c2_2, 6);
    KEY_WRITE(s3_0_c2_c2_3, 7);
    KEY_WRITE(s3_0_c2_c3_0, 8);
    KEY_WRITE(s3_0_c2_c3_1, 9);
}

#define PAC(insn, ptr, modifier) ({ \
    uint64_t p_ = (ptr); \
    __asm__ volatile(".arch_extension pauth\n" insn " %0, %1" : "+r"(p_) : "r"((uint64_t)(modifier))); \
    p_; })
#define STRIP(insn, ptr) ({ \
    uint64_t p_ = (ptr); \
    __asm__ volatile(".arch_extension pauth\n" insn " %0" : "+r"(p_)); \
    p_; })

static void sign(const char *where, uint64_t p)
{
    uint64_t ia = PAC("pacia", p, 5), ib = PAC("pacib", p, 5), da = PAC("pacda", p, 5),
             db = PAC("pacdb", p, 5);
    put_text("pac ");
    put_text(where);
    put_hex(" ", p);
    put_hex(": ", ia);
    put_hex(" ", ib);
    put_hex(" ", da);
    put_hex(" ", db);
    put_hex(" valid ", PAC("autia", ia, 5));
    put_hex(" ", PAC("autib", ib, 5));
    put_hex(" ", PAC("autda", da, 5));
    put_hex(" ", PAC("autdb", db, 5));
    put_hex(" wrong ", PAC("autia", ia, 6));
    put_hex(" ", PAC("autib", ia, 5));
    put_hex(" ", PAC("autda", da ^ 1, 5));
    put_hex(" ", PAC("autdb", p, 5));
    put_hex(" stripped ", STRIP("xpaci", ia));
    put_hex(" ", STRIP("xpacd", da));
    put('\n');
}

static void signatures(void)
{
    static const struct { const char *name; uint64_t tcr; } layouts[] = {
        { "no-tbi", 0 }, { "tbi0", TBI0 }, { "tbi1", TBI1 }, { "tbi", TBI0 | TBI1 },
        { "tbid", TBI0 | TBI1 | TBID0 | TBID1 }, { "tbid0", TBI0 | TBI1 | TBID0 },
        { "tbid1", TBI1 | TBID1 },
    };
    static const uint64_t pointers[] = {
        0, 0x1234, 0x0000007fffffffff, 0x0000008000000000, 0x5500000012345678, 0xff80000012345678,
        0xffffff8000000000, 0xffffffffffffffff, 0x55ffff8012345678, 0xaaaaaaaaaaaaaaaa,
        0x5555555555555555, 0x0080000000001000, 0x8000000000001000, 0x7fffffffffffffff,
    };
    sctlr(ALL_KEYS);
    for (unsigned i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        SYSREG_WRITE(tcr_el1, TCR | layouts[i].tcr);
        for (unsigned k = 0; k < sizeof(pointers) / sizeof(pointers[0]); k++)
            sign(layouts[i].name, pointers[k]);
    }
    SYSREG_WRITE(tcr_el1, TCR);
    static const uint64_t one_key[] = { 0, ENIA, ENIB, ENDA, ENDB };
    for (unsigned i = 0; i < 5; i++) {
        sctlr(one_key[i]);
        sign("one key", 0x12345678);
    }
    sctlr(ALL_KEYS);
}

extern char case_at_nothing[];

static void signed_branches(void)
{
    uint64_t target = (uint64_t)case_at_nothing + ALIAS, data = PAGES + 0x100;
    uint64_t sp = (uint64_t)STACK;
    for (int wrong = 0; wrong < 2; wrong++) {
        const char *where = wrong ? "wrong" : "right";
        RUN(retaa, 0, PAC("pacia", target, sp + wrong), where);
        RUN(retab, 0, PAC("pacib", target, sp + wrong), where);
        RUN_BOTH(braa, PAC("pacia", target, 7 + wrong), where);
        RUN_BOTH(blrab, PAC("pacib", target, 7 + wrong), where);
        RUN_BOTH(by_braaz, PAC("pacia", target, wrong), where);
        RUN_BOTH(by_blraaz, PAC("pacia", target, wrong), where);
        RUN_BOTH(ldraa, PAC("pacda", data, wrong), where);
        RUN_BOTH(ldrab, PAC("pacdb", data, wrong), where);
    }
    RUN(ldraa_sp, 0, 0, "unsigned");
    RUN(eretaa, 0, 0, "undefined");
    RUN(mrs_key, 0, 0, "undefined");
    RUN_BOTH(pacga_el0, 0, "");
    sctlr(0);
    RUN_BOTH(braa, target, "keys off");
    RUN_BOTH(ldraa, data, "keys off");
    sctlr(ALL_KEYS);
}

// ---- branch target identification

static void land(const char *way, char *from, const char *pad, char *to, unsigned el, const char *where,
                 uint64_t alias)
{
    uint64_t pc = (uint64_t)from + alias;
    run_case(pc, el ? 0x3c5 : 0, (uint64_t)to + GUARDED_ALIAS, STACK);
    put_text("bti ");
    put_text(way);
    put_text(alias == GUARDED_ALIAS ? " guarded " : " plain ");
    put_text(pad);
    tell("", el, where, pc);
}

#define EACH_WAY(X) X(by_br) X(by_br_x16) X(by_br_x17) X(by_blr) X(by_ret)
#define EACH_PAD(X) X(at_nothing) X(at_bti) X(at_bti_c) X(at_bti_j) X(at_bti_jc) X(at_paciasp) \
    X(at_pacibsp) X(at_autiasp) X(at_paciaz) X(at_brk) X(at_hlt) X(at_svc) X(at_udf)

static void landings(const char *where)
{
#define ENTRY(name) extern char case_##name[];
    EACH_WAY(ENTRY)
    EACH_PAD(ENTRY)
#undef ENTRY
#define ENTRY(name) { #name, case_##name },
    const struct { const char *name; char *code; } ways[] = { EACH_WAY(ENTRY) },
        pads[] = { EACH_PAD(ENTRY) };
    for (unsigned w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
        for (unsigned p = 0; p < sizeof(pads) / sizeof(pads[0]); p++)
            for (unsigned how = 0; how < 4; how++)
                land(ways[w].name, ways[w].code, pads[p].name, pads[p].code, how & 1, where,
                     how & 2 ? GUARDED_ALIAS : ALIAS);
}

// PSTATE.BTYPE restored by an exception return
static void returns(void)
{
    extern char case_straight[], case_at_bti_c[];
    for (uint64_t btype = 0; btype < 4; btype++) {
        for (unsigned el = 0; el < 2; el++) {
            uint64_t spsr = (el ? 0x3c5 : 0) | btype << 10;
            uint64_t pc = (uint64_t)case_straight + GUARDED_ALIAS;
            run_case(pc, spsr, 0, STACK);
            tell("bti eret to nop", el, "guarded", pc);
            pc = (uint64_t)case_at_bti_c + GUARDED_ALIAS;
            run_case(pc, spsr, 0, STACK);
            tell("bti eret to bti c", el, "guarded", pc);
            pc = (uint64_t)case_straight + ALIAS;
            run_case(pc, spsr, 0, STACK);
            tell("bti eret to nop", el, "plain", pc);
        }
    }
    extern char case_by_br[], case_by_blr[];
    const uint64_t nowhere[] = { KERNEL_PAGE, 0xc0000000, (uint64_t)case_straight + ALIAS + 2 };
    for (unsigned i = 0; i < 3; i++) {
        run_case((uint64_t)case_by_br + GUARDED_ALIAS, 0, nowhere[i], STACK);
        tell("bti br to a fault", 0, "", nowhere[i]);
        run_case((uint64_t)case_by_blr + ALIAS, 0, nowhere[i], STACK);
        tell("bti blr to a fault", 0, "", nowhere[i]);
    }
}

// ---- PSTATE

static void with_state(const char *name, char *code, uint64_t spsr, uint64_t x0, const char *where)
{
    uint64_t pc = (uint64_t)code + ALIAS;
    run_case(pc, spsr, x0, STACK);
    tell(name, spsr >> 2 & 1, where, pc);
}

#define STATE(name, spsr, x0, where) \
    do { extern char case_##name[]; with_state(#name, case_##name, spsr, x0, where); } while (0)

static void access_overrides(void)
{
    enum { PAN = 1 << 22, UAO = 1 << 23 };
    for (uint64_t state = 0; state < 4; state++) {
        uint64_t spsr = 0x3c5 | (state & 1 ? UAO : 0) | (state & 2 ? PAN : 0);
        STATE(ldtr, spsr, PAGES, "user page");
        STATE(ldtr, spsr, KERNEL_PAGE, "kernel page");
        STATE(sttr, spsr, PAGES, "user page");
        STATE(sttr, spsr, KERNEL_PAGE, "kernel page");
        STATE(ldtrsb, spsr, KERNEL_PAGE, "kernel page");
    }
    STATE(ldtr, (uint64_t)UAO, KERNEL_PAGE, "kernel page");
    STATE(mrs_uao, (uint64_t)UAO, 0, "");
    RUN_BOTH(msr_uao, 0, "");
}

static void speculation(void)
{
    enum { SSBS = 1 << 12 };
    for (int i = 0; i < 2; i++) {
        sctlr(i ? DSSBS : 0);
        STATE(msr_ssbs_0, 0x3c5ul, 0, "off");
        STATE(msr_ssbs_1, 0x3c5ul, 0, "off");
        STATE(msr_ssbs_0, 0ul | SSBS, 0, "on");
        STATE(msr_ssbs_1, 0ul, 0, "off");
        STATE(msr_ssbs_reg, 0ul, 0, "off");
        STATE(straight, 0x3c5ul | SSBS, 0, "on");
        put_hex("ssbs in a handler ", SYSREG_READ(s3_3_c4_c2_6));
        put('\n');
        sctlr(i ? ENRCTX : 0);
        RUN_BOTH(cfp, 0, i ? "EnRCTX" : "");
        RUN_BOTH(dvp, 0, i ? "EnRCTX" : "");
        RUN_BOTH(cpp, 0, i ? "EnRCTX" : "");
        sctlr(i ? TSCXT : 0);
        RUN_BOTH(mrs_scxtnum, 0, i ? "TSCXT" : "");
        RUN_BOTH(msr_scxtnum, 0, i ? "TSCXT" : "");
        RUN_BOTH(mrs_scxtnum_el1, 0, i ? "TSCXT" : "");
    }
    sctlr(0);
}

static void others(void)
{
    for (int i = 0; i < 2; i++) {
        sctlr(i ? UCI : 0);
        RUN_BOTH(dc_cvap, PAGES, i ? "UCI" : "");
        RUN_BOTH(dc_cvadp, PAGES, i ? "UCI" : "");
        RUN_BOTH(dc_cvap, KERNEL_PAGE, i ? "UCI, kernel page" : "kernel page");
        RUN_BOTH(dc_cvadp, 0xc0000000, i ? "UCI, nothing there" : "nothing there");
    }
    sctlr(0);
    STATE(rndr, 0xf0000000, 0, "flags set");
    STATE(rndrrs, 0xf00003c5, 0, "flags set");
    RUN_BOTH(msr_rndr, 0, "");
    RUN_BOTH(sb, 0, "");
    RUN_BOTH(esb, 0, "");
    RUN_BOTH(dgh, 0, "");
    RUN(tlbi_vae1os, 0, 0, "");
    RUN(tlbi_rvae1, 0, 0, "");
    RUN_BOTH(mrs_isar0, 0, "");
    RUN_BOTH(mrs_reserved, 0, "");
    RUN_BOTH(mrs_ccsidr, 0, "");
    RUN_BOTH(mrs_midr, 0, "");
    RUN(mrs_sctlr, 0, 0, "");
    RUN_BOTH(mrs_lorc, 0, "");
    RUN_BOTH(mrs_disr, 0, "");
    RUN_BOTH(mrs_erridr, 0, "");
    put_hex("lorid ", SYSREG_READ(s3_0_c10_c4_7));
    put_hex(" erridr ", SYSREG_READ(s3_0_c5_c3_0));
    put('\n');
}

// ---- invalidation by range and in the outer shareable domain

static void map_pages(unsigned shift)
{
    for (unsigned i = 0; i < 4; i++)
        level3[i] = (SCRATCH + 0x1000 * (i + shift)) | PAGE | PLAIN | NG;
    __asm__ volatile("dsb ish" : : : "memory");
}

static void show_pages(const char *what)
{
    put_text("tlbi ");
    put_text(what);
    for (unsigned i = 0; i < 4; i++)
        put_hex(" ", *(volatile uint64_t *)(SMALL_PAGES + 0x1000 * i));
    put('\n');
}

#define RANGE(num, scale, base) (1ul << 46 | (uint64_t)(scale) << 44 | (uint64_t)(num) << 39 | (base) >> 12)
#define INVALIDATE(insn, operand, what) do { \
    map_pages(0); \
    __asm__ volatile("tlbi vmalle1\ndsb ish\nisb" : : : "memory"); \
    show_pages("before"); \
    map_pages(4); \
    __asm__ volatile(".arch armv8.4-a\ntlbi " insn "\ndsb ish\nisb" : : "r"((uint64_t)(operand)) : "memory"); \
    show_pages(what); \
} while (0)

static void ranges(void)
{
    for (unsigned i = 0; i < 8; i++)
        *(volatile uint64_t *)(SCRATCH + 0x1000 * i) = 0x1000 + i;
    INVALIDATE("rvae1, %0", RANGE(1, 0, SMALL_PAGES), "four pages");
    INVALIDATE("rvaae1, %0", RANGE(1, 0, SMALL_PAGES), "four pages of all ASIDs");
    INVALIDATE("rvale1is, %0", RANGE(3, 0, SMALL_PAGES), "eight last levels");
    INVALIDATE("rvaale1os, %0", RANGE(31, 3, SMALL_PAGES & ~0xfffffffful), "very many");
    INVALIDATE("vmalle1os // %0", 0, "all");
    INVALIDATE("aside1os, %0", 0, "an ASID");
}

void system_main(void)
{
    enable_mmu();
    write_keys();
    signatures();
    signed_branches();
    landings("");
    sctlr(ALL_KEYS | BT0 | BT1);
    landings("BT");
    returns();
    sctlr(0);
    access_overrides();
    speculation();
    others();
    ranges();
    put_text("end\n");
    power_off();
}
