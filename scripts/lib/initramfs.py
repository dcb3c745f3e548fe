# SPDX-License-Identifier: MIT
"""The busybox initial RAM disk that most tests, the demo and the benchmarks boot.

Contents: Debian's busybox-static for arm64, the kernel's virtio modules, /init and the scripts of
scripts/initramfs/run (chosen on the kernel command line by dragoman.run=NAME), and whatever
programs the caller adds.
"""

import gzip
import os
import shutil
import subprocess
import tempfile

from aptroot import AptRoot
from cache import GuestError, cache_dir, digest, locked, say, write_atomic
from kernel import get_kernel

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'initramfs')

# In loading order; what a kernel has built in is passed over.
MODULES = ['virtio_mmio', 'virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_rng', 'virtio_console',
           'af_packet', 'ext4']


def get_busybox(refresh=False):
    """Path of a static arm64 busybox."""
    path = os.path.join(cache_dir(), 'busybox-arm64')
    with locked('busybox'):
        if refresh or not os.path.exists(path):
            deb = AptRoot().download('busybox-static')['busybox-static']
            with tempfile.TemporaryDirectory(dir=cache_dir()) as work:
                subprocess.run(['dpkg-deb', '-x', deb, work], check=True)
                for name in ('usr/bin/busybox', 'bin/busybox'):
                    source = os.path.join(work, name)
                    if os.path.exists(source):
                        shutil.move(source, path)
                        break
                else:
                    raise GuestError('the package busybox-static holds no busybox')
    return path


def _parse_additions(additions):
    """FILE or FILE:PATH arguments as [(bytes, guest path, mode)]."""
    for addition in additions:
        source, _, target = addition.partition(':')
        try:
            with open(source, 'rb') as handle:
                data = handle.read()
        except OSError as error:
            raise GuestError(f'cannot add "{source}": {error.strerror}') from error
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        yield data, target or '/bin/' + os.path.basename(source), mode


def _build(kernel, busybox, scripts, additions, modules):
    # Late import keeps the module usable for listing only.
    from cpio import CpioArchive
    archive = CpioArchive()
    for folder in ('dev', 'proc', 'sys', 'tmp', 'run', 'mnt', 'root', 'etc', 'sbin', 'bin',
                   'usr/bin', 'usr/sbin'):
        archive.directory(folder)
    archive.character_device('dev/console', 5, 1)
    archive.character_device('dev/null', 1, 3, 0o666)
    archive.file('bin/busybox', busybox, 0o755)
    archive.symlink('bin/sh', 'busybox')
    for path, data in scripts:
        archive.file(path, data, 0o755)
    archive.file('etc/passwd', b'root::0:0:root:/root:/bin/sh\n')
    archive.file('etc/group', b'root:x:0:\n')
    names = []
    for relative in kernel.module_closure(modules):
        name = os.path.basename(relative).split('.')[0] + '.ko'
        archive.file(f'lib/modules/{name}', kernel.module_data(relative))
        names.append(name)
    archive.file('lib/modules/order', ''.join(name + '\n' for name in names).encode())
    for data, path, mode in additions:
        archive.file(path, data, mode)
    return archive.finish()


def _scripts():
    with open(os.path.join(SOURCES, 'init'), 'rb') as handle:
        yield 'init', handle.read()
    folder = os.path.join(SOURCES, 'run')
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as handle:
            yield f'etc/run/{name}', handle.read()


def get_initramfs(flavour='cloud', additions=(), modules=None, refresh=False):
    """Path of an initramfs for the kernel of `flavour`; made when anything it holds changed."""
    kernel = get_kernel(flavour, refresh)
    with open(get_busybox(refresh), 'rb') as handle:
        busybox = handle.read()
    modules = MODULES if modules is None else modules
    scripts = list(_scripts())
    added = list(_parse_additions(additions))
    with open(__file__, 'rb') as handle:
        recipe = handle.read()
    name = digest(recipe, kernel.release, busybox, ' '.join(modules),
                  *(part for path, data in scripts for part in (path, data)),
                  *(part for data, path, mode in added for part in (data, path, str(mode))))
    folder = os.path.join(cache_dir(), 'initramfs')
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f'{kernel.release}-{name}.cpio.gz')
    with locked('initramfs'):
        if not os.path.exists(path):
            say(f'packing the initial RAM disk for {kernel.release}')
            archive = _build(kernel, busybox, scripts, added, modules)
            write_atomic(path, gzip.compress(archive, 6, mtime=0))
    return path
