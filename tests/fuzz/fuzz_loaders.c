// SPDX-License-Identifier: MIT
//
// Files that the user names: a kernel (Image, gzip, zboot, ELF), an initrd, a disk whose format is
// guessed. The first byte says which of them the rest is.
#include "block/block.h"
#include "tests/fuzz/fuzz.h"

static void open_disk(const char *path)
{
    Error *err = NULL;
    const BlockOptions options = { .id = "d", .file = path, .locking = true, .snapshot = true };
    BlockBackend *b = block_open(&options, &err);
    if (b)
        block_close(b);
    error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzFile f;
    FuzzBoard options = { 0 };
    if (!size)
        return 0;
    fuzz_file_open(&f, data + 1, size - 1);
    if (*data % 4 == 0) {
        open_disk(f.path);
    } else {
        if (*data % 4 == 1)
            options.initrd = f.path;
        else
            options.kernel = f.path;
        machine_destroy(fuzz_board_create(&options));
    }
    fuzz_file_close(&f);
    return 0;
}
