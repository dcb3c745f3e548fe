# SPDX-License-Identifier: MIT
"""scripts/bench translate: what the translator did for a guest, as the monitor's `info jit` tells.

The guest waits before and after a batch of benchmarks; then the monitor is asked, and what there
was before is taken off.  Of the benchmark `boot` everything counts.
"""

import os
import re
import tempfile

from benchguest import HOLD, READY, AskedGuest
from benchset import batches
from cache import GuestError

TOLD = r'Translator[\s\S]*\n\(dragoman\) $'   # the end of `info jit`
ROW = re.compile(r'\s*(\S.*?)\s{2,}(\d+)\s*$')
SAMPLES = re.compile(r'Profile \(\w+\): (\d+) samples, ([\d.]+)% of them in translated code')
TIER = r'(?:tier[ -]?([12])|(first|second) tier)'
# Both "tier 2: 12.3%" and "12.3% of them in tier 2".
SHARES = [re.compile(TIER + r'[^\d%,;]*([\d.]+) ?%', re.I),
          re.compile(r'([\d.]+) ?%[^,;%]*?' + TIER, re.I)]
SECOND = re.compile(r'tier[ -]?2|second tier', re.I)
# Counted once for the whole translator, or for each CPU (the sum counts).
COUNTERS = {'units invalidated': 'invalidated', 'units evicted from the code buffer': 'evicted',
            'longest step, microseconds': 'longest_evict_us',
            'halts of all vCPUs': 'halts',
            'code buffer used, bytes': 'buffer_used', 'TLB bank misses': 'tlb_misses',
            'table walks': 'walks', 'TLB flushes: all': 'flushes_all',
            'TLB flushes: by ASID': 'flushes_asid', 'TLB flushes: by page': 'flushes_page',
            'TLB banks recycled': 'banks_recycled', 'look-ups beyond the jump cache': 'lookups'}
ESTIMATE = re.compile(r'about ([\d.e+]+) million (TLB look-ups|indirect branches), ([\d.]+)% found')
ESTIMATES = ['tlb_lookups', 'tlb_found', 'indirect', 'indirect_found']
KINDS = [('units', r'\b(units|regions)\b'), ('insns', r'instructions|insns'),
         ('host_bytes', r'host bytes'), ('translate_us', r'microseconds')]


def parse(text):
    """`info jit` as a dictionary; what it does not say is missing.

    units, insns, host_bytes, translate_us; the same with `tier2_` before them; samples, and in
    percent of them: translated, tier1, tier2; COUNTERS; what the profile estimates: tlb_lookups,
    indirect, and which percentage is found: tlb_found, indirect_found.
    """
    lines_ = text.replace('\r', '').split('\n')
    # The translator's own rows come before those of the CPUs.
    end = next((i for i, line in enumerate(lines_) if re.match(r'CPU \d', line)), len(lines_))
    found = {}
    _parse_rows(lines_[:end], found)
    for line in lines_:
        match = ROW.match(line)
        if match and match[1] in COUNTERS:
            key = COUNTERS[match[1]]
            found[key] = found.get(key, 0) + int(match[2])
    for line in lines_[end:]:
        _parse_shares(line, found)
        match = ESTIMATE.search(line)
        if match:
            key = 'indirect' if match[2].startswith('indirect') else 'tlb'
            found['indirect' if key == 'indirect' else 'tlb_lookups'] = float(match[1]) * 1e6
            found[f'{key}_found'] = float(match[3])
    if 'translated' in found and 'tier2' in found:
        found.setdefault('tier1', max(found['translated'] - found['tier2'], 0.0))
    return found


def since(before, after):
    """What was counted meanwhile."""
    counts = [prefix + kind for prefix in ('', 'tier2_') for kind, _ in KINDS]
    counts += [key for key in COUNTERS.values() if key not in ('buffer_used', 'longest_evict_us')]
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
            'samples': jit.get('samples'),
            **{key: jit.get(key) for key in [*COUNTERS.values(), *ESTIMATES]}}


def lines(rows):
    """The table, with lines for the second tier where there is one."""
    yield ('Guest instructions translated, how many a second of translating, host bytes for each;')
    yield ('time translating in percent of CPU time (it is the wall clock\'s: too high on a busy')
    yield ('machine); percent of the samples in code of a tier, and elsewhere: helpers, devices,')
    yield ('the translator.')
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


def miss_lines(rows):
    """The table of what the caches missed and lost."""
    yield ('Misses of the TLB banks, table walks, look-ups of code beyond the jump cache;')
    yield ('estimated: percent of accesses to memory, of indirect branches that are found;')
    yield ('flushes of the TLB, units invalidated, units evicted from the code buffer.')
    yield ''
    heads = ('misses', 'walks', 'found %', 'look-ups', 'found %', 'all', 'ASID', 'page',
             'invalid.', 'buffer')
    yield f'{"":14}' + ''.join(f' {head:>9}' for head in heads)
    for name, row in rows:
        cells = ((row['tlb_misses'], 0), (row['walks'], 0), (row['tlb_found'], 2),
                 (row['lookups'], 0), (row['indirect_found'], 2), (row['flushes_all'], 0),
                 (row['flushes_asid'], 0), (row['flushes_page'], 0), (row['invalidated'], 0),
                 (row['evicted'], 0))
        yield f'{name:14}' + ''.join(f' {_cell(value, 9, digits)}' for value, digits in cells)


def _cell(value, width, digits):
    return ' ' * (width - 1) + '-' if value is None else f'{value:{width}.{digits}f}'


# --- asking -------------------------------------------------------------------------------------

def tell(guest):
    return guest.ask('info jit', TOLD)


def start_profile(guest):
    guest.ask('profile on', r'profile on[\s\S]*\n\(dragoman\) $')


def with_option(emulator, option):
    return emulator._replace(accel=f'{emulator.accel or "tcg"},{option}')


def measure(rig, checks, emulator, batch):
    """The figures of one batch, the monitor's answer, and what went wrong."""
    programs = [b for b in batch if b.command]
    if not programs:
        emulator = with_option(emulator, 'profile=on')
    before, seconds_before = {}, 0.0
    with tempfile.TemporaryDirectory(prefix='dragoman-bench-') as folder, \
            AskedGuest(rig.guest_command(emulator, batch, hold=True),
                       os.path.join(folder, 'console')) as guest:
        if programs:
            guest.wait_for(READY, rig.progress)
            before = parse(tell(guest))
            start_profile(guest)
            seconds_before = guest.cpu_seconds()
        guest.wait_for(HOLD, rig.progress)
        seconds = guest.cpu_seconds() - seconds_before
        text = tell(guest)
        _, _, problems = checks.collect(guest.console(), programs, emulator.path)
    jit = since(before, parse(text))
    if 'insns' not in jit:
        raise GuestError(f'"info jit" of {emulator.path} says nothing of instructions: '
                         f'{text[:500]}')
    return figures(jit, seconds), text, problems


def batch_name(batch):
    return batch[0].group + (f' x{batch[0].processors}' if batch[0].processors > 1 else '')


def run(rig, checks, emulator, benchmarks, note=lambda rows, answers: None):
    """[(group, figures)]; the monitor's answers, by group; what went wrong.  `note` is called with
    the first two after each group."""
    rows, answers, problems = [], {}, []
    for batch in batches(benchmarks):
        name = batch_name(batch)
        rig.progress.begin(name)
        try:
            row, answers[name], wrong = measure(rig, checks, emulator, batch)
        except GuestError as error:
            problems.append(f'{name}: {error}')
            continue
        problems += [f'{name}: {text}' for text in wrong]
        rows.append((name, row))
        note(rows, answers)
    rig.progress.clear()
    return rows, answers, problems
