// SPDX-License-Identifier: MIT
//
// A folder of the host that guests may share: what -fsdev says about it. It does not change after
// fsdev_open() and may serve several devices, each of which works in an FsTree (fsdev/tree.h) of
// its own.
#ifndef FSDEV_FSDEV_H
#define FSDEV_FSDEV_H

#include <stdbool.h>
#include <stdio.h>
#include "util/error.h"

struct Keyval;
typedef struct FsDev FsDev;

/* The parameters of -fsdev; ends with NULL. */
extern const char *const fsdev_parameters[];

/* From what stands after -fsdev or -virtfs, "local,id=NAME,path=FOLDER,security_model=MODEL,...",
 * parsed with "driver" for the first item. `option` names the option in messages, `id` stands for
 * a missing id= (NULL: it is needed). */
FsDev *fsdev_open(struct Keyval *kv, const char *option, const char *id, Error **err);
void fsdev_close(FsDev *d);
const char *fsdev_id(const FsDev *d);
bool fsdev_read_only(const FsDev *d);
/* The text of -fsdev help. */
void fsdev_print_help(FILE *out);

#endif
