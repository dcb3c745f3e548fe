# SPDX-License-Identifier: MIT
"""scripts/bench memory: what an emulator takes of the host's memory beyond the guest's own.

The host's kernel tells of each mapping how many of its pages are there.  The guest's RAM is shared
memory with a name (both are told to take such), and is left out; what is mapped twice, as the code
buffer, counts once (proportional set size), and a library that others use, too, for its share.

Looked at twenty times a second while the guest boots and runs its programs, and once at the end.
"""

import os
import re
import tempfile

from benchguest import HOLD, AskedGuest
from benchjit import batch_name
from benchset import MEMORY_LIMITS, MEMORY_LIMIT, batches
from cache import GuestError

GUEST_MIB = 512     # that of emulator.base_command
GUEST_RAM = re.compile(r'/memfd:(ram|memory-backend-memfd) ')
CODE = re.compile(r'/dev/zero |/memfd:tcg-jit ')    # Dragoman's, QEMU's where it is mapped twice
MAPPING = re.compile(r'[0-9a-f]+-[0-9a-f]+ (....) \S+ \S+ \S+ *(.*)')


def parse(smaps):
    """KiB of /proc/PID/smaps: `total` without the guest's RAM, `code` buffer, `files` (program and
    libraries), and `guest` RAM."""
    sums = dict.fromkeys(('total', 'code', 'files', 'guest'), 0)
    kind = None
    for line in smaps.split('\n'):
        match = MAPPING.match(line)
        if match:
            name = match[2] + ' '
            kind = ('guest' if GUEST_RAM.match(name) else 'code' if CODE.match(name) else
                    'files' if name.startswith('/') else None)
        elif line.startswith('Pss:'):
            kib = int(line.split()[1])
            if kind:
                sums[kind] += kib
            if kind != 'guest':
                sums['total'] += kib
    return sums


def with_named_ram(command):
    """The guest's RAM is anonymous memory without this."""
    return command + ['-object', f'memory-backend-memfd,id=ram,size={GUEST_MIB}M,share=on',
                      '-machine', 'memory-backend=ram']


def measure(rig, checks, emulator, batch):
    """The highest sums of one guest, in KiB; and what went wrong."""
    peak = {}

    def look():
        try:
            with open(f'/proc/{guest.process.pid}/smaps') as handle:
                now = parse(handle.read())
        except (FileNotFoundError, ProcessLookupError):
            return
        if now['total'] >= peak.get('total', 0):
            peak.update(now)

    with tempfile.TemporaryDirectory(prefix='dragoman-bench-') as folder, \
            AskedGuest(with_named_ram(rig.guest_command(emulator, batch, hold=True)),
                       os.path.join(folder, 'console')) as guest:
        guest.wait_for(HOLD, rig.progress, look)
        look()
        _, _, problems = checks.collect(guest.console(), [b for b in batch if b.command],
                                        emulator.path)
    if not peak.get('guest'):
        raise GuestError(f'the guest\'s RAM is not found among the mappings of {emulator.path}')
    return peak, problems


def run(rig, checks, emulators, benchmarks, note=lambda rows: None):
    """[(group, limit in MiB, {who: sums in KiB})], and what went wrong."""
    rows, problems = [], []
    for batch in batches(benchmarks):
        name, peaks = batch_name(batch), {}
        for who, emulator in emulators.items():
            rig.progress.begin(f'{name}, {who}')
            try:
                peaks[who], wrong = measure(rig, checks, emulator, batch)
                problems += [f'{name}: {text}' for text in wrong]
            except GuestError as error:
                problems.append(f'{name}: {error}')
        rows.append((name, MEMORY_LIMITS.get(name, MEMORY_LIMIT), peaks))
        note(rows)
    rig.progress.clear()
    return rows, problems


def lines(rows):
    """The table, in MiB."""
    yield ('Highest memory of the emulator without the guest\'s RAM, MiB: in all, the code buffer,')
    yield ('program and libraries; the guest\'s RAM that is there besides.')
    yield ''
    yield (f'{"":14} {"dragoman":>9} {"code":>7} {"files":>7} {"limit":>7} {"":5} {"guest":>7}'
           f' {"peer":>9} {"guest":>7}')
    for name, limit, peaks in rows:
        ours, theirs = peaks.get('dragoman'), peaks.get('peer')
        text = f'{name:14}'
        if ours:
            text += ''.join(f' {ours[key] / 1024:{width}.1f}' for key, width in
                            (('total', 9), ('code', 7), ('files', 7)))
            verdict = 'ok' if ours['total'] <= limit * 1024 else 'OVER'
            text += f' {limit:7} {verdict:5} {ours["guest"] / 1024:7.1f}'
        else:
            text += ' ' * 49
        if theirs:
            text += f' {theirs["total"] / 1024:9.1f} {theirs["guest"] / 1024:7.1f}'
        yield text.rstrip()
