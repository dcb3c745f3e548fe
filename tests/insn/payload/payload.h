// SPDX-License-Identifier: MIT
// The random-instruction payload: memory layout and the structures it shares with run.py.
//
// The payload is one program in two clothes: a static Linux program (for a user-mode emulator)
// and a bare image (for a system emulator). Both use the same addresses, so that results that
// contain addresses are equal. generate.py and run.py know the same numbers.
#ifndef TESTS_INSN_PAYLOAD_H
#define TESTS_INSN_PAYLOAD_H

#define PAYLOAD_BASE  0x44000000    // this program
#define BLOB_BASE     0x45000000    // header, sequences, inputs, code: made by run.py
#define BLOB_MAX      0x03000000
#define SCRATCH_BASE  0x4a000000    // 2 MiB that loads and stores may touch
#define SCRATCH_SIZE  0x00200000
#define WINDOW_OFFSET 0x00100f00    // the part that is set, hashed and dumped: crosses a page
#define WINDOW_WORDS  72

#define BLOB_MAGIC    0x646e6172    // "rand"
#define MODE_HASH     0
#define MODE_DUMP     1

// Offsets into struct State for the assembler.
#define STATE_X       0
#define STATE_SP      248
#define STATE_NZCV    256
#define STATE_FPSR    264
#define STATE_FPCR    272
#define STATE_V       320

#ifndef __ASSEMBLER__
#include <stdint.h>

// What a sequence starts from, and what it leaves.
struct State {
    uint64_t x[31], sp, nzcv, fpsr, fpcr;
    uint64_t event_count;
    uint64_t events[4];             // the first ones: offset in the sequence << 8 | enum Event
    uint64_t v[64];
    uint64_t mem[WINDOW_WORDS];
};

enum Event {
    EVENT_UNDEFINED = 1,            // the instruction is skipped
    EVENT_DATA_ABORT,               // the instruction is skipped
    EVENT_ALIGNMENT,                // the instruction is skipped
    EVENT_BREAKPOINT,               // the instruction is skipped
    EVENT_OTHER,                    // the sequence ends
};

struct Sequence {
    uint32_t code;                  // offset from BLOB_BASE
    uint32_t input;                 // index of the State to start from
};

struct Blob {
    uint32_t magic, mode, sequence_count, input_count;
    uint32_t sequences, inputs;     // offsets from BLOB_BASE
};

// Set by run.S and main.c for the exception handlers.
extern struct State result;
extern uint64_t sequence_start;

void run_sequence(const struct State *input, uint64_t code);
void sequence_end(void);

// Notes an event of the running sequence; returns where to go on.
uint64_t note_event(uint64_t pc, enum Event event);

// The two clothes.
void platform_init(void);
void platform_write(const char *text, unsigned length);
_Noreturn void platform_exit(int status);

_Noreturn void payload_main(void);
#endif

#endif
