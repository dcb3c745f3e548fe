#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The qtest protocol itself: the clock, news of interrupt lines, the log, mistakes."""
import argparse
import base64
import sys
import unittest

from qtest import Qtest

UART, RTC, GIC = 0x9000000, 0x9010000, '/machine/unattached/device[1]'
BINARY = None


class Protocol(unittest.TestCase):
    def setUp(self):
        self.q = self.enterContext(Qtest(BINARY, ['-accel', 'qtest', '-machine', 'virt']))

    def test_memory(self):
        q, ram = self.q, 0x40100000
        for size in (1, 2, 4, 8):
            q.write(ram, 0x1122334455667788 & (256 ** size - 1), size)
            self.assertEqual(q.read(ram, size), 0x1122334455667788 & (256 ** size - 1))
        self.assertEqual(q.ok(f'read 0x{ram:x} 8'), '0x8877665544332211')
        q.ok(f'write 0x{ram:x} 4 0xDeadBeef')
        self.assertEqual(base64.b64decode(q.ok(f'b64read 0x{ram:x} 5')), b'\xde\xad\xbe\xef\x44')
        text = base64.b64encode(bytes(range(256))).decode()
        q.ok(f'b64write 0x{ram:x} 256 {text}')
        self.assertEqual(q.ok(f'b64read 0x{ram:x} 256'), text)
        q.ok(f'memset 0x{ram:x} 0x100000 0x5a')
        self.assertEqual(q.ok(f'read 0x{ram:x} 0x100000'), '0x' + '5a' * 0x100000)

    def test_clock_stands_still_but_for_steps(self):
        q = self.q
        self.assertEqual(q.ok('clock_step 0'), '0')
        self.assertEqual(q.ok('clock_step 1000'), '1000')
        self.assertEqual(q.ok('clock_set 5000'), '5000')
        self.assertEqual(q.ok('clock_set 10'), '5000')

    def test_a_step_without_a_number_goes_to_the_next_timer(self):
        q = self.q
        now = q.read(RTC)
        q.write(RTC + 0x10, 1)
        q.write(RTC + 4, now + 5)
        reached = int(q.ok('clock_step'))
        self.assertTrue(4e9 <= reached <= 6e9, reached)
        self.assertEqual(q.read(RTC), now + 5)
        self.assertEqual(q.read(RTC + 0x18), 1)

    def test_time_brings_an_interrupt(self):
        q = self.q
        q.ok(f'irq_intercept_in {GIC}')
        q.write(RTC + 0x10, 1)
        q.write(RTC + 4, q.read(RTC) + 2)
        self.assertEqual(q.news, [])
        q.ok('clock_step 3000000000')
        self.assertEqual(q.news, ['IRQ raise 2'])
        q.write(RTC + 0x1c, 1)
        self.assertEqual(q.news, ['IRQ raise 2', 'IRQ lower 2'])

    def test_a_device_has_one_output(self):
        q = self.q
        q.ok('irq_intercept_out pl011')
        q.write(UART + 0x38, 0x7f0)
        q.write(UART, 0x41)
        self.assertEqual(q.news, ['IRQ raise 0'])
        self.assertEqual(q.command('irq_intercept_in pl061'),
                         'FAIL IRQ intercept already enabled')

    def test_a_line_that_is_driven_is_pending(self):
        q = self.q
        q.ok(f'set_irq_in {GIC} unnamed-gpio-in 5 1')
        self.assertEqual(q.read(0x8000204), 1 << 5)
        q.ok(f'set_irq_in {GIC} unnamed-gpio-in 5 0')
        self.assertEqual(q.read(0x8000204), 0)
        for number in (256, 256 + 32, 1 << 40):
            self.assertRegex(q.command(f'set_irq_in {GIC} unnamed-gpio-in {number} 1'), '^FAIL')
        self.assertRegex(q.command(f'set_irq_in {GIC} other 5 1'), '^FAIL')
        self.assertRegex(q.command('set_irq_in pl031 unnamed-gpio-in 0 1'), '^FAIL')

    def test_mistakes_get_one_answer_each(self):
        for line in ('', ' ', 'foo', 'readl', 'readl zz', 'readl 0x', 'writel 1', 'memset 0 1',
                     'read 0 0', 'read 0 0x10000000', 'clock_step x', 'clock_set', 'set_irq_in a b',
                     'irq_intercept_in /machine/none', 'irq_intercept_in ' + 'x' * 5000,
                     'module_load hw- nothing', 'readl ' + '9' * 40, 'x ' * 100):
            self.assertRegex(self.q.command(line), '^FAIL', line[:40])
        self.assertEqual(self.q.ok('endianness'), 'little')

    def test_the_log_has_every_line(self):
        self.q.read(UART + 0xfe0)
        with open(self.q.log_path) as log:
            lines = log.read().splitlines()
        self.assertRegex(lines[0], r'^\[I [0-9.]+\] OPENED$')
        self.assertRegex(lines[1], r'^\[R \+\d+\.\d{6}\] readl 0x9000fe0$')
        self.assertRegex(lines[2], r'^\[S \+\d+\.\d{6}\] OK 0x0000000000000011$')


def main():
    global BINARY
    parser = argparse.ArgumentParser()
    parser.add_argument('--binary', required=True)
    args, rest = parser.parse_known_args()
    BINARY = args.binary
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == '__main__':
    main()
