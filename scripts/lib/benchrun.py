# SPDX-License-Identifier: MIT
"""Runs the benchmarks: builds the programs, starts guests, and the same programs on the host.

Every result has a checksum, which must be the same everywhere; pi's is computed here besides.  What
goes wrong costs its own figure only: it is noted, and the others go on.
"""

import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from typing import NamedTuple, Optional

from benchinput import debian_additions, get_inputs
from benchset import PI_DIGITS, PROGRAMS, batches
from cache import GuestError, cache_dir, digest, say
from emulator import TOP, base_command
from initramfs import get_initramfs
from kernel import get_kernel

PERF = os.path.join(TOP, 'tests', 'perf')
GUEST_SECONDS = 900
COMPILERS = {'guest': 'aarch64-linux-gnu-gcc', 'host': 'gcc'}
ADVICE = 'run "scripts/deps test" first'
RESULT = re.compile(r'bench (\w+) (?:([\d.]+) ([0-9a-f]{16})|lacks (.+))$')


class Emulator(NamedTuple):
    """One side of the comparison."""
    path: str
    accel: Optional[str] = None     # argument of -accel

    def command(self, processors):
        extra = ['-accel', self.accel] if self.accel else []
        return base_command(emulator=self.path, processors=processors) + extra

    def __str__(self):
        return self.path + (f' -accel {self.accel}' if self.accel else '')


def pi_checksum(digits=PI_DIGITS):
    """What pi.c must print: FNV-1a over 3 and the digits after it, by Chudnovsky's series."""
    def split(low, high):
        if high - low == 1:
            p = (6 * low - 5) * (2 * low - 1) * (6 * low - 1) if low else 1
            q = low ** 3 * 640320 ** 3 // 24 if low else 1
            return p, q, p * (13591409 + 545140134 * low) * (-1) ** low
        middle = (low + high) // 2
        (p1, q1, t1), (p2, q2, t2) = split(low, middle), split(middle, high)
        return p1 * p2, q1 * q2, t1 * q2 + p1 * t2

    if hasattr(sys, 'set_int_max_str_digits'):
        sys.set_int_max_str_digits(0)
    guard = 20
    _, q, t = split(0, (digits + guard) // 14 + 2)
    root = math.isqrt(10005 * 10 ** (2 * (digits + guard)))
    value = 0xcbf29ce484222325
    for byte in str(426880 * root * q // t)[:digits + 1].encode():
        value = ((value ^ byte) * 0x100000001b3) & (2 ** 64 - 1)
    return f'{value:016x}'


def compile_program(name, side):
    """A static program of tests/perf for the guest or the host, once for each of its states."""
    program = PROGRAMS[name]
    source = os.path.join(PERF, program.source)
    flags = (*program.flags, *(program.guest_flags if side == 'guest' else program.host_flags))
    with open(source, 'rb') as one, open(os.path.join(PERF, 'bench.h'), 'rb') as two:
        key = digest(one.read(), two.read(), COMPILERS[side], *flags)
    folder = os.path.join(cache_dir(), 'bench')
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f'{name}-{key}.{side}')
    if not os.path.exists(path):
        temporary = f'{path}.{os.getpid()}.tmp'
        try:
            subprocess.run([COMPILERS[side], *flags, '-static', source, '-o', temporary, '-lm'],
                           check=True)
        except FileNotFoundError as error:
            raise GuestError(f'{COMPILERS[side]} is missing; {ADVICE}') from error
        except subprocess.CalledProcessError as error:
            raise GuestError(f'{COMPILERS[side]} cannot compile {source}; {ADVICE}') from error
        os.rename(temporary, path)
    return path


class Checks:
    """Wrong answers are no figures."""

    def __init__(self, benchmarks):
        names = [b.name for b in benchmarks]
        self.wanted = {'pi': pi_checksum()} if 'pi' in names else {}
        self.debian = {b.name for b in benchmarks if b.is_debian}

    def collect(self, text, benchmarks, who):
        """Out of a run's output: seconds by name, what `who` lacks instructions for, and what went
        wrong."""
        seconds, lacks, problems = {}, {}, []
        for line in text.split('\n'):
            match = RESULT.match(line)
            if match and match[4]:
                lacks[match[1]] = match[4]
            elif match and match[3] != self.wanted.setdefault(match[1], match[3]):
                problems.append(f'{who} computes {match[1]} wrongly: {match[3]} instead of '
                                f'{self.wanted[match[1]]}' + self._doubt(match[1]))
            elif match:
                seconds[match[1]] = float(match[2])
        reported = {match[1] for match in map(RESULT.match, text.split('\n')) if match}
        missing = [b.name for b in benchmarks if b.name not in reported]
        if missing:
            problems.append(f'{who} did not report {", ".join(missing)}: {text[-1000:]}')
        return seconds, lacks, problems

    def _doubt(self, name):
        """Programs of different versions may differ without a mistake."""
        return (' (or the host has another version of the package than the guest: try after '
                '"scripts/guest clean")' if name in self.debian else '')


class Progress:
    """One line that tells where a run is; where it is no terminal, a line for each stage."""

    def __init__(self, stream=sys.stderr):
        self.stream = stream if stream.isatty() else None
        self.started = time.monotonic()
        self.stage = ''

    def begin(self, stage, part=''):
        """`stage` is worth a line of its own, `part` of it is not."""
        if not self.stream and not self.stage.startswith(stage):
            say(stage)
        self.stage = f'{stage}{", " if part else ""}{part}: '
        self.show('')

    def show(self, text):
        if self.stream:
            seconds = int(time.monotonic() - self.started)
            line = f'{seconds // 60}:{seconds % 60:02} {self.stage}{text}'
            print(f'\r{line[:78]:78}', end='', file=self.stream, flush=True)

    def clear(self):
        if self.stream:
            print('\r' + ' ' * 78 + '\r', end='', file=self.stream, flush=True)


class Rig:
    """The guest's parts and the host's programs for some benchmarks."""

    def __init__(self, benchmarks, progress):
        self.progress = progress
        self.kernel = get_kernel().image
        self.plain = get_initramfs()
        programs = {b.command[0] for b in benchmarks if b.command}
        guest = [f'{compile_program(name, "guest")}:/bin/{name}' for name in sorted(programs)]
        self.host = {name: compile_program(name, 'host') for name in programs}
        self.tools = get_initramfs(additions=guest) if programs else None
        self.debian = None
        if 'timed' in programs:
            for b in benchmarks:
                if b.is_debian and not shutil.which(b.command[3]):
                    raise GuestError(f'{b.command[3]} is missing on the host; {ADVICE}')
            self.inputs = get_inputs()
            self.debian = get_initramfs(additions=guest + debian_additions())

    def guest_command(self, emulator, batch, hold=False):
        """The command line of a guest that runs a batch (and waits a moment before, and for ever
        after it, where it shall be asked)."""
        items = [f'{b.name}={":".join(b.command)}' for b in batch if b.command]
        initramfs, append = self.plain, 'dragoman.run=poweroff'
        if items or hold:
            append = 'quiet dragoman.net=off dragoman.run=bench dragoman.bench=' + ','.join(
                (['ready=sleep:2'] if hold and items else []) + items +
                (['hold=sleep:100000'] if hold else []))
            if items:
                initramfs = self.debian if any(b.is_debian for b in batch) else self.tools
        return emulator.command(batch[0].processors) + [
            '-kernel', self.kernel, '-initrd', initramfs,
            '-append', f'console=ttyAMA0 panic=-1 {append}', '-nic', 'none']

    def run_guest(self, emulator, batch):
        """Boot, run, power off; returns the whole time (None if it failed), the console's text and
        what went wrong."""
        command = self.guest_command(emulator, batch)
        started = time.monotonic()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
        except OSError as error:
            raise GuestError(f'cannot run {emulator.path}: {error.strerror}') from error
        timer = threading.Timer(GUEST_SECONDS, process.kill)
        timer.start()
        lines = []
        try:
            for raw in process.stdout:
                lines.append(raw.decode(errors='replace').replace('\r', '').rstrip('\n'))
                if lines[-1].startswith('begin '):
                    self.progress.show(lines[-1][len('begin '):])
            status = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
        seconds, text = time.monotonic() - started, '\n'.join(lines)
        if status != 0 or 'finished with status 0' not in text:
            return None, text, [f'{" ".join(command)}\n{text[-2000:]}\n'
                                f'{emulator.path} failed with status {status}']
        return seconds, text, []

    def run_host(self, batch):
        """The programs' output, and what went wrong."""
        environment = dict(os.environ, LC_ALL='C', PERL_HASH_SEED='0')
        text, problems = '', []
        for b in batch:
            if b.command:
                self.progress.show(b.name)
                result = subprocess.run([self.host[b.command[0]], *b.command[1:]], text=True,
                                        cwd=self.inputs if b.is_debian else None,
                                        env=environment, stdout=subprocess.PIPE)
                if result.returncode != 0:
                    problems.append(f'{" ".join(b.command)} failed on the host with status '
                                    f'{result.returncode}')
                text += result.stdout
        return text, problems


class Run:
    """What several sides measured so far: `seconds` as {who: {name: [of pair 0, ...]}}, None where
    there is no figure; what the host lacks, by name; and what went wrong."""

    def __init__(self, rig, benchmarks, emulators):
        self.rig, self.emulators = rig, emulators
        self.checks = Checks(benchmarks)
        self.seconds = {who: {b.name: [] for b in benchmarks} for who in [*emulators, 'host']}
        self.lacks, self.problems = {}, []
        self.started = time.monotonic()

    def measure(self, who, batch, stage=''):
        """Run a batch on one side; {name: seconds or None}, which is noted, too."""
        programs = [b for b in batch if b.command]
        if who == 'host':
            text, problems = self.rig.run_host(batch)
            path = 'the host'
        else:
            path = self.emulators[who].path
            whole, text, problems = self.rig.run_guest(self.emulators[who], batch)
        # Who failed says himself what he did not come to.
        found, lacks, wrong = self.checks.collect(text, [] if problems else programs, path)
        if who == 'host':
            self.lacks.update(lacks)
        elif lacks:
            wrong.append(f'{path} lacks {", ".join(lacks.values())}')
        if not programs and who != 'host':
            found[batch[0].name] = whole
        self.problems += [f'{stage}: {text}' for text in problems + wrong]
        figures = {b.name: found.get(b.name) for b in batch}
        for name, value in figures.items():
            self.seconds[who][name].append(value)
        return figures

    def took(self):
        return round(time.monotonic() - self.started)


def run_pairs(run, benchmarks, pairs, host=True, note=lambda: None):
    """The sides take turns at every batch, in changing order, so that a machine's mood hits all;
    `note` is called after each batch."""
    sides, after = list(run.emulators), ['host'] if host else []
    for pair in range(pairs):
        order = sides if pair % 2 == 0 else sides[::-1]
        for batch in batches(benchmarks):
            for who in order + after:
                stage = f'pair {pair + 1} of {pairs}'
                run.rig.progress.begin(stage, f'{batch[0].group}, {who}')
                run.measure(who, batch, f'{stage}, {batch[0].group}')
            note()
    run.rig.progress.clear()
