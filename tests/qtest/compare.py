#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same qtest scripts to Dragoman and to qemu-system-aarch64: every answer must be the same.

A script (scripts/*.qtest) is lines of the protocol. Besides:

  # ...              a comment
  machine ARGUMENTS  of the command line
  reference ARGUMENTS  more of them, for the reference only
  sweep FIRST LAST   readl of every word from FIRST to LAST
  fill FIRST LAST V  writel of V to every word
  differs WHY        the answer to the next line (or to words of the next sweep that are named:
                     "differs 0x100-0x1fc WHY") is not the reference's, and that is right

CPUs do not run, neither here nor there (the reference is started with -S, because Debian's has no
-accel qtest), so the clock commands are left to test_protocol.py.
"""
import argparse
import pathlib
import re
import sys

from qtest import Qtest

HERE = pathlib.Path(__file__).resolve().parent


class Step:
    """A line to send; `differs` is why another answer than the reference's is right."""

    def __init__(self, line, differs=None):
        self.line, self.differs = line, differs


def parse(path):
    """The machine's arguments, the reference's own, and the steps of a script."""
    arguments, extra, steps, waiting = ['-machine', 'virt', '-cpu', 'cortex-a57'], [], [], []
    for line in path.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith('#'):
            continue
        if words[0] == 'machine':
            arguments = words[1:]
        elif words[0] == 'reference':
            extra = words[1:]
        elif words[0] == 'differs':
            m = re.match(r'(0x[0-9a-f]+)(?:-(0x[0-9a-f]+))?$', words[1])
            bounds = (int(m[1], 16), int(m[2] or m[1], 16)) if m else None
            waiting.append((bounds, ' '.join(words[2 if m else 1:])))
        else:
            steps += expand(words, line, waiting)
            waiting = []
    return arguments, extra, steps


def expand(words, line, waiting):
    if words[0] not in ('sweep', 'fill'):
        yield Step(line.strip(), waiting[0][1] if waiting else None)
        return
    first, last = int(words[1], 0), int(words[2], 0)
    for address in range(first, last + 1, 4):
        why = [w for bounds, w in waiting
               if bounds is None or bounds[0] <= address - first <= bounds[1]]
        if words[0] == 'sweep':
            yield Step(f'readl 0x{address:x}', why[0] if why else None)
        else:
            yield Step(f'writel 0x{address:x} {words[3]}')


def answers(binary, arguments, steps):
    with Qtest(binary, arguments) as emulator:
        for step in steps:
            answer = emulator.command(step.line)
            news, emulator.news = emulator.news, []
            yield ' '.join([answer, *news])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--binary', required=True)
    parser.add_argument('--reference', default='qemu-system-aarch64')
    parser.add_argument('--show', action='store_true', help='every line that differs, justified or not')
    parser.add_argument('scripts', nargs='*', type=pathlib.Path)
    args = parser.parse_args()
    passed = failed = 0
    for path in args.scripts or sorted((HERE / 'scripts').glob('*.qtest')):
        arguments, extra, steps = parse(path)
        ours = answers(args.binary, ['-accel', 'qtest', *arguments], steps)
        theirs = answers(args.reference, ['-S', '-net', 'none', *arguments, *extra], steps)
        bad = 0
        for step, mine, wanted in zip(steps, ours, theirs):
            if mine != wanted and (not step.differs or args.show):
                print(f'{path.name}: {step.line}: {mine}, the reference says {wanted}'
                      f'{"" if not step.differs else " (" + step.differs + ")"}')
            bad += mine != wanted and not step.differs
        print(f'{path.name}: {len(steps)} lines, {bad} differ')
        passed, failed = passed + (bad == 0), failed + (bad != 0)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
