# SPDX-License-Identifier: MIT
"""Small ext4 disk images, made from a folder without mounting anything."""

import os
import subprocess
import tempfile

PATH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'


def _run(command):
    return subprocess.run(command, env=dict(os.environ, PATH=PATH), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def make_disk(path, files, size_mib=64):
    """Make an ext4 image at `path` that holds `files` ({name: bytes})."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), 'wb') as handle:
                handle.write(data)
        if os.path.exists(path):
            os.unlink(path)
        result = _run(['mke2fs', '-q', '-t', 'ext4', '-E', 'root_owner=0:0', '-d', folder, path,
                       f'{size_mib}M'])
    if result.returncode != 0:
        raise RuntimeError(f'mke2fs failed: {result.stdout}')


def check_disk(path):
    """None if the ext4 file system of a raw image is clean, else what fsck says."""
    result = _run(['e2fsck', '-f', '-n', path])
    return None if result.returncode == 0 else result.stdout


def read_from_disk(path, name):
    """The bytes of the file `name` in an ext4 image."""
    return subprocess.run(['debugfs', '-R', f'cat {name}', path], env=dict(os.environ, PATH=PATH),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout
