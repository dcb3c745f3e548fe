// SPDX-License-Identifier: MIT
//
// -semihosting and -semihosting-config: [enable=on|off][,target=native|auto][,userspace=on|off]
// [,chardev=ID][,root=FOLDER][,arg=TEXT...]; contract in semihosting.h. `root` is our own, the
// others are QEMU's.
#include "cli/semihosting.h"

#include <stdlib.h>
#include <string.h>
#include "util/keyval.h"

const char *const semihosting_parameters[] = {
    "enable", "target", "userspace", "chardev", "root", "arg", NULL
};

void semihosting_free(SemihostingConfig *c)
{
    free(c->command_line);
    free(c->root);
    free(c->chardev);
    *c = (SemihostingConfig){ 0 };
}

/* Replace *to by a copy of `text`; NULL leaves it. */
static bool keep(char **to, const char *text, Error **err)
{
    if (!text)
        return true;
    free(*to);
    *to = strdup(text);
    return *to || error_set(err, "out of memory for -semihosting-config");
}

/* The arguments make a line, with spaces between them. */
static bool add_argument(SemihostingConfig *c, const char *text, Error **err)
{
    size_t had = c->command_line ? strlen(c->command_line) + 1 : 0;
    char *line = realloc(c->command_line, had + strlen(text) + 1);
    if (!line)
        return error_set(err, "out of memory for -semihosting-config");
    if (had)
        line[had - 1] = ' ';
    strcpy(line + had, text);
    c->command_line = line;
    return true;
}

static bool add_arguments(SemihostingConfig *c, Keyval *kv, Error **err)
{
    for (size_t i = 0; i < kv->count; i++) {
        if (strcmp(kv->pairs[i].key, "arg"))
            continue;
        kv->pairs[i].used = true;
        if (!add_argument(c, kv->pairs[i].value, err))
            return false;
    }
    return true;
}

static bool check_target(const char *target, Error **err)
{
    if (!target || !strcmp(target, "native") || !strcmp(target, "auto"))
        return true;
    if (!strcmp(target, "gdb"))
        return error_set(err, "-semihosting-config target=gdb: a debugger cannot carry out the "
                         "calls; use target=native");
    return error_set(err, "-semihosting-config target=%s is neither 'native' nor 'auto'", target);
}

static bool take_all(SemihostingConfig *c, Keyval *kv, bool *on, Error **err)
{
    *on = true;
    return keyval_take_bool(kv, "enable", on, err) &&
           keyval_take_bool(kv, "userspace", &c->userspace, err) &&
           check_target(keyval_take(kv, "target"), err) && add_arguments(c, kv, err) &&
           keep(&c->chardev, keyval_take(kv, "chardev"), err) &&
           keep(&c->root, keyval_take(kv, "root"), err) &&
           keyval_check_used(kv, "-semihosting-config", semihosting_parameters, err);
}

bool configure_semihosting(SemihostingConfig *c, const Options *o, bool *on, Error **err)
{
    Keyval kv;
    *on = o->semihosting;
    if (!o->semihosting_config)
        return true;
    if (!keyval_parse(&kv, o->semihosting_config, "enable", err))
        return false;
    bool ok = take_all(c, &kv, on, err);
    keyval_free(&kv);
    return ok;
}
