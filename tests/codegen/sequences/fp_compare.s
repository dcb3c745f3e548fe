// SPDX-License-Identifier: MIT
// Comparisons of floating point, and what depends on them.
    fcmp d0, d1
    b.gt 1f
    fcmp d1, #0.0
    fcsel d0, d0, d1, mi
    cset w0, vs
1:  fmaxnm d0, d0, d1
    ret
