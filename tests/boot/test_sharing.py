# SPDX-License-Identifier: MIT
"""A folder of the host in a guest: read, written, mapped, renamed; what is refused; how owners and
modes arrive; and a large tree to and fro."""

import hashlib
import os
import random
import stat
import tempfile

from common import BootTest, get_initramfs, get_kernel, ours_only
from guestprogram import compile_linux_program
from initramfs import MODULES

# Debian's cloud kernel has no 9p.
FLAVOUR = 'generic'
TREE_FILES = 300


def digest(path):
    with open(path, 'rb') as handle:
        return hashlib.md5(handle.read()).hexdigest()


def make_tree(top, seed):
    """A tree with files of all sizes, deep folders, odd names, links, empty folders."""
    numbers = random.Random(seed)
    folders = [top]
    for number in range(40):
        parent = numbers.choice(folders)
        path = os.path.join(parent, f'folder {number}' if number % 7 else f'ordner-ü{number}')
        os.mkdir(path, 0o755 if number % 5 else 0o700)
        folders.append(path)
    for number in range(TREE_FILES):
        path = os.path.join(numbers.choice(folders), f'{"n" * (number % 120)}.{number}')
        size = numbers.choice((0, 1, 100, 4096, 5000, 70000, 300000))
        with open(path, 'wb') as handle:
            handle.write(numbers.randbytes(size))
        os.chmod(path, numbers.choice((0o644, 0o600, 0o755, 0o444)))
        if number % 20 == 0:
            os.symlink(f'../{number}', path + '.link')


def describe_tree(top):
    """What must be equal: names, types, modes, contents, targets of links."""
    lines = []
    for folder, folders, files in os.walk(top):
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            what = oct(info.st_mode)
            if stat.S_ISLNK(info.st_mode):
                what += os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                what += digest(path)
            lines.append(f'{os.path.relpath(path, top)} {what}')
    return sorted(lines)


class Sharing(BootTest):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='dragoman-sharing-', dir='/var/tmp')
        self.addCleanup(folder.cleanup)
        self.top = folder.name
        self.additions = []

    def host(self, *names):
        return os.path.join(self.top, *names)

    def folder(self, name, **files):
        """A folder to share."""
        os.mkdir(self.host(name))
        for file, text in files.items():
            with open(self.host(name, file), 'w') as handle:
                handle.write(text)
        return self.host(name)

    def boot(self, *shares, **options):
        """A guest with folders: (name, options of -virtfs); mounted below /mnt by their names."""
        extra = ['-nic', 'none']
        for name, text in shares:
            extra += ['-virtfs', f'local,path={self.host(name)},mount_tag={name},{text}']
        console = self.shell('quiet dragoman.net=off', extra, kernel=get_kernel(FLAVOUR).image,
                             initramfs=get_initramfs(FLAVOUR, self.additions,
                                                     MODULES + ['9p', '9pnet_virtio']),
                             **options)
        for name, _ in shares:
            self.mount(console, name)
        return console

    def mount(self, console, name, options='msize=512000'):
        self.command(console, f'mkdir -p /mnt/{name}; mount -t 9p -o '
                     f'trans=virtio,version=9p2000.L,{options} {name} /mnt/{name}')

    def refused(self, console, text, why):
        status, output = console.run(text, r'guest:\S*# ', 30)
        self.assertNotEqual(status, 0, text)
        self.assertRegex(output, why)

    def test_files(self):
        """Read, write, rename, links, times, large files, mappings, programs."""
        self.additions = [compile_linux_program(self, self.top, 'mapping', 'mapping.c')]
        self.folder('share', greeting='hello\n')
        with open(self.host('share', 'large'), 'wb') as handle:
            handle.write(random.Random(1).randbytes(40 << 20))
        console = self.boot(('share', 'security_model=none'))
        self.command(console, 'cd /mnt/share')
        self.assertEqual(self.command(console, 'cat greeting'), 'hello')
        self.assertIn(digest(self.host('share', 'large')), self.command(console, 'md5sum large'))
        self.command(console, 'dd if=/dev/urandom of=written bs=1000003 count=30 2>/dev/null')
        self.assertIn(digest(self.host('share', 'written')),
                      self.command(console, 'md5sum written'))
        self.command(console, 'mkdir -p a/b && echo 1 > a/b/c && mv a z && echo 2 >> z/b/c && '
                     'chmod 640 z/b/c && ln -s b/c z/link && ln z/b/c hard && '
                     'touch -d "2001-02-03 04:05:06" z/b/c')
        with open(self.host('share', 'z', 'link')) as handle:
            self.assertEqual(handle.read(), '1\n2\n')
        info = os.stat(self.host('share', 'hard'))
        self.assertEqual((oct(info.st_mode), info.st_nlink), ('0o100640', 2))
        self.assertEqual(info.st_mtime, 981173106)
        self.command(console, 'exec 5< hard; rm hard z/b/c; cat <&5 | grep -q 2; exec 5<&-')
        self.assertFalse(os.path.exists(self.host('share', 'hard')))
        self.command(console, 'rm -r z; df /mnt/share; truncate -s 10 written; sync')
        self.assertEqual(os.path.getsize(self.host('share', 'written')), 10)
        # What the host does is seen.
        os.rename(self.host('share', 'greeting'), self.host('share', 'salute'))
        self.assertEqual(self.command(console, 'cat salute; ls').split(),
                         ['hello', 'large', 'salute', 'written'])
        self.command(console, 'cp /bin/busybox busybox && ./busybox true')
        self.command(console, 'cd /; umount /mnt/share')
        self.mount(console, 'share', 'cache=mmap')
        self.command(console, 'mapping /mnt/share/large && sync')
        with open(self.host('share', 'large'), 'rb') as handle:
            self.assertEqual(handle.read(), random.Random(1).randbytes(40 << 20)[::-1])
        self.power_off(console)

    @ours_only
    def test_refusals(self):
        """No way out, nothing written where that was forbidden, no special file opened."""
        self.folder('share', inside='inside\n')
        outside = self.folder('outside', secret='secret\n')
        os.symlink(outside, self.host('share', 'way_out'))
        os.symlink('../outside/secret', self.host('share', 'up'))
        os.symlink('inside', self.host('share', 'good'))
        os.mkfifo(self.host('share', 'fifo'))
        os.mkdir(self.host('share', 'swapped'))
        self.folder('fixed', inside='fixed\n')
        console = self.boot(('share', 'security_model=none'),
                            ('fixed', 'security_model=none,readonly=on'))
        self.command(console, 'cd /mnt/share')
        self.assertEqual(self.command(console, 'cat good'), 'inside')
        # The guest resolves links among its own files.
        self.refused(console, 'cat way_out/secret', 'No such file')
        self.refused(console, 'cat up', 'No such file')
        self.refused(console, 'echo x > way_out/new', 'nonexistent|No such')
        self.assertEqual(self.command(console, 'cd ../../..; pwd; ls /mnt/share/..'),
                         '/\nfixed  share')
        # A reader in the guest waits for the guest's own writers.
        self.command(console, 'cd /mnt/share; (echo through > fifo &); timeout 10 cat fifo')
        # The host swaps a folder for a link while the guest stands in it.
        self.command(console, 'cd swapped')
        os.rmdir(self.host('share', 'swapped'))
        os.symlink(outside, self.host('share', 'swapped'))
        console.run('echo x > made; cat secret; mkdir made; rm secret', r'guest:\S*# ')
        self.assertEqual(os.listdir(outside), ['secret'])
        self.command(console, 'cd /mnt/fixed; cat inside')
        for text in ('echo x > inside', 'echo x > new', 'rm inside', 'mkdir new',
                     'chmod 777 inside', 'mv inside other', 'ln -s x y', 'ln inside y', 'mkfifo y', 'touch inside',
                     'truncate -s 0 inside', 'chown 1:1 inside'):
            self.refused(console, text, 'Read-only file system|cannot create|Read-only')
        self.assertEqual(os.listdir(self.host('fixed')), ['inside'])
        with open(self.host('fixed', 'inside')) as handle:
            self.assertEqual(handle.read(), 'fixed\n')
        self.command(console, 'cd /; umount /mnt/fixed')
        self.power_off(console)

    def test_security_models(self):
        """Owners, modes and special files are the guest's; on the host they may be plain files."""
        models = ['none', 'mapped-xattr', 'mapped-file']
        if os.geteuid() == 0:
            models.append('passthrough')
        for model in models:
            self.folder(model)
        console = self.boot(*((model, f'security_model={model}') for model in models))
        for model in models:
            with self.subTest(model):
                self.command(console, f'cd /mnt/{model} && echo text > file && chmod 4751 file && '
                             'mkdir folder && chmod 1777 folder && mkfifo folder/pipe && '
                             'ln -s file link && mv file folder/ && ln folder/file other')
                if model != 'none' or os.geteuid() == 0:
                    self.command(console, 'mknod null c 1 3 && chown 77:88 other && '
                                 'chmod 4751 other')
                    listing = self.command(console, 'ls -ln')
                    self.assertRegex(listing, r'crw-r--r-- +1 0 +0 +1, +3 .*null')
                    self.assertRegex(listing, r'-rwsr-x--x +2 77 +88 +5 .*other')
                    self.assertRegex(listing, r'lrwxrwxrwx .*link -> file')
                    self.assertRegex(listing, r'drwxrwxrwt .*folder')
                self.assertEqual(self.command(console, 'cat other; rm -r folder; ls other'),
                                 'text\nother')
                info = os.stat(self.host(model, 'other'))
                mapped = model.startswith('mapped')
                self.assertEqual(oct(info.st_mode), '0o100600' if mapped else '0o104751')
                if mapped:
                    self.assertEqual(info.st_uid, os.geteuid())
                    self.assertTrue(stat.S_ISREG(os.lstat(self.host(model, 'null')).st_mode))
                    self.assertFalse(os.path.islink(self.host(model, 'link')))
        self.power_off(console)

    def test_large_tree(self):
        """A tree goes in and comes out again through two folders, by several processes at once."""
        self.folder('source')
        self.folder('target')
        make_tree(self.host('source'), 5)
        console = self.boot(('source', 'security_model=none,readonly=on'),
                            ('target', 'security_model=none'), processors=2, memory=1024)
        self.command(console, 'mount -t tmpfs -o size=90% tree /tmp && cd /mnt/source && '
                     'tar cf /tmp/tree.tar . && mkdir /mnt/target/one && cd /mnt/target/one && '
                     'tar xf /tmp/tree.tar', 240)
        wanted = describe_tree(self.host('source'))
        self.assertEqual(describe_tree(self.host('target', 'one')), wanted)
        self.command(console, 'cd /mnt/target; for i in 2 3 4; do cp -a one $i & done; wait; '
                     'rm -r one & mv 2 two; mv 3 two/; wait', 240)
        self.assertEqual(describe_tree(self.host('target', '4')), wanted)
        self.assertEqual(describe_tree(self.host('target', 'two', '3')), wanted)
        self.assertFalse(os.path.exists(self.host('target', 'one')))
        self.command(console, 'cd /; rm -r /mnt/target/*', 240)
        self.assertEqual(os.listdir(self.host('target')), [])
        self.power_off(console)
