"""What every vendor asks for: whose an event is, which one it is and when it was."""

from typing import Final, NamedTuple

from service.events.event import CallType
from service.events.timestamps import parse_timestamp
from service.vendors.form import ShapeReason
from tests.reference.payload import Transformed

#: Fields that a form reads itself.
ENVELOPE: Final = frozenset({"type", "event", "messageId", "userId", "anonymousId", "timestamp"})


class Envelope(NamedTuple):
    """Ids in the vendor's form, and seconds since the epoch."""

    user: str | None
    device: str | None
    key: str
    event_id: str | None
    seconds: int


def read_envelope(event: Transformed, *, event_id: bool) -> Envelope | ShapeReason:
    """The envelope, or what is missing; without `event_id` the vendor takes none."""
    user = event.text("userId")
    device = event.text("anonymousId") or event.text("context.device.id")
    key = user or device
    if key is None:
        return ShapeReason.NO_USABLE_ID
    if event.call is CallType.GROUP and event.text("groupId") is None:
        return ShapeReason.NO_USABLE_ID
    if event.call is CallType.ALIAS and (user is None or event.text("previousId") is None):
        return ShapeReason.NO_USABLE_ID
    message = event.text("messageId") if event_id else None
    if event_id and message is None:
        return ShapeReason.NO_EVENT_ID
    try:
        seconds = parse_timestamp(event.text("timestamp") or "")
    except ValueError:
        return ShapeReason.NO_TIMESTAMP
    return Envelope(user, device, key, message, seconds)
