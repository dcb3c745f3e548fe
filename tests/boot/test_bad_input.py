# SPDX-License-Identifier: MIT
"""What the user got wrong: one sentence on standard error, exit status 1, and no guest code ran.

A row of TABLE is a mistake: its name, the options, and what the message must mention (a regular
expression, any case).  "{name}" in an option is a file of Materials; a row without -kernel gets a
good one, so that the mistake is the only one.
"""

import gzip
import os
import socket
import struct
import subprocess
import tempfile
import unittest

from common import TIME_SCALE, find_emulator, get_initramfs, get_kernel, is_dragoman

DRIVE = 'file={disk},format=raw,if=virtio'

TABLE = [
    # Semihosting
    ('semihosting_unknown', '-semihosting-config enable=on,files=on', r"'files'|unknown.*files"),
    ('semihosting_by_gdb', '-semihosting-config target=gdb', r'target=gdb.*target=native'),
    ('semihosting_target', '-semihosting-config target=host', r"target=host.*'native'"),
    ('semihosting_root', '-semihosting-config root={nowhere}', r'nowhere.*no such file'),
    ('semihosting_chardev', '-semihosting-config chardev=none', r'none'),
    # Kernels
    ('kernel_missing', '-kernel {nowhere}', r'nowhere.*no such file'),
    ('kernel_is_a_folder', '-kernel {folder}', r'folder.*(directory|folder)'),
    ('kernel_unreadable', '-kernel {unreadable}', r'unreadable.*permission'),
    ('kernel_empty', '-kernel {empty}', r'empty'),
    ('kernel_header_cut', '-kernel {image_cut_short}', r'image_cut_short.*(truncated|too short)'),
    ('kernel_cut', '-kernel {image_cut}', r'image_cut.*truncated'),
    ('kernel_gzip_cut', '-kernel {gzip_cut}', r'gzip_cut.*(truncated|damaged)'),
    ('kernel_gzip_of_nonsense', '-kernel {gzip_nonsense}', r'gzip_nonsense.*not'),
    ('kernel_elf_cut', '-kernel {elf_cut}', r'elf_cut.*truncated'),
    ('kernel_of_x86', '-kernel {bzimage}', r'bzimage.*x86'),
    ('kernel_of_x86_as_elf', '-kernel {elf_x86}', r'elf_x86.*x86'),
    ('kernel_of_riscv_as_elf', '-kernel {elf_riscv}', r'elf_riscv.*risc-?v'),
    ('kernel_of_riscv', '-kernel {image_riscv}', r'image_riscv.*risc-?v'),
    ('kernel_of_32_bit_arm', '-kernel {zimage}', r'zimage.*(32-bit|arm)'),
    ('kernel_is_text', '-kernel {text}', r'text.*not'),
    ('kernel_bigger_than_memory', '-m 16', r'(memory|-m)'),
    ('no_kernel_value', '-kernel', r'-kernel'),
    ('symbols_missing', '-kernel-symbols {nowhere}', r'nowhere.*no such file'),
    ('symbols_without_end', '-kernel-symbols /dev/zero', r'zero.*too large'),
    ('symbols_without_any', '-kernel-symbols {text}', r'text.*no symbols|no symbols.*text'),
    ('perf_of_the_interpreter', '-jitdump -accel tcg,backend=interp', r'-jitdump.*interp'),
    ('profile_of_the_interpreter', '-accel tcg,backend=interp,profile=on', r'profile.*interp'),
    # Initial RAM disks and device trees
    ('initrd_missing', '-initrd {nowhere}', r'nowhere.*no such file'),
    ('initrd_is_a_folder', '-initrd {folder}', r'folder.*(directory|folder)'),
    ('initrd_unreadable', '-initrd {unreadable}', r'unreadable.*permission'),
    ('initrd_empty', '-initrd {empty}', r'empty'),
    ('initrd_cut', '-initrd {initrd_cut}', r'initrd_cut.*truncated'),
    ('initrd_bigger_than_memory', '-m 64 -initrd {big}', r'(memory|-m)'),
    ('initrd_without_kernel', '-kernel= -initrd {initrd}', r'-kernel'),
    ('dtb_missing', '-dtb {nowhere}', r'nowhere.*no such file'),
    ('dtb_empty', '-dtb {empty}', r'empty'),
    ('dtb_is_text', '-dtb {text}', r'text.*device tree'),
    ('dtb_too_big', '-dtb {image}', r'2 mib'),
    ('dtb_cut', '-dtb {dtb_cut}', r'dtb_cut.*truncated'),
    # Disks
    ('disk_missing', '-drive file={nowhere},format=raw,if=virtio', r'nowhere.*no such file'),
    ('disk_is_a_folder', '-drive file={folder},format=raw,if=virtio', r'folder.*directory|folder'),
    ('disk_unreadable', '-drive file={unreadable},format=raw,if=virtio', r'unreadable.*permission'),
    ('disk_empty', '-drive file={empty},format=raw,if=virtio', r'empty'),
    ('disk_cut', '-drive file={disk_cut},format=raw,if=virtio', r'disk_cut.*(512|sector)'),
    ('disk_without_file', '-drive format=raw,if=virtio', r'file='),
    ('disk_of_unknown_format', '-drive file={disk},format=rwa,if=virtio', r'rwa.*raw'),
    ('disk_on_unknown_bus', '-drive file={disk},format=raw,if=virtoi', r'virtoi.*virtio'),
    ('disk_with_unknown_property', f'-drive {DRIVE},readony=on', r'readony.*readonly'),
    ('disk_twice', f'-drive {DRIVE} -drive {DRIVE}', r'disk.*(lock|use)'),
    ('disk_on_two_devices', '-drive file={disk},format=raw,if=none,id=d0 '
     '-device virtio-blk-device,drive=d0 -device virtio-blk-device,drive=d0', r'd0.*already'),
    ('disk_with_unknown_word', f'-drive {DRIVE},discard=perhaps', r'perhaps.*unmap'),
    ('disk_index_nonsense', f'-drive {DRIVE},index=first', r'index=first'),
    ('disk_index_twice', '-drive file={disk},format=raw,index=1 '
     '-drive file={other},format=raw,index=1', r'index=1.*another'),
    ('disk_zeroes_without_discard', f'-drive {DRIVE},detect-zeroes=unmap', r'discard=unmap'),
    ('disk_that_stops_on_errors', f'-drive {DRIVE},werror=stop', r'werror=stop.*report'),
    ('hard_disk_missing', '-hda {nowhere}', r'nowhere.*no such file'),
    # More than the board holds
    ('memory_too_much', '-m 2T', r'memory|-m'),
    ('memory_none', '-m 0', r'memory|-m'),
    ('memory_nonsense', '-m lots', r'lots'),
    ('memory_negative', '-m -5', r'-5|memory'),
    ('processors_too_many', '-smp 9', r'8'),
    ('processors_none', '-smp 0', r'smp|processor'),
    ('processors_nonsense', '-smp many', r'many'),
    ('processors_that_do_not_fit', '-smp 4,sockets=3', r'sockets .3.*maxcpus .4'),
    ('processors_beyond_numbers', '-smp sockets=4096,clusters=4096,cores=4096,threads=4096',
     r'fewer'),
    ('processors_beyond_maximum', '-smp 4,maxcpus=2', r'maxcpus .2. < cpus .4'),
    ('processors_dies', '-smp 4,dies=2', r'dies.*clusters'),
    ('memory_for_later', '-m 512,slots=2,maxmem=1G', r'maxmem'),
    ('three_serial_lines', '-serial null -serial null -serial null', r'two serial'),
    ('devices_too_many', '-device virtio-rng-device ' * 33, r'32'),
    # Things in use
    ('port_in_use', '-nic user,hostfwd=tcp:127.0.0.1:{port}-:80', r'{port}'),
    ('hostfwd_nonsense', '-nic user,hostfwd=nonsense', r'nonsense'),
    ('socket_in_use', '-serial unix:{socket},server=on,wait=off', r'socket'),
    ('serial_file_nowhere', '-serial file:{nowhere}/log', r'nowhere'),
    ('socket_over_a_file', '-serial unix:{text},server=on,wait=off', r'text.*another'),
    ('socket_of_nobody', '-serial unix:{nowhere}', r'nowhere.*server'),
    ('socket_with_nonsense', '-serial unix:{socket},sevrer=on', r'sevrer'),
    ('terminal_twice', '-serial stdio -monitor stdio', r'mon:stdio'),
    ('monitor_unknown', '-monitor stdoi', r'stdoi.*stdio'),
    ('pidfile_full', '-pidfile /dev/full', r'/dev/full.*no space'),
    ('pidfile_nowhere', '-pidfile {nowhere}/pid', r'nowhere'),
    ('dumpdtb_nowhere', '-M virt,dumpdtb={nowhere}/dtb', r'nowhere'),
    ('serial_unknown', '-serial stdoi', r'stdoi.*stdio'),
    ('serial_of_no_chardev', '-serial chardev:c', r"no -chardev.*'c'"),
    ('chardev_unknown', '-chardev nul,id=c', r'nul.*null'),
    ('chardev_without_id', '-chardev null', r'id='),
    ('chardev_option_unknown', '-chardev socket,id=c,pth=/x', r'pth.*path'),
    ('chardev_twice', '-chardev null,id=c -chardev null,id=c', r"'c'.*another id"),
    ('chardev_in_use', '-chardev null,id=c -serial chardev:c -mon c', r"'c'.*mux=on"),
    ('chardev_stdio_twice', '-chardev stdio,id=a -chardev stdio,id=b', r'terminal is taken'),
    ('chardev_nobody_listens', '-chardev socket,id=c,path={nowhere}', r'nowhere.*no such file'),
    ('chardev_listens_on_used', '-chardev socket,id=c,path={socket},server=on,wait=off',
     r'in use'),
    ('mon_of_no_chardev', '-mon chardev=c', r"no -chardev.*'c'"),
    ('mon_for_machines', '-chardev null,id=c -mon c,mode=control', r'control.*readline'),
    # Names
    ('id_twice_netdev', '-netdev user,id=a -netdev user,id=a', r'"?a"?.*id|id.*"?a"?'),
    ('id_twice_device', '-device virtio-rng-device,id=a -device virtio-rng-device,id=a', r'id'),
    ('id_twice_drive', '-drive file={disk},format=raw,if=none,id=a '
     '-drive file={other},format=raw,if=none,id=a', r'id'),
    ('machine_unknown', '-M vrit', r'vrit.*virt'),
    ('machine_property_unknown', '-M virt,nonsense=1', r'nonsense'),
    ('gic_unknown', '-M virt,gic-version=7', r'7.*2'),
    ('cpu_unknown', '-cpu cortex-a27', r'cortex-a27.*cortex-a[57]'),
    ('cpu_feature_absent', '-cpu max,sve=on', r"'sve'.*not implemented; leave it out"),
    ('cpu_feature_lpa2', '-cpu max,lpa2=on', r"'lpa2'.*not implemented"),
    ('cpu_feature_misspelt', '-cpu max,pauht=off', r"did you mean 'pauth'"),
    ('cpu_feature_neither', '-cpu max,lse=maybe', r'neither on nor off'),
    ('cpu_features_contradict', '-cpu max,pauth-qarma3,pauth-qarma5', r'choose one'),
    ('cpu_host', '-cpu host', r'KVM.*-cpu max'),
    ('cpu_property_unknown', '-cpu max,nonsense=on', r'nonsense'),
    ('device_unknown', '-device virtio-rgn-device', r'virtio-rgn-device.*virtio-rng-device'),
    ('device_property_unknown', '-device virtio-rng-device,nonsense=1', r'nonsense'),
    ('device_without_backend', '-device virtio-net-device,netdev=nobody', r'nobody'),
    ('device_without_drive', '-device virtio-blk-device,drive=nobody', r'nobody'),
    ('device_of_the_board', '-device pl011', r'pl011.*part of the board'),
    ('device_for_pci', '-device virtio-rng-pci', r'virtio-rng-device'),
    ('device_with_bad_id', '-device virtio-rng-device,id=1', r"'1'.*letter"),
    ('device_help_unknown', '-device virtio-rgn-device,help', r'virtio-rgn.*virtio-rng'),
    ('machine_help_unknown', '-machine vrit,help', r'vrit.*virt'),
    ('port_without_bus', '-device virtserialport,name=x', r'virtio-serial-bus.*virtio-serial-device'),
    ('port_of_unknown_bus', '-device virtio-serial-device,id=a -device virtconsole,bus=b.0',
     r"no bus 'b.0'"),
    ('ports_too_many', '-device virtio-serial-device,max_ports=2 -device virtserialport '
     '-device virtserialport', r'max_ports='),
    ('ports_of_one_name', '-device virtio-serial-device -device virtserialport,name=x '
     '-device virtserialport,name=x', r"called 'x'.*another"),
    ('port_0', '-device virtio-serial-device -device virtserialport,nr=0', r'virtconsole'),
    ('port_chardev_in_use', '-chardev null,id=c -device virtio-serial-device '
     '-device virtconsole,chardev=c -device virtserialport,chardev=c', r"'c'.*mux=on"),
    ('bus_taken', '-device virtio-rng-device,bus=virtio-mmio-bus.7 '
     '-device virtio-rng-device,bus=virtio-mmio-bus.7', r'mmio-bus.7.*taken'),
    ('loader_of_nothing', '-device loader', r'file='),
    ('loader_missing', '-device loader,file={nowhere}', r'nowhere.*no such file'),
    ('loader_without_end', '-device loader,file=/dev/zero,addr=0x50000000', r'zero.*-m'),
    ('loader_without_memory', '-device loader,addr=0x1000,data=1,data-len=4', r'0x1000'),
    ('loader_beyond_memory', '-m 64 -device loader,addr=0x43ffffff,data=1,data-len=4', r'memory'),
    ('loader_over_kernel', '-device loader,addr=0x40200000,data=1,data-len=4',
     r'loader.*kernel.*overlap'),
    ('loaders_overlap', '-device loader,file={disk},addr=0x50000000,force-raw=on '
     '-device loader,addr=0x50000800,data=1,data-len=4', r'overlap at 0x50000800'),
    ('loader_data_too_long', '-device loader,addr=0x50000000,data=1,data-len=9', r'data-len=9'),
    ('loader_data_without_length', '-device loader,addr=0x50000000,data=1', r'data-len='),
    ('loader_of_two_things', '-device loader,file={disk},data=1,data-len=4', r'leave one out'),
    ('loader_of_no_cpu', '-device loader,cpu-num=1,addr=0x50000000', r'no cpu 1'),
    ('loader_of_x86', '-device loader,file={elf_x86}', r'x86'),
    ('loader_runs_nothing', '-kernel= -device loader,file={disk},addr=0x50000000', r'nothing to run'),
    ('nothing_to_run', '-kernel=', r'nothing to run.*-kernel'),
    ('memory_file_nowhere', '-mem-path {nowhere}/ram', r'nowhere.*no such file'),
    ('memory_file_is_a_device', '-mem-path /dev/null', r'neither a file nor a folder'),
    ('memory_preallocated_too_much', '-m 200G -mem-prealloc', r'204800 mib.*smaller -m'),
    ('memory_of_two_kinds', '-mem-path {folder} -M virt,memory-backend=a '
     '-object memory-backend-ram,id=a,size=1G', r'leave one out'),
    ('object_unknown', '-object memory-backend-fiel,id=a', r'fiel.*memory-backend-file'),
    ('object_without_id', '-object memory-backend-ram,size=1G', r'id='),
    ('object_without_size', '-M virt,memory-backend=a -object memory-backend-ram,id=a', r'size='),
    ('object_unused', '-object memory-backend-ram,id=a,size=1G', r'memory-backend=a'),
    ('object_missing', '-M virt,memory-backend=a', r"no -object with id 'a'"),
    ('object_of_other_size', '-m 512 -M virt,memory-backend=a '
     '-object memory-backend-ram,id=a,size=1G', r'1024 mib.*512 mib'),
    ('object_option_unknown', '-M virt,memory-backend=a '
     '-object memory-backend-ram,id=a,size=1G,prealoc=on', r'prealoc.*prealloc'),
    ('huge_pages_missing', '-M virt,memory-backend=a '
     '-object memory-backend-memfd,id=a,size=200G,hugetlb=on', r'(huge pages|memory)'),
    ('huge_pages_of_odd_size', '-M virt,memory-backend=a '
     '-object memory-backend-memfd,id=a,size=1G,hugetlb=on,hugetlbsize=3M', r'power of two'),
    ('netdev_on_two_devices', '-netdev user,id=n0 -device virtio-net-device,netdev=n0 '
     '-device virtio-net-device,netdev=n0', r'n0.*already'),
    ('netdev_without_type', '-netdev id=n0', r'user'),
    ('nic_model_unknown', '-nic user,model=e1000', r'e1000.*virtio'),
    ('nic_unknown', '-nic usr', r'usr.*user'),
    ('netdev_without_id', '-netdev user', r'id'),
    # Shared folders
    ('virtfs_without_path', '-virtfs local,mount_tag=t,security_model=none', r'path='),
    ('virtfs_without_tag', '-virtfs local,path={folder},security_model=none', r'mount_tag='),
    ('virtfs_without_model', '-virtfs local,path={folder},mount_tag=t',
     r'security_model.*mapped-xattr'),
    ('virtfs_model_unknown', '-virtfs local,path={folder},mount_tag=t,security_model=nome',
     r'nome.*passthrough, none'),
    ('virtfs_of_nothing', '-virtfs local,path={nowhere},mount_tag=t,security_model=none',
     r'nowhere.*no such file'),
    ('virtfs_of_a_file', '-virtfs local,path={text},mount_tag=t,security_model=none',
     r'text.*folder'),
    ('virtfs_proxy', '-virtfs proxy,socket=x,mount_tag=t', r'proxy.*local'),
    ('virtfs_parameter', '-virtfs local,path={folder},mount_tag=t,security_model=none,readonli=on',
     r'readonli.*readonly'),
    ('virtfs_mode_is_none', '-virtfs local,path={folder},mount_tag=t,security_model=mapped-xattr,'
     'fmode=999', r'fmode=999.*0644'),
    ('virtfs_mode_for_passthrough', '-virtfs local,path={folder},mount_tag=t,security_model=none,'
     'dmode=0700', r'dmode.*mapped'),
    ('virtfs_twice', '-virtfs local,path={folder},mount_tag=t,security_model=none '
     '-virtfs local,path={folder},mount_tag=t,id=u,security_model=none', r"mount_tag 't'"),
    ('virtfs_long_tag', '-virtfs local,path={folder},security_model=none,mount_tag=' + 't' * 40,
     r'mount_tag.*31'),
    ('fsdev_without_id', '-fsdev local,path={folder},security_model=none', r'id='),
    ('device_9p_without_fsdev', '-device virtio-9p-device,mount_tag=t', r'fsdev='),
    ('device_9p_unknown_fsdev', '-fsdev local,id=ff,path={folder},security_model=none '
     '-device virtio-9p-device,fsdev=fg,mount_tag=t', r"'fg'.*'?ff"),
    ('device_9p_pci', '-fsdev local,id=f,path={folder},security_model=none '
     '-device virtio-9p-pci,fsdev=f,mount_tag=t', r'virtio-9p-device'),
    ('two_balloons', '-device virtio-balloon-device -device virtio-balloon-device', r'balloon'),
    ('sandbox_word', '-sandbox yes,spawn=perhaps', r'spawn=perhaps.*allow'),
    ('sandbox_parameter', '-sandbox on,spwan=deny', r'spwan.*did you mean.*spawn'),
    ('run_with_nobody_known', '-run-with user=nobody-knows', r'no user.*nobody-knows'),
    ('run_with_no_folder', '-run-with chroot={nowhere}', r'nowhere.*folder'),
    ('run_with_twice', '-run-with user=1:1 -runas 1:1', r'-run-with and -runas'),
    ('runas_half', '-runas 1:', r'no user.*1:'),
    ('qtest_nowhere', '-qtest none', r'-qtest none.*unix:'),
    ('accel_absent', '-accel kvm', r'kvm.*tcg'),
    ('accel_unknown_after_absent', '-accel kvm -accel tgc', r'tgc.*tcg'),
    ('accel_unknown_of_machine', '-M virt,accel=kvm:tgc', r'tgc.*tcg'),
    ('accel_twice', '-M virt,accel=tcg -accel tcg', r'leave one'),
    ('accel_tier2', '-accel tcg,tier2=maybe', r"tier2=maybe.*'always'"),
    ('accel_switch', '-accel tcg,no-folding=maybe', r"no-folding=maybe.*'on'"),
    ('accel_switch_unknown', '-accel tcg,no-floding', r'no-floding.*no-folding'),
    ('accel_option_unknown', '-accel tcg,tb-sise=1', r'tb-sise.*tb-size'),
    ('accel_unknown', '-accel tgc', r'tgc.*tcg'),
    ('backend_unknown', '-accel tcg,backend=nonsense', r'nonsense.*interp'),
    ('log_item_unknown', '-d in_ams', r'in_ams.*in_asm'),
    ('log_file_nowhere', '-d int -D {nowhere}/log', r'nowhere'),
    ('log_filter_nonsense', '-d in_asm -dfilter here', r'here.*start'),
    ('display_absent', '-display gtk', r'gtk.*none'),
    ('option_of_qemu', '-qmp stdio', r'-qmp.*not supported'),
    ('option_unknown', '-kernle x', r'-kernle.*-kernel'),
    ('option_unlike_any', '-qqqqqqqq', r'-qqqqqqqq.*-help'),
    ('rtc_clock_unknown', '-rtc base=utc,clock=moon', r'moon.*host'),
    ('gdb_nowhere', '-gdb nonsense', r'nonsense.*tcp::'),
    ('gdb_without_a_port', '-gdb tcp::', r'tcp::.*port'),
    ('gdb_port_too_large', '-gdb tcp::65536', r'65536.*port'),
    ('gdb_port_taken', '-gdb tcp::{port}', r'{port}.*in use'),
    ('gdb_option', '-gdb tcp::0,wait=on', r'wait=on'),
    ('gdb_over_a_file', '-gdb unix:{other}', r'other.*choose another path'),
    ('gdb_socket_nowhere', '-gdb unix:{nowhere}/socket', r'nowhere.*no such file'),
    ('rtc_nonsense', '-rtc base=yesterday', r'yesterday'),
]


def elf_header(machine, bits=64):
    """An ELF file header that announces one program header, and no more."""
    ident = b'\x7fELF' + bytes([2 if bits == 64 else 1, 1, 1]) + bytes(9)
    return ident + struct.pack('<HHIQQQIHHHHHH', 2, machine, 1, 0x40080000, 64, 0, 0, 64, 56, 1,
                               0, 0, 0)


def elf_program_header(offset, size):
    return struct.pack('<IIQQQQQQ', 1, 7, offset, 0x40080000, 0x40080000, size, size, 4096)


class Materials:
    """The files that the table speaks of, by name."""

    def __init__(self, folder):
        self.paths = {}
        self.folder = folder
        with open(get_kernel().image, 'rb') as handle:
            image = handle.read()
        with open(get_initramfs(), 'rb') as handle:
            initrd = handle.read()
        # arm64 and RISC-V share the layout of the header; the magic at 56 differs.
        riscv = bytearray(4096)
        riscv[48:64] = b'RISCV\0\0\0RSC\x05' + bytes(4)
        zimage = bytearray(4096)
        struct.pack_into('<III', zimage, 0x24, 0x016f2818, 0, 4096)
        bzimage = bytearray(8192)
        bzimage[0x1f1] = 4
        bzimage[0x1fe:0x200] = b'\x55\xaa'
        bzimage[0x202:0x206] = b'HdrS'
        struct.pack_into('<H', bzimage, 0x206, 0x20f)
        dtb = struct.pack('>10I', 0xd00dfeed, 4096, 56, 200, 40, 17, 16, 0, 100, 100)
        for name, data in {
                'empty': b'',
                'text': b'These are words, and nothing that a processor could run.\n' * 200,
                'image_cut_short': image[:40],
                'image_cut': image[:1 << 20],
                'gzip_cut': gzip.compress(image[:4 << 20], 1)[:1 << 20],
                'gzip_nonsense': gzip.compress(b'nonsense' * 1000),
                'elf_cut': elf_header(183) + elf_program_header(4096, 1 << 20) + bytes(8192),
                'elf_x86': elf_header(62) + elf_program_header(0, 4096) + bytes(8192),
                'elf_riscv': elf_header(243) + elf_program_header(0, 4096) + bytes(8192),
                'image_riscv': bytes(riscv), 'zimage': bytes(zimage), 'bzimage': bytes(bzimage),
                'initrd': initrd, 'initrd_cut': initrd[:len(initrd) // 2],
                'dtb_cut': dtb + bytes(100),
                'disk': bytes(1 << 20), 'other': bytes(1 << 20), 'disk_cut': bytes(1000),
                'unreadable': bytes(4096)}.items():
            self.write(name, data)
        os.chmod(self.paths['unreadable'], 0)
        big = self.write('big', b'')
        os.truncate(big, 200 << 20)
        os.mkdir(os.path.join(folder, 'folder'))
        for name in ('folder', 'nowhere', 'socket'):
            self.paths[name] = os.path.join(folder, name)
        self.paths['image'] = get_kernel().image
        self._hold_sockets()

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as handle:
            handle.write(data)
        self.paths[name] = path
        return path

    def _hold_sockets(self):
        self.tcp = socket.socket()
        self.tcp.bind(('127.0.0.1', 0))
        self.tcp.listen()
        self.paths['port'] = str(self.tcp.getsockname()[1])
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(self.paths['socket'])
        self.unix.listen()

    def close(self):
        self.tcp.close()
        self.unix.close()


class BadInput(unittest.TestCase):
    """One test for each row of TABLE."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix='dragoman-bad-')
        cls.materials = Materials(cls.temporary.name)

    @classmethod
    def tearDownClass(cls):
        cls.materials.close()
        cls.temporary.cleanup()

    def setUp(self):
        if not is_dragoman():
            self.skipTest('a statement about Dragoman only')

    def run_emulator(self, options):
        """Run with a serial line into a file; returns (result, what the guest said)."""
        words = [word.format(**self.materials.paths) for word in options.split()]
        if '-kernel=' in words:
            words.remove('-kernel=')
        elif '-kernel' not in words:
            words = ['-kernel', self.materials.paths['image']] + words
        if '-M' not in words:
            words = ['-M', 'virt'] + words
        serial = os.path.join(self.temporary.name, 'serial')
        if os.path.exists(serial):
            os.unlink(serial)
        command = [find_emulator(), '-display', 'none', '-monitor', 'none']
        if '-serial' not in words:
            command += ['-serial', f'file:{serial}']
        if os.geteuid() == 0:
            # Even root obeys a file's permissions without these.
            command = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] + command
        # The mistake comes last, for the rows where a value is missing.
        result = subprocess.run(command + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=10 * TIME_SCALE)
        said = b''
        if os.path.exists(serial):
            with open(serial, 'rb') as handle:
                said = handle.read()
        return result, said

    def check(self, options, wanted):
        try:
            result, said = self.run_emulator(options)
        except subprocess.TimeoutExpired:
            self.fail(f'{options}: the emulator started instead of refusing')
        error = result.stderr.decode(errors='replace')
        report = f'{options}\nstatus {result.returncode}, standard error:\n{error}'
        self.assertEqual(result.returncode, 1, report)
        self.assertEqual(result.stdout, b'', report)
        self.assertEqual(said, b'', report)
        self.assertEqual(error.count('\n'), 1, f'not one line: {report}')
        wanted = wanted.replace('{port}', self.materials.paths['port'])
        self.assertRegex(error.lower(), wanted.lower(), report)


def _row_test(options, wanted):
    def test(self):
        self.check(options, wanted)
    test.__doc__ = f'{options} is refused.'
    return test


for _row in TABLE:
    setattr(BadInput, f'test_{_row[0]}', _row_test(*_row[1:]))


class DiskInUse(unittest.TestCase):
    """A disk that a running guest writes to is refused to a second one."""

    def test_second_emulator(self):
        if not is_dragoman():
            self.skipTest('a statement about Dragoman only')
        with tempfile.NamedTemporaryFile() as disk:
            disk.truncate(1 << 20)
            command = [find_emulator(), '-M', 'virt', '-display', 'none', '-serial', 'null',
                       '-monitor', 'none', '-S', '-kernel', get_kernel().image,
                       '-drive', f'file={disk.name},format=raw,if=virtio']
            first = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            try:
                with self.assertRaises(subprocess.TimeoutExpired):
                    first.wait(2 * TIME_SCALE)
                second = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        timeout=20 * TIME_SCALE, text=True)
                self.assertEqual(second.returncode, 1, second.stderr)
                self.assertRegex(second.stderr, r'lock|use')
                self.assertEqual(second.stderr.count('\n'), 1, second.stderr)
            finally:
                first.kill()
                first.wait()
