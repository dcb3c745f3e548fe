# SPDX-License-Identifier: MIT
"""The GDB server: a debugger at guests without and with an operating system, and the protocol."""

import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from common import (PROMPT, TIME_SCALE, TOP, BootTest, base_command, get_initramfs, get_kernel,
                    linux)
from guestprogram import compile_guest, compile_linux_program

GDB = 'gdb-multiarch'
PREPARE = ['set pagination off', 'set confirm off', 'set architecture aarch64',
           'set tcp auto-retry on']
KERNEL_AT = 0x40200000


class Wire:
    """The protocol by hand, over a unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20 * TIME_SCALE)
        self.socket.connect(path)
        self.left = b''

    def _read(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError('the server hung up')
        self.left += data

    def raw(self, data):
        self.socket.sendall(data)

    def byte(self):
        while not self.left:
            self._read()
        first, self.left = self.left[:1], self.left[1:]
        return first

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.raw(b'$%s#%02x' % (data, sum(data) & 0xff))

    def reply(self):
        """The next packet, acknowledgements passed over."""
        while not (match := re.match(rb'\+*\$([^#]*)#..', self.left)):
            self._read()
        self.left = self.left[match.end():]
        return match[1].decode()

    def ask(self, text):
        self.send(text)
        return self.reply()


class Gdb(BootTest):
    """Every test has a folder with the socket."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-gdb-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.socket = os.path.join(self.folder, 'gdb')
        self.server = ['-gdb', f'unix:{self.socket},server=on,wait=off']

    def wire(self):
        deadline = time.monotonic() + 20 * TIME_SCALE
        while not os.path.exists(self.socket):
            self.assertLess(time.monotonic(), deadline, 'the server does not listen')
            time.sleep(0.05)
        wire = Wire(self.socket)
        self.addCleanup(wire.socket.close)
        return wire

    def gdb(self, *commands, program=None, seconds=60):
        """Run commands in a debugger; returns all that it said."""
        if not shutil.which(GDB):
            self.skipTest(f'{GDB} is missing: "scripts/deps test" installs it')
        self.wire_probe()
        script = os.path.join(self.folder, 'script')
        with open(script, 'w') as handle:
            handle.write('\n'.join(PREPARE + [f'target remote {self.socket}'] + list(commands)))
        arguments = [GDB, '-q', '-nx', '-batch', '-x', script] + ([program] if program else [])
        try:
            result = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=seconds * TIME_SCALE)
        except subprocess.TimeoutExpired as expired:
            self.fail(f'gdb does not end: {(expired.stdout or b"").decode(errors="replace")}')
        return result.stdout.decode(errors='replace')

    def wire_probe(self):
        deadline = time.monotonic() + 20 * TIME_SCALE
        while not os.path.exists(self.socket):
            self.assertLess(time.monotonic(), deadline, 'the server does not listen')
            time.sleep(0.05)

    def values(self, said):
        """What 'printf "NAME=%lx\\n"' printed, by name."""
        return {name: int(value, 16) for name, value in re.findall(r'^(\w+)=([0-9a-f]+)$', said,
                                                                   re.M)}


def show(name, expression):
    return f'printf "{name}=%lx\\n", (unsigned long)({expression})'


class Bare(Gdb):
    """Programs without an operating system, with their symbols."""

    def setUp(self):
        super().setUp()
        self.program = compile_guest(self, self.folder, 'debug', 'start.S', 'debug.c')

    def start(self, *extra):
        return self.console(base_command() + ['-kernel', self.program, '-S'] + self.server +
                            list(extra))

    def test_breakpoints_and_steps(self):
        """Breakpoints by symbol, registers, memory, single steps, and on to the end."""
        console = self.start()
        said = self.gdb(
            show('entry', '$pc'), show('start', '&_start'),
            'break *&guest_main', 'hbreak *&add_up', 'continue', show('main', '$pc'),
            show('guest_main', '&guest_main'), 'continue', show('add_up', '$pc'),
            show('add_up_is', '&add_up'), show('n', '$x0'), 'stepi', show('stepped', '$pc'),
            'set $x0 = 10', 'delete 2', 'tbreak *$x30', 'continue', show('sum', '$x0'),
            'p $v3.d.u[1] = 0x1122334455667788', show('v3', '$v3.d.u[1]'),
            'p $fpcr = 0x400000', show('fpcr', '$fpcr'), show('cpsr', '$cpsr'),
            'set {long}&unwatched = 0x1234', show('memory', '*(long *)&unwatched'),
            'maint packet Qqemu.PhyMemMode:1', show('physical', '*(long *)&unwatched'),
            'monitor info status', 'kill', program=self.program)
        v = self.values(said)
        self.assertEqual(v['entry'], v['start'], said)
        self.assertEqual(v['main'], v['guest_main'], said)
        self.assertEqual(v['add_up'], v['add_up_is'], said)
        self.assertEqual(v['n'], 100, said)
        self.assertEqual(v['stepped'], v['add_up'] + 4, said)
        self.assertEqual(v['v3'], 0x1122334455667788, said)
        self.assertEqual(v['fpcr'], 0x400000, said)
        self.assertEqual(v['cpsr'] & 0x1f, 5, said)
        self.assertEqual(v['memory'], 0x1234, said)
        self.assertEqual(v['physical'], 0x1234, said)
        self.assertIn('VM status: paused', said)
        self.assertEqual(console.wait(20), 0)

    def test_exception(self):
        """Single steps go into an exception and out of it."""
        console = self.start()
        said = self.gdb(
            'break the_svc', 'continue', show('svc', '$pc'), 'stepi', show('vector', '$pc'),
            show('vectors', '&vectors'), show('esr', '$esr_el1'), show('elr', '$elr_el1'),
            'while $pc != &behind_svc', 'stepi', 'end', show('back', '$pc'),
            show('exceptions', '*(long *)&exceptions'), 'delete', 'continue',
            program=self.program)
        v = self.values(said)
        self.assertEqual(v['vector'], v['vectors'] + 0x200, said)   # EL1h, synchronous
        self.assertEqual(v['esr'] >> 26, 0x15, said)                # SVC
        self.assertEqual(v['elr'], v['svc'] + 4, said)
        self.assertEqual(v['back'], v['svc'] + 8, said)
        self.assertEqual(v['exceptions'], 1, said)
        self.assertIn('exited normally', said)
        self.assertEqual(console.wait(20), 0)

    def test_watchpoints(self):
        """Writes and reads of a variable stop the CPU, its neighbours' do not."""
        console = self.start()
        said = self.gdb(
            'break guest_main', 'continue', 'watch *(long *)&watched', 'continue',
            show('first', '*(long *)&watched'), show('other', '*(long *)&unwatched'),
            'rwatch *(long *)&unwatched', 'awatch *(long *)&watched', 'continue',
            'continue', 'continue', program=self.program)
        v = self.values(said)
        self.assertEqual(v['first'], 5050, said)
        self.assertEqual(v['other'], 2, said)
        self.assertRegex(said, r'Old value = 0\s+New value = 5050')
        self.assertRegex(said, r'Old value = 5050\s+New value = 5051')
        self.assertIn('exited normally', said)
        self.assertEqual(console.wait(20), 0)

    def test_with_the_interpreter(self):
        """The same by the other backend."""
        console = self.start('-accel', 'tcg,backend=interp')
        said = self.gdb('break add_up', 'continue', show('n', '$x0'), 'stepi', 'finish',
                        show('sum', '$x0'), 'watch *(long *)&watched', 'continue',
                        'delete', 'continue', program=self.program)
        v = self.values(said)
        self.assertEqual((v['n'], v['sum']), (100, 5050), said)
        self.assertRegex(said, r'New value = 5050')
        self.assertEqual(console.wait(20), 0)

    def test_one_of_two(self):
        """A CPU steps while the other one stands still, or runs; each stops at its own."""
        program = compile_guest(self, self.folder, 'twocpus', 'start.S', 'twocpus.c')
        console = self.console(base_command(processors=2) + ['-kernel', program, '-S'] + self.server)
        look = [show('first', '*(long *)&counts'), show('second', '((long *)&counts)[1]')]

        def looks(said):
            return [tuple(int(n, 16) for n in pair)
                    for pair in re.findall(r'^first=(\w+)\nsecond=(\w+)$', said, re.M)]

        said = self.gdb(
            'tbreak *&second', 'continue', 'tbreak *&first', 'continue',
            'set scheduler-locking on', *look, 'stepi 30', *look,
            'thread 2', 'stepi 30', *look,
            'set scheduler-locking off', 'stepi 30', *look, 'kill', program=program)
        self.assertRegex(said, r'Thread 2 .*hit .*second')
        self.assertRegex(said, r'Thread 1 .*hit .*first')
        at_first, one_stepped, other_stepped, one_ran = looks(said)
        self.assertGreater(one_stepped[0], at_first[0], said)
        self.assertEqual(one_stepped[1], at_first[1], said)
        self.assertEqual(other_stepped[0], one_stepped[0], said)
        self.assertGreater(other_stepped[1], one_stepped[1], said)
        self.assertGreater(one_ran[0], other_stepped[0] + 30, said)
        self.assertEqual(console.wait(20), 0)

    def test_place_by_name(self):
        """unix:path=PATH is the long form, as in QEMU."""
        self.server = ['-gdb', f'unix:path={self.socket},server,nowait']
        console = self.start()
        wire = self.wire()
        self.assertEqual(wire.ask('?'), 'T05thread:1;')
        wire.send('k')
        self.assertEqual(console.wait(20), 0)

    def test_protocol(self):
        """Acknowledgements, wrong checksums, what is not supported, Ctrl-C, vanishing."""
        console = self.start()
        wire = self.wire()
        wire.raw(b'$?#00')
        self.assertEqual(wire.byte(), b'-')
        wire.send('?')
        self.assertEqual(wire.byte(), b'+')
        self.assertEqual(wire.reply(), 'T05thread:1;')
        wire.raw(b'-')
        self.assertEqual(wire.reply(), 'T05thread:1;')
        self.assertRegex(wire.ask('qSupported:xmlRegisters=i386'), 'PacketSize=.*qXfer:features')
        self.assertEqual(wire.ask('QStartNoAckMode'), 'OK')
        for packet in ('vMustReplyEmpty', 'qNonsense', 'b', '', 'Z9,0,4', 'qXfer:nonsense:'):
            self.assertEqual(wire.ask(packet), '', packet)
        for packet in ('m1', 'mzz', 'pffff', 'P1=', 'vCont;x', 'vCont;c:9', 'H', 'Hg55', 'T7', 'G00',
                       'Z0,40200002,4', 'X40200000,8:abc', 'qRcmd,6', 'm0,4', 'M0,1:00',
                       'vCont;t', 'qXfer:features:read:target.xml:fffff,10'):
            self.assertRegex(wire.ask(packet), r'^E\d\d$', packet)
        self.assertEqual(wire.ask(b'X40300000,3:a}\x03b'), 'OK')    # an escaped #
        self.assertEqual(wire.ask('m40300000,3'), '612362')
        self.assertEqual(len(wire.ask('m40300000,10000')), 0x4000)
        # System registers: with what a write does to them, and not those that cannot be written.
        target = ''.join(wire.ask(f'qXfer:features:read:target.xml:{at:x},1000')[1:]
                         for at in range(0, 0x8000, 0x1000))
        number = {name: int(n) for name, n in re.findall(r'name="(\w+)"[^>]*regnum="(\d+)"', target)}
        self.assertEqual(wire.ask(f'P{number["vbar_el1"]:x}=ff08203040000000'), 'OK')
        self.assertEqual(wire.ask(f'p{number["vbar_el1"]:x}'), '0008203040000000')
        midr = wire.ask(f'p{number["midr_el1"]:x}')
        self.assertRegex(wire.ask(f'P{number["midr_el1"]:x}=0000000000000000'), r'^E\d\d$')
        self.assertEqual(wire.ask(f'p{number["midr_el1"]:x}'), midr)
        # A loop of one instruction, which only Ctrl-C interrupts.
        self.assertEqual(wire.ask('M40300000,4:00000014'), 'OK')
        self.assertEqual(wire.ask('P20=0000304000000000'), 'OK')
        wire.send('vCont;c')
        time.sleep(0.3)
        wire.raw(b'\x03')
        self.assertEqual(wire.reply(), 'T02thread:1;')
        self.assertEqual(wire.ask('p20'), '0000304000000000')
        # One that only goes away takes its breakpoint with it and lets the machine run.
        self.assertEqual(wire.ask('Z0,40300000,4'), 'OK')
        wire.send('c')
        self.assertEqual(wire.reply(), 'T05thread:1;')
        wire.socket.close()
        time.sleep(0.3)
        wire = self.wire()
        self.assertEqual(wire.ask('qRcmd,' + b'info status'.hex())[:1], 'O')
        self.assertEqual(wire.reply(), 'OK')
        self.assertEqual(wire.ask('p20'), '0000304000000000')
        wire.send('k')
        self.assertEqual(console.wait(20), 0)


class Linux(Gdb):
    """Debian's kernel, two processors."""

    def test_entry(self):
        """The machine waits at the kernel's first instruction; after a detach it boots."""
        console = self.console(linux('quiet', ['-S'] + self.server, processors=2))
        said = self.gdb(show('pc', '$pc'), show('word', '*(unsigned *)$pc'),
                        show('fdt', '*(unsigned *)$x0'), show('cpsr', '$cpsr'), 'info threads',
                        'stepi', show('next', '$pc'), 'stepi', show('after', '$pc'), 'thread 2',
                        show('second', '$cpsr'), 'thread 1', 'tbreak *$pc+4', 'continue',
                        show('stopped', '$pc'), 'detach')
        v = self.values(said)
        with open(get_kernel().image, 'rb') as handle:
            word = struct.unpack('<I', handle.read(4))[0]
        self.assertEqual(v['pc'], KERNEL_AT, said)
        self.assertEqual(v['word'], word, said)
        self.assertEqual(v['fdt'], 0xedfe0dd0, said)
        self.assertEqual(v['cpsr'] & 0xf, 5, said)
        self.assertEqual(v['next'], KERNEL_AT + 4, said)
        self.assertRegex(said, r'\* 1 +Thread 1 \(CPU#0 \[runs\]\)')
        self.assertRegex(said, r' 2 +Thread 2 \(CPU#1 \[off\]\)')
        self.assertEqual(v['stopped'], v['after'] + 4, said)
        console.expect(PROMPT, 60)
        self.power_off(console)

    def test_running_kernel(self):
        """A breakpoint at a kernel function, single steps there, a watchpoint on its variable."""
        console = self.console(linux('quiet nokaslr', self.server, processors=2))
        console.expect(PROMPT, 60)
        symbols = self.command(console, "grep -E ' (__arm64_sys_sethostname|memcpy)$' "
                                        '/proc/kallsyms')
        at = {name: '0x' + value for value, name in re.findall(r'([0-9a-f]{16}) \w (\w+)',
                                                               symbols)}
        function, memcpy = at['__arm64_sys_sethostname'], at['memcpy']
        self.command(console, '(while :; do hostname abc; hostname xyz; done) & true')
        said = self.gdb(
            f'break *{function}', 'continue', show('hit', '$pc'), show('el', '$cpsr'), show('sp', '$sp'),
            'info threads', 'stepi 20', show('stepped', '$pc'), 'continue',
            show('again', '$pc'), 'delete', 
            f"tbreak *{memcpy} if $x2 == 3 && (*(char *)$x0 == 'a' || *(char *)$x0 == 'x')",
            'continue',
            'set $name = (char *)$x0', 'watch *$name', 'continue',
            show('written', '*$name'), 'continue', show('rewritten', '*$name'), 'delete',
            'detach', seconds=120)
        v = self.values(said)
        self.assertEqual(v['hit'], int(function, 16), said)
        self.assertEqual(v['again'], int(function, 16), said)
        self.assertEqual(v['el'] & 0xf, 5, said)
        self.assertGreaterEqual(v['sp'], 0xffff << 48, said)
        self.assertNotEqual(v['stepped'], v['hit'], said)
        self.assertEqual({v['written'], v['rewritten']}, {ord('a'), ord('x')}, said)
        self.assertEqual(len(re.findall(r'Thread \d+ \(CPU#', said)), 2, said)
        self.command(console, 'kill %1 2> /dev/null; kill $! 2> /dev/null; true')
        self.power_off(console)

    def symbols(self, console, *names):
        """An ELF file with these symbols of the running kernel."""
        pattern = '|'.join(names)
        said = self.command(console, f"grep -E ' ({pattern})$' /proc/kallsyms")
        path = os.path.join(self.folder, 'kernel.symbols')
        subprocess.run([os.path.join(TOP, 'scripts', 'kallsyms-elf'), '--image',
                        get_kernel().image, '-', path], check=True, input=said, text=True)
        return path

    def test_kernel_by_symbol(self):
        """A kernel function and its variable by their names; into an exception and out of it."""
        program = compile_linux_program(self, self.folder, 'svcloop', 'svcloop.c')
        console = self.shell('quiet nokaslr dragoman.net=off', self.server, processors=4,
                             initramfs=get_initramfs(additions=[program]))
        kernel = self.symbols(console, '__arm64_sys_getppid', 'vectors', 'ret_to_user',
                              'tick_do_update_jiffies64', 'kfree')
        self.command(console, '(svcloop &)')
        said = self.gdb(
            f'add-symbol-file {program}', 'info threads',
            'break __arm64_sys_getppid', 'continue', 'info symbol $pc', show('el', '$cpsr & 15'),
            'delete', 'tbreak *&the_svc', 'continue', show('user', '$cpsr & 15'), 'stepi',
            show('vector', '$pc - (unsigned long)&vectors'), show('class', '$esr_el1 >> 26'),
            show('elr', '$elr_el1 - (unsigned long)&behind_svc'),
            show('page', '*(unsigned long *)$elr_el1'),
            'tbreak ret_to_user', 'continue', 'while $cpsr & 15', 'stepi', 'end',
            show('back', '$pc - (unsigned long)&behind_svc'),
            'watch *(unsigned long *)&jiffies_64', 'continue', 'info symbol $pc', 'delete',
            'set $tpidrro_el0 = 0x123456789', show('register', '$tpidrro_el0'),
            'detach', program=kernel, seconds=180)
        v = self.values(said)
        self.assertEqual(len(re.findall(r'Thread \d \(CPU#', said)), 4, said)
        self.assertRegex(said, r'__arm64_sys_getppid.* in section \.text')
        self.assertEqual((v['el'], v['user']), (5, 0), said)
        self.assertEqual(v['vector'], 0x400, said)      # from EL0, synchronous
        self.assertEqual((v['class'], v['elr']), (0x15, 0), said)
        self.assertEqual(v['back'], 0, said)
        self.assertRegex(said, r'Old value = \d+\s+New value = \d+')
        self.assertRegex(said, r'tick_do_update_jiffies64.* in section \.text')
        self.assertEqual(v['register'], 0x123456789, said)
        self.command(console, 'killall svcloop')
        self.power_off(console)
