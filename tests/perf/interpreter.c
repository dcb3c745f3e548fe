// SPDX-License-Identifier: MIT
/*
 * A byte-code interpreter, as scripting languages have it: one big switch.
 *
 * usage: interpreter NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include "bench.h"

/* A register machine. */
enum Op { OP_LOAD, OP_ADD, OP_SUB, OP_MUL, OP_SHR, OP_AND, OP_JNZ, OP_JLT, OP_MOVE, OP_HALT };

typedef struct {
    uint8_t op, a, b, c;
    int32_t value;
} Instruction;

/* The longest Collatz chain from any start below 60000. */
static const Instruction collatz[] = {
    {OP_LOAD, 0, 0, 0, 1},     // start
    {OP_LOAD, 5, 0, 0, 1},     // one
    {OP_LOAD, 6, 0, 0, 3},     // three
    {OP_LOAD, 7, 0, 0, 0},     // longest
    {OP_LOAD, 8, 0, 0, 60000}, // limit
    {OP_MOVE, 1, 0, 0, 0},     // 5: n = start
    {OP_LOAD, 2, 0, 0, 0},     // length = 0
    {OP_ADD, 2, 2, 5, 0},      // 7: length++
    {OP_AND, 3, 1, 5, 0},      // odd?
    {OP_JNZ, 3, 0, 0, 12},     // to the odd case
    {OP_SHR, 1, 1, 5, 0},      // n /= 2
    {OP_JNZ, 5, 0, 0, 14},     // over it
    {OP_MUL, 1, 1, 6, 0},      // 12: n = 3n
    {OP_ADD, 1, 1, 5, 0},      // + 1
    {OP_SUB, 4, 1, 5, 0},      // 14: until n is 1
    {OP_JNZ, 4, 0, 0, 7},      //
    {OP_JLT, 2, 7, 0, 18},     // shorter than the longest: go on
    {OP_MOVE, 7, 2, 0, 0},     //
    {OP_ADD, 0, 0, 5, 0},      // 18: next start
    {OP_JLT, 0, 8, 0, 5},      //
    {OP_HALT, 0, 0, 0, 0},
};

static uint64_t bench_interpreter(void)
{
    uint64_t r[16] = {0};
    for (const Instruction *i = collatz;; i++) {
        switch ((enum Op)i->op) {
        case OP_LOAD: r[i->a] = (uint64_t)i->value; break;
        case OP_ADD: r[i->a] = r[i->b] + r[i->c]; break;
        case OP_SUB: r[i->a] = r[i->b] - r[i->c]; break;
        case OP_MUL: r[i->a] = r[i->b] * r[i->c]; break;
        case OP_SHR: r[i->a] = r[i->b] >> (r[i->c] & 63); break;
        case OP_AND: r[i->a] = r[i->b] & r[i->c]; break;
        case OP_MOVE: r[i->a] = r[i->b]; break;
        case OP_JNZ:
            if (r[i->a]) {
                i = collatz + i->value - 1;
            }
            break;
        case OP_JLT:
            if (r[i->a] < r[i->b]) {
                i = collatz + i->value - 1;
            }
            break;
        case OP_HALT: return r[7];
        }
    }
}

static const Bench benches[] = {
    {"bytecode", bench_interpreter, NULL},
};

BENCH_MAIN(benches)
