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
# Patterns of lines, and why the reference is not followed; where there is a second string, a pattern
# of what is right.
KNOWN = {
    r'(ldr|str|ldp|ldr_q|ldr_s) el[01] device: vector (2|4)00 esr 560007ff':
        'unaligned accesses to device memory are alignment faults (Arm ARM B2.7.2)',
    r'daif(set|clr) el0 nothing allowed': 'op1 and op2 are exchanged in the syndrome',
    r'wfe el0 nothing allowed': 'WFE is not trapped by SCTLR_EL1.nTWE (it need not, if it would not wait)',
    r'(offset 8 )?sp_(ldr|stp|add|move_ldr) el. SA0?:': 'SP alignment is not checked (Arm ARM D1.8.2)',
    'debug steps el[01] locked': ('debug exceptions ignore the OS Lock (Arm ARM D2.4)', 'esr 560007ff'),
    'debug br el0 behind an instruction abort': ('comes after the breakpoint (Arm ARM D1.3.5.5)',
                                                 'esr 82000007'),
    'debug (steps el0 same context|ldr el0 not for links)': (
        'context breakpoints that are not linked never match (Arm ARM D2.8.3)', 'esr c2000022 elr [+]0'),
    'debug ldr el0 (out of it|(byte . )?BAS|MASK|crossing pages).* (far 9000000[8b-f]|far 90000(0|1|f)f8)': (
        'an unaligned access counts as all the doublewords it touches (Arm ARM D2.9.5)',
        'esr 560007ff|far 9000000f|far 90000(0fc|1f9|ffc)'),
    'debug daifset_d el1 masking': ('steps although debug exceptions are masked (Arm ARM D2.11.4)',
                                    'esr 560007ff elr [+]c'),
    'debug none el0 pending step': ('comes before the step (Arm ARM D1.3.5.5)', 'esr ca000022'),
    'debug ldr el0 tagged': ('tags do not count (Arm ARM D2.9.1)', 'esr d2000022 far 5500000090000008'),
    r'debug ld\w+ el[01] \w+: vector [24]00 esr d[26]000062': (
        'ESR_EL1.WnR stays from the last store (Arm ARM, ISS of a Watchpoint exception)',
        'vector [24]00 esr d[26]000022'),
    'pmu nothing is enabled': ('the interrupt stays without PMCR_EL0.E (Arm ARM D13.4)', 'enabled 0'),
    'pmu event': ('events that are missing (Arm ARM D13.11.3)', ': right$'),
    'debug claim': ('DBGCLAIMSET_EL1 and DBGCLAIMCLR_EL1 are missing (Arm ARM D24.3.2)',
                    'vector 200 esr 56000001'),
    'pac tbi(0|1|d0|d1) (55ffff8012345678|80000000001000|7fffffffffffffff|8000000000001000):': (
        'bit 55 counts if either half ignores the top byte (Arm ARM J1, AddPAC)', ''),
    'bti .* at_hlt': ('SPSR_EL1.BTYPE may be zero (Arm ARM J1, GetPSRFromPSTATE)',
                      'esr 2000000 elr [^ ]* spsr (0|3c5)$'),
    'dc_cva(d)?p el[01] .*(there|page): .* esr': ('CM and WnR are set (Arm ARM, ISS of a Data Abort)',
                                                  'esr 9[26]00014'),
    'id id_aa64pfr0_el1': ('EL0 and EL1 are AArch64 only', ' 11(00000010110011)?$'),
    'id id_aa64mmfr0_el1': ('data are little-endian', ' (10)?102[245]$'),
    'manual clean page at': ('AT makes no page dirty (Arm ARM D8.5.2)', 'descriptor 80000480007c7'),
    'manual table in a device': ('tables are looked for in memory only', 'esr 96000017'),
    'manual block at level 1': ('there are none with 16K (Arm ARM D8.3.1)', 'esr 96000005'),
    'manual (invalid|kernel-only|read-only) el[01]': (
        'cache maintenance by address checks the address (Arm ARM D7.5.9)',
        'el0 esr 92000147 far .*24|el1 esr 96000147 far .*24|el0 esr 9200014f|el1 esr 9600014f'),
    'manual enhanced PAN': ('FEAT_PAN3 is missing', 'esr 9600000f'),
    'manual dc zva device': ('an alignment fault (Arm ARM, DC ZVA)', 'esr 96000061 far .*24'),
    'at device': 'PAR_EL1.SH is outer shareable for device memory (Arm ARM, PAR_EL1)',
}


# The payloads: what they are made of; our CPU model and the reference's.
PAYLOADS = {
    'main': (('main.c', 'debug.c', 'pmu.c'), 'cortex-a72', 'cortex-a72'),
    'mmu': (('mmu.c',), 'max', 'max,lpa2=off'),
    'identity': (('identity.c',), 'cortex-a72', 'cortex-a72'),
    'absent': (('absent.c', 'features.S'), 'cortex-a72', 'cortex-a72'),
    'features': (('features.c', 'features.S'), 'max,pauth-impdef=off', 'max'),
}


def build(folder, sources):
    src = os.path.join(HERE, 'payload')
    elf, image = os.path.join(folder, 'system.elf'), os.path.join(folder, 'system.img')
    flags = '''-O1 -std=gnu17 -ffreestanding -mgeneral-regs-only -fno-pic -fno-stack-protector
        -mno-outline-atomics -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie
        -march=armv8-a -Wl,--build-id=none -Wl,--no-warn-rwx-segments'''.split()
    subprocess.run([CROSS + 'gcc', *flags, f'-Wl,-T,{src}/link.ld', '-o', elf,
                    f'{src}/start.S', f'{src}/console.c', *(f'{src}/{name}' for name in sources)], check=True)
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
    ap.add_argument('--payload', choices=PAYLOADS, default='main')
    ap.add_argument('--cpu', help='instead of the one that the payload is for')
    ap.add_argument('--extra', default='', help='more options for our emulator')
    ap.add_argument('--timeout', type=float, default=60)
    ap.add_argument('--show', metavar='REGEX', help='print both answers of matching lines')
    opt = ap.parse_args()
    sources, cpu, reference_cpu = PAYLOADS[opt.payload]
    if opt.cpu:
        cpu = reference_cpu = opt.cpu
    options = f'-M virt -m 256 -display none -serial file:{{out}} -no-reboot -kernel {{image}}'
    with tempfile.TemporaryDirectory(prefix='system-') as folder:
        image = build(folder, sources)
        # -icount: without it the reference counts no instructions
        want = run(f'qemu-system-aarch64 -cpu {reference_cpu} {options} -icount shift=0 -monitor none',
                   image, folder, 'reference', opt.timeout)
        got = run(f'{opt.binary} -cpu {cpu} {options} {opt.extra}', image, folder, 'tested', opt.timeout)
    bad = known = 0
    for i in range(max(len(want), len(got))):
        w, g = (x[i] if i < len(x) else '(nothing)' for x in (want, got))
        if opt.show and re.search(opt.show, w):
            print(f'{w}\n{g}\n')
        if w == g:
            continue
        if any(re.match(k, w) and (isinstance(v, str) or re.search(v[1], g)) for k, v in KNOWN.items()):
            known += 1
            continue
        bad += 1
        if bad <= 40:
            print(f'expected {w}\ngot      {g}\n')
    print(f'{len(want)} lines, {bad} differ, {known} known to differ')
    return 0 if want and want[-1] == 'end' and not bad else 1


if __name__ == '__main__':
    sys.exit(main())
