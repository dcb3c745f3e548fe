// SPDX-License-Identifier: MIT
//
// Names for the guest's addresses; contract in guest_symbols.h. In this order: the file given by
// -kernel-symbols, what the kernel itself carries (an ELF file's symbols, kallsyms of an Image), a
// System.map beside it as distributions name it. Without any of them there is an empty table.
#include "cli/guest_symbols.h"

#include <string.h>

/* /boot/vmlinuz-6.1.0 and /boot/System.map-6.1.0. */
static bool load_beside(Symbols *symbols, const char *kernel)
{
    char path[512];
    const char *slash = kernel ? strrchr(kernel, '/') : NULL;
    const char *name = slash ? slash + 1 : kernel;
    const char *version = name ? strchr(name, '-') : NULL;
    if (!kernel)
        return false;
    snprintf(path, sizeof(path), "%.*sSystem.map%s", (int)(name - kernel), kernel,
             version ? version : "");
    Error *err = NULL;
    bool ok = symbols_load_file(symbols, path, &err);
    error_free(err);
    return ok;
}

static bool load(Session *s, const char *path, Error **err)
{
    const Machine *m = s->machine;
    s->symbols = symbols_create();
    if (!s->symbols)
        return error_set(err, "out of memory for symbols");
    if (path) {
        if (!symbols_load_file(s->symbols, path, err))
            return false;
    } else if (!m->board->load_symbols || !m->board->load_symbols(m, s->symbols)) {
        load_beside(s->symbols, m->config.kernel);
    }
    if (m->board->kernel_address)
        symbols_set_physical(s->symbols, m->board->kernel_address(m));
    if (s->accel->set_symbols)
        s->accel->set_symbols(s->accel, s->symbols);
    return true;
}

bool guest_symbols_create(Session *s, const Options *o, Error **err)
{
    bool wanted = o->kernel_symbols || s->accel->wants_symbols ||
                  log_on(s->log, LOG_IN_ASM | LOG_EXEC);
    return !wanted || load(s, o->kernel_symbols, err);
}

Symbols *guest_symbols(Session *s)
{
    Error *err = NULL;
    if (!s->symbols && !load(s, NULL, &err))
        error_free(err);
    for (uint32_t i = 0; s->symbols && i < s->machine->cpu_count; i++) {
        VCPU *cpu = s->machine->cpus[i];
        symbols_found_vectors(s->symbols, cpu->ops->vector_base(cpu));
    }
    return s->symbols;
}

void guest_symbols_reset(Session *s)
{
    if (s->symbols)
        symbols_forget_vectors(s->symbols);
}
