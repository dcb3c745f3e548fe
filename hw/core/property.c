// SPDX-License-Identifier: MIT
//
// Property tables: fields of a struct that the user may set by name, from text. Contract in
// device.h. One row of property_kinds[] for each kind: how to read it, how to show it.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "block/block.h"
#include "chardev/chardev.h"
#include "fsdev/fsdev.h"
#include "hw/core/device.h"
#include "hw/core/machine.h"
#include "net/net.h"
#include "util/bitops.h"
#include "util/suggest.h"

typedef struct PropertyKindOps {
    const char *word;    /* for help */
    const char *expects; /* for messages */
    bool (*parse)(void *field, struct Machine *m, const char *text, Error **err);
    void (*print)(const void *field, FILE *out);
} PropertyKindOps;

static bool parse_bool(void *field, struct Machine *m, const char *text, Error **err)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = { { "on", true },   { "yes", true },  { "true", true },
                  { "off", false }, { "no", false }, { "false", false } };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i].text) == 0) {
            *(bool *)field = words[i].value;
            return true;
        }
    }
    return false;
}

/* A number as in C, all of `text`; `*end` gets the rest when the caller wants a suffix. */
static bool parse_number(const char *text, uint64_t *value, char **end)
{
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *value = strtoull(text, end, 0);
    return errno == 0 && *end != text;
}

static bool parse_uint64(void *field, struct Machine *m, const char *text, Error **err)
{
    char *end;
    uint64_t v;
    if (!parse_number(text, &v, &end) || *end)
        return false;
    *(uint64_t *)field = v;
    return true;
}

static bool parse_uint32(void *field, struct Machine *m, const char *text, Error **err)
{
    uint64_t v;
    if (!parse_uint64(&v, m, text, err) || v > UINT32_MAX)
        return false;
    *(uint32_t *)field = (uint32_t)v;
    return true;
}

static bool parse_size(void *field, struct Machine *m, const char *text, Error **err)
{
    static const char suffixes[] = "BKMGT";
    char *end;
    uint64_t v;
    if (!parse_number(text, &v, &end))
        return false;
    unsigned shift = 0;
    if (*end) {
        const char *s = strchr(suffixes, *end >= 'a' ? *end - 'a' + 'A' : *end);
        if (!s || end[1])
            return false;
        shift = 10 * (unsigned)(s - suffixes);
    }
    if (v > UINT64_MAX >> shift)
        return false;
    *(uint64_t *)field = v << shift;
    return true;
}

static bool parse_string(void *field, struct Machine *m, const char *text, Error **err)
{
    char *copy = strdup(text);
    if (!copy)
        return error_set(err, "out of memory");
    free(*(char **)field);
    *(char **)field = copy;
    return true;
}

static bool parse_drive(void *field, struct Machine *m, const char *text, Error **err)
{
    struct BlockBackend *b = machine_find_drive(m, text, err);
    if (b)
        *(struct BlockBackend **)field = b;
    return b;
}

static bool parse_netdev(void *field, struct Machine *m, const char *text, Error **err)
{
    struct NetBackend *n = machine_find_netdev(m, text, err);
    if (n)
        *(struct NetBackend **)field = n;
    return n;
}

static bool parse_chardev(void *field, struct Machine *m, const char *text, Error **err)
{
    struct Chardev *c = machine_find_chardev(m, text, err);
    if (c)
        *(struct Chardev **)field = c;
    return c;
}

static bool parse_fsdev(void *field, struct Machine *m, const char *text, Error **err)
{
    struct FsDev *d = machine_find_fsdev(m, text, err);
    if (d)
        *(struct FsDev **)field = d;
    return d;
}

static bool parse_mac(void *field, struct Machine *m, const char *text, Error **err)
{
    uint8_t mac[6];
    const char *p = text;
    for (int i = 0; i < 6; i++) {
        char *end;
        unsigned long v = strtoul(p, &end, 16);
        if (end == p || end - p > 2 || *end != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)v;
        p = end + 1;
    }
    if (mac[0] & 1)
        return error_set(err, "'%s' is a multicast address; the first byte of a MAC must be even",
                         text);
    memcpy(field, mac, sizeof(mac));
    return true;
}

static void print_bool(const void *field, FILE *out)
{
    fputs(*(const bool *)field ? "true" : "false", out);
}

static void print_uint32(const void *field, FILE *out)
{
    fprintf(out, "%" PRIu32 " (0x%" PRIx32 ")", *(const uint32_t *)field,
            *(const uint32_t *)field);
}

static void print_uint64(const void *field, FILE *out)
{
    fprintf(out, "%" PRIu64 " (0x%" PRIx64 ")", *(const uint64_t *)field,
            *(const uint64_t *)field);
}

static void print_string(const void *field, FILE *out)
{
    const char *s = *(char *const *)field;
    fprintf(out, "\"%s\"", s ? s : "");
}

static void print_drive(const void *field, FILE *out)
{
    const struct BlockBackend *b = *(struct BlockBackend *const *)field;
    fprintf(out, "\"%s\"", b && block_id(b) ? block_id(b) : "");
}

static void print_netdev(const void *field, FILE *out)
{
    const struct NetBackend *n = *(struct NetBackend *const *)field;
    fprintf(out, "\"%s\"", n && net_id(n) ? net_id(n) : "");
}

static void print_chardev(const void *field, FILE *out)
{
    const struct Chardev *c = *(struct Chardev *const *)field;
    fprintf(out, "\"%s\"", c && chardev_id(c) ? chardev_id(c) : "");
}

static void print_fsdev(const void *field, FILE *out)
{
    const struct FsDev *d = *(struct FsDev *const *)field;
    fprintf(out, "\"%s\"", d ? fsdev_id(d) : "");
}

static void print_mac(const void *field, FILE *out)
{
    const uint8_t *mac = field;
    fprintf(out, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static const PropertyKindOps property_kinds[] = {
    [PROP_BOOL] = { "bool", "on or off", parse_bool, print_bool },
    [PROP_UINT32] = { "uint32", "a number below 2^32", parse_uint32, print_uint32 },
    [PROP_UINT64] = { "uint64", "a number", parse_uint64, print_uint64 },
    [PROP_SIZE] = { "size", "a size such as 512M", parse_size, print_uint64 },
    [PROP_STRING] = { "str", "a text", parse_string, print_string },
    [PROP_DRIVE] = { "drive", "the id of a -drive", parse_drive, print_drive },
    [PROP_NETDEV] = { "netdev", "the id of a -netdev", parse_netdev, print_netdev },
    [PROP_CHARDEV] = { "chardev", "the id of a -chardev", parse_chardev, print_chardev },
    [PROP_FSDEV] = { "fsdev", "the id of a -fsdev", parse_fsdev, print_fsdev },
    [PROP_MAC] = { "mac", "an address such as 52:54:00:12:34:56", parse_mac, print_mac },
};

static const Property *property_find(const Property *props, const char *name)
{
    for (const Property *p = props; p && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

bool properties_init(const Property *props, void *base)
{
    for (const Property *p = props; p && p->name; p++) {
        bool ok = !p->initial ||
                  property_kinds[p->kind].parse((char *)base + p->offset, NULL, p->initial, NULL);
        assert((ok || p->kind == PROP_STRING) && "the default of a property does not parse");
        if (!ok)
            return false;
    }
    return true;
}

bool properties_set(const Property *props, void *base, struct Machine *m, const char *what,
                    const char *name, const char *value, Error **err)
{
    const Property *p = property_find(props, name);
    if (!p) {
        Suggest s = suggest_start(name);
        for (p = props; p && p->name; p++)
            suggest_offer(&s, p->name);
        return error_set(err, "%s has no property '%s'%s", what, name, suggest_text(&s));
    }
    const PropertyKindOps *kind = &property_kinds[p->kind];
    Error *why = NULL;
    if (kind->parse((char *)base + p->offset, m, value, &why))
        return true;
    if (why)
        error_set(err, "%s: property '%s': %s", what, name, error_text(why));
    else
        error_set(err, "%s: property '%s' takes %s, not '%s'", what, name, kind->expects, value);
    error_free(why);
    return false;
}

void properties_print(const Property *props, const void *base, const char *indent, FILE *out)
{
    for (const Property *p = props; p && p->name; p++) {
        fprintf(out, "%s%s = ", indent, p->name);
        property_kinds[p->kind].print((const char *)base + p->offset, out);
        fputc('\n', out);
    }
}

void properties_print_help(const Property *props, FILE *out)
{
    for (const Property *p = props; p && p->name; p++) {
        const PropertyKindOps *kind = &property_kinds[p->kind];
        int n = fprintf(out, "  %s=<%s>", p->name, kind->word);
        fprintf(out, "%*s- %s", n < 25 ? 25 - n : 1, "", p->help ? p->help : kind->expects);
        if (p->initial)
            fprintf(out, " (default: %s)", p->initial);
        fputc('\n', out);
    }
}

void properties_free(const Property *props, void *base)
{
    for (const Property *p = props; p && p->name; p++) {
        if (p->kind == PROP_STRING) {
            free(*(char **)((char *)base + p->offset));
            *(char **)((char *)base + p->offset) = NULL;
        }
    }
}
