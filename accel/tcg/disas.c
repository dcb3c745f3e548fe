// SPDX-License-Identifier: MIT
//
// `-d in_asm` and `-d out_asm`: the code of a unit before and after translation.
#include "accel/tcg/engine.h"

#include <capstone/capstone.h>
#include "util/disas.h"

static void disassemble(FILE *out, int arch, int mode, size_t step, const uint8_t *code,
                        size_t size, uint64_t address)
{
    Disas *d = disas_open(arch, mode, step);
    if (!d)
        fprintf(out, "0x%llx: (no disassembler)\n", (unsigned long long)address);
    for (size_t n; d && size; code += n, size -= n, address += n)
        n = disas_print(d, code, size, address, out);
    disas_close(d);
}

void engine_log_guest(TcgEngine *e, const IrUnit *u, const uint8_t *code)
{
    char name[128];
    engine_describe(e, u->guest_pc, name, sizeof(name));
    FILE *out = log_begin(e->log);
    fprintf(out, "----------------\nIN: %s\n", name);
    disassemble(out, e->ops->capstone_arch, e->ops->capstone_mode, 1u << e->ops->insn_align_log2,
                code, u->guest_bytes, u->guest_pc);
    fprintf(out, "\n");
    log_end(e->log);
}

void engine_log_host(TcgEngine *e, const TcgCode *code)
{
    size_t len;
    const uint8_t *bytes = tcg_code_bytes(code, &len);
    FILE *out = log_begin(e->log);
    fprintf(out, "OUT: [size=%zu]\n", len);
    if (bytes)
        disassemble(out, CS_ARCH_X86, CS_MODE_64, 1, bytes, len, (uintptr_t)bytes);
    fprintf(out, "\n");
    log_end(e->log);
}
