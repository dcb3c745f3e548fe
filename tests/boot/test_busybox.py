# SPDX-License-Identifier: MIT
"""Debian's unmodified arm64 cloud kernel with a busybox initial RAM disk."""

import gzip
import os
import tempfile

from common import PROMPT, BootTest, get_initramfs, get_kernel, linux, ours_only

from disk import check_disk, make_disk, read_from_disk

COUNT = int(os.environ.get('BOOT_COUNT', '3'))


class Busybox(BootTest):
    """What a person at the busybox shell sees."""

    def test_shell_and_power_off(self):
        """The kernel boots to a shell that computes, and poweroff ends the emulator well."""
        console = self.shell(append='')
        self.assertEqual(self.command(console, 'uname -m'), 'aarch64')
        self.assertEqual(self.command(console, 'echo $((6 * 7))'), '42')
        self.assertEqual(self.command(console, 'nproc'), '1')
        self.power_off(console)

    def test_boots_in_a_row(self):
        """Boot after boot goes well (how many: --count)."""
        for number in range(COUNT):
            with self.subTest(boot=number + 1):
                self.run_script('poweroff')

    def test_boots_in_a_row_with_four_processors(self):
        """So it does with several processors, on either interrupt controller."""
        for number in range(COUNT):
            with self.subTest(boot=number + 1):
                self.run_script('poweroff', processors=4, gic=2 + number % 2)

    def test_cortex_a72(self):
        """The same kernel on the other processor model."""
        self.run_script('poweroff', cpu='cortex-a72')

    def test_compressed_kernel(self):
        """A gzip-compressed Image boots too."""
        with open(get_kernel().image, 'rb') as handle:
            packed = gzip.compress(handle.read(), 1)
        with tempfile.NamedTemporaryFile(suffix='.gz') as image:
            image.write(packed)
            image.flush()
            self.run_script('poweroff', kernel=image.name)

    def test_reboot(self):
        """The guest's own reboot starts it anew; with -no-reboot it ends the emulator."""
        console = self.shell(reboot=True)
        console.line('reboot')
        console.expect('Restarting system')
        console.expect(PROMPT)
        self.power_off(console)
        console = self.shell()
        console.line('reboot')
        self.assertEqual(console.wait(), 0)

    def test_no_devices(self):
        """Neither disk nor network: still a machine."""
        self.run_script('poweroff', extra=['-nic', 'none'])

    def test_interrupt_key_reaches_the_guest(self):
        """Ctrl-C ends the guest's command, not the emulator."""
        console = self.shell()
        console.line('echo re""ady; sleep 1000')
        console.expect('ready')
        console.send('\x03')
        console.expect(PROMPT)
        self.power_off(console)

    def test_bus_error_stays_in_the_guest(self):
        """An access to an address where nothing is hits the guest's program only."""
        console = self.shell()
        status, output = console.run('busybox devmem 0x60000000000', PROMPT)
        self.assertNotEqual(status, 0, output)
        self.assertEqual(self.command(console, 'echo alive'), 'alive')
        self.power_off(console)

    def test_random_numbers(self):
        """virtio-rng gives the guest bytes, and different ones each time."""
        console = self.shell(extra=['-device', 'virtio-rng-device'])
        read = 'dd if=/dev/hwrng bs=32 count=1 2>/dev/null | sha256sum'
        self.assertEqual(self.command(console, 'cat /sys/class/misc/hw_random/rng_current')[:10],
                         'virtio_rng')
        self.assertNotEqual(self.command(console, read), self.command(console, read))
        self.power_off(console)


class Disk(BootTest):
    """virtio-blk with raw files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-boot-')
        self.addCleanup(folder.cleanup)
        self.image = os.path.join(folder.name, 'disk.img')
        self.content = os.urandom(3 << 20)
        make_disk(self.image, {'message': self.content})

    def drive(self, options=''):
        return ['-drive', f'file={self.image},format=raw,if=virtio{options}']

    def test_read_and_write(self):
        """What the host put on the disk the guest reads, and the other way round."""
        console = self.shell(extra=self.drive())
        self.command(console, 'cp /mnt/message /mnt/copy && rm /mnt/message && sync')
        self.power_off(console)
        self.assertIsNone(check_disk(self.image))
        self.assertEqual(read_from_disk(self.image, 'copy'), self.content)

    def test_read_only(self):
        """readonly=on is known to the guest and holds."""
        with open(self.image, 'rb') as handle:
            before = handle.read()
        console = self.shell(extra=self.drive(',readonly=on'))
        self.assertEqual(self.command(console, 'cat /sys/block/vda/ro'), '1')
        status, _ = console.run('dd if=/dev/zero of=/dev/vda bs=4096 count=1', PROMPT)
        self.assertNotEqual(status, 0)
        self.power_off(console)
        with open(self.image, 'rb') as handle:
            self.assertEqual(handle.read(), before)

    @ours_only
    def test_discard(self):
        """A deleted file's blocks are given back to the host."""
        console = self.shell(extra=self.drive(',discard=unmap'))
        self.command(console, 'dd if=/dev/urandom of=/mnt/big bs=1M count=24 2>/dev/null && sync')
        full = os.stat(self.image).st_blocks
        self.command(console, 'rm /mnt/big && sync && fstrim /mnt')
        self.power_off(console)
        self.assertLess(os.stat(self.image).st_blocks, full - 30000)
        self.assertIsNone(check_disk(self.image))

    def test_two_disks(self):
        """The first -drive is vda, the second vdb."""
        with tempfile.NamedTemporaryFile() as second:
            second.truncate(5 << 20)
            console = self.shell(extra=self.drive() + [
                '-drive', f'file={second.name},format=raw,if=virtio'])
            self.assertEqual(self.command(console, 'cat /sys/block/vda/size'), str(64 << 11))
            self.assertEqual(self.command(console, 'cat /sys/block/vdb/size'), str(5 << 11))
            self.power_off(console)


class Terminal(BootTest):
    """The keys of -nographic and the monitor behind them."""

    def test_leave_by_key(self):
        """Ctrl-A x leaves at once and gives the terminal back as it was."""
        console = self.shell()
        console.send('\x01x')
        self.assertEqual(console.wait(10), 0)
        self.assertEqual(console.settings_now(), console.settings_before)

    def test_settings_restored_after_power_off(self):
        """So does power-off."""
        console = self.console(linux('quiet dragoman.run=poweroff'))
        self.assertEqual(console.wait(60), 0)
        self.assertEqual(console.settings_now(), console.settings_before)

    def test_settings_restored_after_signal(self):
        """And SIGTERM."""
        console = self.shell()
        console.interrupt()
        console.wait(10)
        self.assertEqual(console.settings_now(), console.settings_before)

    @ours_only
    def test_told_how_to_leave(self):
        """The user is told the keys before the guest speaks."""
        console = self.console(linux(''))
        console.expect(r'Ctrl-A', 20)
        self.assertNotIn('Booting Linux', console.text()[:console.mark])

    def test_monitor(self):
        """Ctrl-A c reaches the monitor, which answers, and returns to the guest."""
        console = self.shell()
        console.send('\x01c')
        console.line('info registers')
        console.expect(r'PC\s*=\s*[0-9a-fx]+', 10)
        console.line('stop')
        console.line('cont')
        console.send('\x01c')
        console.line('')
        console.expect(PROMPT, 20)
        self.assertEqual(self.command(console, 'echo back'), 'back')
        console.send('\x01c')
        console.line('quit')
        self.assertEqual(console.wait(10), 0)

    @ours_only
    def test_monitor_tells(self):
        """The information commands print tables that name the machine's parts."""
        console = self.shell()
        console.send('\x01c')
        for command, wanted in (('info qtree', r'pl011'), ('info mtree', r'0*9000000'),
                                ('info jit', r'[0-9]+'), ('help', r'system_reset'),
                                ('x /4x 0xffff000000000000', r'.'),
                                ('xp /4x 0x40000000', r'40000000'),
                                ('nonsense', r'help')):
            console.line(command)
            console.expect(wanted, 10)
        console.line('quit')
        self.assertEqual(console.wait(10), 0)

    def test_power_key(self):
        """system_powerdown presses the power key, which the kernel reports."""
        console = self.shell()
        self.command(console, 'ls /dev/input/event* || mknod /dev/power c 13 64')
        console.send('\x01c')
        console.line('system_powerdown')
        console.send('\x01c')
        console.line('echo still here')
        console.expect('still here')
        self.power_off(console)


class Engines(BootTest):
    """More processors, and the other backend."""

    def test_two_processors(self):
        text = self.run_script('check', 'dragoman.cpus=2', processors=2, seconds=90)
        self.assertIn('processors running: 2', text)

    def test_four_processors(self):
        text = self.run_script('check', 'dragoman.cpus=4', processors=4, seconds=120)
        self.assertIn('processors running: 4', text)

    @ours_only
    def test_second_tier(self):
        """Everything is translated twice, the second time as a region; and nothing is."""
        for tier2 in ('always', 'off'):
            with self.subTest(tier2=tier2):
                text = self.run_script('check', 'dragoman.cpus=2', processors=2, seconds=120,
                                       extra=['-accel', f'tcg,tier2={tier2}'])
                self.assertIn('processors running: 2', text)

    @ours_only
    def test_full_buffer(self):
        """Several processors go on when the buffer of translated code is full and dropped."""
        text = self.run_script('check', 'dragoman.cpus=4', processors=4, seconds=240,
                               extra=['-accel', 'tcg,tb-size=10'])
        self.assertIn('processors running: 4', text)

    def test_interrupt_controller_version_3(self):
        """GICv3 with one CPU, with several, and with more than a GICv2 serves."""
        for processors in (1, 4, 10):
            with self.subTest(processors=processors):
                text = self.run_script('check', f'dragoman.cpus={processors}', gic=3,
                                       processors=processors, seconds=240)
                self.assertIn(f'processors running: {processors}', text)

    @ours_only
    def test_interpreter(self):
        """The executable definition of the IR boots the same kernel, slowly."""
        self.run_script('poweroff', extra=['-accel', 'tcg,backend=interp', '-nic', 'none'],
                        initramfs=get_initramfs(), seconds=900)
