// SPDX-License-Identifier: MIT
//
// Guest physical memory: what is visible where, and how accesses are cut.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string.h>
#include "softmmu/memory.h"
#include "util/pages.h"

typedef struct Fake {
    uint64_t last_offset, last_value;
    unsigned last_size, reads, writes;
} Fake;

static uint64_t fake_read(void *opaque, Hwaddr offset, unsigned size)
{
    Fake *f = opaque;
    f->reads++;
    f->last_offset = offset;
    f->last_size = size;
    return UINT64_C(0x8877665544332211) >> (8 * (offset & 7));
}

static void fake_write(void *opaque, Hwaddr offset, uint64_t value, unsigned size)
{
    Fake *f = opaque;
    f->writes++;
    f->last_offset = offset;
    f->last_value = value;
    f->last_size = size;
}

static const MemoryOps ops_1_to_4 = { fake_read, fake_write, 1, 4 };
static const MemoryOps ops_4_only = { fake_read, fake_write, 4, 4 };

static MemoryRegion root, ram, device, alias;
static MemorySpace space;
static Fake fake;

static void setup(const MemoryOps *ops)
{
    memset(&fake, 0, sizeof(fake));
    memory_region_init_container(&root, "root", UINT64_C(1) << 40);
    memory_space_init(&space, &root, NULL);
    cr_assert(memory_region_init_ram(&ram, &space, "ram", 0x10000, false, NULL));
    memory_region_init_mmio(&device, "device", 0x1000, ops, &fake, NULL);
    memory_region_init_alias(&alias, "alias", &ram, 0x8000, 0x4000);
    memory_region_add(&root, 0x40000000, &ram, 0);
    memory_region_add(&root, 0x40002000, &device, 1);
    memory_region_add(&root, 0x50000000, &alias, 0);
    cr_assert(memory_space_commit(&space, NULL));
}

static void teardown(void)
{
    memory_region_destroy(&ram);
    memory_space_destroy(&space);
}

Test(memory, higher_priority_wins_and_cuts_the_lower)
{
    setup(&ops_1_to_4);
    cr_assert_eq(memory_find(&space, 0x40001fff)->region, &ram);
    cr_assert_eq(memory_find(&space, 0x40002000)->region, &device);
    const FlatRange *after = memory_find(&space, 0x40003000);
    cr_assert_eq(after->region, &ram);
    cr_assert_eq(after->region_offset, 0x3000);
    cr_assert_null(memory_find(&space, 0x3fffffff));
    cr_assert_null(memory_find(&space, 0x40010000));
    teardown();
}

Test(memory, alias_shows_its_part_of_the_target)
{
    uint64_t v;
    setup(&ops_1_to_4);
    cr_assert_eq(memory_store(&space, 0x50000010, 4, 0xcafe), MEM_OK);
    cr_assert_eq(memory_load(&space, 0x40008010, 4, &v), MEM_OK);
    cr_assert_eq(v, 0xcafe);
    cr_assert_null(memory_find(&space, 0x50004000));
    teardown();
}

Test(memory, wide_accesses_are_split_to_what_the_device_takes)
{
    uint64_t v;
    setup(&ops_1_to_4);
    cr_assert_eq(memory_load(&space, 0x40002000, 8, &v), MEM_OK);
    cr_assert_eq(fake.reads, 2);
    cr_assert_eq(v, UINT64_C(0x8877665544332211));
    teardown();
}

Test(memory, narrow_reads_are_widened_narrow_writes_refused)
{
    uint64_t v;
    setup(&ops_4_only);
    cr_assert_eq(memory_load(&space, 0x40002002, 1, &v), MEM_OK);
    cr_assert_eq(fake.last_size, 4);
    cr_assert_eq(fake.last_offset, 0);
    cr_assert_eq(v, 0x33);
    cr_assert_eq(memory_store(&space, 0x40002002, 1, 1), MEM_BAD_SIZE);
    cr_assert_eq(fake.writes, 0);
    teardown();
}

Test(memory, nothing_there_is_reported)
{
    uint64_t v;
    uint8_t buf[16];
    setup(&ops_1_to_4);
    cr_assert_eq(memory_load(&space, 0x1000, 4, &v), MEM_NOTHING_THERE);
    cr_assert_eq(memory_store(&space, 0x1000, 4, 0), MEM_NOTHING_THERE);
    cr_assert_eq(memory_read(&space, 0x4000fff8, buf, 16), MEM_NOTHING_THERE);
    cr_assert_null(memory_host(&space, 0x40001ffc, 8, false), "spans RAM and a device");
    teardown();
}

Test(memory, copies_cross_regions)
{
    uint8_t in[0x20], out[0x20];
    setup(&ops_1_to_4);
    memset(in, 0xa5, sizeof(in));
    cr_assert_eq(memory_write(&space, 0x40001ff0, in, sizeof(in)), MEM_OK);
    cr_assert_eq(fake.writes, 4, "16 bytes in pieces of the 4 that the device takes");
    cr_assert_eq(memory_read(&space, 0x40001ff0, out, sizeof(out)), MEM_OK);
    cr_assert_arr_eq(in, out, 16);
    teardown();
}

/* ---- where it is on the host ------------------------------------------------------------ */

enum { BYTES = 1 << 20 };

static void expect_mapped(HostRam *r, const HostRamSource *source, bool shared)
{
    Error *err = NULL;
    cr_assert(host_ram_map(r, "ram", BYTES, source, &err), "%s", err ? error_text(err) : "");
    cr_expect_eq(r->shared, shared);
    cr_expect_eq(r->bytes[BYTES - 1], 0);
    r->bytes[BYTES - 1] = 7;
    uint8_t *other = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, r->fd, 0);
    cr_assert_neq(other, MAP_FAILED);
    cr_expect_eq(other[BYTES - 1], shared ? 7 : 0, "as another process sees it");
    munmap(other, BYTES);
    host_ram_unmap(r);
}

Test(host_ram, is_zeros_of_this_process)
{
    const HostRamSource sources[] = { { 0 }, { .prealloc = true } };
    for (unsigned i = 0; i < 2; i++) {
        Error *err = NULL;
        HostRam r;
        cr_assert(host_ram_map(&r, "ram", 5 * BYTES, &sources[i], &err));
        cr_expect_eq(r.fd, -1);
        cr_expect(!r.shared);
        cr_expect_eq((uintptr_t)r.bytes % (2u << 20), 0, "where huge pages can be");
        for (unsigned n = 0; n < 5 * BYTES; n += 4096)
            cr_assert_eq(r.bytes[n], 0);
        memset(r.bytes, 1, 5 * BYTES);
        host_ram_unmap(&r);
    }
}

Test(host_ram, pages_are_there_when_they_were_touched)
{
    unsigned char there[16];
    uint8_t *p = pages_map(sizeof(there) * 4096);
    cr_assert(p);
    pages_touch(p + 4096 + 100, 3 * 4096, true);
    cr_assert_eq(mincore(p, sizeof(there) * 4096, there), 0);
    if (!there[1])
        cr_skip("the host's kernel has no MADV_POPULATE_WRITE");
    for (unsigned n = 0; n < sizeof(there); n++)
        cr_expect_eq(there[n] & 1, n >= 1 && n <= 4, "page %u", n);
    pages_unmap(p, sizeof(there) * 4096);
    cr_expect_not(pages_touch(NULL, 4096, true));
}

Test(host_ram, is_a_file_that_others_can_map)
{
    char folder[] = "/tmp/dragoman-test-XXXXXX", path[64];
    HostRam r;
    struct stat st;
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/ram", folder);
    expect_mapped(&r, &(HostRamSource){ .share = true }, true);
    expect_mapped(&r, &(HostRamSource){ .share = true, .prealloc = true }, true);
    expect_mapped(&r, &(HostRamSource){ .path = folder, .prealloc = true }, true);
    expect_mapped(&r, &(HostRamSource){ .path = path }, false);
    expect_mapped(&r, &(HostRamSource){ .path = path, .prealloc = true }, false);
    expect_mapped(&r, &(HostRamSource){ .path = path, .share = true }, true);
    cr_expect_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_size, BYTES);
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "the unnamed file has gone");
}

Test(host_ram, mistakes_are_named)
{
    static const struct {
        HostRamSource source;
        const char *mention;
    } rows[] = {
        { { .path = "/nowhere/ram" }, "No such file" },
        { { .path = "/dev/null" }, "neither a file nor a folder" },
        { { .huge = true, .huge_bytes = 8192 }, "no huge pages of 8 KiB" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Error *err = NULL;
        HostRam r;
        cr_assert_not(host_ram_map(&r, "ram", BYTES, &rows[i].source, &err), "row %zu", i);
        cr_expect(strstr(error_text(err), rows[i].mention), "%s", error_text(err));
        error_free(err);
    }
}

/* Whether this host has some to spare or none: no half measures. */
Test(host_ram, huge_pages_are_there_or_refused)
{
    const HostRamSource source = { .huge = true };
    Error *err = NULL;
    HostRam r;
    cr_expect_not(host_ram_map(&r, "ram", (2u << 20) + 4096, &source, &err));
    cr_expect(strstr(error_text(err), "huge pages") || strstr(error_text(err), "pages of 2 MiB"),
              "%s", error_text(err));
    error_free(err);
    err = NULL;
    if (host_ram_map(&r, "ram", 2u << 20, &source, &err)) {
        cr_expect_eq(r.page_bytes % (2u << 20), 0);
        r.bytes[0] = 1;
        host_ram_unmap(&r);
    } else {
        cr_expect(strstr(error_text(err), "huge pages"), "%s", error_text(err));
        error_free(err);
    }
}
