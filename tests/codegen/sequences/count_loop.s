// SPDX-License-Identifier: MIT
// A loop with a counter and nothing but registers.
1:  add x1, x1, x0
    eor x1, x1, x1, lsr #7
    subs x0, x0, #1
    b.ne 1b
    ret
