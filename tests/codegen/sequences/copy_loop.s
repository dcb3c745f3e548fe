// SPDX-License-Identifier: MIT
// A string copied with post-index.
1:  ldrb w3, [x1], #1
    strb w3, [x0], #1
    cbnz w3, 1b
    ret
