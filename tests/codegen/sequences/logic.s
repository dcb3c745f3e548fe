// SPDX-License-Identifier: MIT
// Masks and single bits.
    and x1, x0, #0xff00ff00ff00ff00
    bic w2, w0, w1
    orn x3, x1, x2
    tst w0, #0x80
    b.ne 1f
    eor w3, w3, #1
1:  tbz x0, #40, 2f
    mvn x3, x3
2:  ret
