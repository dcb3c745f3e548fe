// SPDX-License-Identifier: MIT
// Comparisons with zero of what has just set flags.
    subs x0, x0, x1
    cbz x0, 1f
    ands w3, w3, #255
    cbnz w3, 1f
    cmp x4, x5
1:  ret
