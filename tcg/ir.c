// SPDX-License-Identifier: MIT
//
// Units of the IR: creation, reset and growth of their parts.
//
// Building IR is on the path of every translation, so nothing here is allocated per
// instruction. The instructions of the blocks stand in one arena, an address range reserved once
// and touched as needed; the unit's own arrays (values, constants, locals, blocks) double and are
// kept when the unit is reset. A unit is used by one thread at a time.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tcg/ir_arena.h"
#include "util/bitops.h"

/* Fixed operand kinds are types by number. */
static_assert((int)IR_KIND_I32 == (int)IR_I32, "kinds");
static_assert((int)IR_KIND_V256 == (int)IR_V256, "kinds");
static_assert((IR_EQ ^ 1) == IR_NE && (IR_LT ^ 1) == IR_GE && (IR_LE ^ 1) == IR_GT &&
              (IR_LTU ^ 1) == IR_GEU && (IR_LEU ^ 1) == IR_GTU && (IR_TSTEQ ^ 1) == IR_TSTNE,
              "x ^ 1 negates a comparison");

#define ARENA_BYTES (UINT64_C(64) << 20) /* of address space; a unit has a few dozen KB */
#define FIRST_INSNS 64u
#define FIRST_HASH 256u
#define FIRST_VALUES 64u

static void *must(void *p)
{
    assert(p && "out of memory for IR");
    return p;
}

/* Doubles the array `p` of `*capacity` elements. */
static void *grow(void *p, uint32_t *capacity, size_t element_bytes)
{
    *capacity = *capacity ? *capacity * 2 : 64;
    return must(realloc(p, *capacity * element_bytes));
}

/* ---- arena ---- */

static IrArena *arena_create(void)
{
    void *base = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    IrArena *a = calloc(1, sizeof *a);
    if (!a) {
        munmap(base, ARENA_BYTES);
        return NULL;
    }
    a->base = base;
    return a;
}

static void arena_destroy(IrArena *a)
{
    if (a) {
        munmap(a->base, ARENA_BYTES);
        free(a->hash);
    }
    free(a);
}

void *ir_arena_alloc(IrArena *a, size_t bytes)
{
    bytes = align_up(bytes, 16);
    assert(bytes <= ARENA_BYTES - a->used && "unit too large");
    void *p = a->base + a->used;
    a->used += bytes;
    return p;
}

void ir_arena_release(IrArena *a, size_t mark)
{
    assert(mark <= a->used);
    a->used = mark;
}

/* ---- units ---- */

IrUnit *ir_unit_create(const IrGlobals *globals)
{
    IrUnit *u = calloc(1, sizeof *u);
    if (!u) {
        return NULL;
    }
    u->arena = arena_create();
    u->value_capacity = FIRST_VALUES;
    u->value_types = malloc(FIRST_VALUES * sizeof u->value_types[0]);
    if (!u->arena || !u->value_types) {
        ir_unit_destroy(u);
        return NULL;
    }
    u->globals = globals;
    ir_unit_reset(u);
    return u;
}

void ir_unit_reset(IrUnit *u)
{
    IrArena *a = u->arena;
    a->used = 0;
    u->block_count = 0;
    u->const_count = 0;
    u->local_count = 0;
    u->value_count = 0;
    u->guest_pc = 0;
    u->guest_bytes = 0;
    u->guest_insns = 0;
    u->nan_rule = IR_NAN_ARM;
    if (a->hash_count) {
        memset(a->hash, 0, a->hash_count * sizeof a->hash[0]);
    }
    ir_value_new(u, IR_VOID); /* %0 is IR_NONE */
}

void ir_unit_destroy(IrUnit *u)
{
    if (!u) {
        return;
    }
    arena_destroy(u->arena);
    free(u->blocks);
    free(u->value_types);
    free(u->consts);
    free(u->local_types);
    free(u);
}

uint32_t ir_block_new(IrUnit *u)
{
    if (u->block_count == u->block_capacity) {
        u->blocks = grow(u->blocks, &u->block_capacity, sizeof u->blocks[0]);
    }
    IrBlock *block = ir_arena_alloc(u->arena, sizeof *block);
    *block = (IrBlock){ .id = u->block_count };
    u->blocks[u->block_count] = block;
    return u->block_count++;
}

void ir_block_grow(IrUnit *u, IrBlock *block)
{
    uint32_t capacity = block->capacity ? block->capacity * 2 : FIRST_INSNS;
    IrArena *a = u->arena;
    const uint8_t *end = block->capacity ? (uint8_t *)(block->insns + block->capacity) : NULL;
    if (end && end == a->base + a->used) { /* the last thing in the arena: extend */
        ir_arena_alloc(a, (capacity - block->capacity) * sizeof(IrInsn));
    } else {
        IrInsn *insns = ir_arena_alloc(a, capacity * sizeof(IrInsn));
        if (block->count) {
            memcpy(insns, block->insns, block->count * sizeof(IrInsn));
        }
        block->insns = insns;
    }
    block->capacity = capacity;
}

void ir_values_grow(IrUnit *u)
{
    u->value_types = grow(u->value_types, &u->value_capacity, sizeof u->value_types[0]);
}

uint32_t ir_local_new(IrUnit *u, IrType type)
{
    if (u->local_count == u->local_capacity) {
        u->local_types = grow(u->local_types, &u->local_capacity, sizeof u->local_types[0]);
    }
    u->local_types[u->local_count] = type;
    return u->globals->count + u->local_count++;
}

IrRef ir_value_new(IrUnit *u, IrType type)
{
    if (u->value_count == u->value_capacity) {
        ir_values_grow(u);
    }
    u->value_types[u->value_count] = type;
    return u->value_count++;
}

IrInsn *ir_insn_append(IrUnit *u, uint32_t block, const IrInsn *insn)
{
    IrBlock *b = u->blocks[block];
    if (b->count == b->capacity) {
        ir_block_grow(u, b);
    }
    IrInsn *i = &b->insns[b->count++];
    *i = *insn;
    return i;
}

/* ---- constants ---- */

static uint32_t const_hash(IrType type, uint64_t lo, uint64_t hi)
{
    uint64_t h = (lo + hi * 31 + type) * UINT64_C(0x9e3779b97f4a7c15);
    return h >> 32;
}

/* The table of constants, twice as large, from the unit's list. */
static void hash_grow(IrUnit *u)
{
    IrArena *a = u->arena;
    free(a->hash);
    a->hash_count = a->hash_count ? a->hash_count * 2 : FIRST_HASH;
    a->hash = must(calloc(a->hash_count, sizeof a->hash[0]));
    for (uint32_t n = 0; n < u->const_count; n++) {
        const IrConst *c = &u->consts[n];
        uint32_t slot = const_hash(c->type, c->lo, c->hi) & (a->hash_count - 1);
        while (a->hash[slot]) {
            slot = (slot + 1) & (a->hash_count - 1);
        }
        a->hash[slot] = n + 1;
    }
}

IrRef ir_const(IrUnit *u, IrType type, uint64_t lo, uint64_t hi)
{
    IrArena *a = u->arena;
    if (u->const_count * 2 >= a->hash_count) {
        hash_grow(u);
    }
    uint32_t slot = const_hash(type, lo, hi) & (a->hash_count - 1);
    for (; a->hash[slot]; slot = (slot + 1) & (a->hash_count - 1)) {
        uint32_t n = a->hash[slot] - 1;
        const IrConst *c = &u->consts[n];
        if (c->lo == lo && c->hi == hi && c->type == type) {
            return n | IR_CONST;
        }
    }
    if (u->const_count == u->const_capacity) {
        u->consts = grow(u->consts, &u->const_capacity, sizeof u->consts[0]);
    }
    u->consts[u->const_count] = (IrConst){ .type = type, .lo = lo, .hi = hi };
    a->hash[slot] = u->const_count + 1;
    return u->const_count++ | IR_CONST;
}

/* ---- types ---- */

static const struct {
    const char *name;
    uint8_t bytes;
} types[IR_TYPE_COUNT] = {
    [IR_VOID] = { "void", 0 }, [IR_I32] = { "i32", 4 },   [IR_I64] = { "i64", 8 },
    [IR_I128] = { "i128", 16 }, [IR_F32] = { "f32", 4 },  [IR_F64] = { "f64", 8 },
    [IR_F80] = { "f80", 16 },  [IR_V64] = { "v64", 8 },   [IR_V128] = { "v128", 16 },
    [IR_V256] = { "v256", 32 },
};

const char *ir_type_name(IrType type)
{
    return types[type].name;
}

unsigned ir_type_size(IrType type)
{
    return types[type].bytes;
}
