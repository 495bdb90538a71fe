"""year_band: a birth date or year as a band of birth years, an age as a band of ages."""

import re
from datetime import date
from typing import Final

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.numbers import number_of
from service.events.json_value import JsonValue
from service.policy.action_specs import YearBand

_GREATEST_AGE: Final = 130
_BIRTH_YEARS: Final = range(1880, 2101)
#: Ages from here on are one band: they are few enough to point at a person. HIPAA's safe harbour,
#: 45 CFR 164.514(b)(2)(i)(C), puts ages over 89 into one category.
_TOP_AGE: Final = 90
#: Birth years before this one are one band for the same reason; fixed, as no clock takes part here.
_FIRST_BIRTH_YEAR: Final = 1930

_NUMBER = re.compile(r"[0-9]{1,4}")
# An ISO 8601 calendar date, or a date-time that begins with one.
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})(?:[Tt ][0-9:.,+Zz-]*)?)?")


class YearBandAction(Action):
    """`1984-05-02`, `1984` to `1980-1989`, `34` to `30-39`; whole numbers as strings or as 34.0 as well.

    Up to 130 a number is an age, from 1880 a year; what is between is refused, and so is every date whose
    year does not come first.
    """

    closed = True

    def __init__(self, spec: YearBand) -> None:
        self._years = spec.years

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        number = _age_or_year(value)
        if number is None:
            return REFUSED
        start = number - number % self._years
        end = start + self._years - 1
        if number in _BIRTH_YEARS:
            if number < _FIRST_BIRTH_YEAR:
                return f"before {_FIRST_BIRTH_YEAR}"
            return f"{max(start, _FIRST_BIRTH_YEAR)}-{end}"
        if number >= _TOP_AGE:
            return f"{_TOP_AGE}+"
        return f"{start}-{min(end, _TOP_AGE - 1)}"


def _age_or_year(value: JsonValue) -> int | None:
    number = _from_text(value) if isinstance(value, str) else number_of(value)
    if isinstance(number, int) and (0 <= number <= _GREATEST_AGE or number in _BIRTH_YEARS):
        return number
    return None


def _from_text(text: str) -> int | None:
    if _NUMBER.fullmatch(text):
        return int(text)
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        date(year, month, day)
    except ValueError:
        return None
    # A date of the year 34 is no age.
    return year if year in _BIRTH_YEARS else None
