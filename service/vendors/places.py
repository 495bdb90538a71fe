"""Where a field goes in a flat payload: a vendor's table of places, and a rule for all other fields.

The rule: a field that the table does not name, or whose place in the table another field of the event has
taken, keeps its path, without `properties.` or `traits.` in front. Where that is a name which the vendor
reserves, or which is taken as well, it keeps its whole path (`properties.time`). So nothing is overwritten
and nothing is lost. Only what stands in a field's place already is not said again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue

#: The longest list sent to any vendor; Mixpanel's limit, and more than any other needs.
MAX_ITEMS: Final = 255

#: What page and screen calls say of their page goes where other events' `context.page` goes.
_PAGE_CALLS: Final = frozenset({CallType.PAGE, CallType.SCREEN})
_PAGE_PROPERTIES: Final = {
    f"properties.{name}": f"context.page.{name}" for name in ("url", "path", "title", "referrer")
}

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
        table: Mapping[str, str | tuple[str, ...]],
        *,
        reserved: frozenset[str],
        reserved_prefixes: tuple[str, ...],
        spell: Callable[[str], str] = str,
    ) -> None:
        """Take the table, the names that only the table may give, and how the vendor spells a name.

        Several places for a path are tried in turn.
        """
        self._table = {path: (place,) if isinstance(place, str) else place for path, place in table.items()}
        self._reserved = reserved
        self._reserved_prefixes = reserved_prefixes
        self._spell = spell
        # Paths come from the tracking plan, and from the keys of the objects that actions make: a small set.
        self._names: dict[tuple[str, bool], tuple[str, ...]] = {}

    def put(self, target: JsonObject, path: str, value: JsonValue, *, call: CallType) -> bool:
        """Put a value into the first of its places that is free or holds the same; False if none is."""
        on_page = call in _PAGE_CALLS
        names = self._names.get((path, on_page))
        if names is None:
            names = self._names[path, on_page] = self._candidates(path, on_page=on_page)
        for name in names:
            if name not in target:
                target[name] = value
                return True
            if target[name] == value and type(target[name]) is type(value):
                return True
        return False

    def _candidates(self, path: str, *, on_page: bool) -> tuple[str, ...]:
        known = _PAGE_PROPERTIES.get(path, path) if on_page else path
        candidates = [*self._table.get(known, ())]
        root = next((root for root in _ROOTS if path.startswith(root)), "")
        name = self._spell(path.removeprefix(root))
        if name not in self._reserved and not name.startswith(self._reserved_prefixes):
            candidates.append(name)
        return (*candidates, self._spell(path))


def cut(value: JsonValue, length: int) -> JsonValue:
    """The value with every string cut to a number of characters (code points) and lists to MAX_ITEMS."""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, list):
        return [cut(item, length) for item in value[:MAX_ITEMS]]
    return value
