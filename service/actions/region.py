"""region: a first-level subdivision of a country, by a list.

The field is free text to whoever sends it, and a person's name would fit any pattern a region's name fits.
So only what ISO 3166-2 lists passes, and what goes out is the list's own spelling.
"""

import re
from functools import cache

import pycountry

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.word_list import folded, word_map
from service.events.json_value import JsonValue

# `Catalunya [Cataluña]` and `Sofia (stolitsa)` are two names; in `Madrid, Comunidad de` the comma turns one.
_SECOND_NAME = re.compile(r"^(.*?) *[\[(](.*?)[\])]$")


class RegionAction(Action):
    """The ISO 3166-2 code (`BR-SP`), its part after the country (`SP`) or the name (`São Paulo`)."""

    closed = True

    def __init__(self) -> None:
        self._names = _names()

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        return self._names.get(folded(value), REFUSED) if isinstance(value, str) else REFUSED


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for subdivision in pycountry.subdivisions:
        code: str = subdivision.code
        for name in (code, code.partition("-")[2], *_variants(subdivision.name)):
            names.setdefault(folded(name), name)
    return names | dict(word_map("region_names.txt"))


def _variants(name: str) -> list[str]:
    variants = [name]
    if match := _SECOND_NAME.match(name):
        variants += match.groups()
    head, comma, tail = name.partition(", ")
    if comma:
        variants += [head, f"{tail} {head}"]
    return variants
