# SPDX-License-Identifier: MIT
"""Debian's network installer: its own kernel and initrd, on the serial console."""

import os

from common import BootTest, linux
from installer import get_installer


class Installer(BootTest):
    """The first screens of the installer."""

    def test_first_screens(self):
        """The installer draws its first question, takes the answer, and asks the next."""
        folder = get_installer()
        # The terminal is left to the installer, which would otherwise lack its terminfo entry.
        console = self.console(linux(memory=1024, kernel=os.path.join(folder, 'linux'),
                                     initramfs=os.path.join(folder, 'initrd.gz')))
        console.expect(r'Select a language', 180)
        console.expect(r'English', 30)
        console.send('\r')
        console.expect(r'Select your location', 60)
        console.expect(r'United States', 30)
