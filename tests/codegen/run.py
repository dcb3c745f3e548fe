#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what the translator makes of fixed A64 code with what it made before.

  run.py code   sequences/NAME.s   their host code, in both tiers, with sequences/NAME.txt
  run.py run    programs/NAME.s    host instructions for each guest instruction, with programs.txt
  run.py switches                  the programs' results without each optimisation in turn
  run.py ablation                  no comparison: a table of what "run" says without each of them

None of it depends on time or on the host, as long as that has what x86-64-v3 says.  --update writes
what is so now; with it goes a reason in the commit.  Fewer instructions are no failure of "run".
"""
import argparse
import collections
import difflib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / 'programs.txt'
TOLERANCE = 0.02
CROSS = 'aarch64-linux-gnu-'
SKIPPED = 77
# Of golden code; and of executed instructions, where regions are made of what turns out to be hot.
TIERS = {'tier 1': 'off', 'tier 2': 'always'}
RUN_TIERS = {'tier 1': 'off', 'tier 2': 'auto'}
HEAD = '''\
# Of each program: guest instructions; its result; then, in each tier, host instructions in the code
# buffer for one guest instruction, and how often the code is left for C. By run.py run --update.
'''


class Skip(Exception):
    """The host lacks something."""


def assemble(folder, sources, name, sections=()):
    """The flat image of A64 source files."""
    base = pathlib.Path(folder) / name
    objects = []
    for n, source in enumerate(sources):
        objects.append(f'{base}{n}.o')
        subprocess.run([CROSS + 'as', '-march=armv8.5-a', '-o', objects[-1], source], check=True)
    subprocess.run([CROSS + 'ld', '-Ttext=0x40200000', '-z', 'max-page-size=4096',
                    '-e', '0x40200000', '-o', f'{base}.elf', *objects], check=True)
    subprocess.run([CROSS + 'objcopy', '-O', 'binary', *sections, f'{base}.elf', f'{base}.bin'],
                   check=True)
    return f'{base}.bin'


def ask(binary, *arguments):
    done = subprocess.run([binary, *arguments], stdout=subprocess.PIPE, text=True, timeout=120)
    if done.returncode == SKIPPED:
        raise Skip(done.stdout.strip())
    if done.returncode:
        raise SystemExit(f'codegen {" ".join(arguments)}: status {done.returncode}')
    return done.stdout


class Report:
    """Prints one line, or more, for each that differs, and counts."""

    def __init__(self):
        self.passed = self.failed = 0

    def ok(self, text=None):
        self.passed += 1
        if text:
            print(text)

    def wrong(self, text):
        self.failed += 1
        print(text)

    def finish(self):
        print(f'{self.passed} passed, {self.failed} failed')
        return self.failed != 0


# --- host code ------------------------------------------------------------------------------------

def count_insns(lines):
    """Those in line, and all."""
    insns = [line for line in lines if line.startswith('    ')]
    split = lines.index('  out of line:') if '  out of line:' in lines else len(lines)
    return sum(line.startswith('    ') for line in lines[:split]), len(insns)


def listing(binary, image):
    """What a golden file says."""
    text, before = [], None
    for tier, tier2 in TIERS.items():
        code = ask(binary, 'code', image, tier2).splitlines()
        if code == before:
            text += [f'{tier}: the same']
        else:
            line, whole = count_insns(code)
            text += [f'{tier}: {line} instructions in line, {whole} in all', *code]
        before = code
    return text


def counts_of(lines):
    return [line for line in lines if line.startswith('tier')]


def compare_code(binary, sources, update):
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            golden = source.with_suffix('.txt')
            now = listing(binary, assemble(folder, [source], source.stem, ['-j', '.text']))
            before = golden.read_text().splitlines() if golden.exists() else []
            if now == before:
                report.ok()
            elif update:
                golden.write_text('\n'.join(now) + '\n')
                report.ok(f'{source.stem}: written')
            else:
                report.wrong(f'{source.stem} differs:\n' + '\n'.join(
                    [f'  was {line}' for line in counts_of(before)] +
                    [f'  now {line}' for line in counts_of(now)] +
                    list(difflib.unified_diff(before, now, 'before', 'now', lineterm='', n=3))))
    return report.finish()


# --- executed instructions ------------------------------------------------------------------------

Row = collections.namedtuple('Row', 'guest result ratio1 out1 ratio2 out2')


def read_table():
    rows = {}
    for line in TABLE.read_text().splitlines() if TABLE.exists() else []:
        if not line.startswith('#'):
            name, guest, result, ratio1, out1, ratio2, out2 = line.split()
            rows[name] = Row(int(guest), result, float(ratio1), int(out1), float(ratio2), int(out2))
    return rows


def write_table(rows):
    lines = [f'{name:12} {r.guest:7} {r.result} {r.ratio1:7.3f} {r.out1:6} '
             f'{r.ratio2:7.3f} {r.out2:6}' for name, r in sorted(rows.items())]
    TABLE.write_text(HEAD + '\n'.join(lines) + '\n')


def measure(binary, image):
    guest, result = ask(binary, 'guest', image).split()
    row = [int(guest), result]
    for tier2 in RUN_TIERS.values():
        insns, out, again = ask(binary, 'run', image, tier2).split()
        if again != result:
            raise SystemExit(f'{image}: with tier2={tier2} the result is {again}, not {result}')
        row += [round(int(insns) / int(guest), 3), int(out)]
    return Row(*row)


def judge(before, now):
    """Complaints, and news that are good."""
    bad, good = [], []
    if (before.guest, before.result) != (now.guest, now.result):
        bad.append(f'takes {now.guest} guest instructions to {now.result}; '
                   f'was {before.guest} to {before.result}')
    for tier, n in (('tier 1', 2), ('tier 2', 4)):
        change = now[n] / before[n] - 1
        text = f'{tier}: {now[n]:.3f} host instructions each, was {before[n]:.3f} ({change:+.1%})'
        if change > TOLERANCE:
            bad.append(text)
        elif change < -TOLERANCE:
            good.append(text)
        if now[n + 1] > before[n + 1] * (1 + TOLERANCE) + 2:
            bad.append(f'{tier}: leaves the code {now[n + 1]} times, was {before[n + 1]}')
    return bad, good


def compare_runs(binary, sources, update):
    report, rows = Report(), read_table()
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            name = source.stem
            now = measure(binary, assemble(folder, [HERE / 'start.s', source], name))
            bad, good = judge(rows[name], now) if name in rows else (['is new'], [])
            if update:
                rows[name] = now
                report.ok(f'{name}: ' + '; '.join(bad + good or ['as it was']))
            elif bad:
                report.wrong('\n'.join(f'{name}: {text}' for text in bad))
            else:
                report.ok('\n'.join(f'{name}: better, run with --update: {text}' for text in good))
    if update:
        write_table(rows)
    return report.finish()


# --- without single optimisations -----------------------------------------------------------------

def images(folder, sources):
    return {s.stem: assemble(folder, [HERE / 'start.s', s], s.stem) for s in sources}


def check_switches(binary, sources):
    report, rows = Report(), read_table()
    with tempfile.TemporaryDirectory() as folder:
        made = images(folder, sources)
        for switch in ask(binary, 'switches').split():
            wrong = [f'{switch}: {name} with tier2={tier2}'
                     for name, image in made.items() for tier2 in TIERS.values()
                     if ask(binary, 'result', image, tier2, switch).strip() != rows[name].result]
            if wrong:
                report.wrong('\n'.join(f'{text} has another result' for text in wrong))
            else:
                report.ok()
    return report.finish()


def ablation(binary, sources):
    """By how many percent more host instructions are executed without each."""
    print(f'{"":24}' + ''.join(f'{s.stem[:8]:>9}' for s in sources))
    with tempfile.TemporaryDirectory() as folder:
        made = images(folder, sources)
        for tier, tier2 in RUN_TIERS.items():
            counts = {name: int(ask(binary, 'run', image, tier2).split()[0])
                      for name, image in made.items()}
            print(f'{tier}, instructions:'.ljust(24) + ''.join(f'{n:9}' for n in counts.values()))
            for switch in ask(binary, 'switches').split():
                more = [int(ask(binary, 'run', image, tier2, switch).split()[0]) / counts[name] - 1
                        for name, image in made.items()]
                print(f'{switch:24}' + ''.join(f'{m:9.1%}' if abs(m) >= 0.0005 else f'{"-":>9}'
                                               for m in more), flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['code', 'run', 'switches', 'ablation'])
    parser.add_argument('--binary', default='build/tests/codegen/codegen')
    parser.add_argument('--only', metavar='NAME,...', help='these only')
    parser.add_argument('--update', action='store_true', help='write down what is so now')
    options = parser.parse_args()
    folder = HERE / ('sequences' if options.what == 'code' else 'programs')
    wanted = options.only.split(',') if options.only else None
    sources = [s for s in sorted(folder.glob('*.s')) if not wanted or s.stem in wanted]
    try:
        if options.what == 'switches':
            return check_switches(options.binary, sources)
        if options.what == 'ablation':
            return ablation(options.binary, sources)
        compare = compare_code if options.what == 'code' else compare_runs
        return compare(options.binary, sources, options.update)
    except Skip as reason:
        print(f'skipped: {reason}')
        return SKIPPED


if __name__ == '__main__':
    sys.exit(main())
