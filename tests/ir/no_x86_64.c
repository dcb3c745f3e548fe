// SPDX-License-Identifier: MIT
//
// Stands in for the x86-64 backend where there is none; the tests then leave it out.
#include "tcg/internal.h"

const TcgBackend tcg_backend_x86_64 = { .name = NULL };
