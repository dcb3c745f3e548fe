// SPDX-License-Identifier: MIT
//
// What a file is, by its magic numbers, so that a kernel for another machine can be refused by
// name. A row of magics[] is an offset and the bytes there; formats that carry a machine number
// have a function.
#include <string.h>
#include "hw/core/loader.h"
#include "util/bitops.h"

typedef struct MachineName {
    uint16_t machine;
    const char *name;
} MachineName;

static const MachineName elf_machines[] = { /* e_machine of the ELF registry */
    { 2, "SPARC" },        { 3, "x86 (32-bit)" }, { 4, "Motorola 68000" },
    { 8, "MIPS" },         { 15, "PA-RISC" },     { 18, "SPARC" },
    { 20, "PowerPC" },     { 21, "PowerPC (64-bit)" }, { 22, "s390" },
    { 40, "32-bit Arm" },  { 42, "SuperH" },      { 43, "SPARC (64-bit)" },
    { 50, "Itanium" },     { 62, "x86-64" },      { 83, "AVR" },
    { 92, "OpenRISC" },    { 94, "Xtensa" },      { 164, "Hexagon" },
    { 183, "64-bit Arm (AArch64)" }, { 189, "MicroBlaze" }, { 195, "ARC" },
    { 243, "RISC-V" },     { 247, "BPF" },        { 252, "C-SKY" },
    { 258, "LoongArch" },  { 0x9026, "Alpha" },
};

static const MachineName pe_machines[] = { /* Machine of the PE/COFF specification */
    { 0x014c, "x86 (32-bit)" },        { 0x0200, "Itanium" },     { 0x01c0, "32-bit Arm" },
    { 0x01c2, "32-bit Arm" },          { 0x01c4, "32-bit Arm" },  { 0x5032, "RISC-V (32-bit)" },
    { 0x5064, "RISC-V" },              { 0x6232, "LoongArch (32-bit)" },
    { 0x6264, "LoongArch" },           { 0x8664, "x86-64" },      { 0x0ebc, "EFI byte code" },
    { 0xaa64, "64-bit Arm (AArch64)" },
};

static const MachineName uimage_machines[] = { /* ih_arch of U-Boot's image.h */
    { 1, "Alpha" },   { 2, "32-bit Arm" }, { 3, "x86 (32-bit)" }, { 5, "MIPS" },
    { 7, "PowerPC" }, { 10, "SPARC" },     { 22, "64-bit Arm (AArch64)" },
    { 24, "x86-64" }, { 26, "RISC-V" },
};

static const struct {
    uint32_t offset;
    uint8_t length;
    const char *bytes, *description;
} magics[] = {
    { 0x202, 4, "HdrS", "an x86 Linux kernel (bzImage)" },
    { 0x24, 4, "\x18\x28\x6f\x01", "a 32-bit Arm Linux kernel (zImage)" },
    { 0x24, 4, "\x01\x6f\x28\x18", "a big-endian 32-bit Arm Linux kernel (zImage)" },
    { 0x38, 4, "RSC\x05", "a RISC-V Linux kernel (Image)" },
    { 0x30, 5, "RISCV", "a RISC-V Linux kernel (Image)" },
    { 0x38, 4, "ARM\x64", "a 64-bit Arm Linux kernel (Image)" },
    { 0, 4, "\xd0\x0d\xfe\xed", "a device tree or a FIT image" },
    { 0, 8, "ANDROID!", "an Android boot image" },
    { 0, 2, "\x1f\x8b", "a gzip file" },
    { 0, 6, "\xfd" "7zXZ", "an xz file; decompress it first" },
    { 0, 4, "\x28\xb5\x2f\xfd", "a zstd file; decompress it first" },
    { 0, 3, "BZh", "a bzip2 file; decompress it first" },
    { 0, 4, "\x02\x21\x4c\x18", "an lz4 file; decompress it first" },
    { 0, 4, "\x04\x22\x4d\x18", "an lz4 file; decompress it first" },
    { 0, 4, "\x89LZO", "an lzop file; decompress it first" },
    { 0, 5, "07070", "a cpio archive, such as an initramfs (-initrd)" },
    { 0, 4, "QFI\xfb", "a qcow2 disk image (-drive)" },
    { 0x8001, 5, "CD001", "an ISO 9660 image (-drive)" },
    { 0x438, 2, "\x53\xef", "an ext2/3/4 file system (-drive)" },
    { 0x200, 8, "EFI PART", "a partitioned disk image (-drive)" },
    { 0x1fe, 2, "\x55\xaa", "a disk image with a boot sector (-drive)" },
    { 0, 7, "!<arch>", "a static library or a Debian package" },
    { 0, 4, "PK\x03\x04", "a zip file" },
    { 0, 2, "#!", "a script" },
};

static const char *machine_name(const MachineName *rows, size_t count, uint16_t machine)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].machine == machine)
            return rows[i].name;
    return NULL;
}

const char *elf_machine_name(uint16_t machine)
{
    return machine_name(elf_machines, ARRAY_SIZE(elf_machines), machine);
}

const char *pe_machine_name(uint16_t machine)
{
    return machine_name(pe_machines, ARRAY_SIZE(pe_machines), machine);
}

static bool is_text(const uint8_t *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < MIN(size, 512); i++)
        if ((bytes[i] < ' ' && !strchr("\t\n\r\f", bytes[i])) || bytes[i] == 0x7f || !bytes[i])
            return false;
    return true;
}

static const char *describe_uimage(uint8_t arch)
{
    const char *name = machine_name(uimage_machines, ARRAY_SIZE(uimage_machines), arch);
    if (name && arch == 22)
        return "a U-Boot image (uImage); use the kernel inside";
    if (name && arch == 2)
        return "a U-Boot image (uImage) for 32-bit Arm";
    if (name && (arch == 3 || arch == 24))
        return "a U-Boot image (uImage) for x86";
    return "a U-Boot image (uImage) for another processor";
}

const char *image_describe(const uint8_t *bytes, uint64_t size)
{
    if (size >= 64 && memcmp(bytes, "\x27\x05\x19\x56", 4) == 0)
        return describe_uimage(bytes[29]);
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
        if (size >= magics[i].offset + magics[i].length &&
            memcmp(bytes + magics[i].offset, magics[i].bytes, magics[i].length) == 0)
            return magics[i].description;
    }
    if (is_text(bytes, size))
        return "a text file";
    return NULL;
}
