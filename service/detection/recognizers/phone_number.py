"""Phone numbers of any country, as people write them."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

import phonenumbers

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.detection.words import Word, word_from
from service.policy.entities import Entity

#: Where a number without a country code may belong to; the first that has it decides.
_REGIONS: Final = word_list("phone_number", "regions")
_CANDIDATE: Final = re.compile(
    r"(?<![0-9A-Za-z_\u00c0-\u024f.,/=#:%$€£-])(?:(?:\+|00) ?)?[(]?\d{1,15}[)]?(?:[ .\-/"
    r"()·]{1,3}\d{1,12}[)]?){0,7}(?:;ext=\d{1,6}|(?: ?(?:ext|[xX]|EXT|extension|durchwahl|poste|"
    r"anexo|ramal|доб)\.? ?\d{1,6}))?(?![0-9A-Za-z_\u00c0-\u024f]|[.,:/-]\d|%)"
    r"|(?:(?<=tel=)|(?<=phone=)|(?<=phone:)|(?<=mobile=)|(?<=mobile:)|(?<=cell=)|(?<=fax=)|(?<=telefon=))"
    r"[\d(][\d .()-]{5,18}\d(?!\d)"
    r"|(?<=tel:)\+?\d[\d.()-]{5,20}|(?<=wa\.me/)\d{7,15}|(?<=[=:_])\+\d[\d ().-]{6,20}\d"
)
_EXTENSION: Final = re.compile(r"(?:;ext=| ?(?:[^\W\d]+)\.? ?)\d{1,6}\Z")
_LABELS: Final = Phrases(word_list("phone_number", "labels"))
_UNSPACED_LABEL: Final = re.compile("电话|電話|手机|手機|携帯|전화|휴대폰|연락처|โทร")
_DATE: Final = re.compile(
    r"(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d|(?:19|"
    r"20)\d{6}(?:\d{6})?|(?:19|20)\d\d\s?[-/]\s?(?:19|20)\d\d"
)
_VERSION: Final = re.compile(r"(?!0\d(?:\.\d\d){4}\Z|\d{3}\.\d{3}\.\d{4}\Z)\d{1,4}(?:\.\d{1,6}){1,5}")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:[ .]\d{3}){0,3}[ .]000|\d{1,3}(?:\.\d{3}){1,4}")
#: How far a label may stand from its number, in characters.
_REACH: Final = 40
#: What a number after one of these is, is no phone.
_REFERENCES: Final = frozenset(word_list("phone_number", "references"))
_SHORTEST, _LONGEST = 7, 15
#: From here on a number with a plus is taken for a phone though its country has none that long or short.
_FULL_LENGTH: Final = 9


class PhoneNumberRecognizer(RuleRecognizer):
    """Finds phone numbers."""

    entities: ClassVar = (Entity.PHONE_NUMBER,)

    def may_find(self, scan: Scan) -> bool:
        """A number is that long."""
        return scan.digits >= _SHORTEST

    def find(self, scan: Scan) -> Iterator[Found]:
        """Numbers that are valid somewhere and are written or called like phones."""
        text, words = scan.text, scan.words
        labels = [words[last].end for _, last in _LABELS.find(scan)]
        if not scan.ascii:
            labels = sorted([*labels, *(match.end() for match in _UNSPACED_LABEL.finditer(text))])
        for match in _CANDIDATE.finditer(text):
            written = match[0]
            digits = sum(char.isdigit() for char in written)
            if not _SHORTEST <= digits <= _LONGEST + 6 or _DATE.fullmatch(written):
                continue
            start, end = match.span()
            labelled = any(
                start - _REACH <= label <= start or end <= label <= end + _REACH // 2 for label in labels
            )
            if written.lstrip("(").startswith(("+", "00")) or text.startswith("tel:", start - 4):
                if _possible(written):
                    yield Found(start, end, Entity.PHONE_NUMBER, 1.0)
            elif labelled:
                if digits <= _LONGEST and not _VERSION.fullmatch(written):
                    yield Found(start, end, Entity.PHONE_NUMBER, 0.8)
            elif (
                not _VERSION.fullmatch(written)
                and not _THOUSANDS.fullmatch(written)
                and not self._referred(text, words, start)
            ):
                groups = [group for group in re.split(r"\D+", written) if group]
                if len(groups) >= 2:
                    if (len(groups) >= 3 or written[0] in "(0" or digits >= 10) and _valid(written):
                        yield Found(start, end, Entity.PHONE_NUMBER, 0.7)
                elif (written[0] == "0" or digits >= 10) and digits <= 13 and _valid_plain(written):
                    yield Found(start, end, Entity.PHONE_NUMBER, 0.5)

    @staticmethod
    def _referred(text: str, words: list[Word], start: int) -> bool:
        """Whether the word before calls the number something else, or a sign does."""
        last = word_from(words, start) - 1
        while last >= 0 and start - words[last].end <= _REACH // 3:
            if words[last].key in _REFERENCES:
                return True
            last -= 1
        return text[max(0, start - 2) : start].rstrip(" ").endswith(("#", "№", "-"))


def _possible(written: str) -> bool:
    digits = "".join(char for char in _EXTENSION.sub("", written) if char.isdigit()).removeprefix("00")
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number)) or "(0)" in written or len(digits) >= _FULL_LENGTH


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
