"""Where a field goes in a flat payload: a vendor's table of places, and a rule for all other fields.

The rule: a field that the table does not name keeps its path, without `properties.` or `traits.` in front. A
name that the vendor reserves, or that another field of the event has taken already, becomes the whole path
instead (`properties.time`), so that nothing is overwritten and nothing is lost.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from service.events.json_value import JsonObject, JsonValue

#: The longest list sent to any vendor; Mixpanel's limit, and more than any other needs.
MAX_ITEMS: Final = 255

_ROOTS: Final = ("properties.", "traits.", "context.traits.")


def leaves(fields: Mapping[str, JsonValue], without: frozenset[str]) -> Iterator[tuple[str, JsonValue]]:
    """The fields but for those named, an object's values each under a path of its own; null says nothing."""
    for path, value in fields.items():
        if path in without:
            continue
        if isinstance(value, dict):
            yield from leaves({f"{path}.{key}": item for key, item in value.items()}, without)
        elif value is not None:
            yield path, value


class Places:
    """A vendor's places for fields, by path."""

    def __init__(
        self,
        table: Mapping[str, str],
        *,
        reserved: frozenset[str],
        reserved_prefixes: tuple[str, ...],
        spell: Callable[[str], str] = str,
    ) -> None:
        """Take the table, the names that only the table may give, and how the vendor spells a name."""
        self._table = table
        self._reserved = reserved
        self._reserved_prefixes = reserved_prefixes
        self._spell = spell
        # Paths come from the tracking plan, and from the keys of the objects that actions make: a small set.
        self._names: dict[str, str] = {}

    def put(self, target: JsonObject, path: str, value: JsonValue) -> bool:
        """Put a value into its place; False if neither its name nor its whole path is free."""
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = self._name(path)
        if name in target:
            name = self._spell(path)
            if name in target:
                return False
        target[name] = value
        return True

    def _name(self, path: str) -> str:
        if path in self._table:
            return self._table[path]
        name = path
        for root in _ROOTS:
            name = name.removeprefix(root)
        name = self._spell(name)
        if name in self._reserved or name.startswith(self._reserved_prefixes):
            return self._spell(path)
        return name


def cut(value: JsonValue, length: int) -> JsonValue:
    """The value with every string cut to a number of characters (code points) and lists to MAX_ITEMS."""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, list):
        return [cut(item, length) for item in value[:MAX_ITEMS]]
    return value
