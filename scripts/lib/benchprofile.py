# SPDX-License-Identifier: MIT
"""scripts/bench profile: which code the time of each benchmark is spent in.

perf takes samples of the emulator's process (of CPU time: `cpu-clock`), while the guest runs one
program, and names translated code by the map that -accel tcg,perfmap=on writes; `info jit` tells
the share of each tier and the hottest units.  The emulator's own functions are summed up by the folders
of their sources.  A guest for each benchmark.
"""

import glob
import os
import re
import signal
import subprocess
import tempfile
import time

import benchjit
from benchguest import HOLD, READY, AskedGuest
from cache import GuestError
from emulator import TOP

SAMPLES_A_SECOND = 1999
START_SECONDS = 1
ROWS_SHOWN = 12
KINDS = ['user', 'kernel', 'emulator', 'libraries', 'host']
TITLES = {'user': "translated, guest's user code", 'kernel': "translated, guest's kernel",
          'emulator': 'the emulator itself', 'libraries': 'its libraries', 'host': "host's kernel"}
# Of perf report: share, object, "[.]" or "[k]", name.
LINE = re.compile(r'\s*([\d.]+)%\s*\|([^|]*?)\s*\|\[(.)\]\s+([^|]*[^|\s])')
HOTTEST = re.compile(r'^ +([\d.]+)% (0x[0-9a-f]{16} +\d+ insns +.*?)\s*$', re.M)


def folders_of(path):
    """{function: folder of its source} of a program with debugging information."""
    top, folders = os.path.realpath(TOP), {}
    for line in subprocess.run(['nm', '-l', path], stdout=subprocess.PIPE, text=True).stdout.split(
            '\n'):
        words = line.split(None, 3)
        if len(words) == 4 and words[1] in 'tT':
            source = os.path.realpath(words[3].partition(':')[0])
            folders[words[2]] = os.path.dirname(os.path.relpath(source, top))
    return folders


def by_folder(rows, folders):
    """Percent of the emulator's own functions by folder, the largest first."""
    sums = {}
    for share, kind, name in rows:
        if kind == 'emulator':
            folder = folders.get(name.partition('.')[0], '?')   # NAME.part.0
            sums[folder] = sums.get(folder, 0) + share
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def kind_of(program, shared_object, mode, name):
    if mode == 'k':
        return 'host'
    if shared_object == program:
        return 'emulator'
    if re.match(r'perf-\d+\.map$|\[JIT\]', shared_object):
        if name.startswith(('guest 0x', '0x')):     # one without a name, which the kernel's have
            return 'user' if int(name.split('0x')[1], 16) < 1 << 63 else 'kernel'
        return 'kernel'
    return 'libraries'


def parse(report, program):
    """Percent by kind, and all rows outside of user code: (percent, kind, name)."""
    shares, rows = dict.fromkeys(KINDS, 0.0), []
    for line in report.split('\n'):
        match = LINE.match(line)
        if match:
            kind = kind_of(program, match[2], match[3], match[4])
            shares[kind] += float(match[1])
            rows.append((float(match[1]), kind, match[4]))
    return shares, [row for row in rows if row[1] != 'user']


class Perf:
    """perf record on a process, into a file of a folder."""

    def __init__(self, pid, folder):
        self.data = os.path.join(folder, 'perf.data')
        self.process = subprocess.Popen(
            ['perf', 'record', '-q', '-e', 'cpu-clock', '-F', str(SAMPLES_A_SECOND), '-p', str(pid),
             '-o', self.data], stderr=subprocess.PIPE, text=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate()
        if not os.path.exists(self.data):
            raise GuestError(f'perf wrote nothing: {errors.strip()}')

    def report(self):
        return subprocess.run(['perf', 'report', '--stdio', '-i', self.data, '--percent-limit',
                               '0', '-F', 'overhead,dso,symbol', '-t', '|'], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout


def has_processors(pid):
    for path in glob.glob(f'/proc/{pid}/task/*/comm'):
        with open(path) as handle:
            if handle.read().startswith('CPU '):
                return True
    return False


def start_perf(pid, folder):
    """perf finds those threads that are there, and takes its time: the emulator is stopped
    meanwhile."""
    deadline = time.monotonic() + START_SECONDS
    while not has_processors(pid) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(pid, signal.SIGSTOP)
    perf = Perf(pid, folder)
    time.sleep(START_SECONDS)
    os.kill(pid, signal.SIGCONT)
    return perf


def measure(rig, checks, emulator, folders, b):
    """One benchmark."""
    emulator = benchjit.with_option(emulator, 'perfmap=on')
    if not b.command:
        emulator = benchjit.with_option(emulator, 'profile=on')
    with tempfile.TemporaryDirectory(prefix='dragoman-bench-') as folder, \
            AskedGuest(rig.guest_command(emulator, [b], hold=True),
                       os.path.join(folder, 'console')) as guest:
        perf_map = f'/tmp/perf-{guest.process.pid}.map'
        try:
            if b.command:
                guest.wait_for(READY, rig.progress)
                benchjit.start_profile(guest)
            perf = start_perf(guest.process.pid, folder)
            guest.wait_for(HOLD, rig.progress)
            perf.stop()
            text = benchjit.tell(guest)
            _, _, problems = checks.collect(guest.console(), [b] if b.command else [],
                                            emulator.path)
            shares, rows = parse(perf.report(), os.path.basename(emulator.path))
        finally:
            if os.path.exists(perf_map):
                os.unlink(perf_map)
    jit = benchjit.parse(text)
    return {'name': b.name, 'shares': shares, 'rows': rows, 'tier1': jit.get('tier1'),
            'tier2': jit.get('tier2'), 'hottest': HOTTEST.findall(text),
            'folders': by_folder(rows, folders)}, problems


def run(rig, checks, emulator, benchmarks, note=lambda rows: None):
    rows, problems, folders = [], [], folders_of(emulator.path)
    for b in benchmarks:
        rig.progress.begin(b.name)
        try:
            row, wrong = measure(rig, checks, emulator, folders, b)
        except FileNotFoundError as error:
            raise GuestError(f'{error.filename} is missing; perf is in the package linux-perf'
                             ) from error
        except GuestError as error:
            problems.append(f'{b.name}: {error}')
            continue
        problems += wrong
        rows.append(row)
        note(rows)
    rig.progress.clear()
    return rows, problems


def lines(rows):
    for row in rows:
        yield f'{row["name"]}: ' + ', '.join(
            f'{TITLES[kind]} {row["shares"][kind]:.1f}%' for kind in KINDS)
        if row['tier1'] is not None:
            yield f'  by tier: first {row["tier1"]:.1f}%, second {row["tier2"] or 0:.1f}%'
        for share, text in row['hottest'][:ROWS_SHOWN // 2]:
            yield f'  {share:>5}% unit {text}'
        folders = ', '.join(f'{folder} {share:.1f}%' for folder, share in row['folders'].items())
        yield f'  the emulator itself: {folders}'
        for share, kind, name in row['rows'][:ROWS_SHOWN]:
            yield f'  {share:5.1f}% {kind:10} {name}'
        yield ''
