"""Where a field goes in a flat payload: a vendor's table of places, and a rule for all other fields.

The rule: a field that the table does not name, or whose place in the table another field of the event has
taken, keeps its path, without `properties.` or `traits.` in front. Where that is a name which the vendor
reserves, or which is taken as well, it keeps its whole path (`properties.time`). So nothing is overwritten
and nothing is lost. Only what stands in a field's place already is not said again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from service.events.event import CallType
from service.vendors.layout import Conversion, Leaf, Same, Slot, Tree

#: What page and screen calls say of their page goes where other events' `context.page` goes.
_PAGE_CALLS: Final = frozenset({CallType.PAGE, CallType.SCREEN})
_PAGE_PROPERTIES: Final = {
    f"properties.{name}": f"context.page.{name}" for name in ("url", "path", "title", "referrer")
}

_ROOTS: Final = ("properties.", "traits.", "context.traits.")


def slots(
    leaves: Sequence[Leaf], without: frozenset[str], conversion: Conversion
) -> Iterator[tuple[str, Slot]]:
    """The leaves with their paths, but for those of the fields named."""
    for position, leaf in enumerate(leaves):
        if leaf.field not in without:
            yield leaf.path, Slot(position, conversion, leaf.closed)


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

    def put(self, target: Tree, path: str, slot: Slot, *, call: CallType, same: Same) -> bool:
        """Put a slot into the first of its places that is free or holds the same; False if none is."""
        for name in self._candidates(path, on_page=call in _PAGE_CALLS):
            if name not in target:
                target[name] = slot
                return True
            if same(target[name], slot):
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
