# SPDX-License-Identifier: MIT
"""Several processors: what they see of each other's memory, code, tables and power states."""

import os
import re
import subprocess
import tempfile

from common import TIME_SCALE, BootTest, base_command, ours_only
from guestprogram import compile_guest

# SMP_SCALE=20 makes the rounds in which processors wait for each other twenty times as many.
SCALE = int(os.environ.get('SMP_SCALE', '1'))


class Smp(BootTest):
    """The bare guest smp.c, on several numbers of processors."""

    def check(self, cpus, extra=()):
        with tempfile.TemporaryDirectory(prefix='dragoman-smp-') as folder:
            guest = compile_guest(self, folder, 'smp', 'start.S', 'secondary.S', 'smp.c',
                                  flags=[f'-DSCALE={SCALE}'])
            command = base_command() + ['-smp', str(cpus), '-m', '512', '-kernel', guest, *extra]
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=(90 + 30 * SCALE) * TIME_SCALE)
        said = result.stdout.decode(errors='replace')
        self.assertIn(f'{cpus} processors', said)
        self.assertEqual(re.findall(r'.*WRONG.*', said), [])
        self.assertIn('\n0 failed', said, said)
        self.assertEqual(result.returncode, 0)

    @ours_only
    def test_two_see_each_other(self):
        self.check(2)

    @ours_only
    def test_four_see_each_other(self):
        self.check(4)

    @ours_only
    def test_three_see_each_other_in_the_interpreter(self):
        self.check(3, ['-accel', 'tcg,backend=interp'])
