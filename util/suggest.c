// SPDX-License-Identifier: MIT
//
// Did-you-mean; contract in suggest.h. The distance is the restricted Damerau-Levenshtein one,
// computed over three rows of the usual table.
#include "util/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "util/bitops.h"

#define SUGGEST_MAX 63u

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned suggest_distance(const char *a, const char *b)
{
    size_t la = strnlen(a, SUGGEST_MAX), lb = strnlen(b, SUGGEST_MAX);
    unsigned rows[3][SUGGEST_MAX + 1];
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned replace = up[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            row[j] = MIN(replace, MIN(up[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]))
                row[j] = MIN(row[j], up2[j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

Suggest suggest_start(const char *typed)
{
    /* More than a third wrong, and it is another name. */
    unsigned limit = (unsigned)strnlen(typed, SUGGEST_MAX) / 3 + 1;
    return (Suggest){ .typed = typed, .distance = limit + 1 };
}

/* A name that the typed one is the beginning of, or the reverse, is nearer than any misspelling. */
static bool one_begins_the_other(const char *a, const char *b)
{
    size_t n = MIN(strlen(a), strlen(b));
    return n >= 3 && strncasecmp(a, b, n) == 0;
}

void suggest_offer(Suggest *s, const char *known)
{
    if (!known)
        return;
    unsigned d = suggest_distance(s->typed, known);
    if (d > 1 && one_begins_the_other(s->typed, known))
        d = 1;
    if (d < s->distance) {
        s->distance = d;
        s->best = known;
    }
}

const char *suggest_text(Suggest *s)
{
    s->text[0] = '\0';
    if (s->best)
        snprintf(s->text, sizeof(s->text), "; did you mean '%.64s'?", s->best);
    return s->text;
}
