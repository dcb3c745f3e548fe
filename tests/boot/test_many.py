# SPDX-License-Identifier: MIT
"""Several disks and networks at once, up to all places that the board has."""

import os
import tempfile

from common import BootTest

DISK_BYTES = 1 << 20


class Many(BootTest):
    """The guest finds what the command line says, in its order."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-many-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def disk(self, name):
        """A disk that begins with its name."""
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as handle:
            handle.write(name.encode().ljust(16))
            handle.truncate(DISK_BYTES)
        return path

    def first_bytes(self, name):
        with open(os.path.join(self.folder, name), 'rb') as handle:
            return handle.read(16).decode().strip()

    def test_disks_and_networks(self):
        """Disks of every way to give one; what is written goes where it should."""
        console = self.shell(append='quiet dragoman.net=off', extra=[
            '-drive', f'file={self.disk("first")},format=raw,index=0,aio=native,discard=unmap',
            '-drive', f'file={self.disk("second")},format=raw,if=virtio,index=1,readonly=on',
            '-drive', f'file={self.disk("third")},format=raw,index=2,snapshot=on,cache=unsafe',
            '-drive', f'file={self.disk("fourth")},format=raw,if=none,id=d,cache=writethrough',
            '-device', 'virtio-blk-device,drive=d,serial=FOUR',
            '-nic', 'user,mac=52:54:00:00:00:01', '-nic', 'user,model=virtio-net-device',
            '-netdev', 'user,id=n,net=10.9.0.0/24', '-device', 'virtio-net-device,netdev=n'])
        for letter, name in zip('abcd', ('first', 'second', 'third', 'fourth')):
            self.assertEqual(self.command(console, f'head -c 16 /dev/vd{letter}').strip(), name)
            status, _ = console.run(f'echo written | dd of=/dev/vd{letter} conv=notrunc,fsync '
                                    '2>/dev/null', r'guest:\S*# ')
            self.assertEqual(status == 0, name != 'second')
        self.assertEqual(self.command(console, 'cat /sys/block/vdd/serial'), 'FOUR')
        self.assertEqual(self.command(console, 'head -c 7 /dev/vdc'), 'written')
        macs = self.command(console, 'cat /sys/class/net/eth[012]/address').split()
        self.assertEqual(macs[0], '52:54:00:00:00:01')
        self.assertEqual(len(set(macs)), 3)
        for number, address in enumerate(('10.0.2.2', '10.0.2.2', '10.9.0.2')):
            self.command(console, f'ip addr add {address}5/24 dev eth{number} && '
                                  f'ip link set eth{number} up && sleep 0.2')
            self.command(console, f'ping -c 1 -W 20 {address}')
            self.command(console, f'ip link set eth{number} down')
        self.power_off(console)
        self.assertEqual([self.first_bytes(name) for name in ('second', 'third')],
                         ['second', 'third'])
        for name in ('first', 'fourth'):
            self.assertTrue(self.first_bytes(name).startswith('written'), name)

    def test_snapshot(self):
        """-snapshot protects every disk; what was written is gone with the emulator."""
        extra = ['-snapshot', '-hda', self.disk('first'),
                 '-drive', f'file={self.disk("second")},format=raw']
        console = self.shell(extra=extra)
        for letter in 'ab':
            self.command(console, f'echo written | dd of=/dev/vd{letter} conv=fsync 2>/dev/null; '
                                  'echo 3 > /proc/sys/vm/drop_caches')
            self.assertEqual(self.command(console, f'head -c 7 /dev/vd{letter}'), 'written')
        self.power_off(console)
        self.assertEqual([self.first_bytes(name) for name in ('first', 'second')],
                         ['first', 'second'])

    def test_all_places(self):
        """32 virtio devices: 30 disks, a network, random numbers."""
        extra = ['-device', 'virtio-rng-device']
        for number in range(30):
            extra += ['-drive', f'file={self.disk(f"disk{number}")},format=raw']
        console = self.shell(append='quiet dragoman.net=off', extra=extra)
        self.assertEqual(self.command(console, 'ls /sys/bus/virtio/devices | wc -l'), '32')
        last = self.command(console, 'head -c 16 /dev/vdad').strip()
        self.assertEqual(last, 'disk29')
        self.power_off(console)
