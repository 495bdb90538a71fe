"""National ids that prove themselves by form and check digits, where Presidio has no recognizer."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.policy.entities import Entity

#: Social security number; Presidio's wants a label for other separators than these.
_SSN: Final = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
#: NIR: sex, year, month, department (Corsica 2A, 2B), commune, order, key = 97 - number mod 97.
_FRENCH: Final = re.compile(
    r"(?<!\w)([12]) ?(\d\d) ?(0[1-9]|1[0-2]|[2-9]\d) ?(\d\d|2[AB]) ?(\d{3}) ?(\d{3})(?: ?(\d\d))?(?!\w)",
    re.IGNORECASE,
)
_BRAZILIAN: Final = re.compile(r"(?<![\w.-])(\d{3})\.?(\d{3})\.?(\d{3})-?(\d\d)(?![\w-])")
_BRITISH: Final = re.compile(
    r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)",
    re.IGNORECASE,
)
_AADHAAR: Final = re.compile(r"(?<![\w-])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![\w]|[ -]\d)")
_SPANISH: Final = re.compile(
    r"(?<!\w)[XYZ0-9][ .-]?\d{1,2}[.]?\d{3}[.]?\d{3}[ -]?[A-HJ-NP-TV-Z](?!\w)", re.IGNORECASE
)
_CHINESE: Final = re.compile(
    r"(?<!\w)[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)"
)
_SWEDISH: Final = re.compile(
    r"(?<![\w-])(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}(?![\w-])"
)
_FINNISH: Final = re.compile(
    r"(?<!\w)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+A]\d{3}[0-9A-FHJ-NPR-Y](?!\w)"
)
_MEXICAN: Final = re.compile(
    r"(?<!\w)[A-Z][AEIOUX][A-Z]{2}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[HM][A-Z]{5}[A-Z0-9]\d(?!\w)"
)
_KOREAN: Final = re.compile(r"(?<![\w-])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-4]\d{6}(?![\w-])")
#: Permanent account number, India.
_INDIAN: Final = re.compile(r"(?<!\w)[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z](?!\w)")
_BY_FORM: Final = (_INDIAN, _SSN, _BRITISH, _CHINESE, _SWEDISH, _FINNISH, _MEXICAN, _KOREAN, _AADHAAR)
_SPANISH_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


class NationalIdRecognizer(RuleRecognizer):
    """Finds national ids without a label."""

    entities: ClassVar = (Entity.NATIONAL_ID,)

    def may_find(self, scan: Scan) -> bool:
        """The fewest digits are India's."""
        return scan.digits >= 4

    def find(self, scan: Scan) -> Iterator[Found]:
        """Ids by their form; where forms are common, the check digits must be right."""
        text = scan.text
        for pattern in _BY_FORM:
            for match in pattern.finditer(text):
                yield Found(*match.span(), Entity.NATIONAL_ID, 0.8)
        for pattern, proven in ((_FRENCH, _french), (_BRAZILIAN, _brazilian), (_SPANISH, _spanish)):
            for match in pattern.finditer(text):
                if proven(match):
                    yield Found(*match.span(), Entity.NATIONAL_ID, 1.0)


def _french(match: re.Match[str]) -> bool:
    *parts, key = match.groups()
    body = "".join(parts).upper().replace("2A", "19").replace("2B", "18")
    if key is None:
        return " " in match[0]
    return 97 - int(body) % 97 == int(key) or " " in match[0]


def _brazilian(match: re.Match[str]) -> bool:
    digits = [int(char) for char in "".join(match.groups())]
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(digit * weight for digit, weight in zip(digits, range(length + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True


def _spanish(match: re.Match[str]) -> bool:
    value = re.sub(r"[ .-]", "", match[0].upper())
    number = value[:-1].translate(str.maketrans("XYZ", "012"))
    return len(number) == 8 and number.isdigit() and _SPANISH_LETTERS[int(number) % 23] == value[-1]
