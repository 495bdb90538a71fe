"""Small vendors' data of which it is known what a join gives."""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import orjson

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.privacy.linkage import Record
from service.pseudonyms.encodings import alphanumeric, uuid8
from service.vendors.registry import FORMS
from tests.sanitized_events import SanitizedEvent, Shaped, shape

#: A whole day's first second.
DAY = 1_772_409_600


class Seen(NamedTuple):
    """An event of a user, the seconds counted from DAY."""

    user: str
    second: int
    name: str | None = "Logged In"
    fields: dict[str, JsonValue] = {}  # noqa: RUF012
    call: CallType = CallType.TRACK


def pseudonym(vendor: VendorName, *parts: object) -> str:
    return alphanumeric(sha256(repr((vendor, *parts)).encode()).digest())


def records(vendor: VendorName, events: Iterable[Seen]) -> list[Record]:
    """What a vendor gets of events."""
    return [record(vendor, event, number) for number, event in enumerate(events)]


def record(vendor: VendorName, event: Seen, number: int = 0) -> Record:
    fields: dict[str, JsonValue] = {
        "messageId": pseudonym(vendor, "event", number),
        "userId": pseudonym(vendor, "user", event.user),
        "anonymousId": pseudonym(vendor, "device", event.user),
        "timestamp": format_timestamp(DAY + event.second),
        **event.fields,
    }
    if vendor is VendorName.POSTHOG:
        fields["messageId"] = uuid8(sha256(repr((event, number)).encode()).digest())
    if vendor is VendorName.GA4:
        fields["anonymousId"] = "1234567.7654321"
    shaped = shape(FORMS[vendor], SanitizedEvent(event.call, event.name, fields))
    assert isinstance(shaped, Shaped)
    return Record(vendor, orjson.dumps(shaped.payload), event.user)
