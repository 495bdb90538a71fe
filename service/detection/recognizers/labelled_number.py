"""Numbers that a label calls a national id, passport, licence, bank account or card, in many languages."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.detection.words import Word
from service.policy.entities import Entity

_LABELS: Final = {
    Entity.PASSPORT: Phrases(word_list("labelled_number", "labels_passport")),
    Entity.DRIVING_LICENCE: Phrases(word_list("labelled_number", "labels_driving_licence")),
    Entity.NATIONAL_ID: Phrases(word_list("labelled_number", "labels_national_id")),
    Entity.BANK_ACCOUNT: Phrases(word_list("labelled_number", "labels_bank_account")),
    Entity.CREDIT_CARD: Phrases(word_list("labelled_number", "labels_credit_card")),
}
#: Labels of scripts without spaces.
_UNSPACED: Final = {
    Entity.PASSPORT: re.compile("护照(?:号码?)?|護照|パスポート(?:番号)?|旅券番号|여권(?:번호)?|หนังสือเดินทาง"),
    Entity.DRIVING_LICENCE: re.compile("驾照|驾驶证|運転免許証?|운전면허"),
    Entity.NATIONAL_ID: re.compile("身份证(?:号码?)?|身分證|マイナンバー|個人番号|주민등록번호|บัตรประชาชน"),
    Entity.BANK_ACCOUNT: re.compile("银行(?:账号|卡号)|账号|帳號|口座番号|계좌(?:번호)?|บัญชี"),
    Entity.CREDIT_CARD: re.compile("信用卡|クレジットカード(?:番号)?|카드번호"),
}
#: From a label to its number: marks and a few words such as `number is`.
_VALUE: Final = re.compile(
    r"[\"'\\]{0,3}[ :=#.,(：_-]{0,3}(?:(?:number|numbers|num|no|nr|id|code|is|was|ist|lautet|"
    r"est|es|é|è|numéro|número|numero|nummer|номер"
    r"|my|the|card|of|with|for|de|du|der|to|n\.?[°ºo]|№|は|是|为|은|는)[ :=#.(\"'\\：]{0,4}){0,4}[\"'\\]{0,2}"
    r"(?<![A-Za-z0-9])(?P<value>[A-Z]{0,6}[ -]?\d(?:[ ./-]?[A-Z0-9]){3,29})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
#: A document's number some words after its label: `passport of the applicant X4728193`.
_DOCUMENT_NUMBER: Final = re.compile(
    r"[^\d\n]{0,30}?(?<![A-Za-z0-9])(?P<value>[A-Z]{0,3}\d[A-Z0-9]{5,17})(?![A-Za-z0-9])", re.IGNORECASE
)
_DOCUMENTS: Final = frozenset({Entity.PASSPORT, Entity.DRIVING_LICENCE})
_FEWEST_DOCUMENT_DIGITS: Final = 5
_PLATE_LABELS: Final = Phrases(word_list("labelled_number", "labels_plate"))
_PLATE: Final = re.compile(
    r"[\"'\\]{0,3}[ :=#.]{1,3}(?:(?:is|no|nr|number|ist|est|es|è)\b[ :.]{1,2}){0,2}[\"']?"
    r"(?P<value>[A-ZÄÖÜ0-9]{1,7}(?:[ -][A-ZÄÖÜ0-9]{1,5}){0,3})(?!\w)"
)
_CARD_CODE_LABELS: Final = Phrases(word_list("labelled_number", "card_code_labels"))
_CARD_CODE: Final = re.compile(
    r"2?[\"'\\]{0,3} ?(?:[:=#]|is|was|ist)? ?[\"'\\]{0,3}(?P<value>\d{3,4})(?!\d)", re.IGNORECASE
)
_FEWEST_DIGITS: Final = 4
_FEWEST_AMONG_LETTERS: Final = 2
_SHORTEST_MIXED: Final = 7
#: Labels as short as this may be words; eight digits after them may be a date.
_ABBREVIATION: Final = 3
_SHORTEST_UNMARKED: Final = 9


class LabelledNumberRecognizer(RuleRecognizer):
    """Finds numbers by what they are called."""

    entities: ClassVar = tuple(_LABELS)

    def may_find(self, scan: Scan) -> bool:
        """Numbers have digits; a plate may have one."""
        return scan.digits > 0

    def find(self, scan: Scan) -> Iterator[Found]:
        """The number alone; its label stays."""
        text, words = scan.text, scan.words
        for entity, phrases in _LABELS.items():
            labels = [
                (words[last].end, _everyday(words[first : last + 1])) for first, last in phrases.find(scan)
            ]
            if not scan.ascii:
                labels += [(match.end(), False) for match in _UNSPACED[entity].finditer(text)]
            for end, everyday in labels:
                match = _VALUE.match(text, end)
                if match:
                    value = _trimmed(match["value"])
                    if _enough_digits(value) and not (everyday and _only_a_count(match, value)):
                        yield Found(match.start("value"), match.start("value") + len(value), entity, 0.9)
                near = _DOCUMENT_NUMBER.match(text, end) if entity in _DOCUMENTS else None
                if near and sum(char.isdigit() for char in near["value"]) >= _FEWEST_DOCUMENT_DIGITS:
                    yield Found(*near.span("value"), entity, 0.7)
        for _, last in _PLATE_LABELS.find(scan):
            plate = _PLATE.match(text, words[last].end)
            if plate and any(char.isdigit() for char in plate["value"]) and len(plate["value"]) > 3:
                yield Found(*plate.span("value"), Entity.NATIONAL_ID, 0.8)
        for _, last in _CARD_CODE_LABELS.find(scan):
            match = _CARD_CODE.match(text, words[last].end)
            if match:
                yield Found(*match.span("value"), Entity.CREDIT_CARD, 0.9)


def _everyday(label: list[Word]) -> bool:
    """Whether it is an abbreviation that is a word of some language as well: `run`, `ein`, `pas`."""
    return len(label) == 1 and label[0].known and not label[0].upper and len(label[0].key) <= _ABBREVIATION


def _only_a_count(match: re.Match[str], value: str) -> bool:
    """Whether a number stands after a word as counts do: no mark between, and shorter than ids are."""
    between = match[0][: match.start("value") - match.start()]
    return between == " " and value.isdigit() and len(value) < _SHORTEST_UNMARKED


def _enough_digits(value: str) -> bool:
    """Whether it may be a number; one without gaps may be letters for the most part: `X4RTBH89F`."""
    digits = sum(char.isdigit() for char in value)
    return digits >= _FEWEST_DIGITS or (
        digits >= _FEWEST_AMONG_LETTERS and value.isalnum() and len(value) >= _SHORTEST_MIXED
    )


def _trimmed(value: str) -> str:
    """The value without the words after it: last groups without a digit, but for a check letter."""
    groups = re.split(r"(?<=[ ./-])", value)
    while (
        len(groups) > 1
        and not any(char.isdigit() for char in groups[-1])
        and not (len(groups[-1].strip(" ./-")) == 1 and groups[-1].isupper())
    ):
        groups.pop()
    return "".join(groups).rstrip(" ./-")
