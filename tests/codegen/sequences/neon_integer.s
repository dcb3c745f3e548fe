// SPDX-License-Identifier: MIT
// Integer vectors.
    add v2.4s, v0.4s, v1.4s
    mul v3.4s, v2.4s, v1.4s
    mla v3.8h, v0.8h, v1.8h
    umax v4.16b, v2.16b, v3.16b
    ushr v5.2d, v4.2d, #7
    cmgt v6.4s, v5.4s, v0.4s
    bsl v6.16b, v0.16b, v1.16b
    addv s7, v6.4s
    umov w0, v7.s[0]
    ret
