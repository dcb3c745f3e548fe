// SPDX-License-Identifier: MIT
//
// Lines typed at the monitor, with their expressions, formats and file names.
#include <stdlib.h>
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session.h"
#include "util/bitops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FuzzSession s;
    char *copy, *lines[16], *text;
    size_t len, count;
    if (!s.session.machine)
        fuzz_session_open(&s);
    count = fuzz_take_lines(data, size, &copy, lines, ARRAY_SIZE(lines));
    for (size_t i = 0; i < count; i++) {
        FILE *out = open_memstream(&text, &len);
        fuzz_must(out, "memory", NULL);
        monitor_run_line(monitor_commands, &s.commands, lines[i], out);
        fclose(out);
        free(text);
    }
    free(copy);
    return 0;
}
