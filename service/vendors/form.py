"""What a vendor's form is: the leaves of a sanitized event in, the vendor's ingestion payload out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding
from service.vendors.layout import Conversion, Layout, Leaf, Same


class ShapeReason(StrEnum):
    """Why a sanitized event can't be given the vendor's form: dead-letter reasons of the `shape` stage."""

    NO_USABLE_ID = "no_usable_id"
    NO_EVENT_ID = "no_event_id"
    NO_TIMESTAMP = "no_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    PAYLOAD_INVALID = "payload_invalid"


class VendorForm(ABC):
    """One vendor's ingestion form. Stateless."""

    vendor: ClassVar[VendorName]
    #: Call types the vendor has a form for; the others are suppressed (`call_type`).
    calls: ClassVar[frozenset[CallType]]
    #: How it may want the value of a field, but for ids and times.
    conversions: ClassVar[frozenset[Conversion]]
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
    def layout(
        self, call: CallType, name: str | None, leaves: Sequence[Leaf], same: Same
    ) -> Layout | ShapeReason:
        """The payload with places for the values, or why there is none.

        Contract: the call is one of `calls`; never raises; depends on nothing but the arguments and what
        `same` answers. Whether the payload is valid by the vendor's schema and within its size is seen later.

        Args:
            call: The call type.
            name: The tracked event's name, one of the policy's; None for every other call type.
            leaves: The event's values after the vendor's actions, in the order of the policy's rules.
            same: Tells whether a part of the layout and a slot hold equal values.
        """

    def backfill(self, value: bytes, begun: int) -> bytes | ShapeReason | None:  # noqa: ARG002
        """A payload's JSON as it is sent long after the event, or why it can't be.

        None where the vendor would take the event and give it a wrong time.

        Args:
            value: The payload as JSON.
            begun: When the backfill began, seconds since the epoch.
        """
        if not self.backfill_mark:
            return value
        if len(value) + len(self.backfill_mark) + 1 > self.max_bytes:
            return ShapeReason.PAYLOAD_TOO_LARGE
        return b"{" + self.backfill_mark + b"," + value[1:]
