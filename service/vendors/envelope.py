"""The parts of a sanitized event that every vendor asks for: whose it is, which one it is and when it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.events.timestamps import parse_timestamp
from service.vendors.form import SanitizedEvent, ShapeReason

#: Fields that a form reads itself; whatever else an event holds goes to a place of its own.
ENVELOPE_FIELDS: Final = frozenset({"type", "event", "messageId", "userId", "anonymousId", "timestamp"})


@dataclass(slots=True, repr=False)
class Envelope:
    """What is common to all payloads.

    Attributes:
        user: The user's pseudonym, None for a visitor that has not signed in.
        device: The visitor's pseudonym, else the device's, None where the event has neither.
        key: The record key: the user's pseudonym, else the device's.
        event_id: The message id's pseudonym; None if the vendor takes none.
        timestamp: Seconds since the epoch.
    """

    user: str | None
    device: str | None
    key: str
    event_id: str | None
    timestamp: int


def read_envelope(event: SanitizedEvent, *, event_id: bool = True) -> Envelope | ShapeReason:
    """The envelope of an event, or what is missing. Without `event_id` the vendor takes no event id."""
    fields = event.fields
    user = _text(fields, "userId")
    device = _text(fields, "anonymousId") or _text(fields, "context.device.id")
    key = user or device
    if key is None:
        return ShapeReason.NO_USABLE_ID
    if event.call is CallType.GROUP and _text(fields, "groupId") is None:
        return ShapeReason.NO_USABLE_ID
    if event.call is CallType.ALIAS and (user is None or _text(fields, "previousId") is None):
        return ShapeReason.NO_USABLE_ID  # an alias says that two ids are one; with one it says nothing
    message = _text(fields, "messageId") if event_id else None
    if event_id and message is None:
        return ShapeReason.NO_EVENT_ID
    try:
        timestamp = parse_timestamp(_text(fields, "timestamp") or "")
    except ValueError:
        return ShapeReason.NO_TIMESTAMP
    return Envelope(user, device, key, message, timestamp)


def _text(fields: Mapping[str, JsonValue], path: str) -> str | None:
    value = fields.get(path)
    return value if isinstance(value, str) and value else None
