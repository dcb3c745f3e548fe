# SPDX-License-Identifier: MIT
"""scripts/compare-trace: the same guest in two emulators, instruction by instruction."""

import os
import shutil
import subprocess
import tempfile

from common import TIME_SCALE, TOP, BootTest, get_kernel, ours_only
from guestprogram import compile_guest


class Trace(BootTest):
    """Against qemu-system-aarch64."""

    def setUp(self):
        if not shutil.which('qemu-system-aarch64'):
            self.skipTest('qemu-system-aarch64 is missing: "scripts/deps test" installs it')
        folder = tempfile.TemporaryDirectory(prefix='dragoman-trace-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def compare(self, count, *guest):
        """Exit status and output."""
        result = subprocess.run(
            [os.path.join(TOP, 'scripts', 'compare-trace'), '--count', str(count), '--', *guest],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120 * TIME_SCALE)
        return result.returncode, result.stdout

    @ours_only
    def test_bare_guest(self):
        program = compile_guest(self, self.folder, 'inspect', 'inspect.S')
        status, said = self.compare(4000, '-kernel', program)
        self.assertEqual(status, 0, said)
        self.assertIn('4000 instructions are the same', said)

    @ours_only
    def test_first_difference(self):
        """The difference that is found is the first, and its instruction is named."""
        program = compile_guest(self, self.folder, 'difference', 'difference.S')
        status, said = self.compare(1000, '-kernel', program)
        self.assertEqual(status, 1, said)
        self.assertRegex(said, r'203 instructions are the same\nknown: .*mrs\s+x2, cntvct_el0')
        self.assertRegex(said, r'then 0x40200014: orr\s+x4, x2, #1 leaves\n  X04 ')

    @ours_only
    def test_kernel(self):
        """Debian's kernel, from its first instruction."""
        status, said = self.compare(100000, '-kernel', get_kernel().image, '-append',
                                    'console=ttyAMA0')
        self.assertEqual(status, 0, said)
        self.assertIn('100000 instructions are the same', said)
