# SPDX-License-Identifier: MIT
"""scripts/demo as a person at a terminal has it."""

import os

from common import PROMPT, TOP, BootTest, find_emulator


class Demo(BootTest):
    def test_on_a_terminal(self):
        """Told how to leave, then the guest's prompt, a disk and a network."""
        os.environ['DRAGOMAN'] = find_emulator()    # built already
        console = self.console([os.path.join(TOP, 'scripts', 'demo')])
        console.expect('To leave: .*poweroff.*Ctrl-A', 120)
        console.expect(PROMPT, 60)
        self.assertEqual(self.command(console, 'head -n 1 /mnt/message'),
                         'Dragoman speaks for this guest.')
        self.assertIn('10.0.2.15', self.command(console, 'ip -4 addr show eth0'))
        self.power_off(console)
