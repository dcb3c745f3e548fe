# SPDX-License-Identifier: MIT
"""The parts of scripts/lib that need neither network nor guest."""

import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'scripts', 'lib'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'boot'))

import aptroot  # noqa: E402
import cache  # noqa: E402
import testrun  # noqa: E402
from console import Console, GuestFailure  # noqa: E402
from cpio import CpioArchive  # noqa: E402

CRITERION = '[\x1b[0;34m====\x1b[0m] Synthesis: Tested: {} | Passing: {} | Failing: {} | Crashing: {}'


class Counting(unittest.TestCase):
    """scripts/test counts what ran, and never more kindly than the runner."""

    def check(self, result, text, wanted):
        count = testrun.count_meson_test({'result': result, 'stdout': text, 'stderr': ''})
        self.assertEqual((count.passed, count.failed, count.skipped), wanted)

    def test_criterion(self):
        self.check('OK', CRITERION.format(19, 19, 0, 0), (19, 0, 0))
        self.check('FAIL', CRITERION.format(5, 2, 1, 2), (2, 3, 0))
        self.check('OK', CRITERION.format(5, 4, 0, 0), (4, 0, 1))

    def test_unittest(self):
        self.check('OK', 'Ran 26 tests in 0.1s\n\nOK\n', (26, 0, 0))
        self.check('OK', 'Ran 5 tests in 0.1s\n\nOK (skipped=2)\n', (3, 0, 2))
        self.check('FAIL', 'Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1)\n', (3, 2, 0))

    def test_plain_line(self):
        self.check('OK', 'words\n7 passed, 0 failed, 1 skipped\n', (7, 0, 1))
        self.check('FAIL', 'insn: 7 passed, 2 failed\n', (7, 2, 0))

    def test_no_runner(self):
        self.check('OK', 'fine', (1, 0, 0))
        self.check('FAIL', '', (0, 1, 0))
        self.check('TIMEOUT', '', (0, 1, 0))
        self.check('SKIP', '', (0, 0, 1))

    def test_bad_end_with_a_good_count(self):
        self.check('FAIL', CRITERION.format(3, 3, 0, 0), (3, 1, 0))


class AptSources(unittest.TestCase):
    """Only the host's entries for Debian itself are taken over."""

    STANZAS = '''Types: deb deb-src
# a comment
URIs: http://example.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By: /key.gpg

Types: deb
URIs: http://example.invalid/other
Suites: other-bookworm
Components: main

Types: deb
URIs: http://example.invalid/off
Suites: bookworm
Components: main
Enabled: no
'''

    def test_deb822(self):
        stanzas = list(aptroot._deb822_stanzas(self.STANZAS, 'bookworm'))
        self.assertEqual(stanzas, ['Types: deb\nURIs: http://example.invalid/debian\n'
                                   'Suites: bookworm bookworm-updates\nComponents: main\n'
                                   'Signed-By: /key.gpg\n'])

    def test_one_line(self):
        lines = ('deb [arch=amd64 signed-by=/k.gpg] http://example.invalid/debian bookworm main\n'
                 'deb-src http://example.invalid/debian bookworm main\n'
                 '# deb http://example.invalid/debian bookworm main\n'
                 'deb http://example.invalid/tool stable main\n')
        self.assertEqual(list(aptroot._one_line_entries(lines, 'bookworm')),
                         ['Types: deb\nURIs: http://example.invalid/debian\nSuites: bookworm\n'
                          'Components: main\nSigned-By: /k.gpg\n'])


class Cache(unittest.TestCase):
    def test_digest_separates_its_parts(self):
        self.assertNotEqual(cache.digest('ab', 'c'), cache.digest('a', 'bc'))
        self.assertEqual(cache.digest('a', b'b'), cache.digest('a', 'b'))

    def test_write_leaves_nothing_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            cache.write_atomic(os.path.join(folder, 'file'), b'data')
            self.assertEqual(os.listdir(folder), ['file'])


class Cpio(unittest.TestCase):
    """Archives are what Linux's documentation says: headers of 110 hexadecimal characters."""

    def entries(self, data):
        at = 0
        while True:
            self.assertEqual(data[at:at + 6], b'070701')
            fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
            name = data[at + 110:at + 110 + fields[11] - 1].decode()
            start = (at + 110 + fields[11] + 3) & ~3
            if name == 'TRAILER!!!':
                return
            yield name, fields[1], data[start:start + fields[6]]
            at = (start + fields[6] + 3) & ~3

    def test_round_trip(self):
        archive = CpioArchive()
        archive.file('a/b/odd', b'12345', 0o755)
        archive.symlink('a/link', 'b/odd')
        archive.character_device('dev/console', 5, 1)
        self.assertEqual(list(self.entries(archive.finish())), [
            ('a', 0o040755, b''), ('a/b', 0o040755, b''), ('a/b/odd', 0o100755, b'12345'),
            ('a/link', 0o120777, b'b/odd'), ('dev', 0o040755, b''),
            ('dev/console', 0o020600, b'')])

    def test_same_input_same_bytes(self):
        def make():
            archive = CpioArchive()
            archive.file('x', b'y')
            return archive.finish()
        self.assertEqual(make(), make())


class ConsoleDriver(unittest.TestCase):
    """tests/boot/console.py, with a shell in place of an emulator."""

    def test_waits_and_types(self):
        with Console(['sh', '-c', 'printf "name? "; read x; echo "hello $x"; exit 3']) as console:
            console.expect('name\\? ', 5)
            console.line('you')
            console.expect('hello you', 5)
            self.assertEqual(console.wait(5), 3)

    def test_panic_ends_the_wait(self):
        with Console(['sh', '-c', 'echo Kernel panic - not syncing; sleep 20']) as console:
            with self.assertRaisesRegex(GuestFailure, 'complains: Kernel panic'):
                console.expect('login', 15)

    def test_end_ends_the_wait(self):
        with Console(['sh', '-c', 'echo bye']) as console:
            with self.assertRaisesRegex(GuestFailure, 'ended'):
                console.expect('login', 15)

    def test_deadline(self):
        with Console(['sleep', '20']) as console:
            with self.assertRaisesRegex(GuestFailure, 'did not come'):
                console.expect('login', 0.2)


class Scripts(unittest.TestCase):
    def test_shell_scripts_parse(self):
        for name in ('demo', 'deps', 'test', 'lib/build', 'initramfs/init'):
            path = os.path.join(TOP, 'scripts', name)
            result = subprocess.run(['bash', '-n', path], stderr=subprocess.PIPE, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == '__main__':
    unittest.main()
