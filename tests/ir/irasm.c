// SPDX-License-Identifier: MIT
//
// The machine code that a program in text form becomes, for people: `irasm [--raw] FILE` prints
// the program after the optimiser (--raw: as it is) and its disassembly, code out of line apart, with
// the number of host instructions in the main path.
#include <assert.h>
#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tcg/internal.h"
#include "tests/ir/rig.h"

/* As large as the real ones, so that displacements are. */
static const TcgLayout layout = {
    .env_bank = offsetof(RigEnv, bank), .env_bank_unpriv = offsetof(RigEnv, bank_unpriv),
    .env_exit_request = offsetof(RigEnv, exit_request), .env_pc = offsetof(RigEnv, pc),
    .page_bits = 12, .tlb_bits = 9, .entry_bits = 5, .tag_read = 0, .tag_write = 8, .addend = 16,
    .jump_offset = 512 * 32, .jump_bits = 12, .pc_shift = 2,
    .code_page_offset = 512 * 32 + 4096 * 16, .code_page_bits = 9,
};

static unsigned disassemble(const uint8_t *code, size_t size, uint64_t address)
{
    csh cs;
    unsigned count = 0;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK) {
        return 0;
    }
    cs_insn *insn = cs_malloc(cs);
    while (size && cs_disasm_iter(cs, &code, &size, &address, insn)) {
        printf("  %" PRIx64 "  %s %s\n", insn->address & 0xffffff, insn->mnemonic, insn->op_str);
        count++;
    }
    cs_free(insn, 1);
    cs_close(&cs);
    return count;
}

int main(int argc, char **argv)
{
    static char text[1 << 20];
    bool raw = argc > 1 && !strcmp(argv[1], "--raw");
    const char *name = argc > 1 + raw ? argv[1 + raw] : "-";
    FILE *f = strcmp(name, "-") ? fopen(name, "r") : stdin;
    if (!f) {
        perror(name);
        return 1;
    }
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    Error *err = NULL;
    TcgConfig config = { .layout = layout, .globals = &rig_globals, .buffer_bytes = 1 << 20 };
    TcgContext *ctx = tcg_context_create(&config, &err);
    IrUnit *u = ir_unit_create(&rig_globals);
    if (!ctx || !u || !ir_parse(u, text, rig_helpers, &err) || !ir_verify(u, &err)) {
        fprintf(stderr, "%s\n", err ? error_text(err) : "out of memory");
        return 1;
    }
    if (!raw) {
        tcg_optimise(u, (unsigned)TCG_PASS_ALL);
    }
    ir_print(u, stdout);
    TcgCode *code = tcg_compile(ctx, u);
    assert(code);
    size_t len;
    const uint8_t *bytes = tcg_code_bytes(code, &len);
    unsigned n = disassemble(bytes, code->main_len, (uintptr_t)bytes);
    printf("%u instructions, %zu bytes; out of line:\n", n, code->main_len);
    disassemble(bytes + code->main_len, len - code->main_len, (uintptr_t)bytes + code->main_len);
    tcg_context_destroy(ctx);
    ir_unit_destroy(u);
    return 0;
}
