#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is not there is UNDEFINED: no unallocated word, and no instruction of a feature that the CPU
does not announce, does anything but raise that exception.

    tests/insn/undefined.py --binary build/dragoman

Words run from random states; each must be counted as undefined, and nothing else may change. There
is no reference: the specification of the decoder, which tests/decode checks, says what is allocated.
"""
import argparse
import os
import random
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import generate  # noqa: E402
import run  # noqa: E402

# Extensions that no model has, as (name, value, mask).
ABSENT = [
    ('SVE integer and moves', 0x04000000, 0xff000000), ('SVE predicates', 0x25000000, 0xff000000),
    ('SVE floating point', 0x65000000, 0xff000000), ('SVE loads', 0xa4000000, 0xfe000000),
    ('SVE stores', 0xe4000000, 0xfe000000), ('SME', 0x80000000, 0xe2000000),
    ('SME moves', 0xc0000000, 0xff000000),
    ('ADDG, SUBG', 0x91800000, 0xbfc0c000), ('IRG', 0x9ac01000, 0xffe0fc00),
    ('GMI', 0x9ac01400, 0xffe0fc00), ('SUBP', 0x9ac00000, 0xdfe0fc00),
    ('STG and kin', 0xd9200000, 0xff200000), ('STGP', 0x68000000, 0xfe400000),
    ('LD64B, ST64B', 0xf83f9000, 0xffff8c00), ('CPY, SET', 0x19000400, 0x3f200c00),
    ('TSTART, TTEST, TCOMMIT', 0xd5233060, 0xfffffee0), ('WFET, WFIT', 0xd5031000, 0xffffffc0),
    ('BC.cond', 0x54000010, 0xff000010), ('UDF', 0x00000000, 0xffff0000),
]
# What an Armv8.0 processor has nothing of.
V8_0 = {None, 'CRC32', 'AES', 'PMULL', 'SHA1', 'SHA256'}
WORDS_IN_ONE = 8
SEQUENCES = 2000


class Words:
    """Random words that must be undefined, each with its reason."""

    def __init__(self, seed, old):
        self.rng, self.old = random.Random(seed), old
        self.spec = generate.load_spec()
        self.absent = [r for r in self.spec.rows if r.feature not in V8_0]

    def pick(self):
        kind = self.rng.randrange(4)
        if self.old and kind < 2:
            row = self.rng.choice(self.absent)
            word = (self.rng.getrandbits(32) & ~row.mask) | row.value
            return word, f'{row.name} of {row.feature}'
        if kind == 2:
            name, value, mask = self.rng.choice(ABSENT)
            return (self.rng.getrandbits(32) & ~mask) | value, name
        row = self.rng.choice(self.spec.rows)
        near = ((self.rng.getrandbits(32) & ~row.mask) | row.value) ^ 1 << self.rng.randrange(32)
        return near if kind == 1 else self.rng.getrandbits(32), 'unallocated'

    def next(self):
        while True:
            word, why = self.pick()
            row = next((r for r in self.spec.rows if r.matches(word)), None)
            if row is None or self.old and row.feature not in V8_0:
                return word, why


def expected(inputs, words):
    """The state after them: as before, but for the exceptions."""
    state = list(struct.unpack(f'<{generate.STATE_WORDS}Q', inputs))
    state[35] = len(words)
    state[36:40] = [4 * (i + 1) << 8 | 1 for i in range(4)]
    return state


def check(emulator, words, gen):
    """The number of sequences that went wrong."""
    inputs = [gen.input() for _ in range(64)]
    sequences = [[words.next() for _ in range(WORDS_IN_ONE)] for _ in range(SEQUENCES)]
    lines = emulator.run([([w for w, _ in s], i % 64) for i, s in enumerate(sequences)], inputs, run.DUMP)
    assert len(lines) == SEQUENCES
    bad = 0
    for i, (line, sequence) in enumerate(zip(lines, sequences)):
        got = [int(w, 16) for w in line.split()[1:]]
        want = expected(inputs[i % 64], sequence)
        for k in (34,):                                 # FPCR has bits that depend on the model
            want[k] = got[k]
        if got != want:
            bad += 1
            names = [n for n, g, w in zip(run.NAMES, got, want) if g != w]
            if bad <= 5:
                print(f'not all undefined ({", ".join(names)[:100]}):')
                for word, why in sequence:
                    print(f'  {word:08x}  {run.disassemble(word, 0):40} {why}')
    return bad


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    run.add_emulator_arguments(ap, timeout=120)
    ap.add_argument('--seed', type=int, default=1)
    opt = ap.parse_args()
    extra, bad = opt.extra, 0
    with tempfile.TemporaryDirectory(prefix='undefined-') as folder:
        payload = run.build_payload(folder)
        gen = generate.Generator(opt.seed, 'integer')
        for model in ('max', 'cortex-a53'):
            opt.extra = f'{extra} -cpu {model}'
            _, emulator = run.make_emulators(opt, payload, folder)
            bad += check(emulator, Words(opt.seed, model != 'max'), gen)
    print(f'{2 * SEQUENCES * WORDS_IN_ONE} words, seed {opt.seed}: {bad} sequences went wrong')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
