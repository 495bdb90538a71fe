"""What a policy may say is done to a value: the actions and their parameters, as parsed.

These are declarations. What each does lives in service/actions, one file per action.
"""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StrictInt
from pydantic_core import PydanticCustomError

from service.policy.closed_model import ClosedModel
from service.policy.entities import Entity


def _checked_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise PydanticCustomError(
            "pattern", "not a regular expression: {problem}", {"problem": error.msg}
        ) from None
    if pattern.startswith("^") or pattern.endswith("$"):
        raise PydanticCustomError("pattern", "a pattern is for the whole value: leave out ^ and $")
    return pattern


def _checked_bounds(bounds: tuple[int, ...]) -> tuple[int, ...]:
    if not bounds or list(bounds) != sorted(set(bounds)):
        raise PydanticCustomError("bounds", "bounds must rise from one to the next")
    return bounds


#: A regular expression that a whole value must match.
Pattern: TypeAlias = Annotated[str, AfterValidator(_checked_pattern)]


class Guard(ClosedModel):
    """What a kept value must look like; a value outside of it is dropped.

    For a list, `type: list`, every item must hold the rest of the guard, and one that doesn't drops the
    whole list. `type: word` is a string without white space. Patterns must match the whole string; a `listed`
    one matches nothing but words of a list and small numbers.
    """

    type: Literal["string", "word", "integer", "number", "boolean", "list"]
    enum: tuple[str, ...] | None = None
    pattern: Pattern | None = None
    listed: bool = False
    max_length: int | None = Field(default=None, strict=True, ge=1)
    minimum: float | None = None
    maximum: float | None = None
    max_items: int | None = Field(default=None, strict=True, ge=1)


class Keep(ClosedModel):
    """The value as it is, if its guard holds. The guard is the field's, or one given here."""

    action: Literal["keep"] = "keep"
    guard: Guard | None = None


class Drop(ClosedModel):
    """No key at all."""

    action: Literal["drop"] = "drop"


class Pseudonymize(ClosedModel):
    """A keyed pseudonym in the vendor's id form."""

    action: Literal["pseudonymize"] = "pseudonymize"


class Scrub(ClosedModel):
    """Detected spans replaced by `<ENTITY>`; for the entities named, by `<ENTITY:pseudonym>` or `***`."""

    action: Literal["scrub"] = "scrub"
    pseudonymize: frozenset[Entity] = frozenset()
    mask: frozenset[Entity] = frozenset()


class IpPrefixParameters(ClosedModel):
    """An address cut to a network prefix (bits kept)."""

    v4: int = Field(strict=True, default=24, ge=1, le=24)
    v6: int = Field(strict=True, default=48, ge=1, le=48)


class IpPrefix(IpPrefixParameters):
    """An address cut to a network prefix (bits kept)."""

    action: Literal["ip_prefix"] = "ip_prefix"


class Country(ClosedModel):
    """An ISO 3166 alpha-2 code, from a code or an English name."""

    action: Literal["country"] = "country"


class Region(ClosedModel):
    """The name or code of a first-level subdivision."""

    action: Literal["region"] = "region"


class UrlTemplate(ClosedModel):
    """Scheme, host and path with ids, e-mails and tokens as `:id`; of the query only scrubbed utm_*."""

    action: Literal["url_template"] = "url_template"


class UrlPath(ClosedModel):
    """The templated path alone."""

    action: Literal["url_path"] = "url_path"


class BrowserFamily(ClosedModel):
    """Browser family, its major version and the OS family, from a user agent."""

    action: Literal["browser_family"] = "browser_family"


class EmailDomainClass(ClosedModel):
    """free-mail, education, government, disposable or company."""

    action: Literal["email_domain_class"] = "email_domain_class"


class YearBandParameters(ClosedModel):
    """A birth date or year as a band of birth years, an age as a band of ages: `1980-1989`, `30-39`."""

    years: int = Field(strict=True, default=10, ge=5, le=50)


class YearBand(YearBandParameters):
    """A birth date or year as a band of birth years, an age as a band of ages: `1980-1989`, `30-39`."""

    action: Literal["year_band"] = "year_band"


class NumberBucketParameters(ClosedModel):
    """A number as the half-open bucket it falls into: `11-50`, the last one `1001+`."""

    bounds: Annotated[tuple[StrictInt, ...], AfterValidator(_checked_bounds)] = (1, 11, 51, 201, 1001)


class NumberBucket(NumberBucketParameters):
    """A number as the half-open bucket it falls into: `11-50`, the last one `1001+`."""

    action: Literal["number_bucket"] = "number_bucket"


class TimeUnitParameters(ClosedModel):
    """A time cut down to a unit, as RFC 3339 in UTC."""

    unit: Literal["second", "minute", "hour", "day"] = "second"


class TimeUnit(TimeUnitParameters):
    """A time cut down to a unit, as RFC 3339 in UTC."""

    action: Literal["time_unit"] = "time_unit"


class Language(ClosedModel):
    """The language of a locale or language tag: `pt` of `pt-BR`."""

    action: Literal["language"] = "language"


class ScreenBucketParameters(ClosedModel):
    """A screen's width or height rounded down (pixels)."""

    step: int = Field(strict=True, default=100, ge=50, le=1000)


class ScreenBucket(ScreenBucketParameters):
    """A screen's width or height rounded down (pixels)."""

    action: Literal["screen_bucket"] = "screen_bucket"


class MaskParameters(ClosedModel):
    """The last characters of a value that matches the pattern as a whole, the rest as `*`."""

    pattern: Pattern
    keep_last: int = Field(strict=True, ge=1, le=4)


class Mask(MaskParameters):
    """The last characters of a value that matches the pattern as a whole, the rest as `*`."""

    action: Literal["mask"] = "mask"


ActionSpec: TypeAlias = Annotated[
    Keep
    | Drop
    | Pseudonymize
    | Scrub
    | IpPrefix
    | Country
    | Region
    | UrlTemplate
    | UrlPath
    | BrowserFamily
    | EmailDomainClass
    | YearBand
    | NumberBucket
    | TimeUnit
    | Language
    | ScreenBucket
    | Mask,
    Field(discriminator="action"),
]
