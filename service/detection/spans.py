"""What detection answers: spans, not replacements."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from enum import StrEnum
from operator import itemgetter
from typing import Final, NamedTuple

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


#: The recognizer of what a policy's deny list names: it wins over everything that it overlaps.
DENY_LIST: Final = "deny_list"


class Advantage(StrEnum):
    """Why one of two overlapping spans won."""

    DENY_LIST = "deny_list"
    LONGER = "longer"
    HIGHER_SCORE = "higher_score"
    ORDER = "order"  # equals: the one that starts first, then by the entity's name, then the recognizer's


class Ruling(NamedTuple):
    """What became of a span among those it overlaps.

    Attributes:
        span: The span.
        kept: What is left of it: all of it where nothing stronger overlaps it, nothing where that covers it.
        winners: The stronger spans that it overlaps, each with its advantage.
    """

    span: Span
    kept: tuple[Span, ...]
    winners: tuple[tuple[Span, Advantage], ...]


def merge(*groups: Iterable[Span]) -> tuple[Span, ...]:
    """One ordered, non-overlapping answer from several.

    The rule: where spans overlap, what a deny list names wins, then the longest, among equals the higher
    score, then the first, then the entity's name. What a loser covers beyond the winner is not given up: the
    winner keeps its entity, and the rest of the loser stands as a span of its own.
    """
    taken: list[Span] = []  # in order, without overlaps: so are their ends
    for span in _ranked(groups):
        _take(span, taken)
    return tuple(taken)


def rulings(*groups: Iterable[Span]) -> list[Ruling]:
    """Why `merge` answers as it does: what became of each span, the strongest first."""
    found = []
    taken: list[Span] = []
    whole: dict[int, Span] = {}  # of what is taken, by its start: the span that it is a part of
    for span in _ranked(groups):
        overlapped, kept = _take(span, taken)
        winners = dict.fromkeys(whole[other.start] for other in overlapped)
        whole.update((part.start, span) for part in kept)
        found.append(Ruling(span, tuple(kept), tuple((other, _advantage(other, span)) for other in winners)))
    return found


def _ranked(groups: Iterable[Iterable[Span]]) -> list[Span]:
    return sorted(
        (span for group in groups for span in group if span.start < span.end),
        key=lambda span: (
            span.recognizer != DENY_LIST,
            span.start - span.end,
            -span.score,
            span.start,
            span.entity,
            span.recognizer,
        ),
    )


def _take(span: Span, taken: list[Span]) -> tuple[list[Span], list[Span]]:
    """Take what nothing has taken yet; gives what the span overlaps, and what is left of it."""
    first = bisect_right(taken, span.start, key=_end)
    last = bisect_left(taken, span.end, lo=first, key=_start)
    overlapped = taken[first:last]
    edges = [span.start, *(edge for other in overlapped for edge in other[:2]), span.end]
    kept = [
        span._replace(start=start, end=end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if start < end
    ]
    taken[first:last] = sorted([*overlapped, *kept])
    return overlapped, kept


def _advantage(winner: Span, loser: Span) -> Advantage:
    if winner.recognizer == DENY_LIST != loser.recognizer:
        return Advantage.DENY_LIST
    if winner.end - winner.start > loser.end - loser.start:
        return Advantage.LONGER
    return Advantage.HIGHER_SCORE if winner.score > loser.score else Advantage.ORDER
