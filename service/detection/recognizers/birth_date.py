"""Dates that a label calls somebody's birth date. Other dates stay."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.policy.entities import Entity

_LABELS: Final = Phrases(word_list("birth_date", "labels"))
#: Labels of scripts without spaces.
_UNSPACED_LABEL: Final = re.compile("出生(?:日期)?|生年月日|生日|誕生日|생년월일|생일|เกิดวันที่|วันเกิด")
_MONTH: Final = r"[^\W\d_]{3,12}\.?"
_DATE: Final = re.compile(
    rf"\d{{4}}[-/. ]\d{{1,2}}[-/. ]\d{{1,2}}|\d{{1,2}}[-/. ]{{1,2}}\d{{1,2}}[-/. ]{{1,2}}\d{{2,4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|º|\.)?(?: de| of)? {_MONTH}(?: de|,)? (?:\d{{4}}|\d\d)\b"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{4}} ?[年년] ?\d{{1,2}} ?[月월] ?\d{{1,2}} ?[日일]"
    r"|\b(?:19|20)\d{6}\b|\b\d{8}\b|\b(?:19|20)\d\d\b",
    re.IGNORECASE,
)
#: An abbreviation that a date alone makes a label of.
_ABBREVIATED: Final = re.compile(
    r"(?<![\w.])(?:b|n|née?|ur)\. ?"
    r"(?P<date>\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d)(?!\d)"
)
#: How far a date may stand after its label, and before it, in characters.
_AFTER: Final = 40
_BEFORE: Final = 12
_LONGEST_DATE: Final = 30


class BirthDateRecognizer(RuleRecognizer):
    """Finds birth dates."""

    entities: ClassVar = (Entity.DATE_OF_BIRTH,)

    def may_find(self, scan: Scan) -> bool:
        """The shortest date: `1 May 87`."""
        return scan.digits >= 3

    def find(self, scan: Scan) -> Iterator[Found]:
        """The first date after a label, or the one right before it."""
        text, words = scan.text, scan.words
        labels = [(words[first].start, words[last].end) for first, last in _LABELS.find(scan)]
        if not scan.ascii:
            labels += [match.span() for match in _UNSPACED_LABEL.finditer(text)]
        for match in _ABBREVIATED.finditer(text):
            yield Found(*match.span("date"), Entity.DATE_OF_BIRTH, 0.8)
        for start, end in labels:
            date = _DATE.search(text, end, end + _AFTER + _LONGEST_DATE)
            if date and date.start() - end <= _AFTER:
                yield Found(*date.span(), Entity.DATE_OF_BIRTH, 0.9)
                continue
            before = list(_DATE.finditer(text, max(0, start - _BEFORE - _LONGEST_DATE), start))
            if before and start - before[-1].end() <= _BEFORE:
                yield Found(*before[-1].span(), Entity.DATE_OF_BIRTH, 0.8)
