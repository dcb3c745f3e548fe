// SPDX-License-Identifier: MIT
//
// Disassembly: contract in disas.h.
#include "util/disas.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdlib.h>
#include "util/bitops.h"

struct Disas {
    csh cs;
    cs_insn *insn;
    size_t step;
};

Disas *disas_open(int arch, int mode, size_t step)
{
    Disas *d = calloc(1, sizeof(*d));
    if (!d || cs_open((cs_arch)arch, (cs_mode)mode, &d->cs) != CS_ERR_OK)
        goto free_disas;
    d->insn = cs_malloc(d->cs);
    if (!d->insn)
        goto close_capstone;
    d->step = step;
    return d;

close_capstone:
    cs_close(&d->cs);
free_disas:
    free(d);
    return NULL;
}

void disas_close(Disas *d)
{
    if (!d)
        return;
    cs_free(d->insn, 1);
    cs_close(&d->cs);
    free(d);
}

/* Instructions of one width are words, as their manuals write them; others are bytes. */
static void print_line(const Disas *d, uint64_t address, const uint8_t *code, size_t size,
                       FILE *out)
{
    bool word = size > 1 && size == d->step;
    fprintf(out, "0x%016" PRIx64 ":  ", address);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", code[word ? size - 1 - i : i]);
}

size_t disas_print(Disas *d, const uint8_t *code, size_t size, uint64_t address, FILE *out)
{
    const uint8_t *at = code;
    size_t left = size;
    uint64_t next = address;
    if (cs_disasm_iter(d->cs, &at, &left, &next, d->insn)) {
        print_line(d, address, code, d->insn->size, out);
        fprintf(out, "  %s %s\n", d->insn->mnemonic, d->insn->op_str);
        return d->insn->size;
    }
    size_t n = MIN(size, d->step);
    print_line(d, address, code, n, out);
    fprintf(out, "  (unknown)\n");
    return n;
}
