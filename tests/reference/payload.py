"""A payload in the making, and the values in it."""

from typing import NamedTuple, TypeAlias

from service.events.event import CallType
from service.events.json_value import JsonValue


class Value(NamedTuple):
    """A field's value after the vendor's action.

    Attributes:
        json: The value.
        open: Whether its strings may hold what somebody wrote: the gate searches them. Pseudonyms and words
            of a list are not open.
    """

    json: JsonValue
    open: bool


#: What a form makes. What is no Value in it the form wrote itself, and the gate leaves it alone.
Node: TypeAlias = "dict[str, Node] | list[Node] | Value | str | int | float | bool | None"
Object: TypeAlias = dict[str, Node]


class Transformed(NamedTuple):
    """An event after the actions of one vendor.

    Attributes:
        call: The call type.
        name: The tracked event's name; None for every other call.
        fields: Dotted path to the value after the action, in the order of the rules.
    """

    call: CallType
    name: str | None
    fields: dict[str, Value]

    def text(self, path: str) -> str | None:
        """A field's text; None where it has none, or an empty one."""
        value = self.fields[path].json if path in self.fields else None
        return value if isinstance(value, str) and value else None


def leaves(path: str, value: Value) -> list[tuple[str, Value]]:
    """A value, or the values of the object that it is, each with its path; null says nothing."""
    if value.json is None:
        return []
    if not isinstance(value.json, dict):
        return [(path, value)]
    found = []
    for key, inner in value.json.items():
        found += leaves(f"{path}.{key}", Value(inner, value.open))
    return found


def cut(value: Value, length: int) -> Value:
    """Strings of so many characters at most, lists of 255 items."""
    return Value(cut_json(value.json, length), value.open)


def cut_json(value: JsonValue, length: int) -> JsonValue:
    """The same of a plain value."""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, list):
        return [cut_json(item, length) for item in value[:255]]
    return value


def plain(node: Node) -> JsonValue:
    """The JSON value that a payload stands for."""
    if isinstance(node, Value):
        return node.json
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    return [plain(item) for item in node] if isinstance(node, list) else node
