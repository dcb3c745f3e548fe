// SPDX-License-Identifier: MIT
//
// All boards: add yours to board_types[] (docs/adding-a-board.md).
#include <string.h>
#include "hw/arm/virt.h"
#include "hw/core/machine.h"
#include "util/suggest.h"

const BoardType *const board_types[] = {
    &virt_board_type,
    NULL,
};

const BoardType *board_type_find(const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (const BoardType *const *b = board_types; *b; b++) {
        if (strcmp((*b)->name, name) == 0 || ((*b)->alias && strcmp((*b)->alias, name) == 0))
            return *b;
        suggest_offer(&s, (*b)->name);
        suggest_offer(&s, (*b)->alias);
    }
    error_set(err, "unknown machine '%s'%s", name, s.best ? suggest_text(&s) : "; see -M help");
    return NULL;
}

void board_print_types(FILE *out)
{
    fputs("Supported machines are:\n", out);
    for (const BoardType *const *b = board_types; *b; b++) {
        const char *mark = b == board_types ? " (default)" : "";
        if ((*b)->alias)
            fprintf(out, "%-20s %s (alias of %s)\n", (*b)->alias, (*b)->help, (*b)->name);
        fprintf(out, "%-20s %s%s\n", (*b)->name, (*b)->help, mark);
    }
}
