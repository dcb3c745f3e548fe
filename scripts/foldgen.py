#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn tcg/opt/fold.rules (grammar there) into C: one function for each opcode that has rules,
which tries them in order, and a table of these functions.

    foldgen.py --out F fold.rules opcodes.def
"""
import argparse
import os
import re
import sys

import irgen

TOKEN = re.compile(r'\s*(=>|#\{|[A-Za-z_$][A-Za-z_0-9]*|#?-?\d+|#|[][(){},.=!]|\S)')


class RuleError(Exception):
    pass


class Node:
    """op.type[sub](args){imm}; or a variable ('var'), or a constant ('const')."""

    def __init__(self, kind, name):
        self.kind, self.name = kind, name
        self.type = self.sub = self.imm = None
        self.args = []


class Reader:
    """Recursive descent over one side of a rule."""

    def __init__(self, text, ops):
        self.text, self.pos, self.ops = text, 0, ops

    def peek(self):
        m = TOKEN.match(self.text, self.pos)
        return m[1] if m else ''

    def take(self, want=None):
        m = TOKEN.match(self.text, self.pos)
        if not m or (want and m[1] != want):
            raise RuleError(f'expected {want or "more"} at "{self.text[self.pos:]}"')
        self.pos = m.end()
        return m[1]

    def until(self, close):
        """Raw C text up to the bracket that closes, brackets inside balanced."""
        depth, start = 0, self.pos
        while self.pos < len(self.text):
            c = self.text[self.pos]
            if depth == 0 and c == close:
                self.pos += 1
                return self.text[start:self.pos - 1].strip()
            depth += (c in '([{') - (c in ')]}')
            self.pos += 1
        raise RuleError(f'no closing {close}')

    def constant(self):
        token = self.take()
        if token == '#{':
            return Node('const', '=' + self.until('}'))
        if token == '#':
            return Node('const', '$' + self.take())
        return Node('const', token[1:])

    def node(self):
        if self.peek().startswith('#'):
            return self.constant()
        name = self.take()
        if name not in self.ops or not self.text[self.pos:self.pos + 1] in ('.', '[', '('):
            return Node('var', name)
        node = Node('op', name)
        if self.peek() == '.':
            self.take()
            node.type = self.take()
        if self.peek() == '[':
            self.take()
            node.sub = self.until(']')
        self.take('(')
        while self.peek() != ')':
            node.args.append(self.node())
            if self.peek() == ',':
                self.take()
        self.take(')')
        if self.peek() == '{':
            self.take()
            node.imm = self.until('}')
        if len(node.args) != len(self.ops[name].args):
            raise RuleError(f'{name} has {len(self.ops[name].args)} operands')
        return node


class Rule:
    def __init__(self, where, line, ops):
        self.where, self.text, self.ops = where, line, ops
        m = re.fullmatch(r'(.+?)\s*=>\s*(.+?)(?:\s+if\s+(.+))?', line)
        if not m:
            raise RuleError('want PATTERN => REPLACEMENT [if CONDITION]')
        self.pattern = Reader(m[1], ops).node()
        self.replacement = Reader(m[2], ops).node()
        self.condition = m[3]


def sub_word(op, word):
    """A word of the text form as a C constant."""
    return ('IR_COND_' if op.sub == 'cond' else 'IR_') + word.upper()


class Matcher:
    """Emits the nested ifs of one rule."""

    def __init__(self, rule, number, ops):
        self.rule, self.number, self.ops = rule, number, ops
        self.lines, self.depth, self.bound, self.nodes = [], 1, {}, 0
        self.types = {'T': 'i->type'}

    def put(self, line):
        self.lines.append('    ' * self.depth + line)

    def test(self, condition):
        self.put(f'if ({condition}) {{')
        self.depth += 1

    def bind(self, name, ctype, value):
        """A variable of the rule: declared at first sight, compared afterwards."""
        if re.fullmatch(r'[fiT]|[ner]\d+', name):
            raise RuleError(f'{name} is taken')
        if name in self.bound:
            self.test(f'{name} == {value}')
            return
        self.bound[name] = ctype
        self.put(f'{ctype} {name} = {value};')
        self.put(f'(void){name};')

    # -- patterns

    def arg_type(self, op, k, ttype):
        kind = op.args[k]
        return ttype if kind == 'T' else f'IR_{kind.upper()}'

    def match_arg(self, node, ref, ctype):
        if node.kind == 'var':
            self.bind(node.name, 'IrRef', ref)
        elif node.kind == 'const' and node.name.startswith('$'):
            self.test(f'ir_is_const({ref})')
            self.bind(node.name[1:], 'uint64_t', f'fold_value(f, {ref})')
        elif node.kind == 'const':
            self.test(f'fold_is(f, {ref}, {ctype}, {node.name})')
        else:
            self.nodes += 1
            n = f'n{self.nodes}'
            self.put(f'const IrInsn *{n} = fold_def(f, {ref});')
            self.test(f'{n} && {n}->op == {self.ops[node.name].enum}')
            self.match_op(node, n)

    def match_op(self, node, n):
        op = self.ops[node.name]
        if op.types == 'none' or (n == 'i' and node.type is None):
            ttype = 'i->type'
        elif node.type in (None, 'T'):
            self.test(f'{n}->type == T')
            ttype = 'T'
        elif node.type in irgen.FIXED:
            self.test(f'{n}->type == IR_{node.type.upper()}')
            ttype = f'IR_{node.type.upper()}'
        else:
            self.bind(node.type, 'IrType', f'{n}->type')
            ttype = node.type
        if node.sub and node.sub.startswith('$'):
            self.bind(node.sub[1:], 'unsigned', f'{n}->sub')
        elif node.sub:
            self.test(f'{n}->sub == {sub_word(op, node.sub)}')
        elif op.sub != '-':
            raise RuleError(f'{op.name} needs its [sub]')
        if node.imm:
            self.bind(node.imm, 'uint64_t', f'{n}->imm')
        elif op.imm not in ('-', 'disp'):
            raise RuleError(f'{op.name} needs its {{imm}}')
        for k, arg in enumerate(node.args):
            self.match_arg(arg, f'{n}->arg[{k}]', self.arg_type(op, k, ttype))

    # -- replacements

    def const_text(self, node, ctype):
        text = node.name
        value = text[1:] if text[0] in '=$' else text
        return f'fold_const(f, {ctype}, {value})'

    def result_text(self, op, ttype):
        return ttype if op.result == 'T' else f'IR_{op.result.upper()}'

    def build(self, node, ctype):
        """C text of the IrRef that stands for `node`."""
        if node.kind == 'var':
            return node.name
        if node.kind == 'const':
            return self.const_text(node, ctype)
        self.nodes += 1
        insn = f'e{self.nodes}'
        self.build_op(node, f'IrInsn {insn}', False)
        return f'fold_emit(f, &{insn})'

    def build_op(self, node, target, root):
        op = self.ops[node.name]
        if op.types == 'none':
            ttype = 'IR_VOID'
        elif node.type in irgen.FIXED:
            ttype = f'IR_{node.type.upper()}'
        else:
            ttype = node.type or 'T'
        args = [self.build(a, self.arg_type(op, k, ttype)) for k, a in enumerate(node.args)]
        sub = '0'
        if node.sub:
            sub = (node.sub[1:] if node.sub[0] in '=$' else
                   f'({node.sub[2:]} ^ 1)' if node.sub.startswith('!$') else
                   sub_word(op, node.sub))
        elif op.sub != '-':
            raise RuleError(f'{op.name} needs its [sub]')
        fields = [f'.op = {op.enum}', f'.type = {ttype}', f'.sub = {sub}',
                  f'.imm = {node.imm or 0}']
        if root and op.result != '-':
            fields.append('.dst = i->dst')
        # operands are computed first: they may emit instructions
        names = []
        for a in args:
            if a.startswith('fold_emit'):
                self.nodes += 1
                self.put(f'IrRef r{self.nodes} = {a};')
                a = f'r{self.nodes}'
            names.append(a)
        if names:
            fields.append(f'.arg = {{ {", ".join(names)} }}')
        self.put(f'{target} = ({"IrInsn"}){{ {", ".join(fields)} }};')

    def emit(self):
        rule, root = self.rule, self.rule.pattern
        op = self.ops[root.name]
        self.put(f'/* {rule.where}: {rule.text} */')
        self.put('{')
        self.depth += 1
        start = self.depth
        if op.types != 'none':
            self.put('const IrType T = i->type;')
            self.put('(void)T;')
        self.match_op(root, 'i')
        if rule.condition:
            self.test(rule.condition)
        if any(a.kind == 'op' for a in rule.replacement.args):
            self.test('fold_may_emit(f)')
        self.put(f'fold_hit(f, {self.number});')
        r = rule.replacement
        if r.kind == 'op':
            self.build_op(r, '*i', True)
            self.put('return FOLD_INSN;')
        else:
            self.put(f'f->result = {self.build(r, self.result_text(op, "i->type"))};')
            self.put('return FOLD_REF;')
        while self.depth > start:
            self.depth -= 1
            self.put('}')
        self.depth -= 1
        self.put('}')
        return self.lines


def parse(path, ops):
    rules = []
    for number, line in enumerate(open(path, encoding='utf-8'), 1):
        line = line.strip()
        if not line or re.match(r'#($|\s|#)', line):
            continue
        where = f'{os.path.basename(path)}:{number}'
        try:
            rules.append(Rule(where, line, ops))
            if rules[-1].pattern.kind != 'op':
                raise RuleError('a pattern starts with an opcode')
        except RuleError as e:
            raise RuleError(f'{where}: {e}') from e
    return rules


def generate(rules, ops):
    out = ['/* Generated by scripts/foldgen.py from tcg/opt/fold.rules. */\n',
           '#include "tcg/opt/fold.h"\n\n']
    by_op = {}
    for number, rule in enumerate(rules):
        by_op.setdefault(rule.pattern.name, []).append((number, rule))
    for name, list_ in by_op.items():
        out.append(f'static FoldResult fold_{name}(Fold *f, IrInsn *i)\n{{\n')
        for number, rule in list_:
            try:
                out.append('\n'.join(Matcher(rule, number, ops).emit()) + '\n')
            except RuleError as e:
                raise RuleError(f'{rule.where}: {e}') from e
        out.append('    return FOLD_NONE;\n}\n\n')
    out.append('FoldFn *const fold_rules[IR_OP_COUNT] = {\n')
    out += [f'    [{ops[n].enum}] = fold_{n},\n' for n in by_op]
    out.append('};\n\nconst char *const fold_rule_texts[] = {\n')
    for rule in rules:
        text = rule.text.replace('\\', '\\\\').replace('"', '\\"')
        out.append(f'    "{rule.where}: {text}",\n')
    out.append(f'    NULL,\n}};\nconst unsigned fold_rule_count = {len(rules)};\n')
    return ''.join(out)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--out', required=True)
    ap.add_argument('rules')
    ap.add_argument('table')
    a = ap.parse_args()
    try:
        ops = {op.name: op for op in irgen.parse(a.table)}
        text = generate(parse(a.rules, ops), ops)
    except (RuleError, irgen.TableError) as e:
        sys.exit(f'foldgen: {e}')
    with open(a.out, 'w', encoding='utf-8') as f:
        f.write(text)


if __name__ == '__main__':
    main()
