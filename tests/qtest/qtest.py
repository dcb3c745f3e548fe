# SPDX-License-Identifier: MIT
"""A client of the qtest protocol: starts an emulator whose devices it drives (docs/qtest.md)."""
import os
import re
import socket
import subprocess
import tempfile


class Qtest:
    """One emulator. `arguments`: of its command line, besides -qtest and what leaves out all that
    is not asked for. As a context manager it ends the emulator."""

    def __init__(self, binary, arguments, seconds=20):
        self.news = []  # lines "IRQ raise 5" that came between the answers
        self._folder = tempfile.TemporaryDirectory(prefix='qtest-')
        path = os.path.join(self._folder.name, 'socket')
        self.log_path = os.path.join(self._folder.name, 'log')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(seconds)
            self.process = subprocess.Popen(
                [binary, '-qtest', f'unix:{path}', '-qtest-log', self.log_path, '-display', 'none',
                 '-nodefaults', *arguments], stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            self._socket, _ = listener.accept()
        self._socket.settimeout(seconds)
        self._lines = self._socket.makefile('rwb')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lines.close()
        self._socket.close()
        self.process.terminate()
        self.process.wait()
        self._folder.cleanup()

    def command(self, line):
        """Send a line; its answer. News that come before it are collected."""
        self._lines.write(line.encode() + b'\n')
        self._lines.flush()
        while True:
            answer = self._lines.readline().decode().rstrip('\n')
            if not answer:
                raise EOFError(f'the emulator ended at: {line}')
            if not answer.startswith('IRQ '):
                return answer
            self.news.append(answer)

    def ok(self, line):
        """Send a line that must succeed; what follows OK."""
        answer = self.command(line)
        if not re.match(r'OK\b', answer):
            raise ValueError(f'{line}: {answer}')
        return answer[3:]

    def read(self, address, size=4):
        return int(self.ok(f'read{"bwlq"[size.bit_length() - 1]} 0x{address:x}'), 16)

    def write(self, address, value, size=4):
        self.ok(f'write{"bwlq"[size.bit_length() - 1]} 0x{address:x} 0x{value:x}')
