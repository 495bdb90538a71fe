"""pseudonymize: a keyed pseudonym in the vendor's id form."""

from typing import Final

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.events.json_value import JsonValue
from service.pseudonyms.encodings import Encoding

#: Values that stand for "nobody in particular". One pseudonym for all of them would make one person of many.
#: From what Mixpanel and PostHog refuse as ids, and what programs write in place of nothing.
PLACEHOLDERS: Final = frozenset(
    {
        "",
        "-",
        "-1",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000000",
        "[object object]",
        "anonymous",
        "distinct_id",
        "distinctid",
        "email",
        "false",
        "guest",
        "id",
        "n/a",
        "na",
        "nan",
        "nil",
        "none",
        "not_authenticated",
        "null",
        "true",
        "undefined",
        "unknown",
        "user_id",
        "userid",
    }
)


class PseudonymizeAction(Action):
    """Strings and integers of one value get one pseudonym; everything else is refused, placeholders too."""

    def __init__(self, data_class: str, key_purpose: str, encoding: Encoding) -> None:
        self._data_class = data_class
        self._key_purpose = key_purpose
        self._encoding = encoding

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:
        if not isinstance(value, str | int) or not pseudonymizable(value):
            return REFUSED
        pseudonym = context.pseudonymizer.pseudonym(
            value, purpose=self._key_purpose, data_class=self._data_class, encoding=self._encoding
        )
        context.generated.add(pseudonym)
        return pseudonym


def pseudonymizable(value: str | int) -> bool:
    """Whether a value is somebody's: no switch and no placeholder."""
    if isinstance(value, bool):
        return False
    return str(value).strip(" \t\r\n\"'").casefold() not in PLACEHOLDERS
