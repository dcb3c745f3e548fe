# SPDX-License-Identifier: MIT
"""The chart of scripts/bench --svg: a bar a benchmark, how many times as fast as the peer, on a
logarithmic scale, with the range of the pairs.  One file without references to others."""

import math
from html import escape

LEFT, WIDTH, RIGHT = 130, 620, 160
ROW, BAR, HEAD, TOP = 20, 12, 30, 84
TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
FAST, SLOW, INK, FAINT, AIM = '#86b4e0', '#e6a08c', '#222222', '#d8d8d8', '#2c8a4b'

STYLE = (f'text {{ font: 12px "DejaVu Sans", Verdana, sans-serif; fill: {INK}; }} '
         '.title { font-size: 16px; font-weight: bold; } .head { font-weight: bold; } '
         '.small { font-size: 11px; fill: #555555; }')


class Scale:
    """Times to pixels."""

    def __init__(self, values):
        self.low = max(tick for tick in TICKS if tick <= min(min(values), 1) or tick == TICKS[0])
        self.high = min(tick for tick in TICKS if tick >= max(max(values), 2) or tick == TICKS[-1])

    def at(self, value):
        value = min(max(value, self.low), self.high)
        return LEFT + WIDTH * math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self):
        return [tick for tick in TICKS if self.low <= tick <= self.high]


def _text(x, y, text, anchor='start', style=''):
    kind = f' class="{style}"' if style else ''
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'


def _line(x1, y1, x2, y2, colour, width=1.0, dash=''):
    pattern = f' stroke-dasharray="{dash}"' if dash else ''
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"{pattern}/>')


def _bar(scale, row, y):
    """A bar from 1 to the median, the range across it, and the figures."""
    one, end = scale.at(1), scale.at(row['faster'])
    middle = y + ROW / 2
    colour = FAST if row['faster'] >= 1 else SLOW
    yield _text(LEFT - 8, middle + 4, row['name'], 'end')
    yield (f'<rect x="{min(one, end):.1f}" y="{middle - BAR / 2:.1f}" '
           f'width="{abs(end - one):.1f}" height="{BAR}" fill="{colour}"/>')
    low, high = scale.at(row['faster_low']), scale.at(row['faster_high'])
    yield _line(low, middle, high, middle, INK, 1.5)
    for x in (low, high):
        yield _line(x, middle - 4, x, middle + 4, INK, 1.5)
    text = f'{row["faster"]:.2f}'
    if 'times_host' in row:
        text += f'  ({row["times_host"]:.1f} x native)'
    yield _text(LEFT + WIDTH + 8, middle + 4, text)


def _group(scale, group, rows, y):
    mean = f'{group["title"]}: {group["faster"]:.2f}'
    if group['least'] is not None:
        mean += f' (at least {group["least"]:g}, aim {group["aim"]:g})'
    yield _text(LEFT, y + HEAD - 8, mean, style='head')
    bottom = y + HEAD + ROW * len(rows)
    for number, row in enumerate(rows):
        yield from _bar(scale, row, y + HEAD + ROW * number)
    if group['least'] is not None:
        for value, dash in ((group['least'], '4 3'), (group['aim'], '')):
            x = scale.at(value)
            yield _line(x, y + HEAD, x, bottom, AIM, 1.5, dash)


def _scaling_texts(scaling):
    """How several vCPUs stand to one, as lines below the bars."""
    for row in scaling:
        others = ', '.join(f'{name} {row[who][0]:.2f}' for who, name in
                           (('peer', 'peer'), ('host', 'native')) if who in row)
        yield (f'{row["kind"]}, {row["processors"]} vCPUs: {row["dragoman"][0]:.2f} times as fast '
               f'as one ({others})')


def chart(report):
    """The report as the text of an SVG file."""
    rows, groups = report['rows'], report['groups']
    scale = Scale([value for row in rows for value in (row['faster_low'], row['faster_high'])])
    bottom = TOP + sum(HEAD + ROW * len(group['benchmarks']) for group in groups)
    below = list(_scaling_texts(report['scaling']))
    width, height = LEFT + WIDTH + RIGHT, bottom + 40 + 18 * len(below)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}">', f'<style>{STYLE}</style>',
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
             _text(20, 26, f'Times as fast as {report["peer"]}', style='title'),
             _text(20, 46, f'{report["dragoman"]}; medians of {report["pairs"]} pair(s), black: '
                   'their range; in brackets: times as slow as the host itself', style='small'),
             _text(20, 62, 'green: at least (dashed) and aim, for the geometric mean of a group',
                   style='small')]
    for tick in scale.ticks():
        x = scale.at(tick)
        parts.append(_line(x, TOP, x, bottom + 6, INK if tick == 1 else FAINT))
        parts.append(_text(x, bottom + 22, f'{tick:g}', 'middle'))
    parts += [_text(LEFT, bottom + 46 + 18 * number, text) for number, text in enumerate(below)]
    y = TOP
    for group in groups:
        members = [row for row in rows if row['group'] == group['name']]
        parts += _group(scale, group, members, y)
        y += HEAD + ROW * len(members)
    return '\n'.join(parts + ['</svg>', ''])
