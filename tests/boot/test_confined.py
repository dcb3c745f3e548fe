# SPDX-License-Identifier: MIT
"""Without rights: -sandbox on, -run-with user= and chroot=. The guest must not notice."""

import glob
import os
import tempfile

from common import PROMPT, BootTest, get_initramfs, get_kernel, ours_only
from initramfs import MODULES

NOBODY = 65534


def thread_states(pid):
    """The /proc status of every thread, as dictionaries."""
    for path in glob.glob(f'/proc/{pid}/task/*/status'):
        with open(path) as status:
            yield dict(line.rstrip('\n').split(':\t', 1) for line in status if ':\t' in line)


class Confined(BootTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-confined-', dir='/var/tmp')
        self.addCleanup(folder.cleanup)
        self.jail = os.path.join(folder.name, 'jail')
        self.disk = os.path.join(folder.name, 'disk')
        os.mkdir(self.jail)
        with open(self.disk, 'wb') as disk:
            disk.truncate(8 << 20)

    @ours_only
    def test_sandbox_chroot_and_user(self):
        """Disk, network, entropy, monitor, two processors; every thread is confined."""
        if os.geteuid() != 0:
            self.skipTest('only root can change root and user')
        console = self.shell(extra=['-drive', f'file={self.disk},format=raw,if=virtio', '-nic',
                                    'user', '-device', 'virtio-rng-device', '-sandbox', 'on',
                                    '-run-with', f'user=nobody,chroot={self.jail}'],
                             processors=2, seconds=90)
        self.command(console, 'echo confined > /dev/vda && sync')
        self.assertEqual(self.command(console, 'head -n 1 /dev/vda'), 'confined')
        self.command(console, 'dd if=/dev/zero of=/dev/vda bs=64k count=64 seek=1 conv=fsync', 120)
        self.command(console, 'ping -c 1 10.0.2.2')
        self.assertIn('running', self.monitor(console, 'info status')[0])
        console.line('')
        console.expect(PROMPT, 20)
        states = list(thread_states(console.process.pid))
        self.assertGreater(len(states), 3)
        for state in states:
            self.assertEqual(state['Seccomp'].strip(), '2')
            self.assertEqual(state['NoNewPrivs'].strip(), '1')
            self.assertEqual(state['Uid'].split(), [str(NOBODY)] * 4)
            self.assertEqual(int(state['CapEff'], 16), 0)
        self.assertEqual(os.readlink(f'/proc/{console.process.pid}/root'), self.jail)
        self.assertEqual(os.listdir(self.jail), [])
        self.power_off(console)

    @ours_only
    def test_sandbox_with_a_shared_folder(self):
        console = self.shell('quiet dragoman.net=off',
                             ['-virtfs', f'local,path={self.jail},mount_tag=s,security_model=none',
                              '-nic', 'none', '-sandbox', 'on'],
                             kernel=get_kernel('generic').image,
                             initramfs=get_initramfs('generic', [],
                                                     MODULES + ['9p', '9pnet_virtio']), seconds=90)
        self.command(console, 'mkdir /s && mount -t 9p -o trans=virtio,version=9p2000.L s /s')
        self.command(console, 'echo hello > /s/a && mv /s/a /s/b && ln -s b /s/c && mkdir /s/d && '
                     'chmod 700 /s/d && ls -l /s && cat /s/c && rmdir /s/d && df /s && sync')
        with open(os.path.join(self.jail, 'b')) as shared:
            self.assertEqual(shared.read(), 'hello\n')
        self.power_off(console)
