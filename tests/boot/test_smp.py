# SPDX-License-Identifier: MIT
"""Several processors: what they see of each other's memory, code, tables and power states."""

import os
import re
import shutil
import subprocess
import tempfile

from common import TIME_SCALE, BootTest, base_command, find_emulator, ours_only
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
    def test_four_see_each_other_in_the_second_tier(self):
        self.check(4, ['-accel', 'tcg,tier2=always'])

    @ours_only
    def test_three_see_each_other_in_the_interpreter(self):
        self.check(3, ['-accel', 'tcg,backend=interp'])


def cpu_map(emulator, smp, folder):
    """The leaves of /cpus/cpu-map: their paths and the MPIDRs of the processors that they name."""
    blob = os.path.join(folder, 'dtb')
    subprocess.run([emulator, '-M', f'virt,gic-version=3,dumpdtb={blob}', '-smp', smp, '-nographic'],
                   check=True, stdin=subprocess.DEVNULL, capture_output=True)
    text = subprocess.run(['dtc', '-I', 'dtb', '-O', 'dts', blob], check=True, capture_output=True,
                          text=True).stdout
    path, leaves, phandles, registers = [], {}, {}, {}
    for line in map(str.strip, text.splitlines()):
        words = line.rstrip(';').split(' = ')
        if line.endswith('{'):
            path.append(line.split()[0])
        elif line == '};':
            path.pop()
        elif words[0] == 'cpu':
            leaves['/'.join(path)] = words[1]
        elif words[0] == 'phandle':
            phandles[words[1]] = path[-1]
        elif words[0] == 'reg':
            registers[path[-1]] = int(words[1].strip('<>').split()[0], 16)
    return {leaf: registers[phandles[cpu]] for leaf, cpu in leaves.items()}


class Topology(BootTest):
    """-smp, as the device tree says it."""

    @ours_only
    def test_as_the_reference_says_it(self):
        if not shutil.which('dtc') or not shutil.which('qemu-system-aarch64'):
            self.skipTest('it needs dtc and qemu-system-aarch64')
        for smp in ('4', '4,sockets=2', '8,clusters=2,threads=2', '18', '6,sockets=3,cores=2',
                    '6,maxcpus=16,sockets=2,clusters=2', 'sockets=2,dies=1,cores=2,threads=2'):
            with self.subTest(smp), tempfile.TemporaryDirectory() as folder:
                ours = cpu_map(find_emulator(), smp, folder)
                self.assertTrue(ours)
                self.assertEqual(ours, cpu_map('qemu-system-aarch64', smp, folder))


class Hotplug(BootTest):
    """The guest kernel turns processors off and on."""

    def test_off_and_on(self):
        console = self.shell(extra=['-smp', '4,clusters=2,cores=2'], seconds=120)
        topology = '/sys/devices/system/cpu/cpu3/topology'
        self.assertEqual(self.command(console, f'cat {topology}/cluster_cpus_list'), '2-3')
        for _ in range(5):
            self.command(console, 'for n in 1 2 3; do echo 0 > /sys/devices/system/cpu/cpu$n/online; done')
            self.assertEqual(self.command(console, 'nproc'), '1')
            self.command(console, 'for n in 3 1 2; do echo 1 > /sys/devices/system/cpu/cpu$n/online; done')
            self.assertEqual(self.command(console, 'nproc'), '4')
        self.power_off(console)


class GicV3(BootTest):
    """As many processors as there may be, in clusters of sixteen."""

    def test_sixty_four(self):
        console = self.shell(extra=['-M', 'virt,gic-version=3', '-smp', '64'], seconds=180)
        self.assertEqual(self.command(console, 'nproc'), '64')
        self.command(console, 'echo 0 > /sys/devices/system/cpu/cpu63/online')
        self.assertEqual(self.command(console, 'nproc'), '63')
        self.command(console, 'echo 1 > /sys/devices/system/cpu/cpu63/online')
        self.assertEqual(self.command(console, 'nproc'), '64')
        # the console's interrupt, by affinity routing, in the third cluster
        row = "awk '/uart-pl011/ { print $1, $(2 + 40) }' /proc/interrupts"
        number, before = self.command(console, row).split(': ')
        self.command(console, f'echo 40 > /proc/irq/{number}/smp_affinity_list')
        self.command(console, 'true')
        self.assertGreater(int(self.command(console, row).split(': ')[1]), int(before))
        self.power_off(console)
