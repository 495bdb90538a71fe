"""What the generator knows about an event: the identity values it put in, and where."""

from dataclasses import dataclass
from enum import StrEnum

from service.events.json_value import JsonObject


class Place(StrEnum):
    """Where in an event a value was put.

    STRUCTURED is every field that the policy decides by its path alone, unknown keys included: no value from
    there may come through. FREE_TEXT is the words that vendors get scrubbed, where detection decides.
    """

    STRUCTURED = "structured"
    FREE_TEXT = "free_text"


class Kind(StrEnum):
    """What a planted value is."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    STREET = "street address"
    CARD = "card"
    BANK_ACCOUNT = "bank account"
    TOKEN = "token"  # noqa: S105  (the name of a kind)
    PASSWORD = "password"  # noqa: S105  (same)
    IP = "ip"
    USERNAME = "user name"
    IDENTIFIER = "identifier"
    BIRTHDAY = "birthday"
    COORDINATE = "coordinate"
    WORDS = "prompt"


@dataclass(frozen=True, slots=True, repr=False)
class Planted:
    """One identity value of one event, spelled as it stands there before any encoding."""

    value: str
    kind: Kind
    place: Place


@dataclass(frozen=True, slots=True, repr=False)
class SampleEvent:
    """A generated event.

    Attributes:
        key: The record key, as a producer would set it: the user id, else the anonymous id.
        raw: The record value; UTF-8 JSON, unless it was spoiled on purpose.
        body: The event as it was before it was written, or spoiled.
        timestamp: Seconds since the epoch. No other event of the same run has it, so that a vendor's payload
            can be traced to its event by its time alone.
        language: The language of its person: en, fr, de or es.
        planted: What was put in; known to the demo only, never sent.
    """

    key: bytes
    raw: bytes | None
    body: JsonObject
    timestamp: int
    language: str
    planted: tuple[Planted, ...]
