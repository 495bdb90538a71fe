"""Texts of which every character is labelled: somebody's identity, harmless, or not judged."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from service.policy.entities import Entity


class Split(StrEnum):
    """Which half of templates and values: rules are written on one, figures come from the other."""

    TUNE = "tune"
    TEST = "test"


class Source(StrEnum):
    """Where labelled texts come from."""

    SENTENCES = "sentences"
    PRODUCT = "product texts"
    NOISY = "noisy texts"
    CONTROLS = "controls"


class Part(NamedTuple):
    """A stretch of a text.

    Attributes:
        text: The stretch.
        entity: What of somebody's it is; None where it is nobody's.
        judged: For what is nobody's, whether it has to stay. What is not judged (a city, an organisation, a
            date) may go or stay.
    """

    text: str
    entity: Entity | None = None
    judged: bool = True


class Gold(NamedTuple):
    """A stretch `text[start:end]` that has to go, and what it is."""

    start: int
    end: int
    entity: Entity


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its labels.

    Attributes:
        kind: Which kind of text, such as `ticket`.
        language: The text's language, ISO 639-1.
        locale: The event's locale that a detector is told; None where it is told none.
        text: The text.
        gold: What has to go, in order.
        unjudged: The stretches that may go or stay.
    """

    parts: tuple[Part, ...]
    source: Source
    kind: str
    language: str
    locale: str | None
    text: str = field(init=False)
    gold: tuple[Gold, ...] = field(init=False)
    unjudged: tuple[tuple[int, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        gold, unjudged, position = [], [], 0
        for part in self.parts:
            end = position + len(part.text)
            if part.entity is not None:
                gold.append(Gold(position, end, part.entity))
            elif not part.judged:
                unjudged.append((position, end))
            position = end
        object.__setattr__(self, "text", "".join(part.text for part in self.parts))
        object.__setattr__(self, "gold", tuple(gold))
        object.__setattr__(self, "unjudged", tuple(unjudged))


#: What may stand between a house number and its street.
_LONGEST_GAP = 3


def joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts without empty ones; the parts of one street address, apart by spaces or a comma, as one."""
    result: list[Part] = []
    for part in parts:
        if not part.text:
            continue
        match result:
            case [
                *_,
                Part(before, Entity.STREET_ADDRESS),
                Part(gap, None, judged=True),
            ] if (
                part.entity is Entity.STREET_ADDRESS
                and len(gap) <= _LONGEST_GAP
                and not any(map(str.isalnum, gap))
            ):
                result[-2:] = [Part(before + gap + part.text, Entity.STREET_ADDRESS)]
            case _:
                result.append(part)
    return tuple(result)
