"""Dates that a label calls somebody's birth date. Other dates stay."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.policy.entities import Entity

_LABEL: Final = re.compile(
    r"(?:\bd\.?o\.?b\.?\b|birth[ _-]?(?:day|date)|date[ _-]of[ _-]birth|\bborn\b|\bbday\b|b-day|geburtsdatum|geburtstag|geboren|\bgeb\.?\b|date de naissance|\bnée?\b|\bné\(e\)|anniversaire"
    r"|fecha de nacimiento|\bnacid[oa]\b|\bnací\b|\bf\. ?nac|cumpleaños|data de nascimento|\bnascid[oa]\b|\bnasci\b|aniversário|data di nascita|\bnat[oa] (?:il|a)\b|compleanno"
    r"|geboortedatum|verjaardag|födelsedatum|född|fødselsdato|fødselsdag|født|syntymäaika|syntynyt|data urodzenia|urodzon[yae]|\bur\.|datum narození|narozen[aý]?|születési|született|data nașterii|născut"
    r"|doğum tarihi|doğdum|дата рождения|родил(?:ся|ась)|дата народження|народи(?:вся|лась)|ημερομηνία γέννησης|γεννήθηκα|tanggal lahir|\blahir\b|ngày sinh|\bsinh ngày|เกิดวันที่|वन्मतिथि|जन्म(?:तिथि| तिथि)?|تاريخ الميلاد|مواليد|תאריך לידה|出生(?:日期)?|生年月日|生日|誕生日|생년월일|생일)",
    re.IGNORECASE,
)
_MONTH: Final = r"[^\W\d_]{3,12}\.?"
_DATE: Final = re.compile(
    rf"\d{{4}}[-/. ]\d{{1,2}}[-/. ]\d{{1,2}}|\d{{1,2}}[-/. ]{{1,2}}\d{{1,2}}[-/. ]{{1,2}}\d{{2,4}}|\d{{1,2}}(?:st|nd|rd|th|er|º|\.)?(?: de| of)? {_MONTH}(?: de|,)? \d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{4}} ?年 ?\d{{1,2}} ?月 ?\d{{1,2}} ?日|\d{{4}} ?년 ?\d{{1,2}} ?월 ?\d{{1,2}} ?일|\b(?:19|20)\d{{6}}\b|\b(?:19|20)\d\d\b",
    re.IGNORECASE,
)
#: How far a date may stand from its label, in characters.
_REACH: Final = 40


class BirthDateRecognizer(RuleRecognizer):
    """Finds birth dates."""

    entities: ClassVar = (Entity.DATE_OF_BIRTH,)

    def find(self, text: str) -> Iterator[Found]:
        """The first date after a label, or the one right before it."""
        for label in _LABEL.finditer(text):
            date = _DATE.search(text, label.end(), label.end() + _REACH + 20)
            if date and date.start() - label.end() <= _REACH:
                yield Found(*date.span(), Entity.DATE_OF_BIRTH, 0.9)
                continue
            before = list(_DATE.finditer(text, max(0, label.start() - _REACH), label.start()))
            if before and label.start() - before[-1].end() <= 12:
                yield Found(*before[-1].span(), Entity.DATE_OF_BIRTH, 0.8)
