// SPDX-License-Identifier: MIT
// Runs the generated decoder over A64 words and prints what it found.
// Reads little-endian 32-bit words from standard input; prints one line a word: the
// instruction's name and its eight argument slots, or "-".
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "a64_decode.h"
#include "a64_table.h"
#include "tests/decode/recorder.h"

static const char *op_name(int op)
{
    for (unsigned i = 0; i < a64_row_count; i++) {
        if ((int)a64_rows[i].op == op) {
            return a64_rows[i].name;
        }
    }
    return "?";
}

int main(void)
{
    uint32_t insn;

    while (fread(&insn, sizeof(insn), 1, stdin) == 1) {
        struct DisasContext s = { .op = -1 };
        if (!a64_decode(&s, insn)) {
            printf("-\n");
            continue;
        }
        printf("%s", op_name(s.op));
        for (unsigned i = 0; i < sizeof(s.args) / sizeof(s.args[0]); i++) {
            printf(" %" PRId64, s.args[i]);
        }
        printf("\n");
    }
    return 0;
}
