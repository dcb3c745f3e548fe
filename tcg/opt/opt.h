// SPDX-License-Identifier: MIT
//
// Inside of the optimiser: the passes, and what tests ask of them.
#ifndef TCG_OPT_OPT_H
#define TCG_OPT_OPT_H

#include "tcg/backend.h"

/* One walk over the unit in order of definition: forwarding and common subexpressions with
 * TCG_PASS_COPY, the rules with TCG_PASS_FOLD. `hits` (may be NULL) counts by rule. */
void opt_forward(IrUnit *u, unsigned passes, uint32_t *hits);

/* One walk backwards: unused values, sets that nobody sees. */
void opt_dead(IrUnit *u);

/* A block that only one jump leads to becomes part of the one that jumps. */
void opt_join(IrUnit *u);

/* Take blocks out that are never reached. */
void opt_unreachable(IrUnit *u);

/* The rules as text, for tests; fold_rule_count of them, then NULL. */
extern const char *const fold_rule_texts[];
extern const unsigned fold_rule_count;

/* By block: its only predecessor, or OPT_NONE. The entry has none. */
#define OPT_NONE UINT32_MAX
void opt_only_preds(const IrUnit *u, uint32_t *only_pred);

#endif
