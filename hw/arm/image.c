// SPDX-License-Identifier: MIT
//
// The arm64 Linux Image (Documentation/arch/arm64/booting.rst, section 4), its PE header (for EFI)
// by which a truncated file is noticed, and the self-decompressing "zboot" form around it.
#include "hw/arm/image.h"

#include <endian.h>
#include <string.h>
#include "util/bitops.h"

enum { PE_MACHINE_ARM64 = 0xaa64, IMAGE_HEADER_BYTES = 64, OLD_TEXT_OFFSET = 0x80000 };
enum { FLAG_BIG_ENDIAN = 1 << 0 };

typedef struct ImageHeader { /* little-endian */
    uint32_t code[2];
    uint64_t text_offset, image_size, flags, reserved[3];
    uint32_t magic, pe_offset;
} ImageHeader;

typedef struct ZbootHeader { /* include/linux/pe.h and drivers/firmware/efi/libstub/zboot */
    char mz[4], zimg[4];
    uint32_t payload_offset, payload_size, reserved[2];
    char compression[8];
} ZbootHeader;

static bool starts_with_mz(const FileData *f)
{
    return f->size >= 2 && memcmp(f->bytes, "MZ", 2) == 0;
}

static uint64_t le(const FileData *f, uint64_t at, unsigned bytes)
{
    uint64_t v = 0;
    if (at <= f->size && bytes <= f->size - at)
        memcpy(&v, f->bytes + at, bytes);
    return le64toh(v);
}

static bool truncated(const FileData *f, Error **err)
{
    return error_set(err, "%s '%s' is truncated; copy it anew", f->what, f->path);
}

bool arm64_image_unpack(FileData *f, uint64_t max_bytes, Error **err)
{
    ZbootHeader z;
    if (file_is_gzip(f))
        return file_gunzip(f, max_bytes, err);
    if (f->size < sizeof(z))
        return true;
    memcpy(&z, f->bytes, sizeof(z));
    if (memcmp(z.mz, "MZ", 2) != 0 || memcmp(z.zimg, "zimg", 4) != 0)
        return true;
    uint64_t offset = le32toh(z.payload_offset), size = le32toh(z.payload_size);
    if (offset > f->size || size > f->size - offset)
        return truncated(f, err);
    if (strncmp(z.compression, "gzip", sizeof(z.compression)) != 0)
        return error_set(err, "%s '%s' is an EFI zboot kernel compressed with %.8s; only gzip can "
                         "be unpacked: use the file 'Image'", f->what, f->path, z.compression);
    memmove(f->bytes, f->bytes + offset, size);
    f->size = size;
    return file_gunzip(f, max_bytes, err);
}

bool arm64_image_detect(const FileData *f)
{
    return f->size >= IMAGE_HEADER_BYTES && memcmp(f->bytes + 56, "ARM\x64", 4) == 0;
}

/* The place of the PE header, 0: there is none. */
static uint64_t pe_header(const FileData *f)
{
    uint64_t at = le(f, 0x3c, 4);
    return starts_with_mz(f) && le(f, at, 4) == 0x4550 ? at : 0;
}

/* Sections of the PE header must lie in the file. */
static bool check_sections(const FileData *f, uint64_t pe, Error **err)
{
    uint64_t count = le(f, pe + 6, 2), table = pe + 24 + le(f, pe + 20, 2);
    if (table + 40 * count > f->size)
        return truncated(f, err);
    for (uint64_t i = 0; i < count; i++)
        if (le(f, table + 40 * i + 16, 4) + le(f, table + 40 * i + 20, 4) > f->size)
            return truncated(f, err);
    return true;
}

bool arm64_image_parse(const FileData *f, Arm64Image *image, Error **err)
{
    ImageHeader h;
    memcpy(&h, f->bytes, sizeof(h));
    if (le64toh(h.flags) & FLAG_BIG_ENDIAN)
        return error_set(err, "%s '%s' is a big-endian arm64 kernel; use a little-endian one",
                         f->what, f->path);
    uint64_t pe = pe_header(f);
    if (starts_with_mz(f) && le32toh(h.pe_offset) >= f->size)
        return truncated(f, err);
    if (pe && !check_sections(f, pe, err))
        return false;
    uint64_t size = le64toh(h.image_size);
    *image = (Arm64Image){ .text_offset = size ? le64toh(h.text_offset) : OLD_TEXT_OFFSET,
                           .mem_bytes = MAX(size, f->size) };
    if (image->text_offset >= UINT64_C(1) << 32 || size >= UINT64_C(1) << 40)
        return error_set(err, "%s '%s' is a damaged arm64 kernel: its header makes no sense",
                         f->what, f->path);
    return true;
}

bool arm64_image_refuse(const FileData *f, Error **err)
{
    static const char hint[] = "use an arm64 Image (plain or gzip) or an ELF file for AArch64";
    const char *what = image_describe(f->bytes, f->size);
    uint64_t pe = pe_header(f);
    if (starts_with_mz(f) && f->size < IMAGE_HEADER_BYTES)
        return truncated(f, err);
    if (what)
        return error_set(err, "%s '%s' is not an arm64 kernel but %s; %s", f->what, f->path, what,
                         hint);
    if (pe) {
        const char *machine = pe_machine_name((uint16_t)le(f, pe + 4, 2));
        return error_set(err, "%s '%s' is not an arm64 kernel but an EFI program for %s; %s",
                         f->what, f->path, machine ? machine : "an unknown processor", hint);
    }
    return error_set(err, "%s '%s' is not an arm64 kernel: it is in no format that is known here; "
                     "%s", f->what, f->path, hint);
}
