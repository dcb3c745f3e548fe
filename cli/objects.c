// SPDX-License-Identifier: MIT
//
// Guest memory from the options; contract in objects.h. One object can be used: the machine has one
// piece of memory.
#include "cli/objects.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/keyval.h"
#include "util/suggest.h"

typedef struct ObjectType {
    const char *name;
    bool shared;              /* when share= does not say */
    const char *options[8];
} ObjectType;

static const ObjectType types[] = {
    { "memory-backend-ram", false, { "id", "size", "share", "prealloc" } },
    { "memory-backend-file", false, { "id", "size", "share", "prealloc", "mem-path" } },
    { "memory-backend-memfd", true,
      { "id", "size", "share", "prealloc", "hugetlb", "hugetlbsize" } },
};

static const ObjectType *find_type(const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!strcmp(types[i].name, name))
            return &types[i];
        suggest_offer(&s, types[i].name);
    }
    error_set(err, "objects of type '%s' are not supported%s ('-object help' lists those that are)",
              name, suggest_text(&s));
    return NULL;
}

/* ---- one object ------------------------------------------------------------------------- */

static bool take_size(Keyval *kv, const char *name, uint64_t *bytes, Error **err)
{
    const char *text = keyval_take(kv, name);
    return !text || (parse_size(text, 1, bytes) && *bytes) ||
           error_set(err, "-object %s=%s is not a size; write it as in %s=512M", name, text, name);
}

static bool take_huge(Keyval *kv, HostRamSource *source, Error **err)
{
    if (!keyval_take_bool(kv, "hugetlb", &source->huge, err) ||
        !take_size(kv, "hugetlbsize", &source->huge_bytes, err))
        return false;
    if (source->huge_bytes && !source->huge)
        return error_set(err, "-object hugetlbsize= needs hugetlb=on");
    return !source->huge_bytes || is_power_of_2(source->huge_bytes) ||
           error_set(err, "-object hugetlbsize= is no power of two");
}

static bool take_path(Session *s, const ObjectType *t, Keyval *kv, Error **err)
{
    const char *path = keyval_take(kv, "mem-path");
    if (strcmp(t->name, "memory-backend-file"))
        return true;
    if (!path || !*path)
        return error_set(err, "-object %s names no file; write mem-path=FILE", t->name);
    s->ram_path = strdup(path);
    s->machine->config.ram_source.path = s->ram_path;
    return s->ram_path || error_set(err, "out of memory for -object");
}

/* The memory of the machine is this object. */
static bool use_object(Session *s, const ObjectType *t, Keyval *kv, bool size_given, Error **err)
{
    MachineConfig *c = &s->machine->config;
    uint64_t size = 0;
    c->ram_source.share = t->shared;
    if (!take_size(kv, "size", &size, err) ||
        !keyval_take_bool(kv, "share", &c->ram_source.share, err) ||
        !keyval_take_bool(kv, "prealloc", &c->ram_source.prealloc, err) ||
        !take_huge(kv, &c->ram_source, err) || !take_path(s, t, kv, err))
        return false;
    if (!size)
        return error_set(err, "-object %s has no size; write size=, the same as -m", t->name);
    if (size_given && size != c->ram_bytes)
        return error_set(err, "-object '%s' has %" PRIu64 " MiB, but the machine %" PRIu64 " MiB; "
                         "let size= and -m be the same", s->memory_backend, size >> 20,
                         c->ram_bytes >> 20);
    c->ram_bytes = size;
    return true;
}

static bool add_object(Session *s, const Options *o, const char *text, bool *used, Error **err)
{
    Keyval kv;
    if (!keyval_parse(&kv, text, "qom-type", err))
        return false;
    const char *name = keyval_take(&kv, "qom-type"), *id = keyval_take(&kv, "id");
    const ObjectType *t = find_type(name ? name : "", err);
    bool ok = t && (id || error_set(err, "-object %s has no id; write id=NAME", t->name));
    *used = ok && s->memory_backend && !strcmp(s->memory_backend, id);
    if (ok && !*used)
        ok = error_set(err, "nothing uses -object '%s'; add -M memory-backend=%s", id, id);
    ok = ok && use_object(s, t, &kv, o->memory, err) &&
         keyval_check_used(&kv, "-object", t->options, err);
    keyval_free(&kv);
    return ok;
}

/* ---- all of it -------------------------------------------------------------------------- */

bool objects_configure(Session *s, const Options *o, Error **err)
{
    HostRamSource *source = &s->machine->config.ram_source;
    bool used = false;
    source->path = o->mem_path;
    if (o->mem_path && s->memory_backend)
        return error_set(err, "guest memory is chosen by -mem-path and by -M memory-backend=%s; "
                         "leave one out", s->memory_backend);
    if (o->objects.count > 1)
        return error_set(err, "the machine has one piece of memory; give -object once");
    for (unsigned i = 0; i < o->objects.count; i++)
        if (!add_object(s, o, o->objects.text[i], &used, err))
            return false;
    source->prealloc |= o->mem_prealloc;
    return used || !s->memory_backend ||
           error_set(err, "there is no -object with id '%s' for -M memory-backend=",
                     s->memory_backend);
}

void objects_print_types(FILE *out)
{
    fputs("List of user creatable objects:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        fprintf(out, "  %s\n", types[i].name);
}

bool objects_print_options(const char *name, FILE *out, Error **err)
{
    const ObjectType *t = find_type(name, err);
    if (!t)
        return false;
    fprintf(out, "%s options:\n", t->name);
    for (const char *const *option = t->options; *option; option++)
        fprintf(out, "  %s=\n", *option);
    return true;
}
