# SPDX-License-Identifier: MIT
"""Random A64 instruction sequences, made from the decode specification.

A Generator yields sequences: lists of words that leave by falling off their end. They loop only in
the chapter of loops, where what is left of all loops together is in TPIDR_EL0; they touch memory
only inside the payload's window, and avoid what the manual leaves CONSTRAINED UNPREDICTABLE. All
randomness comes from one seed.
"""
import os
import random
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import decodegen  # noqa: E402

# The payload's layout: payload.h says the same.
BLOB_BASE = 0x45000000
SEQUENCE_END = 0x44001000
WINDOW = 0x4a000000 + 0x100f00
WINDOW_BYTES = 72 * 8
LARGEST_ACCESS = 64
HOLE = 0x4a200000           # nothing is mapped from here on
FAULTS = 0.03               # share of the memory accesses that fault
STATE_WORDS = 35 + 5 + 64 + 72

CHAPTERS = {
    'integer': ['a64-integer'],
    'branch': ['a64-branch-system'],
    'loadstore': ['a64-loadstore'],
    'fp': ['a64-fp'],
    'simd': ['a64-simd'],
    'crypto': ['a64-crypto'],
    'fp16': ['a64-fp16'],
    'pauth': ['a64-pauth'],
    'loop': ['a64-integer', 'a64-loadstore', 'a64-fp', 'a64-simd'],
}
# Chosen evenly, for loops.
LOOP_CHAPTERS = ['a64-integer'] * 5 + ['a64-loadstore'] * 3 + ['a64-fp', 'a64-simd']
FORWARD = ['B', 'CBZ', 'CBNZ', 'TBZ', 'TBNZ', 'B_cond', 'B_cond', 'BR']
# What KNOWN of run.py has would not be found out: it is done again and again.
NOT_IN_LOOPS = {'FCVTZS_fix_s', 'LDAPR', 'FJCVTZS'}
# What `-cpu max` announces.
BASE_FEATURES = set('''CRC32 LSE AES PMULL SHA1 SHA256 RDM DOTPROD FLAGM FLAGM2 JSCVT LRCPC LRCPC2 SB
    LOR FP16 FRINTTS SHA512 SHA3 SM3 SM4 FHM FCMA I8MM BF16 PAUTH'''.split()) | {None}

# Not for random use: they leave the sequence, wait, or differ between user and system mode.
EXCLUDED = set('''SVC HVC SMC HLT DCPS1 DCPS2 DCPS3 DRPS ERET WFE WFI SYSL MSR_SPSel MSR_DAIFSet
    MSR_DAIFClr MSR_PAN MSR_UAO MSR_DIT MSR_SSBS BRA BLRA RETA ERETA LDRA'''.split())

MEMORY_SETS = {'excl', 'ldst_ord', 'ldst_ordi', 'atomic', 'ldstp', 'ldst_imm', 'ldst_reg',
               'ldst_mult', 'ldst_lane', 'ldst_repl'}
ALIGNED_SETS = {'excl', 'ldst_ord', 'ldst_ordi', 'atomic'}

CLREX = 0xd5033f5f
MRS_FPSR = 0xd53b4420
MSR_FPSR = 0xd51b4420
MRS_NZCV = 0xd53b4200
MRS_TPIDR = 0xd53bd040
MSR_TPIDR = 0xd51bd040
DSB_SY = 0xd5033f9f
RET = 0xd65f03c0
MASK64 = (1 << 64) - 1


def load_spec():
    folder = os.path.join(ROOT, 'target/arm/decode')
    names = sorted(n for n in os.listdir(folder) if n.startswith('a64-') and n.endswith('.decode'))
    return decodegen.load([os.path.join(folder, n) for n in names])


def movz(rd, imm, hw=0):
    return 0xd2800000 | hw << 21 | imm << 5 | rd


def movk(rd, imm, hw):
    return 0xf2800000 | hw << 21 | imm << 5 | rd


def movn(rd, imm):
    return 0x92800000 | imm << 5 | rd


def ldr_imm(size, rt, rn):
    return 0x39400000 | size << 30 | rn << 5 | rt


def branch(offset_words):
    return 0x14000000 | offset_words & 0x3ffffff


def adr(rd, offset_words):
    return 0x10000000 | (offset_words & 0x7ffff) << 5 | rd


class Generator:
    def __init__(self, seed, chapter, features=BASE_FEATURES, only=None):
        self.rng = random.Random(f'{seed} {chapter}')
        self.spec = load_spec()
        wanted = CHAPTERS[chapter]
        rows = [r for r in self.spec.rows if r.chapter in wanted and r.feature in features and
                r.name not in EXCLUDED]
        if only:
            rows = [r for r in rows if any(r.name == o or r.name.startswith(o + '_') for o in only)]
        if not rows:
            raise SystemExit(f'no instruction of chapter {chapter} is left to run')
        self.rows, self.reached = rows, set()   # lines of the specification, those that were used
        self.names = {}
        for r in rows:
            self.names.setdefault(r.name, []).append(r)
        self.order = list(self.names)
        self.fillers = [r for r in self.spec.rows if r.chapter == 'a64-integer' and r.feature is None]
        self.chapter = chapter
        self.by_chapter = {}
        for r in rows:                          # for loops
            if r.name not in NOT_IN_LOOPS:
                kind = 'a64-loadstore' if r.aset.name in MEMORY_SETS else r.chapter
                self.by_chapter.setdefault(kind, []).append(r)

    # ---- words

    def word(self, row, **fixed):
        """A random word of a row with some arguments given (unscaled, one-piece fields)."""
        self.reached.add(row.where)
        ignored = 0xffffffff & ~row.mask
        for p in row.pieces:
            ignored &= ~(((1 << p.width) - 1) << p.pos)
        # should-be bits: one in registers that are not used, zero in compares with zero
        should_be = 0 if row.aset.name in ('fcmp_zero', 'none') else ignored
        while True:
            w = (self.rng.getrandbits(32) & ~row.mask & ~ignored) | should_be | row.value
            w = self.patch(w, row, **fixed)
            if row.matches(w) and self.predictable(row, row.args(w)):
                return w

    def patch(self, word, row, **fixed):
        """The word with some arguments replaced."""
        for p in row.pieces:
            if p.arg in fixed:
                m = (1 << p.width) - 1
                raw = (fixed[p.arg] - row.consts.get(p.arg, 0)) >> p.shift & m
                word = (word & ~(m << p.pos)) | raw << p.pos
        return word

    def predictable(self, row, a):
        """Not CONSTRAINED UNPREDICTABLE, and allocated."""
        aset = row.aset.name
        if aset == 'logic_imm':
            n = (a['n'] << 6) | (~a['imms'] & 63)
            length = n.bit_length() - 1
            return length >= 1 and (a['imms'] & ((1 << length) - 1)) != (1 << length) - 1
        if aset == 'ldstp':
            simd = 'simd' in row.name
            if row.name.startswith('LD') and a['rt'] == a['rt2']:
                return False
            return simd or not a['w'] or a['rn'] == 31 or a['rn'] not in (a['rt'], a['rt2'])
        if aset == 'ldst_imm' and a['w'] and 'simd' not in row.name:
            return a['rn'] == 31 or a['rn'] != a['rt']
        if aset == 'excl':
            if row.name == 'LDXP':
                return a['rt'] != a['rt2']
            if row.name in ('STXR', 'STXP'):
                return a['rs'] not in (a['rt'], a['rn']) and not (row.name == 'STXP' and a['rs'] == a['rt2'])
        if aset == 'hint':                      # pointer authentication, and DGH, are not no-ops
            return (a['crm'], a['op2']) not in [(0, 7)] and a['crm'] not in (1, 2, 3)
        return True

    # ---- units: a few words that belong together

    def set_register(self, reg, value):
        """Load a constant; SP goes through another register."""
        value &= MASK64
        if reg == 31:
            tmp = self.rng.randrange(31)
            return self.set_register(tmp, value) + [0x91000000 | tmp << 5 | 31]
        words = [movz(reg, value & 0xffff)]
        words += [movk(reg, value >> 16 * i & 0xffff, i) for i in (1, 2, 3) if value >> 16 * i & 0xffff]
        if value >> 32 == 0xffffffff and value & 0xffff0000 == 0xffff0000:
            words = [movn(reg, ~value & 0xffff)]
        return words

    def access_bytes(self, row, a):
        aset = row.aset.name
        if aset in ('ldst_mult', 'ldst_lane', 'ldst_repl'):
            return 1 << a['esz']
        pair = aset == 'ldstp' or row.name in ('CASP', 'LDXP', 'STXP')
        return (2 if pair else 1) << a['size']

    def memory_unit(self, row):
        w = self.word(row)
        a = row.args(w)
        aset, rng = row.aset.name, self.rng
        step = self.access_bytes(row, a)
        target = self.target(row, step)
        offset = a.get('imm', 0) if not a.get('post') else 0
        words = []
        if aset == 'ldst_reg':
            words, offset = self.index_register(a)
            if words is None:
                return self.memory_unit(row)
        base = target - offset
        if a['rn'] == 31:
            base = (base & -16) if aset not in ALIGNED_SETS or step <= 16 else base
            if base + offset < WINDOW:
                base += 16
        words = self.set_register(a['rn'], base) + words
        if aset == 'excl' and row.name.startswith('ST'):
            words = self.monitor(row, a, words)
        if row.name in ('CAS', 'CASP') and rng.random() < 0.6:
            words = self.expected_value(row, a, words)
        return words + [w]

    def target(self, row, step):
        """An address in the window; now and then one that faults."""
        aset, rng = row.aset.name, self.rng
        if rng.random() < FAULTS and row.name not in ('STXR', 'STXP'):
            if row.name.startswith('LD') and row.chapter == 'a64-loadstore' and 'simd' not in row.name \
                    and aset in ('ldst_imm', 'ldst_reg', 'ldstp'):
                return HOLE - rng.randrange(-16, 16)        # may begin in the page before
            return HOLE + 64 * rng.randrange(1, 16)         # all of it: partial effects differ
        target = WINDOW + rng.randrange(WINDOW_BYTES - LARGEST_ACCESS + 1)
        if aset in ALIGNED_SETS or rng.random() < 0.5:
            target = max(target & -step, WINDOW)
        if aset in ALIGNED_SETS and step > 1 and rng.random() < FAULTS:
            target += rng.randrange(1, step)                    # an alignment fault
        return target

    def index_register(self, a):
        """Set rm so that the address stays near; None if the registers cannot be told apart."""
        if a['rm'] == 31:
            return [], 0
        if a['rm'] == a['rn']:
            return None, 0
        signed = a['option'] != 2
        value = self.rng.randrange(-64 if signed else 0, 64)
        words = self.set_register(a['rm'], value)
        if a['option'] in (2, 6):
            words.append(movk(a['rm'], self.rng.getrandbits(16), 3))    # the upper half is ignored
        if a['rn'] == 31:
            return words, (value << (a['size'] if a['s'] else 0))
        return words, value << (a['size'] if a['s'] else 0)

    def monitor(self, row, a, base):
        """A store-exclusive after the load that belongs to it, or after CLREX."""
        if self.rng.random() < 0.2:
            return base + [CLREX]
        load = self.names_of('LDXP' if row.name == 'STXP' else 'LDXR')[0]
        rt = (a['rn'] + 1) % 31
        fixed = {'size': a['size'], 'rn': a['rn'], 'rt': rt}
        if row.name == 'STXP':
            fixed['rt2'] = (a['rn'] + 2) % 31
        if rt == 31 or fixed.get('rt2') == 31 or a['rn'] == 31:
            fixed.update(rt=3, **({'rt2': 4} if row.name == 'STXP' else {}))
        return base + [self.word(load, **fixed)]

    def expected_value(self, row, a, base):
        """Make a compare-and-swap succeed: load what is there into rs."""
        if a['rs'] == 31 or a['rs'] == a['rn'] or row.name == 'CASP' and a['rs'] + 1 in (31, a['rn']):
            return base
        if row.name == 'CAS':
            return base + [ldr_imm(a['size'], a['rs'], a['rn'])]
        opc = 0xa9400000 if a['size'] == 3 else 0x29400000
        return base + [opc | (a['rs'] + 1) << 10 | a['rn'] << 5 | a['rs']]

    def names_of(self, name):
        return [r for r in self.spec.rows if r.name == name]

    def literal_unit(self, row):
        return [self.word(row, imm=self.rng.randrange(-8, 16) * 4)]

    def system_unit(self, row):
        rng, rt = self.rng, self.rng.randrange(31)
        if row.name == 'SYS':                   # not DC ZVA: the block size is up to the CPU
            crm, op2 = rng.choice([(10, 1), (11, 1), (14, 1), (5, 1)])
            return self.set_register(rt, WINDOW + rng.randrange(WINDOW_BYTES)) + \
                [self.word(row, op1=3, crn=7, crm=crm, op2=op2, rt=rt)]
        crn, crm, op2, mask = rng.choice([(4, 2, 0, 0xf0000000), (4, 4, 0, 0x07c80000),
                                          (4, 4, 1, 0x0800009f), (13, 0, 2, MASK64)])
        word = self.word(row, op0=3, op1=3, crn=crn, crm=crm, op2=op2, rt=rt)
        if row.name == 'MRS':
            return [word]
        return self.set_register(rt, rng.getrandbits(64) & mask) + [word]

    def branch_unit(self, row):
        """(length, function of the distance to the target in words)."""
        if row.aset.name == 'branch_reg':
            rn = self.rng.randrange(31)
            word = self.word(row, rn=rn)
            adr = self.names_of('ADR')[0]
            return 2, lambda d: [self.word(adr, imm=4 * d, rd=rn), word]
        word = self.word(row)
        return 1, lambda d: [self.patch(word, row, imm=4 * d)]

    def unit(self):
        """Words, or (length, maker) for a branch."""
        name = self.rng.choice(self.order)
        rows = self.names[name]
        row = self.rng.choice(rows)
        aset = row.aset.name
        if self.chapter == 'branch' and self.rng.random() < 0.3:
            return [self.word(self.rng.choice(self.fillers))]
        if aset in ('branch', 'cbz', 'tbz', 'bcond', 'branch_reg'):
            return self.branch_unit(row)
        if aset in MEMORY_SETS:
            return self.memory_unit(row)
        if aset == 'ldlit':
            return self.literal_unit(row)
        if aset in ('sys', 'sysreg'):
            return self.system_unit(row)
        if self.chapter in ('fp', 'fp16', 'simd') and self.rng.random() < 0.3:
            # keep the cumulative flags so far in a register and start anew
            return [self.word(row), MRS_FPSR | self.rng.randrange(31), MSR_FPSR | 31]
        return [self.word(row)]

    def sequence(self, units=16):
        """The words of one sequence."""
        if self.chapter == 'loop':
            return self.loop_sequence(units)
        parts = [self.unit() for _ in range(units)]
        return self.join(parts, {i: min(i + self.rng.randrange(1, 6), units)
                                 for i, p in enumerate(parts) if isinstance(p, tuple)})

    # ---- loops

    def calculation(self, registers):
        """Words that keep off memory; of these registers only, if there are any."""
        kinds = [c for c in LOOP_CHAPTERS if c != 'a64-loadstore' and c in self.by_chapter]
        row = self.rng.choice(self.by_chapter[self.rng.choice(kinds)])
        if not registers:
            return [self.word(row)]
        return [self.word(row, **{arg: self.rng.choice(registers) for arg in ('rd', 'rn', 'rm', 'ra')})]

    def flags_unit(self):
        """Flags, what needs the host's for itself, perhaps something that looks at them, and a condition."""
        rng, reg = self.rng, lambda: self.rng.randrange(31)
        compare = rng.choice([0xeb00001f, 0xab00001f, 0xea00001f, 0x6b00001f]) | reg() << 16 | reg() << 5
        other = rng.choice([0xca000000, 0x8a000000, 0x9b000000]) | reg() << 16 | reg() << 5 | reg()
        look = rng.choice([[], [MRS_FPSR | reg()], [MRS_NZCV | reg()], [DSB_SY]])
        select = 0x9a800000 | reg() << 16 | rng.randrange(14) << 12 | reg() << 5 | reg()
        return [compare, other] + look + [select]

    def loop_unit(self, registers):
        if self.rng.random() < 0.06:
            return self.flags_unit()
        chapter = self.rng.choice([c for c in LOOP_CHAPTERS if c in self.by_chapter])
        if chapter != 'a64-loadstore':
            return self.calculation(registers)
        row = self.rng.choice(self.by_chapter[chapter])
        return self.literal_unit(row) if row.aset.name == 'ldlit' else \
            self.memory_unit(row) if row.aset.name in MEMORY_SETS else [self.word(row)]

    def back_edge(self, registers=range(30)):
        """A branch back, while there is something left in TPIDR_EL0."""
        rng, r = self.rng, self.rng.choice(registers)
        kind = rng.randrange(4)
        take = 0xf1000400 if kind == 1 else 0xd1000400                  # SUBS or SUB r, r, #1
        words = [MRS_TPIDR | r, 0xb4000000 | 4 << 5 | r, take | r << 5 | r, MSR_TPIDR | r]
        bit = rng.randrange(32)

        def make(d):
            d -= 4
            return words + [[branch(d), 0x54000001 | (d & 0x7ffff) << 5, 0xb5000000 | (d & 0x7ffff) << 5 | r,
                             0x36000000 | bit << 19 | (d & 0x3fff) << 5 | rng.randrange(31)][kind]]
        return 5, make

    def walk_step(self, walker, registers, falls, load):
        """(word, bytes moved): an access by a register that moves on, or its move, mostly one way."""
        rng = self.rng
        sign = -1 if falls ^ (rng.random() < 0.05) else 1
        n, t, t2 = walker << 5, *rng.sample(registers, 2)
        size = rng.randrange(4)
        one = 0x38000000 | size << 30 | load << 22 | n | t
        by = rng.choice([1 << size, 1 << size, rng.randrange(64)])
        imm9 = (sign * by & 0x1ff) << 12
        pair = 0xa8000000 | load << 22 | t2 << 10 | n | t
        vector = 0x3c800000 | load << 22 | n | rng.randrange(32)
        add = (0xd1000000 if sign < 0 else 0x91000000) | n | walker
        step = rng.choice([8, 24, 1000 if load else 40])
        return rng.choice([(one | 0x400 | imm9, by), (one | 0x400 | imm9, by), (one | 0xc00 | imm9, by),
                           (one | by << 12, 0), (pair | 0x800000 | (sign * 2 & 0x7f) << 15, 16),
                           (pair | 0x1000000 | rng.randrange(4) << 15, 0),
                           (vector | 0x400 | (sign * 16 & 0x1ff) << 12, 16), (vector | by << 12, 0),
                           (add | step << 10, step)])

    def walk_sequence(self, units):
        """A loop that walks through memory, perhaps over the edge of a page or of what is mapped. One
        that stores stays in the window, which is all that is compared, and made anew."""
        rng = self.rng
        registers = rng.sample(range(30), 8)
        walkers = [registers.pop() for _ in range(rng.randrange(1, 4))]
        index = registers.pop()
        falls, stores, indexed = rng.random() < 0.4, rng.random() < 0.5, False
        parts, targets, moved = [None], {}, dict.fromkeys(walkers, 0)
        units = rng.randrange(2, units)
        for i in range(1, units):
            kind, w = rng.random(), rng.choice(walkers)
            load = not stores or rng.random() < 0.5
            if kind < 0.5:
                word, bytes_moved = self.walk_step(w, registers, falls, load)
                moved[w] += bytes_moved
                parts.append([word])
            elif kind < 0.6 and not indexed:    # by an index, which goes up
                word = (0xf8607800 if load else 0xf8207800) | index << 16 | w << 5
                parts.append([word | rng.choice(registers), 0x91000400 | index << 5 | index])
                indexed = True
                moved[w] += 8
            elif kind < 0.7:
                parts.append(self.branch_unit(rng.choice([r for r in self.spec.rows if r.name == 'B_cond'])))
                targets[i] = min(i + rng.randrange(1, 4), units)
            else:
                parts.append(self.calculation(registers))
        turns = rng.randrange(2, 24)
        if stores:
            turns = min(turns, 150 // max(1, max(moved.values())))
            if not turns:
                return self.walk_sequence(units + 1)
        first = []
        for w in walkers:
            start = WINDOW + WINDOW_BYTES // 2 + rng.randrange(-32, 32)
            if not stores and rng.random() < 0.1:
                start = HOLE + rng.randrange(-300, 300)
            first += self.set_register(w, start)
        counter = rng.choice(registers)
        parts[0] = first + self.set_register(index, rng.randrange(2)) + \
            self.set_register(counter, turns) + [MSR_TPIDR | counter]
        parts.append(self.back_edge(registers))
        targets[units] = 1
        return self.join(parts, targets)

    def choice_unit(self):
        """A branch by a register to behind it or to its target, as the flags are."""
        r, other = self.rng.sample(range(31), 2)
        select = 0x9a800000 | other << 16 | self.rng.randrange(14) << 12 | r << 5 | r
        return 4, lambda d: [adr(r, d), adr(other, 3), select, 0xd61f0000 | r << 5]

    def function(self):
        """Ends with RET, and leaves X30 alone."""
        registers = self.rng.sample(range(30), 4)
        words = []
        for _ in range(self.rng.randrange(1, 6)):
            words += self.calculation(registers)
        return words + [RET]

    def crowd(self):
        """Branches to so much that needs a way out each that one translation has no room for them."""
        at, fix, words = {}, [], []

        def lay(node):
            at[node] = len(words)
            if node < 8:
                fix.append((at[node], 2 * node))
                words.append(self.rng.randrange(31))
                lay(2 * node + 1)
                lay(2 * node)
            else:
                words.extend([DSB_SY] * 70)
        lay(1)
        for pos, to in fix:
            words[pos] |= 0x36000000 | self.rng.randrange(32) << 19 | (at[to] - pos) << 5
        return words

    def loop_sequence(self, units):
        """Loops, also one in another, with branches forward and calls in them."""
        rng = self.rng
        if rng.random() < 0.004:
            return self.crowd()
        if rng.random() < 0.25:
            return self.walk_sequence(units)
        registers = rng.sample(range(31), rng.randrange(3, 9)) if rng.random() < 0.6 else None
        forward = [r for r in self.spec.rows if r.name in FORWARD and r.feature is None]
        functions = rng.randrange(3)
        r = rng.randrange(30)
        parts = [self.set_register(r, rng.randrange(1, 24)) + [MSR_TPIDR | r]]
        targets = {}
        for i in range(1, units + 1):
            kind = rng.random()
            if kind < 0.12:
                parts.append(self.back_edge())
                targets[i] = rng.randrange(1, i + 1)
            elif kind < 0.24:
                parts.append(self.branch_unit(rng.choice(forward)))
                targets[i] = min(i + rng.randrange(1, 6), units + 1)
            elif kind < 0.30 and functions:
                by = rng.randrange(31)
                parts.append(rng.choice([(1, lambda d: [0x94000000 | d & 0x3ffffff]),
                                         (2, lambda d, r=by: [adr(r, d), 0xd63f0000 | r << 5])]))
                targets[i] = units + 2 + rng.randrange(functions)
            elif kind < 0.34:
                parts.append(self.choice_unit())
                targets[i] = min(i + rng.randrange(2, 6), units + 1)
            else:
                parts.append(self.loop_unit(registers))
        parts.append((1, lambda d: [branch(d)]))
        targets[units + 1] = units + 2 + functions
        parts += [self.function() for _ in range(functions)]
        return self.join(parts, targets)

    def join(self, parts, targets):
        starts, at = [], 0
        for p in parts:
            starts.append(at)
            at += p[0] if isinstance(p, tuple) else len(p)
        starts.append(at)
        words = []
        for i, p in enumerate(parts):
            words += p[1](starts[targets[i]] - starts[i]) if isinstance(p, tuple) else p
        return words

    # ---- inputs

    def input(self):
        """struct State: registers, flags, vectors and memory to start from."""
        rng = self.rng
        x = [integer(rng) for _ in range(31)]
        sp = WINDOW + 16 * rng.randrange(16)
        fpcr = rng.choice([0, 0, rng.getrandbits(5) << 22, rng.getrandbits(4) << 22]) | rng.getrandbits(1) << 19
        nzcv = rng.getrandbits(4) << 28
        v = []
        for _ in range(32):
            v += list(struct.unpack('<2Q', vector(rng)))
        mem = [integer(rng) for _ in range(72)]
        return struct.pack(f'<{STATE_WORDS}Q', *x, sp, nzcv, 0, fpcr, 0, 0, 0, 0, 0, *v, *mem)


def integer(rng):
    kind = rng.randrange(8)
    if kind < 3:
        return rng.getrandbits(64)
    if kind == 3:
        return rng.randrange(-20, 20) & MASK64
    if kind == 4:
        return (rng.choice([1 << 31, 1 << 32, 1 << 63, 1 << 15, 1 << 7]) + rng.randrange(-2, 3)) & MASK64
    if kind == 5:
        return 1 << rng.randrange(64)
    if kind == 6:
        return rng.getrandbits(32)
    return (rng.getrandbits(32) | 0xffffffff << 32) & MASK64


# sign is random; widths of exponent and fraction
HALF, BFLOAT16, SINGLE, DOUBLE = (5, 10), (8, 7), (8, 23), (11, 52)


def floating(rng, e, f):
    """An interesting floating-point number as bits."""
    bias, top = (1 << (e - 1)) - 1, (1 << e) - 1
    frac = rng.getrandbits(f)
    kind = rng.randrange(17)
    if kind == 16:
        exp = rng.randrange(top)
    elif kind == 0:
        exp, frac = 0, 0
    elif kind == 1:
        exp, frac = top, 0
    elif kind == 2:
        exp, frac = top, frac | 1 << (f - 1)                # quiet NaN
    elif kind == 3:
        exp, frac = top, (frac & ~(1 << (f - 1))) | 1       # signalling NaN
    elif kind == 4:
        exp = 0                                             # subnormal
    elif kind == 5:
        exp, frac = rng.choice([(0, 1), (1, 0), (top - 1, (1 << f) - 1), (0, (1 << f) - 1)])
    elif kind == 6:
        exp = max(1, min(top - 1, rng.choice([1, 2, 3, top - 1, top - 2, top - 3])))
    elif kind == 7:
        exp, frac = bias + rng.randrange(0, 4), rng.choice([0, 1 << (f - 1), 1 << (f - 2)])
    elif kind < 11:
        exp = max(0, min(top - 1, bias + rng.choice([7, 8, 15, 16, 31, 32, 63, 64]) + rng.randrange(-1, 2)))
    else:
        exp = max(0, min(top - 1, bias + rng.randrange(-6, 7)))
    return rng.getrandbits(1) << (e + f) | exp << f | frac


def vector(rng):
    """16 bytes: lanes of one kind."""
    kind = rng.randrange(8)
    if kind == 0:
        return rng.getrandbits(128).to_bytes(16, 'little')
    if kind == 1:
        return bytes(rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.getrandbits(8)]) for _ in range(16))
    if kind == 2:
        return struct.pack('<2Q', integer(rng), integer(rng))
    e, f = (DOUBLE, DOUBLE, SINGLE, SINGLE, rng.choice((HALF, HALF, BFLOAT16)))[kind - 3]
    size = (1 + e + f) // 8
    return b''.join(floating(rng, e, f).to_bytes(size, 'little') for _ in range(16 // size))
