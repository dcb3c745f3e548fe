// SPDX-License-Identifier: MIT
//
// `-d in_asm` and `-d out_asm`: disassembly by capstone.
#include "accel/tcg/engine.h"

#include <capstone/capstone.h>

static void print_bytes(FILE *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%02x", p[i]);
}

/* Bytes that capstone does not know are printed as data, `step` at a time. */
static void disassemble(FILE *out, cs_arch arch, cs_mode mode, const uint8_t *code, size_t size,
                        uint64_t address, size_t step)
{
    csh cs;
    if (cs_open(arch, mode, &cs) != CS_ERR_OK) {
        fprintf(out, "0x%llx: (no disassembler)\n", (unsigned long long)address);
        return;
    }
    cs_insn *insn = cs_malloc(cs);
    while (size) {
        if (insn && cs_disasm_iter(cs, &code, &size, &address, insn)) {
            fprintf(out, "0x%016llx:  ", (unsigned long long)insn->address);
            print_bytes(out, insn->bytes, insn->size);
            fprintf(out, "  %s %s\n", insn->mnemonic, insn->op_str);
            continue;
        }
        size_t n = size < step ? size : step;
        fprintf(out, "0x%016llx:  ", (unsigned long long)address);
        print_bytes(out, code, n);
        fprintf(out, "  (unknown)\n");
        code += n;
        size -= n;
        address += n;
    }
    if (insn)
        cs_free(insn, 1);
    cs_close(&cs);
}

void engine_log_guest(TcgEngine *e, const IrUnit *u, const uint8_t *code)
{
    FILE *out = log_begin(e->log);
    fprintf(out, "----------------\nIN:\n");
    disassemble(out, e->ops->capstone_arch, e->ops->capstone_mode, code, u->guest_bytes,
                u->guest_pc, 1u << e->ops->insn_align_log2);
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
        disassemble(out, CS_ARCH_X86, CS_MODE_64, bytes, len, (uintptr_t)bytes, 1);
    fprintf(out, "\n");
    log_end(e->log);
}
