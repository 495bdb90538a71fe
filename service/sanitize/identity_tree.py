"""The event's own identity values: those of the policy's identity classes, and what looks like one.

Led by the event, not by the policy: its cost does not depend on how many fields a policy has.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from service.detection.known_values import (
    LONGEST_WRITTEN,
    Identity,
    Kind,
    by_looks,
    identity,
    kind_of,
    may_be_somebodys,
    meaning_of,
)
from service.events.json_value import JsonObject, JsonValue
from service.events.paths import FieldPath
from service.policy.plan import IdentityField

#: Keys that no policy knows and a tree takes in all the same, as events have them again and again; and the
#: longest of them.
_LEARNED_KEYS: Final = 2_000
_LONGEST_LEARNED_KEY: Final = 64
#: The most values taken for somebody's by their looks alone; an event that has more is no event of a person.
_MOST_BY_LOOKS: Final = 200


class _Node:
    """A key of an event, where it stands.

    Attributes:
        children: The nodes behind it.
        items: Those of objects in a list behind it, where no policy has fields.
        identities: What it is, if its values name or reach a person by their class; it may have another class
            in each kind of event.
        meaning: What it says of values without a class.
    """

    __slots__ = ("children", "identities", "items", "meaning", "named")

    def __init__(self, key: str, parent: str) -> None:
        self.children: dict[str, _Node] = {}
        self.items: dict[str, _Node] = {}
        self.identities: tuple[Kind, ...] = ()
        self.meaning = meaning_of(key, parent)
        #: Whether every string there has to be looked at.
        self.named = self.meaning.text is not None or self.meaning.full_name is not None


class _Unkept(dict[str, _Node]):
    """The nodes behind a key that no tree takes in: nor does it take in these."""


class IdentityTree:
    """Where identity values stand in events."""

    def __init__(self, identity_fields: Iterable[IdentityField]) -> None:
        """Take the fields of identity classes."""
        self._root: dict[str, _Node] = {}
        self._learned = 0
        for identity_field in identity_fields:
            node, kind = self._node(identity_field.path), kind_of(identity_field.data_class)
            node.identities = tuple(dict.fromkeys((*node.identities, kind)))

    def _node(self, path: FieldPath) -> _Node:
        children, parent = self._root, ""
        node: _Node | None = None
        for key in path:
            node = children.get(key)
            if node is None:
                node = children[key] = _Node(key, parent)
            children, parent = node.children, key
        assert node is not None, "a path has at least one key"
        return node

    def _learn(self, children: dict[str, _Node], key: str, parent: str) -> _Node:
        """A node for a key that no policy knows: nothing is done with its values."""
        node: _Node = _Node(key, parent)
        if isinstance(children, _Unkept) or len(key) > _LONGEST_LEARNED_KEY:
            node.children = node.items = _Unkept()
        elif self._learned < _LEARNED_KEYS:
            self._learned += 1
            children[key] = node
        return node

    def walk(self, body: JsonObject, record: bytes) -> set[Identity]:  # noqa: C901, PLR0912
        """The identity values of an event, wherever they stand in its body, which the record holds."""
        # One loop: a call for each of an event's forty values would take as long as all the rest.
        at_sign, other_signs = b"@" in record, _has_signs(record)
        identities: set[Identity] = set()
        looks: dict[Identity, None] = {}
        objects: list[tuple[dict[str, _Node], str, JsonObject]] = [(self._root, "", body)]
        while objects:
            children, parent, members = objects.pop()
            for key, value in members.items():
                if value is None:
                    continue
                node = children.get(key) or self._learn(children, key, parent)
                if isinstance(value, str):
                    for kind in node.identities:
                        identities.add((value[:LONGEST_WRITTEN], kind))
                    if node.named or (at_sign and "@" in value) or (other_signs and may_be_somebodys(value)):
                        looks.update(dict.fromkeys(by_looks(value, key, parent)))
                elif isinstance(value, dict):
                    objects.append((node.children, key, value))
                elif isinstance(value, list):
                    for item in _items(value):
                        if isinstance(item, dict):
                            objects.append((node.items, key, item))
                        else:
                            looks.update(dict.fromkeys(by_looks(item, key, parent)))
                else:
                    for kind in node.identities:
                        written = identity(value, kind)
                        identities.update(() if written is None else (written,))
                    if node.meaning.number is not None:
                        looks.update(dict.fromkeys(by_looks(value, key, parent)))
        identities.update(islice(looks, _MOST_BY_LOOKS))
        return identities


def _has_signs(record: bytes) -> bool:
    """Whether any string of a record may be somebody's for another sign than an `@`: see may_be_somebodys."""
    return (
        b"=" in record
        or b"+" in record
        or b"%40" in record
        or b'"00' in record
        or b'"tel:' in record
        or b'" ' in record
        or b"\\" in record  # may stand for any of them
        or not record.isascii()  # may be a space
    )


def _items(values: list[JsonValue]) -> Iterator[JsonValue]:
    """The items of a list and of the lists in it."""
    for value in values:
        if isinstance(value, list):
            yield from _items(value)
        else:
            yield value
