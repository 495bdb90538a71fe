"""The course of memory over time as an image."""

from collections.abc import Mapping, Sequence
from typing import Final

Points = Sequence[tuple[float, float]]

_WIDTH: Final = 800
_HEIGHT: Final = 360
_LEFT: Final = 60
_RIGHT: Final = 150
_TOP: Final = 20
_BOTTOM: Final = 40
_LINES: Final = 5
_COLOURS: Final = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")


def plot(series: Mapping[str, Points]) -> str:
    """An SVG image with a line for each name: minutes to the right, megabytes upwards from nothing."""
    latest = max((x for points in series.values() for x, _ in points), default=0) or 1
    most = max((y for points in series.values() for _, y in points), default=0) or 1

    def across(minutes: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * minutes / latest

    def down(megabytes: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * megabytes / most

    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    )
    parts = [frame]
    for line in range(_LINES + 1):
        height = most * line / _LINES
        parts.append(
            f'<path d="M{_LEFT} {down(height):.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{down(height) + 4:.1f}" text-anchor="end">{height:,.0f}</text>'
            f'<text x="{across(latest * line / _LINES):.1f}" y="{_HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{latest * line / _LINES:.1f}</text>'
        )
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        label = f'x="{_WIDTH - _RIGHT + 10}" y="{_TOP + 12 + 18 * number}"'
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            f'<text {label} fill="{colour}">{name}</text>'
        )
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 6}">MB (PSS) by minutes under full load</text></svg>')
    return "".join(parts)
