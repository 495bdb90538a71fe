"""The last look at a finished payload: nothing personal in any string that Weir did not make itself.

The keys of a payload are names of the tracking plan and of the vendor's form, never an event's: they are left
alone. To redact `Page` in one, because the event is of a Mr Page, would spoil the payload and tell his name.
"""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from service.detection.known_values import KnownValues
from service.detection.spans import Span, merge
from service.events.json_value import JsonObject, JsonValue
from service.sanitize import gate_patterns


class Gate:
    """Searches one event's finished payloads once more, independent of the policy and of Presidio.

    Vendors' payloads share most of their strings; what was found clean for one is not searched again.
    """

    def __init__(self, known: KnownValues) -> None:
        """For the event with these identity values."""
        self._known = known
        self._clean: set[str] = set()

    def check(
        self, payload: JsonObject, *, generated: AbstractSet[str], max_string: int
    ) -> tuple[JsonObject, Mapping[tuple[str, str], int]]:
        """The payload with every hit replaced by `<FAMILY>`, and the hits by (field path, family).

        Args:
            payload: A vendor's payload, in its final shape. Not changed; returned as it is without hits.
            generated: Strings that Weir itself made; they are left alone.
            max_string: The vendor's limit for a string, in characters; no redacted string is longer.
        """
        # A quick look at every string settles the ordinary, clean payload.
        fresh = set(strings(payload)) - self._clean - generated
        known_there = bool(fresh) and self._known.may_stand_in(fresh)
        if not known_there and not any(map(gate_patterns.suspicious, fresh)):
            self._clean |= fresh
            return payload, {}
        walk = _Walk(self._known if known_there else KnownValues(), self._clean | generated, max_string)
        return walk.object(payload, ""), walk.hits


class _Walk:
    """The search through one payload."""

    def __init__(self, known: KnownValues, passed: AbstractSet[str], max_string: int) -> None:
        self.hits: Counter[tuple[str, str]] = Counter()
        self._known = known
        self._passed = passed
        self._max_string = max_string

    def object(self, node: JsonObject, path: str) -> JsonObject:
        checked: JsonObject = {}
        for key, value in node.items():
            checked[key] = self._value(value, f"{path}.{key}" if path else key)
        return checked

    def _value(self, node: JsonValue, path: str) -> JsonValue:
        if isinstance(node, str):
            return self._string(node, path)
        if isinstance(node, list):
            return [self._value(item, path) for item in node]
        return self.object(node, path) if isinstance(node, dict) else node

    def _string(self, text: str, path: str) -> str:
        if text in self._passed:
            return text
        spans = merge(gate_patterns.find(text), self._known.spans(text))
        if not spans:
            return text
        self.hits.update((path, span.entity.value) for span in spans)
        return _redacted(text, spans)[: self._max_string]


def strings(node: JsonValue) -> list[str]:
    """The strings in a value, keys left out."""
    if isinstance(node, str):
        return [node]
    found: list[str] = []
    nodes: list[JsonValue] = [node]
    while nodes:
        node = nodes.pop()
        items = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        for item in items:
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, dict | list):
                nodes.append(item)
    return found


def _redacted(text: str, spans: tuple[Span, ...]) -> str:
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], f"<{span.entity}>"]
        position = span.end
    return "".join([*pieces, text[position:]])
