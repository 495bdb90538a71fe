"""What detection answers: spans, not replacements."""

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
