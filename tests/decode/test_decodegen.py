#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The decoder generator: what it accepts, what it refuses, and that the tree finds each row."""
import os
import random
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import decodegen  # noqa: E402


def parse(text):
    spec = decodegen.Spec()
    decodegen.parse_file(spec, 't.decode', text)
    decodegen.check(spec)
    return spec


SET = '&r rd x\n'


class Accepts(unittest.TestCase):
    def one(self, line):
        return parse(SET + line).rows[0]

    def test_fixed_bits_and_fields(self):
        row = self.one('A &r 1010 x:3 ' + '0' * 20 + ' rd:5')
        self.assertEqual(row.mask, 0xf1ffffe0)
        self.assertEqual(row.value, 0xa0000000)
        self.assertEqual(row.args(0xac000011), {'rd': 17, 'x': 6})

    def test_signed_field(self):
        row = self.one('A &r x:s8 ' + '0' * 19 + ' rd:5')
        self.assertEqual(row.args(0xff000000)['x'], -1)

    def test_reverse_field(self):
        row = self.one('A &r x:r6 ' + '0' * 21 + ' rd:5')
        self.assertEqual(row.args(0)['x'], 64)
        self.assertEqual(row.args(63 << 26)['x'], 1)

    def test_pieces(self):
        row = self.one('A &r x.0:2 ' + '0' * 10 + ' x.2:s15 rd:5')
        self.assertEqual(row.args(0xc0000000 | 0x7fff << 5)['x'], -1)
        self.assertEqual(row.args(1 << 30 | 1 << 5)['x'], 5)

    def test_scaled_piece(self):
        row = self.one('A &r x.3:7 ' + '0' * 20 + ' rd:5')
        self.assertEqual(row.args(1 << 25)['x'], 8)

    def test_constant_joins_piece(self):
        row = self.one('A &r x.0:1 ' + '0' * 26 + ' rd:5 x=2')
        self.assertEqual(row.args(1 << 31)['x'], 3)

    def test_dont_care_bits(self):
        row = self.one('A &r ---- x:3 ' + '0' * 20 + ' rd:5')
        self.assertEqual(row.mask >> 28, 0)

    def test_conditions(self):
        row = self.one('A &r x:3 ' + '0' * 24 + ' rd:5  if x!=11- & rd==1----')
        self.assertTrue(row.matches(0x20000010))
        self.assertFalse(row.matches(0x20000000))
        self.assertFalse(row.matches(0xc0000010))

    def test_condition_over_two_fields(self):
        row = self.one('A &r x:1 ' + '0' * 26 + ' rd:5  if x:rd!=01----')
        self.assertFalse(row.matches(0x10))
        self.assertTrue(row.matches(0x80000010))

    def test_wide_argument(self):
        spec = parse(SET + 'A &r x.20:s19 ' + '0' * 8 + ' rd:5')
        self.assertEqual(spec.sets['r'].wide, {'x'})

    def test_several_lines_of_one_instruction(self):
        spec = parse(SET + 'A &r 0 x:3 ' + '0' * 23 + ' rd:5\nA &r 1 x:3 ' + '0' * 23 + ' rd:5')
        self.assertEqual(len(spec.names()), 1)

    def test_feature(self):
        spec = parse(SET + '%feature F\nA &r 0 x:3 ' + '0' * 23 + ' rd:5\n%feature\n'
                     'B &r 1 x:3 ' + '0' * 23 + ' rd:5')
        self.assertEqual([r.feature for r in spec.rows], ['F', None])


class Refuses(unittest.TestCase):
    def refuse(self, text, why):
        with self.assertRaisesRegex(decodegen.SpecError, why):
            parse(SET + text)

    def test_wrong_width(self):
        self.refuse('A &r 0 x:3 rd:5', 'add up to 9, not 32')
        self.refuse('A &r x:3 rd:5 ' + '0' * 25, 'add up to 33, not 32')

    def test_unknown_field_and_set(self):
        self.refuse('A &r y:27 rd:5', 'not in the argument set')
        self.refuse('A &q x:27 rd:5', 'unknown argument set')

    def test_argument_without_value(self):
        self.refuse('A &r ' + '0' * 27 + ' rd:5', '`x` gets no value')

    def test_overlapping_pieces(self):
        self.refuse('A &r x.0:3 x.2:4 ' + '0' * 20 + ' rd:5', 'overlap')
        self.refuse('A &r x.0:3 ' + '0' * 24 + ' rd:5 x=1', 'overlap')

    def test_signed_piece_below(self):
        self.refuse('A &r x.0:s3 x.3:4 ' + '0' * 20 + ' rd:5', 'top piece')

    def test_empty_condition(self):
        self.refuse('A &r x:1 ' + '0' * 26 + ' rd:5 if x!=0 & x!=1', 'exclude every word')

    def test_condition_of_wrong_width(self):
        self.refuse('A &r x:2 ' + '0' * 25 + ' rd:5 if x==0', 'has 2 bits')

    def test_overlap(self):
        self.refuse('A &r 0 x:3 ' + '0' * 23 + ' rd:5\nB &r 00 x:2 ' + '0' * 23 + ' rd:5',
                    'B overlaps A')

    def test_overlap_left_by_conditions(self):
        self.refuse('A &r x:2 ' + '0' * 25 + ' rd:5 if x!=00\nB &r 0- x:2 ' + '0' * 23 +
                    ' rd:5', 'B overlaps A')

    def test_different_sets_of_one_instruction(self):
        self.refuse('&q rd x\nA &r 0 x:3 ' + '0' * 23 + ' rd:5\nA &q 1 x:3 ' + '0' * 23 + ' rd:5',
                    'uses &q here')

    def test_redeclared_set(self):
        self.refuse('&r x', 'declared differently')


class Disjoint(unittest.TestCase):
    def test_conditions_separate(self):
        parse(SET + 'A &r x:2 ' + '0' * 25 + ' rd:5 if x!=00\nB &r 00 ' + '0' * 25 + ' rd:5 x=0')

    def test_satisfiable_needs_both_exclusions(self):
        # two bits: not 00, not 11, not 01 leaves 10; excluding that too leaves nothing
        nots = [(3, 0), (3, 3), (3, 1)]
        self.assertTrue(decodegen.satisfiable(0, 0, nots))
        self.assertFalse(decodegen.satisfiable(0, 0, nots + [(3, 2)]))
        self.assertFalse(decodegen.satisfiable(1, 1, nots))


class Tree(unittest.TestCase):
    """The tree must lead every word to the row that matches it."""

    def walk(self, node, word):
        while node.mask:
            node = node.children.get(word & node.mask)
            if node is None:
                return None
        return next((r for r in node.rows if r.matches(word)), None)

    def test_random_words_of_the_real_specification(self):
        folder = os.path.join(ROOT, 'target/arm/decode')
        files = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith('.decode')]
        spec = decodegen.load(files)
        tree = decodegen.build_tree(spec.rows)
        rng = random.Random(7)
        for row in spec.rows:
            for _ in range(5):
                word = (rng.getrandbits(32) & ~row.mask) | row.value
                want = row if row.matches(word) else \
                    next((r for r in spec.rows if r.matches(word)), None)
                self.assertIs(self.walk(tree, word), want)


if __name__ == '__main__':
    unittest.main()
