// SPDX-License-Identifier: MIT
//
// A file, changed through a shared mapping: reverses the bytes of the file that is its argument,
// and checks that read() sees that.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct stat st;
    int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
    if (fd < 0 || fstat(fd, &st) < 0) {
        perror("mapping");
        return 1;
    }
    char *p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (off_t i = 0, j = st.st_size - 1; i < j; i++, j--) {
        char c = p[i];
        p[i] = p[j];
        p[j] = c;
    }
    char last = p[st.st_size - 1], read_back;
    if (msync(p, (size_t)st.st_size, MS_SYNC) < 0 || munmap(p, (size_t)st.st_size) < 0 ||
        pread(fd, &read_back, 1, st.st_size - 1) != 1 || read_back != last) {
        perror("mapping");
        return 1;
    }
    return close(fd) < 0;
}
