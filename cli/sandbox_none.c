// SPDX-License-Identifier: MIT
//
// Builds without libseccomp have no -sandbox; contract in sandbox.h.
#include "cli/sandbox.h"

bool sandbox_enter(const SandboxOptions *o, bool shares, Error **err)
{
    return !o->on || error_set(err, "-sandbox on is not part of this build, which was made without "
                               "libseccomp; leave it out");
}
