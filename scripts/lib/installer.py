# SPDX-License-Identifier: MIT
"""Debian's network installer for arm64 (debian-installer-12-netboot-arm64): kernel and initrd."""

import os
import shutil
import subprocess

from aptroot import AptRoot
from cache import GuestError, cache_dir, locked

PACKAGE = 'debian-installer-12-netboot-arm64'
INSIDE = 'usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64'


def get_installer(refresh=False):
    """The folder that holds the installer's `linux` and `initrd.gz`, fetched on first use."""
    folder = os.path.join(cache_dir(), 'installer')
    with locked('installer'):
        if refresh or not os.path.isdir(folder):
            work = f'{folder}.{os.getpid()}.tmp'
            subprocess.run(['dpkg-deb', '-x', AptRoot().download(PACKAGE)[PACKAGE], work],
                           check=True)
            if not os.path.isdir(os.path.join(work, INSIDE)):
                raise GuestError(f'the package {PACKAGE} holds no installer at {INSIDE}')
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(os.path.join(work, INSIDE), folder)
            shutil.rmtree(work)
    return folder
