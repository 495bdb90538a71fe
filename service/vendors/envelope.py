"""The parts of a sanitized event that every vendor asks for: whose it is, which one it is and when it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.events.event import CallType
from service.vendors.form import ShapeReason
from service.vendors.layout import AS_IT_IS, TEXTS, TIMES, Conversion, Leaf, Nature, Slot

#: Fields that a form reads itself; whatever else an event holds goes to a place of its own.
ENVELOPE_FIELDS: Final = frozenset({"type", "event", "messageId", "userId", "anonymousId", "timestamp"})


@dataclass(slots=True)
class Envelope:
    """What is common to all payloads.

    Attributes:
        user: The user's pseudonym, None for a visitor that has not signed in.
        device: The visitor's pseudonym, else the device's, None where the event has neither.
        previous: The id that an alias was known by before; None where it holds none.
        key: The leaf of the record key: the user's pseudonym, else the device's.
        event_id: The message id's pseudonym.
        time: The leaf of the event's time.
        nature: What kind of time that is.
    """

    user: Slot | None
    device: Slot | None
    previous: Slot | None
    key: int
    event_id: Slot
    time: int
    nature: Nature

    def timestamp(self, conversion: Conversion) -> Slot:
        """When it was; Weir writes it itself."""
        return Slot(self.time, conversion, closed=True)


def read_envelope(call: CallType, leaves: Sequence[Leaf], *, event_id: bool = True) -> Envelope | ShapeReason:
    """The envelope of an event, or what is missing. Without `event_id` the vendor takes no event id."""
    texts = {leaf.path: position for position, leaf in enumerate(leaves) if leaf.nature in TEXTS}

    def slot(path: str) -> Slot | None:
        position = texts.get(path)
        return None if position is None else Slot(position, AS_IT_IS, leaves[position].closed)

    user, device = slot("userId"), slot("anonymousId") or slot("context.device.id")
    previous = slot("previousId")
    key = user or device
    if key is None:
        return ShapeReason.NO_USABLE_ID
    if call is CallType.GROUP and slot("groupId") is None:
        return ShapeReason.NO_USABLE_ID
    if call is CallType.ALIAS and (user is None or previous is None):
        return ShapeReason.NO_USABLE_ID  # an alias says that two ids are one; with one it says nothing
    message = slot("messageId") if event_id else key
    if message is None:
        return ShapeReason.NO_EVENT_ID
    time = texts.get("timestamp")
    if time is None or leaves[time].nature not in TIMES:
        return ShapeReason.NO_TIMESTAMP
    return Envelope(user, device, previous, key.leaf, message, time, leaves[time].nature)
