"""language: the language of a locale or language tag."""

import re
from functools import cache

import pycountry

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.events.json_value import JsonValue

# The shape of a BCP 47 tag (RFC 5646, section 2.1) with a two-letter language; systems write `_` for `-`.
_TAG = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9]{1,8})*")


class LanguageAction(Action):
    """`pt` of `pt-BR`, if ISO 639-1 knows it; of the rest of the tag nothing goes out."""

    closed = True

    def __init__(self) -> None:
        self._known = _known()

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        match = _TAG.fullmatch(value) if isinstance(value, str) else None
        language = match[1].lower() if match else ""
        return language if language in self._known else REFUSED


@cache
def _known() -> frozenset[str]:
    return frozenset(language.alpha_2 for language in pycountry.languages if hasattr(language, "alpha_2"))
