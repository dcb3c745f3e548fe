# SPDX-License-Identifier: MIT
"""What each optimisation of the translator is worth: the same guest without each in turn.

The engine's own list (-accel tcg,help) says which there are; tier2=off joins them.  A figure is the
time without it over the time with all, made within a round, in which every variant has its turn.
"""

import re
import statistics
import subprocess

from benchrun import Emulator
from benchstats import geometric_mean, ratios
from cache import GuestError

DEFAULT = 'default'
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


def summarise(seconds, benchmarks):
    """By switch and group: median, lowest and highest of the rounds' times over the default's."""
    groups = {}
    for b in benchmarks:
        groups.setdefault(b.group, []).append(b.name)
    result = {}
    for switch in seconds:
        if switch == DEFAULT:
            continue
        for group, names in groups.items():
            rounds = [geometric_mean(values) for values in zip(
                *(ratios(seconds[switch][name], seconds[DEFAULT][name]) for name in names))]
            result.setdefault(switch, {})[group] = (statistics.median(rounds), min(rounds),
                                                    max(rounds))
    return result


def lines(summary, rounds, emulator):
    """The table: times as long without each."""
    groups = list(next(iter(summary.values()), {}))
    yield f'Times as long without each; medians of {rounds} round(s), with their range. {emulator}'
    yield ''
    yield f'{"":24}' + ''.join(f'{group:>20}' for group in groups)
    for switch, row in summary.items():
        cells = (f'{middle:7.3f} {low:5.2f}-{high:<5.2f}' for middle, low, high in row.values())
        yield f'{switch:24}' + ''.join(f'{cell:>20}' for cell in cells)
