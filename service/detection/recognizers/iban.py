"""IBANs by their check digits alone: in any case and grouping, and of lengths that no table has."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.policy.entities import Entity

_CANDIDATE: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
_FEWEST_DIGITS: Final = 8


class IbanCheckRecognizer(RuleRecognizer):
    """Finds what passes the check of ISO 13616 and has digits enough."""

    entities: ClassVar = (Entity.BANK_ACCOUNT,)

    def may_find(self, scan: Scan) -> bool:
        """Two check digits and an account."""
        return scan.digits >= _FEWEST_DIGITS

    def find(self, scan: Scan) -> Iterator[Found]:
        """Numbers whose check digits are right."""
        for match in _CANDIDATE.finditer(scan.text):
            written = re.sub("[ -]", "", match[0])
            digits = sum(char.isdigit() for char in written)
            if digits >= _FEWEST_DIGITS and _checks(written):
                yield Found(*match.span(), Entity.BANK_ACCOUNT, 1.0)


def _checks(iban: str) -> bool:
    """ISO 7064, MOD 97-10: letters count from 10."""
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1
