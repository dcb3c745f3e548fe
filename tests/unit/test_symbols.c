// SPDX-License-Identifier: MIT
//
// Names for the guest's addresses: each source, the place of a running kernel, and damaged files. The
// kallsyms tables here are made as scripts/kallsyms.c of Linux lays them out.
#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/symbols.h"
#include "util/bitops.h"

#define LINKED UINT64_C(0xffff800008000000)
#define SLIDE UINT64_C(0x52f4af400000)

static void expect_name(const Symbols *s, uint64_t address, const char *wanted)
{
    char text[64];
    symbols_describe(s, address, text, sizeof(text));
    cr_expect_str_eq(text, wanted, "%llx: %s, not %s", (unsigned long long)address, text, wanted);
}

static Symbols *from_map(const char *text)
{
    Symbols *s = symbols_create();
    cr_assert(symbols_load_system_map(s, (const uint8_t *)text, strlen(text)));
    return s;
}

static const char map[] = "ffff800008000000 T _text\n"
                          "ffff800008010800 t vectors\n"
                          "ffff800008011000 T vectors_end\n"
                          "not a line\n"
                          "ffff800008011000 t alias\n"
                          "ffff800008012000 t $x\n"
                          "ffff800008020000 D last\r\n"
                          "ffff800008030000 A cut";

Test(symbols, system_map)
{
    Symbols *s = from_map(map);
    cr_expect_eq(symbols_count(s), 6);
    expect_name(s, LINKED, "_text");
    expect_name(s, LINKED + 0x1081c, "vectors+0x1c");
    expect_name(s, LINKED + 0x11000, "vectors_end");
    expect_name(s, LINKED + 0x12004, "vectors_end+0x1004");
    expect_name(s, LINKED + 0x20000, "last");
    expect_name(s, LINKED - 1, "");
    expect_name(s, LINKED + 0x400000, "");
    symbols_destroy(s);
}

Test(symbols, nothing_in_it)
{
    Symbols *s = symbols_create();
    cr_expect_not(symbols_load_system_map(s, (const uint8_t *)"no symbols\n", 11));
    cr_expect_not(symbols_load_elf(s, (const uint8_t *)map, strlen(map)));
    expect_name(s, 0x1000, "");
    expect_name(NULL, 0x1000, "");
    symbols_destroy(s);
}

Test(symbols, a_kernel_that_chose_its_place)
{
    Symbols *s = from_map(map);
    uint64_t address;
    symbols_set_physical(s, 0x40200000);
    cr_expect_not(symbols_placed(s));
    expect_name(s, 0x40210804, "vectors+0x4");
    symbols_found_vectors(s, 0);                           /* before it is set */
    symbols_found_vectors(s, LINKED + SLIDE + 0x10000);    /* not where vectors can be */
    symbols_found_vectors(s, UINT64_C(0xfffffbfffe000800)); /* those of page table isolation */
    cr_expect_not(symbols_placed(s));
    symbols_found_vectors(s, LINKED + SLIDE + 0x10800);
    symbols_found_vectors(s, LINKED + 2 * SLIDE + 0x10800); /* the first counts */
    cr_expect(symbols_placed(s));
    expect_name(s, LINKED + SLIDE + 0x10804, "vectors+0x4");
    expect_name(s, 0x40210804, "vectors+0x4");
    cr_expect(symbols_address(s, "alias", &address));
    cr_expect_eq(address, LINKED + SLIDE + 0x11000);
    cr_expect_not(symbols_address(s, "nonsense", &address));
    symbols_forget_vectors(s);
    expect_name(s, LINKED + 0x10804, "vectors+0x4");
    symbols_destroy(s);
}

/* ---- kallsyms --------------------------------------------------------------------------- */

enum { SYMBOLS = 1000, IMAGE_BYTES = 1 << 20, TABLES_AT = 0x80000, BASE = 0x10000 };

typedef struct Layout {
    bool addresses_last; /* since Linux 6.4 */
    bool sequences;      /* Linux 6.1 to 6.3 */
    bool relocated;      /* relative_base is left to .rela.dyn */
} Layout;

typedef struct Writer {
    uint8_t *image;
    size_t at;
} Writer;

static void put(Writer *w, const void *bytes, size_t len)
{
    memcpy(w->image + w->at, bytes, len);
    w->at += len;
}

static void align8(Writer *w)
{
    w->at = (w->at + 7) & ~(size_t)7;
}

/* Symbol i is 16 bytes after the one before; the first two have names that mean something. */
static void symbol_name(unsigned i, char *name, size_t len)
{
    if (i == 1)
        snprintf(name, len, "tvectors");
    else
        snprintf(name, len, "T%s_%u", i ? "function" : "first", i);
}

static void put_addresses(Writer *w, const Layout *l)
{
    for (uint32_t i = 0; i < SYMBOLS; i++)
        put(w, &(uint32_t){ i * 16 }, 4);
    align8(w);
    uint64_t base = l->relocated ? 0 : LINKED + BASE;
    if (l->relocated) {
        const Elf64_Rela rela = { LINKED + w->at, R_AARCH64_RELATIVE, (int64_t)(LINKED + BASE) };
        memcpy(w->image + IMAGE_BYTES - 64, &rela, sizeof(rela));
    }
    put(w, &base, 8);
}

static void put_names(Writer *w, uint32_t *markers)
{
    size_t start = w->at;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        char name[64];
        symbol_name(i, name, sizeof(name));
        if (i % 256 == 0)
            markers[i / 256] = (uint32_t)(w->at - start);
        put(w, &(uint8_t){ (uint8_t)strlen(name) }, 1);
        put(w, name, strlen(name));
    }
    align8(w);
}

/* A token for each character, so that names are compressed to themselves. */
static void put_tokens(Writer *w)
{
    uint16_t index[256];
    size_t start = w->at;
    for (int i = 0; i < 256; i++) {
        char token[3] = { (char)i, 0, 0 };
        index[i] = (uint16_t)(w->at - start);
        if (i < 0x20 || i > 0x7e)
            memcpy(token, "zz", 2);
        put(w, token, strlen(token) + 1);
    }
    align8(w);
    put(w, index, sizeof(index));
}

static uint8_t *make_image(const Layout *l)
{
    Writer w = { calloc(1, IMAGE_BYTES), TABLES_AT };
    uint32_t markers[(SYMBOLS + 255) / 256];
    cr_assert(w.image);
    if (!l->addresses_last)
        put_addresses(&w, l);
    put(&w, &(uint64_t){ SYMBOLS }, 8);
    put_names(&w, markers);
    put(&w, markers, sizeof(markers));
    align8(&w);
    if (l->sequences)
        w.at += 3 * SYMBOLS;
    align8(&w);
    put_tokens(&w);
    if (l->addresses_last)
        put_addresses(&w, l);
    return w.image;
}

Test(kallsyms, every_layout)
{
    for (unsigned i = 0; i < 8; i++) {
        const Layout l = { i & 1, i & 2, i & 4 };
        uint8_t *image = make_image(&l);
        Symbols *s = symbols_create();
        cr_assert(symbols_load_kallsyms(s, image, IMAGE_BYTES), "layout %u", i);
        cr_expect_eq(symbols_count(s), SYMBOLS + l.relocated, "layout %u", i);
        expect_name(s, LINKED + BASE, "first_0");
        expect_name(s, LINKED + BASE + 16, "vectors");
        expect_name(s, LINKED + BASE + 16 * 999 + 8, "function_999+0x8");
        symbols_destroy(s);
        free(image);
    }
}

Test(kallsyms, damage_is_noticed)
{
    const Layout l = { .sequences = true };
    uint8_t *image = make_image(&l);
    srand(1);
    for (unsigned i = 0; i < 300; i++) {
        size_t at = TABLES_AT + (size_t)rand() % 0x8000, size = IMAGE_BYTES;
        uint8_t old = image[at];
        image[at] ^= (uint8_t)(1 + rand() % 255);
        if (i % 3 == 0)
            size = at;
        Symbols *s = symbols_create();
        (void)symbols_load_kallsyms(s, image, size); /* whatever it finds, nothing breaks */
        expect_name(s, 0, "");
        symbols_destroy(s);
        image[at] = old;
    }
    free(image);
}

/* ---- ELF -------------------------------------------------------------------------------- */

typedef struct TinyElf {
    Elf64_Ehdr header;
    Elf64_Shdr sections[3];
    Elf64_Sym symbols[4];
    char strings[32];
} TinyElf;

static void make_elf(TinyElf *e)
{
    *e = (TinyElf){
        .header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
                    .e_shoff = offsetof(TinyElf, sections), .e_shnum = 3,
                    .e_shentsize = sizeof(Elf64_Shdr) },
        .sections = { { 0 },
                      { .sh_type = SHT_SYMTAB, .sh_offset = offsetof(TinyElf, symbols),
                        .sh_size = sizeof(e->symbols), .sh_link = 2 },
                      { .sh_type = SHT_STRTAB, .sh_offset = offsetof(TinyElf, strings),
                        .sh_size = sizeof(e->strings) } },
        .symbols = { { 0 },
                     { .st_name = 1, .st_shndx = 1, .st_value = 0x40200000 },
                     { .st_name = 8, .st_shndx = 1, .st_value = 0x40200010,
                       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) },
                     { .st_name = 1000, .st_shndx = 1, .st_value = 0x40200020 } },
        .strings = "\0_start\0count",
    };
}

Test(symbols, elf)
{
    TinyElf e;
    Symbols *s = symbols_create();
    make_elf(&e);
    cr_assert(symbols_load_elf(s, (const uint8_t *)&e, sizeof(e)));
    cr_expect_eq(symbols_count(s), 2);
    expect_name(s, 0x40200004, "_start+0x4");
    expect_name(s, 0x40200010, "count");
    symbols_destroy(s);
}

Test(symbols, elf_with_any_byte_wrong)
{
    for (size_t at = 0; at < sizeof(TinyElf); at++) {
        TinyElf e;
        Symbols *s = symbols_create();
        make_elf(&e);
        ((uint8_t *)&e)[at] = 0xff;
        (void)symbols_load_elf(s, (const uint8_t *)&e, sizeof(e));
        expect_name(s, 1, "");
        symbols_destroy(s);
    }
}
