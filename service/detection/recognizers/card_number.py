"""Card numbers by the networks' ranges and Luhn's digit, or after a word that says what they are."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.policy.entities import Entity

_CANDIDATE: Final = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){11,18}(?![\w]|[.,-]\d)")
#: Issuers' ranges with the lengths they use (ISO/IEC 7812; the networks' published tables): Visa, Mastercard,
#: American Express, Diners, Discover, JCB, UnionPay, Maestro of sixteen digits.
_ISSUED: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[0-9]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|(?:1800|2131)\d{11}|6[0-9]\d{14}"
)
_LABELS: Final = Phrases(
    word_list("labelled_number", "labels_credit_card") + word_list("card_number", "labels")
)
#: How far before the number its label may end, in characters.
_REACH: Final = 25


class CardNumberRecognizer(RuleRecognizer):
    """Finds cards that Presidio's pattern does not know: of 12 to 19 digits, of newer ranges."""

    entities: ClassVar = (Entity.CREDIT_CARD,)

    def may_find(self, scan: Scan) -> bool:
        """The shortest have twelve digits."""
        return scan.digits >= 12

    def find(self, scan: Scan) -> Iterator[Found]:
        """Numbers with a right check digit, of an issuer's range or after a label."""
        ends = [scan.words[last].end for _, last in _LABELS.find(scan)]
        for match in _CANDIDATE.finditer(scan.text):
            digits = re.sub(r"\D", "", match[0])
            labelled = any(0 <= match.start() - end <= _REACH for end in ends)
            if _luhn(digits) and (labelled or _ISSUED.fullmatch(digits)):
                yield Found(*match.span(), Entity.CREDIT_CARD, 1.0)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[::-2])) % 10 == 0
