"""What a policy may say is done to a value: the actions and their parameters, as parsed.

These are declarations. What each does lives in service/actions, one file per action.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from service.policy.entities import Entity


class Spec(BaseModel):
    """Base of all specs: immutable, and closed against unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Guard(Spec):
    """What a kept value must look like; a value outside of it is dropped.

    For a list, `type: list`, every item must hold the rest of the guard, and one that doesn't drops the
    whole list. `type: word` is a string without white space. Patterns must match the whole string.
    """

    type: Literal["string", "word", "integer", "number", "boolean", "list"]
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    max_length: int | None = Field(default=None, ge=1)
    minimum: float | None = None
    maximum: float | None = None
    max_items: int | None = Field(default=None, ge=1)


class Keep(Spec):
    """The value as it is, if its guard holds. The guard is the field's, or one given here."""

    action: Literal["keep"] = "keep"
    guard: Guard | None = None


class Drop(Spec):
    """No key at all."""

    action: Literal["drop"] = "drop"


class Pseudonymize(Spec):
    """A keyed pseudonym in the vendor's id form."""

    action: Literal["pseudonymize"] = "pseudonymize"


class Scrub(Spec):
    """Detected spans replaced by `<ENTITY>`; for the entities named, by `<ENTITY:pseudonym>`."""

    action: Literal["scrub"] = "scrub"
    pseudonymize: frozenset[Entity] = frozenset()


class IpPrefix(Spec):
    """An address cut to a network prefix (bits kept)."""

    action: Literal["ip_prefix"] = "ip_prefix"
    v4: int = Field(default=24, ge=1, le=24)
    v6: int = Field(default=48, ge=1, le=48)


class Country(Spec):
    """An ISO 3166 alpha-2 code, from a code or an English name."""

    action: Literal["country"] = "country"


class Region(Spec):
    """The name or code of a first-level subdivision."""

    action: Literal["region"] = "region"


class UrlTemplate(Spec):
    """Scheme, host and path with ids, e-mails and tokens as `:id`; of the query only scrubbed utm_*."""

    action: Literal["url_template"] = "url_template"


class UrlPath(Spec):
    """The templated path alone."""

    action: Literal["url_path"] = "url_path"


class BrowserFamily(Spec):
    """Browser family, its major version and the OS family, from a user agent."""

    action: Literal["browser_family"] = "browser_family"


class EmailDomainClass(Spec):
    """free-mail, education, government, disposable or company."""

    action: Literal["email_domain_class"] = "email_domain_class"


class YearBand(Spec):
    """A birth date or year as a band of birth years, an age as a band of ages: `1980-1989`, `30-39`."""

    action: Literal["year_band"] = "year_band"
    years: int = Field(default=10, ge=5, le=50)


class NumberBucket(Spec):
    """A number as the half-open bucket it falls into: `11-50`, the last one `1001+`."""

    action: Literal["number_bucket"] = "number_bucket"
    bounds: tuple[int, ...] = (1, 11, 51, 201, 1001)


class TimeUnit(Spec):
    """A time cut down to a unit, as RFC 3339 in UTC."""

    action: Literal["time_unit"] = "time_unit"
    unit: Literal["second", "minute", "hour", "day"] = "second"


class Language(Spec):
    """The language of a locale or language tag: `pt` of `pt-BR`."""

    action: Literal["language"] = "language"


class ScreenBucket(Spec):
    """A screen's width or height rounded down (pixels)."""

    action: Literal["screen_bucket"] = "screen_bucket"
    step: int = Field(default=100, ge=50, le=1000)


class Mask(Spec):
    """The last characters of a value that matches the pattern as a whole, the rest as `*`."""

    action: Literal["mask"] = "mask"
    pattern: str
    keep_last: int = Field(ge=1, le=4)


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
