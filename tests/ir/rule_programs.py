#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write IR programs (text form) that consist of the patterns of tcg/opt/fold.rules with random
types, operands and constants: for irfuzz --run, which checks that folding changes nothing and
that every rule is used by some program.

    rule_programs.py --out F [--seed N] [--count PER_RULE] fold.rules opcodes.def
"""
import argparse
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'scripts'))
import foldgen  # noqa: E402
import irgen  # noqa: E402

CC = 'eq ne lt ge le gt ltu geu leu gtu tsteq tstne'.split()
COND = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le al'.split()
GLOBALS = {'i64': [f'x{n}' for n in range(1, 8)], 'i32': [f'w{n}' for n in range(4)],
           'f64': ['d0', 'd1', 'd2'], 'f32': ['s0', 's1', 's2'], 'v128': ['v1', 'v2', 'v3']}
SINK = {'i64': 'x0', 'i32': 'w0', 'f64': 'd3', 'f32': 's3', 'v128': 'v0'}
WIDTH = {'i32': 32, 'i64': 64}
FLAG_MAKERS = {'nzcv_adc', 'nzcv_sbc', 'nzcv_add', 'nzcv_sub', 'nzcv_and', 'nzcv_pack'}
NUMBERS = [0, 0, 1, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 63, 64, 0xff, 0x100, 0x8001, 0xffff,
           0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1 << 62, 1 << 63, (1 << 63) - 1,
           (1 << 64) - 1, (1 << 64) - 2, 0xffffffff00000000, 0x4101, 0xc001, 0x100, 0x8100]


class Program:
    """One instance of a rule's pattern."""

    def __init__(self, rule, ops, rng):
        self.rule, self.ops, self.rng = rule, ops, rng
        self.lines, self.values, self.names, self.next = [], {}, {}, 1

    def emit(self, text, result):
        if not result:
            self.lines.append(text)
            return None
        ref = f'%{self.next}'
        self.next += 1
        self.lines.append(f'{ref} = {text}')
        return ref

    def number(self, ctype):
        v = self.rng.choice(NUMBERS + [self.rng.getrandbits(64), self.rng.randrange(64)])
        return v & ((1 << WIDTH.get(ctype, 64)) - 1)

    def variable(self, name, ctype):
        """The operand for a variable: mostly a global, sometimes a load or a narrow value."""
        if name in self.values:
            return self.values[name]
        rng = self.rng
        if ctype in WIDTH and rng.random() < 0.15:
            ref = self.emit(f'and.{ctype} {self.get(ctype)}, {self.number(ctype):#x}', True)
        elif ctype == 'i32' and rng.random() < 0.1:
            ref = self.emit(f'setc.i64.ltu {self.get("i64")}, {self.number("i64"):#x}', True)
        elif ctype == 'v128' and rng.random() < 0.2:
            ref = self.emit(f'vzext.v128 {self.get("f64")}', True)
        elif ctype == 'v128' and rng.random() < 0.2:
            ref = self.emit(f'vfadd.v128.s {self.get("v128")}, {self.get("v128")}, 2', True)
        else:
            ref = self.get(ctype)
        self.values[name] = ref
        return ref

    def get(self, ctype):
        return self.emit(f'get.{ctype} @{self.rng.choice(GLOBALS[ctype])}', True)

    def constant(self, name, ctype):
        if name.startswith('$'):
            if name not in self.values:
                self.values[name] = self.number(ctype)
            v = self.values[name]
        else:
            v = int(name) & ((1 << WIDTH.get(ctype, 64)) - 1)
        return f'{v:#x}'

    def pick(self, key, choices):
        if key not in self.names:
            self.names[key] = self.rng.choice(choices)
        return self.names[key]

    def type_of(self, node, op):
        if op.types == 'none':
            return None
        choices = [t.lower() for t in irgen.TYPE_SETS[op.types]]
        if node.type in irgen.FIXED:
            if node is self.rule.pattern:
                self.names['T'] = node.type
            return node.type
        # T of the whole pattern must suit the integer opcodes that share it
        if node.type in (None, 'T') and self.needs_int(self.rule.pattern):
            choices = ['i32', 'i64']
        return self.pick(node.type or 'T', choices)

    def needs_int(self, node):
        if node.kind != 'op':
            return False
        op = self.ops[node.name]
        mine = op.types == 'int' and node.type in (None, 'T')
        return mine or any(self.needs_int(a) for a in node.args)

    def sub(self, node, op, ctype):
        rng = self.rng
        if op.sub in ('cc', 'cond'):
            words = CC if op.sub == 'cc' else COND
            return self.pick(node.sub, words) if node.sub.startswith('$') else node.sub
        sizes = {'i32': [8, 16, 32], 'i64': [8, 16, 32, 64], 'f32': [32], 'f64': [64],
                 'v128': [64, 128]}[ctype]
        return self.pick(node.sub, [str(rng.choice(sizes))])

    def imm(self, op, node, ctype):
        rng, bits = self.rng, WIDTH.get(ctype, 0)
        if op.imm == 'poslen':
            pos = rng.choice([0, 0, 0, 8, rng.randrange(bits)])
            length = rng.choice([1, 8, 16, 32, 32, bits - pos, rng.randrange(1, bits - pos + 1)])
            return f'{pos}:{max(1, min(length, bits - pos))}'
        if op.imm == 'targets':
            return rng.choice(['b1, b2', 'b1, b2', 'b1, b2', 'b1, b1'])
        if op.imm == 'lsb':
            return str(rng.choice([0, rng.randrange(bits)]))
        if op.imm == 'disp':
            return str(rng.choice([0, 8, 64]))
        if op.imm == 'bytes':
            return str(rng.choice([0, rng.randrange(16)]))
        if op.imm == '-':
            return None
        raise ValueError(op.imm)

    def arg_type(self, op, k, ctype, node):
        kind = op.args[k]
        if kind == 'T':
            return ctype
        if kind == 'X':
            return self.pick('X', ['i32', 'i64', 'f32', 'f64']) if node.kind == 'var' else None
        return kind

    def node(self, node):
        """Emit an instruction; returns (ref, type of the result)."""
        op = self.ops[node.name]
        ctype = self.type_of(node, op)
        args = []
        for k, a in enumerate(node.args):
            if op.imm == 'disp' and k == 0:
                args.append(self.address(a))
            elif a.kind == 'op':
                args.append(self.node(a)[0])
            elif a.kind == 'const':
                args.append(self.constant(a.name, self.arg_type(op, k, ctype, a)))
            else:
                args.append(self.variable(a.name, self.arg_type(op, k, ctype, a)))
        text = node.name
        if ctype:
            text += f'.{ctype}'
        if op.sub != '-':
            text += f'.{self.sub(node, op, ctype)}'
        imm = self.imm(op, node, ctype)
        text += ' ' + ', '.join(args + ([imm] if imm else []))
        result = ctype if op.result == 'T' else op.result if op.result != '-' else None
        return self.emit(text, result), result

    def address(self, node):
        """add or sub of something and a constant that lies in the memory of the rig."""
        a = self.rng.choice([0, 8, 24, 0x7fffffff + 1, 256])
        base = self.emit(f'and.i64 {self.get("i64")}, 0xff8', True)
        start = 0x10100 - a if node.name == 'add' else 0x10100 + a
        how = self.rng.choice(['add', 'or'])
        if node.kind == 'var':
            return self.emit(f'or.i64 {base}, 0x10100', True)
        x = self.emit(f'{how}.i64 {base}, {start & (1 << 64) - 1:#x}', True)
        return self.emit(f'{node.name}.i64 {x}, {a:#x}', True)

    def text(self):
        ref, result = self.node(self.rule.pattern)
        op = self.ops[self.rule.pattern.name]
        out = ['unit pc=0x4000 bytes=0 insns=0 nan=arm', f'# {self.rule.where}', 'b0:',
               'insn_start 0x4000']
        out += self.lines
        if op.effects == 'end':
            out += ['b1:', 'set.i64 @x0, 1', 'exit.wfi', 'b2:', 'set.i64 @x0, 2', 'exit.wfi']
        else:
            if result:
                sink = 'nzcv' if self.rule.pattern.name in FLAG_MAKERS else SINK[result]
                out.append(f'set.{result} @{sink}, {ref}')
            out.append('exit_pc 0x5000')
        return '\n'.join(out) + '\n'


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--out', required=True)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--count', type=int, default=60)
    ap.add_argument('rules')
    ap.add_argument('table')
    a = ap.parse_args()
    ops = {op.name: op for op in irgen.parse(a.table)}
    rng = random.Random(a.seed)
    with open(a.out, 'w', encoding='utf-8') as f:
        for rule in foldgen.parse(a.rules, ops):
            for _ in range(a.count):
                f.write(Program(rule, ops, rng).text())


if __name__ == '__main__':
    main()
