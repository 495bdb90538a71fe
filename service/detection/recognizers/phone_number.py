"""Phone numbers of any country, as people write them."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

import phonenumbers

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.policy.entities import Entity

#: Where a number without a country code may belong to; the first that has it decides.
_REGIONS: Final = (
    "US GB DE FR ES IT IN BR CN JP KR NL BE CH AT PL CZ PT IE SE NO DK FI AU NZ ZA NG KE GH MX AR CO CL PE TR IL AE SA EG MA "
    "ID PH VN TH SG MY HK TW PK BD UA RU RO HU GR SK BG HR"
).split()
_CANDIDATE: Final = re.compile(
    r"(?<![\w.,/=#:%$€£-])(?:(?:\+|00) ?)?[(]?\d[\d]{0,5}[)]?(?:[ .\-/()·]{1,3}\d{1,6}[)]?){0,7}(?:;ext=\d{1,6}|(?: ?(?:ext|x|extension|durchwahl|poste|anexo|ramal|доб)\.? ?\d{1,6}))?(?![\w]|[.,:/-]\d|%)"
    r"|(?<=tel:)\+?\d[\d.()-]{5,20}|(?<=wa\.me/)\d{7,15}|(?<=[=:])\+\d[\d ().-]{6,20}\d"
)
_LABEL: Final = re.compile(
    r"(?:\b(?:phone|tel|telephone|telefon|téléphone|teléfono|telefone|telefono|telefoon|puhelin|mobile|mobil|móvil|movil|celular|cellulare|cell|handy|portable|fax|whatsapp|signal|sms|text me|call|calling|ring|dial|reach me|callback|call back|rückruf|anrufen|ruf|rufnummer|nummer|appel|appelez|numéro|numero|número|n°|ligue|ligar|liga|llame|llama|llámame|llamar|chiama|chiamami|bel|ringa|ring|dzwoń|zadzwoń|komórka|tlf|tfn|tlph|gsm|ara|hp|no hp|telp|sđt|điện thoại)\b|тел|телефон|звон|τηλ|هاتف|جوال|موبايل|טלפון|נייד|फोन|मोबाइल|โทร|电话|電話|手机|手機|携帯|전화|휴대폰|연락처)",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d|(?:19|20)\d{6}(?:\d{6})?|(?:19|20)\d\d\s?[-/]\s?(?:19|20)\d\d"
)
_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,6}){1,5}")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:[ .]000){1,4}|\d{1,3}(?:\.\d{3}){1,4}")
_BEFORE: Final = 40
_REFERENCE: Final = re.compile(
    r"(?:order|ticket|invoice|ref|reference|case|po|id|build|version|ver|commit|pr|issue|error|code|#|№|nr|rechnung|bestellung|facture|commande|pedido|factura|fatura|ordine|bestelling|window|tokens?|port|line|step|batch|job|run|request|req|trace|sku|model|usd|eur|gbp|amount|total|price|bytes)[ :.#\"'\w-]{0,12}\Z",
    re.IGNORECASE,
)
_SHORTEST, _LONGEST = 7, 15


class PhoneNumberRecognizer(RuleRecognizer):
    """Finds phone numbers."""

    entities: ClassVar = (Entity.PHONE_NUMBER,)

    def find(self, text: str) -> Iterator[Found]:
        """Numbers that are valid somewhere and are written or called like phones."""
        for match in _CANDIDATE.finditer(text):
            written = match[0]
            digits = sum(char.isdigit() for char in written)
            if not _SHORTEST <= digits <= _LONGEST + 6 or _DATE.fullmatch(written):
                continue
            before = text[max(0, match.start() - _BEFORE) : match.start()]
            labelled = (
                _LABEL.search(before) is not None
                or _LABEL.match(text[match.end() + 1 : match.end() + 12]) is not None
            )
            if written.startswith(("+", "00")) or before.endswith("tel:"):
                if _possible(written):
                    yield Found(*match.span(), Entity.PHONE_NUMBER, 1.0)
                continue
            if labelled:
                if digits <= _LONGEST and not _VERSION.fullmatch(written) or _valid(written):
                    yield Found(*match.span(), Entity.PHONE_NUMBER, 0.8)
                continue
            if _VERSION.fullmatch(written) or _THOUSANDS.fullmatch(written) or _REFERENCE.search(before):
                continue
            groups = re.split(r"\D+", written.strip("()"))
            if (
                len(groups) >= 2
                and _valid(written)
                and (len(groups) >= 3 or written[0] in "(0" or digits >= 10)
            ):
                yield Found(*match.span(), Entity.PHONE_NUMBER, 0.7)
            elif (
                len(groups) == 1
                and (written[0] == "0" or digits >= 10)
                and digits <= 13
                and _valid_plain(written)
            ):
                yield Found(*match.span(), Entity.PHONE_NUMBER, 0.5)


def _possible(written: str) -> bool:
    digits = "".join(char for char in written.partition(";")[0] if char.isdigit()).removeprefix("00")
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number)) or "(0)" in written


def _valid(written: str) -> bool:
    for region in _REGIONS:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            return False
        if phonenumbers.is_valid_number_for_region(number, region):
            return True
    return False


def _valid_plain(digits: str) -> bool:
    """A run of digits with a trunk zero that is valid, or with a country code but no plus."""
    if digits[0] == "0":
        return _valid(digits)
    try:
        return len(digits) >= 11 and bool(phonenumbers.is_valid_number(phonenumbers.parse("+" + digits)))
    except phonenumbers.NumberParseException:
        return False
