# SPDX-License-Identifier: MIT
"""The guest's part of scripts/demo: makes the guest and boots it, to a shell for a person, through
a check when nobody sits there."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from cache import GuestError, say
from disk import check_disk, make_disk, read_from_disk
from emulator import base_command
from hostserver import HostServer
from initramfs import get_initramfs
from kernel import get_kernel

MESSAGE = b'Dragoman speaks for this guest.\n' * 4096
PROCESSORS = int(os.environ.get('DEMO_SMP', '1'))
MEMORY_MIB = 512
CHECK_SECONDS = int(os.environ.get('DEMO_SECONDS', '600'))


def guest_command(disk, append):
    command = base_command(memory=MEMORY_MIB, processors=PROCESSORS)
    command += ['-kernel', get_kernel().image, '-initrd', get_initramfs(),
                '-append', 'console=ttyAMA0 panic=-1 ' + append,
                '-drive', f'file={disk},format=raw,if=virtio', '-nic', 'user']
    return command


def run_shell(disk):
    size = shutil.get_terminal_size((80, 24))
    command = guest_command(disk, f'quiet dragoman.size={size.lines}x{size.columns}')
    say('To leave: type "poweroff" in the guest, or press Ctrl-A and then x at any time.')
    say('Starting: ' + ' '.join(command[:7]) + ' ...')
    return subprocess.call(command)


def run_check(disk):
    """The guest checks itself; the disk is checked from outside afterwards."""
    checksum = hashlib.sha256(MESSAGE).hexdigest()
    with HostServer({'/message': MESSAGE}) as server:
        command = guest_command(disk, f'quiet dragoman.run=check dragoman.cpus={PROCESSORS} '
                                f'dragoman.memory={MEMORY_MIB} dragoman.disk={checksum} '
                                f'dragoman.http={server.port}:{checksum}')
        say('Standard input is not a terminal: the guest runs its check and powers off.')
        try:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    timeout=CHECK_SECONDS)
        except subprocess.TimeoutExpired as expired:
            sys.stdout.write((expired.stdout or b'').decode(errors='replace'))
            raise GuestError(f'the guest did not finish within {CHECK_SECONDS} s') from expired
    text = result.stdout.decode(errors='replace').replace('\r', '')
    print(text.rstrip('\n'))
    if result.returncode != 0:
        raise GuestError(f'the emulator ended with status {result.returncode}')
    if 'dragoman: check finished with status 0' not in text:
        raise GuestError('the check in the guest did not pass')
    complaint = check_disk(disk)
    if complaint:
        raise GuestError(f'the disk is damaged after power-off: {complaint}')
    wanted = ''.join(f'{number}\n' for number in range(1, 200001)).encode()
    if read_from_disk(disk, 'written') != wanted:
        raise GuestError('what the guest wrote is not on the disk')
    say('The guest passed its check, its disk is clean, and it powered off.')
    return 0


def main():
    get_initramfs()
    with tempfile.TemporaryDirectory(prefix='dragoman-demo-') as folder:
        disk = os.path.join(folder, 'disk.img')
        make_disk(disk, {'message': MESSAGE})
        return run_shell(disk) if sys.stdin.isatty() else run_check(disk)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except GuestError as error:
        sys.exit(f'scripts/demo: {error}')
    except KeyboardInterrupt:
        sys.exit(130)
