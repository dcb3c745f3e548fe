// SPDX-License-Identifier: MIT
//
// The arm64 Linux "Image" format (Documentation/arch/arm64/booting.rst, section 4).
#ifndef HW_ARM_IMAGE_H
#define HW_ARM_IMAGE_H

#include "hw/core/loader.h"

typedef struct Arm64Image {
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t mem_bytes;   /* image_size: with what follows the file, such as .bss */
} Arm64Image;

/* Undo the compressions that a kernel may come in: gzip, EFI zboot with gzip. */
bool arm64_image_unpack(FileData *f, uint64_t max_bytes, Error **err) MUST_CHECK;
bool arm64_image_detect(const FileData *f);
/* Read and check the header. */
bool arm64_image_parse(const FileData *f, Arm64Image *image, Error **err) MUST_CHECK;
/* The Error for a file that is no arm64 kernel: says what it is. Returns false. */
bool arm64_image_refuse(const FileData *f, Error **err);

#endif
