// SPDX-License-Identifier: MIT
// Memory copied in pairs of vectors.
1:  ldp q0, q1, [x1], #32
    stp q0, q1, [x0], #32
    subs x2, x2, #32
    b.hi 1b
    ret
