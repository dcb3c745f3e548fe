# SPDX-License-Identifier: MIT
"""Debian's three arm64 kernels on every processor model, with several numbers of processors and
both interrupt controllers.

By default each kernel boots once on each model, with processors and controllers taking turns;
with --long every combination does.
"""

import itertools

from common import LONG, BootTest

from initramfs import get_initramfs
from kernel import META_PACKAGES, get_kernel

MODELS = ['max', 'cortex-a53', 'cortex-a57', 'cortex-a72', 'cortex-a76', 'neoverse-n1']
PROCESSORS = [1, 2, 4, 8]
CONTROLLERS = [2, 3]


def machines():
    """What is to be booted, as (flavour, model, processors, version of the GIC)."""
    flavours = sorted(META_PACKAGES)
    if LONG:
        return list(itertools.product(flavours, MODELS, PROCESSORS, CONTROLLERS))
    pairs = itertools.product(enumerate(MODELS), enumerate(flavours))
    return [(flavour, model, PROCESSORS[(i + j) % 4], CONTROLLERS[(i + i // 2 + j) % 2])
            for (i, model), (j, flavour) in pairs]


class Kernels(BootTest):
    """Unmodified kernels boot, find their processors, compute, and power off."""

    def boot(self, flavour):
        for kernel, model, processors, gic in machines():
            if kernel == flavour:
                with self.subTest(model=model, processors=processors, gic=gic):
                    text = self.run_script(
                        'check', f'dragoman.cpus={processors} dragoman.net=off', cpu=model,
                        processors=processors, gic=gic, kernel=get_kernel(flavour).image,
                        initramfs=get_initramfs(flavour), seconds=240)
                    self.assertIn(f'processors running: {processors}', text)

    def test_cloud(self):
        self.boot('cloud')

    def test_generic(self):
        self.boot('generic')

    def test_real_time(self):
        self.boot('rt')
