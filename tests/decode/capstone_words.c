// SPDX-License-Identifier: MIT
// Disassembles A64 words with capstone, the second opinion of the decoder tests.
// Reads little-endian 32-bit words from standard input; prints one line a word: mnemonic,
// tab, operands; or "-" where capstone knows no instruction.
#include <capstone/capstone.h>
#include <stdint.h>
#include <stdio.h>

int main(void)
{
    csh handle;
    uint8_t word[4];

    if (cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &handle) != CS_ERR_OK) {
        fprintf(stderr, "capstone has no ARM64 support\n");
        return 1;
    }
    while (fread(word, sizeof(word), 1, stdin) == 1) {
        cs_insn *insn;
        size_t n = cs_disasm(handle, word, sizeof(word), 0, 1, &insn);
        if (n == 1) {
            printf("%s\t%s\n", insn->mnemonic, insn->op_str);
            cs_free(insn, n);
        } else {
            printf("-\n");
        }
    }
    cs_close(&handle);
    return 0;
}
