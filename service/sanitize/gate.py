"""The last look at what goes out: nothing personal in any string that Weir did not make itself.

The keys of a payload are names of the tracking plan and of the vendor's form, never an event's: they are left
alone. To redact `Page` in one, because the event is of a Mr Page, would spoil the payload and tell his name.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from service.detection.known_values import KnownValues
from service.detection.spans import Span, merge
from service.events.json_value import JsonObject, JsonValue
from service.sanitize import gate_patterns


def clean(texts: Iterable[str]) -> bool:
    """Whether no pattern of the gate is in any of the texts; of identity values it says nothing."""
    return not any(map(gate_patterns.find, texts))


class Gate:
    """Searches what goes out of one event once more, independent of the policy and of Presidio."""

    def __init__(self, known: KnownValues) -> None:
        """For the event with these identity values."""
        self._known = known

    def check(
        self, value: JsonValue, path: str, *, max_string: int
    ) -> tuple[JsonValue, Mapping[tuple[str, str], int]]:
        """The value with every hit in a string of it replaced by `<FAMILY>`; hits by (field path, family).

        Args:
            value: A value as the vendor gets it. Not changed.
            path: Where it stands in the payload.
            max_string: The vendor's limit for a string, in characters; no redacted string is longer.
        """
        walk = _Walk(self._known, max_string)
        return walk.value(value, path), walk.hits


class _Walk:
    """The search through one value."""

    def __init__(self, known: KnownValues, max_string: int) -> None:
        self.hits: Counter[tuple[str, str]] = Counter()
        self._known = known
        self._max_string = max_string

    def value(self, node: JsonValue, path: str) -> JsonValue:
        if isinstance(node, str):
            return self._string(node, path)
        if isinstance(node, list):
            return [self.value(item, path) for item in node]
        return self._object(node, path) if isinstance(node, dict) else node

    def _object(self, node: JsonObject, path: str) -> JsonObject:
        return {key: self.value(item, f"{path}.{key}" if path else key) for key, item in node.items()}

    def _string(self, text: str, path: str) -> str:
        spans = merge(gate_patterns.find(text), self._known.spans(text))
        if not spans:
            return text
        self.hits.update((path, span.entity.value) for span in spans)
        return _redacted(text, spans)[: self._max_string]


def strings(node: JsonValue) -> Iterator[str]:
    """The strings in a value, keys left out."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from strings(item)


def _redacted(text: str, spans: tuple[Span, ...]) -> str:
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], f"<{span.entity}>"]
        position = span.end
    return "".join([*pieces, text[position:]])
