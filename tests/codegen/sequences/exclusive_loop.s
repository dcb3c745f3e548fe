// SPDX-License-Identifier: MIT
// An atomic addition by exclusives.
1:  ldaxr x1, [x0]
    add x1, x1, x2
    stlxr w3, x1, [x0]
    cbnz w3, 1b
    ret
