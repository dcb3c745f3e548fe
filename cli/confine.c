// SPDX-License-Identifier: MIT
//
// A root folder and a user for the rest of the run; contract in confine.h. The user is looked up
// before the root changes, because /etc/passwd may be out of reach behind it.
#include "cli/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util/keyval.h"

const char *const run_with_parameters[] = { "async-teardown", "chroot", "user", NULL };

/* "UID:GID". False: it is no such thing. */
static bool parse_ids(Confinement *c, const char *text)
{
    char *end;
    errno = 0;
    unsigned long uid = strtoul(text, &end, 10);
    if (end == text || *end != ':' || *text == '-')
        return false;
    const char *second = end + 1;
    unsigned long gid = strtoul(second, &end, 10);
    if (errno || end == second || *end || *second == '-' || uid >= UINT32_MAX || gid >= UINT32_MAX)
        return false;
    c->uid = (uid_t)uid;
    c->gid = (gid_t)gid;
    return true;
}

static bool parse_user(Confinement *c, const char *text, Error **err)
{
    c->change = true;
    if (parse_ids(c, text))
        return true;
    struct passwd entry, *found = NULL;
    char buf[4096];
    if (getpwnam_r(text, &entry, buf, sizeof(buf), &found) || !found)
        return error_set(err, "there is no user '%s' to run as; write a name or UID:GID", text);
    c->uid = found->pw_uid;
    c->gid = found->pw_gid;
    c->user = strdup(text);
    return c->user || error_set(err, "out of memory for the user to run as");
}

static bool parse_folder(Confinement *c, const char *text, Error **err)
{
    struct stat st;
    if (stat(text, &st) || !S_ISDIR(st.st_mode))
        return error_set(err, "'%s' is no folder to become the root", text);
    c->folder = strdup(text);
    return c->folder || error_set(err, "out of memory for the root folder");
}

static bool parse_values(Confinement *c, const char *folder, const char *user, Error **err)
{
    return (!folder || parse_folder(c, folder, err)) && (!user || parse_user(c, user, err));
}

static bool parse_run_with(Confinement *c, const char *text, Error **err)
{
    Keyval kv;
    bool teardown = false;
    if (!keyval_parse(&kv, text, NULL, err))
        return false;
    const char *folder = keyval_take(&kv, "chroot"), *user = keyval_take(&kv, "user");
    bool ok = keyval_take_bool(&kv, "async-teardown", &teardown, err) &&
              keyval_check_used(&kv, "-run-with", run_with_parameters, err);
    if (ok && teardown)
        ok = error_set(err, "-run-with async-teardown=on is not supported; leave it out");
    ok = ok && parse_values(c, folder, user, err);
    keyval_free(&kv);
    return ok;
}

bool confine_parse(Confinement *c, const Options *o, Error **err)
{
    *c = (Confinement){ 0 };
    if (o->run_with && (o->chroot || o->runas))
        return error_set(err, "-run-with and -%s say the same; leave one of them out",
                         o->chroot ? "chroot" : "runas");
    if (o->run_with)
        return parse_run_with(c, o->run_with, err);
    return parse_values(c, o->chroot, o->runas, err);
}

void confine_free(Confinement *c)
{
    free(c->folder);
    free(c->user);
}

static bool change_user(const Confinement *c, Error **err)
{
    int r = c->user ? initgroups(c->user, c->gid) : setgroups(1, &c->gid);
    if (r || setgid(c->gid) || setuid(c->uid))
        return error_set_errno(err, errno, "cannot become user %u of group %u; start as root, or "
                               "leave the user out", c->uid, c->gid);
    if (c->uid && setuid(0) == 0)
        return error_set(err, "user %u can become root again, which would confine nothing", c->uid);
    return true;
}

bool confine_enter(const Confinement *c, Error **err)
{
    if (c->folder && (chroot(c->folder) || chdir("/")))
        return error_set_errno(err, errno, "cannot make '%s' the root; start as root, or leave it "
                               "out", c->folder);
    return !c->change || change_user(c, err);
}
