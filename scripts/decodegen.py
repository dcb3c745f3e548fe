#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn decode specifications (text) into a decoder in C, a table, stubs or JSON.

The specification is a list of lines; `#` starts a comment.

  &NAME field...             an argument set: becomes `struct PREFIX_NAME`
  %feature [NAME]            the patterns below need this CPU feature (none: always there)
  OP &SET token... [if ...]  a pattern; tokens describe the word from its top bit downwards:
      0 1 -        fixed bits, and bits whose value does not matter
      f:5  f:s19   a field, unsigned or signed, stored in the argument `f`
      f:r6         a "reverse" field: the argument is 2^6 - value (right shift amounts)
      f.2:5        the field's lowest bit lands at bit 2 of the argument; an argument may be
                   made of several such pieces, the bits that no piece covers are zero
      f=2          a constant for an argument; or-ed in if the argument has pieces too
  The widths of bits and fields add up to 32.

  if f==01- & g!=11 & f:g!=011
      conditions over fields (or pieces, `f.2`, as written in the tokens); f:g is the
      concatenation of the raw bits; `-` in the value matches either bit.

Several lines may carry the same OP with the same set: one translate function serves them.
Two lines that match a common word are an error: order never matters.

For every OP the generated header declares, and the guest implements,
    bool PREFIX_trans_OP(struct DisasContext *s, const struct PREFIX_SET *a);
which returns false for UNDEFINED. `bool PREFIX_has_feature(s, enum PREFIXFeature)` gates
the %feature sections. See docs/decode.md.
"""
import argparse
import json
import os
import re
import sys
from collections import OrderedDict

WIDTH = 32
FULL = (1 << WIDTH) - 1


class SpecError(Exception):
    """A mistake in a specification; the message starts with file:line."""


# ---------------------------------------------------------------- model

class Piece:
    """Bits [pos, pos+width) of the word, landing at bit `shift` of an argument."""

    def __init__(self, key, arg, pos, width, shift, kind):
        self.key, self.arg = key, arg
        self.pos, self.width, self.shift, self.kind = pos, width, shift, kind

    @property
    def top(self):
        return self.shift + self.width


class Row:
    """One pattern line: fixed bits, the words excluded by `!=`, and its arguments."""

    def __init__(self, name, aset, file, line, feature):
        self.name, self.aset, self.file, self.line = name, aset, file, line
        self.feature = feature
        self.mask = self.value = 0
        self.nots = []          # [(mask, value)]: the word must differ somewhere in mask
        self.pieces = []
        self.consts = OrderedDict()
        self.text = ''
        self.index = -1

    @property
    def where(self):
        return f'{os.path.basename(self.file)}:{self.line}'

    @property
    def chapter(self):
        return os.path.basename(self.file).rsplit('.', 1)[0]

    def matches(self, word):
        return (word & self.mask) == self.value and all(
            (word & m) != v for m, v in self.nots)

    def args(self, word):
        out = {}
        for arg in self.aset.fields:
            val = self.consts.get(arg, 0)
            for p in self.pieces:
                if p.arg != arg:
                    continue
                raw = (word >> p.pos) & ((1 << p.width) - 1)
                if p.kind == 's' and raw >> (p.width - 1):
                    raw -= 1 << p.width
                if p.kind == 'r':
                    raw = (1 << p.width) - raw
                val |= raw << p.shift
            out[arg] = val
        return out


class ArgSet:
    def __init__(self, name, fields, file, line):
        self.name, self.fields, self.file, self.line = name, fields, file, line
        self.wide = set()


class Spec:
    def __init__(self):
        self.sets = OrderedDict()
        self.rows = []

    def names(self):
        """OP -> its rows, in order of first appearance."""
        out = OrderedDict()
        for r in self.rows:
            out.setdefault(r.name, []).append(r)
        return out

    def features(self):
        return list(OrderedDict.fromkeys(r.feature for r in self.rows if r.feature))


# ---------------------------------------------------------------- parse

BITS = re.compile(r'^[01-]+$')
FIELD = re.compile(r'^([a-z_][a-z0-9_]*)(?:\.(\d+))?:([sr]?)(\d+)$')
CONST = re.compile(r'^([a-z_][a-z0-9_]*)=(\d+)$')
COND = re.compile(r'^([a-z0-9_.:]+)(==|!=)([01-]+)$')
NAME = re.compile(r'^[A-Z][A-Za-z0-9_]*$')


def satisfiable(mask, value, nots):
    """Is there a word with these fixed bits that every exclusion allows?"""
    for m, v in nots:
        if (value ^ v) & mask & m:
            continue                        # already different
        free = m & ~mask
        rest = [n for n in nots if n != (m, v)]
        while free:
            bit = free & -free
            free ^= bit
            if satisfiable(mask | bit, value | (bit & ~v), rest):
                return True
        return False
    return True


def overlap(a, b):
    both = a.mask & b.mask
    if (a.value ^ b.value) & both:
        return False
    return satisfiable(a.mask | b.mask, a.value | b.value, a.nots + b.nots)


def parse_tokens(row, tokens, fail):
    pos = WIDTH
    for tok in tokens:
        if BITS.match(tok):
            for c in tok:
                pos -= 1
                if pos >= 0 and c != '-':
                    row.mask |= 1 << pos
                    row.value |= int(c) << pos
            continue
        m = FIELD.match(tok)
        if m:
            arg, shift, kind, width = m[1], int(m[2] or 0), m[3], int(m[4])
            pos -= width
            if arg not in row.aset.fields:
                fail(f'`{arg}` is not in the argument set &{row.aset.name}')
            key = tok.split(':')[0]
            if any(p.key == key for p in row.pieces):
                fail(f'`{key}` is used twice; name the pieces {arg}.LOWBIT')
            row.pieces.append(Piece(key, arg, pos, width, shift, kind))
            continue
        m = CONST.match(tok)
        if not m:
            fail(f'cannot read `{tok}`')
        if m[1] not in row.aset.fields:
            fail(f'`{m[1]}` is not in the argument set &{row.aset.name}')
        row.consts[m[1]] = int(m[2])
    if pos != 0:
        fail(f'the widths add up to {WIDTH - pos}, not {WIDTH}')


def check_arguments(row, fail):
    for arg in row.aset.fields:
        pieces = [p for p in row.pieces if p.arg == arg]
        if not pieces and arg not in row.consts:
            fail(f'argument `{arg}` gets no value')
        used = row.consts.get(arg, 0)
        for p in pieces:
            bits = ((1 << p.width) - 1) << p.shift
            if used & bits:
                fail(f'pieces of `{arg}` overlap')
            used |= bits
            if p.kind == 's' and p.top != max(q.top for q in pieces):
                fail(f'only the top piece of `{arg}` can be signed')
            if p.kind == 'r' and (len(pieces) > 1 or arg in row.consts):
                fail(f'a reverse field must be the only piece of `{arg}`')
        top = max([p.top for p in pieces] + [row.consts.get(arg, 0).bit_length()])
        if top > 32 or (top == 32 and not any(p.kind == 's' for p in pieces)):
            row.aset.wide.add(arg)


def parse_conditions(row, text, fail):
    for cond in text.split('&'):
        m = COND.match(cond.replace(' ', ''))
        if not m:
            fail(f'cannot read the condition `{cond.strip()}`')
        bits = []
        for key in m[1].split(':'):
            found = [p for p in row.pieces if p.key == key]
            if not found:
                fail(f'the condition names `{key}`, which is no field here')
            bits += range(found[0].pos + found[0].width - 1, found[0].pos - 1, -1)
        if len(bits) != len(m[3]):
            fail(f'`{m[1]}` has {len(bits)} bits, `{m[3]}` has {len(m[3])}')
        mask = value = 0
        for bit, c in zip(bits, m[3]):
            if c != '-':
                mask |= 1 << bit
                value |= int(c) << bit
        if m[2] == '!=':
            row.nots.append((mask, value))
        elif row.mask & mask:
            fail('two == conditions on the same bits')
        else:
            row.mask |= mask
            row.value |= value
    if not satisfiable(row.mask, row.value, row.nots):
        fail('the conditions exclude every word')


def parse_pattern(spec, file, lineno, feature, line):
    def fail(msg):
        raise SpecError(f'{file}:{lineno}: {msg}')
    body, _, conds = line.partition(' if ')
    words = body.split()
    if len(words) < 3 or not NAME.match(words[0]) or words[1][0] != '&':
        fail('expected `OP &SET bits...`')
    aset = spec.sets.get(words[1][1:])
    if not aset:
        fail(f'unknown argument set {words[1]}')
    row = Row(words[0], aset, file, lineno, feature)
    row.text = ' '.join(line.split())
    parse_tokens(row, words[2:], fail)
    check_arguments(row, fail)
    if conds:
        parse_conditions(row, conds, fail)
    row.index = len(spec.rows)
    spec.rows.append(row)


def parse_set(spec, file, lineno, line):
    name, *fields = line[1:].split()
    if name in spec.sets:
        if spec.sets[name].fields != fields:
            raise SpecError(f'{file}:{lineno}: &{name} was declared differently before')
        return
    if len(set(fields)) != len(fields):
        raise SpecError(f'{file}:{lineno}: &{name} names a field twice')
    spec.sets[name] = ArgSet(name, fields, file, lineno)


def parse_file(spec, file, text):
    feature = None
    for lineno, line in enumerate(text.splitlines(), 1):
        line = line.split('#')[0].strip()
        if not line:
            continue
        if line[0] == '&':
            parse_set(spec, file, lineno, line)
        elif line[0] == '%':
            words = line.split()
            if words[0] != '%feature' or len(words) > 2:
                raise SpecError(f'{file}:{lineno}: unknown directive `{line}`')
            feature = words[1] if len(words) == 2 else None
        else:
            parse_pattern(spec, file, lineno, feature, line)


def check(spec):
    """Same OP means same set; no two rows share a word."""
    for name, rows in spec.names().items():
        for r in rows[1:]:
            if r.aset is not rows[0].aset:
                raise SpecError(f'{r.file}:{r.line}: {name} uses &{r.aset.name} here and '
                                f'&{rows[0].aset.name} in line {rows[0].line}')
    errors = []
    for i, a in enumerate(spec.rows):
        for b in spec.rows[i + 1:]:
            if overlap(a, b):
                errors.append(f'{b.file}:{b.line}: {b.name} overlaps {a.name} ({a.where})')
    if errors:
        raise SpecError('\n'.join(errors))


def load(files):
    spec = Spec()
    for f in files:
        with open(f, encoding='utf-8') as fh:
            parse_file(spec, f, fh.read())
    check(spec)
    return spec


# ---------------------------------------------------------------- decision tree

class Node:
    """A switch over the bits `mask`; or, with mask 0, a list of rows to try."""

    def __init__(self, rows, known):
        self.rows, self.known = rows, known
        self.mask, self.children = 0, OrderedDict()


def child_rows(rows, bits, value):
    return [r for r in rows if not (r.value ^ value) & r.mask & bits]


def pick_bit(rows, known):
    """The free bit that splits best although some rows do not fix it."""
    best = None
    for pos in range(WIDTH - 1, -1, -1):
        bit = 1 << pos
        if bit & known:
            continue
        sizes = [len(child_rows(rows, bit, v)) for v in (0, bit)]
        if max(sizes) < len(rows):
            cost = (sum(sizes), max(sizes))
            if best is None or cost < best[0]:
                best = (cost, bit)
    return best[1] if best else 0


def build_tree(rows, known=0):
    node = Node(rows, known)
    if len(rows) <= 1:
        return node
    common = FULL & ~known
    for r in rows:
        common &= r.mask
    if len({r.value & common for r in rows}) < 2:
        common = pick_bit(rows, known)
        values = [0, common] if common else []
    else:
        differing = 0                       # drop the bits that are the same in all rows
        for r in rows:
            differing |= (r.value ^ rows[0].value) & common
        common = differing
        values = sorted({r.value & common for r in rows})
    node.mask = common
    for v in values:
        node.children[v] = build_tree(child_rows(rows, common, v), known | common)
    return node


# ---------------------------------------------------------------- emit

BANNER = '''/* SPDX-License-Identifier: MIT
 *
 * {what}
 * Generated by scripts/decodegen.py from {files}; do not edit.
 */
'''


class Emitter:
    def __init__(self, spec, prefix, files):
        self.spec, self.prefix, self.up = spec, prefix, prefix.upper()
        self.camel = prefix.capitalize()
        self.files = ', '.join(os.path.basename(f) for f in files)
        self.helpers = []

    def banner(self, what):
        return BANNER.format(what=what, files=self.files)

    def prototype(self, name):
        rows = self.spec.names()[name]
        return (f'bool {self.prefix}_trans_{name}(struct DisasContext *s, '
                f'const struct {self.prefix}_{rows[0].aset.name} *a)')

    def header(self):
        p, out = self.prefix, [self.banner('Argument sets and translate functions.')]
        guard = f'{self.up}_DECODE_GENERATED_H'
        out += [f'#ifndef {guard}\n#define {guard}\n', '#include <stdbool.h>',
                '#include <stdint.h>\n', 'struct DisasContext;\n']
        feats = self.spec.features()
        out.append('/* CPU features that gate some of the patterns. */')
        out.append(f'enum {self.camel}Feature {{')
        out += [f'    {self.up}_FEAT_{f},' for f in feats]
        out += [f'    {self.up}_FEAT_COUNT', '};\n']
        for s in self.spec.sets.values():
            out.append(f'/* {os.path.basename(s.file)}:{s.line} */')
            out.append(f'struct {p}_{s.name} {{')
            for kind in ('int32_t', 'int64_t'):
                f = [x for x in s.fields if (x in s.wide) == (kind == 'int64_t')]
                if f:
                    out.append(f'    {kind} {", ".join(f)};')
            if not s.fields:
                out.append('    char unused;')
            out.append('};\n')
        out.append('/*\n * Decode one instruction word and call its translate function.\n'
                   ' * Returns false if the word is unallocated, needs a CPU feature that is absent,'
                   '\n * or the translate function refused it: the instruction is UNDEFINED.\n */')
        out.append(f'bool {p}_decode(struct DisasContext *s, uint32_t insn);\n')
        out.append('/* Written by the guest: may this CPU execute instructions of the feature? */')
        out.append(f'bool {p}_has_feature(const struct DisasContext *s, '
                   f'enum {self.camel}Feature feature);')
        chapter = None
        for name, rows in self.spec.names().items():
            if rows[0].chapter != chapter:
                chapter = rows[0].chapter
                out.append(f'\n/* ---- {chapter} ---- */\n')
            out.append(self.prototype(name) + ';')
        out.append(f'\n#endif')
        return '\n'.join(out) + '\n'

    def argument(self, row, arg):
        terms = []
        for p in row.pieces:
            if p.arg != arg:
                continue
            wide = '(int64_t)' if arg in row.aset.wide else ''
            get = 'sbits' if p.kind == 's' else 'ubits'
            term = f'{get}(insn, {p.pos}, {p.width})'
            if p.kind == 'r':
                term = f'{1 << p.width} - {term}'
            if p.shift:
                term = f'{wide}{term} * {hex(1 << p.shift) if p.shift > 4 else 1 << p.shift}'
            terms.append(term)
        if row.consts.get(arg) or not terms:
            terms.append(str(row.consts[arg]))
        return ' + '.join(terms)

    def take(self, row):
        p = self.prefix
        out = [f'/* {row.where}: {row.text} */',
               f'static bool take{row.index}_{row.name}(struct DisasContext *s, uint32_t insn)',
               '{']
        if row.feature:
            out += [f'    if (!{p}_has_feature(s, {self.up}_FEAT_{row.feature})) {{',
                    '        return false;', '    }']
        out.append(f'    const struct {p}_{row.aset.name} a = {{')
        out += [f'        .{f} = {self.argument(row, f)},' for f in row.aset.fields]
        if not row.aset.fields:
            out.append('        .unused = 0,')
        out += ['    };', f'    return {p}_trans_{row.name}(s, &a);', '}\n']
        return '\n'.join(out)

    def tests(self, row, known):
        """The C condition that is left for this row when the bits `known` are decided."""
        rest = row.mask & ~known
        terms = []
        if rest:
            terms.append(f'(insn & 0x{rest:08x}) == 0x{row.value & rest:08x}')
        terms += [f'(insn & 0x{m:08x}) != 0x{v:08x}' for m, v in row.nots]
        return terms

    def leaf(self, node, pad):
        out = []
        for row in node.rows:
            call = f'return take{row.index}_{row.name}(s, insn);'
            terms = self.tests(row, node.known)
            if terms:
                cond = f' &&\n{pad}    '.join(terms)
                out += [f'{pad}if ({cond}) {{', f'{pad}    {call} /* {row.where} */', f'{pad}}}']
            else:
                out += [f'{pad}{call} /* {row.where} */']
                return out
        return out + [f'{pad}return false;']

    def body(self, node, depth):
        pad = '    ' * depth
        if not node.mask:
            return self.leaf(node, pad)
        low = (node.mask & -node.mask).bit_length() - 1
        run = node.mask >> low
        dense = not run & (run + 1)
        out = [f'{pad}switch ((insn >> {low}) & 0x{run:x}) {{' if dense
               else f'{pad}switch (insn & 0x{node.mask:08x}) {{']
        for value, child in node.children.items():
            if not child.rows:
                continue
            label = f'0x{value >> low:x}' if dense else f'0x{value:08x}'
            out.append(f'{pad}case {label}:')
            if len(child.rows) > 12 or (child.mask and depth > 3):
                fn = f'decode_{len(self.helpers)}'
                self.helpers.append(None)
                slot = len(self.helpers) - 1
                names = [r.name for r in child.rows]
                about = f'/* {names[0]} ... {names[-1]}: {len(names)} patterns */\n'
                self.helpers[slot] = '\n'.join(
                    [about + f'static bool {fn}(struct DisasContext *s, uint32_t insn)', '{'] +
                    self.body(child, 1) + ['}\n'])
                self.order.append(slot)
                out.append(f'{pad}    return {fn}(s, insn);')
            else:
                out += self.body(child, depth + 1)
        out += [f'{pad}default:', f'{pad}    return false;', f'{pad}}}']
        return out

    def decoder(self, header):
        out = [self.banner('The decoder.'), f'#include "{header}"\n',
               'static inline int32_t ubits(uint32_t insn, unsigned pos, unsigned len)', '{',
               '    return (int32_t)((insn >> pos) & ((UINT32_C(1) << len) - 1));', '}\n']
        if any(p.kind == 's' for r in self.spec.rows for p in r.pieces):
            out += ['static inline int32_t sbits(uint32_t insn, unsigned pos, unsigned len)', '{',
                    '    return (int32_t)(insn << (32 - pos - len)) >> (32 - len);', '}\n']
        out += [self.take(r) for r in self.spec.rows]
        self.helpers, self.order = [], []
        top = self.body(build_tree(self.spec.rows), 1)
        out += [self.helpers[i] for i in self.order]
        out += [f'bool {self.prefix}_decode(struct DisasContext *s, uint32_t insn)', '{']
        return '\n'.join(out + top + ['}']) + '\n'

    def table_header(self):
        p, out = self.prefix, [self.banner('The patterns as a table, for tests and tools.')]
        guard = f'{self.up}_TABLE_GENERATED_H'
        out += [f'#ifndef {guard}\n#define {guard}\n', '#include <stdint.h>\n',
                f'enum {self.camel}Op {{']
        out += [f'    {self.up}_OP_{n},' for n in self.spec.names()]
        nots = max([len(r.nots) for r in self.spec.rows] + [1])
        out += [f'    {self.up}_OP_COUNT', '};\n',
                '/* One line of the specification. */',
                f'struct {self.camel}Row {{',
                f'    enum {self.camel}Op op;',
                '    uint32_t mask, value;',
                '    struct { uint32_t mask, value; } nots[%d]; /* unused ones have mask 0 */' % nots,
                '    const char *name, *chapter, *feature, *set; /* feature may be null */',
                '    int line;', '};\n',
                f'extern const struct {self.camel}Row {p}_rows[{len(self.spec.rows)}];',
                f'extern const unsigned {p}_row_count;\n', '#endif']
        return '\n'.join(out) + '\n'

    def table(self, header):
        p, out = self.prefix, [self.banner('The patterns as a table, for tests and tools.')]
        out += [f'#include "{header}"\n',
                f'const struct {self.camel}Row {p}_rows[{len(self.spec.rows)}] = {{']
        for r in self.spec.rows:
            nots = ', '.join(f'{{ 0x{m:08x}, 0x{v:08x} }}' for m, v in r.nots) or '{ 0, 0 }'
            feat = f'"{r.feature}"' if r.feature else '0'
            out.append(f'    {{ {self.up}_OP_{r.name}, 0x{r.mask:08x}, 0x{r.value:08x}, '
                       f'{{ {nots} }}, "{r.name}", "{r.chapter}", {feat}, '
                       f'"{r.aset.name}", {r.line} }},')
        out += ['};\n', f'const unsigned {p}_row_count = {len(self.spec.rows)};']
        return '\n'.join(out) + '\n'

    def stubs(self, header):
        """Weak functions, so that a program links while translate functions are missing."""
        out = [self.banner('Stand-ins for translate functions that do not exist yet.'),
               f'#include "{header}"\n']
        weak = '__attribute__((weak)) '
        out += [f'{weak}bool {self.prefix}_has_feature(const struct DisasContext *s,',
                f'    enum {self.camel}Feature feature)', '{', '    return true;', '}\n']
        for n in self.spec.names():
            out += [f'{weak}{self.prototype(n)}', '{', '    return false;', '}\n']
        return '\n'.join(out)

    def recorder(self, header, table_header):
        """Functions that note the pattern and its arguments, for the decoder's tests."""
        p, out = self.prefix, [self.banner('Notes what was decoded, for tests.'),
                               f'#include "{header}"', f'#include "{table_header}"',
                               '#include "tests/decode/recorder.h"\n']
        out += [f'bool {p}_has_feature(const struct DisasContext *s, '
                f'enum {self.camel}Feature feature)', '{', '    return true;', '}\n']
        for n, rows in self.spec.names().items():
            out += [self.prototype(n), '{', f'    s->op = {self.up}_OP_{n};']
            out += [f'    s->args[{i}] = a->{f};' for i, f in enumerate(rows[0].aset.fields)]
            out += ['    return true;', '}\n']
        return '\n'.join(out)


def to_json(spec):
    rows = [{
        'name': r.name, 'chapter': r.chapter, 'feature': r.feature, 'line': r.line,
        'set': r.aset.name, 'mask': r.mask, 'value': r.value, 'nots': r.nots,
        'consts': r.consts,
        'pieces': [{'key': p.key, 'arg': p.arg, 'pos': p.pos, 'width': p.width,
                    'shift': p.shift, 'kind': p.kind} for p in r.pieces],
    } for r in spec.rows]
    return {'rows': rows, 'sets': {s.name: s.fields for s in spec.sets.values()}}


def coverage(spec):
    lines = []
    by_chapter = OrderedDict()
    for name, rows in spec.names().items():
        by_chapter.setdefault(rows[0].chapter, []).append(name)
    for chapter, names in by_chapter.items():
        nrows = sum(1 for r in spec.rows if r.chapter == chapter)
        lines.append(f'{chapter}: {len(names)} instructions in {nrows} lines')
    lines.append(f'total: {len(spec.names())} instructions in {len(spec.rows)} lines')
    return '\n'.join(lines)


def write(path, text):
    """Leave the file alone if nothing changed, so that nothing is rebuilt."""
    if os.path.exists(path):
        with open(path, encoding='utf-8') as fh:
            if fh.read() == text:
                return
    with open(path, 'w', encoding='utf-8') as fh:
        fh.write(text)


def main(argv=None):
    ap = argparse.ArgumentParser(description='Generate a decoder from its specification.')
    ap.add_argument('--prefix', default='a64')
    ap.add_argument('--out-c')
    ap.add_argument('--out-h')
    ap.add_argument('--out-table-c')
    ap.add_argument('--out-table-h')
    ap.add_argument('--stubs', help='C file of weak translate functions that return false')
    ap.add_argument('--recorder', help='C file of translate functions for the decoder tests')
    ap.add_argument('--json', help='the table as JSON (- for standard output)')
    ap.add_argument('--coverage', action='store_true', help='count instructions by file')
    ap.add_argument('files', nargs='+')
    opt = ap.parse_args(argv)
    try:
        spec = load(opt.files)
    except SpecError as e:
        print(e, file=sys.stderr)
        return 1
    em = Emitter(spec, opt.prefix, opt.files)
    head = os.path.basename(opt.out_h or f'{opt.prefix}_decode.h')
    table_head = os.path.basename(opt.out_table_h or f'{opt.prefix}_table.h')
    jobs = [(opt.out_h, em.header), (opt.out_c, lambda: em.decoder(head)),
            (opt.out_table_h, em.table_header), (opt.out_table_c, lambda: em.table(table_head)),
            (opt.stubs, lambda: em.stubs(head)),
            (opt.recorder, lambda: em.recorder(head, table_head))]
    for path, make in jobs:
        if path:
            write(path, make())
    if opt.json:
        text = json.dumps(to_json(spec), indent=1)
        print(text) if opt.json == '-' else write(opt.json, text)
    if opt.coverage:
        print(coverage(spec))
    return 0


if __name__ == '__main__':
    sys.exit(main())
