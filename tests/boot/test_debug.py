# SPDX-License-Identifier: MIT
"""Programs of the guest that use the processor's own debug and performance registers."""

import tempfile

from common import BootTest, get_initramfs
from guestprogram import compile_linux_program


class Registers(BootTest):

    def program(self, name, processors=2, **options):
        """Run a program of tests/boot/guests in Linux; returns what it said."""
        with tempfile.TemporaryDirectory(prefix='dragoman-debug-') as folder:
            initramfs = get_initramfs(additions=[
                compile_linux_program(self, folder, name, name + '.c')])
        console = self.shell('quiet dragoman.net=off', ['-nic', 'none'], initramfs=initramfs,
                             processors=processors, **options)
        said = self.command(console, name)
        self.power_off(console)
        return said

    def test_breakpoints_and_watchpoints(self):
        """A debugger in the guest uses breakpoints, watchpoints and single steps."""
        said = self.program('hwdebug')
        self.assertIn('hwdebug: all right', said)
        self.assertNotIn('WRONG', said)

    def test_performance_counters(self):
        """Instructions are counted exactly, and an overflow interrupts, by either GIC."""
        for gic in (2, 3):
            with self.subTest(gic=gic):
                said = self.program('perfcount', gic=gic)
                self.assertIn('perfcount: all right', said)
                self.assertNotIn('WRONG', said)

    def test_without_performance_monitors(self):
        """-cpu MODEL,pmu=off: the guest finds none."""
        for cpu, found in (('cortex-a76', 1), ('cortex-a76,pmu=off', 0)):
            with self.subTest(cpu=cpu):
                console = self.shell('dragoman.net=off', ['-nic', 'none'], cpu=cpu)
                said = self.command(console, 'dmesg | grep -c "hw perfevents: enabled"; true')
                self.assertEqual(int(said.split()[-1]), found)
                self.power_off(console)
