# SPDX-License-Identifier: MIT
"""Memory that the guest gives back: by itself, as it frees it, and when the user asks."""

import re
import time

from common import BootTest, get_initramfs, ours_only
from console import TIME_SCALE
from initramfs import MODULES

MEBIBYTE = 1 << 20
FILLED_MIB = 1024


def resident_mib(console):
    """What takes room in the host, guest memory above all, as the kernel accounts for it."""
    with open(f'/proc/{console.process.pid}/status') as status:
        kib = re.findall(r'Rss(?:Anon|Shmem):\s+(\d+) kB', status.read())
    return sum(map(int, kib)) * 1024 // MEBIBYTE


class Balloon(BootTest):

    def setUp(self):
        self.initramfs = get_initramfs(modules=MODULES + ['virtio_balloon'])

    def boot(self, options, memory):
        return self.shell('quiet dragoman.net=off', ['-device', f'virtio-balloon-device,{options}',
                                                     '-nic', 'none'],
                          initramfs=self.initramfs, memory=memory)

    def wait_for(self, what, seconds, condition):
        """Poll until the condition holds."""
        deadline = time.monotonic() + seconds * TIME_SCALE
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.2)

    def test_freed_memory_goes_back_to_the_host(self):
        """A guest that frees 1 GiB makes the emulator smaller by nearly as much."""
        console = self.boot('free-page-reporting=on', 2048)
        before = resident_mib(console)
        self.command(console, f'mount -t tmpfs -o size=90% fill /mnt && '
                     f'dd if=/dev/urandom of=/tmp/seed bs=1M count=8 2>/dev/null && '
                     f'for i in $(seq {FILLED_MIB // 8}); do cat /tmp/seed; done > /mnt/data && '
                     'md5sum /tmp/seed', 120)
        full = resident_mib(console)
        self.assertGreater(full - before, 0.9 * FILLED_MIB)
        seed = self.command(console, 'md5sum < /tmp/seed')
        self.command(console, 'umount /mnt')
        self.wait_for(f'{full} MiB resident with the memory filled, and freed it did not fall',
                      90, lambda: full - resident_mib(console) > 0.9 * FILLED_MIB)
        self.assertEqual(self.command(console, 'md5sum < /tmp/seed'), seed)
        self.power_off(console)

    @ours_only
    def test_deflates_when_memory_is_short(self):
        """With deflate-on-oom=on a program that needs what was lent gets it and is not killed."""
        console = self.boot('deflate-on-oom=on', 384)
        self.monitor(console, 'balloon 96')
        self.wait_for('the balloon does not fill', 30,
                      lambda: 'actual=96' in self.monitor(console, 'info balloon')[0])
        # One block of dd is anonymous memory.
        self.command(console, 'dd if=/dev/urandom of=/dev/null bs=200M count=1 2>/dev/null', 120)
        self.assertNotIn('actual=96', self.monitor(console, 'info balloon')[0])
        self.assertNotIn('Out of memory', console.text())
        self.power_off(console)

    @ours_only
    def test_balloon(self):
        """The user takes memory away and gives it back; what is in use stays as it is."""
        console = self.boot('guest-stats-polling-interval=1', 512)
        total = r'sed -n "s/MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo'
        at_first = int(self.command(console, total))
        checksum = self.command(console, 'mount -t tmpfs -o size=90% fill /mnt; dd if=/dev/urandom '
                                'of=/mnt/kept bs=1M count=64 2>/dev/null; md5sum < /mnt/kept')
        # Touched once and free again: this is what the balloon takes from the host, too.
        self.command(console, 'dd if=/dev/zero of=/mnt/freed bs=1M count=256 2>/dev/null; '
                     'rm /mnt/freed')
        full = resident_mib(console)
        self.monitor(console, 'balloon 192')
        self.wait_for('the balloon does not fill', 30,
                      lambda: 'actual=192' in self.monitor(console, 'info balloon')[0])
        self.assertLess(resident_mib(console), full - 200)
        self.assertLess(int(self.command(console, total)), at_first - 300 * 1024)
        self.assertEqual(self.command(console, 'md5sum < /mnt/kept'), checksum)
        self.wait_for('no statistics come', 10,
                      lambda: re.search(r'free: [1-9]\d* KiB',
                                        self.monitor(console, 'info balloon')[0]))
        self.monitor(console, 'balloon 512')
        self.wait_for('the balloon does not empty', 30,
                      lambda: 'actual=512' in self.monitor(console, 'info balloon')[0])
        again = self.command(console, 'for i in 1 2 3 4; do cat /mnt/kept; done > /mnt/copies; '
                             'dd if=/mnt/copies bs=64M skip=3 2>/dev/null | md5sum')
        self.assertEqual(again, checksum)
        self.power_off(console)
