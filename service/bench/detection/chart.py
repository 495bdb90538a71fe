"""Values by group as an image: a dot for each contender."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from service.bench.scale import round_step

_WIDTH: Final = 860
_LEFT: Final = 170
_RIGHT: Final = 40
_PLOT: Final = _WIDTH - _LEFT - _RIGHT
_ROW: Final = 26
#: Above a panel's rows, for its title, and below them, for its scale.
_TITLE: Final = 46
_SCALE: Final = 30
#: For the names of the contenders, above all panels.
_NAMES: Final = 40
_NAME_WIDTH: Final = 160
_DOT: Final = 4
#: Between the dots of one row, so that equal values do not hide each other.
_APART: Final = 4
_COLOURS: Final = ("#1f77b4", "#2ca02c", "#9467bd", "#d62728", "#ff7f0e", "#8c564b", "#e377c2", "#7f7f7f")


class Panel(NamedTuple):
    """Rows on a scale of their own, which begins at nothing.

    Attributes:
        title: What is shown, and in which unit.
        rows: By name, each contender's value; None where there is none.
    """

    title: str
    rows: Mapping[str, Mapping[str, float | None]]

    @property
    def height(self) -> int:
        return _TITLE + _ROW * len(self.rows) + _SCALE


def chart(contenders: Sequence[str], panels: Sequence[Panel]) -> str:
    """An SVG image, the panels one below the other; a dot has its value as its title."""
    height = _NAMES + sum(panel.height for panel in panels)
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(contenders)}
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{_WIDTH}" height="{height}" fill="white"/>'
    )
    parts = [frame]
    for number, (name, colour) in enumerate(colours.items()):
        x = _LEFT + _NAME_WIDTH * number
        parts.append(
            f'<circle cx="{x}" cy="{_NAMES // 2}" r="{_DOT}" fill="{colour}"/>'
            f'<text x="{x + 10}" y="{_NAMES // 2 + 4}">{escape(name)}</text>'
        )
    top = _NAMES
    for panel in panels:
        parts.append(_drawn(panel, top, colours))
        top += panel.height
    return "".join([*parts, "</svg>"])


def _drawn(panel: Panel, top: int, colours: Mapping[str, str]) -> str:
    values = [value for row in panel.rows.values() for value in row.values() if value is not None]
    step = round_step(max(values, default=0) or 1)
    steps = max(1, math.ceil(max(values, default=0) / step))
    bottom = top + panel.height - _SCALE

    def across(value: float) -> float:
        return _LEFT + _PLOT * value / (steps * step)

    parts = [f'<text x="{_LEFT}" y="{top + 24}" font-weight="bold">{escape(panel.title)}</text>']
    for mark in range(steps + 1):
        x = across(mark * step)
        parts.append(
            f'<path d="M{x:.1f} {top + 34}V{bottom}" stroke="#ddd"/>'
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{mark * step:,g}</text>'
        )
    for number, (name, row) in enumerate(panel.rows.items()):
        y = top + _TITLE + _ROW * number + _ROW // 4
        parts.append(
            f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
            f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#eee"/>'
        )
        for place, (contender, colour) in enumerate(colours.items()):
            value = row.get(contender)
            if value is not None:
                up_or_down = _APART * (place - (len(colours) - 1) / 2)
                parts.append(
                    f'<circle cx="{across(value):.1f}" cy="{y + up_or_down:g}" r="{_DOT}" fill="{colour}">'
                    f"<title>{escape(contender)}: {value:,.1f}</title></circle>"
                )
    return "".join(parts)
