// SPDX-License-Identifier: MIT
// Head of the image, vectors, and the way into and out of a case.
        .section .text.start, "ax"
        .global image
image:  b       start
        .word   0
        .quad   0                       // text offset
        .quad   image_size
        .quad   2                       // flags: 4K pages
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .word   0

// Wherever the image was loaded: copy it to where it was linked.
start:  adr     x0, image
        ldr     x1, =image
        ldr     x2, =image_end
1:      ldp     x3, x4, [x0], #16
        stp     x3, x4, [x1], #16
        cmp     x1, x2
        b.lo    1b
        ldr     x0, =image_end
        ldr     x1, =bss_end
2:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    2b
        ic      iallu
        dsb     sy
        isb
        ldr     x0, =vectors
        msr     vbar_el1, x0
        msr     spsel, #1
        ldr     x0, =stack_end
        mov     sp, x0
        ldr     x0, =system_main
        br      x0
        .ltorg

        .text
        .balign 2048
vectors:
        .set    number, 0
        .rept   16
        msr     tpidr_el1, x0
        mov     x0, #number
        b       taken
        .balign 128
        .set    number, number + 0x80
        .endr

// What was taken, where from; then back behind run_case().
taken:  stp     x1, x2, [sp, #-16]!
        ldr     x1, =taken_state
        str     x0, [x1]
        mrs     x2, esr_el1
        str     x2, [x1, #8]
        mrs     x2, far_el1
        str     x2, [x1, #16]
        mrs     x2, elr_el1
        str     x2, [x1, #24]
        mrs     x2, spsr_el1
        str     x2, [x1, #32]
        ldp     x1, x2, [sp], #16
        ldr     x0, =saved
        ldp     x19, x20, [x0]
        ldp     x21, x22, [x0, #16]
        ldp     x23, x24, [x0, #32]
        ldp     x25, x26, [x0, #48]
        ldp     x27, x28, [x0, #64]
        ldp     x29, x30, [x0, #80]
        ldr     x1, [x0, #96]
        mov     sp, x1
        ret

// run_case(pc, spsr, x0 of the case, sp_el0): returns at the next exception of any kind.
        .global run_case
run_case:
        ldr     x4, =saved
        stp     x19, x20, [x4]
        stp     x21, x22, [x4, #16]
        stp     x23, x24, [x4, #32]
        stp     x25, x26, [x4, #48]
        stp     x27, x28, [x4, #64]
        stp     x29, x30, [x4, #80]
        mov     x5, sp
        str     x5, [x4, #96]
        msr     elr_el1, x0
        msr     spsr_el1, x1
        msr     sp_el0, x3
        mov     x0, x2
        mov     x1, xzr
        mov     x2, xzr
        eret

// The cases; each ends with an exception of its own or with this one.
        .macro  begin name
        .global case_\name
case_\name:
        .endm
        .macro  finish
        svc     #0x7ff
        .endm
        .macro  case name, insn:vararg
        begin   \name
        \insn
        finish
        .endm

        case    ldr, ldr x1, [x0]
        case    str, str x1, [x0]
        case    ldrb, ldrb w1, [x0]
        case    ldp, ldp x1, x2, [x0]
        case    stp, stp x1, x2, [x0]
        case    ldr_post, ldr x1, [x0], #8
        case    ldtr, ldtr x1, [x0]
        case    sttr, sttr x1, [x0]
        case    ldxr, ldxr x1, [x0]
        case    ldaxr, ldaxr w1, [x0]
        case    ldxp, ldxp x1, x2, [x0]
        case    ldar, ldar x1, [x0]
        case    stlr, stlr x1, [x0]
        case    dc_zva, dc zva, x0
        case    dc_cvac, dc cvac, x0
        case    dc_cvau, dc cvau, x0
        case    dc_civac, dc civac, x0
        case    dc_ivac, dc ivac, x0
        case    ic_ivau, ic ivau, x0
        case    dc_isw, dc isw, x0
        case    ic_iallu, ic iallu
        case    tlbi, tlbi vmalle1
        case    at, at s1e1r, x0
        case    br, br x0
        case    svc, svc #0x1234
        case    brk, brk #0x4321
        case    hlt, hlt #1
        case    smc, smc #0
        case    udf, .word 0
        case    unallocated, .word 0xffffffff
        case    nop, nop
        case    wfi, wfi
        case    wfe, wfe
        case    eret, eret
        case    mrs_ctr, mrs x1, ctr_el0
        case    mrs_dczid, mrs x1, dczid_el0
        case    mrs_midr, mrs x1, midr_el1
        case    mrs_isar1, mrs x1, id_aa64isar1_el1
        case    mrs_reserved_id, mrs x1, s3_0_c0_c7_7
        case    msr_midr, msr s3_0_c0_c0_0, x1
        case    mrs_daif, mrs x1, daif
        case    msr_daif, msr daif, x1
        case    daifset, msr daifset, #3
        case    daifclr, msr daifclr, #1
        case    spsel, msr spsel, #0
        case    mrs_sp_el0, mrs x1, sp_el0
        case    mrs_cntvct, mrs x1, cntvct_el0
        case    mrs_cntpct, mrs x1, cntpct_el0
        case    mrs_cntfrq, mrs x1, cntfrq_el0
        case    mrs_cntv_ctl, mrs x1, cntv_ctl_el0
        case    msr_cntp_tval, msr cntp_tval_el0, x0
        case    msr_tpidrro, msr tpidrro_el0, x1
        case    mrs_tpidrro, mrs x1, tpidrro_el0
        case    mrs_nzcv, mrs x1, nzcv
        case    mrs_currentel, mrs x1, currentel
        case    mrs_fpcr, mrs x1, fpcr
        case    fmov, fmov d0, #1.0
        case    ldr_q, ldr q0, [x0]
        case    ldr_s, ldr s0, [x0]
        case    sp_ldr, ldr x1, [sp]
        case    sp_stp, stp x1, x2, [sp, #-16]!
        begin   sp_move_ldr
        mov     sp, x0
        nop
        ldr     x1, [sp]
        finish
        begin   sp_add
        add     sp, sp, #8
        add     sp, sp, #8
        ldr     x1, [sp]
        finish
        case    sys_unknown, sys #3, c7, c15, #7, x0
        case    sysl, sysl x1, #0, c7, c5, #0
        case    s1_impl, mrs x1, s3_3_c15_c2_0
        begin   steps
        nop
        nop
        nop
        finish
        begin   step_branch
        b       1f
        nop
1:      nop
        finish
        case    step_svc, svc #0x55
        begin   ldxr_stxr
        ldxr    x1, [x0]
        stxr    w2, x1, [x0]
        finish
        .arch_extension lse
        case    cas, cas x2, x1, [x0]
        case    ldadd, ldadd x1, x2, [x0]
        case    stadd, stadd x1, [x0]
        .arch_extension nolse
        begin   daifclr_d
        msr     daifclr, #8
        nop
        finish
        begin   daifset_d
        msr     daifset, #8
        nop
        finish
        begin   eret_to
        msr     elr_el1, x0
        msr     spsr_el1, x1
        eret
        finish
        begin   claim
        mov     x1, #0x135
        msr     dbgclaimset_el1, x1
        mov     x1, #0x21
        msr     dbgclaimclr_el1, x1
        mrs     x1, dbgclaimclr_el1
        mrs     x2, dbgclaimset_el1
        add     x1, x1, x2
        cmp     x1, #0x113
        b.ne    1f
        svc     #1
1:
        finish
        case    mrs_bvr6, mrs x1, dbgbvr6_el1
        case    mrs_wvr4, mrs x1, dbgwvr4_el1
        case    mrs_bvr0, mrs x1, dbgbvr0_el1
        case    mrs_pmcr, mrs x1, pmcr_el0
        case    mrs_pmcntenset, mrs x1, pmcntenset_el0
        case    mrs_pmselr, mrs x1, pmselr_el0
        case    mrs_pmceid0, mrs x1, pmceid0_el0
        case    mrs_pmccntr, mrs x1, pmccntr_el0
        case    mrs_pmxevcntr, mrs x1, pmxevcntr_el0
        case    mrs_pmevcntr2, mrs x1, pmevcntr2_el0
        case    mrs_pmevtyper2, mrs x1, pmevtyper2_el0
        case    mrs_pmuserenr, mrs x1, pmuserenr_el0
        case    msr_pmcr, msr pmcr_el0, x1
        case    msr_pmovsclr, msr pmovsclr_el0, x1
        case    msr_pmselr, msr pmselr_el0, x1
        case    msr_pmswinc, msr pmswinc_el0, x1
        case    msr_pmccntr, msr pmccntr_el0, x1
        case    msr_pmxevcntr, msr pmxevcntr_el0, x1
        case    msr_pmevcntr2, msr pmevcntr2_el0, x1
        case    msr_pmuserenr, msr pmuserenr_el0, x1
        case    mrs_pmintenset, mrs x1, pmintenset_el1
        case    mrs_pmevcntr6, mrs x1, pmevcntr6_el0

        .bss
        .balign 16
saved:  .skip   128
        .global taken_state
taken_state:
        .skip   64
        .skip   65536
stack_end:
