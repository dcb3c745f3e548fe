#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that a compiler does not check.

  floors     a file includes only from its own floor or from floors below it
  sizes      .c and .h files stay within 1500 lines; 90 % of the functions within 40
  heads      every source file opens with an SPDX line and a comment that says what it is
  globals    no object file of the program has writable data (needs --objects DIR)

Prints one line for each breach and ends with status 1 if there was one.
"""
import argparse
import pathlib
import re
import subprocess
import sys

# Folder prefix -> (floor, further prefixes it may include from). The longest prefix counts.
# What a floor may include is every lower floor, its own folder, and the extras.
FLOORS = {
    'util': (0, []),
    'tcg': (1, []),
    'softmmu': (1, []),
    'block': (1, []),
    'fsdev': (1, []),
    'net': (1, []),
    'chardev': (1, ['softmmu/mainloop.h']),
    'monitor': (1, ['chardev']),
    'symbols': (1, []),
    'target/arm': (2, ['tcg/ir', 'tcg/builder.h', 'softmmu', 'hw/core/irq.h']),
    'hw': (2, ['softmmu', 'block', 'fsdev', 'net', 'chardev', 'symbols']),
    # hw/core has the table of boards.
    'hw/core': (2, ['softmmu', 'block', 'fsdev', 'net', 'chardev', 'hw/arm']),
    'hw/arm': (3, ['target/arm/cpu.h']),
    'accel': (3, ['tcg', 'softmmu']),
    'gdb': (3, ['accel/accel.h']),
    'cli': (4, []),
}
# Floor-1 folders know each other only where listed; target/ and hw/ do not know each other.
ROOTS = sorted({p.split('/')[0] for p in FLOORS})
MAX_FILE_LINES = 1500
MAX_FUNCTION_LINES = 40
FUNCTION_SHARE = 0.90


def place(path):
    """The longest prefix of FLOORS that holds `path`, or None."""
    best = None
    for prefix in FLOORS:
        if path == prefix or path.startswith(prefix + '/'):
            if best is None or len(prefix) > len(best):
                best = prefix
    return best


def include_allowed(source, target):
    home, there = place(source), place(target)
    if home is None or there is None or home.split('/')[0] == there.split('/')[0] and \
            FLOORS[there][0] <= FLOORS[home][0]:
        return True
    floor, extras = FLOORS[home]
    if any(target == e or target.startswith(e) for e in extras):
        return True
    if floor == 4:
        return True
    if floor >= 3 and FLOORS[there][0] < floor:
        return not (there == 'tcg' and home != 'accel') and there != 'target/arm'
    return FLOORS[there][0] == 0


def sources(top):
    for root in ROOTS:
        for path in sorted((top / root).rglob('*.[ch]')):
            yield path


def check_includes(path, name, text):
    for number, line in enumerate(text.splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if m and not include_allowed(name, m.group(1)):
            yield f'{name}:{number}: {place(name)} must not include {m.group(1)}'


def check_head(path, name, text):
    lines = text.splitlines()
    if not lines or 'SPDX-License-Identifier: MIT' not in lines[0]:
        yield f'{name}:1: no SPDX line'
    elif sum(l.startswith('//') for l in lines[1:17]) < 2:
        yield f'{name}:1: no opening comment that says what the file is'


def function_lengths(text):
    """Lines of each function body in our layout: '{' and '}' alone in column 0."""
    start = None
    for number, line in enumerate(text.splitlines()):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            yield number - start - 1
            start = None


def check_sizes(files):
    lengths = []
    for name, text in files:
        lines = text.count('\n')
        if lines > MAX_FILE_LINES:
            yield f'{name}: {lines} lines, more than {MAX_FILE_LINES}: cut along a concept'
        if name.endswith('.c'):
            lengths += function_lengths(text)
    within = sum(n <= MAX_FUNCTION_LINES for n in lengths)
    if lengths and within < FUNCTION_SHARE * len(lengths):
        yield (f'only {100 * within // len(lengths)} % of {len(lengths)} functions are within '
               f'{MAX_FUNCTION_LINES} lines')


def check_globals(objects):
    for obj in sorted(objects.rglob('*.o')):
        parts = obj.relative_to(objects).parts
        if parts[0] == 'tests' or not any(place(r) is not None for r in [parts[0]]):
            if parts[0] not in ROOTS:
                continue
        out = subprocess.run(['nm', str(obj)], capture_output=True, text=True).stdout
        for line in out.splitlines():
            m = re.match(r'\S*\s+([dDbBC])\s+(\S+)$', line)
            if m and not re.match(r'(__|_GLOBAL|\.|DW\.ref|llvm|asan|\.LASAN)', m.group(2)):
                if relocated_const(obj, m.group(2)):
                    continue
                yield f'{obj.name}: writable global {m.group(2)}'


def relocated_const(obj, symbol):
    """Constant tables of pointers stand in .data.rel.ro, which nm shows as 'd'."""
    out = subprocess.run(['objdump', '-t', str(obj)], capture_output=True, text=True).stdout
    for line in out.splitlines():
        if line.split() and line.split()[-1] == symbol:
            return '.data.rel.ro' in line
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--top', type=pathlib.Path, default=pathlib.Path('.'))
    parser.add_argument('--objects', type=pathlib.Path, help='build folder, for `globals`')
    args = parser.parse_args()
    files, breaches = [], []
    for path in sources(args.top):
        name, text = str(path.relative_to(args.top)), path.read_text()
        files.append((name, text))
        breaches += check_includes(path, name, text)
        breaches += check_head(path, name, text)
    breaches += check_sizes(files)
    if args.objects:
        breaches += check_globals(args.objects)
    for b in breaches:
        print(b)
    print(f'lint: {len(files)} files, {len(breaches)} breaches')
    return 1 if breaches else 0


if __name__ == '__main__':
    sys.exit(main())
