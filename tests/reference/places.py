"""Where a field goes in a flat payload."""

from collections.abc import Callable, Mapping

import orjson

from service.events.event import CallType
from tests.reference.payload import Node, Object, plain

_ON_PAGES = {f"properties.{name}": f"context.page.{name}" for name in ("url", "path", "title", "referrer")}


def candidates(
    path: str,
    call: CallType,
    *,
    table: Mapping[str, tuple[str, ...]],
    reserved: frozenset[str] = frozenset(),
    prefixes: tuple[str, ...],
    spell: Callable[[str], str] = str,
) -> list[str]:
    """The names that a field may have in the payload, the best first.

    Args:
        path: The field.
        call: The call; on page and screen calls what is said of the page goes where `context.page` goes.
        table: The vendor's names for fields.
        reserved: Names that only the table may give.
        prefixes: The same of the beginnings of names.
        spell: How the vendor spells names.
    """
    named = _ON_PAGES.get(path, path) if call in {CallType.PAGE, CallType.SCREEN} else path
    names = list(table.get(named, ()))
    short = path
    for root in ("properties.", "traits.", "context.traits."):
        if path.startswith(root):
            short = path[len(root) :]
            break
    short = spell(short)
    if short not in reserved and not short.startswith(prefixes):
        names.append(short)
    return [*names, spell(path)]


def put(target: Object, names: list[str], value: Node) -> bool:
    """Put a value under the first name that is free or says the same; False if there is none."""
    for name in names:
        if name not in target:
            target[name] = value
            return True
        if same(target[name], value):
            return True
    return False


def same(one: Node, other: Node) -> bool:
    """Whether two say the same, as it is written: `1`, `true` and `1.0` do not."""
    return orjson.dumps(plain(one)) == orjson.dumps(plain(other))
