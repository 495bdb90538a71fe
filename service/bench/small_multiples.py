"""Small charts beside and below each other, each a line over a few places."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from service.bench.scale import round_step

_WIDTH: Final = 240
_HEIGHT: Final = 210
#: Around the plot of a panel: for the values, the title, the places with their unit.
_LEFT: Final = 56
_RIGHT: Final = 14
_TOP: Final = 34
_BOTTOM: Final = 50
_MARGIN: Final = 12
_STEPS: Final = 4
_DOT: Final = 3.5
_LINE: Final = "#1f77b4"


class Panel(NamedTuple):
    """Values at a few places, on a scale of their own that begins at nothing.

    Attributes:
        title: What is shown, and in which unit.
        across: What the places are, and in which unit.
        values: By place, in order; places are evenly apart, whatever they are called.
    """

    title: str
    across: str
    values: Sequence[tuple[str, float]]


def small_multiples(rows: Sequence[Sequence[Panel]]) -> str:
    """An SVG image, readable on light and dark pages; a dot has its value as its title."""
    width = 2 * _MARGIN + _WIDTH * max(map(len, rows))
    height = 2 * _MARGIN + _HEIGHT * len(rows)
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11" fill="#222"><rect width="{width}" height="{height}" rx="6" fill="white"/>'
    )
    panels = [
        _drawn(panel, _MARGIN + _WIDTH * column, _MARGIN + _HEIGHT * row)
        for row, line in enumerate(rows)
        for column, panel in enumerate(line)
    ]
    return "".join([frame, *panels, "</svg>"])


def _drawn(panel: Panel, left: int, top: int) -> str:
    values = [value for _, value in panel.values]
    step = round_step(max(values) or 1, _STEPS)
    steps = max(1, math.ceil(max(values) / step))
    begin, end = left + _LEFT, left + _WIDTH - _RIGHT
    bottom = top + _HEIGHT - _BOTTOM
    apart = (end - begin) / len(values)

    def across(place: int) -> float:
        return begin + apart * (place + 0.5)

    def down(value: float) -> float:
        return bottom - (bottom - top - _TOP) * value / (steps * step)

    middle = f'x="{(begin + end) / 2:g}" text-anchor="middle"'
    parts = [
        f'<text {middle} y="{top + 16}" font-weight="bold">{escape(panel.title)}</text>',
        f'<text {middle} y="{bottom + 36}">{escape(panel.across)}</text>',
    ]
    for mark in range(steps + 1):
        y = down(mark * step)
        parts.append(
            f'<path d="M{begin} {y:.1f}H{end}" stroke="#ddd"/>'
            f'<text x="{begin - 6}" y="{y + 4:.1f}" text-anchor="end">{mark * step:,g}</text>'
        )
    points = " ".join(f"{across(place):.1f},{down(value):.1f}" for place, value in enumerate(values))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>')
    for place, (name, value) in enumerate(panel.values):
        x = f"{across(place):.1f}"
        parts.append(
            f'<text x="{x}" y="{bottom + 17}" text-anchor="middle">{escape(name)}</text>'
            f'<circle cx="{x}" cy="{down(value):.1f}" r="{_DOT}" fill="{_LINE}">'
            f"<title>{value:,.0f}</title></circle>"
        )
    return "".join(parts)
