# SPDX-License-Identifier: MIT
"""A Debian arm64 root file system with systemd, as an ext4 image, made without running foreign
code on the host and without mounting anything.

The first stage runs here: apt resolves and fetches the packages, their files are laid out in a
folder, and dpkg's data base is written as if dpkg had unpacked them; mke2fs makes the image of
that.  The second stage, `dpkg --configure -a` and the settings, runs inside a guest that boots the
kernel from the image (scripts/initramfs/run/second-stage), because maintainer scripts are arm64
programs.  The user is root, the password is ROOT_PASSWORD.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from aptroot import ARCHITECTURE, AptRoot
from cache import GuestError, cache_dir, digest, locked, say
from disk import check_disk
from emulator import base_command
from initramfs import get_busybox, get_initramfs
from kernel import get_kernel

ROOT_PASSWORD = 'dragoman'
SECOND_STAGE_SECONDS = 1500
SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'rootfs')

# Besides the essential ones.
BASE = ['usr-is-merged', 'systemd', 'systemd-sysv', 'udev', 'dbus', 'login', 'passwd', 'kmod',
            'iproute2', 'iputils-ping', 'wget', 'procps', 'e2fsprogs', 'mount', 'util-linux']

# By variant: the packages and the size of the disk.  The second has what a long load needs:
# a compiler, compressors, two just-in-time compilers and a program that torments kernels.
VARIANTS = {
    'base': (BASE, 1024),
    'load': (BASE + ['gcc', 'libc6-dev', 'make', 'xz-utils', 'luajit', 'nodejs', 'stress-ng',
                     'gdb', 'strace'], 3072),
}

# Modules for hardware that no guest has; they are most of the kernel package's size.
MODULES_LEFT_OUT = ['kernel/sound', 'kernel/drivers/infiniband', 'kernel/drivers/media',
                    'kernel/drivers/gpu', 'kernel/drivers/net/ethernet', 'kernel/drivers/scsi',
                    'kernel/drivers/staging', 'kernel/drivers/iio', 'kernel/drivers/usb',
                    'kernel/net/netfilter', 'kernel/fs/xfs', 'kernel/fs/btrfs', 'kernel/fs/ocfs2']


def fetch_packages(packages):
    """Fetch these, all essential ones and what they need; returns the paths of the .debs."""
    apt = AptRoot()
    wanted = ['?essential'] + packages
    say(f'fetching the packages of the {ARCHITECTURE} root file system')
    with tempfile.TemporaryDirectory() as empty:
        # An empty archive folder, because what is there already would not be listed.
        os.mkdir(os.path.join(empty, 'partial'))
        listing = apt.run('apt-get', '-y', 'install', '--print-uris',
                          '-o', f'Dir::Cache::archives={empty}', *wanted)
    names = re.findall(r"^'[^']*' (\S+\.deb) ", listing, re.M)
    if len(names) < len(packages):
        raise GuestError('apt proposes no packages for the root file system; '
                         'run "scripts/guest clean" and try again')
    apt.run('apt-get', '-y', '-q', 'install', '--download-only', *wanted)
    return [os.path.join(apt.archives, name) for name in names]


# --- First stage: as root, or with fakeroot ---------------------------------------------------

def _extract(deb, root):
    """Lay a package's files out in `root`; returns their paths as dpkg lists them."""
    data = subprocess.run(['dpkg-deb', '--fsys-tarfile', deb], check=True,
                          stdout=subprocess.PIPE).stdout
    # GNU tar knows to follow /bin, /sbin and /lib, which are links in a merged file system.
    subprocess.run(['tar', '-x', '-C', root, '--keep-directory-symlink', '--numeric-owner', '-p'],
                   input=data, check=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = [member.name.lstrip('.') for member in archive.getmembers()]
    return ['/.' if name in ('', '/') else name for name in names]


def _register(deb, files, root):
    """Write what dpkg would know of an unpacked package; returns its stanza of the status file."""
    info = os.path.join(root, 'var/lib/dpkg/info')
    with tempfile.TemporaryDirectory() as control:
        subprocess.run(['dpkg-deb', '-e', deb, control], check=True)
        with open(os.path.join(control, 'control')) as handle:
            stanza = handle.read().rstrip('\n')
        fields = dict(re.findall(r'^([A-Za-z-]+): (.*)$', stanza, re.M))
        name = fields['Package']
        if fields.get('Multi-Arch') == 'same':
            name += ':' + fields['Architecture']
        for member in os.listdir(control):
            if member != 'control':
                shutil.copy2(os.path.join(control, member), os.path.join(info, f'{name}.{member}'))
        conffiles = ''
        if os.path.exists(os.path.join(control, 'conffiles')):
            with open(os.path.join(control, 'conffiles')) as handle:
                paths = [line.split()[-1] for line in handle if line.startswith('/')]
            conffiles = '\nConffiles:' + ''.join(f'\n {path} newconffile' for path in paths)
    with open(os.path.join(info, f'{name}.list'), 'w') as handle:
        handle.write(''.join(path + '\n' for path in files))
    first, rest = stanza.split('\n', 1)
    return f'{first}\nStatus: install ok unpacked\n{rest}{conffiles}\n'


def _copy_modules(modules, root, release):
    target = os.path.join(root, 'usr/lib/modules', release)
    left_out = tuple(os.path.join(modules, path) for path in MODULES_LEFT_OUT)

    def ignore(folder, names):
        return [name for name in names if os.path.join(folder, name) in left_out
                or name in ('build', 'source')]

    shutil.copytree(modules, target, ignore=ignore)
    subprocess.run(['chown', '-R', '0:0', target], check=True)


def _settle(root, busybox):
    """Files of the guest's own: scripts/rootfs/ laid over the root, and a busybox."""
    for folder, _, names in os.walk(SOURCES):
        for name in names:
            source = os.path.join(folder, name)
            target = os.path.join(root, os.path.relpath(source, SOURCES))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
            os.chown(target, 0, 0)
    shutil.copy(busybox, os.path.join(root, 'usr/bin/busybox'))
    os.chown(os.path.join(root, 'usr/bin/busybox'), 0, 0)


def first_stage(image, mebibytes, modules, busybox, debs):
    """Make the unconfigured image.  Needs root's view of file owners (root or fakeroot)."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(image)) as work:
        root = os.path.join(work, 'root')
        os.makedirs(root)
        os.chmod(root, 0o755)
        for name in ('bin', 'sbin', 'lib'):
            os.makedirs(os.path.join(root, 'usr', name))
            os.symlink(f'usr/{name}', os.path.join(root, name))
        os.makedirs(os.path.join(root, 'var/lib/dpkg/info'))
        os.makedirs(os.path.join(root, 'var/lib/dpkg/updates'))
        stanzas = [_register(deb, _extract(deb, root), root) for deb in debs]
        dpkg = os.path.join(root, 'var/lib/dpkg')
        with open(os.path.join(dpkg, 'status'), 'w') as handle:
            handle.write('\n'.join(stanzas))
        with open(os.path.join(dpkg, 'info/format'), 'w') as handle:
            handle.write('1\n')
        open(os.path.join(dpkg, 'available'), 'w').close()
        _copy_modules(modules, root, os.path.basename(modules))
        _settle(root, busybox)
        environment = dict(os.environ, PATH=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
        subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'debian', '-d', root,
                        '-E', 'lazy_itable_init=0,lazy_journal_init=0', image, f'{mebibytes}M'],
                       check=True, env=environment, stdout=subprocess.DEVNULL)


def _run_first_stage(image, mebibytes, modules, busybox, debs):
    command = [sys.executable, os.path.abspath(__file__), image, str(mebibytes), modules,
               busybox] + debs
    if os.geteuid() != 0:
        if not shutil.which('fakeroot'):
            raise GuestError('making a root file system needs root or fakeroot; '
                             'run "scripts/deps test" first')
        command = ['fakeroot', '--'] + command
    say('laying the packages out')
    subprocess.run(command, check=True)


# --- Second stage: in a guest -------------------------------------------------------------------

def _second_stage(image, log):
    command = base_command(memory=512) + [
        '-kernel', get_kernel().image, '-initrd', get_initramfs(),
        '-append', 'console=ttyAMA0 panic=-1 quiet dragoman.run=second-stage dragoman.net=off',
        '-drive', f'file={image},format=raw,if=virtio']
    say('configuring the packages in a guest (once; some minutes)')
    with open(log, 'wb') as handle:
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=handle,
                                    stderr=subprocess.STDOUT,
                                    timeout=SECOND_STAGE_SECONDS).returncode
        except subprocess.TimeoutExpired as expired:
            raise GuestError(f'the guest did not configure its packages within '
                             f'{SECOND_STAGE_SECONDS} s; its console is in {log}') from expired
    with open(log, 'rb') as handle:
        console = handle.read()
    if status != 0 or b'second-stage finished with status 0' not in console:
        raise GuestError(f'the guest could not configure its packages; its console is in {log}')
    complaint = check_disk(image)
    if complaint:
        raise GuestError(f'the root file system is damaged after its making: {complaint}')


def _recipe():
    """Everything of ours that shapes the image, as bytes."""
    paths = [__file__]
    for folder, _, names in os.walk(SOURCES):
        paths += [os.path.join(folder, name) for name in names]
    for path in sorted(paths):
        with open(path, 'rb') as handle:
            yield path[len(os.path.dirname(SOURCES)):]
            yield handle.read()


def get_rootfs(refresh=False, variant='base'):
    """Path of the configured image of a variant (key of VARIANTS).

    It is shared: copy it before letting a guest write to it.
    """
    packages, mebibytes = VARIANTS[variant]
    kernel = get_kernel()
    folder = os.path.join(cache_dir(), 'rootfs')
    os.makedirs(folder, exist_ok=True)
    image = os.path.join(folder, f'{variant}-{digest(kernel.release, *_recipe())}.img')
    with locked('rootfs'):
        if refresh or not os.path.exists(image):
            work = f'{image}.{os.getpid()}.tmp'
            try:
                _run_first_stage(work, mebibytes, kernel.modules, get_busybox(),
                                 fetch_packages(packages))
                _second_stage(work, os.path.join(folder, 'second-stage.log'))
                os.rename(work, image)
            finally:
                if os.path.exists(work):
                    os.unlink(work)
    return image


if __name__ == '__main__':
    first_stage(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
