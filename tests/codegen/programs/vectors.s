// SPDX-License-Identifier: MIT
// Bytes mixed by table look-up, saturation and sums; floats scaled.
    .global main
main:
    adrp x1, data
    add x1, x1, :lo12:data
    movi v0.16b, #1
    movi v1.16b, #37
    mov x2, x1
    mov w3, #128
1:  add v0.16b, v0.16b, v1.16b
    str q0, [x2], #16
    subs w3, w3, #1
    b.ne 1b
    movi v20.16b, #0
    movi v21.4s, #0
    mov w4, #8
2:  mov x2, x1
    mov w3, #64
3:  ldp q2, q3, [x2]
    uqadd v4.16b, v2.16b, v3.16b
    uabd v5.16b, v2.16b, v3.16b
    tbl v6.16b, {v4.16b}, v1.16b
    eor v4.16b, v4.16b, v6.16b
    uadalp v21.4s, v5.8h
    ext v7.16b, v4.16b, v5.16b, #3
    stp q7, q5, [x2], #32
    ushr v16.4s, v7.4s, #12
    ucvtf v16.4s, v16.4s
    fmul v16.4s, v16.4s, v16.4s
    fcvtzu v16.4s, v16.4s
    add v20.4s, v20.4s, v16.4s
    subs w3, w3, #1
    b.ne 3b
    subs w4, w4, #1
    b.ne 2b
    add v20.4s, v20.4s, v21.4s
    addv s20, v20.4s
    umov w0, v20.s[0]
    ret
    .bss
    .balign 16
data:
    .space 128 * 16
