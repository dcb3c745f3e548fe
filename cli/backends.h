// SPDX-License-Identifier: MIT
//
// -drive, -hda, -cdrom, -netdev, -nic, -fsdev, -virtfs: backends, and the devices that some of them
// imply.
#ifndef CLI_BACKENDS_H
#define CLI_BACKENDS_H

#include "cli/options.h"
#include "hw/core/machine.h"

/* The parameters of -drive, for its parser and for help; ends with NULL. */
extern const char *const drive_parameters[];

/* Before -device, which may name them. */
bool backends_add(Machine *m, const Options *o, Error **err) MUST_CHECK;
/* After -device: the network that there is when the options do not speak of one. */
bool backends_add_default_nic(Machine *m, const Options *o, Error **err) MUST_CHECK;

#endif
