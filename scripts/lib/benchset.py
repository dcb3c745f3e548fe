# SPDX-License-Identifier: MIT
"""What scripts/bench measures: the programs of tests/perf and Debian's own, and the groups that
they are summed up in.

A group has what is wanted of it: at least so many times as fast as QEMU, an aim, and how many times
as slow as the host itself it may be.
"""

from typing import NamedTuple, Optional, Tuple

PI_DIGITS = 100000


class Program(NamedTuple):
    """A program of tests/perf, static; built for the guest and for the host."""
    source: str
    flags: Tuple[str, ...]
    guest_flags: Tuple[str, ...] = ()
    host_flags: Tuple[str, ...] = ()


# Contraction of products and sums would make results differ between machines; pi's digits are
# right whatever the rounding.
PLAIN = ('-O2', '-ffp-contract=off')
PROGRAMS = {
    'pi': Program('pi.c', ('-O2',)),
    'vector': Program('vector.c', ('-O3', '-ffp-contract=off'), (), ('-msse4.1', '-mfma')),
    'crypto': Program('crypto.c', PLAIN, ('-march=armv8-a+crypto+crc',),
                      ('-maes', '-msha', '-msse4.2', '-mpclmul')),
    'integer': Program('integer.c', PLAIN),
    'interpreter': Program('interpreter.c', PLAIN),
    'float': Program('float.c', PLAIN),
    'memory': Program('memory.c', PLAIN),
    'kernel': Program('kernel.c', PLAIN),
    'threads': Program('threads.c', PLAIN),
    'timed': Program('timed.c', PLAIN),
}


class Group(NamedTuple):
    name: str
    title: str
    least: Optional[float] = None       # times as fast as QEMU
    aim: Optional[float] = None
    native_aim: Optional[float] = None  # times as slow as the host


GROUPS = [
    Group('boot', 'boot to power-off', 1.3, 2),
    Group('fft', 'double-precision FFT', 5, 9, 1.5),
    Group('vector', 'NEON, AES, SHA, CRC', 4, 10, 2),
    Group('integer', 'integer programs', 2, 3, 2),
    Group('interpreters', 'byte-code interpreter, perl, awk', 2.5, 5, 5),
    Group('bignum', 'big-number multiplication', 3, 6, 3),
    Group('kernel', 'system calls, fork+exec, page faults', 1.2, 2),
    Group('processes', 'pipes, context switches'),
    Group('debian', "Debian's gzip, bzip2, xz, sqlite"),
    Group('other', 'scalar floating point, copies, atomics'),
    Group('threads', 'one, two and four threads'),
]

# Two vCPUs against one with the same parallel work.
SCALING_LEAST, SCALING_AIM = 1.9, 1.98


class Benchmark(NamedTuple):
    name: str
    group: str
    command: Tuple[str, ...] = ()   # empty: the boot itself
    processors: int = 1

    @property
    def is_debian(self):
        return self.command[:1] == ('timed',)


def _parts(group, program, *names):
    return [Benchmark(name, group, (program, name)) for name in names]


def _debian(group, name, stdin, *command):
    return Benchmark(name, group, ('timed', name, stdin) + command)


def _threaded(name):
    return [Benchmark(f'{name}{count}', 'threads', ('threads', f'{name}{count}'), count)
            for count in (1, 2, 4)]


BENCHMARKS = [
    Benchmark('boot', 'boot'),
    Benchmark('pi', 'fft', ('pi', str(PI_DIGITS))),
    *_parts('vector', 'vector', 'filter', 'points', 'escape', 'motion', 'blend', 'samples',
            'tables', 'chacha'),
    *_parts('vector', 'crypto', 'aes', 'sha1', 'sha256', 'crc', 'clmul'),
    *_parts('integer', 'integer', 'sort', 'hash', 'mix', 'list', 'pointers', 'matrix', 'state',
            'calls', 'indirect', 'strings'),
    *_parts('interpreters', 'interpreter', 'bytecode'),
    _debian('interpreters', 'perl', 'text', 'perl', 'words.pl'),
    _debian('interpreters', 'awk', 'text', 'mawk', '-f', 'words.awk'),
    *_parts('bignum', 'integer', 'bignum'),
    *_parts('kernel', 'kernel', 'syscalls', 'forkexec', 'pagefaults'),
    *_parts('processes', 'kernel', 'pipes', 'switches'),
    _debian('debian', 'gzip', 'text', 'gzip', '-6', '-n', '-c'),
    _debian('debian', 'bzip2', 'text', 'bzip2', '-c'),
    _debian('debian', 'xz', 'text', 'xz', '-1', '-T1', '-c'),
    _debian('debian', 'sqlite', 'queries.sql', 'sqlite3', '-batch'),
    *_parts('other', 'float', 'mandelbrot', 'bodies'),
    *_parts('other', 'memory', 'memcpy', 'atomics'),
    *_threaded('threads'),
    *_threaded('locks'),
]

# MiB that an emulator may take beyond the guest's RAM, by group.
MEMORY_LIMITS = {'boot': 150}
MEMORY_LIMIT = 400

# (kind, processors): its time is compared with that of one.
SCALED = [(kind, count) for kind in ('threads', 'locks') for count in (2, 4)]

SHORT = ['boot', 'pi']


def choose(words):
    """The benchmarks that a list of names and group names (or "short") means, in their order.

    Raises KeyError with the word that means nothing.
    """
    chosen = set()
    for word in words:
        names = SHORT if word == 'short' else [
            b.name for b in BENCHMARKS if word in (b.name, b.group)]
        if not names:
            raise KeyError(word)
        chosen.update(names)
    return [b for b in BENCHMARKS if b.name in chosen]


def apart(benchmarks):
    """Few guests: one that boots only, and for each number of processors one that runs all."""
    lists = {}
    for b in benchmarks:
        lists.setdefault((not b.command, b.processors), []).append(b)
    return list(lists.values())


def batches(benchmarks):
    """The benchmarks cut into what one guest runs: of one group, with as many processors."""
    lists = {}
    for b in benchmarks:
        lists.setdefault((b.group, b.processors), []).append(b)
    return list(lists.values())
