# SPDX-License-Identifier: MIT
"""The stages of scripts/test, and the honest count over all of them.

Counting: a Meson test that runs Criterion, Python's unittest or a script that closes with
"N passed, N failed" counts as many tests as that runner ran; any other Meson test counts as one.
A runner that ended badly although its own count shows no failure counts as one failure more.
"""

import argparse
import glob
import json
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOOT_SECONDS = 1500

# The boot tests that are worth their time with sanitizers.
ASAN_GUESTS = ('BadInput', 'DiskInUse', 'Bare', 'Disk.', 'Terminal', 'shell_and', 'Engines.test_t',
               'Sharing.test_refusals', 'Balloon.test_balloon')

# Those in which several processors and devices are at work at once.
TSAN_GUESTS = ('Smp.test_two', 'Smp.test_four', 'Engines.test_two_processors',
               'Engines.test_full_buffer', 'Hotplug', 'Sharing.test_large_tree')


class Count:
    """Passed, failed and skipped tests."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed,
                     self.skipped + other.skipped)

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def count_output(text):
    """What a test runner says of itself in `text`, or None if it is none that we know."""
    text = re.sub(r'\x1b\[[0-9;]*m', '', text)
    criterion = re.findall(r'Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| '
                           r'Crashing: (\d+)', text)
    if criterion:
        whole = Count()
        for tested, passing, failing, crashing in criterion:
            failed = int(failing) + int(crashing)
            whole += Count(int(passing), failed, max(0, int(tested) - int(passing) - failed))
        return whole
    plain = re.findall(r'^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$', text, re.M)
    if plain:
        passed, failed, skipped = plain[-1]
        return Count(int(passed), int(failed), int(skipped or 0))
    unittest = re.search(r'^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?$', text, re.M)
    if unittest:
        notes = dict(re.findall(r'(\w+)=(\d+)', unittest[3] or ''))
        failed = int(notes.get('failures', 0)) + int(notes.get('errors', 0))
        skipped = int(notes.get('skipped', 0))
        return Count(int(unittest[1]) - failed - skipped, failed, skipped)
    return None


def count_meson_test(entry):
    """The count of one line of Meson's testlog.json."""
    result = entry['result']
    if result in ('SKIP', 'IGNORED'):
        return Count(skipped=1)
    good = result in ('OK', 'EXPECTEDFAIL')
    counted = count_output((entry.get('stdout') or '') + '\n' + (entry.get('stderr') or ''))
    if counted is None:
        return Count(passed=1) if good else Count(failed=1)
    if not good and counted.failed == 0:
        counted += Count(failed=1)
    return counted


class Stages:
    """Runs the stages one after the other and sums up."""

    def __init__(self):
        self.total = Count()
        self.failures = []

    def begin(self, title):
        self._title = title
        self._started = time.monotonic()
        print(f'== {title}', flush=True)

    def end(self, count):
        print(f'== {self._title}: {count} ({time.monotonic() - self._started:.0f} s)', flush=True)
        if count.failed:
            self.failures.append(self._title)
        self.total += count

    def command(self, title, command, **options):
        """A stage that is one command and counts as one test; returns whether it went well."""
        self.begin(title)
        good = subprocess.call(command, cwd=TOP, stdin=subprocess.DEVNULL, **options) == 0
        self.end(Count(passed=1) if good else Count(failed=1))
        return good

    def build(self, folder, what, compiler='gcc', options=()):
        """Configure and compile with warnings as errors."""
        environment = dict(os.environ, CC=compiler)
        return self.command(f'build with {compiler}{" ".join(["", *options])}',
                            [os.path.join(TOP, 'scripts/lib/build'), folder, what,
                             '-Dwerror=true', *options], env=environment)

    def meson(self, title, folder, arguments=(), environment=None):
        """Meson's tests in a build folder."""
        self.begin(title)
        for log in glob.glob(os.path.join(folder, 'meson-logs/testlog*.json')):
            os.unlink(log)
        status = subprocess.call(['meson', 'test', '-C', folder, '--print-errorlogs', *arguments],
                                 stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, **(environment or {})))
        count = Count()
        try:
            with open(os.path.join(folder, 'meson-logs/testlog.json')) as log:
                for line in log:
                    count += count_meson_test(json.loads(line))
        except FileNotFoundError:
            status = status or 1
        if status != 0 and count.failed == 0:
            count += Count(failed=1)
        # A Meson file says of tests that it cannot build here that they "are left out".
        with open(os.path.join(folder, 'meson-logs/meson-log.txt'), errors='replace') as log:
            for line in log:
                if line.startswith('Message:') and 'left out' in line:
                    print(f'skipped: {line[9:].strip()}')
                    count += Count(skipped=1)
        self.end(count)

    def boot(self, emulator, boots, names=(), environment=None):
        """The boot tests (those whose name has one of `names` in it, or all)."""
        self.begin('guests')
        process = subprocess.run([os.path.join(TOP, 'tests/boot/run'), '--count', str(boots),
                                  '--deadline', str(BOOT_SECONDS), '--json', emulator + '.json',
                                  *names], stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, DRAGOMAN=emulator, **(environment or {})))
        try:
            with open(emulator + '.json') as handle:
                count = Count(**json.load(handle))
        except (FileNotFoundError, ValueError):
            count = Count()
        if process.returncode != 0 and count.failed == 0:
            count += Count(failed=1)
        self.end(count)

    def demo(self, emulator):
        """The demo as a user without a terminal has it."""
        self.command('scripts/demo without a terminal', [os.path.join(TOP, 'scripts/demo')],
                     env=dict(os.environ, DRAGOMAN=emulator))


def parse_arguments():
    parser = argparse.ArgumentParser(prog='scripts/test', description='Runs all tests.')
    parser.add_argument('--asan', action='store_true',
                        help='instead: a debug build with ASan and UBSan, the Meson tests and a '
                        'choice of guests in it')
    parser.add_argument('--tsan', action='store_true',
                        help='instead: a build with ThreadSanitizer, and guests with several '
                        'processors in it')
    parser.add_argument('--no-boot', action='store_true', help='boot no guests')
    parser.add_argument('--no-clang', action='store_true', help='build with gcc only')
    parser.add_argument('--boots', type=int, default=5, metavar='N',
                        help='how often the same guest boots in a row (default 5)')
    return parser.parse_args()


def run_tsan(stages):
    """A race that tests/tsan.supp does not explain ends a guest with status 66."""
    folder = os.path.join(TOP, 'build-tsan')
    if stages.build(folder, 'demo', 'gcc', ['-Db_sanitize=thread', '-Db_lundef=false']):
        suppressions = os.path.join(TOP, 'tests', 'tsan.supp')
        stages.boot(os.path.join(folder, 'dragoman'), 1, TSAN_GUESTS,
                    {'TSAN_OPTIONS': f'suppressions={suppressions} exitcode=66',
                     'BOOT_TIME_SCALE': '8'})


def run(stages, options):
    if options.tsan:
        run_tsan(stages)
        return
    if options.asan:
        folder = os.path.join(TOP, 'build-asan')
        sanitize = ['-Dbuildtype=debug', '-Db_sanitize=address,undefined', '-Db_lundef=false']
        if stages.build(folder, 'all', 'gcc', sanitize):
            # The instruction tests emulate another hundred thousand sequences each; that is for
            # the quick build.
            environment = {'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
                           'ASAN_OPTIONS': 'detect_leaks=0:detect_stack_use_after_return=0',
                           'BOOT_TIME_SCALE': '5'}
            stages.meson('tests with sanitizers', folder, ['--no-suite', 'insn', '-t', '5'],
                         environment)
            if not options.no_boot:
                stages.boot(os.path.join(folder, 'dragoman'), 1, ASAN_GUESTS, environment)
        return
    folder = os.path.join(TOP, 'build-test')
    if not stages.build(folder, 'all'):
        return
    if not options.no_clang:
        stages.build(os.path.join(TOP, 'build-clang'), 'all', 'clang')
    stages.meson('Meson tests', folder)
    if not options.no_boot:
        emulator = os.path.join(folder, 'dragoman')
        stages.boot(emulator, options.boots)
        stages.demo(emulator)


def main():
    options = parse_arguments()
    started = time.monotonic()
    stages = Stages()
    run(stages, options)
    print(f'== all together {time.monotonic() - started:.0f} s')
    for title in stages.failures:
        print(f'failed: {title}')
    print(stages.total, flush=True)
    return 1 if stages.total.failed or not stages.total.passed else 0


if __name__ == '__main__':
    sys.exit(main())
