#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Half precision exhaustively: our emulator against qemu-aarch64-static.

    tests/insn/half.py --binary build/dragoman
    tests/insn/half.py --binary build/dragoman --all-pairs fadd,fmul --fpcr 0

Every one-operand instruction runs on all 65536 operands, every two-operand one on all pairs of 384
telling numbers, fused multiply-add on all triples of 64, each in all rounding modes, with and
without FZ16 and DN (and AHP for conversions); results and FPSR after each must be equal. With
--all-pairs, vector instructions run on all 2^32 pairs in one mode: minutes to an hour each.
"""
import argparse
import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run  # noqa: E402

KINDS = ('one operand', 'two operands', 'three operands', 'all pairs')
ALL = 0xffffffff
VECTOR_OPS = '''fadd fsub fmul fdiv fmax fmin fmaxnm fminnm fmulx frecps frsqrts fabd fcmeq fcmge fcmgt
    facge facgt'''.split()


class Half:
    def __init__(self, opt, folder):
        payload = run.build_payload(folder, ['half.c'])
        self.emulators = run.make_emulators(opt, payload, folder)
        self.differences = 0

    def ask(self, emulator, kind, detail=0, op=ALL, fpcr=ALL, first=0, last=65535):
        request = struct.pack('<6I', kind, detail, op, fpcr, first, last)
        return emulator.run_blob(request + bytes(8))[1 - detail:]

    def compare(self, **what):
        """The lines of the two that differ, as pairs, and the number of lines."""
        reference, tested = (self.ask(e, **what) for e in self.emulators)
        if len(reference) != len(tested):
            raise SystemExit(f'{len(reference)} lines expected, {len(tested)} received')
        return [p for p in zip(reference, tested) if p[0] != p[1]], len(reference)

    def show(self, line, kind, names):
        """A hash differs: find operands for which the results do."""
        name, fpcr = line.split()[:2]
        bad, _ = self.compare(kind=kind, detail=1, op=names.index(name), fpcr=int(fpcr, 16))
        for expected, got in bad[:3]:
            _, _, operands, result, flags = expected.split()
            operands = [operands[8 - 4 * i:12 - 4 * i] for i in range(kind + 1)]
            print(f'{name} fpcr={fpcr} {" ".join(operands)}: expected {result} fpsr={flags}, '
                  f'got {" fpsr=".join(got.split()[3:])}')

    def scalar(self, kind):
        bad, count = self.compare(kind=kind)
        names = list(dict.fromkeys(ln.split()[0] for ln in self.ask(self.emulators[0], kind))) \
            if bad else []
        for expected, _ in bad[:5]:
            self.show(expected, kind, names)
        self.differences += len(bad)
        print(f'{KINDS[kind]}: {count} instructions and modes, {len(bad)} differ', flush=True)

    def pairs(self, name, fpcr, first, last):
        bad, _ = self.compare(kind=3, op=VECTOR_OPS.index(name), fpcr=fpcr, first=first, last=last)
        for expected, _ in bad[:5]:
            at = int(expected.split()[1], 16)
            print(f'{name} fpcr={fpcr:08x}: differs for a first operand of {at - 255:04x} to {at:04x}')
        self.differences += len(bad)
        print(f'{name}, fpcr={fpcr:08x}: {(last + 1 - first) * 65536} pairs, {len(bad)} differ',
              flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    run.add_emulator_arguments(ap, timeout=7200)
    ap.add_argument('--all-pairs', type=lambda s: s.split(','), default=[], metavar='NAMES',
                    help=f'of {" ".join(VECTOR_OPS)}')
    ap.add_argument('--fpcr', type=lambda s: int(s, 16), default=0, help='the mode for --all-pairs (hex)')
    ap.add_argument('--range', type=lambda s: [int(x, 16) for x in s.split('-')], default=[0, 0xffff],
                    help='first operands for --all-pairs: 3c00-3fff')
    opt = ap.parse_args()
    with tempfile.TemporaryDirectory(prefix='half-') as folder:
        half = Half(opt, folder)
        for name in opt.all_pairs:
            half.pairs(name, opt.fpcr, *opt.range)
        if not opt.all_pairs:
            for kind in range(3):
                half.scalar(kind)
    return 1 if half.differences else 0


if __name__ == '__main__':
    sys.exit(main())
