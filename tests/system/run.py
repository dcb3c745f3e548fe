#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exceptions of the AArch64 CPU as a system: our emulator against qemu-system-aarch64.

    tests/system/run.py --binary build/dragoman

Both run the same bare image, which provokes faults and traps at EL0 and EL1 and prints
the vector, ESR_EL1, FAR_EL1, ELR_EL1 and SPSR_EL1 of each; the lines must be equal, but for those
in KNOWN, where the reference is known to differ from the manual.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CROSS = 'aarch64-linux-gnu-'
# Patterns of lines, and why the reference is not followed.
KNOWN = {
    r'(ldr|str|ldp|ldr_q|ldr_s) el[01] device: vector (2|4)00 esr 560007ff':
        'unaligned accesses to device memory are alignment faults (Arm ARM B2.7.2)',
    r'daif(set|clr) el0 nothing allowed': 'op1 and op2 are exchanged in the syndrome',
    r'wfe el0 nothing allowed': 'WFE is not trapped by SCTLR_EL1.nTWE (it need not, if it would not wait)',
    r'offset 8 sp_(ldr|stp) el. SA0?:': 'SP alignment is not checked (Arm ARM D1.8.2)',
    'at device': 'PAR_EL1.SH is outer shareable for device memory (Arm ARM, PAR_EL1)',
}


def build(folder):
    src = os.path.join(HERE, 'payload')
    elf, image = os.path.join(folder, 'system.elf'), os.path.join(folder, 'system.img')
    flags = '''-O1 -std=gnu17 -ffreestanding -mgeneral-regs-only -fno-pic -fno-stack-protector
        -mno-outline-atomics -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie
        -march=armv8-a -Wl,--build-id=none -Wl,--no-warn-rwx-segments'''.split()
    subprocess.run([CROSS + 'gcc', *flags, f'-Wl,-T,{src}/link.ld', '-o', elf,
                    f'{src}/start.S', f'{src}/main.c'], check=True)
    subprocess.run([CROSS + 'objcopy', '-O', 'binary', elf, image], check=True)
    return image


def run(command, image, folder, name, timeout):
    out = os.path.join(folder, name + '.out')
    cmd = [w.format(image=image, out=out) for w in command.split()]
    try:
        done = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        why = f'exit status {done.returncode}: {done.stderr.decode()[-500:]}'
    except subprocess.TimeoutExpired:
        why = f'no end after {timeout} s'
    lines = []
    if os.path.exists(out):
        with open(out, encoding='ascii', errors='replace') as f:
            lines = [ln.rstrip() for ln in f]
    if not lines or lines[-1] != 'end':
        print(f'{cmd[0]} did not get to the end ({why}); its last line: {lines[-3:] if lines else "none"}')
    return lines


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--binary', required=True)
    ap.add_argument('--cpu', default='cortex-a72')
    ap.add_argument('--extra', default='', help='more options for our emulator')
    ap.add_argument('--timeout', type=float, default=60)
    ap.add_argument('--show', metavar='REGEX', help='print both answers of matching lines')
    opt = ap.parse_args()
    options = f'-M virt -cpu {opt.cpu} -m 256 -display none -serial file:{{out}} -no-reboot -kernel {{image}}'
    with tempfile.TemporaryDirectory(prefix='system-') as folder:
        image = build(folder)
        want = run(f'qemu-system-aarch64 {options} -monitor none', image, folder, 'reference', opt.timeout)
        got = run(f'{opt.binary} {options} {opt.extra}', image, folder, 'tested', opt.timeout)
    bad = known = 0
    for i in range(max(len(want), len(got))):
        w, g = (x[i] if i < len(x) else '(nothing)' for x in (want, got))
        if opt.show and re.search(opt.show, w):
            print(f'{w}\n{g}\n')
        if w == g:
            continue
        if any(re.match(k, w) for k in KNOWN):
            known += 1
            continue
        bad += 1
        if bad <= 40:
            print(f'expected {w}\ngot      {g}\n')
    print(f'{len(want)} lines, {bad} differ, {known} known to differ')
    return 0 if want and want[-1] == 'end' and not bad else 1


if __name__ == '__main__':
    sys.exit(main())
