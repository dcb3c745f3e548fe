# SPDX-License-Identifier: MIT
"""The memory model and the atomics, by litmus tests in a guest with several processors."""

import tempfile

from common import PROMPT, BootTest, get_initramfs
from guestprogram import compile_linux_program


class Litmus(BootTest):
    """Forbidden outcomes do not come; allowed ones show that the processors ran in parallel."""

    def test_four_processors(self):
        with tempfile.TemporaryDirectory(prefix='dragoman-boot-') as folder:
            litmus = compile_linux_program(self, folder, 'litmus', 'litmus.c')
            initramfs = get_initramfs(additions=[litmus])
        console = self.shell(processors=4, initramfs=initramfs)
        status, output = console.run('litmus 5', PROMPT, 120)
        self.assertEqual(status, 0, output)
        self.assertIn('the memory model holds', output)
        self.power_off(console)
