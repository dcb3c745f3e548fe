# SPDX-License-Identifier: MIT
"""Code that changes: the kernel patches itself, programs write their own."""

import os
import re
import struct
import tempfile

from common import HERE, BootTest, get_initramfs, ours_only
from guestprogram import compile_linux_program
from initramfs import get_busybox


def entry_offset(path):
    """Where in an ELF file its first instruction is."""
    with open(path, 'rb') as handle:
        data = handle.read()
    entry, headers = struct.unpack_from('<QQ', data, 24)
    size, count = struct.unpack_from('<HH', data, 54)
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from('<IIQQQQ', data,
                                                                 headers + index * size)
        if kind == 1 and address <= entry < address + length:
            return entry - address + offset
    raise AssertionError(f'{path} has no entry point in a segment')


class Patching(BootTest):
    """kprobes, ftrace, static keys, uprobes and self-modifying code."""

    def check(self, processors, extra=()):
        with tempfile.TemporaryDirectory(prefix='dragoman-boot-') as folder:
            selfmod = compile_linux_program(self, folder, 'selfmod', 'selfmod.c')
            initramfs = get_initramfs(additions=[
                f'{os.path.join(HERE, "guests", "patching.sh")}:/etc/run/patching', selfmod])
        text = self.run_script('patching', f'dragoman.uprobe={entry_offset(get_busybox()):#x}',
                               processors=processors, initramfs=initramfs, seconds=180,
                               extra=extra)
        self.assertEqual(re.findall('FAILED.*', text), [])
        self.assertGreater(len(re.findall('^ok ', text, re.M)), 18)

    def test_one_processor(self):
        self.check(1)

    def test_four_processors(self):
        self.check(4)

    @ours_only
    def test_second_tier(self):
        """What is patched is part of a region."""
        self.check(2, ['-accel', 'tcg,tier2=always'])
