# SPDX-License-Identifier: MIT
"""What the boot tests share: the guests, the command lines, and which emulator is under test."""

import functools
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'scripts', 'lib'))

from console import COMPLAINTS, TIME_SCALE, Console  # noqa: E402
from emulator import base_command, find_emulator  # noqa: E402
from initramfs import get_initramfs  # noqa: E402
from kernel import get_kernel  # noqa: E402
from rootfs import ROOT_PASSWORD  # noqa: E402

PROMPT = r'guest:\S*# '
DEBIAN_PROMPT = r'root@debian-guest:\S*# '
LONG = os.environ.get('BOOT_LONG') == '1'     # tests/boot/run --long


@functools.lru_cache(None)
def is_dragoman():
    """Whether the emulator under test is ours; tests can also be tried with another one."""
    result = subprocess.run([find_emulator(), '-version'], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return 'dragoman' in result.stdout.lower()


def ours_only(test):
    """Skip a test when the emulator under test is not Dragoman."""
    @functools.wraps(test)
    def wrapper(self, *arguments):
        if not is_dragoman():
            self.skipTest('a statement about Dragoman only')
        return test(self, *arguments)
    return wrapper


def linux(append='', extra=(), kernel=None, initramfs=None, reboot=False, **machine):
    """The command line of a guest with Debian's kernel and the busybox initramfs."""
    command = base_command(**machine)
    if reboot:
        command.remove('-no-reboot')
    return command + ['-kernel', kernel or get_kernel().image,
                      '-initrd', initramfs or get_initramfs(),
                      '-append', f'console=ttyAMA0 panic=-1 {append}'.strip()] + list(extra)


def log_in(console):
    """Log in as root when Debian asks."""
    console.expect('debian-guest login: ', 180)
    console.line('root')
    console.expect('Password: ', 60)
    console.line(ROOT_PASSWORD)
    console.expect(DEBIAN_PROMPT, 60)
    # Bash would decorate the prompt for terminals that can do more.
    console.run('bind "set enable-bracketed-paste off"; stty -echo', DEBIAN_PROMPT)


class BootTest(unittest.TestCase):
    """A test that boots something."""

    def console(self, command, **options):
        """A Console that ends with the test."""
        console = Console(command, **options)
        self.addCleanup(console.__exit__, None, None, None)
        return console

    def shell(self, append='quiet', extra=(), seconds=60, **options):
        """Boot to the busybox shell's prompt."""
        console = self.console(linux(append, extra, **options))
        console.expect(PROMPT, seconds)
        return console

    def command(self, console, text, seconds=60, prompt=PROMPT):
        """Run a command that must succeed; returns its output."""
        status, output = console.run(text, prompt, seconds)
        self.assertEqual(status, 0, f'"{text}" failed in the guest: {output}')
        return output

    def monitor(self, console, *lines):
        """Type lines to the monitor of -nographic; returns what each said."""
        answers = []
        console.send('\x01c')
        console.expect(r'\(dragoman\) ', 20)
        for line in lines:
            console.line(line)
            match = console.expect(r'\n((?:.|\n)*?)\(dragoman\) ', 20)
            answers.append(match[1].decode(errors='replace').replace('\r', '').strip('\n'))
        console.send('\x01c')
        return answers

    def power_off(self, console, seconds=60):
        """Type poweroff and see the emulator end well."""
        console.line('poweroff')
        self.assertEqual(console.wait(seconds), 0, console.tail())
        self.assertIn('reboot: Power down', console.text())

    def run_script(self, name, append='', extra=(), seconds=60, **options):
        """Boot with dragoman.run=NAME and pipes for a terminal; returns what the console said."""
        command = linux(f'quiet dragoman.run={name} {append}', extra, **options)
        try:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=seconds * TIME_SCALE)
        except subprocess.TimeoutExpired as expired:
            text = (expired.stdout or b'').decode(errors='replace')
            self.fail(f'{" ".join(command)}\nno end within {seconds * TIME_SCALE:.0f} s:\n{text}')
        text = result.stdout.decode(errors='replace').replace('\r', '')
        report = f'{" ".join(command)}\n{text}'
        self.assertEqual(result.returncode, 0, report)
        self.assertIsNone(re.search(COMPLAINTS, result.stdout), report)
        self.assertIn(f'dragoman: {name} finished with status 0', text)
        return text
