"""The event's own identity values: whoever the event is about must not show in its texts either."""

import re
from collections.abc import Iterable
from typing import Final

from service.detection.reading import fold, unescape
from service.detection.spans import Span, merge
from service.events.event import Event
from service.events.paths import lookup
from service.policy.entities import Entity
from service.policy.plan import IdentityField

_RECOGNIZER: Final = "known_values"


class KnownValues:
    """A matcher for one event's identity values, in the forms they may take in a text."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Regular expressions of the values' forms, for folded and lower-cased text."""
        # Longest first: of alternatives the first that fits wins.
        ordered = sorted(set(patterns), key=lambda pattern: (-len(pattern), pattern))
        self._pattern = re.compile("|".join(ordered)) if ordered else None

    def __repr__(self) -> str:
        """Shows no value."""
        return "<KnownValues>"

    @classmethod
    def of(cls, event: Event, identity_fields: Iterable[IdentityField]) -> "KnownValues":
        """The values of the event's identity fields, and of what looks like one anywhere in it."""
        return cls(
            re.escape(str(value).lower())
            for f in identity_fields
            if isinstance(value := lookup(event.body, f.path), str) and len(value) > 4
        )

    def spans(self, text: str) -> tuple[Span, ...]:
        """Where the values stand in a text: in order, not overlapping, in code points of the text."""
        if self._pattern is None:
            return ()
        found = []
        folded = fold(text)
        for reading in (folded, unescape(folded)):
            if reading is None:
                continue
            lowered = reading.text.lower()
            if len(lowered) != len(reading.text):
                lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in reading.text)
            for match in self._pattern.finditer(lowered):
                found.append(Span(*reading.origin(*match.span()), Entity.IDENTITY, 1.0, _RECOGNIZER))
        return merge(found)
