"""What a vendor's form is: a sanitized event in, the vendor's ingestion payload out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding


class ShapeReason(StrEnum):
    """Why a sanitized event can't be given the vendor's form: dead-letter reasons of the `shape` stage."""

    NO_USABLE_ID = "no_usable_id"
    NO_EVENT_ID = "no_event_id"
    NO_TIMESTAMP = "no_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    PAYLOAD_INVALID = "payload_invalid"


@dataclass(slots=True, repr=False)
class SanitizedEvent:
    """An event after the actions of one vendor: nothing in it that the policy did not let through.

    Attributes:
        call: The call type.
        name: The tracked event's name, one of the policy's; None for every other call type.
        fields: Dotted path to the value after the action, in the order of the policy's rules. Values of
            `timestamp` and other times are RFC 3339 in UTC; ids are pseudonyms already in the vendor's form.
    """

    call: CallType
    name: str | None
    fields: Mapping[str, JsonValue]


@dataclass(slots=True, repr=False)
class Shaped:
    """A vendor payload.

    Attributes:
        key: The record key: the pseudonymous user or else device id.
        payload: The payload, within all of the vendor's limits.
        encoded: The payload as JSON.
        generated: Strings in the payload that the form itself made, such as the event's name in the vendor's
            spelling and `$device:<pseudonym>`, beyond those it was given; the gate leaves them alone.
    """

    key: str
    payload: JsonObject
    encoded: bytes
    generated: frozenset[str] = frozenset()


class VendorForm(ABC):
    """One vendor's ingestion form. Stateless."""

    vendor: ClassVar[VendorName]
    #: Call types the vendor has a form for; the others are suppressed (`call_type`).
    calls: ClassVar[frozenset[CallType]]
    #: The longest string the vendor takes anywhere in the payload, in characters.
    max_string: ClassVar[int]
    #: The most bytes of the payload as JSON.
    max_bytes: ClassVar[int]
    #: Members that tell the vendor that an event is an old one, as JSON; empty where it has none.
    backfill_mark: ClassVar[bytes] = b""
    #: Seconds for which the vendor knows an event's id again and takes the event only once; None for ever.
    deduplicates_for: ClassVar[int | None] = None

    @abstractmethod
    def encoding(self, data_class: str) -> Encoding:
        """The id form in which pseudonyms of a class must be written for this vendor."""

    @abstractmethod
    def shape(self, event: SanitizedEvent) -> Shaped | ShapeReason:
        """The payload, valid by the vendor's schema, or why there is none.

        Contract: the event's call is one of `calls`; never raises for any fields; the same event gives the
        same payload, its keys in the same order.
        """

    def backfill(self, value: bytes, begun: int) -> bytes | ShapeReason | None:  # noqa: ARG002
        """A payload's JSON as it is sent long after the event, or why it can't be.

        None where the vendor would take the event and give it a wrong time.

        Args:
            value: The payload that `shape` gave, as JSON.
            begun: When the backfill began, seconds since the epoch.
        """
        if not self.backfill_mark:
            return value
        if len(value) + len(self.backfill_mark) + 1 > self.max_bytes:
            return ShapeReason.PAYLOAD_TOO_LARGE
        return b"{" + self.backfill_mark + b"," + value[1:]
