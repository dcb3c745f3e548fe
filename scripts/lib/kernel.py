# SPDX-License-Identifier: MIT
"""Debian's unmodified arm64 kernels, taken out of their packages: the Image and its modules."""

import glob
import lzma
import os
import re
import shutil
import subprocess

from aptroot import AptRoot
from cache import GuestError, cache_dir, locked, say

META_PACKAGES = {
    'cloud': 'linux-image-cloud-arm64',
    'generic': 'linux-image-arm64',
    'rt': 'linux-image-rt-arm64',
}


class Kernel:
    """An unpacked kernel: `image` (path), `release` (uname -r), `modules` (folder)."""

    def __init__(self, folder):
        self.folder = folder
        self.image = os.path.join(folder, 'Image')
        releases = sorted(os.listdir(os.path.join(folder, 'lib', 'modules')))
        self.release = releases[-1]
        self.modules = os.path.join(folder, 'lib', 'modules', self.release)
        self.config = os.path.join(folder, 'config')

    def module_data(self, relative):
        """The bytes of a module, uncompressed; `relative` to the modules folder."""
        path = os.path.join(self.modules, relative)
        with open(path, 'rb') as handle:
            data = handle.read()
        return lzma.decompress(data) if path.endswith('.xz') else data

    def module_closure(self, names):
        """Module files for `names` and all they need, dependencies first.

        Names that the kernel has built in, or lacks, are passed over: which drivers are modules
        differs between kernels.
        """
        by_name = {}
        for folder, _, files in os.walk(self.modules):
            for name in files:
                if '.ko' in name:
                    path = os.path.relpath(os.path.join(folder, name), self.modules)
                    by_name[name.split('.')[0].replace('-', '_')] = path
        ordered = []

        def visit(path):
            # The package has no modules.dep (its installation would make it), so the modules are
            # asked themselves: their .modinfo section says "depends=a,b".
            match = re.search(rb'\0depends=([^\0]*)\0', self.module_data(path))
            for need in match[1].decode().split(',') if match else []:
                if need:
                    visit(by_name[need.replace('-', '_')])
            if path not in ordered:
                ordered.append(path)

        for name in names:
            path = by_name.get(name.replace('-', '_'))
            if path:
                visit(path)
        return ordered


def _unpack(deb, release_package, folder):
    work = f'{folder}.{os.getpid()}.tmp'
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    subprocess.run(['dpkg-deb', '-x', deb, os.path.join(work, 'deb')], check=True)
    images = glob.glob(os.path.join(work, 'deb', 'boot', 'vmlinuz-*'))
    if len(images) != 1:
        raise GuestError(f'the package {release_package} holds no kernel image')
    shutil.move(images[0], os.path.join(work, 'Image'))
    for config in glob.glob(os.path.join(work, 'deb', 'boot', 'config-*')):
        shutil.move(config, os.path.join(work, 'config'))
    os.makedirs(os.path.join(work, 'lib'))
    for base in ('usr/lib/modules', 'lib/modules'):
        source = os.path.join(work, 'deb', base)
        if os.path.isdir(source):
            shutil.move(source, os.path.join(work, 'lib', 'modules'))
            break
    shutil.rmtree(os.path.join(work, 'deb'))
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(work, folder)


def get_kernel(flavour='cloud', refresh=False):
    """The kernel of a flavour (key of META_PACKAGES), fetched and unpacked on first use.

    The cached one is kept until `refresh`, so that runs compare like with like.
    """
    link = os.path.join(cache_dir(), 'kernel', flavour)
    with locked(f'kernel-{flavour}'):
        if refresh or not os.path.exists(os.path.join(link, 'Image')):
            os.makedirs(os.path.dirname(link), exist_ok=True)
            apt = AptRoot()
            meta = META_PACKAGES[flavour]
            package = next((name for name in apt.depends(meta) if name.startswith('linux-image')),
                           None)
            if package is None:
                raise GuestError(f'{meta} names no kernel package; '
                                 'run "scripts/guest clean" and try again')
            deb = apt.download(package)[package]
            folder = os.path.join(cache_dir(), 'kernel', os.path.basename(deb)[:-len('.deb')])
            say(f'unpacking {os.path.basename(deb)}')
            _unpack(deb, package, folder)
            temporary = f'{link}.{os.getpid()}.tmp'
            os.symlink(os.path.basename(folder), temporary)
            os.rename(temporary, link)
    return Kernel(os.path.realpath(link))
