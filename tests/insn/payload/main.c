// SPDX-License-Identifier: MIT
// The random-instruction payload: runs every sequence of the blob and reports what it left,
// as a hash or in full. The report is text: `h INDEX HASH`, or `d INDEX WORD...`, then `end`.
#include "payload.h"

struct State result;
uint64_t sequence_start;

static char line[32 + sizeof(struct State) / 8 * 17];
static unsigned line_length;

static void put_char(char c)
{
    line[line_length++] = c;
}

static void put_hex(uint64_t value, int digits)
{
    while (digits--) {
        put_char("0123456789abcdef"[(value >> (digits * 4)) & 15]);
    }
}

static void put_end(void)
{
    put_char('\n');
    platform_write(line, line_length);
    line_length = 0;
}

uint64_t note_event(uint64_t pc, enum Event event)
{
    if (pc < BLOB_BASE || pc >= BLOB_BASE + BLOB_MAX) {
        event = EVENT_OTHER;
        pc = sequence_start;
    }
    if (result.event_count < 4) {
        result.events[result.event_count] = (pc - sequence_start) << 8 | event;
    }
    result.event_count++;
    if (event == EVENT_OTHER || result.event_count > 1000) {
        return (uint64_t)sequence_end;
    }
    return pc + 4;
}

static uint64_t hash_state(const struct State *s)
{
    const uint64_t *word = (const uint64_t *)s;
    uint64_t h = 0xcbf29ce484222325;

    for (unsigned i = 0; i < sizeof(*s) / 8; i++) {
        h = (h ^ word[i]) * 0x100000001b3;
        h ^= h >> 29;
    }
    return h;
}

static void run_one(const struct State *input, uint64_t code)
{
    volatile uint64_t *window = (volatile uint64_t *)(SCRATCH_BASE + (uint64_t)WINDOW_OFFSET);

    for (unsigned i = 0; i < WINDOW_WORDS; i++) {
        window[i] = input->mem[i];
    }
    result.event_count = 0;
    for (unsigned i = 0; i < 4; i++) {
        result.events[i] = 0;
    }
    sequence_start = code;
    run_sequence(input, code);
    for (unsigned i = 0; i < WINDOW_WORDS; i++) {
        result.mem[i] = window[i];
    }
}

_Noreturn void payload_main(void)
{
    platform_init();
    const struct Blob *blob = (const struct Blob *)(uint64_t)BLOB_BASE;
    if (blob->magic != BLOB_MAGIC) {
        platform_write("no blob\n", 8);
        platform_exit(1);
    }
    const struct Sequence *seq = (const void *)(BLOB_BASE + (uint64_t)blob->sequences);
    const struct State *inputs = (const void *)(BLOB_BASE + (uint64_t)blob->inputs);
    for (uint32_t i = 0; i < blob->sequence_count; i++) {
        run_one(&inputs[seq[i].input], BLOB_BASE + (uint64_t)seq[i].code);
        put_char(blob->mode == MODE_DUMP ? 'd' : 'h');
        put_char(' ');
        put_hex(i, 6);
        if (blob->mode == MODE_DUMP) {
            for (unsigned k = 0; k < sizeof(result) / 8; k++) {
                put_char(' ');
                put_hex(((const uint64_t *)&result)[k], 16);
            }
        } else {
            put_char(' ');
            put_hex(hash_state(&result), 16);
        }
        put_end();
    }
    platform_write("end\n", 4);
    platform_exit(0);
}
