# SPDX-License-Identifier: MIT
"""Debian 12 with systemd on a virtio disk: login, network both ways, reset, clean power-off."""

import hashlib
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

from common import DEBIAN_PROMPT, BootTest, linux, log_in
from console import TIME_SCALE

from disk import check_disk
from hostserver import HostServer
from rootfs import ROOT_PASSWORD, get_rootfs


class Debian(BootTest):
    """Sessions as a person would have them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-boot-')
        self.addCleanup(folder.cleanup)
        self.image = os.path.join(folder.name, 'root.img')
        subprocess.run(['cp', '--sparse=always', get_rootfs(), self.image], check=True)

    def run_in(self, console, text, seconds=60):
        return self.command(console, text, seconds, DEBIAN_PROMPT)

    def test_session(self):
        """Login, network in both directions, a reset, and a clean file system at the end."""
        port = free_port()
        content = os.urandom(2 << 20)
        with HostServer({'/file': content}) as server:
            console = self.console(linux(
                'root=/dev/vda', reboot=True,
                extra=['-drive', f'file={self.image},format=raw,if=virtio',
                       '-nic', f'user,hostfwd=tcp:127.0.0.1:{port}-:80']))
            log_in(console)
            self.assertIn('Debian GNU/Linux 12', self.run_in(console, 'cat /etc/os-release'))

            address = 'for i in $(seq 50); do ip -4 -o addr | grep "inet 10.0.2.15/24" && break; ' \
                      'sleep 0.2; done'
            self.assertIn('10.0.2.15', self.run_in(console, address))
            self.run_in(console, f'wget -q -O /root/file http://10.0.2.2:{server.port}/file', 120)
            self.run_in(console, f'test $(stat -c %s /root/file) = {len(content)}')
            reached = urllib.request.urlopen(f'http://127.0.0.1:{port}/hello',
                                             timeout=60 * TIME_SCALE).read()
            self.assertEqual(reached, b'A Debian guest serves this.\n')
            self.assertEqual(self.run_in(console, 'systemctl --failed --no-legend | cat'), '')

            # Reset pulls the plug: what was synced must survive it.
            self.run_in(console, 'sync')
            console.send('\x01c')
            time.sleep(0.5)
            console.line('system_reset')
            time.sleep(0.5)
            console.send('\x01c')
            log_in(console)
            self.run_in(console, f'test $(stat -c %s /root/file) = {len(content)}')
            self.power_off(console, 120)
        self.assertIsNone(check_disk(self.image))

    def test_two_processors(self):
        """Two processors under load compute right, and agree on the file system.  There is a
        second console to log in on, hvc0."""
        path = self.image + '.hvc0'
        console = self.console(linux(
            'root=/dev/vda', processors=2,
            extra=['-drive', f'file={self.image},format=raw,if=virtio',
                   '-chardev', f'socket,id=c,path={path},server=on,wait=off',
                   '-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=c']))
        log_in(console)
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60 * TIME_SCALE)
            line.connect(path)
            line.sendall(b'\n')  # it has asked before, when nobody listened
            for wanted, answer in (('login: ', 'root'), ('Password: ', ROOT_PASSWORD),
                                   (DEBIAN_PROMPT, 'tty'), ('/dev/hvc0', 'exit')):
                said = ''
                while not re.search(wanted, said):
                    said += line.recv(4096).decode(errors='replace')
                line.sendall(answer.encode() + b'\n')
        self.assertEqual(self.run_in(console, 'nproc'), '2')
        numbers = ''.join(f'{number}\n' for number in range(1, 100001)).encode()
        job = 'seq 1 100000 | gzip | tee /root/$i.gz | gunzip | sha256sum | cut -c1-64'
        output = self.run_in(console, f'for i in 1 2 3 4 5 6; do ({job}) & done 2> /dev/null; '
                             'wait; sync', 240)
        sums = [line for line in output.split('\n') if len(line) == 64]
        self.assertEqual(sums, [hashlib.sha256(numbers).hexdigest()] * 6, output)
        self.run_in(console, 'for i in 1 2 3 4 5 6; do cmp /root/$i.gz /root/1.gz || break; done; '
                    'test $i = 6')
        self.power_off(console, 120)
        self.assertIsNone(check_disk(self.image))


def free_port():
    """A TCP port of the host that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
