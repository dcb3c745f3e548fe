# SPDX-License-Identifier: MIT
"""Consoles and ports of virtio-serial under Debian's kernel."""

import fcntl
import hashlib
import os
import re
import socket
import struct
import tempfile
import termios
import threading
import time

from common import PROMPT, TIME_SCALE, BootTest

from initramfs import get_busybox

PORT_BYTES = 100 << 20


class Ports(BootTest):
    """What a program in the guest and one on the host say to each other."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-ports-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def socket_chardev(self, name):
        return ['-chardev', f'socket,id={name},path={self.path(name)},server=on,wait=off']

    def connect(self, name):
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.settimeout(60 * TIME_SCALE)
        peer.connect(self.path(name))
        return peer

    def one_port(self):
        return self.shell(extra=self.socket_chardev('p') + [
            '-device', 'virtio-serial-device', '-device', 'virtserialport,chardev=p,name=org.test.0'])

    def hear(self, peer, wanted):
        said = b''
        while not re.search(wanted, said):
            piece = peer.recv(4096)
            self.assertNotEqual(piece, b'', said)
            said += piece
        return said

    def receive(self, peer, count):
        data = bytearray()
        while len(data) < count:
            piece = peer.recv(count - len(data))
            self.assertNotEqual(piece, b'')
            data += piece
        return bytes(data)

    def test_console(self):
        """A shell on hvc0, whose window has the size of the terminal at the host's end."""
        console = self.shell(extra=self.socket_chardev('c') + [
            '-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=c'])
        peer = self.connect('c')
        console.line('setsid sh -c "exec sh -i </dev/hvc0 >/dev/hvc0 2>&1" &')
        self.hear(peer, rb'# ')
        peer.sendall(b'echo $((6 * 7))$(tty)\n')
        self.hear(peer, rb'42/dev/hvc0')
        peer.sendall(b'poweroff\n')
        self.assertEqual(console.wait(60), 0)

    def test_window(self):
        """The guest learns the size of the terminal, and its changes."""
        console = self.shell(extra=[
            '-chardev', 'stdio,id=c,mux=on,signal=off', '-serial', 'chardev:c',
            '-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=c'])
        self.assertEqual(self.command(console, 'stty -F /dev/hvc0 size'), '24 80')
        fcntl.ioctl(console.master, termios.TIOCSWINSZ, struct.pack('4H', 43, 132, 0, 0))
        deadline = time.monotonic() + 20 * TIME_SCALE
        while self.command(console, 'stty -F /dev/hvc0 size') != '43 132':
            self.assertLess(time.monotonic(), deadline)
        self.power_off(console)

    def test_transfers(self):
        """100 MiB each way, and not a bit is lost."""
        console = self.one_port()
        port = self.command(console, 'echo /dev/$(cd /sys/class/virtio-ports; ls -d vport*p1)')
        self.assertEqual(self.command(console, f'cat /sys/class/virtio-ports/{port[5:]}/name'),
                         'org.test.0')
        data = os.urandom(1 << 20) * (PORT_BYTES >> 20)
        peer = self.connect('p')
        sender = threading.Thread(target=peer.sendall, args=(data,))
        sender.start()
        self.command(console, f'dd if={port} of=/data bs=64k iflag=fullblock count=1600', 120)
        sender.join()
        said = self.command(console, 'md5sum /data', 120)
        self.assertEqual(said.split()[0], hashlib.md5(data).hexdigest())
        console.line(f'dd if=/data of={port} bs=64k; echo writ""ten')
        for start in range(0, PORT_BYTES, 1 << 20):
            piece = self.receive(peer, 1 << 20)
            self.assertEqual(piece, data[start:start + (1 << 20)], f'after {start} bytes')
        console.expect('written', 20)
        self.power_off(console)

    def test_back_pressure(self):
        """Who writes faster than the other side reads has to wait, and nothing is lost."""
        console = self.one_port()
        peer = self.connect('p')
        with open(get_busybox(), 'rb') as handle:
            data = handle.read() * 3
        console.line('cat /bin/busybox /bin/busybox /bin/busybox > /dev/vport0p1; echo wri""tten')
        time.sleep(2)
        self.assertNotIn('written', console.text())
        self.assertEqual(self.receive(peer, len(data)), data)
        console.expect('written', 20)
        peer.settimeout(2)
        with self.assertRaises(TimeoutError):
            peer.sendall(bytes(64 << 20))
        self.power_off(console)

    def test_connections(self):
        """The guest sees the host's end come and go; a reader in the guest gets the end of file."""
        console = self.one_port()
        self.command(console, 'exec 3<>/dev/vport0p1')
        for number in range(2):
            peer = self.connect('p')
            console.line('read -r line <&3; echo "go""t:$line"')
            peer.sendall(f'message {number}\n'.encode())
            console.expect(f'got:message {number}', 20)
            console.expect(PROMPT)
            self.command(console, f'echo answer {number} >&3')
            self.hear(peer, f'answer {number}\n'.encode())
            peer.close()
            self.assertEqual(self.command(console, 'sleep 0.2; cat <&3'), '')
        self.power_off(console)

    def test_many_ports(self):
        """Several devices with several ports, found by their names."""
        extra = []
        for bus in range(2):
            extra += ['-device', f'virtio-serial-device,id=bus{bus},max_ports=8']
            for port in range(1, 8):
                name = f'bus{bus}.port{port}'
                extra += ['-chardev', f'file,id={name},path={self.path(name)}', '-device',
                          f'virtserialport,bus=bus{bus}.0,nr={port},chardev={name},name={name}']
        console = self.shell(extra=extra)
        self.command(console, 'for p in /sys/class/virtio-ports/*; do '
                              'echo I am $(cat $p/name) > /dev/$(basename $p); done')
        self.power_off(console)
        for bus in range(2):
            for port in range(1, 8):
                name = f'bus{bus}.port{port}'
                with open(self.path(name), encoding='ascii') as handle:
                    self.assertEqual(handle.read(), f'I am {name}\n')
