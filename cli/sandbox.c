// SPDX-License-Identifier: MIT
//
// The text of -sandbox; contract in sandbox.h. The filter itself is in sandbox_seccomp.c.
#include "cli/sandbox.h"

#include <string.h>
#include "util/keyval.h"

const char *const sandbox_parameters[] = {
    "enable", "obsolete", "elevateprivileges", "spawn", "resourcecontrol", NULL
};

static bool take_group(Keyval *kv, const char *name, bool *allow, Error **err)
{
    const char *value = keyval_take(kv, name);
    bool children = value && !strcmp(name, "elevateprivileges") && !strcmp(value, "children");
    *allow = value && !strcmp(value, "allow");
    if (!value || *allow || children || !strcmp(value, "deny"))
        return true;
    return error_set(err, "-sandbox %s=%s is neither 'allow' nor 'deny'", name, value);
}

bool sandbox_parse(const char *text, SandboxOptions *o, Error **err)
{
    Keyval kv;
    *o = (SandboxOptions){ 0 };
    if (!text)
        return true;
    if (!keyval_parse(&kv, text, "enable", err))
        return false;
    bool ok = keyval_take_bool(&kv, "enable", &o->on, err);
    for (unsigned i = 0; ok && i < SANDBOX_GROUPS; i++)
        ok = take_group(&kv, sandbox_parameters[1 + i], &o->allow[i], err);
    ok = ok && keyval_check_used(&kv, "-sandbox", sandbox_parameters, err);
    keyval_free(&kv);
    return ok;
}
