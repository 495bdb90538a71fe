"""How well a detector's spans fit a text's labels.

All shares count letters and digits only, so that a quotation mark or a space more or less is no matter.

Found (recall): spans of the entity's own kind cover at least half of it.
Leaked: what is left of it tells who it is, whatever the kind of the spans: a whole word of a person's name,
at least a third of anything else.
Right (precision): the span touches something of its kind, and at least half of it lies in such or in what is
not judged. A span that lies by half or more in what is not judged, and is not right, is not counted.
Over-redacted: a word that is nobody's, more than half of which is covered.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple, Self

from service.bench.detection.labelled import Gold, LabelledText
from service.policy.entities import Entity

_WORD: Final = re.compile(r"[^\W_]+")
#: Shorter words of a name ("de", an initial) tell nobody's identity, unless the name has no others.
_SHORTEST_WORD: Final = 3
_LEFT_OF_OTHERS: Final = 1 / 3


class Found(NamedTuple):
    """A stretch `text[start:end]` that a detector would remove; None for a kind that Weir does not have."""

    start: int
    end: int
    entity: Entity | None


@dataclass(slots=True)
class Tally:
    """Counts, of which the measures are quotients.

    Attributes:
        gold: What had to go.
        found: Of those, found under its own kind.
        leaked: Of those, left so that it tells who it is.
        characters: Letters and digits that had to go.
        characters_left: Of those, left.
        spans: Spans that count as right or wrong.
        right: Of those, right.
        words: Words that had to stay.
        words_removed: Of those, removed.
    """

    gold: int = 0
    found: int = 0
    leaked: int = 0
    characters: int = 0
    characters_left: int = 0
    spans: int = 0
    right: int = 0
    words: int = 0
    words_removed: int = 0

    def __iadd__(self, other: Self) -> Self:
        for count in fields(self):
            setattr(self, count.name, getattr(self, count.name) + getattr(other, count.name))
        return self

    @property
    def recall(self) -> float | None:
        return share(self.found, self.gold)

    @property
    def precision(self) -> float | None:
        return share(self.right, self.spans)

    @property
    def leaked_share(self) -> float | None:
        return share(self.leaked, self.gold)

    @property
    def leaked_characters(self) -> float | None:
        return share(self.characters_left, self.characters)

    @property
    def over_redacted(self) -> float | None:
        return share(self.words_removed, self.words)


def share(part: int, whole: int) -> float | None:
    """A quotient; None where there is nothing to count."""
    return part / whole if whole else None


class Judged(NamedTuple):
    """What a detector did to one text.

    Attributes:
        by_entity: What had to go and the spans, by their kind.
        words: The words that had to stay: the rest of the tally is empty.
        leaked: What leaked.
        removed: The words that were removed and had to stay, as `text[start:end]`.
    """

    by_entity: dict[Entity, Tally]
    words: Tally
    leaked: list[Gold]
    removed: list[tuple[int, int]]

    @property
    def total(self) -> Tally:
        """All entities and words together."""
        total = Tally()
        for tally in (*self.by_entity.values(), self.words):
            total += tally
        return total


def judge(text: LabelledText, spans: Sequence[Found]) -> Judged:
    """Hold a detector's spans against a text's labels."""
    solid = [character.isalnum() for character in text.text]
    covered = _cover(len(solid), spans)
    by_entity: dict[Entity, Tally] = {}
    leaked = []
    for gold in text.gold:
        tally = by_entity.setdefault(gold.entity, Tally())
        places = [place for place in range(gold.start, gold.end) if solid[place]]
        own = _cover(len(solid), [span for span in spans if span.entity is gold.entity])
        tally.gold += 1
        tally.found += 2 * sum(own[place] for place in places) >= len(places)
        tally.characters += len(places)
        tally.characters_left += sum(not covered[place] for place in places)
        if _leaks(text.text, gold, places, covered):
            tally.leaked += 1
            leaked.append(gold)
    for span in spans:
        if span.entity is not None:
            _weigh(text, span, solid, by_entity.setdefault(span.entity, Tally()))
    words, removed = Tally(), []
    labelled = _cover(len(solid), [*((gold.start, gold.end) for gold in text.gold), *text.unjudged])
    for match in _WORD.finditer(text.text):
        if not any(labelled[match.start() : match.end()]):
            words.words += 1
            if 2 * sum(covered[match.start() : match.end()]) > match.end() - match.start():
                words.words_removed += 1
                removed.append(match.span())
    return Judged(by_entity, words, leaked, removed)


def _cover(length: int, spans: Iterable[tuple[int, int] | Found]) -> list[bool]:
    """For each character, whether a span covers it."""
    covered = [False] * length
    for start, end, *_ in spans:
        covered[start:end] = [True] * (end - start)
    return covered


def _leaks(text: str, gold: Gold, places: Sequence[int], covered: Sequence[bool]) -> bool:
    left = sum(not covered[place] for place in places)
    if gold.entity is not Entity.PERSON:
        return left > 0 and left >= _LEFT_OF_OTHERS * len(places)
    words = [match.span() for match in _WORD.finditer(text, gold.start, gold.end)]
    telling = [(start, end) for start, end in words if end - start >= _SHORTEST_WORD]
    return any(not any(covered[start:end]) for start, end in telling or words)


def _weigh(text: LabelledText, span: Found, solid: Sequence[bool], tally: Tally) -> None:
    """Count a span as right, as wrong or not at all."""
    places = [place for place in range(span.start, span.end) if solid[place]]
    kind = _cover(len(solid), [(gold.start, gold.end) for gold in text.gold if gold.entity is span.entity])
    unjudged = _cover(len(solid), text.unjudged)
    in_kind = sum(kind[place] for place in places)
    in_unjudged = sum(unjudged[place] for place in places)
    if in_kind and 2 * (in_kind + in_unjudged) >= len(places):
        tally.spans += 1
        tally.right += 1
    elif 2 * in_unjudged < len(places):
        tally.spans += 1
