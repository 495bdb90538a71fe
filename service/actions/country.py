"""country: an ISO 3166-1 alpha-2 code, from a code or a name."""

from functools import cache

import pycountry

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.word_list import folded, word_map
from service.events.json_value import JsonValue


class CountryAction(Action):
    """`DE` from `de`, `DEU` or `Germany`; what is on no list is refused."""

    closed = True

    def __init__(self) -> None:
        self._codes = _codes()

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        return self._codes.get(folded(value), REFUSED) if isinstance(value, str) else REFUSED


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("alpha_2", "alpha_3", "name", "common_name", "official_name"):
            if name := getattr(country, attribute, None):
                codes[folded(name)] = country.alpha_2
    return codes | dict(word_map("country_names.txt"))
