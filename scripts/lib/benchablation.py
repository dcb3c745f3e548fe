# SPDX-License-Identifier: MIT
"""What each optimisation of the translator is worth: the same guest without each in turn.

The engine's own list (-accel tcg,help) says which there are; tier2=off joins them.  One guest runs
all programs, so that it is booted once for each variant.  In a round every variant has its turn,
and every few of them the guest with everything, before, between and after: a figure is the time
without over the mean of the times with everything before and after it.  How much these differ from
each other is shown first: what is less is noise.
"""

import re
import subprocess

from benchrun import Emulator
from benchset import apart
from benchstats import geometric_mean, known, spread
from cache import GuestError

DEFAULT = 'default'
NOISE = '(everything)'
BETWEEN = 6     # variants between two guests with everything
SECOND_TIER = 'tier2=off'
OPTION = re.compile(r'^ +(no-[a-z0-9-]+) +- ', re.M)


def parse_switches(text):
    """What leaves something out, from the engine's list of options."""
    return OPTION.findall(text) + [SECOND_TIER]


def list_switches(emulator):
    try:
        answer = subprocess.run([emulator.path, '-accel', 'tcg,help'], stdout=subprocess.PIPE,
                                text=True)
    except OSError as error:
        raise GuestError(f'cannot run {emulator.path}: {error.strerror}') from error
    return parse_switches(answer.stdout)


def choose_switches(known, wanted):
    """Those of a comma-separated list; all without one."""
    chosen = wanted.split(',') if wanted else known
    for name in chosen:
        if name not in known:
            raise GuestError(f'no switch is called "{name}"; there are {", ".join(known)}')
    return chosen


def variants(emulator, switches):
    """{name: Emulator}, the one with everything first."""
    accel = emulator.accel or 'tcg'
    return {DEFAULT: emulator,
            **{switch: Emulator(emulator.path, f'{accel},{switch}') for switch in switches}}


def sequence(switches):
    """The variants of a round, the default before, between and after."""
    order = []
    for at in range(0, len(switches), BETWEEN):
        order += [DEFAULT] + switches[at:at + BETWEEN]
    return order + [DEFAULT]


def compare(order, figures):
    """A round: what ran, and its {name: seconds or None}.  Yields (variant, {name: ratio or None}).

    The default itself is compared with that before it, as NOISE.
    """
    at = [n for n, who in enumerate(order) if who == DEFAULT]
    for before, after in zip(at, at[1:]):
        yield NOISE, {name: figures[after][name] / value
                      if value and figures[after][name] else None
                      for name, value in figures[before].items()}
        for n in range(before + 1, after):
            ratios = {}
            for name, value in figures[n].items():
                around = known([figures[before][name], figures[after][name]])
                ratios[name] = value * len(around) / sum(around) if value and around else None
            yield order[n], ratios


def run(run_, benchmarks, rounds, note):
    """{switch: [{name: ratio or None} of round 0, ...]}; `note` is called with it after each
    guest."""
    switches = [who for who in run_.emulators if who != DEFAULT]
    found = {who: [] for who in [NOISE, *switches]}
    for number in range(rounds):
        order = sequence(switches if number % 2 == 0 else switches[::-1])
        figures = []
        for who in order:
            stage = f'round {number + 1} of {rounds}'
            figures.append({})
            for batch in apart(benchmarks):
                run_.rig.progress.begin(stage, who)
                figures[-1].update(run_.measure(who, batch, f'{stage}, {who}'))
            note(found)
        for who, ratios in compare(order, figures):
            found[who].append(ratios)
        note(found)
    run_.rig.progress.clear()
    return found


def summarise(found, benchmarks):
    """By switch and group: median, lowest and highest of the rounds' geometric means."""
    groups = {}
    for b in benchmarks:
        groups.setdefault(b.group, []).append(b.name)
    result = {}
    for switch, rounds in found.items():
        for group, names in groups.items():
            means = [geometric_mean(values) for values in
                     ([ratios[name] for name in names] for ratios in rounds) if None not in values]
            if means:
                result.setdefault(switch, {})[group] = spread(means)
    return result


def lines(summary, rounds, emulator, benchmarks):
    """The table: times as long without each."""
    groups = list(dict.fromkeys(b.group for b in benchmarks))
    yield f'Times as long without each; medians of {rounds} round(s), with their range. {emulator}'
    yield ''
    yield f'{"":24}' + ''.join(f'{group:>20}' for group in groups)
    for switch, row in summary.items():
        text = f'{switch:24}'
        for group in groups:
            middle, low, high = row.get(group, (0, 0, 0))
            cell = f'{middle:7.3f} {low:5.2f}-{high:<5.2f}' if middle else '-'
            text += f'{cell:>20}'
        yield text.rstrip()
