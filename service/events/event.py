"""A validated raw event, and the reasons for which a record is none."""

from dataclasses import dataclass
from enum import StrEnum

from service.events.json_value import JsonObject


class CallType(StrEnum):
    """The call types of the Segment spec."""

    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


class RejectReason(StrEnum):
    """Why decode refused a record: the reason codes of the dead-letter topic's `decode` stage."""

    NULL_VALUE = "null_value"
    RECORD_TOO_LARGE = "record_too_large"
    NOT_UTF8 = "not_utf8"
    BYTE_ORDER_MARK = "byte_order_mark"
    MALFORMED_JSON = "malformed_json"
    NOT_A_FINITE_NUMBER = "not_a_finite_number"
    INTEGER_OUT_OF_RANGE = "integer_out_of_range"
    NOT_AN_OBJECT = "not_an_object"
    NESTED_TOO_DEEP = "nested_too_deep"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    MISTYPED_FIELD = "mistyped_field"
    BAD_TIMESTAMP = "bad_timestamp"
    NAIVE_TIMESTAMP = "naive_timestamp"
    NO_IDENTITY = "no_identity"


@dataclass(slots=True, repr=False)
class Event:
    """A record that passed decode. Nobody changes one; to have that held would take a tenth of decode's time.

    Attributes:
        call: The call type.
        name: The tracked event's name; None for every other call type.
        timestamp: When it happened, whole seconds since the epoch (UTC), rounded down.
        body: The parsed record as it came, unknown keys included.
    """

    call: CallType
    name: str | None
    timestamp: int
    body: JsonObject

    def __repr__(self) -> str:
        """Names the call type alone: values of an event never show."""
        return f"<Event {self.call}>"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that decode refused."""

    reason: RejectReason
