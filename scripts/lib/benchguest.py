# SPDX-License-Identifier: MIT
"""A guest of scripts/bench whose emulator is looked at while it runs: its console goes to a file,
its monitor is asked, its process measured.

The guest waits before and after its programs (`hold`), so that what is asked is theirs.
"""

import os
import re
import select
import subprocess
import time

from cache import GuestError

HOLD_SECONDS = 600
ANSWER_SECONDS = 20
READY, HOLD = 'begin ready', 'begin hold'    # lines on the console


class AskedGuest:
    """Ended when its `with` block is left."""

    def __init__(self, command, log):
        # The board's command line has -nographic, which would mix both.
        command = [word for word in command if word != '-nographic']
        command += ['-display', 'none', '-serial', f'file:{log}', '-monitor', 'stdio']
        self.log, self.command = log, command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def console(self):
        try:
            with open(self.log, errors='replace') as handle:
                return handle.read().replace('\r', '')
        except FileNotFoundError:
            return ''

    def wait_for(self, line, progress, meanwhile=lambda: None):
        """Until the console has that line; `meanwhile` is called twenty times a second."""
        deadline = time.monotonic() + HOLD_SECONDS
        while line not in self.console().split('\n'):
            begun = re.findall(r'^begin (\w+)$', self.console(), re.M)
            progress.show(begun[-1] if begun else '')
            if self.process.poll() is not None:
                raise GuestError(f'{" ".join(self.command)}\n{self.console()[-2000:]}\n'
                                 f'{self.process.stdout.read().decode(errors="replace").strip()}\n'
                                 f'the emulator ended with status {self.process.returncode}')
            if time.monotonic() > deadline:
                raise GuestError(f'{" ".join(self.command)}\n{self.console()[-2000:]}\n'
                                 f'the guest did not finish within {HOLD_SECONDS} s')
            meanwhile()
            time.sleep(0.05)

    def ask(self, command, until):
        self.process.stdin.write(f'{command}\n'.encode())
        self.process.stdin.flush()
        text, deadline = '', time.monotonic() + ANSWER_SECONDS
        while not re.search(until, text):
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(0, deadline - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b''
            if not data:
                raise GuestError(f'the monitor did not answer "{command}": {text[-500:]}')
            text += data.decode(errors='replace').replace('\r', '')
        return text

    def cpu_seconds(self):
        with open(f'/proc/{self.process.pid}/stat') as handle:
            fields = handle.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
