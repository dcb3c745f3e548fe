# SPDX-License-Identifier: MIT
"""scripts/bench tb-size: Dragoman with a small code buffer against one with a large one.

When the buffer is full, its oldest code goes.  Times come from turns of both (benchrun.run_pairs),
what was evicted from one more guest of each that is asked for `info jit`.
"""

from benchjit import batch_name, measure, with_option
from benchset import batches
from benchstats import group_ratios, known, ratios, spread
from cache import GuestError

SMALL, LARGE = 'small', 'large'
SIZES = {SMALL: 8, LARGE: 1024}     # MiB
WORKLOADS = ['boot', 'pi', 'sort', 'calls', 'bytecode', 'perl', 'awk', 'syscalls', 'forkexec',
             'gzip', 'bzip2', 'xz', 'sqlite']


def variants(emulator):
    return {who: with_option(emulator, f'tb-size={mib}') for who, mib in SIZES.items()}


def count(run_, benchmarks):
    """{group: {who: figures of `info jit`}}"""
    counted = {}
    for batch in batches(benchmarks):
        name = batch_name(batch)
        for who, emulator in run_.emulators.items():
            run_.rig.progress.begin(f'counting, {name}, {who}')
            try:
                row, _, _ = measure(run_.rig, run_.checks, emulator, batch)
                counted.setdefault(name, {})[who] = row
            except GuestError as error:
                run_.problems.append(f'{name}: {error}')
    run_.rig.progress.clear()
    return counted


def summarise(seconds, benchmarks):
    """By benchmark, and by group of several: median and range of the small one's time over the
    large one's."""
    groups, result = {}, {}
    for b in benchmarks:
        groups.setdefault(b.group, []).append(b.name)
        values = ratios(seconds[SMALL][b.name], seconds[LARGE][b.name])
        if values:
            result[b.name] = spread(values)
    for group, names in groups.items():
        values = group_ratios(seconds[SMALL], seconds[LARGE], names)
        if values and len(names) > 1:
            result[f'({group})'] = spread(values)
    return result


def lines(summary, seconds, counted, pairs):
    yield (f'Times as long with a code buffer of {SIZES[SMALL]} MiB as with {SIZES[LARGE]} MiB: '
           f'medians of {pairs} pair(s), with their range.')
    yield ''
    for name, (middle, low, high) in summary.items():
        text = f'{name:14} {middle:7.3f} {low:6.2f}-{high:<6.2f}'
        for who in SIZES:
            values = known(seconds[who].get(name, []))
            text += f' {min(values):9.3f} s' if values else ''
        yield text.rstrip()
    yield ''
    yield (f'{"while it ran":14} ' + ''.join(f'{text:>18}' for text in (
        'units evicted', 'longest step, ms', 'vCPUs halted', 'instr. translated', 'bytes at the end')))
    for name, row in counted.items():
        for who, figures in row.items():
            cells = (figures['evicted'], (figures['longest_evict_us'] or 0) / 1000, figures['halts'],
                     figures['insns'], figures['buffer_used'])
            yield (f'{name:14} ' + ''.join(f'{value:>18}' for value in cells) +
                   f'   {SIZES[who]} MiB')
