# SPDX-License-Identifier: MIT
"""scripts/bench translate: what the translator did for a guest, as the monitor's `info jit` tells.

The guest waits before and after a batch of benchmarks; then the monitor is asked, and what there was
before is taken off.  Of the benchmark `boot` everything counts.
"""

import os
import re
import select
import subprocess
import tempfile
import time

from benchset import batches
from cache import GuestError

HOLD_SECONDS = 600
ANSWER_SECONDS = 20
TOLD = r'Translator[\s\S]*\n\(dragoman\) $'   # the end of `info jit`
ROW = re.compile(r'\s*(\S.*?)\s{2,}(\d+)\s*$')
SAMPLES = re.compile(r'Profile \(\w+\): (\d+) samples, ([\d.]+)% of them in translated code')
TIER = r'(?:tier[ -]?([12])|(first|second) tier)'
# Both "tier 2: 12.3%" and "12.3% of them in tier 2".
SHARES = [re.compile(TIER + r'[^\d%,;]*([\d.]+) ?%', re.I),
          re.compile(r'([\d.]+) ?%[^,;%]*?' + TIER, re.I)]
SECOND = re.compile(r'tier[ -]?2|second tier', re.I)
KINDS = [('units', r'\b(units|regions)\b'), ('insns', r'instructions|insns'),
         ('host_bytes', r'host bytes'), ('translate_us', r'microseconds')]


def parse(text):
    """`info jit` as a dictionary; what it does not say is missing.

    units, insns, host_bytes, translate_us; the same with `tier2_` before them; samples, and in
    percent of them: translated, tier1, tier2.
    """
    lines_ = text.replace('\r', '').split('\n')
    # The translator's own rows come before those of the CPUs.
    end = next((i for i, line in enumerate(lines_) if re.match(r'CPU \d', line)), len(lines_))
    found = {}
    _parse_rows(lines_[:end], found)
    for line in lines_[end:]:
        _parse_shares(line, found)
    if 'translated' in found and 'tier2' in found:
        found.setdefault('tier1', max(found['translated'] - found['tier2'], 0.0))
    return found


def since(before, after):
    """What was counted meanwhile."""
    counts = [prefix + kind for prefix in ('', 'tier2_') for kind, _ in KINDS]
    return {key: value - before.get(key, 0) if key in counts else value
            for key, value in after.items()}


def _parse_rows(lines_, found):
    """A row is the second tier's when it says so, or stands indented below one that does."""
    second_indent = None
    for line in lines_:
        indent = len(line) - len(line.lstrip())
        if second_indent is not None and indent <= second_indent:
            second_indent = None
        if second_indent is None and SECOND.search(line):
            second_indent = indent
        match = ROW.match(line)
        for kind, pattern in KINDS if match else ():
            if re.search(pattern, match[1]):
                found.setdefault(('' if second_indent is None else 'tier2_') + kind, int(match[2]))
                break


def _parse_shares(line, found):
    match = SAMPLES.search(line)
    if match:
        found['samples'], found['translated'] = int(match[1]), float(match[2])
    for match in SHARES[0].finditer(line):
        _note_share(found, match[1], match[2], match[3])
    for match in SHARES[1].finditer(line):
        _note_share(found, match[2], match[3], match[1])


def _note_share(found, number, word, percent):
    tier = number or {'first': '1', 'second': '2'}[word.lower()]
    found.setdefault(f'tier{tier}', float(percent))


def figures(jit, cpu_seconds):
    """What the table shows, None where it is not known."""
    def over(above, below):
        return jit[above] / jit[below] if jit.get(below) and above in jit else None

    def per_second(insns, micros):
        ratio = over(insns, micros)
        return None if ratio is None else ratio * 1e6

    def share(micros):
        return jit[micros] / 1e4 / cpu_seconds if micros in jit and cpu_seconds > 0 else None

    first = jit.get('tier1', jit.get('translated'))
    translating = [share(key) for key in ('translate_us', 'tier2_translate_us') if key in jit]
    return {'insns': jit.get('insns'), 'insns_per_second': per_second('insns', 'translate_us'),
            'host_bytes_per_insn': over('host_bytes', 'insns'),
            'tier2_insns': jit.get('tier2_insns'),
            'tier2_insns_per_second': per_second('tier2_insns', 'tier2_translate_us'),
            'tier2_host_bytes_per_insn': over('tier2_host_bytes', 'tier2_insns'),
            'cpu_seconds': cpu_seconds, 'share_translating': sum(translating) if translating else
            None, 'share_tier1': first, 'share_tier2': jit.get('tier2'),
            'samples': jit.get('samples')}


def lines(rows):
    """The table, with lines for the second tier where there is one."""
    yield ('Guest instructions translated, how many a second of translating, host bytes for each;')
    yield ('time translating in percent of CPU time (it is the wall clock\'s: too high on a busy')
    yield ('machine); percent of the samples in code of a tier, and elsewhere: helpers, devices, the')
    yield ('translator.')
    yield ''
    yield (f'{"":14} {"insns":>9} {"insns/s":>9} {"bytes/insn":>10} {"CPU s":>7} {"transl. %":>9} '
           f'{"tier 1 %":>8} {"tier 2 %":>8} {"elsewhere":>9}')
    for name, row in rows:
        first, second = row['share_tier1'], row['share_tier2']
        rest = None if first is None else 100 - first - (second or 0)
        yield (f'{name:14} {_cell(row["insns"], 9, 0)} {_cell(row["insns_per_second"], 9, 0)} '
               f'{_cell(row["host_bytes_per_insn"], 10, 1)} {_cell(row["cpu_seconds"], 7, 2)} '
               f'{_cell(row["share_translating"], 9, 1)} {_cell(first, 8, 1)} '
               f'{_cell(second, 8, 1)} {_cell(rest, 9, 1)}').rstrip()
        if row['tier2_insns'] is not None:
            yield (f'{"  tier 2":14} {_cell(row["tier2_insns"], 9, 0)} '
                   f'{_cell(row["tier2_insns_per_second"], 9, 0)} '
                   f'{_cell(row["tier2_host_bytes_per_insn"], 10, 1)}').rstrip()


def _cell(value, width, digits):
    return ' ' * (width - 1) + '-' if value is None else f'{value:{width}.{digits}f}'


# --- a guest that is asked ----------------------------------------------------------------------

def _cpu_seconds(pid):
    with open(f'/proc/{pid}/stat') as handle:
        fields = handle.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class _Asked:
    """An emulator whose console goes to a file and whose monitor is on its standard streams."""

    def __init__(self, command, log):
        # The board's command line has -nographic, which would mix both.
        command = [word for word in command if word != '-nographic']
        command += ['-display', 'none', '-serial', f'file:{log}', '-monitor', 'stdio']
        self.log, self.command = log, command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def console(self):
        try:
            with open(self.log, errors='replace') as handle:
                return handle.read().replace('\r', '')
        except FileNotFoundError:
            return ''

    def wait_for(self, line, progress):
        deadline = time.monotonic() + HOLD_SECONDS
        while line not in self.console().split('\n'):
            begun = re.findall(r'^begin (\w+)$', self.console(), re.M)
            progress.show(begun[-1] if begun else '')
            if self.process.poll() is not None:
                raise GuestError(f'{" ".join(self.command)}\n{self.console()[-2000:]}\n'
                                 f'{self.process.stdout.read().decode(errors="replace").strip()}\n'
                                 f'the emulator ended with status {self.process.returncode}')
            if time.monotonic() > deadline:
                raise GuestError(f'{" ".join(self.command)}\n{self.console()[-2000:]}\n'
                                 f'the guest did not finish within {HOLD_SECONDS} s')
            time.sleep(0.05)

    def ask(self, command, until):
        self.process.stdin.write(f'{command}\n'.encode())
        self.process.stdin.flush()
        text, deadline = '', time.monotonic() + ANSWER_SECONDS
        while not re.search(until, text):
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(0, deadline - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b''
            if not data:
                raise GuestError(f'the monitor did not answer "{command}": {text[-500:]}')
            text += data.decode(errors='replace').replace('\r', '')
        return text

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def measure(rig, checks, emulator, batch):
    """The figures of one batch."""
    programs = [b for b in batch if b.command]
    accel = (emulator.accel or 'tcg') + ('' if programs else ',profile=on')
    before, seconds_before = {}, 0.0
    with tempfile.TemporaryDirectory(prefix='dragoman-bench-') as folder:
        guest = _Asked(rig.guest_command(emulator._replace(accel=accel), batch, hold=True),
                       os.path.join(folder, 'console'))
        try:
            if programs:
                guest.wait_for('begin ready', rig.progress)
                before = parse(guest.ask('info jit', TOLD))
                guest.ask('profile on', r'profile on[\s\S]*\n\(dragoman\) $')
                seconds_before = _cpu_seconds(guest.process.pid)
            guest.wait_for('begin hold', rig.progress)
            seconds = _cpu_seconds(guest.process.pid) - seconds_before
            text = guest.ask('info jit', TOLD)
            checks.collect(guest.console(), programs, emulator.path)
        finally:
            guest.end()
    jit = since(before, parse(text))
    if 'insns' not in jit:
        raise GuestError(f'"info jit" of {emulator.path} says nothing of instructions: '
                         f'{text[:500]}')
    return figures(jit, seconds), text


def run(rig, checks, emulator, benchmarks):
    """[(group, figures)]; and the monitor's answers, by group."""
    rows, answers = [], {}
    for batch in batches(benchmarks):
        name = batch[0].group + (f' x{batch[0].processors}' if batch[0].processors > 1 else '')
        rig.progress.begin(name)
        row, answers[name] = measure(rig, checks, emulator, batch)
        rows.append((name, row))
    rig.progress.clear()
    return rows, answers
