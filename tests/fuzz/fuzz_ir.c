// SPDX-License-Identifier: MIT
//
// The parser of the IR's text form. What it and the verifier accept must print to a text that they
// accept again, survive the optimiser, and compile with both backends.
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/fuzz.h"
#include "tests/ir/rig.h"

static const void *no_code(void *env, Vaddr pc)
{
    return NULL;
}

static void no_access(void *env, TcgSlowAccess *access)
{
}

static void compile(IrUnit *u, bool interpreter)
{
    Error *err = NULL;
    const TcgConfig config = {
        .layout = { .env_bank = offsetof(RigEnv, bank),
                    .env_bank_unpriv = offsetof(RigEnv, bank_unpriv),
                    .env_exit_request = offsetof(RigEnv, exit_request),
                    .env_pc = offsetof(RigEnv, pc), .page_bits = 12, .tlb_bits = 4,
                    .entry_bits = 5, .tag_write = 8, .addend = 16, .jump_offset = 512,
                    .jump_bits = 6, .pc_shift = 2, .code_page_offset = 1536, .code_page_bits = 4 },
        .ops = { .slow_access = no_access, .lookup = no_code },
        .globals = &rig_globals, .buffer_bytes = 1 << 20, .interpreter = interpreter,
    };
    TcgContext *ctx = tcg_context_create(&config, &err);
    fuzz_must(ctx, "the backend", err);
    (void)tcg_compile(ctx, u);
    tcg_context_destroy(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error *err = NULL;
    char *text = malloc(size + 1);
    IrUnit *u = ir_unit_create(&rig_globals);
    fuzz_must(text && u, "memory", NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (ir_parse(u, text, rig_helpers, &err) && ir_verify(u, &err)) {
        char *printed = rig_text(u);
        fuzz_must(ir_parse(u, printed, rig_helpers, &err) && ir_verify(u, &err), printed, err);
        tcg_optimise(u, TCG_PASS_ALL);
        fuzz_must(ir_verify(u, &err), printed, err);
        compile(u, true);
        compile(u, false);
        free(printed);
    }
    error_free(err);
    ir_unit_destroy(u);
    free(text);
    return 0;
}
