# SPDX-License-Identifier: MIT
"""Drives an emulator's terminal the way a person does: waits for text, types, reads on.

A Console owns one emulator process on a pseudo-terminal of its own.  Every wait has a deadline;
a kernel that panics or complains ends a wait at once, with what the guest said last.
"""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

# Deadlines grow by this on slow machines, or for slow engines.
TIME_SCALE = float(os.environ.get('BOOT_TIME_SCALE', '1'))

COMPLAINTS = re.compile(
    rb'Kernel panic|Internal error: |Unable to handle kernel|kernel BUG at|'
    rb'BUG: |rcu_\w+ (?:self-)?detected|WARNING: CPU|Call trace:|'
    rb'init: cannot load|dragoman: no script|'
    rb'Assertion .* failed|AddressSanitizer|runtime error:')


class GuestFailure(AssertionError):
    """The guest or the emulator did not do what was expected; the message has the console's end."""


class Console:
    """An emulator on a pseudo-terminal.  Use as a context manager: the process never outlives it."""

    def __init__(self, command, tolerate_complaints=False, echo=None):
        accel = os.environ.get('BOOT_ACCEL')
        if accel and not any('accel' in word or word == '-one-insn-per-tb' for word in command):
            command = list(command) + ['-accel', accel]
        self.command = command
        self.transcript = bytearray()
        self.mark = 0               # where the next expect() starts
        self._complaints_from = 0
        self._tolerate = tolerate_complaints
        self._echo = echo
        self.master, slave = pty.openpty()
        # Sized like a real one, so that programs do not go and ask.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b'\x18\0\x50\0\0\0\0\0')
        self.settings_before = termios.tcgetattr(slave)
        self._slave = slave

        def take_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        preexec_fn=take_terminal)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self._slave)

    def tail(self):
        """The last lines of the console, for messages."""
        text = bytes(self.transcript[-2500:]).decode(errors='replace').replace('\r', '')
        return f'{" ".join(self.command)}\n--- the console ends:\n{text}\n---'

    def _fail(self, text):
        raise GuestFailure(f'{text}\n{self.tail()}')

    def _read(self, seconds):
        """Take in what is there within `seconds`; False if nothing came."""
        ready, _, _ = select.select([self.master], [], [], max(0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        if self._echo:
            self._echo.write(data.decode(errors='replace'))
            self._echo.flush()
        self.transcript += data
        return bool(data)

    def _complain(self):
        if self._tolerate:
            return
        # From a little back, because a complaint may have come in two pieces.
        match = COMPLAINTS.search(self.transcript, max(0, self._complaints_from - 64))
        self._complaints_from = len(self.transcript)
        if match:
            while self._read(1.0):
                pass
            self._fail(f'the guest complains: {match[0].decode(errors="replace")}')

    def expect(self, pattern, seconds=60):
        """Wait for a regular expression after the last match; returns the match object."""
        wanted = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        deadline = time.monotonic() + seconds * TIME_SCALE
        while True:
            match = wanted.search(self.transcript, self.mark)
            if match:
                self.mark = match.end()
                return match
            self._complain()
            left = deadline - time.monotonic()
            if left <= 0:
                self._fail(f'"{pattern}" did not come within {seconds * TIME_SCALE:.0f} s')
            if not self._read(min(left, 0.5)) and self.process.poll() is not None:
                while self._read(0):
                    pass
                if not wanted.search(self.transcript, self.mark):
                    self._fail(f'the emulator ended (status {self.process.returncode}) '
                               f'before "{pattern}"')

    def send(self, text):
        """Type text."""
        data = text.encode()
        while data:
            data = data[os.write(self.master, data):]

    def line(self, text):
        """Type a line."""
        self.send(text + '\n')

    def run(self, command, prompt, seconds=60):
        """Run a shell command in the guest; returns (exit status, output)."""
        # The echo of the typed line must not match, hence the empty quotes.
        self.line(f'echo "be""gin:"; {command}; echo "do""ne:$?:"')
        match = self.expect(r'begin:\r*\n((?:.|\n)*?)done:(\d+):', seconds)
        self.expect(prompt, seconds)
        output = match[1].decode(errors='replace').replace('\r', '').strip('\n')
        # Kernel messages share the console with what commands print.
        lines = [line for line in output.split('\n') if not re.match(r'\[ *\d+\.\d+\] ', line)]
        return int(match[2]), '\n'.join(lines)

    def wait(self, seconds=60):
        """Wait until the emulator has ended; returns its status."""
        deadline = time.monotonic() + seconds * TIME_SCALE
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self._fail(f'the emulator did not end within {seconds * TIME_SCALE:.0f} s')
            self._read(0.2)
            self._complain()
        while self._read(0):
            pass
        self._complain()
        return self.process.returncode

    def text(self):
        """All of the console so far."""
        return bytes(self.transcript).decode(errors='replace').replace('\r', '')

    def settings_now(self):
        """The terminal's settings, to compare with settings_before."""
        return termios.tcgetattr(self._slave)

    def interrupt(self, number=signal.SIGTERM):
        """Send the emulator a signal."""
        self.process.send_signal(number)
