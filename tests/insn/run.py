#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random A64 instructions: our emulator against qemu-aarch64-static.

    tests/insn/run.py --chapter integer --seed 1 --count 100000 --binary build/dragoman
    tests/insn/run.py --chapter integer --binary build/tests/insn/insn_flat

The same sequences run in both (the reference as a Linux program, ours as a bare image at EL1)
from the same registers; what they leave is compared by hash. A sequence that differs is cut
down to the one instruction at fault, which is shown with its inputs and both results.
"""
import argparse
import collections
import os
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import generate  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CROSS = 'aarch64-linux-gnu-'
MRS_X30_TPIDR = 0xd53bd05e
BLOB_MAGIC = 0x646e6172
HASH, DUMP = 0, 1            # as in payload.h
WHOLE_CHAPTER = 100000          # as many instructions reach every line of the specification
BATCH = 4000                    # sequences in one process
OPTIONS = '-M virt -m 256 -nographic -serial file:{out} -no-reboot -kernel {image}'
FLAT_OPTIONS = '{image} {out}'
FPCR_FZ = 1 << 24


def base_of(args, state):
    return int(state['sp' if args['rn'] == 31 else f'x{args["rn"]}'], 16)


# Where the reference is wrong: name -> (whether so with these arguments and this state before,
# what the manual says). Not counted as differences.
KNOWN = {
    'FCVTZS_fix_s': (lambda a, state: a['esz'] == 1,
                     'a half-precision result is 16 bits, not sign-extended to 32 (C7.2, FCVTZS '
                     '(vector, fixed-point): Elem[result, e, esize])'),
    'LDAPR': (lambda a, state: bool(base_of(a, state) & ((1 << a['size']) - 1)),
              'without FEAT_LSE2 an unaligned address is an alignment fault (B2.7.2.1)'),
    'FJCVTZS': (lambda a, state: bool(int(state['fpcr'], 16) & FPCR_FZ),
                'Z is clear when a positive denormal was flushed (J1, FPToFixedJS: value is 0.0 and '
                'op<51:0> is not zero)'),
}
EVENTS = {1: 'undefined', 2: 'data abort', 3: 'alignment fault', 4: 'breakpoint', 5: 'other exception'}


def state_names():
    names = [f'x{i}' for i in range(31)] + ['sp', 'nzcv', 'fpsr', 'fpcr', 'events']
    names += [f'event{i}' for i in range(4)]
    for i in range(32):
        names += [f'v{i}.d0', f'v{i}.d1']
    return names + [f'mem[{8 * i:#x}]' for i in range(72)]


NAMES = state_names()


def build_payload(folder, sources=('main.c', 'run.S')):
    """Compile both clothes of a payload; returns (linux ELF, bare image)."""
    src = os.path.join(HERE, 'payload')
    flags = '''-O1 -std=gnu17 -ffreestanding -mgeneral-regs-only -fno-pic -fno-stack-protector
        -mno-outline-atomics -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie
        -Wl,--build-id=none -Wl,--no-warn-rwx-segments'''.split()
    flags.append(f'-Wl,-T,{src}/link.ld')

    def link(out, files, *more):
        cmd = [CROSS + 'gcc', *flags, *more, '-o', out] + [os.path.join(src, f) for f in files]
        subprocess.run(cmd, check=True)

    linux, bare = os.path.join(folder, 'linux.elf'), os.path.join(folder, 'bare.elf')
    link(linux, [*sources, 'linux.c'])
    link(bare, [*sources, 'bare.c', 'bare.S'], '-Wl,-e,image')
    subprocess.run([CROSS + 'objcopy', '-O', 'binary', bare, bare + '.bin'], check=True)
    with open(bare + '.bin', 'rb') as f:
        image = bytearray(f.read())
    size = struct.unpack_from('<Q', image, 16)[0]
    return linux, bytes(image) + bytes(size - len(image))


def make_blob(sequences, inputs, mode):
    """sequences: [(words, index of the input)]."""
    head = 24 + 8 * len(sequences)
    at_inputs = (head + 15) & -16
    at = at_inputs + len(b''.join(inputs))
    table, code = [], []
    for words, index in sequences:
        table.append(struct.pack('<II', at, index))
        words = [MRS_X30_TPIDR] + words
        end = generate.BLOB_BASE + at + 4 * len(words)
        words = words + [generate.branch((generate.SEQUENCE_END - end) // 4)]
        code.append(struct.pack(f'<{len(words)}I', *words))
        at += 4 * len(words)
    blob = struct.pack('<6I', BLOB_MAGIC, mode, len(sequences), len(inputs), 24, at_inputs)
    blob += b''.join(table)
    blob += bytes(at_inputs - len(blob)) + b''.join(inputs) + b''.join(code)
    return blob + bytes(-len(blob) % 16)


def cut(words, keep, at):
    """The first `keep` words; every later one leaves. `at`: address of the first word."""
    out = list(words[:keep])
    for i in range(keep, len(words)):
        out.append(generate.branch((generate.SEQUENCE_END - (at + 4 * i)) // 4))
    return out


class Failure(Exception):
    """An emulator did not get to the end: how many sequences it finished, and its last words."""

    def __init__(self, lines, why):
        super().__init__(why)
        self.lines, self.why = lines, why


class Emulator:
    """Runs blobs. `command` holds {image} or {elf}, and {out} if the output goes to a file."""

    def __init__(self, name, command, payload, folder, timeout):
        self.name, self.command, self.timeout, self.folder = name, command, timeout, folder
        self.linux, self.image = payload

    def run(self, sequences, inputs, mode):
        """The report's lines without the leading word: ['INDEX HASH', ...]."""
        return self.run_blob(make_blob(sequences, inputs, mode))

    def run_blob(self, blob):
        path = os.path.join(self.folder, self.name)
        bare = any('{image}' in w for w in self.command)
        with open(path + '.img', 'wb') as f:
            if bare:
                head = bytearray(self.image)
                struct.pack_into('<Q', head, 16, len(head) + len(blob))
                f.write(bytes(head))
            f.write(blob)
        out = path + '.out'
        cmd = [w.format(image=path + '.img', elf=self.linux, out=out) for w in self.command]
        to_file = any('{out}' in w for w in self.command)
        if to_file and os.path.exists(out):
            os.unlink(out)
        with open(path + '.img' if not bare else os.devnull, 'rb') as stdin, \
                open(path + '.log', 'wb') as log, open(os.devnull if to_file else out, 'wb') as dest:
            try:
                rc = subprocess.run(cmd, stdin=stdin, stdout=log if to_file else dest, stderr=log,
                                    timeout=self.timeout).returncode
                why = f'exit status {rc}'
            except subprocess.TimeoutExpired:
                why = f'no end after {self.timeout} s'
            except OSError as e:
                raise SystemExit(f'{cmd[0]}: {e.strerror}')
        text = ''
        if os.path.exists(out):
            with open(out, encoding='ascii', errors='replace') as f:
                text = f.read()
        lines = text.splitlines()
        if lines and lines[-1] == 'end':
            return [ln[2:] for ln in lines[:-1]]
        with open(path + '.log', encoding='utf-8', errors='replace') as f:
            tail = f.read()[-1500:].strip()
        raise Failure([ln[2:] for ln in text.split('\n')[:-1]], f'{why}\n{tail}'.strip())


def disassemble(word, address):
    with tempfile.NamedTemporaryFile(suffix='.bin') as f:
        f.write(struct.pack('<I', word))
        f.flush()
        out = subprocess.run([CROSS + 'objdump', '-m', 'aarch64', '-b', 'binary', '-D', '-z',
                              f'--adjust-vma={address:#x}', f.name], capture_output=True, check=True)
    return ' '.join(out.stdout.decode().splitlines()[-1].split('\t')[2:])


def make_emulators(opt, payload, folder):
    """The reference and the tested one, as add_emulator_arguments() lets say."""
    if opt.binary:
        default = FLAT_OPTIONS if os.path.basename(opt.binary).startswith('insn_flat') else OPTIONS
        command = [opt.binary, *opt.extra.split(), *(opt.options or default).split()]
    else:
        command = opt.command.split()
    return (Emulator('reference', opt.reference.split(), payload, folder, opt.timeout),
            Emulator('tested', command, payload, folder, opt.timeout))


class Session:
    def __init__(self, opt, folder):
        self.ref, self.dut = make_emulators(opt, build_payload(folder), folder)
        self.opt = opt
        self.gen = generate.Generator(opt.seed, opt.chapter, opt.features, opt.only)
        self.spec = self.gen.spec
        self.findings = collections.OrderedDict()   # instruction name -> [count, report]
        self.known = collections.Counter()          # names of KNOWN
        self.crashes = []

    def name_of(self, word):
        return next((r.name for r in self.spec.rows if r.matches(word)), '?')

    def differing(self, sequences, inputs):
        """Indices of the sequences that end differently; crashes are noted and stepped over."""
        expect = self.ref.run(sequences, inputs, HASH)
        todo, bad = list(range(len(sequences))), []
        while todo:
            try:
                got = self.dut.run([sequences[i] for i in todo], inputs, HASH)
                done = len(got)
            except Failure as f:
                got, done = f.lines, len(f.lines) + 1
                if len(f.lines) >= len(todo):
                    raise SystemExit(f'the tested emulator did not end well: {f.why}')
                self.crashes.append((sequences[todo[len(f.lines)]], inputs, f.why))
                if len(self.crashes) >= self.opt.max_crashes:
                    todo = todo[:done]
            bad += [i for i, g in zip(todo, got) if g.split()[1] != expect[i].split()[1]]
            todo = todo[done:]
        return bad

    def prefixes(self, sequence, inputs):
        """The sequence cut after 0, 1, 2... instructions, all at their own addresses."""
        words, index = sequence
        out, at = [], generate.BLOB_BASE + ((24 + 8 * (len(words) + 1) + 15) & -16)
        at += sum(len(i) for i in inputs)
        for keep in range(len(words) + 1):
            out.append((cut(words, keep, at + 4), index))
            at += 4 * (len(words) + 2)
        return out

    def explain(self, sequence, inputs):
        """Find the instruction at fault; note it."""
        words, index = sequence
        inputs, sequence = [inputs[index]], (words, 0)
        cuts = self.prefixes(sequence, inputs)
        expect = self.ref.run(cuts, inputs, DUMP)
        try:
            got, why = self.dut.run(cuts, inputs, DUMP), ''
        except Failure as f:
            got, why = f.lines, f.why
        for k, want in enumerate(expect):
            if k >= len(got):
                self.note(words, k, expect, None, why)
                return
            if got[k] != want:
                self.note(words, k, expect, got[k], '')
                return
        self.findings.setdefault('(not reproduced)', [0, 'differs in the batch, not alone'])[0] += 1

    def note(self, words, k, expect, got, why):
        word = words[k - 1] if k else 0
        name = self.name_of(word) if k else '(before the first instruction)'
        if got and self.is_known(name, word, expect[k - 1].split()[1:]):
            self.known[name] += 1
            return
        entry = self.findings.setdefault(name, [0, None])
        entry[0] += 1
        if entry[1] is None:
            entry[1] = self.describe(word, k, expect, got, why)

    def is_known(self, name, word, before):
        row = next((r for r in self.spec.rows if r.matches(word)), None)
        return name in KNOWN and KNOWN[name][0](row.args(word), dict(zip(NAMES, before)))

    def describe(self, word, k, expect, got, why):
        out = [f'{word:08x}  {disassemble(word, 0)}']
        before = expect[k - 1].split()[1:] if k else []
        row = next((r for r in self.spec.rows if r.matches(word)), None)
        if row and before:
            out.append(f'  {row.where}: {row.name} {row.args(word)}')
            out.append('  in:   ' + self.show_inputs(row, row.args(word), before))
        if got is None:
            return '\n'.join(out + ['  the tested emulator stopped: ' + why])
        for name, b, q, t in zip(NAMES, before or [''] * len(NAMES), expect[k].split()[1:], got.split()[1:]):
            if q != t:
                out.append(f'  {name:>8}: before {b}  expected {q}  got {t}{event_text(name, q, t)}')
        return '\n'.join(out)

    @staticmethod
    def show_inputs(row, args, before):
        state = dict(zip(NAMES, before))
        fp = row.chapter in ('a64-fp', 'a64-fp16', 'a64-simd', 'a64-crypto')
        parts = [f'nzcv={state["nzcv"][8]}', f'sp={state["sp"]}']
        if fp:
            parts += [f'fpcr={state["fpcr"][8:]}', f'fpsr={state["fpsr"][8:]}']
        for key in ('rd', 'rn', 'rm', 'ra', 'rs', 'rt', 'rt2'):
            if key not in args:
                continue
            n = args[key]
            if n < 31:
                parts.append(f'x{n}={state[f"x{n}"]}')
            if fp:
                parts.append(f'v{n}={state[f"v{n}.d1"]}:{state[f"v{n}.d0"]}')
        return ' '.join(dict.fromkeys(parts))

    def run(self):
        """True if nothing differed."""
        opt, start = self.opt, time.time()
        total = bad = instructions = 0
        while instructions < opt.count:
            inputs = [self.gen.input() for _ in range(256)]
            sequences = []
            if opt.words:
                sequences = [(opt.words, i) for i in range(64)]
                instructions = opt.count
            while len(sequences) < BATCH and instructions < opt.count:
                words = self.gen.sequence(opt.length)
                instructions += len(words)
                sequences.append((words, len(sequences) % len(inputs)))
            failing = self.differing(sequences, inputs)
            total, bad = total + len(sequences), bad + len(failing)
            for i in failing:
                if sum(n for n, _ in self.findings.values()) < opt.explain:
                    self.explain(sequences[i], inputs)
            if len(self.crashes) >= opt.max_crashes:
                break
        for sequence, inputs, _ in self.crashes[:5]:
            self.explain(sequence, inputs)
        bad -= self.known.total()
        unreached = [row.where for row in self.gen.rows if row.where not in self.gen.reached]
        self.report(total, bad, instructions, time.time() - start)
        if unreached and opt.count >= WHOLE_CHAPTER and opt.chapter != 'loop':
            print(f'{len(unreached)} lines of the specification were not reached: {", ".join(unreached[:9])}')
            return False
        return not bad and not self.crashes

    def report(self, total, bad, instructions, seconds):
        for name, (count, text) in self.findings.items():
            print(f'{name}: {count} time{"s" if count > 1 else ""}, for example\n{text}\n')
        for name, count in self.known.items():
            print(f'{name}: {count} times the reference is wrong: {KNOWN[name][1]}')
        explained = sum(n for n, _ in self.findings.values())
        if bad + len(self.crashes) > explained:
            print(f'{bad + len(self.crashes) - explained} more sequences differ (--explain N looks into more)')
        if self.crashes:
            print(f'the tested emulator stopped {len(self.crashes)} times; once with: {self.crashes[0][2]}')
        print(f'{self.opt.chapter}, seed {self.opt.seed}: {instructions} instructions in {total} sequences, '
              f'{bad} differ, {len(self.crashes)} stopped, {seconds:.1f} s')


def event_text(name, expected, got):
    if not name.startswith('event') or name == 'events':
        return ''
    a, b = (EVENTS.get(int(v, 16) & 0xff, 'none') for v in (expected, got))
    return f'  ({a} / {b})'


def add_emulator_arguments(ap, timeout):
    ap.add_argument('--binary', help='the emulator to test')
    ap.add_argument('--options', help='its options (insn_flat and dragoman have defaults)')
    ap.add_argument('--extra', default='', help="options put before: --extra='-accel tcg,backend=interp'")
    ap.add_argument('--command', default='qemu-system-aarch64 -M virt -cpu max -m 256 -display none '
                    '-monitor none -serial file:{out} -no-reboot -kernel {image}',
                    help='without --binary: the whole command')
    ap.add_argument('--reference', default='qemu-aarch64-static {elf}')
    ap.add_argument('--timeout', type=float, default=timeout)


def parse_arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--chapter', choices=list(generate.CHAPTERS), required=True)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--count', type=int, default=20000, help='instructions')
    ap.add_argument('--length', type=int, default=16, help='units in one sequence')
    ap.add_argument('--only', type=lambda s: s.split(','), help='only these, as NAME or MNEMONIC: ADD,LDR_imm')
    ap.add_argument('--features', default='', help='more CPU features to use, as RDM,FP16')
    add_emulator_arguments(ap, timeout=120)
    ap.add_argument('--words', type=lambda s: [int(w, 16) for w in s.split(',')],
                    help='run just these instruction words (hex), from 64 random states')
    ap.add_argument('--keep', help='folder for images, outputs and logs, which stay')
    ap.add_argument('--explain', type=int, default=40, help='sequences to cut down')
    ap.add_argument('--max-crashes', type=int, default=5)
    opt = ap.parse_args()
    if opt.chapter == 'pauth':      # a user program cannot know its keys: the reference is bare, too
        opt.reference = 'qemu-system-aarch64 -monitor none -cpu max ' + OPTIONS
        opt.extra += ' -cpu max,pauth-impdef=off'
    opt.features = generate.BASE_FEATURES | set(filter(None, opt.features.split(',')))
    return opt


def main():
    opt = parse_arguments()
    if opt.keep:
        os.makedirs(opt.keep, exist_ok=True)
        return 0 if Session(opt, opt.keep).run() else 1
    with tempfile.TemporaryDirectory(prefix='insn-') as folder:
        return 0 if Session(opt, folder).run() else 1


if __name__ == '__main__':
    sys.exit(main())
