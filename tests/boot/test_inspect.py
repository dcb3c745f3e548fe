# SPDX-License-Identifier: MIT
"""Seeing inside: what the monitor shows of a bare guest whose state is known."""

import os
import re
import shutil
import subprocess
import tempfile
import time

from common import PROMPT as SHELL, TIME_SCALE, BootTest, base_command, ours_only
from guestprogram import compile_guest

PROMPT = '(dragoman) '
SETTLE = 'p/d $x20'     # is 1000 when the guest waits


class Inspect(BootTest):
    """A guest that has counted and waits, and a monitor fed by a pipe."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-inspect-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.program = compile_guest(self, self.folder, 'inspect', 'inspect.S')

    def path(self, name):
        return os.path.join(self.folder, name)

    def ask(self, *lines, extra=()):
        """What the monitor answers to each line, in a dictionary. SETTLE is asked until the guest
        has done its work."""
        command = [word for word in base_command() if word not in ('-nographic', '-no-reboot')]
        command += ['-nodefaults', '-display', 'none', '-serial', 'null', '-monitor', 'stdio',
                    '-kernel', self.program, *extra]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.answer(process)
        answers = {}
        for line in (SETTLE,) + lines:
            for _ in range(500):
                process.stdin.write(f'{line}\n'.encode())
                process.stdin.flush()
                answers[line] = self.answer(process).partition('\n')[2].rstrip('\n')
                if line != SETTLE or answers[line] == '1000':
                    break
                time.sleep(0.02)
        process.communicate(b'quit\n', timeout=60 * TIME_SCALE)
        self.assertEqual(process.returncode, 0)
        return answers

    def answer(self, process):
        """What is said up to the next prompt."""
        said = b''
        while not said.endswith(PROMPT.encode()):
            some = process.stdout.read1()
            self.assertTrue(some, said.decode(errors='replace'))
            said += some
        return re.sub(r'\x1b\[K|\r', '', said.decode(errors='replace')).removesuffix(PROMPT)

    @ours_only
    def test_memory_and_arithmetic(self):
        """x, xp and print in all formats, sums and files."""
        with open(self.path('nothing'), 'w') as handle:
            handle.write('kept')
        said = self.ask(
            'xp/2xw table', 'xp/2xw 0x40300000', 'xp/2xg 0x40300000', 'xp/9xb 0x40300000',
            'xp/3dh 0x40300000', 'xp/2uw 0x40300000', 'xp/4c 0x40300008', 'xp/2ow 0x40300000',
            'xp/2i 0x40200000', 'p 17', 'p/d -1', 'p/u 3*5', 'p/o 8', 'p/c 65', 'p/x 1/0',
            'sum 0x40300008 4', 'gva2gpa 0x40300000', 'gva2gpa 0xffff000000000000',
            'gpa2hva 0x40300000', f'pmemsave 0x40300000 16 "{self.path("physical")}"',
            f'memsave 0x40300008 4 {self.path("virtual")}',
            f'memsave 0 4 {self.path("nothing")}', 'memsave 0x40300000 4',
            'memsave 0x40300000 4 /nonexistent/file', 'x/2xw 0xffff000000000000',
            'xp/20000xb 0x40300000', 'xp/70000xb 0x40300000')
        for line, wanted in (
                ('xp/2xw table', "'table' is no number"),
                ('xp/2xw 0x40300000', '0000000040300000: 0x00000001 0xfffffffe'),
                ('xp/2xg 0x40300000', '0000000040300000: 0xfffffffe00000001 0x00000000646f6f67'),
                ('xp/9xb 0x40300000', '0000000040300000: 0x01 0x00 0x00 0x00 0xfe 0xff 0xff 0xff\n'
                                      '0000000040300008: 0x67'),
                ('xp/3dh 0x40300000', '0000000040300000:     1     0    -2'),
                ('xp/2uw 0x40300000', '0000000040300000:          1 4294967294'),
                ('xp/4c 0x40300008', "0000000040300008: 'g' 'o' 'o' 'd'"),
                ('xp/2ow 0x40300000', '0000000040300000:          01 037777777776'),
                ('p 17', '0x11'), ('p/d -1', '-1'), ('p/u 3*5', '15'), ('p/o 8', '010'),
                ('p/c 65', "'A'"), ('p/x 1/0', 'division by zero'),
                ('gva2gpa 0x40300000', 'gpa: 0x40300000'),
                ('gva2gpa 0xffff000000000000', 'Unmapped'),
                ('xp/20000xb 0x40300000', '\n0000000040304e18: 0x00'),
                ('xp/70000xb 0x40300000', '70000 items are too many'),
                ('memsave 0x40300000 4', 'the name of a file is missing'),
                ('x/2xw 0xffff000000000000', 'there is no memory')):
            self.assertIn(wanted, said[line], line)
        self.assertIn('mov', said['xp/2i 0x40200000'])
        self.assertRegex(said['gpa2hva 0x40300000'],
                         r'Host virtual address for 0x40300000 \(ram\) is 0x[0-9a-f]+')
        total = 0
        for byte in b'good':
            total = ((total >> 1 | total << 15) + byte) & 0xffff
        self.assertEqual(said['sum 0x40300008 4'], f'{total:05}')
        self.assertIn('No such file', said['memsave 0x40300000 4 /nonexistent/file'])
        with open(self.path('physical'), 'rb') as handle:
            self.assertEqual(handle.read(), b'\1\0\0\0\xfe\xff\xff\xffgood\0\0\0\0')
        with open(self.path('virtual'), 'rb') as handle:
            self.assertEqual(handle.read(), b'good')
        with open(self.path('nothing'), 'rb') as handle:
            self.assertEqual(handle.read(), b'kept')

    @ours_only
    def test_tables(self):
        """info in the form that QEMU's users and their scripts know."""
        disk = self.path('disk.img')
        with open(disk, 'wb') as handle:
            handle.truncate(1 << 20)
        said = self.ask(
            'info registers', 'info registers -a', 'info registers 1', 'info registers 7',
            'info cpus', 'info tlb', 'cpu 1', 'info mtree', 'info mtree -f', 'info mtree -q',
            'info qtree',
            'info irq', 'info jit', 'info network', 'info usernet', 'info block',
            'info roms', 'info chardev', 'info uuid', 'info status', 'info history',
            'device_add virtio-rng-device', 'nmi', 'info pci', 'infi', 'help x',
            extra=['-smp', '2', '-nic', 'user', '-drive',
                   f'file={disk},format=raw,if=none,id=one,readonly=on', '-device',
                   'virtio-blk-device,drive=one'])
        for line, wanted in (
                ('info registers', r'\ACPU#0\n PC=0{8}40[0-9a-f]{6} X00=[0-9a-f]{16} X01='),
                ('info registers', r'\nX29=\w+ X30=\w+  SP=\w+\nPSTATE=\w{8} [-NZCV]{4} EL1h'),
                ('info registers', r'vbar_el1=0{8}40[0-9a-f]{6}'),
                ('info registers -a', r'CPU#1 \(off\)'), ('info registers 1', r'\ACPU#1'),
                ('info registers 7', 'no CPU'),
                ('info cpus', r'\A\* CPU #0: thread_id=\d+ pc=0x\w+ wait_here\n'
                              r'  CPU #1: .*\(off\)'),
                ('info mtree', r'\A.*\n  0{16}-f{16} \(prio 0, i/o\): system\n'),
                ('info mtree', r'\n {4}0{8}40000000-0{8}\w+ \(prio 0, ram\): ram'),
                ('info mtree -f', r'\AFlatView #0\n AS "memory", root: system\n'),
                ('info mtree -q', 'use -f'), ('info qtree', r'\n  dev: pl011, id ""\n'),
                ('info qtree', r'\n    bus: virtio-mmio-bus.\d+\n      type virtio-bus\n'
                               r'      dev: virtio-net-device, id ""\n(        .*\n)+?'
                               r'        mac = "52:54:00:12:34:56"\n'),
                ('info irq', r'GICv2, CPU 0:\n +0 \(SGI 0\): edge'),
                ('info tlb', r'0{8}40200000: 0{8}40200000 rwx'),
                ('info jit', r'units translated +\d'),
                ('info network', r'virtio-net-device: index=0,type=nic,model=virtio-net-device,'
                                 r'macaddr=52:54:00:12:34:56\n \\ \w+: index=0,type=user,'
                                 r'net=10.0.2.0,restrict=off'),
                ('info usernet', r'Hub -1 \(\w+\):\n  Protocol\[State\]'),
                ('info block', r'\Aone: .*disk.img \(raw, read-only\)\n    Attached to:      virtio'
                               r'-blk-device\n    Cache mode:       writeback'),
                ('info roms', r'addr=0{8}40200000 size=0x\w+ mem=ram name="kernel"'),
                ('info chardev', r'serial0: filename=null\ncompat_monitor0: filename=stdio'),
                ('info uuid', '^00000000-0000-'), ('info status', 'VM status: running'),
                ('info history', r"\n1: 'info registers'\n"),
                ('device_add virtio-rng-device', 'not supported; .*-device'),
                ('nmi', 'no NMI'), ('info pci', 'no PCI'), ('infi', 'unknown command'),
                ('help x', r'^x /COUNT.* -- ')):
            self.assertRegex(said[line].lstrip('\n'), wanted, line)

    @ours_only
    def test_core_file(self):
        """dump-guest-memory writes what a debugger can read."""
        core = self.path('core')
        compressed = f'dump-guest-memory -z {self.path("compressed")}'
        said = self.ask('stop', f'dump-guest-memory {core}', compressed,
                        extra=['-smp', '2', '-m', '64'])
        self.assertIn('no options', said[compressed])
        self.assertLess(os.stat(core).st_blocks * 512, 8 << 20, 'no holes')
        result = subprocess.run(
            ['gdb-multiarch', '-nx', '-batch', '-ex', 'set architecture aarch64', '-ex',
             f'target core {core}', '-ex', 'info threads', '-ex', 'p/x $x19', '-ex',
             'x/s 0x40300008', self.program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, timeout=60 * TIME_SCALE)
        self.assertIn('LWP 2', result.stdout)
        self.assertIn('= 0x123', result.stdout)
        self.assertIn('"good"', result.stdout)

    @ours_only
    def test_log_from_the_monitor(self):
        """log and logfile take effect while the guest runs."""
        log = self.path('log')
        said = self.ask(f'logfile {log}', 'log nonsense', 'log help', 'log in_asm,int',
                        'system_reset', SETTLE, 'log none', 'logfile /nonexistent/file')
        self.assertIn('unknown log item', said['log nonsense'])
        self.assertIn('in_asm', said['log help'])
        self.assertIn('cannot write', said['logfile /nonexistent/file'])
        with open(log, encoding='utf-8') as handle:
            self.assertIn('IN:', handle.read())

    @ours_only
    def test_chains_from_the_monitor(self):
        """A loop is one line of the log when units are chained, and one a turn when not."""
        chained, single = self.path('chained'), self.path('single')
        self.ask(f'logfile {chained}', 'log exec', 'info status', 'log none', f'logfile {single}',
                 'log exec,nochain', *['info status'] * 50, 'log none')
        with open(chained, encoding='utf-8') as handle:
            self.assertLess(len(handle.readlines()), 10)
        with open(single, encoding='utf-8') as handle:
            self.assertGreater(len(handle.readlines()), 10)

    @ours_only
    def test_names(self):
        """The program's symbols name addresses, in logs, expressions and the profile."""
        log = self.path('log')
        said = self.ask('profile on', 'x/2i $count', 'p/x $vectors', 'p $nonsense', 'profile',
                        'profile off', extra=['-d', 'in_asm,exec,nochain', '-D', log])
        self.assertRegex(said['x/2i $count'], r'add\s+x20, x20, #1\n')
        self.assertRegex(said['p/x $vectors'], r'^0x40[0-9a-f]+800$|^0x40[0-9a-f]+000$')
        self.assertIn("no register or symbol '$nonsense'", said['p $nonsense'])
        self.assertIn("write 'profile on'", said['profile'])
        with open(log, encoding='utf-8') as handle:
            text = handle.read()
        self.assertIn('IN: _start\n', text)
        self.assertRegex(text, r'\nTrace 0: 0x[0-9a-f]+ \[0{16}/[0-9a-f]{16}/[0-9a-f]{8,}/0{8}\] '
                               r'count\n')

    @ours_only
    def test_profile(self):
        """info jit says which code takes the time, and calls it by its name."""
        console = self.console([word for word in base_command() if word != '-nographic'] + [
            '-nodefaults', '-display', 'none', '-monitor', 'stdio', '-kernel', self.program,
            '-accel', 'tcg,profile=on'])
        console.expect(re.escape(PROMPT), 20)
        for _ in range(100):
            console.line('info jit')
            console.expect('Profile', 20)
            hottest = console.expect(r'(?s)time:\s+(.*?)' + re.escape(PROMPT), 20)[1].decode()
            if 'wait_here' in hottest.split('\n')[0]:
                break
            time.sleep(0.1)
        else:
            self.fail(hottest)
        console.line('quit')
        self.assertEqual(console.wait(10), 0)

    @ours_only
    def test_names_for_perf(self):
        """perf report names translated code, by -perfmap and by -jitdump."""
        if not shutil.which('perf'):
            self.skipTest('perf is missing: "apt-get install linux-perf" installs it')
        report = self.record('-perfmap')
        self.assertRegex(report, r'\[\.\] wait_here')
        report = self.record('-jitdump')
        self.assertNotIn('wait_here', report)
        dumps = [name for name in os.listdir(self.folder) if name.endswith('.dump')]
        self.assertEqual(len(dumps), 1, os.listdir(self.folder))
        self.perf('inject', '-j', '-i', 'perf.data', '-o', 'jitted.data')
        self.assertRegex(self.perf('report', '-i', 'jitted.data', '--stdio'), r'\[\.\] wait_here')

    def record(self, option):
        """A second of a guest under perf record, and what perf report says of it."""
        command = [word for word in base_command() if word != '-nographic']
        perf = subprocess.Popen(
            ['perf', 'record', '-q', '-k', 'mono', '-e', 'cpu-clock', '-o', 'perf.data', *command,
             '-nodefaults', '-display', 'none', '-monitor', 'stdio', '-kernel', self.program,
             '-pidfile', 'pid', option], cwd=self.folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(perf.stdout.close)
        time.sleep(1)
        if option == '-perfmap':
            with open(self.path('pid'), encoding='utf-8') as handle:
                self.addCleanup(os.remove, f'/tmp/perf-{handle.read().strip()}.map')
        said, _ = perf.communicate(b'quit\n', timeout=60 * TIME_SCALE)
        if b'No permission' in said or b'Error' in said:
            self.skipTest(f'perf cannot record here: {said.decode(errors="replace")[:200]}')
        return self.perf('report', '-i', 'perf.data', '--stdio')

    def perf(self, *arguments):
        result = subprocess.run(['perf', *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=120 * TIME_SCALE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout


class KernelNames(BootTest):
    """The names that a kernel carries in itself."""

    @ours_only
    def test_kallsyms(self):
        """The monitor knows where a randomised kernel's functions are, as the kernel says it."""
        console = self.shell(extra=['-accel', 'tcg,profile=on'])
        names = ('schedule', 'vectors', 'do_sys_openat2')
        lines = self.command(console, "grep -E ' [tT] (schedule|vectors|do_sys_openat2)$' "
                                      "/proc/kallsyms")
        wanted = {line.split()[2]: int(line.split()[0], 16) for line in lines.splitlines()}
        self.assertEqual(sorted(wanted), sorted(names), lines)
        console.send('\x01c')
        for name in names:
            console.line(f'p/x ${name}')
            self.assertEqual(int(console.expect(r'\n(0x[0-9a-f]+)', 10)[1], 16), wanted[name])
        console.line('info jit')
        console.expect(r'Profile \(on\): [1-9][0-9]* samples', 10)
        console.expect(r'million TLB look-ups, [0-9.]+% found', 10)
        console.expect(r'0xffff[0-9a-f]{12} +[0-9]+ insns  [a-z_]+', 10)
        console.send('\x01c')
        console.line('')
        console.expect(SHELL, 20)
        self.power_off(console)
