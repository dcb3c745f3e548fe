// SPDX-License-Identifier: MIT
// Cases of features.c and absent.c: see start.S. case_table lists them for those who run them all.
        .arch   armv8.6-a+rng+predres+sb+ssbs+pauth
        .section .rodata.cases, "a"
        .balign 8
        .global case_table
case_table:
        .text
        .macro  case name, insns:vararg
        .pushsection .rodata.names, "a"
9:      .asciz  "\name"
        .popsection
        .pushsection .rodata.cases
        .quad   9b, case_\name
        .popsection
        .balign 16
        .global case_\name
case_\name:
        \insns
        svc     #0x7ff
        .endm

// Ways to a target in X0, and targets
        case    by_br, br x0
        case    by_br_x16, mov x16, x0; br x16
        case    by_br_x17, mov x17, x0; br x17
        case    by_blr, blr x0
        case    by_ret, ret x0
        case    by_braaz, braaz x0
        case    by_blraaz, blraaz x0
        case    at_nothing, nop
        case    at_bti, hint #32
        case    at_bti_c, hint #34
        case    at_bti_j, hint #36
        case    at_bti_jc, hint #38
        case    at_paciasp, paciasp
        case    at_pacibsp, pacibsp
        case    at_autiasp, autiasp
        case    at_paciaz, paciaz
        case    at_brk, brk #0x77
        case    at_hlt, hlt #1
        case    at_svc, svc #0x66
        case    at_udf, .word 0
        case    straight, nop; nop

        case    retaa, mov x30, x0; retaa
        case    retab, mov x30, x0; retab
        case    braa, mov x1, #7; braa x0, x1
        case    blrab, mov x1, #7; blrab x0, x1
        case    ldraa, ldraa x1, [x0, #8]
        case    ldrab, ldrab x1, [x0, #-8]!
        case    ldraa_sp, ldraa x1, [sp]
        case    eretaa, eretaa
        case    pacia_el0, pacia x0, x1
        case    pacga_el0, pacga x0, x1, x2
        case    mrs_key, mrs x1, apiakeylo_el1

        case    ldtrsb, ldtrsb x1, [x0]
        case    msr_uao, msr uao, #1
        case    mrs_uao, mrs x1, uao
        case    msr_ssbs_1, msr ssbs, #1; brk #0
        case    msr_ssbs_0, msr ssbs, #0; brk #0
        case    msr_ssbs_reg, mov x1, #-1; msr ssbs, x1; brk #0
        case    cfp, cfp rctx, x1
        case    dvp, dvp rctx, x1
        case    cpp, cpp rctx, x1
        case    dc_cvap, dc cvap, x0
        case    dc_cvadp, dc cvadp, x0
        case    rndr, mrs x1, rndr; brk #0
        case    rndrrs, mrs x1, rndrrs; brk #0
        case    msr_rndr, .word 0xd51b2401
        case    mrs_scxtnum, mrs x1, scxtnum_el0
        case    msr_scxtnum, msr scxtnum_el0, x1
        case    mrs_scxtnum_el1, mrs x1, scxtnum_el1
        case    sb, sb
        case    esb, esb
        case    dgh, hint #6
        case    tlbi_vae1os, tlbi vae1os, x0
        case    tlbi_rvae1, tlbi rvae1, x0
        case    mrs_isar0, mrs x1, id_aa64isar0_el1
        case    mrs_reserved, mrs x1, s3_0_c0_c7_7
        case    mrs_ccsidr, mrs x1, ccsidr_el1
        case    mrs_sctlr, mrs x1, sctlr_el1
        case    mrs_lorc, mrs x1, lorc_el1
        case    mrs_disr, mrs x1, disr_el1
        case    mrs_erridr, mrs x1, erridr_el1
        case    paciasp, paciasp
        case    autiasp, autiasp
        case    pacia1716, pacia1716
        case    xpaclri, xpaclri
        case    xpaci, xpaci x0
        case    pacda, pacda x0, x1
        case    autiza, autiza x0

        .section .rodata.cases
        .quad   0, 0
