"""What detection answers: spans, not replacements."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from service.policy.entities import Entity


class Span(NamedTuple):
    """A stretch `text[start:end]` of a text (in code points) and what it is."""

    start: int
    end: int
    entity: Entity
    score: float
    recognizer: str


_start = itemgetter(0)
_end = itemgetter(1)


class TextRequest(NamedTuple):
    """A text to be scanned.

    Attributes:
        text: The text.
        locale: The event's own locale as a hint of the language, such as `pt-BR`; None where it has none.
    """

    text: str
    locale: str | None


def merge(*groups: Iterable[Span]) -> tuple[Span, ...]:
    """One ordered, non-overlapping answer from several.

    The rule: where spans overlap, the longest wins, among equals the higher score, then the entity's name.
    What a loser covers beyond the winner is not given up: the winner keeps its entity, and the rest of the
    loser stands as a span of its own.
    """
    ranked = sorted(
        (span for group in groups for span in group if span.start < span.end),
        key=lambda span: (span.start - span.end, -span.score, span.start, span.entity, span.recognizer),
    )
    taken: list[Span] = []  # in order, without overlaps: so are their ends
    for span in ranked:
        first = bisect_right(taken, span.start, key=_end)
        last = bisect_left(taken, span.end, lo=first, key=_start)
        edges = [span.start, *(edge for other in taken[first:last] for edge in other[:2]), span.end]
        rest = [
            span._replace(start=start, end=end)
            for start, end in zip(edges[::2], edges[1::2], strict=True)
            if start < end
        ]
        taken[first:last] = sorted([*taken[first:last], *rest])
    return tuple(taken)
