"""email_domain_class: what kind of organization runs an e-mail address's domain."""

import re
import unicodedata
from typing import Final

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.word_list import word_map
from service.events.json_value import JsonValue

_LONGEST: Final = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
# A mailbox without quotes, then labels of letters, digits and inner hyphens, of any script (RFC 6531).
_ADDRESS = re.compile(
    r"[^\s@\"<>(),:;\\\[\]]{1,64}@((?:[^\W_](?:[^\W_]|-){0,62}\.)+[^\W\d_](?:[^\W_]|-){1,62})"
)
_COUNTRY_CODE = re.compile(r"[a-z]{2}")
_COMPANY: Final = "company"


class EmailDomainClassAction(Action):
    """`free-mail`, `education`, `government`, `disposable`, else `company`; refuses what is no address."""

    closed = True

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        if not isinstance(value, str) or len(value) > _LONGEST:
            return REFUSED
        # Compatibility forms first: IDNA takes full-width letters and the ideographic full stop as plain.
        match = _ADDRESS.fullmatch(
            unicodedata.normalize("NFKC", value).replace("\N{IDEOGRAPHIC FULL STOP}", ".")
        )
        return REFUSED if match is None else _class_of(match[1].casefold())


def _class_of(domain: str) -> str:
    classes = word_map("email_domains.txt")
    labels = domain.split(".")
    for start in range(len(labels)):
        suffix = ".".join(labels[start:])
        if suffix in classes:
            return classes[suffix]
        if start == len(labels) - 2 and _COUNTRY_CODE.fullmatch(labels[-1]):
            wildcard = f"{labels[start]}.*"
            if wildcard in classes:
                return classes[wildcard]
    return _COMPANY
