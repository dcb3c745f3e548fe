# SPDX-License-Identifier: MIT
"""Compiles the bare guests of tests/boot/guests."""

import os
import shutil
import subprocess

from common import HERE

COMPILER = 'aarch64-linux-gnu-gcc'


def _compile(test, folder, name, sources, flags):
    if not shutil.which(COMPILER):
        test.skipTest(f'{COMPILER} is missing: "scripts/deps test" installs it')
    output = os.path.join(folder, name)
    sources = [os.path.join(HERE, 'guests', source) for source in sources]
    subprocess.run([COMPILER, '-O2', '-Wall', '-Wextra', *flags, *sources, '-o', output],
                   check=True)
    return output


def compile_guest(test, folder, name, *sources, flags=()):
    """An ELF file for -kernel, with symbols; the test is skipped where there is no compiler."""
    return _compile(test, folder, name, sources, [
        '-nostdlib', '-static', '-ffreestanding', '-march=armv8-a', '-mgeneral-regs-only',
        '-mstrict-align', '-mno-outline-atomics', '-fno-pic', '-no-pie', *flags,
        '-Wl,--build-id=none,--no-warn-rwx-segments', '-T',
        os.path.join(HERE, 'guests', 'link.ld')])


def compile_linux_program(test, folder, name, *sources):
    """A static Linux program; the test is skipped where there is no compiler."""
    return _compile(test, folder, name, sources, ['-static', '-pthread'])
