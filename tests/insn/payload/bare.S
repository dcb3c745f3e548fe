// SPDX-License-Identifier: MIT
// The bare image's head (arm64 Image format), its start and its vectors.
#include "payload.h"

        .section .text.start, "ax"
        .global image
image:  b       start
        .word   0
        .quad   0                       // text offset
        .quad   image_size              // covers the blob too: run.py corrects it
        .quad   2                       // flags: 4K pages
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .word   0

// Wherever the image was loaded: copy it to PAYLOAD_BASE and the blob to BLOB_BASE.
start:  adr     x0, image
        ldr     x1, =PAYLOAD_BASE
        ldr     x2, =image_end
        ldr     x5, [x0, #16]           // size with the blob
        add     x5, x5, x0
1:      ldp     x3, x4, [x0], #16
        stp     x3, x4, [x1], #16
        cmp     x1, x2
        b.lo    1b
        ldr     x1, =BLOB_BASE
2:      ldp     x3, x4, [x0], #16
        stp     x3, x4, [x1], #16
        cmp     x0, x5
        b.lo    2b
        ldr     x0, =image_end
        ldr     x1, =bss_end
3:      str     xzr, [x0], #8
        cmp     x0, x1
        b.lo    3b
        ic      iallu
        dsb     sy
        isb
        ldr     x0, =vectors
        msr     vbar_el1, x0
        mov     x0, #3 << 20            // CPACR_EL1.FPEN
        msr     cpacr_el1, x0
        isb
        msr     spsel, #1
        ldr     x0, =exception_stack_end
        mov     sp, x0
        msr     spsel, #0
        ldr     x0, =stack_end
        mov     sp, x0
        ldr     x0, =payload_main
        br      x0
        .ltorg

        .text
        .balign 2048
vectors:
        .rept   16
        b       exception
        .balign 128
        .endr

exception:
        sub     sp, sp, #192
        stp     x0, x1, [sp]
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x30, [sp, #144]
        mrs     x0, elr_el1
        mrs     x1, esr_el1
        bl      bare_exception
        msr     elr_el1, x0
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x30, [sp, #144]
        ldp     x0, x1, [sp]
        add     sp, sp, #192
        eret

        .bss
        .balign 16
        .skip   16384
exception_stack_end:
        .skip   65536
stack_end:
