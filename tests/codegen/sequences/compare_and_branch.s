// SPDX-License-Identifier: MIT
// A comparison, two ways, and where they meet.
    cmp x0, x1
    b.lo 1f
    add x2, x2, #1
    b 2f
1:  sub x2, x2, #1
2:  cmp w2, #7
    b.gt 3f
    mov w2, #7
3:  ret
