// SPDX-License-Identifier: MIT
//
// Runs a fuzzer over kept inputs, without libFuzzer: "fuzz_NAME FILE|FOLDER...". The inputs are
// those that once crashed something, and the smallest ones that reach what others do not.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "tests/fuzz/fuzz.h"

static unsigned run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t size = 0, n;
    fuzz_must(f, path, NULL);
    do {
        bytes = realloc(bytes, size + 4096);
        fuzz_must(bytes, "realloc", NULL);
        n = fread(bytes + size, 1, 4096, f);
        size += n;
    } while (n);
    fclose(f);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 1;
}

static unsigned run_path(const char *path)
{
    struct stat st;
    struct dirent **names;
    unsigned count = 0;
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return run_file(path);
    int n = scandir(path, &names, NULL, alphasort);
    fuzz_must(n >= 0, path, NULL);
    for (int i = 0; i < n; i++) {
        char inner[4096];
        snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            count += run_file(inner);
        free(names[i]);
    }
    free(names);
    return count;
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    unsigned count = 1;
    LLVMFuzzerTestOneInput(nothing, 0);
    for (int i = 1; i < argc; i++)
        count += run_path(argv[i]);
    printf("%u passed, 0 failed\n", count);
    return 0;
}
