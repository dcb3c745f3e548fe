# SPDX-License-Identifier: MIT
"""Semihosting: a guest without an operating system asks the host for services."""

import os
import shutil
import socket
import subprocess
import tempfile

from common import TIME_SCALE, BootTest, base_command, ours_only
from guestprogram import compile_guest

REFERENCE = 'qemu-system-aarch64'


class Semihosting(BootTest):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-semihosting-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.program = compile_guest(self, self.folder, 'semihosting', 'start.S', 'semihosting.c')

    def files(self, name):
        """A folder with what the guest looks for."""
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        for file, text in (('in.txt', 'Hello, semihosting.'), ('gone.txt', ''), ('old.txt', 'old')):
            with open(os.path.join(folder, file), 'w') as handle:
                handle.write(text)
        os.symlink('../secret.txt', os.path.join(folder, 'link.txt'))
        return folder

    def run_guest(self, command, folder, status=42):
        """What it said on the serial line, to standard output and standard error."""
        serial = os.path.join(self.folder, 'serial')
        result = subprocess.run(command + ['-display', 'none', '-monitor', 'none', '-nic', 'none',
                                           '-serial', f'file:{serial}', '-kernel', self.program],
                                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=60 * TIME_SCALE)
        with open(serial) as handle:
            said = handle.read()
        if status is not None:
            self.assertEqual(result.returncode, status, (said, result.stderr))
        return said, result.stdout.decode(), result.stderr.decode()

    def command(self, config, emulator=None):
        command = base_command(cpu='cortex-a57', emulator=emulator)
        command.remove('-nographic')
        return command + ['-semihosting-config', config]

    @ours_only
    def test_every_operation(self):
        """Each answers as in another emulator; the files are as the guest left them."""
        folder = self.files('ours')
        os.mkfifo(os.path.join(folder, 'fifo'))     # the reference would wait there for ever
        with open(os.path.join(self.folder, 'secret.txt'), 'w') as handle:
            handle.write('secret')
        said, output, error = self.run_guest(
            self.command(f'enable=on,root={folder},arg=one,arg=two') + ['-sandbox', 'on'], folder)
        with open(os.path.join(folder, 'out.txt')) as handle:
            text = handle.read()
        alphabet = 'abcdefghijklmnopqrstuvwxyz' * 1000
        self.assertEqual(text, 'abcXYZ' + alphabet[6:20000] + 'end')
        # What would lead out of the folder stays in it.
        self.assertEqual(sorted(os.listdir(folder)), ['fifo', 'in.txt', 'link.txt', 'new.txt',
                                                      'out.txt', 'outside.txt'])
        self.assertEqual((output, error), ('to the console\n', 'a line of it\n!\n'))
        common, ours = said.split('ours\n')
        self.assertIn('command line [one two]', common)
        self.assertEqual(ours, 'shell -1\noutside 1\nby a link -1\nabsolute 1\na folder -1\n'
                               'a device -1\nno operation -1\nbad block -1\nexceptions 0\n')
        self.assertFalse(os.path.exists(os.path.join(self.folder, 'outside.txt')))
        if not shutil.which(REFERENCE):
            self.skipTest(f'the answers are not compared: {REFERENCE} is missing')
        # It aborts itself at the end, where it meets an operation that there is not.
        reference = self.run_guest(
            self.command('enable=on,target=native,arg=one,arg=two', REFERENCE),
            self.files('theirs'), status=None)[0]
        theirs = reference.split('ours\n')[0]
        # Its SYS_OPEN for appending writes at the beginning all the same.
        theirs = theirs.replace('append length 4e20', 'append length 4e23')
        self.assertEqual(common, theirs)

    @ours_only
    def test_console_input(self):
        """What is typed at the console device comes from SYS_READC; meanwhile the CPU can stop."""
        self.program = compile_guest(self, self.folder, 'semiecho', 'start.S', 'semiecho.c')
        path = os.path.join(self.folder, 'console')
        console = self.console(self.command('enable=on,chardev=c') + [
            '-chardev', f'socket,id=c,path={path},server=on,wait=off', '-monitor', 'stdio', '-serial',
            'none', '-display', 'none', '-kernel', self.program])
        console.expect(r'\(\w+\) ', 20)
        with socket.socket(socket.AF_UNIX) as end:
            end.settimeout(20 * TIME_SCALE)
            end.connect(path)
            console.line('stop')
            console.line('info status')
            console.expect('paused', 20)
            console.line('cont')
            end.sendall(b'abc.')
            received = b''
            while not received.endswith(b'.'):
                received += end.recv(100)
        self.assertEqual(received, b'ABC.')
        self.assertEqual(console.wait(20), 0)

    @ours_only
    def test_off_unless_asked_for(self):
        """Without the option, and at EL0 without userspace=on, the instruction is undefined."""
        console = self.console(base_command() + ['-kernel', self.program])
        console.expect('exceptions ([0-9a-f]+)', 20)
        self.assertEqual(console.wait(20), 0)
        self.assertIn('still there', console.text())
        self.assertNotIn('exceptions 0', console.text())
