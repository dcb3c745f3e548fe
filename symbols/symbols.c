// SPDX-License-Identifier: MIT
//
// The table of symbols, its place, and the files it can come from; contract in symbols.h. kallsyms
// has a file of its own.
#include "symbols/symbols.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "symbols/internal.h"
#include "util/bitops.h"

typedef struct Symbol {
    uint64_t address;
    size_t name; /* offset in `names` */
} Symbol;

struct Symbols {
    Symbol *symbols; /* by address */
    size_t count, capacity;
    char *names;
    size_t names_used, names_capacity;
    uint64_t text, vectors;     /* addresses of _text and vectors; NOT_THERE: no such symbol */
    uint64_t physical;          /* of _text, or NOT_THERE */
    _Atomic uint64_t slide;     /* running address minus that in the table */
    atomic_bool placed;
};

#define NOT_THERE UINT64_MAX
#define SLIDE_GRANULE UINT64_C(0x10000)
/* Kernels keep to their half of the upper half; what other vectors there are (those of page table
 * isolation) is near the end of the address space. */
#define SLIDE_MAX (UINT64_C(7) << 44)
#define SYMBOL_BYTES_MAX UINT64_C(0x100000) /* an offset beyond is no part of the symbol */

/* ---- the table -------------------------------------------------------------------------- */

Symbols *symbols_create(void)
{
    Symbols *s = calloc(1, sizeof(*s));
    if (s)
        s->text = s->vectors = s->physical = NOT_THERE;
    return s;
}

void symbols_destroy(Symbols *s)
{
    if (!s)
        return;
    free(s->symbols);
    free(s->names);
    free(s);
}

size_t symbols_count(const Symbols *s)
{
    return s->count;
}

/* Make room for one more element of `size` bytes in an array that doubles. */
static bool grow(void **array, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return true;
    size_t n = MAX(MAX(*capacity * 2, wanted), 1024);
    void *grown = realloc(*array, n * size);
    if (!grown)
        return false;
    *array = grown;
    *capacity = n;
    return true;
}

bool symbols_add(Symbols *s, uint64_t address, const char *name, size_t len)
{
    if (!len || name[0] == '$' || (name[0] == '.' && len > 1 && name[1] == 'L'))
        return true;
    if (!grow((void **)&s->symbols, &s->capacity, s->count + 1, sizeof(*s->symbols)) ||
        !grow((void **)&s->names, &s->names_capacity, s->names_used + len + 1, 1))
        return false;
    s->symbols[s->count++] = (Symbol){ address, s->names_used };
    memcpy(s->names + s->names_used, name, len);
    s->names[s->names_used + len] = '\0';
    s->names_used += len + 1;
    return true;
}

/* Of two at one address the first that was entered comes first. */
static int compare_symbols(const void *a, const void *b)
{
    const Symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

static uint64_t linked_address(const Symbols *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->names + s->symbols[i].name, name))
            return s->symbols[i].address;
    return NOT_THERE;
}

bool symbols_seal(Symbols *s)
{
    if (s->count)
        qsort(s->symbols, s->count, sizeof(*s->symbols), compare_symbols);
    s->text = linked_address(s, "_text");
    s->vectors = linked_address(s, "vectors");
    return s->count;
}

/* ---- the place -------------------------------------------------------------------------- */

void symbols_set_physical(Symbols *s, uint64_t address)
{
    s->physical = address;
}

bool symbols_placed(const Symbols *s)
{
    return s->vectors == NOT_THERE || atomic_load(&s->placed);
}

void symbols_found_vectors(Symbols *s, uint64_t address)
{
    uint64_t slide = address - s->vectors;
    if (symbols_placed(s) || slide % SLIDE_GRANULE || slide >= SLIDE_MAX)
        return;
    atomic_store(&s->slide, slide);
    atomic_store(&s->placed, true);
}

void symbols_forget_vectors(Symbols *s)
{
    atomic_store(&s->placed, false);
    atomic_store(&s->slide, 0);
}

/* Where in the table a running address is. */
static uint64_t to_linked(const Symbols *s, uint64_t address)
{
    uint64_t last = s->symbols[s->count - 1].address;
    if (s->physical != NOT_THERE && s->text != NOT_THERE && address >= s->physical &&
        address - s->physical <= last - s->text)
        return address - s->physical + s->text;
    return address - atomic_load(&s->slide);
}

const char *symbols_find(const Symbols *s, uint64_t address, uint64_t *offset)
{
    if (!s->count)
        return NULL;
    uint64_t linked = to_linked(s, address);
    size_t low = 0, high = s->count;
    while (low < high) { /* the first beyond it */
        size_t mid = low + (high - low) / 2;
        if (s->symbols[mid].address <= linked)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    size_t at = low - 1;
    while (at && s->symbols[at - 1].address == s->symbols[at].address)
        at--;
    *offset = linked - s->symbols[at].address;
    return *offset < SYMBOL_BYTES_MAX ? s->names + s->symbols[at].name : NULL;
}

bool symbols_describe(const Symbols *s, uint64_t address, char *text, size_t len)
{
    uint64_t offset;
    const char *name = s ? symbols_find(s, address, &offset) : NULL;
    if (!name)
        text[0] = '\0';
    else if (offset)
        snprintf(text, len, "%s+0x%" PRIx64, name, offset);
    else
        snprintf(text, len, "%s", name);
    return name;
}

bool symbols_address(const Symbols *s, const char *name, uint64_t *address)
{
    *address = linked_address(s, name);
    bool found = *address != NOT_THERE;
    *address += atomic_load(&s->slide);
    return found;
}

/* ---- ELF -------------------------------------------------------------------------------- */

/* Section header n, if it and what it describes lie in the file. */
static const Elf64_Shdr *elf_section(const uint8_t *bytes, size_t size, uint32_t n)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)bytes;
    if (n >= h->e_shnum || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff % 8 ||
        h->e_shoff > size || (size - h->e_shoff) / sizeof(Elf64_Shdr) <= n)
        return NULL;
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(bytes + h->e_shoff) + n;
    return sh->sh_offset <= size && sh->sh_size <= size - sh->sh_offset ? sh : NULL;
}

static void add_elf_symbols(Symbols *s, const uint8_t *bytes, const Elf64_Shdr *table,
                            const Elf64_Shdr *strings)
{
    const char *names = (const char *)bytes + strings->sh_offset;
    for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym sym;
        memcpy(&sym, bytes + table->sh_offset + i * sizeof(sym), sizeof(sym));
        unsigned type = ELF64_ST_TYPE(sym.st_info);
        if (sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS || type == STT_FILE ||
            type == STT_SECTION || sym.st_name >= strings->sh_size)
            continue;
        const char *name = names + sym.st_name;
        if (!symbols_add(s, sym.st_value, name, strnlen(name, strings->sh_size - sym.st_name)))
            return;
    }
}

bool symbols_load_elf(Symbols *s, const uint8_t *bytes, size_t size)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)bytes;
    if (size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) ||
        h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
        return false;
    for (uint32_t i = 0; i < h->e_shnum; i++) {
        const Elf64_Shdr *table = elf_section(bytes, size, i);
        if (!table || table->sh_type != SHT_SYMTAB)
            continue;
        const Elf64_Shdr *strings = elf_section(bytes, size, table->sh_link);
        if (strings)
            add_elf_symbols(s, bytes, table, strings);
    }
    return symbols_seal(s);
}

/* ---- System.map ------------------------------------------------------------------------- */

/* Lines of "ffff800008000000 T _text"; what is none is passed over. */
bool symbols_load_system_map(Symbols *s, const uint8_t *bytes, size_t size)
{
    const char *p = (const char *)bytes, *end = p + size;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *line_end = newline ? newline : end;
        char line[256];
        int name_at = 0;
        uint64_t address;
        char type;
        snprintf(line, sizeof(line), "%.*s", (int)MIN(line_end - p, 255), p);
        if (sscanf(line, "%16" SCNx64 " %c %n", &address, &type, &name_at) == 2 && name_at &&
            !symbols_add(s, address, line + name_at, strcspn(line + name_at, " \t\r")))
            break;
        p = line_end + 1;
    }
    return symbols_seal(s);
}

/* ---- files ------------------------------------------------------------------------------ */

#define FILE_BYTES_MAX (UINT64_C(1) << 30) /* a vmlinux with all that debuggers want has less */

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "re");
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    *size = 0;
    while (f && grow((void **)&bytes, &capacity, *size + 65536, 1)) {
        size_t n = fread(bytes + *size, 1, capacity - *size, f);
        *size += n;
        if (!n)
            break;
        if (*size > FILE_BYTES_MAX) {
            errno = EFBIG;
            break;
        }
    }
    if (f && (ferror(f) || !feof(f))) {
        free(bytes);
        bytes = NULL;
    }
    if (f)
        fclose(f);
    return bytes;
}

bool symbols_load_file(Symbols *s, const char *path, Error **err)
{
    size_t size;
    uint8_t *bytes = read_all(path, &size);
    if (!bytes)
        return error_set_errno(err, errno, "cannot read the symbols in '%s'", path);
    bool ok = symbols_load_elf(s, bytes, size) || symbols_load_system_map(s, bytes, size);
    free(bytes);
    return ok || error_set(err, "there are no symbols in '%s'; give a System.map, or an ELF file "
                           "such as vmlinux", path);
}
