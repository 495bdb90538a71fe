"""Field paths: dotted names of places in an event, such as `context.page.url`.

A path names keys of nested objects; it never steps into an array. Keys that hold a dot themselves can't be
named, so what they hold can't be classified and is dropped.
"""

from enum import Enum
from typing import Final, Literal, TypeAlias

from service.events.json_value import JsonObject, JsonValue

FieldPath: TypeAlias = tuple[str, ...]


class Missing(Enum):
    """The type of MISSING, told apart from JSON's null."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
MissingType: TypeAlias = Literal[Missing.MISSING]


def parse_path(dotted: str) -> FieldPath:
    """Split `context.page.url` into its keys.

    Raises:
        ValueError: if a part is empty.
    """
    parts = tuple(dotted.split("."))
    if not all(parts):
        raise ValueError(f"{dotted!r} is not a field path: a part between dots is empty")
    return parts


def lookup(body: JsonObject, path: FieldPath) -> JsonValue | MissingType:
    """The value at a path, or MISSING where a key on the way is absent or not an object's."""
    node: JsonValue | MissingType = body
    for key in path:
        if not isinstance(node, dict):
            return MISSING
        node = node.get(key, MISSING)
    return node
