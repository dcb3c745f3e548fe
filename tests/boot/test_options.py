# SPDX-License-Identifier: MIT
"""Options that work: help in every form, engines, consoles, the clock, signals, a stopped start."""

import mmap
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from common import PROMPT, TIME_SCALE, BootTest, find_emulator, get_kernel, is_dragoman, linux

HELP = [
    # What is asked, and what the answer has in it.
    ('-help', r'(?m)^-kernel FILE'),
    ('-h', r'-kernel FILE'),
    ('--help', r'-kernel FILE'),
    ('-version', r'QEMU emulator version 7\.2\.0\n'),
    ('-M help', r'\ASupported machines are:\nvirt {17}ARM Virtual Machine.* \(default\)\n'),
    ('-M ?', r'virt'),
    ('-machine help', r'virt'),
    ('-M virt,help', r'gic-version='),
    ('-cpu help', r'cortex-a72'),
    ('-cpu ?', r'Available CPUs:\n(  .*\n)*  neoverse-n1\n'),
    ('-M virt -cpu help', r'max'),
    ('-cpu max,help', r'pauth=on'),
    ('-device help', r'name "virtio-blk-device"'),
    ('-device ?', r'name "virtio-net-device"'),
    ('-device virtio-blk-device,help', r'drive='),
    ('-device virtio-net-device,?', r'netdev='),
    ('-accel help', r'(?m)^tcg$'),
    ('-accel tcg,help', r'tb-size='),
    ('-accel tcg,help', r'no-folding +- without'),
    ('-d help', r'(?m)^guest_errors '),
    ('-serial help', r'unix'),
    ('-chardev help', r'(?m)^Available chardev backend types: $(.|\n)*^  ringbuf$'),
    ('-chardev ?', r'(?m)^  socket$'),
    ('-object help', r'(?m)^  memory-backend-file$'),
    ('-object memory-backend-memfd,help', r'hugetlb='),
    ('-chardev socket,help', r'reconnect='),
    ('-monitor help', r'stdio'),
    ('-netdev help', r'\AAvailable netdev backend types:\nuser\n'),
    ('-netdev user,help', r'hostfwd='),
    ('-nic ?', r'(?m)^user$'),
    ('-nic user,model=help', r'\ASupported NIC models:\nvirtio-net-device\n'),
    ('-drive help', r'readonly='),
    ('-drive if=virtio,format=?', r'\ASupported formats: raw'),
    ('-vga help', r'(?m)^none '),
    ('-virtfs help', r'mapped-xattr - '),
    ('-fsdev ?', r'security_model='),
    ('-device virtio-9p-device,help', r'mount_tag='),
    ('-device virtio-balloon-device,help', r'free-page-reporting='),
    ('-smp help', r'threads='),
    ('-m help', r'size='),
    ('-rtc help', r'base='),
    ('-sandbox help', r'spawn='),
    ('-run-with help', r'chroot='),
    ('-name help', r'process='),
    ('-display help', r'(?m)^none$'),
]


def minimal(*options):
    """A machine that never starts its processor."""
    return [find_emulator(), '-M', 'virt', '-display', 'none', '-kernel', get_kernel().image, '-S',
            *options]


def start(command, **streams):
    streams = {'stdin': subprocess.DEVNULL, 'stderr': subprocess.PIPE, **streams}
    return subprocess.Popen(command, **streams)


class Answers(unittest.TestCase):
    """What is asked for help answers on standard output with status 0, whatever else is there."""

    def setUp(self):
        if not is_dragoman():
            self.skipTest('a statement about Dragoman only')

    def test_help(self):
        for options, wanted in HELP:
            with self.subTest(options):
                result = subprocess.run([find_emulator(), *options.split()], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, timeout=10 * TIME_SCALE)
                self.assertEqual((result.returncode, result.stderr), (0, ''))
                self.assertRegex(result.stdout, wanted)

    def test_nothing(self):
        """Without options the program shows how it is used."""
        result = subprocess.run([find_emulator()], stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, timeout=10 * TIME_SCALE)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(len(re.findall(r'(?m)^  dragoman ', result.stdout)), 3)

    def test_every_option_is_listed(self):
        """Each line of -help names an option that the parser knows."""
        listed = subprocess.run([find_emulator(), '-help'], stdout=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL, timeout=10 * TIME_SCALE).stdout
        for name in re.findall(r'(?m)^  -(\S+)', listed):
            result = subprocess.run([find_emulator(), f'-{name}'], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    timeout=10 * TIME_SCALE)
            self.assertNotIn('unknown option', result.stderr, name)


class Starts(BootTest):
    """Options with an effect on a guest."""

    def setUp(self):
        if not is_dragoman():
            self.skipTest('a statement about Dragoman only')
        folder = tempfile.TemporaryDirectory(prefix='dragoman-options-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def process(self, command, **streams):
        process = start(command, **streams)

        def end():
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        self.addCleanup(end)
        return process

    def test_engines_in_turn(self):
        """The first engine of a list that is there runs the guest."""
        for options in (['-accel', 'kvm', '-accel', 'tcg,thread=multi'],
                        ['-machine', 'accel=kvm:tcg'], ['-M', 'virt,accel=tcg']):
            with self.subTest(options):
                self.run_script('poweroff', extra=options)

    def test_stopped_start_and_clock(self):
        """-S waits for cont; -rtc base= is the guest's date; the topology is what -smp says."""
        console = self.console(linux('quiet', ['-S', '-rtc', 'base=2001-02-03T04:05:06', '-name',
                                               'guest=alice'], processors=4) +
                               ['-smp', '4,sockets=2'])
        console.expect('Ctrl-A', 20)
        time.sleep(1)
        self.assertNotIn('Linux', console.text())
        before, name, _, after = self.monitor(console, 'info status', 'info name', 'cont',
                                              'info status')
        self.assertIn('paused', before)
        self.assertEqual(name, 'alice')
        self.assertIn('running', after)
        console.expect(PROMPT, 60)
        self.assertIn('Feb  3 04:', self.command(console, 'date'))
        packages = self.command(
            console, 'cat /sys/devices/system/cpu/cpu*/topology/physical_package_id')
        self.assertEqual(sorted(packages.split()), ['0', '0', '1', '1'])
        self.power_off(console)

    def test_monitor_inspects(self):
        """Disassembly, registers in expressions, memory by both kinds of address."""
        console = self.shell()
        self.monitor(console, 'stop')
        pc, again, code, stack, physical, word, nothing, device = self.monitor(
            console, 'p/x $pc', 'p/x $PC + 0', 'x/3i $pc', 'x/2xg $sp & ~15', 'xp/8b 0x40200000',
            'x/xw $pc', 'x/4x 0x10', 'xp/4x 0x9000000')
        self.assertRegex(pc, r'^0x[0-9a-f]+$')
        self.assertEqual(pc, again)
        self.assertEqual(len(code.split('\n')), 3, code)
        self.assertIn(pc[2:], code)
        self.assertRegex(stack, r'^[0-9a-f]{16}: 0x[0-9a-f]{16} 0x[0-9a-f]{16}$')
        self.assertEqual(physical.count('0x'), 8)
        # instructions are words, as the manual writes them
        self.assertIn(f"{pc[2:]}:  {word.split('0x')[1]}  ", code)
        self.assertIn('no memory', nothing)
        self.assertIn('no memory', device)
        self.monitor(console, 'cont')
        self.power_off(console)

    def test_resets_under_load(self):
        """system_reset while all processors compute: every time the guest comes up again."""
        console = self.shell(processors=2, reboot=True)
        for number in range(4):
            console.line('for i in 1 2 3; do (while :; do :; done) & done; echo lo""ad')
            console.expect('load', 20)
            time.sleep(0.1 * number)
            self.monitor(console, 'system_reset')
            console.expect(PROMPT, 60)
        self.power_off(console)

    def test_power_button(self):
        """system_powerdown raises the GPIO line that the device tree calls the power button."""
        console = self.shell()
        # This kernel has no gpio-keys: look at the pin itself. The chip's number 3 is the button.
        self.command(console, 'cd /sys/class/gpio && n=$(($(cat gpiochip*/base) + 3)) && '
                              'echo $n > export && cd gpio$n && echo rising > edge')
        count = "awk '/gpio|pl061|GPIO/ { n += $2 } END { print n }' /proc/interrupts"
        before = int(self.command(console, count) or 0)
        self.monitor(console, 'system_powerdown')
        self.command(console, 'sleep 1')
        self.assertEqual(int(self.command(console, count)), before + 1)
        self.power_off(console)

    def test_sockets(self):
        """Serial line and monitor on sockets, which may be left and entered again."""
        serial, monitor = (os.path.join(self.folder, name) for name in ('serial', 'monitor'))
        command = [word for word in linux('quiet') if word != '-nographic']
        process = self.process(command + ['-serial', f'unix:{serial},server=on,wait=off',
                                          '-monitor', f'unix:{monitor},server=on,wait=off'])
        self.talk(serial, b'\n', b'guest:')
        self.talk(serial, b'echo re""turned\n', b'returned')
        self.talk(monitor, b'info status\n', b'running')
        self.talk(monitor, b'quit\n', b'quit')
        self.assertEqual(process.wait(20 * TIME_SCALE), 0)
        self.assertEqual(os.listdir(self.folder), [])

    def test_chardevs(self):
        """One terminal for a serial line and two monitors; a ring buffer that they look into."""
        log = os.path.join(self.folder, 'log')
        command = [word for word in linux('quiet') if word != '-nographic']
        console = self.console(command + [
            '-chardev', f'stdio,id=c,mux=on,signal=off,logfile={log}', '-serial', 'chardev:c',
            '-mon', 'chardev=c,mode=readline', '-monitor', 'chardev:c',
            '-chardev', 'ringbuf,id=ring,size=1K'])
        console.expect(PROMPT)
        wrote, read, again, devices = self.monitor(
            console, 'ringbuf_write ring a b\\c', 'ringbuf_read ring 100',
            'ringbuf_read c 1', 'info chardev')
        self.assertEqual((wrote, read), ('', 'a b\\\\c'))
        self.assertIn('no ring buffer', again)
        self.assertIn('c: filename=stdio,mux', devices)
        console.send('\x01c')
        self.power_off(console)
        with open(log, 'rb') as handle:
            self.assertIn(b'Power down', handle.read())

    def test_two_serial_lines(self):
        """A second -serial is a second port, ttyAMA1, in both directions."""
        path = os.path.join(self.folder, 'second')
        console = self.shell(extra=['-serial', 'mon:stdio', '-serial',
                                    f'unix:{path},server=on,wait=off'])
        self.command(console, 'cd /proc/device-tree/aliases && test $(cat serial0) = '
                              '/pl011@9000000 && test $(cat serial1) = /pl011@9040000')
        console.line('setsid sh -c "exec sh -i </dev/ttyAMA1 >/dev/ttyAMA1 2>&1" &')
        self.talk(path, b'echo $((6 * 7))$(tty)\n', b'42/dev/ttyAMA1')
        self.power_off(console)

    def test_typed_ahead(self):
        """What is typed before the kernel runs is there when the shell does."""
        console = self.console(linux('quiet'))
        console.send('echo ear""ly\n')
        console.expect('early', 60)
        console.expect(PROMPT)
        self.power_off(console)

    def test_memory_in_a_file(self):
        """Guest memory in a file of the user's has what the guest wrote, if it is shared."""
        path = os.path.join(self.folder, 'ram')
        for share, found in (('on', True), ('off', False)):
            with self.subTest(share=share):
                self.run_script('poweroff', extra=[
                    '-object', f'memory-backend-file,id=ram,size=512M,mem-path={path},share={share}',
                    '-M', 'memory-backend=ram'])
                with open(path, 'rb') as handle, \
                        mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as memory:
                    self.assertEqual(len(memory), 512 << 20)
                    self.assertEqual(memory.find(b'Linux version ') >= 0, found)
                os.unlink(path)

    def test_memory_in_a_folder(self):
        """-mem-path FOLDER leaves nothing behind; -mem-prealloc takes the memory at the start."""
        process = self.process(minimal('-serial', 'null', '-m', '200', '-mem-path', self.folder,
                                       '-mem-prealloc'))
        deadline = time.monotonic() + 20 * TIME_SCALE
        resident = 0
        while resident < 200 << 10 and time.monotonic() < deadline:
            time.sleep(0.05)
            with open(f'/proc/{process.pid}/status', encoding='ascii') as handle:
                resident = int(re.search(r'VmRSS:\s+(\d+)', handle.read())[1])
        self.assertGreaterEqual(resident, 200 << 10)
        self.assertEqual(os.listdir(self.folder), [])

    def test_one_thread(self):
        """With thread=single four busy processors take one of the host's, each its share."""
        console = self.shell(extra=['-accel', 'tcg,thread=single'], processors=4,
                             reboot=True)
        self.assertEqual(self.command(console, 'nproc'), '4')
        self.command(console, 'for i in 0 1 2 3; do (taskset $((1 << i)) sh -c '
                              '"while :; do :; done") & done')

        def used():
            with open(f'/proc/{console.process.pid}/stat', encoding='ascii') as handle:
                return sum(int(word) for word in handle.read().split()[13:15])
        before, start_time = used(), time.monotonic()
        time.sleep(4)
        ticks = (used() - before) / (time.monotonic() - start_time)
        self.assertLess(ticks / os.sysconf('SC_CLK_TCK'), 1.2)
        shares = self.command(console, "awk '/^cpu[0-3]/ { print $2 }' /proc/stat").split()
        self.assertGreater(min(int(share) for share in shares), 20, shares)
        self.monitor(console, 'stop', 'cont', 'system_reset')
        console.expect(PROMPT, 60)
        self.power_off(console)

    def talk(self, path, text, wanted):
        deadline = time.monotonic() + 60 * TIME_SCALE
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.05)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(60 * TIME_SCALE)
            peer.connect(path)
            peer.sendall(text)
            said = b''
            while wanted not in said:
                piece = peer.recv(4096)
                self.assertNotEqual(piece, b'', said)
                said += piece

    def test_client_socket(self):
        """The emulator connects to a socket that listens."""
        path = os.path.join(self.folder, 'socket')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            listener.settimeout(20 * TIME_SCALE)
            command = [word for word in linux('quiet dragoman.run=poweroff')
                       if word != '-nographic']
            process = self.process(command + ['-serial', f'unix:{path}'])
            peer, _ = listener.accept()
            said = b''
            with peer:
                peer.settimeout(60 * TIME_SCALE)
                while piece := peer.recv(4096):
                    said += piece
        self.assertIn(b'Power down', said)
        self.assertEqual(process.wait(20 * TIME_SCALE), 0)

    def test_pty(self):
        """The name of a pseudo-terminal is told; what the guest says can be read there."""
        command = [word for word in linux('quiet dragoman.run=poweroff') if word != '-nographic']
        process = self.process(command + ['-serial', 'pty', '-S', '-monitor', 'stdio'],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        name = re.search(rb'redirected to (/dev/pts/\d+) ', process.stderr.readline())[1]
        terminal = os.open(name, os.O_RDONLY | os.O_NOCTTY)
        self.addCleanup(os.close, terminal)
        process.stdin.write(b'cont\n')
        process.stdin.close()
        said = b''
        while b'Power down' not in said:
            said += os.read(terminal, 4096)
        self.assertEqual(process.wait(20 * TIME_SCALE), 0)

    def test_standard_streams(self):
        """A guest runs to its end with standard input at its end, and with closed streams."""
        for redirection in ('</dev/null', '<&-', '>&-', '<&- >&- 2>&-', '>/dev/full',
                            '| head -c 10'):
            with self.subTest(redirection):
                result = subprocess.run(
                    ['bash', '-c', f'"$@" {redirection}; exit ${{PIPESTATUS[0]}}', 'bash',
                     *linux('quiet dragoman.run=poweroff')], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, timeout=60 * TIME_SCALE)
                self.assertEqual(result.returncode, 0)

    def test_input_may_end(self):
        """What was typed before the end of standard input is carried out."""
        process = self.process(linux('quiet'), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        said = b''
        while b'guest:' not in said:
            said += os.read(process.stdout.fileno(), 4096)
        process.stdin.write(b'sleep 1; poweroff\n')
        process.stdin.close()
        said += process.stdout.read()
        self.assertIn(b'Power down', said)
        self.assertEqual(process.wait(60 * TIME_SCALE), 0)

    def test_signals(self):
        """SIGTERM, SIGINT and SIGHUP end the emulator in order, with status 0."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                pidfile = os.path.join(self.folder, 'pid')
                process = self.process(minimal('-serial', 'null', '-pidfile', pidfile))
                deadline = time.monotonic() + 20 * TIME_SCALE
                while not os.path.exists(pidfile) and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.2)
                process.send_signal(number)
                self.assertEqual(process.wait(20 * TIME_SCALE), 0)
                self.assertFalse(os.path.exists(pidfile))

    def test_pidfile_that_is_none(self):
        """What is no regular file is not removed at the end: a pipe here, as /dev/null."""
        path = os.path.join(self.folder, 'pipe')
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        process = self.process(minimal('-serial', 'null', '-monitor', 'stdio', '-pidfile', path),
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process.communicate(b'quit\n', timeout=20 * TIME_SCALE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(os.read(reader, 100), b'%d\n' % process.pid)
        self.assertTrue(os.path.exists(path))

    def test_signal_before_the_start(self):
        """A signal ends it also while it waits for a connection."""
        path = os.path.join(self.folder, 'socket')
        process = self.process(minimal('-serial', f'unix:{path},server=on'))
        self.assertIn(b'waiting', process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20 * TIME_SCALE), -signal.SIGTERM)
        # nor does a file keep it that is a pipe without a writer
        pipe = os.path.join(self.folder, 'pipe')
        os.mkfifo(pipe)
        for option in (f'-device loader,addr=0x50000000,file={pipe}', f'-kernel-symbols {pipe}'):
            with self.subTest(option):
                process = self.process(minimal('-serial', 'null', *option.split()))
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(20 * TIME_SCALE), -signal.SIGTERM)

    def test_terminal_after_every_end(self):
        """However the emulator ends, the terminal is as it was."""
        for number in (signal.SIGKILL, signal.SIGABRT, signal.SIGHUP):
            with self.subTest(number):
                console = self.console(linux('quiet'))
                console.expect('Ctrl-A', 20)
                self.assertNotEqual(console.settings_now(), console.settings_before)
                console.interrupt(number)
                console.wait(10)
                deadline = time.monotonic() + 5 * TIME_SCALE
                while console.settings_now() != console.settings_before:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
        console = self.console(linux('quiet', ['-device', 'nothing']))
        self.assertEqual(console.wait(10), 1)
        self.assertEqual(console.settings_now(), console.settings_before)

    def test_keys_of_a_guest_that_hangs(self):
        """The escape keys work though the guest takes no input."""
        console = self.shell()
        self.monitor(console, 'stop')
        console.send('x' * 3000)
        time.sleep(0.2)
        console.send('\x01x')
        self.assertEqual(console.wait(10), 0)

    def test_disk_is_shared_by_readers(self):
        """Two emulators read one disk; a writer is refused meanwhile."""
        disk = os.path.join(self.folder, 'disk')
        with open(disk, 'wb') as handle:
            handle.truncate(1 << 20)
        drive = f'file={disk},format=raw'
        first = self.process(minimal('-serial', 'null', '-drive', drive + ',readonly=on'))
        time.sleep(1)
        second = self.process(minimal('-serial', 'null', '-drive', drive + ',readonly=on'))
        time.sleep(1)   # two that come at one moment may both be refused (block/lock.c)
        third = self.process(minimal('-serial', 'null', '-drive', drive))
        self.assertEqual(third.wait(20 * TIME_SCALE), 1)
        time.sleep(0.5)
        self.assertEqual((first.poll(), second.poll()), (None, None))
