#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How quick a shared folder is, in turns with QEMU's: large files, small requests, small files.

The same guest (Debian's generic kernel, one CPU) does the same work on the same folder under both
emulators; the time is the host's, from the typed command to its prompt.  Printed is the median of
the ratios of the pairs, with their range.  DRAGOMAN=PATH and PEER=PATH choose the emulators.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'boot'))

from common import PROMPT, find_emulator, get_initramfs, get_kernel, linux  # noqa: E402
from console import Console  # noqa: E402
from initramfs import MODULES  # noqa: E402

FLAVOUR = 'generic'
LARGE_MIB = 256
SMALL_FILES = 1000

WORK = [
    ('read 256 MiB', 'dd if=/mnt/large of=/dev/null bs=1M'),
    ('write 256 MiB', f'dd if=/dev/zero of=/mnt/written bs=1M count={LARGE_MIB}'),
    ('10000 reads of 4 KiB', 'dd if=/mnt/large of=/dev/null bs=4k count=10000'),
    ('list 1000 files', 'ls -l /mnt/tree'),
    ('pack 1000 files', 'tar cf /tmp/tree.tar -C /mnt tree'),
    ('unpack 1000 files', 'mkdir /mnt/copy; tar xf /tmp/tree.tar -C /mnt/copy'),
    ('remove 1000 files', 'rm -r /mnt/copy /mnt/written'),
]


def make_folder(top):
    with open(os.path.join(top, 'large'), 'wb') as handle:
        for _ in range(LARGE_MIB):
            handle.write(os.urandom(1 << 20))
    os.mkdir(os.path.join(top, 'tree'))
    for number in range(SMALL_FILES):
        with open(os.path.join(top, 'tree', f'file{number}'), 'wb') as handle:
            handle.write(os.urandom(3000))


def measure(emulator, top):
    """Seconds for each row of WORK."""
    command = linux('quiet dragoman.net=off', [
        '-fsdev', f'local,id=f,path={top},security_model=none', '-device',
        'virtio-9p-device,fsdev=f,mount_tag=host', '-nic', 'none'],
        kernel=get_kernel(FLAVOUR).image, memory=1024, emulator=emulator,
        initramfs=get_initramfs(FLAVOUR, modules=MODULES + ['9p', '9pnet_virtio']))
    seconds = []
    with Console(command) as console:
        console.expect(PROMPT, 100)
        for setup in ('mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 host /mnt',
                      'mount -t tmpfs tmp /tmp'):
            assert console.run(setup, PROMPT)[0] == 0, setup
        for name, text in WORK:
            started = time.monotonic()
            status, output = console.run(f'{text} > /dev/null 2>&1', PROMPT, 300)
            seconds.append(time.monotonic() - started)
            assert status == 0, f'{name}: {output}'
        console.line('poweroff')
        console.wait(60)
    return seconds


def main():
    parser = argparse.ArgumentParser(prog='tests/perf/sharing.py', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--pairs', type=int, default=5, help='how often both run (default 5)')
    options = parser.parse_args()
    emulators = [find_emulator(), os.environ.get('PEER', 'qemu-system-aarch64')]
    times = {emulator: [] for emulator in emulators}
    with tempfile.TemporaryDirectory(prefix='dragoman-sharing-', dir='/var/tmp') as top:
        make_folder(top)
        for pair in range(options.pairs):
            for emulator in emulators if pair % 2 == 0 else reversed(emulators):
                times[emulator].append(measure(emulator, top))
    ours, theirs = times.values()
    print(f'Medians of {options.pairs} pair(s).  "faster": the peer\'s time over ours.')
    print(f'{"":22} {"dragoman s":>10} {"peer s":>8} {"faster":>7} {"range":>13}')
    for row, (name, _) in enumerate(WORK):
        own, peer = [t[row] for t in ours], [t[row] for t in theirs]
        ratios = [b / a for a, b in zip(own, peer)]
        print(f'{name:22} {statistics.median(own):10.2f} {statistics.median(peer):8.2f} '
              f'{statistics.median(ratios):7.2f} {min(ratios):6.2f}-{max(ratios):.2f}')


if __name__ == '__main__':
    main()
