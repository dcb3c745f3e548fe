# SPDX-License-Identifier: MIT
"""Guests without an operating system: ELF files, and guests that mean ill."""

import os
import resource
import subprocess
import tempfile
import time

from common import TIME_SCALE, BootTest, base_command, ours_only
from guestprogram import compile_guest

LOG_BYTES = 1 << 30  # more than the RAM, which is a file, too


def limit_files():
    """A log that floods the disk is a failure, not a catastrophe."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LOG_BYTES, LOG_BYTES))


def cpu_seconds(pid):
    """What a process has used so far, in user and in system mode."""
    with open(f'/proc/{pid}/stat') as handle:
        fields = handle.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Bare(BootTest):
    """Programs of tests/boot/guests, compiled when they are needed."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-bare-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def compile(self, name, *sources):
        return compile_guest(self, self.folder, name, *sources)

    def disk(self):
        path = os.path.join(self.folder, 'disk.img')
        with open(path, 'wb') as handle:
            handle.truncate(1 << 20)
        return path

    def test_loader(self):
        """-device loader: a program without -kernel, bytes of a file, values in both orders."""
        guest = self.compile('showmem', 'start.S', 'showmem.c')
        raw = os.path.join(self.folder, 'raw')
        with open(raw, 'wb') as handle:
            handle.write(b'\x7fELF' + bytes(range(12)))
        command = base_command() + ['-monitor', 'none', '-serial', 'stdio']
        for option in (f'file={guest},cpu-num=0', 'addr=0x48000000,data=0x0102030405060708,data-len=8',
                       'addr=0x48000008,data=0xaabbccdd,data-len=4',
                       'addr=0x4800000e,data=0xeeff,data-len=2',
                       f'addr=0x48001000,file={raw},force-raw=on',
                       'addr=0x48002000,data=0x0102030405060708,data-len=8,data-be=on'):
            command += ['-device', 'loader,' + option]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                timeout=20 * TIME_SCALE, check=True)
        self.assertEqual(result.stdout.decode().split(), [
            '0807060504030201' 'ddccbbaa' '0000' 'ffee',
            '7f454c46' '000102030405060708090a0b', '0102030405060708' '0000000000000000'])

    @ours_only
    def test_nonsense(self):
        """A guest that writes nonsense everywhere gets exceptions; the emulator lives."""
        log = os.path.join(self.folder, 'log')
        command = base_command() + [
            '-kernel', self.compile('nonsense', 'start.S', 'nonsense.c'),
            '-drive', f'file={self.disk()},format=raw,if=none,id=d',
            '-device', 'virtio-blk-device,drive=d', '-netdev', 'user,id=n',
            '-device', 'virtio-net-device,netdev=n', '-device', 'virtio-rng-device',
            '-d', 'guest_errors', '-D', log]
        try:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=60 * TIME_SCALE,
                                    preexec_fn=limit_files)
        except subprocess.TimeoutExpired as expired:
            self.fail(f'no end; the console: {(expired.stdout or b"")[-2000:]}')
        said = result.stdout.decode(errors='replace')
        self.assertEqual(result.returncode, 0, said[-2000:])
        self.assertIn('nonsense begins', said)
        self.assertIn('survived', said, said[-2000:])
        with open(log, errors='replace') as handle:
            self.assertGreater(len(handle.read().splitlines()), 10, 'no lines of guest_errors')

    @ours_only
    def test_faults_in_a_loop(self):
        """A guest that faults for ever can be looked at and left."""
        console = self.console(base_command() + ['-kernel',
                                                 self.compile('faultloop', 'faultloop.S')])
        console.expect('Ctrl-A', 10)
        console.send('\x01c')
        for _ in range(50):     # it may not have come to the first fault yet
            console.line('info registers')
            if console.expect(r'PC\s*=\s*([0-9a-f]+)', 10)[1].endswith(b'20000200'):
                break
        else:
            self.fail(f'the guest does not fault: {console.tail()}')
        console.line('quit')
        self.assertEqual(console.wait(10), 0)

    @ours_only
    def test_a_loop_that_only_leads_forward(self):
        """Its way back is a call within a region; it can be looked at and left."""
        console = self.console(base_command() + [
            '-accel', 'tcg,tier2=always', '-kernel', self.compile('forwards', 'forwards.S')])
        console.expect('Ctrl-A', 10)
        time.sleep(0.2)
        console.send('\x01c')
        console.line('info registers')
        console.expect(r'PC\s*=\s*([0-9a-f]+)', 10)
        console.line('quit')
        self.assertEqual(console.wait(10), 0)

    @ours_only
    def test_a_loop_that_patches_itself(self):
        """It is a region that the processor is in when it ends."""
        command = base_command() + ['-monitor', 'none', '-serial', 'none', '-accel',
                                    'tcg,tier2=always', '-kernel',
                                    self.compile('patchedloop', 'patchedloop.S')]
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=20 * TIME_SCALE, check=True)

    @ours_only
    def test_branches_to_the_middle_of_an_instruction(self):
        """They are part of what a region's branch was seen to do."""
        command = base_command() + ['-monitor', 'none', '-serial', 'none', '-accel',
                                    'tcg,tier2=always', '-kernel',
                                    self.compile('misaligned', 'misaligned.S')]
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=20 * TIME_SCALE, check=True)

    def test_frequency_is_only_a_number(self):
        """What a guest writes to CNTFRQ_EL0 does not change its counter and timers."""
        command = base_command() + ['-kernel', self.compile('frequency', 'start.S', 'frequency.c')]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                timeout=20 * TIME_SCALE, check=True)
        self.assertEqual(result.stdout, b'=<T' * 3 + b'.')

    @ours_only
    def test_a_timer_that_never_fires(self):
        """It costs nothing to wait for it."""
        process = subprocess.Popen(
            base_command() + ['-kernel', self.compile('fartimer', 'start.S', 'fartimer.c')],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.read(1), b'+')
        before = cpu_seconds(process.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(process.pid) - before, 0.3)
