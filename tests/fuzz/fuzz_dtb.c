// SPDX-License-Identifier: MIT
//
// The file of -dtb, which is completed for the guest.
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzFile f;
    fuzz_file_open(&f, data, size);
    machine_destroy(fuzz_board_create(&(FuzzBoard){ .dtb = f.path }));
    fuzz_file_close(&f);
    return 0;
}
