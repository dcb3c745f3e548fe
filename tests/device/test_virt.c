// SPDX-License-Identifier: MIT
//
// The virt board: where things are, what the device tree says of them, how kernels are loaded and
// refused, and PSCI. CPUs are stubs; nothing is executed.
#include <criterion/criterion.h>
#include <elf.h>
#include <libfdt.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "hw/arm/psci.h"
#include "hw/arm/virt.h"
#include "target/arm/cpu.h"
#include "util/bitops.h"

#define RAM_BASE UINT64_C(0x40000000)

typedef struct Rig {
    Log *log;
    Machine *m;
    char files[8][40]; /* made for the test */
    unsigned file_count;
} Rig;

static void rig_open(Rig *r)
{
    Error *err = NULL;
    *r = (Rig){ .log = log_create() };
    r->m = machine_create(r->log, &err);
    cr_assert(r->m && machine_select_board(r->m, &virt_board_type, &err));
}

static void rig_close(Rig *r)
{
    machine_destroy(r->m);
    log_destroy(r->log);
    for (unsigned i = 0; i < r->file_count; i++)
        unlink(r->files[i]);
}

/* A temporary file of these bytes. */
static const char *file_of(Rig *r, const void *bytes, size_t size)
{
    char *path = r->files[r->file_count++];
    strcpy(path, "/tmp/virt-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    return path;
}

/* An arm64 Image of 4096 bytes that wants 64 KiB of memory. */
static const uint8_t *small_image(void)
{
    static const struct {
        uint32_t code[2];
        uint64_t text_offset, image_size, flags, reserved[3];
        char magic[4];
        uint8_t rest[4096 - 60];
    } image = { .code = { 0x14000000 }, .image_size = 65536, .flags = 0xa, .magic = "ARM\x64" };
    return (const uint8_t *)&image;
}

static void build(Rig *r)
{
    Error *err = NULL;
    cr_assert(machine_build(r->m, &err), "%s", err ? error_text(err) : "");
    machine_reset(r->m);
}

static void expect_refused(Rig *r, const char *pattern)
{
    Error *err = NULL;
    regex_t re;
    cr_assert(regcomp(&re, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0);
    cr_expect_not(machine_build(r->m, &err));
    cr_expect(err && regexec(&re, error_text(err), 0, NULL, 0) == 0,
              "'%s' should match '%s'", err ? error_text(err) : "", pattern);
    regfree(&re);
    error_free(err);
}

/* The device tree as the guest finds it. */
static const void *guest_fdt(Rig *r)
{
    Hwaddr at = arm_cpu(r->m->cpus[0])->regs.x[0];
    const void *fdt = memory_host(&r->m->memory, at, 64, false);
    cr_assert(fdt && fdt_check_header(fdt) == 0);
    fdt = memory_host(&r->m->memory, at, fdt_totalsize(fdt), false);
    cr_assert(fdt && fdt_check_full(fdt, fdt_totalsize(fdt)) == 0);
    return fdt;
}

static uint32_t cell(const void *fdt, const char *path, const char *property, unsigned n)
{
    int len, node = fdt_path_offset(fdt, path);
    const fdt32_t *cells = fdt_getprop(fdt, node, property, &len);
    cr_assert(node >= 0 && cells && len >= (int)(4 * (n + 1)), "%s %s", path, property);
    return fdt32_to_cpu(cells[n]);
}

static const char *string(const void *fdt, const char *path, const char *property)
{
    const char *s = fdt_getprop(fdt, fdt_path_offset(fdt, path), property, NULL);
    cr_assert(s, "%s %s", path, property);
    return s;
}

static uint64_t u64(const void *fdt, const char *path, const char *property, unsigned n)
{
    return (uint64_t)cell(fdt, path, property, 2 * n) << 32 | cell(fdt, path, property, 2 * n + 1);
}

/* ---- device tree ------------------------------------------------------------------------ */

Test(virt, device_tree_says_what_the_board_has)
{
    Rig r;
    rig_open(&r);
    MachineConfig *c = &r.m->config;
    c->cpus = 4;
    c->ram_bytes = UINT64_C(5) << 30;
    c->kernel = file_of(&r, small_image(), 4096);
    c->append = "console=ttyAMA0 quiet";
    build(&r);
    const void *fdt = guest_fdt(&r);
    cr_expect_str_eq(string(fdt, "/", "compatible"), "linux,dummy-virt");
    cr_expect_str_eq(string(fdt, "/chosen", "bootargs"), "console=ttyAMA0 quiet");
    cr_expect_str_eq(string(fdt, "/chosen", "stdout-path"), "/pl011@9000000");
    cr_expect_eq(u64(fdt, "/memory@40000000", "reg", 0), RAM_BASE);
    cr_expect_eq(u64(fdt, "/memory@40000000", "reg", 1), UINT64_C(5) << 30);
    cr_expect_eq(cell(fdt, "/cpus/cpu@3", "reg", 0), 3);
    cr_expect_str_eq(string(fdt, "/cpus/cpu@3", "enable-method"), "psci");
    cr_expect_lt(fdt_path_offset(fdt, "/cpus/cpu@4"), 0);
    cr_expect_eq(cell(fdt, "/cpus/cpu-map/socket0/cluster0/core2", "cpu", 0),
                 fdt_get_phandle(fdt, fdt_path_offset(fdt, "/cpus/cpu@2")));
    cr_expect_str_eq(string(fdt, "/psci", "method"), "hvc");
    cr_expect_eq(cell(fdt, "/psci", "cpu_on", 0), 0xc4000003);
    cr_expect_eq(cell(fdt, "/timer", "interrupts", 7), 11, "virtual timer is PPI 11");
    cr_expect_eq(cell(fdt, "/timer", "interrupts", 8), 0xf04);
    cr_expect_eq(u64(fdt, "/intc@8000000", "reg", 0), 0x08000000);
    cr_expect_eq(u64(fdt, "/intc@8000000", "reg", 2), 0x08010000);
    cr_expect_eq(cell(fdt, "/pl011@9000000", "interrupts", 1), 1);
    cr_expect_eq(cell(fdt, "/pl031@9010000", "interrupts", 1), 2);
    cr_expect_eq(cell(fdt, "/pl061@9030000", "interrupts", 1), 7);
    cr_expect_eq(cell(fdt, "/gpio-keys/poweroff", "gpios", 1), 3);
    cr_expect_eq(cell(fdt, "/", "interrupt-parent", 0),
                 fdt_get_phandle(fdt, fdt_path_offset(fdt, "/intc@8000000")));
    rig_close(&r);
}

Test(virt, seeds_are_new_at_every_boot)
{
    Rig r;
    int len;
    rig_open(&r);
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    uint64_t first = u64(guest_fdt(&r), "/chosen", "kaslr-seed", 0);
    machine_reset(r.m);
    const void *fdt = guest_fdt(&r);
    cr_expect_neq(u64(fdt, "/chosen", "kaslr-seed", 0), first);
    cr_expect(fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "rng-seed", &len) && len == 32);
    rig_close(&r);
}

Test(virt, transports_stand_in_the_order_in_which_they_are_filled)
{
    Rig r;
    rig_open(&r);
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    const void *fdt = guest_fdt(&r);
    int node = -1, count = 0;
    uint64_t last = UINT64_MAX;
    while ((node = fdt_node_offset_by_compatible(fdt, node, "virtio,mmio")) >= 0) {
        const fdt32_t *reg = fdt_getprop(fdt, node, "reg", NULL);
        uint64_t base = fdt32_to_cpu(reg[1]);
        const fdt32_t *irq = fdt_getprop(fdt, node, "interrupts", NULL);
        cr_expect_lt(base, last);
        cr_expect_eq(fdt32_to_cpu(irq[1]), 16 + (base - 0x0a000000) / 0x200);
        last = base;
        count++;
    }
    cr_expect_eq(count, device_type_find("virtio-mmio") ? 32 : 0);
    rig_close(&r);
}

Test(virt, takes_a_device_tree_of_the_user_and_completes_it)
{
    Rig r;
    char fdt[4096];
    rig_open(&r);
    cr_assert(fdt_create_empty_tree(fdt, sizeof(fdt)) == 0);
    fdt_setprop_u32(fdt, 0, "#address-cells", 2);
    fdt_setprop_u32(fdt, 0, "#size-cells", 2);
    fdt_setprop_string(fdt, 0, "model", "mine");
    int node = fdt_add_subnode(fdt, 0, "memory@0");
    fdt_setprop_string(fdt, node, "device_type", "memory");
    fdt_setprop_u64(fdt, node, "reg", 1);
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    r.m->config.dtb = file_of(&r, fdt, fdt_totalsize(fdt));
    r.m->config.append = "hello";
    build(&r);
    const void *seen = guest_fdt(&r);
    cr_expect_str_eq(string(seen, "/", "model"), "mine");
    cr_expect_str_eq(string(seen, "/chosen", "bootargs"), "hello");
    cr_expect_lt(fdt_path_offset(seen, "/memory@0"), 0);
    cr_expect_eq(u64(seen, "/memory@40000000", "reg", 1), r.m->config.ram_bytes);
    rig_close(&r);
}

/* ---- loading ---------------------------------------------------------------------------- */

Test(virt, image_initrd_and_tree_have_their_places)
{
    Rig r;
    static uint8_t initrd[5000] = "not an archive";
    rig_open(&r);
    MachineConfig *c = &r.m->config;
    c->kernel = file_of(&r, small_image(), 4096);
    c->initrd = file_of(&r, initrd, sizeof(initrd));
    c->ram_bytes = UINT64_C(1) << 30;
    build(&r);
    const ArmCpu *cpu = arm_cpu(r.m->cpus[0]);
    cr_expect_eq(cpu->regs.pc, RAM_BASE + (2 << 20));
    const void *fdt = guest_fdt(&r);
    cr_expect_eq(u64(fdt, "/chosen", "linux,initrd-start", 0), RAM_BASE + (128 << 20));
    cr_expect_eq(u64(fdt, "/chosen", "linux,initrd-end", 0), RAM_BASE + (128 << 20) + 5000);
    cr_expect_eq(cpu->regs.x[0], RAM_BASE + (130 << 20));
    cr_expect_eq(memcmp(memory_host(&r.m->memory, cpu->regs.pc, 4096, false), small_image(), 4096),
                 0);
    rig_close(&r);
}

Test(virt, reset_restores_what_the_guest_wrote_over)
{
    Rig r;
    rig_open(&r);
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    uint64_t value = 0;
    cr_assert(memory_store(&r.m->memory, RAM_BASE + (2 << 20), 8, ~UINT64_C(0)) == MEM_OK);
    cr_assert(memory_store(&r.m->memory, RAM_BASE + (2 << 20) + 60000, 8, 5) == MEM_OK);
    machine_reset(r.m);
    memory_load(&r.m->memory, RAM_BASE + (2 << 20), 8, &value);
    cr_expect_eq(value, 0x14000000);
    memory_load(&r.m->memory, RAM_BASE + (2 << 20) + 60000, 8, &value);
    cr_expect_eq(value, 0, "memory behind the file is cleared too");
    rig_close(&r);
}

static size_t make_elf(uint8_t *out, uint16_t machine, uint64_t paddr)
{
    Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                     .e_type = ET_EXEC, .e_machine = machine, .e_version = 1,
                     .e_entry = UINT64_C(0xffff000000000010), .e_phoff = sizeof(h),
                     .e_ehsize = sizeof(h), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
    Elf64_Phdr p = { .p_type = PT_LOAD, .p_offset = 256, .p_vaddr = UINT64_C(0xffff000000000000),
                     .p_paddr = paddr, .p_filesz = 256, .p_memsz = 1024 };
    memset(out, 0, 512);
    memcpy(out, &h, sizeof(h));
    memcpy(out + sizeof(h), &p, sizeof(p));
    strcpy((char *)out + 256, "code");
    return 512;
}

Test(virt, elf_goes_to_its_physical_addresses)
{
    Rig r;
    uint8_t elf[512];
    rig_open(&r);
    r.m->config.kernel = file_of(&r, elf, make_elf(elf, EM_AARCH64, 0x40100000));
    build(&r);
    const ArmCpu *cpu = arm_cpu(r.m->cpus[0]);
    cr_expect_eq(cpu->regs.pc, 0x40100010, "the entry, physically");
    cr_expect_eq(cpu->regs.x[0], RAM_BASE, "the tree is below it");
    cr_expect_str_eq(memory_host(&r.m->memory, 0x40100000, 5, false), "code");
    rig_close(&r);
}

Test(virt, gzip_is_unpacked)
{
    Rig r;
    uint8_t packed[8192];
    z_stream z = { .next_in = (Bytef *)small_image(), .avail_in = 4096, .next_out = packed,
                   .avail_out = sizeof(packed) };
    cr_assert(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    cr_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    size_t size = sizeof(packed) - z.avail_out;
    deflateEnd(&z);
    rig_open(&r);
    r.m->config.kernel = file_of(&r, packed, size);
    build(&r);
    cr_expect_eq(arm_cpu(r.m->cpus[0])->regs.pc, RAM_BASE + (2 << 20));
    rig_close(&r);
    rig_open(&r);
    r.m->config.kernel = file_of(&r, packed, size - 10);
    expect_refused(&r, "truncated");
    rig_close(&r);
}

/* ---- refusals --------------------------------------------------------------------------- */

static void expect_kernel_refused(const void *bytes, size_t size, const char *pattern)
{
    Rig r;
    rig_open(&r);
    r.m->config.kernel = file_of(&r, bytes, size);
    expect_refused(&r, pattern);
    rig_close(&r);
}

Test(virt, kernels_of_others_are_called_by_name)
{
    static const struct {
        uint32_t offset;
        const char *bytes;
        unsigned length;
        const char *pattern;
    } rows[] = {
        { 0x202, "HdrS", 4, "not an arm64 kernel but an x86 Linux kernel" },
        { 0x24, "\x18\x28\x6f\x01", 4, "32-bit Arm.*zImage" },
        { 0x30, "RISCV\0\0\0RSC\x05", 12, "RISC-V" },
        { 0, "\x27\x05\x19\x56", 4, "uImage" },
        { 0, "\xfd" "7zXZ", 5, "xz.*decompress" },
        { 0x438, "\x53\xef", 2, "ext2/3/4.*-drive" },
        { 0, "\x01\x02\x03", 3, "no format that is known" },
    };
    uint8_t bytes[4096];
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes + rows[i].offset, rows[i].bytes, rows[i].length);
        expect_kernel_refused(bytes, sizeof(bytes), rows[i].pattern);
    }
    expect_kernel_refused("just words\n", 11, "a text file");
    expect_kernel_refused("MZ@\xfa", 4, "truncated");
    expect_kernel_refused("", 0, "is empty");
    expect_kernel_refused(bytes, make_elf(bytes, 62, 0x40100000), "ELF file for x86-64");
    expect_kernel_refused(bytes, make_elf(bytes, 243, 0x40100000), "ELF file for RISC-V");
    expect_kernel_refused(bytes, make_elf(bytes, EM_AARCH64, 0x1000), "another machine");
    make_elf(bytes, EM_AARCH64, 0x40100000);
    expect_kernel_refused(bytes, 300, "truncated ELF");
}

Test(virt, more_than_the_board_holds)
{
    Rig r;
    rig_open(&r);
    r.m->config.cpus = 9;
    expect_refused(&r, "at most 8 CPUs.*-smp 8.*gic-version=3");
    rig_close(&r);
    rig_open(&r);
    Error *err = NULL;
    cr_assert(machine_set(r.m, "gic-version", "3", &err));
    r.m->config.cpus = 65;
    expect_refused(&r, "at most 64 CPUs.*-smp 64");
    rig_close(&r);
    rig_open(&r);
    r.m->config.ram_bytes = (UINT64_C(255) << 30) + 4096;
    expect_refused(&r, "at most 261120 MiB.*-m");
    rig_close(&r);
    rig_open(&r);
    r.m->config.ram_bytes = UINT64_C(1) << 20;
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    expect_refused(&r, "-m");
    rig_close(&r);
    rig_open(&r);
    r.m->config.append = "x";
    expect_refused(&r, "-append.*-kernel");
    rig_close(&r);
    rig_open(&r);
    r.m->config.firmware = "x";
    expect_refused(&r, "firmware");
    rig_close(&r);
    rig_open(&r);
    r.m->config.kernel = "/nowhere/at/all";
    expect_refused(&r, "nowhere.*no such file");
    rig_close(&r);
}

Test(virt, refuses_properties_it_has_not)
{
    static const struct {
        const char *name, *value, *pattern;
    } rows[] = { { "gic-version", "7", "7.*gic-version=2.*gic-version=3" },
                 { "virtualization", "on", "virtualization" },
                 { "secure", "on", "secure" } };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        Rig r;
        rig_open(&r);
        Error *err = NULL;
        cr_assert(machine_set(r.m, rows[i].name, rows[i].value, &err));
        expect_refused(&r, rows[i].pattern);
        rig_close(&r);
    }
}

/* ---- PSCI ------------------------------------------------------------------------------- */

static int64_t call(Rig *r, unsigned cpu, uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    ArmCpu *arm = arm_cpu(r->m->cpus[cpu]);
    arm->regs.x[0] = function;
    arm->regs.x[1] = a;
    arm->regs.x[2] = b;
    arm->regs.x[3] = c;
    cr_assert(arm->hvc(arm, arm->conduit_opaque));
    return (int64_t)arm->regs.x[0];
}

Test(psci, switches_cpus_on_and_off)
{
    Rig r;
    rig_open(&r);
    r.m->config.cpus = 2;
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    VCPU *second = r.m->cpus[1];
    cr_expect(!r.m->cpus[0]->powered_off && second->powered_off);
    cr_expect_eq(call(&r, 0, 0x84000000, 0, 0, 0), 0x10001);
    cr_expect_eq(call(&r, 0, 0xc4000004, 1, 0, 0), 1, "AFFINITY_INFO: off");
    cr_expect_eq(call(&r, 0, 0xc4000003, 5, 0x40200000, 0), -2, "no such CPU");
    cr_expect_eq(call(&r, 0, 0xc4000003, 1, 0x40200001, 0), -9, "no such address");
    cr_expect_eq(call(&r, 0, 0xc4000003, 1, 0x40200000, 77), 0);
    cr_expect_not(second->powered_off);
    cr_expect_eq(arm_cpu(second)->regs.pc, 0x40200000);
    cr_expect_eq(arm_cpu(second)->regs.x[0], 77);
    cr_expect_eq(call(&r, 0, 0xc4000003, 1, 0x40200000, 77), -4, "already on");
    cr_expect_eq(call(&r, 0, 0x84000004, 1, 0, 0), 0, "AFFINITY_INFO: on");
    call(&r, 1, 0x84000002, 0, 0, 0);
    cr_expect(second->powered_off);
    cr_expect_eq(call(&r, 0, 0xc4000004, 1, 0, 0), 1);
    rig_close(&r);
}

/* Affinities: 0.0 to 0.15 and, all of them off, 1.0 to 1.3. */
Test(psci, knows_affinities_of_every_level)
{
    static const struct {
        uint64_t target, level;
        int64_t wanted;
    } rows[] = {
        { 0, 0, 0 }, { 1, 0, 1 }, { 0x103, 0, 1 }, { 0x104, 0, -2 }, { 0x10, 0, -2 },
        { 0, 1, 0 }, { 0x0f, 1, 0 }, { 0x100, 1, 1 }, { 0x1ff, 1, 1 }, { 0x200, 1, -2 },
        { 0x1234, 2, 0 }, { 0x10000, 2, -2 }, { 0xffffff, 3, 0 }, { UINT64_C(1) << 32, 3, -2 },
        { 0, 4, -2 }, { UINT64_C(1) << 31, 0, -2 }, { UINT64_C(1) << 40, 1, -2 },
    };
    Rig r;
    rig_open(&r);
    Error *err = NULL;
    cr_assert(machine_set(r.m, "gic-version", "3", &err));
    r.m->config.cpus = 20;
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        cr_expect_eq(call(&r, 0, 0xc4000004, rows[i].target, rows[i].level, 0), rows[i].wanted,
                     "row %u", i);
    cr_expect_eq(call(&r, 0, 0xc4000003, 0x80000001, 0x40200000, 0), -2, "reserved bits");
    cr_expect_eq(call(&r, 0, 0xc4000003, 0x102, 0x40200000, 0), 0);
    cr_expect_eq(call(&r, 0, 0xc4000004, 0x100, 1, 0), 0, "one of them is on");
    rig_close(&r);
}

Test(psci, asks_for_power_off_and_reset)
{
    Rig r;
    rig_open(&r);
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    call(&r, 0, 0x84000008, 0, 0, 0);
    cr_expect_eq(atomic_exchange(&r.m->run.requests, 0), RUN_REQUEST_SHUTDOWN);
    cr_expect(r.m->cpus[0]->powered_off, "runs no further");
    machine_reset(r.m);
    cr_expect_not(r.m->cpus[0]->powered_off);
    call(&r, 0, 0x84000009, 0, 0, 0);
    cr_expect_eq(atomic_exchange(&r.m->run.requests, 0), RUN_REQUEST_RESET);
    call(&r, 0, 0xc4000012, 0, 0, 0);
    cr_expect_eq(atomic_exchange(&r.m->run.requests, 0), RUN_REQUEST_RESET);
    cr_expect_eq(call(&r, 0, 0xc4000012, 1u << 31, 0, 0), -2);
    rig_close(&r);
}

Test(psci, knows_what_it_can_do)
{
    Rig r;
    rig_open(&r);
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    cr_expect_eq(call(&r, 0, 0x8400000a, 0xc4000003, 0, 0), 0);
    cr_expect_eq(call(&r, 0, 0x8400000a, 0x8400000a, 0, 0), 0);
    cr_expect_eq(call(&r, 0, 0x8400000a, 0x80000000, 0, 0), -1, "SMCCC_VERSION");
    cr_expect_eq(call(&r, 0, 0x80000000, 0, 0, 0), -1);
    cr_expect_eq(call(&r, 0, 0x84000006, 0, 0, 0), 2, "no trusted OS");
    cr_expect_eq(call(&r, 0, 0xc4000005, 0, 0, 0), -1, "MIGRATE");
    cr_expect_eq(call(&r, 0, 0xdeadbeef, 0, 0, 0), -1);
    rig_close(&r);
}

/* ---- wiring ----------------------------------------------------------------------------- */

Test(virt, lines_reach_the_cpus)
{
    Rig r;
    rig_open(&r);
    r.m->config.cpus = 2;
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    MemorySpace *s = &r.m->memory;
    memory_store(s, 0x08000000, 4, 1);           /* GICD_CTLR */
    memory_store(s, 0x08000100, 4, 1u << 27);    /* virtual timer of CPU 0 */
    memory_store(s, 0x08000104, 4, 1u << 7);     /* SPI 7 */
    memory_store(s, 0x08000827, 1, 2);           /* to CPU 1 */
    memory_store(s, 0x08010004, 4, 0xff);
    memory_store(s, 0x08010000, 4, 1);
    ArmCpu *cpu0 = arm_cpu(r.m->cpus[0]), *cpu1 = arm_cpu(r.m->cpus[1]);
    irq_set(&cpu0->timers[ARM_TIMER_VIRT].out, true);
    cr_expect_eq(atomic_load(&cpu0->irq_levels), 1u << ARM_IRQ);
    cr_expect_eq(atomic_load(&cpu1->irq_levels), 0);
    irq_set(&cpu0->timers[ARM_TIMER_VIRT].out, false);
    cr_expect_eq(atomic_load(&cpu0->irq_levels), 0);
    /* the power button raises pin 3, which the GPIO controller reports */
    memory_store(s, 0x09030000 + 0x40c, 4, 8);
    memory_store(s, 0x09030000 + 0x410, 4, 8);
    r.m->board->powerdown(r.m);
    uint64_t pending = 0, pins = 0;
    memory_load(s, 0x08000204, 4, &pending);
    memory_load(s, 0x09030000 + 0x3fc, 4, &pins);
    cr_expect_eq(pending, 1u << 7);
    cr_expect_eq(pins, 8);
    rig_close(&r);
}

Test(virt, gicv3_serves_64_cpus)
{
    Rig r;
    rig_open(&r);
    Error *err = NULL;
    cr_assert(machine_set(r.m, "gic-version", "max", &err));
    r.m->config.cpus = 64;
    r.m->config.kernel = file_of(&r, small_image(), 4096);
    build(&r);
    const void *fdt = guest_fdt(&r);
    cr_expect_str_eq(string(fdt, "/intc@8000000", "compatible"), "arm,gic-v3");
    cr_expect_eq(cell(fdt, "/intc@8000000", "#interrupt-cells", 0), 3);
    cr_expect_eq(cell(fdt, "/intc@8000000", "#redistributor-regions", 0), 1);
    static const uint32_t reg[] = { 0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0xf60000 };
    for (unsigned i = 0; i < ARRAY_SIZE(reg); i++)
        cr_expect_eq(cell(fdt, "/intc@8000000", "reg", i), reg[i]);
    cr_expect_eq(cell(fdt, "/timer", "interrupts", 2), 4, "no mask of CPUs");
    cr_expect_eq(cell(fdt, "/cpus/cpu@30f", "reg", 0), 0x30f, "16 CPUs in a cluster");
    MemorySpace *s = &r.m->memory;
    Hwaddr last = 0x080a0000 + 63 * 0x20000;
    uint64_t typer = 0;
    memory_load(s, last + 8, 8, &typer);
    cr_expect_eq(typer, UINT64_C(0x30f) << 32 | 63 << 8 | 1 << 4);
    memory_store(s, 0x08000000, 4, 2);               /* GICD_CTLR */
    memory_store(s, last + 0x14, 4, 0);              /* GICR_WAKER */
    memory_store(s, last + 0x10080, 4, ~0u);         /* group 1 */
    memory_store(s, last + 0x10100, 4, 1u << 27);    /* virtual timer */
    memory_store(s, 0x08000084, 4, 1u << 7);         /* SPI 7: group 1, enabled, to CPU 63 */
    memory_store(s, 0x08000104, 4, 1u << 7);
    memory_store(s, 0x08006000 + 8 * 39, 8, 0x30f);
    ArmCpu *cpu = arm_cpu(r.m->cpus[63]);
    cpu->gic->write(cpu->gic_opaque, 0xc230, 0xff);  /* ICC_PMR_EL1 */
    cpu->gic->write(cpu->gic_opaque, 0xc667, 1);     /* ICC_IGRPEN1_EL1 */
    irq_set(&cpu->timers[ARM_TIMER_VIRT].out, true);
    cr_expect_eq(atomic_load(&cpu->irq_levels), 1u << ARM_IRQ);
    cr_expect_eq(cpu->gic->read(cpu->gic_opaque, 0xc660), 27); /* ICC_IAR1_EL1 */
    cpu->gic->write(cpu->gic_opaque, 0xc661, 27);    /* ICC_EOIR1_EL1 */
    irq_set(&cpu->timers[ARM_TIMER_VIRT].out, false);
    cr_expect_eq(atomic_load(&cpu->irq_levels), 0);
    memory_store(s, 0x09030000 + 0x40c, 4, 8);
    memory_store(s, 0x09030000 + 0x410, 4, 8);
    r.m->board->powerdown(r.m);
    cr_expect_eq(atomic_load(&cpu->irq_levels), 1u << ARM_IRQ);
    cr_expect_eq(cpu->gic->read(cpu->gic_opaque, 0xc660), 39);
    rig_close(&r);
}
