// SPDX-License-Identifier: MIT
//
// The symbol table that a Linux kernel carries (kernel/kallsyms.c, scripts/kallsyms.c of Linux),
// found in an arm64 Image without help from any other symbol.
//
// Names are compressed: a byte stands for one of 256 tokens. The tables are, in this order,
//
//     offsets         one u32 a symbol, from relative_base   (before Linux 6.4 here,
//     relative_base   u64                                     since then after token_index)
//     num_syms        u32
//     names           length, tokens; the first character is the type as nm has it
//     markers         one u32 for each 256 symbols: where in names the first of them stands
//     seqs_of_names   three bytes a symbol (Linux 6.1 to 6.3 here, not before, since then last)
//     token_table     256 strings
//     token_index     one u16 a token: where in token_table it stands
//
// each aligned to 8 bytes. token_index is found by what it must look like, and the rest by walking
// back from it; every step checks what it finds, so that chance does not pass.
//
// Linkers leave relative_base to a relocation (.rela.dyn), where it is looked up. Where that fails,
// addresses are as good as the running kernel's exception vectors make them.
#include "symbols/symbols.h"

#include <elf.h>
#include <string.h>
#include "symbols/internal.h"
#include "util/bitops.h"

enum {
    TOKENS = 256,
    TOKEN_BYTES_MAX = 128,
    MARKER_STRIDE = 256,
    NAME_BYTES_MAX = 1024,
    NAME_CODES_MAX = 0x4000,
    ALIGN = 8,
    KERNEL_ALIGN = 1 << 21,
    SYMBOLS_MAX = 1 << 22,
    NAMES_BYTES_MAX = 1 << 25, /* with all between num_syms and token_table */
};

typedef struct Kallsyms {
    const uint8_t *image;
    size_t size;
    /* places in the image */
    size_t token_index, token_table, markers, names, num_syms_at;
    uint32_t num_syms;
    uint16_t index[TOKENS];
} Kallsyms;

static uint32_t get32(const Kallsyms *k, size_t at)
{
    uint32_t v;
    memcpy(&v, k->image + at, sizeof(v));
    return v;
}

static uint64_t get64(const Kallsyms *k, size_t at)
{
    uint64_t v;
    memcpy(&v, k->image + at, sizeof(v));
    return v;
}

/* ---- tokens ----------------------------------------------------------------------------- */

/* Do 256 growing offsets stand here? */
static bool is_index(Kallsyms *k, size_t at)
{
    if (get32(k, at) >> 16 < 2 || (get32(k, at) & 0xffff))
        return false;
    memcpy(k->index, k->image + at, sizeof(k->index));
    for (int i = 1; i < TOKENS; i++)
        if (k->index[i] < k->index[i - 1] + 2 || k->index[i] > k->index[i - 1] + TOKEN_BYTES_MAX)
            return false;
    return true;
}

/* Does the table that the index describes stand here, and end right before it? */
static bool is_table(const Kallsyms *k, size_t at)
{
    const char *table = (const char *)k->image + at;
    for (int i = 0; i + 1 < TOKENS; i++)
        if (strnlen(table + k->index[i], TOKEN_BYTES_MAX) + 1 !=
            (size_t)(k->index[i + 1] - k->index[i]))
            return false;
    size_t last = at + k->index[TOKENS - 1];
    size_t end = last + strnlen((const char *)k->image + last, k->token_index - last) + 1;
    return align_up(end, ALIGN) == k->token_index;
}

static bool find_tokens(Kallsyms *k)
{
    for (size_t at = 0; at + sizeof(k->index) <= k->size; at += ALIGN) {
        if (!is_index(k, at) || at < k->index[TOKENS - 1] + (size_t)ALIGN)
            continue;
        k->token_index = at;
        size_t last = align_down(at - k->index[TOKENS - 1] - 2, ALIGN);
        for (size_t n = 0; n <= TOKEN_BYTES_MAX && n <= last; n += ALIGN) {
            k->token_table = last - n;
            if (is_table(k, k->token_table))
                return true;
        }
    }
    return false;
}

/* ---- names ------------------------------------------------------------------------------ */

/* The length of the name at *at, which moves behind the length. */
static uint32_t name_length(const Kallsyms *k, size_t *at)
{
    uint32_t n = k->image[(*at)++];
    if (n & 0x80) /* since Linux 6.1: names of more than 127 codes */
        n = (n & 0x7f) | (uint32_t)k->image[(*at)++] << 7;
    return n;
}

/* Do the names fit the markers, and end right before them? */
static bool are_names(const Kallsyms *k)
{
    size_t at = k->names;
    for (uint32_t i = 0; i < k->num_syms; i++) {
        if (i % MARKER_STRIDE == 0 && at - k->names != get32(k, k->markers + i / MARKER_STRIDE * 4))
            return false;
        uint32_t len = at + 2 <= k->markers ? name_length(k, &at) : 0;
        if (!len || len > NAME_CODES_MAX || len > k->markers - at)
            return false;
        at += len;
    }
    return align_up(at, ALIGN) == k->markers;
}

/* What follows num_syms tells where it is: the sizes of all tables but the names depend on it. */
static bool find_names(Kallsyms *k)
{
    static const size_t seq_bytes[] = { 3, 0 };
    size_t first = k->token_table > NAMES_BYTES_MAX ? k->token_table - NAMES_BYTES_MAX : ALIGN;
    for (size_t at = align_down(k->token_table - 2 * ALIGN, ALIGN); at >= first; at -= ALIGN) {
        uint64_t num = get64(k, at); /* with its padding */
        if (num < 2 * MARKER_STRIDE || num > SYMBOLS_MAX)
            continue;
        k->num_syms_at = at;
        k->num_syms = (uint32_t)num;
        k->names = at + ALIGN;
        size_t markers = align_up((num + MARKER_STRIDE - 1) / MARKER_STRIDE * 4, ALIGN);
        for (size_t i = 0; i < ARRAY_SIZE(seq_bytes); i++) {
            size_t bytes = markers + align_up(seq_bytes[i] * num, ALIGN);
            k->markers = k->token_table - bytes;
            if (bytes < k->token_table - k->names && are_names(k))
                return true;
        }
    }
    return false;
}

/* The name at `at`, of which the first character is the type; returns its length. */
static size_t expand_name(const Kallsyms *k, size_t at, uint32_t codes, char *name)
{
    size_t len = 0;
    for (uint32_t i = 0; i < codes; i++) {
        const char *token = (const char *)k->image + k->token_table + k->index[k->image[at + i]];
        for (; *token && len < NAME_BYTES_MAX; token++)
            name[len++] = *token;
    }
    return len;
}

/* ---- addresses -------------------------------------------------------------------------- */

/* Offsets of text symbols grow with their number; those of absolute ones may be anything. */
static bool are_offsets(const Kallsyms *k, size_t at)
{
    uint32_t falls = 0;
    if (at + 4 * (size_t)k->num_syms > k->size)
        return false;
    for (uint32_t i = 1; i < k->num_syms; i++)
        falls += get32(k, at + 4 * i) < get32(k, at + 4 * (i - 1));
    return falls <= k->num_syms / 100 && get32(k, at + 4 * (k->num_syms - 1)) != 0;
}

/* The relocation of relative_base, which is at `place`, says what it is and, because kernels begin at
 * a multiple of 2 MiB, where the Image's first byte belongs. False: there is none. */
static bool find_base(const Kallsyms *k, size_t place, uint64_t *base, uint64_t *text)
{
    for (size_t at = 0; at + sizeof(Elf64_Rela) <= k->size; at += 8) {
        if (get64(k, at + 8) != R_AARCH64_RELATIVE)
            continue;
        *text = get64(k, at) - place;
        *base = get64(k, at + 16);
        if (!(*text & (KERNEL_ALIGN - 1)) && *base - *text < KERNEL_ALIGN && !(*base & 0xfff))
            return true;
    }
    return false;
}

/* relative_base stands behind them. */
static bool find_offsets(const Kallsyms *k, size_t *offsets, size_t *base)
{
    size_t bytes = align_up(4 * (size_t)k->num_syms, ALIGN);
    size_t after = k->token_index + sizeof(k->index);
    if (k->num_syms_at >= bytes + ALIGN && are_offsets(k, k->num_syms_at - ALIGN - bytes))
        *offsets = k->num_syms_at - ALIGN - bytes;
    else if (after + bytes + ALIGN <= k->size && are_offsets(k, after))
        *offsets = after;
    else
        return false;
    *base = *offsets + bytes;
    return true;
}

bool symbols_load_kallsyms(Symbols *s, const uint8_t *image, size_t size)
{
    Kallsyms k = { .image = image, .size = size };
    size_t offsets, base_at;
    uint64_t base, text;
    if (!find_tokens(&k) || !find_names(&k) || !find_offsets(&k, &offsets, &base_at))
        return false;
    base = get64(&k, base_at);
    if (!base && find_base(&k, base_at, &base, &text) &&
        !symbols_add(s, text, "_text", strlen("_text")))
        return false;
    size_t at = k.names;
    for (uint32_t i = 0; i < k.num_syms; i++) {
        char name[NAME_BYTES_MAX];
        uint32_t codes = name_length(&k, &at);
        size_t len = expand_name(&k, at, codes, name);
        at += codes;
        if (len > 1 && !symbols_add(s, base + get32(&k, offsets + 4 * i), name + 1, len - 1))
            break;
    }
    return symbols_seal(s);
}
