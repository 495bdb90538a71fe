"""The last look at a payload: every open string is searched, and what is found is replaced."""

from collections import Counter

from service.detection.known_values import KnownValues
from service.detection.spans import merge
from service.events.json_value import JsonValue
from service.sanitize import gate_patterns
from tests.reference.payload import Node, Value


def gated(
    node: Node, path: str, known: KnownValues, longest: int, hits: Counter[tuple[str, str]]
) -> JsonValue:
    """What is left of a part of a payload; adds to the hits, by path and family."""
    if isinstance(node, Value):
        return searched(node.json, path, known, longest, hits) if node.open else node.json
    if isinstance(node, dict):
        return {
            key: gated(value, f"{path}.{key}" if path else key, known, longest, hits)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [gated(item, path, known, longest, hits) for item in node]
    return node


def searched(
    value: JsonValue, path: str, known: KnownValues, longest: int, hits: Counter[tuple[str, str]]
) -> JsonValue:
    """What is left of a value; items of a list count under the list's path."""
    if isinstance(value, list):
        return [searched(item, path, known, longest, hits) for item in value]
    if isinstance(value, dict):
        return {key: searched(item, f"{path}.{key}", known, longest, hits) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    spans = merge(gate_patterns.search(value), known.spans(value))
    if not spans:
        return value
    redacted = ""
    position = 0
    for span in spans:
        hits[path, span.entity.value] += 1
        redacted += f"{value[position : span.start]}<{span.entity.value}>"
        position = span.end
    return (redacted + value[position:])[:longest]
