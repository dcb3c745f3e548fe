// SPDX-License-Identifier: MIT
//
// Building the machine that the options describe. Everything that the user can get wrong is
// found here, before a guest instruction runs.
#include "cli/create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "block/block.h"
#include "cli/rtc.h"
#include "net/net.h"
#include "util/keyval.h"
#include "util/suggest.h"

/* ---- logging ---------------------------------------------------------------------------- */

static bool create_log(Session *s, const Options *o, Error **err)
{
    s->log = log_create();
    if (!s->log)
        return error_set(err, "out of memory for the log");
    return (!o->log_items || log_enable(s->log, o->log_items, err)) &&
           (!o->log_file || log_open(s->log, o->log_file, err)) &&
           (!o->log_filter || log_set_filter(s->log, o->log_filter, err));
}

/* ---- board, CPUs, memory ---------------------------------------------------------------- */

static bool parse_number(const char *what, const char *text, uint32_t *value, Error **err)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || end == text || *end || v < 1 || v > 4096)
        return error_set(err, "%s is '%s', which is not a number from 1 to 4096", what, text);
    *value = (uint32_t)v;
    return true;
}

static bool configure_smp(MachineConfig *c, const char *text, Error **err)
{
    static const char *const known[] = {
        "cpus", "maxcpus", "sockets", "clusters", "cores", "threads", NULL
    };
    uint32_t *const fields[] = {
        &c->cpus, &c->max_cpus, &c->sockets, &c->clusters, &c->cores, &c->threads
    };
    Keyval kv;
    if (!keyval_parse(&kv, text, "cpus", err))
        return false;
    bool ok = true;
    for (int i = 0; ok && known[i]; i++) {
        const char *value = keyval_take(&kv, known[i]);
        char what[32];
        snprintf(what, sizeof(what), "-smp %s", known[i]);
        ok = !value || parse_number(what, value, fields[i], err);
    }
    ok = ok && keyval_check_used(&kv, "-smp", known, err);
    keyval_free(&kv);
    if (!ok)
        return false;
    uint32_t shape = (c->sockets ? c->sockets : 1) * (c->clusters ? c->clusters : 1) *
                     (c->cores ? c->cores : 1) * (c->threads ? c->threads : 1);
    bool shaped = c->sockets || c->clusters || c->cores || c->threads;
    if (!c->cpus)
        c->cpus = shape;
    if (c->max_cpus && c->max_cpus != c->cpus)
        return error_set(err, "-smp maxcpus=%u differs from cpus=%u, but CPUs cannot be plugged "
                         "in later; leave maxcpus out", c->max_cpus, c->cpus);
    if (shaped && c->cpus % shape && shape != c->cpus)
        return error_set(err, "-smp topology of %u CPUs does not fit cpus=%u; make "
                         "sockets*clusters*cores*threads equal to cpus", shape, c->cpus);
    return true;
}

static bool configure_memory(MachineConfig *c, const char *text, Error **err)
{
    static const char *const known[] = { "size", NULL };
    Keyval kv;
    if (!keyval_parse(&kv, text, "size", err))
        return false;
    const char *size = keyval_take(&kv, "size");
    bool ok = keyval_check_used(&kv, "-m", known, err);
    if (ok && (!size || !parse_size(size, UINT64_C(1) << 20, &c->ram_bytes) || !c->ram_bytes))
        ok = error_set(err, "-m %s is not a size; write MiB as in '-m 512' or '-m 2G'", text);
    c->ram_bytes = (c->ram_bytes + GUEST_PAGE_SIZE - 1) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
    keyval_free(&kv);
    return ok;
}

static bool configure_board(Session *s, const Options *o, Error **err)
{
    Machine *m = s->machine;
    Keyval kv;
    bool ok = false;
    if (!keyval_parse(&kv, o->machine ? o->machine : "virt", "type", err))
        return false;
    const char *name = keyval_take(&kv, "type");
    const BoardType *board = board_type_find(name ? name : "virt", err);
    if (!board || !machine_select_board(m, board, err))
        goto out;
    ok = true;
    for (size_t i = 0; ok && i < kv.count; i++) {
        const KeyvalPair *p = &kv.pairs[i];
        s->build_only |= !strcmp(p->key, "dumpdtb");
        if (strcmp(p->key, "type") && strcmp(p->key, "accel"))
            ok = machine_set(m, p->key, p->value, err);
    }
out:
    keyval_free(&kv);
    return ok;
}

static bool configure(Session *s, const Options *o, Error **err)
{
    MachineConfig *c = &s->machine->config;
    if (!configure_board(s, o, err))
        return false;
    c->cpu_model = o->cpu;
    c->kernel = o->kernel;
    c->initrd = o->initrd;
    c->append = o->append;
    c->dtb = o->dtb;
    c->firmware = o->firmware;
    c->no_reboot = o->no_reboot;
    return (!o->smp || configure_smp(c, o->smp, err)) &&
           (!o->memory || configure_memory(c, o->memory, err)) &&
           (!o->rtc || rtc_parse(o->rtc, &c->rtc_offset_seconds, err));
}

/* ---- serial lines and the monitor ------------------------------------------------------- */

static void quit_requested(void *opaque)
{
    Machine *m = opaque;
    runstate_request(&m->run, RUN_REQUEST_QUIT);
}

static bool open_terminal_mux(Session *s, Chardev **guest, Error **err)
{
    Machine *m = s->machine;
    Chardev *terminal;
    ChardevMux mux;
    if (s->on_terminal)
        return error_set(err, "this terminal is taken already; use 'mon:stdio' or 'stdio' once");
    if (!chardev_open(m->loop, "mux", "stdio", &terminal, err))
        return false;
    if (!chardev_open_mux(m->loop, terminal, quit_requested, m, &mux, err)) {
        chardev_close(terminal);
        return false;
    }
    *guest = mux.guest;
    s->monitor_chardev = mux.monitor;
    s->on_terminal = true;
    return true;
}

static void announce_chardev(const Chardev *chr, const char *what, unsigned n)
{
    const char *label = chr ? chardev_label(chr) : "";
    if (!strncmp(label, "pty:", 4))
        fprintf(stderr, "char device redirected to %s (label %s%u)\n", label + 4, what, n);
}

static bool open_serial(Session *s, unsigned n, const char *spec, bool *stdio_used, Error **err)
{
    MachineConfig *c = &s->machine->config;
    bool is_stdio = !strcmp(spec, "stdio");
    if (n >= sizeof(c->serials) / sizeof(c->serials[0]))
        return error_set(err, "more than %zu times -serial",
                         sizeof(c->serials) / sizeof(c->serials[0]));
    if (is_stdio && (*stdio_used || s->on_terminal))
        return error_set(err, "this terminal is taken already; use -serial stdio once");
    *stdio_used |= is_stdio;
    c->serial_count = n + 1;
    bool ok = !strcmp(spec, "mon:stdio")
                  ? open_terminal_mux(s, &c->serials[n], err)
                  : chardev_open(s->machine->loop, NULL, spec, &c->serials[n], err);
    Chardev *chr = c->serials[n];
    if (ok && chr && !machine_add_chardev(s->machine, chr, err)) {
        chardev_close(chr);
        c->serials[n] = NULL;
        return false;
    }
    if (ok)
        announce_chardev(chr, "serial", n);
    return ok;
}

static bool open_serials(Session *s, const Options *o, Error **err)
{
    bool stdio_used = false;
    const char *first = o->nographic && !o->monitor ? "mon:stdio" : "stdio";
    if (o->monitor && !strcmp(o->monitor, "stdio"))
        first = o->nographic ? "mon:stdio" : "none";
    if (o->serials.count == 0 && !open_serial(s, 0, first, &stdio_used, err))
        return false;
    for (unsigned i = 0; i < o->serials.count; i++)
        if (!open_serial(s, i, o->serials.text[i], &stdio_used, err))
            return false;
    if (!o->monitor || !strcmp(o->monitor, "none") || s->monitor_chardev)
        return true;
    if (stdio_used && !strcmp(o->monitor, "stdio"))
        return error_set(err, "-monitor stdio and -serial stdio both want this terminal; use "
                         "-serial mon:stdio");
    return chardev_open(s->machine->loop, NULL, o->monitor, &s->monitor_chardev, err);
}

/* ---- disks, networks, devices ----------------------------------------------------------- */

/* A device for a backend, as `-drive if=virtio` and `-nic` imply it. */
static bool add_implied(Machine *m, const char *model, const char *property, void *backend,
                        const char *mac, Error **err)
{
    const DeviceType *type = device_type_find(model);
    if (!type)
        return error_set(err, "this build has no device '%s'", model);
    Device *dev = device_create(m, type, NULL, err);
    if (!dev)
        return false;
    device_set_ptr(dev, property, backend);
    if ((!mac || device_set(dev, "mac", mac, err)) && device_plug(dev, err))
        return true;
    device_destroy(dev);
    return false;
}

static bool open_drive(Machine *m, const char *text, unsigned n, bool *implied,
                       BlockBackend **out, Error **err)
{
    static const char *const known[] = {
        "file", "format", "if", "id", "readonly", "read-only", "snapshot", "cache", "discard",
        "index", "media", "aio", "locking", "werror", "rerror", "detect-zeroes", NULL
    };
    Keyval kv;
    char id[32];
    snprintf(id, sizeof(id), "drive%u", n);
    if (!keyval_parse(&kv, text, NULL, err))
        return false;
    BlockOptions bo = { .id = keyval_take(&kv, "id"), .file = keyval_take(&kv, "file"),
                        .format = keyval_take(&kv, "format"), .cache = keyval_take(&kv, "cache"),
                        .discard = true, .locking = true };
    const char *interface = keyval_take(&kv, "if");
    const char *discard = keyval_take(&kv, "discard");
    const char *locking = keyval_take(&kv, "locking");
    static const char *const ignored[] = { "index", "media", "aio", "werror", "rerror",
                                           "detect-zeroes" };
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        keyval_take(&kv, ignored[i]);
    bool ok = keyval_take_bool(&kv, "readonly", &bo.read_only, err) &&
              keyval_take_bool(&kv, "read-only", &bo.read_only, err) &&
              keyval_take_bool(&kv, "snapshot", &bo.snapshot, err) &&
              keyval_check_used(&kv, "-drive", known, err);
    bo.locking = !locking || strcmp(locking, "off");
    bo.discard = discard && (!strcmp(discard, "unmap") || !strcmp(discard, "on"));
    if (!bo.id)
        bo.id = id;
    *implied = interface && !strcmp(interface, "virtio");
    if (ok && !bo.file)
        ok = error_set(err, "-drive '%s' names no file; write file=PATH", text);
    if (ok && (!interface || (strcmp(interface, "virtio") && strcmp(interface, "none"))))
        ok = error_set(err, "-drive if=%s is not supported on this board; use if=virtio, or "
                       "if=none with a -device", interface ? interface : "(none given)");
    *out = ok ? block_open(&bo, err) : NULL;
    keyval_free(&kv);
    return *out;
}

static bool add_drives(Machine *m, const Options *o, Error **err)
{
    for (unsigned i = 0; i < o->drives.count; i++) {
        bool implied;
        BlockBackend *b;
        if (!open_drive(m, o->drives.text[i], i, &implied, &b, err))
            return false;
        if (!machine_add_drive(m, b, err)) {
            block_close(b);
            return false;
        }
        if (implied && !add_implied(m, "virtio-blk-device", "drive", b, NULL, err))
            return false;
    }
    return true;
}

static bool add_netdev(Machine *m, const char *spec, NetBackend **out, Error **err)
{
    *out = net_open(spec, m->log, err);
    if (!*out)
        return false;
    if (machine_add_netdev(m, *out, err))
        return true;
    net_close(*out);
    return false;
}

/* "-nic user,model=X,mac=M,rest" is "-netdev user,id=nicN,rest" and a device. */
static bool add_nic(Machine *m, const char *text, unsigned n, Error **err)
{
    if (!strcmp(text, "none"))
        return true;
    Keyval kv;
    if (!keyval_parse(&kv, text, "type", err))
        return false;
    const char *model = keyval_take(&kv, "model"), *mac = keyval_take(&kv, "mac");
    char *spec = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&spec, &len);
    bool ok = f || error_set(err, "out of memory for -nic");
    bool has_id = keyval_take(&kv, "id");
    for (size_t i = 0; f && i < kv.count; i++) {
        const KeyvalPair *p = &kv.pairs[i];
        if (!strcmp(p->key, "type"))
            fputs(p->value, f);
        else if (strcmp(p->key, "model") && strcmp(p->key, "mac"))
            fprintf(f, ",%s=%s", p->key, p->value);
    }
    if (f && !has_id)
        fprintf(f, ",id=nic%u", n);
    if (f)
        fclose(f);
    NetBackend *net;
    bool known = !model || !strcmp(model, "virtio") || !strcmp(model, "virtio-net-device") ||
                 !strcmp(model, "virtio-net-pci");
    if (ok && !known)
        ok = error_set(err, "-nic model=%s is not a model of this board; use "
                       "model=virtio-net-device", model);
    ok = ok && add_netdev(m, spec, &net, err) &&
         add_implied(m, "virtio-net-device", "netdev", net, mac, err);
    free(spec);
    keyval_free(&kv);
    return ok;
}

static bool add_networks(Machine *m, const Options *o, Error **err)
{
    NetBackend *net;
    for (unsigned i = 0; i < o->netdevs.count; i++)
        if (!add_netdev(m, o->netdevs.text[i], &net, err))
            return false;
    for (unsigned i = 0; i < o->nics.count; i++)
        if (!add_nic(m, o->nics.text[i], i, err))
            return false;
    return true;
}

/* ---- engine ----------------------------------------------------------------------------- */

static const AccelType *find_accel(const char *name, Error **err)
{
    Suggest s = suggest_start(name);
    for (const AccelType *const *t = accel_types; *t; t++) {
        if (!strcmp((*t)->name, name)) {
            const char *why = (*t)->unavailable ? (*t)->unavailable() : NULL;
            if (why)
                error_set(err, "%s", why);
            return why ? NULL : *t;
        }
        suggest_offer(&s, (*t)->name);
    }
    error_set(err, "unknown engine '%s'%s ('-accel help' lists them)", name, suggest_text(&s));
    return NULL;
}

static bool create_accel(Session *s, const Options *o, Error **err)
{
    Keyval kv;
    if (!keyval_parse(&kv, o->accel ? o->accel : "tcg", "accel", err))
        return false;
    const char *name = keyval_take(&kv, "accel");
    const AccelType *type = find_accel(name ? name : "tcg", err);
    AccelOption options[32];
    unsigned count = 0;
    bool ok = type;
    for (const char *const *k = type ? type->options : NULL; k && *k && count < 32; k++) {
        const char *value = keyval_take(&kv, *k);
        if (value)
            options[count++] = (AccelOption){ *k, value };
    }
    ok = ok && keyval_check_used(&kv, "-accel", type->options, err);
    if (ok)
        s->accel = type->create(&s->machine->memory, s->log, options, count, err);
    keyval_free(&kv);
    s->machine->accel = s->accel;
    return s->accel;
}

static bool attach_cpus(Session *s, Error **err)
{
    Machine *m = s->machine;
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        m->cpus[i]->peers = m->cpus;
        m->cpus[i]->peer_count = m->cpu_count;
        if (!s->accel->add_cpu(s->accel, m->cpus[i], err))
            return false;
    }
    return s->accel->start(s->accel, err);
}

bool session_create(Session *s, const Options *o, Error **err)
{
    *s = (Session){ 0 };
    if (!create_log(s, o, err))
        return false;
    s->machine = machine_create(s->log, err);
    if (!s->machine)
        return false;
    Machine *m = s->machine;
    if (!configure(s, o, err))
        return false;
    if (!create_accel(s, o, err))
        return false;
    if (!s->build_only && !open_serials(s, o, err))
        return false;
    if (!machine_build(m, err))
        return false;
    if (s->build_only)
        return true;
    if (!add_drives(m, o, err) || !add_networks(m, o, err))
        return false;
    for (unsigned i = 0; i < o->devices.count; i++)
        if (!device_add(m, o->devices.text[i], err))
            return false;
    return attach_cpus(s, err);
}

void session_destroy(Session *s)
{
    if (s->accel)
        s->accel->destroy(s->accel);
    chardev_close(s->monitor_chardev);
    machine_destroy(s->machine);
    log_destroy(s->log);
}
