"""The last look at a finished payload: nothing personal in any string that Weir did not make itself."""

from collections import Counter
from collections.abc import Set as AbstractSet

from service.detection.known_values import KnownValues
from service.detection.spans import Span, merge
from service.events.json_value import JsonObject, JsonValue
from service.sanitize.gate_patterns import find


class Gate:
    """Searches finished payloads once more, independent of the policy and of Presidio."""

    def check(
        self, payload: JsonObject, *, known: KnownValues, generated: AbstractSet[str], max_string: int
    ) -> tuple[JsonObject, Counter[tuple[str, str]]]:
        """The payload with every hit replaced by `<FAMILY>`, and the hits by (field path, family).

        Args:
            payload: A vendor's payload, in its final shape. Not changed.
            known: The event's own identity values.
            generated: Strings that Weir itself made; they are left alone.
            max_string: The vendor's limit for a string, in characters; no redacted string is longer.
        """
        hits: Counter[tuple[str, str]] = Counter()

        def string(text: str, path: str) -> str:
            if text in generated:
                return text
            spans = merge(find(text), known.spans(text))
            for span in spans:
                hits[path, span.entity.value] += 1
            return _redacted(text, spans, max_string) if spans else text

        def walk(node: JsonValue, path: str) -> JsonValue:
            if isinstance(node, str):
                return string(node, path)
            if isinstance(node, list):
                return [walk(item, path) for item in node]
            if isinstance(node, dict):
                result: JsonObject = {}
                for key, value in node.items():
                    clean = string(key, path or "")
                    result[clean] = walk(value, f"{path}.{clean}" if path else clean)
                return result
            return node

        checked = walk(payload, "")
        assert isinstance(checked, dict)
        return checked, hits


def _redacted(text: str, spans: tuple[Span, ...], max_string: int) -> str:
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], f"<{span.entity}>"]
        position = span.end
    return "".join([*pieces, text[position:]])[:max_string]
