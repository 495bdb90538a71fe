"""The policy files as they are written: the notation, before anything is compiled from it.

`schemas/tracking_plan.v1.schema.json` and `schemas/policy.v1.schema.json` are exported from these models.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Discriminator, Field, StrictInt, StringConstraints, Tag

from service.policy.action_specs import (
    IpPrefixParameters,
    MaskParameters,
    NumberBucketParameters,
    Pattern,
    ScreenBucketParameters,
    TimeUnitParameters,
    YearBandParameters,
)
from service.policy.closed_model import ClosedModel
from service.policy.entities import Entity
from service.policy.vendor_names import VendorName

CLASS_NAME: Final = r"^[a-z][a-z_]*(\.[a-z][a-z_]*)*$"
DOTTED_PATH: Final = r"^[^.\s]+(\.[^.\s]+)*$"
LIST_NAME: Final = r"^[a-z][a-z_]*$"
#: What Kafka takes for a topic's name.
TOPIC: Final = r"^[A-Za-z0-9._-]{1,249}$"
#: A part of the HKDF info `weir/v1/<vendor>/<purpose>`.
PURPOSE: Final = r"^[a-z][a-z0-9-]{0,31}$"
#: A number of seconds, minutes, hours or days, or no end.
DURATION: Final = r"^(never|[1-9][0-9]{0,3}[smhd])$"
#: Detection reports nothing with a lower score.
LOWEST_SCORE: Final = 0.4
#: From here on a text itself says that a name or an address follows, or two lists and a model agree.
HIGHEST_THRESHOLD: Final = 0.7

Word: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
ClassName: TypeAlias = Annotated[str, StringConstraints(pattern=CLASS_NAME)]
DottedPath: TypeAlias = Annotated[str, StringConstraints(pattern=DOTTED_PATH)]
ListName: TypeAlias = Annotated[str, StringConstraints(pattern=LIST_NAME)]
Topic: TypeAlias = Annotated[str, StringConstraints(pattern=TOPIC)]
Purpose: TypeAlias = Annotated[str, StringConstraints(pattern=PURPOSE)]
Duration: TypeAlias = Annotated[str, StringConstraints(pattern=DURATION)]
OtherCall: TypeAlias = Literal["identify", "page", "screen", "group", "alias"]
Words: TypeAlias = Annotated[list[Word], Field(min_length=1)]
Number: TypeAlias = Annotated[float, Field(strict=True)]
#: Checked by entity_checks.py, whose words say more than these bounds.
Threshold: TypeAlias = Annotated[
    float,
    Field(strict=True, json_schema_extra={"exclusiveMinimum": LOWEST_SCORE, "maximum": HIGHEST_THRESHOLD}),
]


class GuardForm(ClosedModel):
    """What a value must look like to be kept."""

    type: Literal["string", "word", "integer", "number", "boolean", "list"] | None = Field(
        default=None, description="The kind of value; a word has no white space. Without it: string."
    )
    enum: (
        Annotated[
            Annotated[Words, Tag("list")] | Annotated[ListName, Tag("name")],
            Discriminator(lambda value: "name" if isinstance(value, str) else "list"),
        ]
        | None
    ) = Field(default=None, description="The values there are, or the name of a list in word_lists.")
    parts: ListName | None = Field(
        default=None,
        description="A word list; the value is put together from its words with - _ . : + or /.",
    )
    pattern: Pattern | None = Field(default=None, description="A regular expression for the whole value.")
    max_length: StrictInt | None = Field(default=None, ge=1, description="In characters.")
    minimum: Number | None = None
    maximum: Number | None = None
    max_items: StrictInt | None = Field(default=None, ge=1, description="Of a list.")


class FieldForm(GuardForm):
    """One field: its class, and what its values must look like to be kept."""

    data_class: ClassName = Field(alias="class")


Fields: TypeAlias = dict[DottedPath, FieldForm]


class EntitiesForm(ClosedModel):
    """What texts are searched for besides, and what is not taken for personal there."""

    thresholds: dict[Entity, Threshold] = Field(
        default={}, description="The lowest score of a finding that counts; for PERSON and STREET_ADDRESS."
    )
    allow: list[Word] = Field(
        default=[], description="Words and phrases that are not taken for a person or a street address."
    )
    deny: dict[Entity, Words] = Field(
        default={}, description="Words and phrases that are always replaced, by the entity they are."
    )


class TrackingPlanFile(ClosedModel):
    """Every event and field the product may send, each classified once."""

    classes: dict[ClassName, Word] = Field(description="Data classes, each with one line of meaning.")
    identity_classes: list[ClassName] = Field(
        description="Classes whose values name or reach a person; removed from the event's texts as well."
    )
    common: Fields = Field(description="Fields of every event and call.")
    events: dict[Word, Fields] = Field(description="Tracked events and their fields.")
    calls: dict[OtherCall, Fields] = Field(description="The other call types and their fields.")
    word_lists: dict[ListName, Words] = Field(default={}, description="Words that fields share.")
    entities: EntitiesForm = Field(
        default=EntitiesForm(), description="How findings in texts are judged for all vendors."
    )


class KeepForm(ClosedModel):
    """Keep, with a guard of its own."""

    keep: GuardForm


class ScrubParameters(ClosedModel):
    """How scrub replaces."""

    pseudonymize: list[Entity] | None = Field(
        default=None,
        min_length=1,
        description="Entities replaced by a pseudonym instead of their name alone.",
    )
    mask: list[Entity] | None = Field(
        default=None, min_length=1, description="Entities replaced by ***, which does not say what it was."
    )


class ScrubForm(ClosedModel):
    """Scrub, with pseudonyms or masks for some entities."""

    scrub: ScrubParameters


class IpPrefixForm(ClosedModel):
    ip_prefix: IpPrefixParameters


class YearBandForm(ClosedModel):
    year_band: YearBandParameters


class NumberBucketForm(ClosedModel):
    number_bucket: NumberBucketParameters


class TimeUnitForm(ClosedModel):
    time_unit: TimeUnitParameters


class ScreenBucketForm(ClosedModel):
    screen_bucket: ScreenBucketParameters


class MaskForm(ClosedModel):
    """Mask all but the last characters."""

    mask: MaskParameters


def _shape(value: Any) -> str | None:
    """Which notation a value uses: `word`, or the one key of a mapping."""
    if isinstance(value, str):
        return "word"
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value)))
    if isinstance(value, ClosedModel):
        return next(iter(type(value).model_fields))
    return None


GeneralizationWord: TypeAlias = Literal[
    "ip_prefix",
    "country",
    "region",
    "url_template",
    "url_path",
    "browser_family",
    "email_domain_class",
    "year_band",
    "number_bucket",
    "time_unit",
    "language",
    "screen_bucket",
]
Generalization: TypeAlias = Annotated[
    Annotated[GeneralizationWord, Tag("word")]
    | Annotated[IpPrefixForm, Tag("ip_prefix")]
    | Annotated[YearBandForm, Tag("year_band")]
    | Annotated[NumberBucketForm, Tag("number_bucket")]
    | Annotated[TimeUnitForm, Tag("time_unit")]
    | Annotated[ScreenBucketForm, Tag("screen_bucket")],
    Discriminator(_shape),
]


class GeneralizeForm(ClosedModel):
    """A coarser value."""

    generalize: Generalization


ActionWord: TypeAlias = Literal["keep", "drop", "pseudonymize", "scrub"]
Action: TypeAlias = Annotated[
    Annotated[ActionWord, Tag("word")]
    | Annotated[KeepForm, Tag("keep")]
    | Annotated[ScrubForm, Tag("scrub")]
    | Annotated[GeneralizeForm, Tag("generalize")]
    | Annotated[MaskForm, Tag("mask")],
    Discriminator(_shape),
]


class ConsentForm(ClosedModel):
    """The consent category that a vendor's events need."""

    category: Word = Field(description="A key of context.consent.categoryPreferences.")
    when_absent: Literal["allow", "deny"] = Field(
        default="deny", description="What to do where an event has no consent object at all."
    )


class BreakerForm(ClosedModel):
    """When the vendor's circuit breaker opens, and when it closes by itself."""

    gate_hits: StrictInt = Field(default=10, ge=1, description="Hits of the gate at which it opens.")
    per_events: StrictInt = Field(
        default=1000, ge=1, le=100_000, description="The vendor's last events, among which hits are counted."
    )
    close_after: Duration = Field(
        default="never", description="Such as 30m, 1h or 7d; never: only an operator closes it."
    )


class VendorFile(ClosedModel):
    """What one vendor gets. A class or field that is not named is dropped."""

    vendor: VendorName
    topic: Topic = Field(description="The output topic.")
    integration: Literal["Mixpanel", "Amplitude", "PostHog", "Segment", "Google Analytics 4"] = Field(
        description="The vendor's name among an event's `integrations` switches."
    )
    consent: Annotated[
        Annotated[Word, Tag("word")] | Annotated[ConsentForm, Tag("mapping")],
        Discriminator(lambda value: "word" if isinstance(value, str) else "mapping"),
    ] = Field(description="A consent category; as a word alone, an event without consent is not sent.")
    events: list[Word] = Field(description="The tracked events it may get.")
    calls: list[OtherCall] = Field(description="The other call types it may get.")
    actions: dict[ClassName, Action] = Field(description="What happens to each class.")
    fields: dict[DottedPath, Action] = Field(
        default={}, description="Fields treated otherwise than their class."
    )
    key_purposes: dict[ClassName, Purpose] = Field(
        default={}, description="For each pseudonymized class, the purpose its key is derived for."
    )
    entities: EntitiesForm = Field(
        default=EntitiesForm(),
        description="How findings in texts are judged for this vendor, besides what the tracking plan says.",
    )
    breaker: BreakerForm = Field(
        default=BreakerForm(), description="The circuit breaker; without this section as its defaults say."
    )
