# SPDX-License-Identifier: MIT
"""Sums up what scripts/bench measured.  Nothing here runs anything.

Seconds come as {who: {name: [of pair 0, of pair 1, ...]}} with the keys `dragoman`, `peer`, `host`;
None stands for a run that failed.  A ratio is made within a pair; what counts is the median of the
pairs' ratios, with their range.
"""

import math
import statistics

from benchset import GROUPS, SCALED, SCALING_AIM, SCALING_LEAST


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def spread(values):
    """Median, lowest and highest."""
    return statistics.median(values), min(values), max(values)


def ratios_by_pair(above, below):
    """None where one of both failed."""
    return [a / b if a and b else None for a, b in zip(above, below)]


def known(values):
    return [value for value in values if value is not None]


def ratios(above, below):
    """Of each pair that has both."""
    return known(ratios_by_pair(above, below))


def summarise(seconds, benchmarks, lacks):
    """One dictionary a benchmark; `lacks` tells what the host cannot run, by name."""
    rows = []
    for b in benchmarks:
        ours, theirs = seconds['dragoman'][b.name], seconds['peer'][b.name]
        host = seconds['host'].get(b.name, [])
        if not ratios(theirs, ours):
            continue
        faster, low, high = spread(ratios(theirs, ours))
        row = {'name': b.name, 'group': b.group, 'dragoman': statistics.median(known(ours)),
               'peer': statistics.median(known(theirs)),
               'faster': faster, 'faster_low': low, 'faster_high': high}
        if ratios(ours, host) and ratios(theirs, host):
            row['host'] = statistics.median(known(host))
            row['times_host'] = statistics.median(ratios(ours, host))
            row['peer_times_host'] = statistics.median(ratios(theirs, host))
        elif b.name in lacks:
            row['host_lacks'] = lacks[b.name]
        rows.append(row)
    return rows


def group_ratios(above, below, names):
    """Geometric means over `names`, of each pair that has them all."""
    by_pair = zip(*(ratios_by_pair(above[name], below[name]) for name in names))
    return [geometric_mean(pair) for pair in by_pair if None not in pair]


def summarise_groups(seconds, rows, against_qemu=True):
    """One dictionary a group: geometric means over its benchmarks, pair by pair.

    What is wanted of a group is wanted against QEMU, not against another peer.
    """
    groups = []
    for group in GROUPS:
        members = [row for row in rows if row['group'] == group.name]
        names = [row['name'] for row in members]
        pairs = group_ratios(seconds['peer'], seconds['dragoman'], names)
        if not pairs:
            continue
        faster, low, high = spread(pairs)
        summary = {'name': group.name, 'title': group.title, 'benchmarks': names,
                   'faster': faster, 'faster_low': low, 'faster_high': high,
                   'least': group.least if against_qemu else None,
                   'aim': group.aim if against_qemu else None, 'native_aim': group.native_aim}
        native = [row for row in members if 'times_host' in row]
        if native:
            summary['times_host'] = geometric_mean([row['times_host'] for row in native])
            summary['peer_times_host'] = geometric_mean([row['peer_times_host']
                                                         for row in native])
        groups.append(summary)
    return groups


def summarise_scaling(seconds):
    """How many times as fast several vCPUs are as one, in the same pair; for each who has both."""
    rows = []
    for kind, count in SCALED:
        row = {'kind': kind, 'processors': count}
        if (kind, count) == ('threads', 2):
            row.update(least=SCALING_LEAST, aim=SCALING_AIM)
        for who, times in seconds.items():
            values = ratios(times.get(f'{kind}1', []), times.get(f'{kind}{count}', []))
            if values:
                row[who] = spread(values)
        if 'dragoman' in row:
            rows.append(row)
    return rows


def verdict(value, least, aim):
    """How a figure stands to what is wanted of it."""
    if least is None:
        return ''
    return 'aim' if value >= aim else 'ok' if value >= least else 'SHORT'


def minutes(seconds):
    return f'{seconds // 60}:{seconds % 60:02} minutes'


# --- as text ------------------------------------------------------------------------------------

def _number(value, width, digits=2):
    return f'{value:{width}.{digits}f}' if value is not None else ' ' * width


def _range(low, high):
    return f'{low:6.2f}-{high:<6.2f}'


def _native(row):
    return (f'{_number(row.get("host"), 9, 3)} {_number(row.get("times_host"), 7)} '
            f'{_number(row.get("peer_times_host"), 7)}')


def row_lines(rows):
    yield (f'{"":12} {"dragoman s":>10} {"peer s":>9} {"faster":>7} {"range":^13} '
           f'{"native s":>9} {"x nat.":>7} {"peer x":>7}')
    group = None
    for row in rows:
        if group is not None and row['group'] != group:
            yield ''
        group = row['group']
        line = (f'{row["name"]:12} {row["dragoman"]:10.3f} {row["peer"]:9.3f} '
                f'{row["faster"]:7.2f} {_range(row["faster_low"], row["faster_high"])} '
                f'{_native(row)}')
        if 'host_lacks' in row:
            line = f'{line.rstrip()}   (the host lacks {row["host_lacks"]})'
        yield line.rstrip()


def group_lines(groups):
    yield (f'{"geometric means":38} {"faster":>7} {"range":^13} {"least":>6} {"aim":>6} {"":5} '
           f'{"x nat.":>7} {"aim":>6} {"peer x":>7}')
    for group in groups:
        yield (f'{group["title"]:38} {group["faster"]:7.2f} '
               f'{_range(group["faster_low"], group["faster_high"])} '
               f'{_number(group["least"], 6)} {_number(group["aim"], 6)} '
               f'{verdict(group["faster"], group["least"], group["aim"]):5} '
               f'{_number(group.get("times_host"), 7)} {_number(group["native_aim"], 6)} '
               f'{_number(group.get("peer_times_host"), 7)}').rstrip()


def scaling_lines(rows):
    yield f'{"times as fast as one vCPU":38} {"dragoman":>20} {"peer":>20} {"native":>20}'
    for row in rows:
        cells = ''
        for who in ('dragoman', 'peer', 'host'):
            middle, low, high = row.get(who, (None, 0, 0))
            cells += ' ' * 21 if middle is None else f' {middle:6.2f} {_range(low, high)}'
        line = f'{row["kind"] + ", " + str(row["processors"]) + " vCPUs":38}{cells}'
        if 'least' in row:
            line += (f' least {row["least"]}, aim {row["aim"]} '
                     f'{verdict(row["dragoman"][0], row["least"], row["aim"])}')
        yield line.rstrip()


def table(report):
    """The whole report as text."""
    host = report['host']
    yield (f'Medians of {report["pairs"]} pair(s), {minutes(report["took_seconds"])}.  '
           f'dragoman: {report["dragoman"]}')
    yield (f'peer: {report["peer"]}.  "faster": the peer\'s time over ours, with its range; '
           '"x nat.": our time over the host\'s.')
    yield (f'host: {host["processor"]}, {host["count"]} processor(s); load average {host["load"]} '
           '(about 1 is this script\'s own)')
    yield ''
    yield from row_lines(report['rows'])
    yield ''
    yield from group_lines(report['groups'])
    if report['scaling']:
        yield ''
        yield from scaling_lines(report['scaling'])
