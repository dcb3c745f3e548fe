# SPDX-License-Identifier: MIT
"""A Debian guest with four processors under every kind of load at once; see guests/load.sh.

Half a minute by default, ten minutes with --long.
"""

import os
import re
import subprocess
import tempfile

from common import DEBIAN_PROMPT, HERE, LONG, BootTest, linux, log_in
from guestprogram import compile_linux_program

from disk import check_disk, make_disk
from rootfs import get_rootfs

SECONDS = 600 if LONG else 30


class Load(BootTest):
    """Right results, no complaint of the kernel, a clean file system."""

    def test_four_processors(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-boot-')
        self.addCleanup(folder.cleanup)
        root = os.path.join(folder.name, 'root.img')
        tools = os.path.join(folder.name, 'tools.img')
        subprocess.run(['cp', '--sparse=always', get_rootfs(variant='load'), root], check=True)
        files = {}
        for name in ('load.sh', 'jit.lua', 'jit.js'):
            with open(os.path.join(HERE, 'guests', name), 'rb') as handle:
                files[name] = handle.read()
        for name in ('litmus', 'selfmod'):
            path = compile_linux_program(self, folder.name, name, f'{name}.c')
            with open(path, 'rb') as handle:
                files[name] = handle.read()
        make_disk(tools, files)
        console = self.console(linux(
            'root=/dev/vda', processors=4, memory=2048,
            extra=['-drive', f'file={root},format=raw,if=virtio',
                   '-drive', f'file={tools},format=raw,if=virtio,readonly=on']))
        log_in(console)
        self.command(console, 'mkdir /tools /run/tools && mount -o ro /dev/vdb /tools && '
                     'find /tools -type f -exec install -t /run/tools {} +', prompt=DEBIAN_PROMPT)
        status, output = console.run(f'/run/tools/load.sh {SECONDS}', DEBIAN_PROMPT,
                                     SECONDS + 400)
        self.assertEqual(status, 0, output)
        parts = re.findall(r'^load: (\w+): (\d+) rounds, 0 wrong$', output, re.M)
        self.assertEqual(len(parts), 8, output)
        print(', '.join(f'{name} {rounds}' for name, rounds in parts), end=' ')
        self.power_off(console, 120)
        self.assertIsNone(check_disk(root))
