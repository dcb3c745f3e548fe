// SPDX-License-Identifier: MIT
//
// Did-you-mean: the known name nearest to what the user typed, by edit distance (insertions,
// deletions, replacements and swaps of neighbours cost 1 each; case does not count).
//
//     Suggest s = suggest_start("virtoi-blk");
//     for (each known name)
//         suggest_offer(&s, name);
//     error_set(err, "unknown device '%s'%s", typed, suggest_text(&s));
#ifndef UTIL_SUGGEST_H
#define UTIL_SUGGEST_H

#include <stddef.h>

typedef struct Suggest {
    const char *typed;
    const char *best; /* NULL: nothing is near; the caller's own string */
    unsigned distance;
    char text[96];
} Suggest;

/* The number of edits between two names; both are cut at 63 characters. */
unsigned suggest_distance(const char *a, const char *b);

Suggest suggest_start(const char *typed);
/* Look at one known name, which must live as long as `s` is used. NULL is ignored. */
void suggest_offer(Suggest *s, const char *known);
/* "; did you mean 'NAME'?", or "" when no offered name is near. Points into `s`. */
const char *suggest_text(Suggest *s);

#endif
