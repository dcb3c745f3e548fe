#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The A64 specification against the generated decoder, capstone and objdump.

For every line of the specification, words with random free bits:
  - the generated C decoder finds the same instruction and arguments as the table;
  - objdump and capstone print the mnemonic that belongs to the instruction;
  - objdump prints the registers and immediates that the arguments say.
For random words: what objdump or capstone decodes, we decode, and the other way round.
What the two oracles do not know, or get wrong, is listed in the tables below.
"""
import argparse
import collections
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import decodegen  # noqa: E402

# Instructions whose Q form has a 2 at the end.
TWO = set('''SADDL UADDL SADDW UADDW SSUBL USUBL SSUBW USUBW ADDHN RADDHN SABAL UABAL SUBHN RSUBHN
    SABDL UABDL SMLAL UMLAL SMLSL UMLSL SMULL UMULL SQDMLAL SQDMLSL SQDMULL PMULL XTN SQXTUN SQXTN
    UQXTN SHLL FCVTN FCVTL FCVTXN SHRN SQSHRUN RSHRN SQRSHRUN SQSHRN UQSHRN SQRSHRN UQRSHRN SSHLL
    USHLL BFCVTN'''.split())
SUFFIX = ['b', 'h', '', '', '']
CONDS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le al nv'.split()
HINTS = {'NOP', 'YIELD', 'WFE', 'WFI', 'SEV', 'SEVL', 'BTI'}

# Aliases that capstone 4 prints: it has no way to switch them off.
ALIASES = {
    'SBFM': 'sbfx sbfiz asr sxtb sxth sxtw', 'UBFM': 'ubfx ubfiz lsl lsr uxtb uxth',
    'BFM': 'bfxil bfi bfc', 'EXTR': 'ror', 'NOT': 'mvn', 'LSLV': 'lsl', 'LSRV': 'lsr',
    'ASRV': 'asr', 'RORV': 'ror', 'MADD': 'mul', 'MSUB': 'mneg', 'UMADDL': 'umull',
    'SMADDL': 'smull', 'UMSUBL': 'umnegl', 'SMSUBL': 'smnegl', 'ADDS': 'cmn', 'SUBS': 'cmp negs',
    'SUB': 'neg', 'ANDS': 'tst', 'ORR': 'mov', 'ORN': 'mvn', 'SBC': 'ngc', 'SBCS': 'ngcs',
    'CSINC': 'cinc cset', 'CSINV': 'cinv csetm', 'CSNEG': 'cneg', 'ADD': 'mov',
    'MOVZ': 'mov', 'MOVN': 'mov', 'DUP': 'mov', 'UMOV': 'mov', 'INS': 'mov',
    'SYS': 'dc ic at tlbi', 'DSB': 'ssbb pssbb dfb', 'HINT': 'esb psb bti csdb tsb dgh',
    'SYSL': '', 'MSR': '', 'USHLL': 'uxtl', 'SSHLL': 'sxtl', 'DCPS1': '', 'FMOV': '',
}

# capstone 4.0.2 is older than these (v8.1 to v8.5).
CAPSTONE_LACKS_FEATURES = {'SB', 'DIT', 'SSBS', 'FLAGM', 'FLAGM2', 'JSCVT', 'FRINTTS', 'LOR', 'LRCPC',
                           'LRCPC2', 'LSE', 'RDM', 'DOTPROD', 'FP16', 'SHA512', 'SHA3', 'SM3', 'SM4', 'FHM',
                           'FCMA', 'I8MM', 'BF16', 'PAUTH'}
# capstone refuses these words although the manual allows them: it takes ignored bits of imm5
# and imm4 as zero, and refuses what is only CONSTRAINED UNPREDICTABLE (base register written
# back and loaded; pair with equal registers; LDTR with a base that is loaded is not even that).
CAPSTONE_REFUSES = re.compile(r'^(DUP_gen_v|INS_elem_v|LD[PRTNX].*|ST[PR].*)$')
# objdump refuses should-be-one bits that are zero, and some unpredictable register pairs.
OBJDUMP_REFUSES = re.compile(r'^(LDAR|LDAPR|LDPSW|[A-Z]+_imm)$')
TRANSLATOR_REFUSES = {'AND_imm', 'ORR_imm', 'EOR_imm', 'ANDS_imm'}   # reserved bit masks

# What the oracles decode and our specification leaves out on purpose.
OUT_OF_SCOPE = re.compile(
    r'^(addg|subg|gmi|irg|ldg|ldgm|stgm|stzgm|st2g|stg|stgp|stz2g|stzg|subps?|'     # MTE
    r'bc\.\w+|(cpy|set)\w+|smax|smin|umax|umin|abs|cnt|ctz|'                        # v8.8, CSSC
    r'fml[as]l2?|'                                   # objdump takes them with bit 22 (sz) set, too
    r'ld64b|st64bv?0?|tcancel|tstart|ttest|tcommit|wfet|wfit|udf|'
    r'smstart|smstop|dsb|'                           # SME; DSB nXS of v8.7
    r'mrs|msr)$')                        # op0 of 0: objdump's view of the unallocated space


def expected_pauth(row, args):
    """Those of pointer authentication, whose names the specification puts together; None: others."""
    key, zero = args.get('key', 0), 'z' * args.get('z', 0)
    verb = 'aut' if args.get('auth') else 'pac'
    tails = {'PAC_1716': '1716', 'PAC_LR_zero': 'z', 'PAC_LR_SP': 'sp'}
    if row.name in tails:       # objdump without aliases: hint
        return {'hint', f'{verb}i{"ab"[key]}{tails[row.name]}'}
    if row.name == 'XPACLRI':
        return {'hint', 'xpaclri'}
    if row.name == 'PAC':
        return {f'{verb}{"id"[key >> 1]}{zero}{"ab"[key & 1]}'}
    if row.name == 'XPAC':
        return {'xpac' + 'id'[args['data']]}
    if row.aset.name in ('branch_auth', 'return_auth', 'load_auth'):
        return {row.name.lower() + 'ab'[args.get('b', key)] + zero}
    return None


def expected(row, args):
    """The mnemonics that fit one instruction."""
    stem = row.name.split('_')[0]
    low = stem.lower()
    pauth = expected_pauth(row, args)
    if pauth:
        return pauth
    if row.name == 'BTI':
        return {'hint', 'bti'}
    size = args.get('size', 0)
    if row.aset.name == 'excl':
        kind = {'STXR': ('stxr', 'stlxr'), 'LDXR': ('ldxr', 'ldaxr'),
                'STXP': ('stxp', 'stlxp'), 'LDXP': ('ldxp', 'ldaxp')}[stem][args['ord']]
        return {kind + SUFFIX[size]} if kind[-1] == 'r' else {kind}
    if row.aset.name == 'atomic':
        acq = 'a' * args['acq'] + 'l' * args['rel']
        return {low + acq + (SUFFIX[size] if stem != 'CASP' else '')}
    if row.aset.name in ('ldst_ord', 'ldst_ordi', 'ldst_imm', 'ldst_reg') and low[:2] in ('ld', 'st'):
        if low.endswith('s') and stem != 'LDRS' or stem == 'LDRS':
            return {low + 'bhw'[size]}
        return {low + SUFFIX[size]} if 'simd' not in row.name else {low}
    if stem in ('CRC32', 'CRC32C'):
        return {low + 'bhwx'[size]}
    if stem in TWO and args.get('q') == 1 and row.name != 'SHL_v':
        return {low + '2'}
    if row.name == 'B_cond':
        c = CONDS[args['cond']]
        return {'b.' + c, 'b.' + {'cs': 'hs', 'cc': 'lo'}.get(c, c)}
    return {low}


def pack(words):
    return b''.join(struct.pack('<I', w) for w in words)


def run_filter(program, words):
    out = subprocess.run([program], input=pack(words), capture_output=True, check=True)
    lines = out.stdout.decode().splitlines()
    assert len(lines) == len(words)
    return lines


def run_objdump(words):
    with tempfile.NamedTemporaryFile(suffix='.bin') as f:
        f.write(pack(words))
        f.flush()
        out = subprocess.run(['aarch64-linux-gnu-objdump', '-m', 'aarch64', '-b', 'binary', '-D', '-z',
                              '-M', 'no-aliases', f.name], capture_output=True, check=True)
    lines = []
    for line in out.stdout.decode().splitlines():
        cells = line.split('\t')
        if len(cells) >= 3 and cells[0].strip().endswith(':'):
            text = '\t'.join(cells[2:]).split('//')[0].strip()
            lines.append('-' if text.startswith('.inst') or text.startswith('udf') else text)
    assert len(lines) == len(words)
    return lines


REG = re.compile(r'\b[wxbhsdqv](\d+|zr)\b|\b(w?sp)\b')
NUM = re.compile(r'(?<![\w.+-])-?(?:0x[0-9a-f]+|0|[1-9]\d*)\b(?!\.)')
NOT_PRINTED = {'SYS', 'SYSL', 'FMOV_imm', 'FMOV_imm_v', 'FMOV_imm_h_v', 'CLREX', 'MSR_reg', 'MRS', 'PRFM_lit'}


def bit_mask(n, immr, imms, width):
    """DecodeBitMasks of the manual; None if reserved."""
    length = ((n << 6) | (~imms & 63)).bit_length() - 1
    if length < 1:
        return None
    esize = 1 << length
    ones, rotate = (imms & (esize - 1)) + 1, immr & (esize - 1)
    if ones == esize:
        return None
    elem = (1 << ones) - 1
    elem = (elem >> rotate | elem << (esize - rotate)) & ((1 << esize) - 1)
    return sum(elem << i for i in range(0, width, esize))


def operand_problem(row, args, text, pc):
    """What objdump's operands lack of our arguments; None if nothing."""
    if row.name in NOT_PRINTED or row.aset.name == 'vmodimm' or '\t' not in text:
        return None
    ops = text.split('\t', 1)[1]
    regs = {31 if (m[1] == 'zr' or m[2]) else int(m[1]) for m in REG.finditer(ops)}
    if '{' in ops and '-' in ops:                       # {v1.8b-v3.8b}
        regs.add(args.get('rt', args.get('rn')))
    nums = {int(x, 0) & (1 << 64) - 1 for x in NUM.findall(ops)} | {0}
    nums |= {int(x) for x in re.findall(r'\[(\d+)\]', ops)}
    if row.aset.name == 'logic_imm':
        args = dict(args, imm=bit_mask(args['n'], args['immr'], args['imms'], 64 if args['sf'] else 32))
        del args['immr'], args['imms']
    for key, val in args.items():
        if key in ('rd', 'rn', 'rm', 'ra', 'rs', 'rt', 'rt2'):
            skip = (key == 'rm' and args.get('post') == 0 or key == 'rm' and val == 31 or
                    row.name.startswith('PRF') and key == 'rt' or
                    key in ('rs', 'rt2') and row.aset.name == 'excl' or
                    key == 'rn' and row.name == 'RET' and val == 30 or
                    row.name == 'PAC' and key == 'rn' and args['z'])
            if not skip and val not in regs:
                return f'{key}={val}'
        elif key in ('imm', 'shift', 'idx', 'from', 'immr', 'imms', 'amount', 'fbits', 'bit', 'nzcv'):
            want = val
            if row.aset.name in ('pcrel', 'branch', 'cbz', 'tbz', 'bcond', 'ldlit') and key == 'imm':
                want = (pc & -4096 if row.name == 'ADRP' else pc) + val
            if want & (1 << 64) - 1 not in nums:
                return f'{key}={want}'
    return None


class Checker:
    def __init__(self, spec, rng):
        self.spec, self.rng, self.failures = spec, rng, []

    def fail(self, msg):
        self.failures.append(msg)

    def word(self, row):
        while True:
            w = (self.rng.getrandbits(32) & ~row.mask) | row.value
            if row.matches(w):
                return w

    def find(self, word):
        return next((r for r in self.spec.rows if r.matches(word)), None)

    def check_decoder(self, words, rows, lines):
        for w, row, line in zip(words, rows, lines):
            if row is None:
                want = ['-']
            else:
                args = list(row.args(w).values())
                want = [row.name] + [str(a) for a in args] + ['0'] * (8 - len(args))
            if line.split() != want:
                self.fail(f'{w:08x}: decoder found `{line}`, the table says `{" ".join(want)}`')

    def check_objdump(self, words, rows, lines):
        for i, (w, row, text) in enumerate(zip(words, rows, lines)):
            args = row.args(w)
            if text == '-':
                if not OBJDUMP_REFUSES.match(row.name):
                    self.fail(f'{w:08x}: {row.name} ({row.where}), objdump knows nothing')
                continue
            got = text.split()[0]
            ok = expected(row, args)
            ok |= {'hint'} if row.name in HINTS else set()
            ok |= {'msr'} if row.feature in ('FLAGM', 'FLAGM2') else set()
            if got not in ok:
                self.fail(f'{w:08x}: {row.name} ({row.where}), objdump: {text}')
                continue
            problem = operand_problem(row, args, text, 4 * i)
            if problem and not got == 'msr':
                self.fail(f'{w:08x}: {row.name} ({row.where}) {problem}, objdump: {text}')

    def check_capstone(self, words, rows, lines):
        reached = collections.Counter()
        for w, row, text in zip(words, rows, lines):
            got = text.split('\t')[0]
            stem = row.name.split('_')[0]
            if got == '-' or row.feature in CAPSTONE_LACKS_FEATURES:
                if not (row.feature in CAPSTONE_LACKS_FEATURES or CAPSTONE_REFUSES.match(row.name) or
                        row.name in TRANSLATOR_REFUSES):
                    self.fail(f'{w:08x}: {row.name} ({row.where}), capstone knows nothing')
                continue
            reached[row.name] += 1
            if got not in expected(row, row.args(w)) | set(ALIASES.get(stem, '').split()):
                self.fail(f'{w:08x}: {row.name} ({row.where}), capstone: {text}')
        for name, rs in self.spec.names().items():
            if not reached[name] and rs[0].feature not in CAPSTONE_LACKS_FEATURES:
                self.fail(f'{name} was never confirmed by capstone')

    def check_random(self, words, rows, lines, oracle, refuses, lacks):
        for w, row, text in zip(words, rows, lines):
            got = text.split()[0]
            if row is None and got != '-' and not OUT_OF_SCOPE.match(got):
                self.fail(f'{w:08x}: {oracle} knows `{text}`, we do not')
            if row is not None and got == '-' and row.feature not in lacks and \
                    not refuses.match(row.name) and row.name not in TRANSLATOR_REFUSES:
                self.fail(f'{w:08x}: we find {row.name}, {oracle} nothing')


def random_words(checker, count):
    """Random words and near misses of our patterns, outside the reserved and SVE groups."""
    out, rng = [], checker.rng
    while len(out) < count:
        w = rng.getrandbits(32)
        if len(out) & 1:
            row = checker.spec.rows[w % len(checker.spec.rows)]
            w = checker.word(row) ^ 1 << rng.randrange(32)
        if (w >> 25) & 0xf not in (0, 1, 2, 3):
            out.append(w)
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--decoder', required=True)
    ap.add_argument('--capstone')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--count', type=int, default=20, help='words for each pattern')
    ap.add_argument('--random', type=int, default=50000, help='random words')
    ap.add_argument('files', nargs='+')
    opt = ap.parse_args()
    spec = decodegen.load(opt.files)
    c = Checker(spec, random.Random(opt.seed))

    rows = [r for r in spec.rows for _ in range(opt.count)]
    words = [c.word(r) for r in rows]
    c.check_decoder(words, rows, run_filter(opt.decoder, words))
    c.check_objdump(words, rows, run_objdump(words))
    if opt.capstone:
        c.check_capstone(words, rows, run_filter(opt.capstone, words))

    words = random_words(c, opt.random)
    rows = [c.find(w) for w in words]
    c.check_decoder(words, rows, run_filter(opt.decoder, words))
    c.check_random(words, rows, run_objdump(words), 'objdump', OBJDUMP_REFUSES, set())
    if opt.capstone:
        c.check_random(words, rows, run_filter(opt.capstone, words), 'capstone',
                       CAPSTONE_REFUSES, CAPSTONE_LACKS_FEATURES)
    for f in c.failures[:40]:
        print(f)
    print(f'{len(spec.rows)} lines, seed {opt.seed}: {len(c.failures)} failures')
    return 1 if c.failures else 0


if __name__ == '__main__':
    sys.exit(main())
