# SPDX-License-Identifier: MIT
"""The parts of scripts/bench that run nothing: what it measures, sums, tables, the chart, the
monitor's answers."""

import os
import re
import sys
import unittest
import xml.dom.minidom

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'scripts', 'lib'))

import benchablation  # noqa: E402
import benchbuffer  # noqa: E402
import benchchart  # noqa: E402
import benchinput  # noqa: E402
import benchjit  # noqa: E402
import benchmemory  # noqa: E402
import benchprofile  # noqa: E402
import benchrun  # noqa: E402
import benchset  # noqa: E402
import benchstats  # noqa: E402
from cache import GuestError  # noqa: E402


def seconds(**names):
    """Seconds of two pairs: ours, the peer's, the host's."""
    return {who: {name: times[i] for name, times in names.items() if times[i]}
            for i, who in enumerate(('dragoman', 'peer', 'host'))}


class Set(unittest.TestCase):
    """The tables agree with each other and with the programs."""

    def test_every_group_has_members_and_every_member_a_group(self):
        self.assertEqual({b.group for b in benchset.BENCHMARKS},
                         {group.name for group in benchset.GROUPS})

    def test_names_are_unique(self):
        for things in (benchset.BENCHMARKS, benchset.GROUPS):
            names = [thing.name for thing in things]
            self.assertEqual(len(names), len(set(names)))

    def test_programs_have_what_is_asked_of_them(self):
        for b in benchset.BENCHMARKS:
            if not b.command:
                continue
            program = benchset.PROGRAMS[b.command[0]]
            with open(os.path.join(TOP, 'tests', 'perf', program.source)) as handle:
                text = handle.read()
            if b.command[0] not in ('pi', 'timed'):
                self.assertEqual(b.command[1:], (b.name,))
                self.assertIn(f'{{"{b.name}", bench_', text)

    def test_a_command_fits_on_the_kernel_command_line(self):
        for b in benchset.BENCHMARKS:
            self.assertNotRegex(''.join(b.command), '[:, =]')

    def test_choosing(self):
        self.assertEqual([b.name for b in benchset.choose(['pi', 'boot'])], ['boot', 'pi'])
        self.assertEqual([b.name for b in benchset.choose(['short'])], ['boot', 'pi'])
        self.assertEqual([b.name for b in benchset.choose(['kernel', 'sort'])],
                         ['sort', 'syscalls', 'forkexec', 'pagefaults'])
        with self.assertRaises(KeyError):
            benchset.choose(['boot', 'nonsense'])

    def test_batches_have_one_guest_each(self):
        batches = benchset.batches(benchset.choose(['boot', 'threads', 'kernel']))
        self.assertEqual([[b.name for b in batch] for batch in batches], [
            ['boot'], ['syscalls', 'forkexec', 'pagefaults'], ['threads1', 'locks1'],
            ['threads2', 'locks2'], ['threads4', 'locks4']])


class Ablation(unittest.TestCase):
    HELP = ('tcg: translation\n  backend=\n  tier2=\n'
            '  no-folding               - without the rules\n'
            '  no-dead                  - without removal\n')

    def test_switches_are_those_of_the_engine_and_the_second_tier(self):
        self.assertEqual(benchablation.parse_switches(self.HELP),
                         ['no-folding', 'no-dead', 'tier2=off'])

    def test_choosing(self):
        known = benchablation.parse_switches(self.HELP)
        self.assertEqual(benchablation.choose_switches(known, None), known)
        self.assertEqual(benchablation.choose_switches(known, 'no-dead'), ['no-dead'])
        with self.assertRaises(GuestError):
            benchablation.choose_switches(known, 'no-nonsense')

    def test_variants_keep_the_engine_that_was_asked_for(self):
        made = benchablation.variants(benchrun.Emulator('d', 'tcg,thread=single'), ['no-dead'])
        self.assertEqual([e.accel for e in made.values()],
                         ['tcg,thread=single', 'tcg,thread=single,no-dead'])

    def test_the_default_is_run_around_every_few(self):
        order = benchablation.sequence([f'no-{n}' for n in range(benchablation.BETWEEN + 1)])
        self.assertEqual([n for n, who in enumerate(order) if who == 'default'],
                         [0, benchablation.BETWEEN + 1, len(order) - 1])

    def test_times_are_compared_with_those_around(self):
        order = ['default', 'no-a', 'default', 'no-b', 'default']
        figures = [{'sort': value} for value in (1, 4, 3, None, 6)]
        self.assertEqual(list(benchablation.compare(order, figures)), [
            (benchablation.NOISE, {'sort': 3}), ('no-a', {'sort': 2}),
            (benchablation.NOISE, {'sort': 2}), ('no-b', {'sort': None})])

    def test_groups_are_summed_up_by_round(self):
        found = {'no-dead': [{'sort': 2, 'hash': 2}, {'sort': 1, 'hash': 4},
                             {'sort': None, 'hash': 1}]}
        chosen = benchset.choose(['sort', 'hash'])
        summary = benchablation.summarise(found, chosen)
        self.assertEqual(summary, {'no-dead': {'integer': (2, 2, 2)}})
        text = '\n'.join(benchablation.lines(summary, 2, 'dragoman', chosen))
        self.assertRegex(text, r'no-dead +2\.000 +2\.00-2\.00')

    def test_few_guests(self):
        guests = benchset.apart(benchset.choose(['boot', 'integer', 'kernel']))
        self.assertEqual([len(guest) for guest in guests], [1, 13])


class Statistics(unittest.TestCase):
    def test_geometric_mean(self):
        self.assertAlmostEqual(benchstats.geometric_mean([2, 8]), 4)

    def test_ratios_are_made_within_a_pair(self):
        times = seconds(sort=([1, 4, 2], [3, 4, 4], [0.5, 0.5, 1]))
        row, = benchstats.summarise(times, benchset.choose(['sort']), {})
        self.assertEqual((row['faster'], row['faster_low'], row['faster_high']), (2, 1, 3))
        self.assertEqual((row['times_host'], row['peer_times_host']), (2, 6))
        self.assertEqual((row['dragoman'], row['peer'], row['host']), (2, 4, 0.5))

    def test_runs_that_failed_are_left_out(self):
        times = seconds(sort=([1, None, 2], [3, 4, 4], [0.5, 0.5, None]),
                        hash=([1, 1, 1], [3, 3, 3], [1, 1, 1]),
                        mix=([None] * 3, [1] * 3, [1] * 3))
        rows = benchstats.summarise(times, benchset.choose(['sort', 'hash', 'mix']), {})
        self.assertEqual([(row['name'], row['faster'], row['times_host']) for row in rows],
                         [('sort', 2.5, 2), ('hash', 3, 1)])
        group, = benchstats.summarise_groups(times, rows)
        self.assertEqual(group['benchmarks'], ['sort', 'hash'])
        self.assertAlmostEqual(group['faster_low'], 6 ** 0.5)

    def test_what_the_host_lacks_is_left_blank(self):
        times = seconds(sha1=([1], [2], None))
        row, = benchstats.summarise(times, benchset.choose(['sha1']), {'sha1': 'SHA'})
        self.assertNotIn('host', row)
        text = '\n'.join(benchstats.row_lines([row]))
        self.assertIn('the host lacks SHA', text)

    def test_groups_are_geometric_means_of_each_pair(self):
        times = seconds(sort=([1, 1], [2, 4], [1, 1]), hash=([1, 1], [8, 4], [0.25, 0.25]),
                        pi=([1, 1], [3, 3], [1, 1]))
        rows = benchstats.summarise(times, benchset.choose(['sort', 'hash', 'pi']), {})
        fft, integer = benchstats.summarise_groups(times, rows)
        self.assertEqual((fft['name'], integer['name']), ('fft', 'integer'))
        self.assertAlmostEqual(integer['faster'], 4)
        self.assertAlmostEqual(integer['faster_low'], 4)
        self.assertAlmostEqual(integer['times_host'], 2)
        self.assertEqual(integer['benchmarks'], ['sort', 'hash'])
        self.assertEqual((integer['least'], integer['aim']), (2, 3))
        _, integer = benchstats.summarise_groups(times, rows, against_qemu=False)
        self.assertEqual((integer['least'], integer['aim']), (None, None))

    def test_scaling_compares_with_one_processor(self):
        times = seconds(threads1=([4, 6], [8, 8], [2, 2]), threads2=([2, 3], [8, 4], [1, 1]))
        row, = benchstats.summarise_scaling(times)
        self.assertEqual(row['dragoman'], (2, 2, 2))
        self.assertEqual(row['peer'], (1.5, 1, 2))
        self.assertEqual((row['processors'], row['least']), (2, 1.9))
        self.assertEqual(benchstats.summarise_scaling(seconds(threads2=([1], [1], [1]))), [])

    def test_verdicts(self):
        self.assertEqual([benchstats.verdict(value, 2, 3) for value in (1.99, 2, 3)],
                         ['SHORT', 'ok', 'aim'])
        self.assertEqual(benchstats.verdict(1, None, None), '')


def report():
    times = seconds(boot=([1, 1], [2, 2.5], None), pi=([1, 1], [0.5, 0.6], [1, 1]))
    chosen = benchset.choose(['short'])
    rows = benchstats.summarise(times, chosen, {})
    return {'dragoman': 'build/dragoman', 'peer': 'peer <&>', 'pairs': 2, 'rows': rows,
            'took_seconds': 61,
            'host': {'processor': 'one', 'count': 2, 'load': 1.0},
            'groups': benchstats.summarise_groups(times, rows),
            'scaling': benchstats.summarise_scaling(times)}


class Output(unittest.TestCase):
    def test_table(self):
        text = '\n'.join(benchstats.table(report()))
        self.assertRegex(text, r'(?m)^boot +1\.000 +2\.250 +2\.25 +2\.00-2\.50$')
        self.assertRegex(text, r'(?m)^boot to power-off +2\.25 +2\.00-2\.50 +1\.30 +2\.00 aim$')
        self.assertRegex(text, r'(?m)^double-precision FFT +0\.55 .* SHORT ')
        self.assertNotIn('one vCPU', text)
        self.assertIn('Medians of 2 pair(s), 1:01 minutes.', text)

    def test_chart_stands_alone(self):
        text = benchchart.chart(report())
        xml.dom.minidom.parseString(text)
        self.assertEqual(re.findall(r'href|url\(|<image|<script', text), [])
        self.assertIn('peer &lt;&amp;&gt;', text)

    def test_chart_tells_how_processors_scale(self):
        times = seconds(threads1=([4], [8], [2]), threads2=([2], [5], [1]))
        text = benchchart.chart(dict(report(), scaling=benchstats.summarise_scaling(times)))
        self.assertIn('threads, 2 vCPUs: 2.00 times as fast as one (peer 1.60, native 2.00)', text)

    def test_scale_is_logarithmic_and_holds_everything(self):
        scale = benchchart.Scale([0.7, 35])
        self.assertEqual((scale.low, scale.high), (0.5, 50))
        self.assertAlmostEqual(scale.at(10) - scale.at(5), scale.at(2) - scale.at(1))
        self.assertEqual(scale.at(1000), scale.at(50))


class Answers(unittest.TestCase):
    """Wrong results are no figures."""

    def collect(self, text, names, checks=None):
        chosen = benchset.choose(names)
        return (checks or benchrun.Checks(chosen)).collect(text, chosen, 'someone')

    def test_lines_of_programs(self):
        text = ('begin sort\nbench sort 0.250000 00000000000000ab\n'
                'bench sha1 lacks SHA\ndragoman: bench finished with status 0')
        self.assertEqual(self.collect(text, ['sort', 'sha1']),
                         ({'sort': 0.25}, {'sha1': 'SHA'}, []))

    def test_missing(self):
        seconds, _, problems = self.collect('bench sort 1.0 00000000000000ab', ['sort', 'hash'])
        self.assertEqual(seconds, {'sort': 1})
        self.assertRegex(problems[0], 'someone did not report hash: ')

    def test_wrong(self):
        checks = benchrun.Checks(benchset.choose(['sort', 'hash']))
        self.collect('bench sort 1.0 00000000000000ab', ['sort'], checks)
        seconds, _, problems = self.collect(
            'bench sort 1.0 00000000000000ac\nbench hash 2.0 0000000000000001', ['sort', 'hash'],
            checks)
        self.assertEqual(seconds, {'hash': 2})
        self.assertEqual(len(problems), 1)
        self.assertRegex(problems[0], 'someone computes sort wrongly')

    def test_digits_of_pi(self):
        value = 0xcbf29ce484222325
        for digit in b'314159265358979323846264338327950288419716':
            value = ((value ^ digit) * 0x100000001b3) & (2 ** 64 - 1)
        self.assertEqual(benchrun.pi_checksum(41), f'{value:016x}')

    def test_inputs_are_always_the_same(self):
        self.assertEqual(benchinput.make_text(500), benchinput.make_text(500))


FIRST_TIER = '''Translator (x86-64 code):
  units translated                                            55441
  guest instructions                                         494937
  guest bytes                                               1979748
  host bytes                                               27209942
  time translating, microseconds                            1041192
%s  units invalidated                                            8641
CPU 0, exits from translated code by reason:
  request (interrupt, kick, pause)                              355
CPU 0, caches:
  TLB bank misses                                               100
CPU 1, caches:
  TLB bank misses                                                20
Profile (on): 357 samples, 39.8%% of them in translated code
%s  about 1.5 million indirect branches, 88.78%% found
Hottest units, by time:
    8.1%% 0xffffbd3064471010  25 insns  mpihelp_submul_1+0x30
'''
REGIONS = '''  regions translated (second tier)                              70
    blocks                                                      300
    guest instructions                                         5000
    host bytes                                               100000
    time, microseconds                                        20000
    given up                                                      3
'''


class InfoJit(unittest.TestCase):
    def test_one_tier(self):
        jit = benchjit.parse(FIRST_TIER % ('', ''))
        self.assertEqual(jit, {'units': 55441, 'insns': 494937, 'host_bytes': 27209942,
                               'translate_us': 1041192, 'invalidated': 8641, 'samples': 357,
                               'translated': 39.8, 'tlb_misses': 120, 'indirect': 1.5e6,
                               'indirect_found': 88.78})
        row = benchjit.figures(jit, 2.0)
        self.assertAlmostEqual(row['host_bytes_per_insn'], 54.98, 2)
        self.assertAlmostEqual(row['insns_per_second'], 475356, 0)
        self.assertAlmostEqual(row['share_translating'], 52.06, 2)
        self.assertEqual((row['share_tier1'], row['share_tier2']), (39.8, None))
        self.assertEqual(row['tier2_insns'], None)

    def test_second_tier_by_indentation(self):
        jit = benchjit.parse(FIRST_TIER % (REGIONS, ''))
        self.assertEqual((jit['units'], jit['tier2_units']), (55441, 70))
        self.assertEqual((jit['insns'], jit['tier2_insns']), (494937, 5000))
        self.assertEqual((jit['translate_us'], jit['tier2_translate_us']), (1041192, 20000))
        self.assertEqual(jit['tier2_host_bytes'], 100000)

    def test_second_tier_by_name(self):
        rows = ('  tier 2: units translated      9\n  tier 2: guest instructions      90\n')
        jit = benchjit.parse(FIRST_TIER % (rows, ''))
        self.assertEqual((jit['insns'], jit['tier2_units'], jit['tier2_insns']), (494937, 9, 90))

    def test_what_came_before_is_taken_off(self):
        before = benchjit.parse(FIRST_TIER % ('', ''))
        after = dict(before, insns=before['insns'] + 10, translated=50.0, tier2_insns=7)
        jit = benchjit.since(before, after)
        self.assertEqual((jit['insns'], jit['host_bytes'], jit['tier2_insns'], jit['translated']),
                         (10, 0, 7, 50.0))

    def test_shares(self):
        for line in ('  tier 1: 10.5%, tier 2: 29.3%\n', '  10.5% in tier 1, 29.3% in tier 2\n',
                     '  29.3% of them in the second tier\n'):
            jit = benchjit.parse(FIRST_TIER % ('', line))
            self.assertEqual(jit['tier2'], 29.3, line)
            self.assertAlmostEqual(jit['tier1'], 10.5, msg=line)

    def test_table(self):
        rows = [('boot', benchjit.figures(benchjit.parse(FIRST_TIER % (
            REGIONS, '  tier 1: 10%, tier 2: 29.8%\n')), 2.0))]
        text = '\n'.join(benchjit.lines(rows))
        self.assertIn(['boot', '494937', '475356', '55.0', '2.00', '53.1', '10.0', '29.8', '60.2'],
                      [line.split() for line in text.split('\n')])
        self.assertRegex(text, r'(?m)^  tier 2 +5000 +250000 +20\.0$')


SMAPS = '''7f85fdf32000-7f861df32000 rw-s 00000000 00:01 108454      /memfd:ram (deleted)
Rss:               60504 kB
Pss:               60504 kB
7f85c73ff000-7f85d73ff000 rw-s 00000000 00:01 108459      /dev/zero (deleted)
Rss:               28200 kB
Pss:               14100 kB
559db9200000-559dc9200000 r-xs 00000000 00:01 108459      /dev/zero (deleted)
Pss:               14100 kB
7f85c6529000-7f85c6bfe000 rw-p 00000000 00:00 0 
Pss:                6996 kB
559dcd136000-559dcd222000 r-xp 0001d000 fe:00 10971680    /usr/bin/dragoman
Pss:                 944 kB
'''


class Memory(unittest.TestCase):
    def test_the_guests_is_told_from_the_emulators(self):
        self.assertEqual(benchmemory.parse(SMAPS), {
            'guest': 60504, 'code': 28200, 'files': 944, 'total': 28200 + 6996 + 944})

    def test_limits(self):
        sums = {'total': 151 << 10, 'code': 0, 'files': 0, 'guest': 1}
        text = '\n'.join(benchmemory.lines([('boot', 150, {'dragoman': sums}),
                                            ('debian', 400, {'dragoman': sums, 'peer': sums})]))
        self.assertRegex(text, r'(?m)^boot +151\.0 .* 150 OVER ')
        self.assertRegex(text, r'(?m)^debian +151\.0 .* 400 ok .* 151\.0 ')


class CodeBuffer(unittest.TestCase):
    def test_small_over_large(self):
        times = {'small': {'perl': [3, 4], 'awk': [1, 1]}, 'large': {'perl': [2, 2], 'awk': [1, 1]}}
        chosen = benchset.choose(['perl', 'awk'])
        summary = benchbuffer.summarise(times, chosen)
        self.assertEqual(summary['perl'], (1.75, 1.5, 2))
        self.assertAlmostEqual(summary['(interpreters)'][2], 2 ** 0.5)
        text = '\n'.join(benchbuffer.lines(summary, times, {}, 2))
        self.assertRegex(text, r'(?m)^perl +1\.750 +1\.50-2\.00')


class Profile(unittest.TestCase):
    REPORT = (' 50.00%  |[JIT] tid 12      |[.] guest 0x401298\n'
              ' 20.00%  |perf-12.map        |[.] guest 0xffffa39db2670000\n'
              ' 10.00%  |[JIT] tid 12       |[.] do_swap+0x3c\n'
              '  8.00%  |dragoman           |[.] unit_find\n'
              '  7.00%  |[kernel.kallsyms]  |[k] clear_page_erms\n'
              '  5.00%  |libc.so.6          |[.] memset\n')

    def test_kinds(self):
        shares, rows = benchprofile.parse(self.REPORT, 'dragoman')
        self.assertEqual(shares, {'user': 50, 'kernel': 30, 'emulator': 8, 'libraries': 5,
                                  'host': 7})
        self.assertEqual(rows[2], (8.0, 'emulator', 'unit_find'))
        self.assertEqual(benchprofile.by_folder(rows, {'unit_find': 'accel/tcg'}), {'accel/tcg': 8})


if __name__ == '__main__':
    unittest.main()
