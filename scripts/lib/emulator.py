# SPDX-License-Identifier: MIT
"""Which emulator the scripts and tests start, and the command lines they share."""

import os

from cache import GuestError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find_emulator():
    """$DRAGOMAN if set (a path or a name in $PATH), else build/dragoman of this checkout."""
    chosen = os.environ.get('DRAGOMAN')
    if chosen:
        return chosen
    path = os.path.join(TOP, 'build', 'dragoman')
    if not os.path.exists(path):
        raise GuestError('build/dragoman is missing; run "meson setup build && '
                         'meson compile -C build", or set DRAGOMAN to an emulator')
    return path


def base_command(cpu='max', memory=512, processors=1, emulator=None, gic=None):
    """The emulator with the board, the processor and the memory, before kernel and devices."""
    emulator = emulator or find_emulator()
    if cpu == 'max' and os.path.basename(emulator).startswith('qemu-'):
        # Its pointer authentication alone would take most of the guest's time.
        cpu = 'max,pauth=off'
    board = f'virt,gic-version={gic}' if gic else 'virt'
    return [emulator, '-M', board, '-cpu', cpu, '-smp', str(processors),
            '-m', str(memory), '-nographic', '-no-reboot']
