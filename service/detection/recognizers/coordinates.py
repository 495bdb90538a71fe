"""Coordinates precise enough to find a house: degrees with three decimals or more, or with minutes."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.policy.entities import Entity

_DECIMAL: Final = re.compile(
    r"(?<![\w.,-])[-+]?(?:[0-8]?\d|90)[.]\d{3,15}°? ?[NS]?\s{0,2}[,;/| ]\s{0,2}[-+]?"
    r"(?:1[0-7]\d|180|\d{1,2})[.]\d{3,15}°? ?[EW]?(?![\w.])"
)
_LABELLED: Final = re.compile(
    r"(?P<label>\b(?:lat|latitude|lng|lon|long|longitude|breitengrad|längengrad|latitud|"
    r"longitud))[\"'\\]{0,3} ?[:= ] ?[\"'\\]{0,3}(?P<value>[-+]?\d{1,3}[.,]\d{2,15})",
    re.IGNORECASE,
)
_SEXAGESIMAL: Final = re.compile(
    r"\d{1,3} ?° ?\d{1,2}(?:[.,]\d+)? ?['′] ?(?:\d{1,2}(?:[.,]\d+)? ?(?:\"|″|'') ?)?[NSEWO]"
    r"(?:[,; ]{1,2}\d{1,3} ?° ?\d{1,2}(?:[.,]\d+)? ?['′] ?(?:\d{1,2}(?:[.,]\d+)? ?(?:\"|″|"
    r"'') ?)?[NSEWO])?"
)
_PLUS_CODE: Final = re.compile(
    r"(?<![A-Z0-9])[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,3}(?![A-Z0-9])"
)


class CoordinatesRecognizer(RuleRecognizer):
    """Finds points on the map."""

    entities: ClassVar = (Entity.COORDINATES,)

    def may_find(self, scan: Scan) -> bool:
        """Degrees have a fraction or a sign; plus codes may have no digit."""
        return "+" in scan.signs or (scan.digits > 1 and not scan.signs.isdisjoint(".,°"))

    def find(self, scan: Scan) -> Iterator[Found]:
        """Pairs, labelled single degrees, and full plus codes."""
        text = scan.text
        for pattern in (_DECIMAL, _SEXAGESIMAL, _PLUS_CODE):
            for match in pattern.finditer(text):
                yield Found(*match.span(), Entity.COORDINATES, 0.8)
        for match in _LABELLED.finditer(text):
            yield Found(*match.span("value"), Entity.COORDINATES, 0.9)
