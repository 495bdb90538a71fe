"""What detection answers: spans, not replacements."""

from collections.abc import Iterable
from typing import NamedTuple

from service.policy.entities import Entity


class Span(NamedTuple):
    """A stretch `text[start:end]` of a text (in code points) and what it is."""

    start: int
    end: int
    entity: Entity
    score: float
    recognizer: str


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
    taken: list[Span] = []
    for span in ranked:
        pieces = [(span.start, span.end)]
        for other in taken:
            pieces = [
                piece
                for start, end in pieces
                for piece in ((start, min(end, other.start)), (max(start, other.end), end))
                if piece[0] < piece[1]
            ]
        taken += [span._replace(start=start, end=end) for start, end in pieces]
    return tuple(sorted(taken))
