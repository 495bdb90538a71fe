"""Sanitized events for the tests of vendor forms, with pseudonyms as the key ring would make them."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.pseudonyms.encodings import alphanumeric
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import Leaf, Node, Slot, nature_of, nature_of_time
from service.vendors.payload_schema import PayloadSchema

#: Classes of the id fields in the reference tracking plan.
ID_CLASSES: Mapping[str, str] = {
    "messageId": "identifier.event",
    "userId": "identifier.user",
    "anonymousId": "identifier.device",
    "groupId": "identifier.object",
    "previousId": "identifier.user",
    "context.device.id": "identifier.device",
    "properties.project_id": "identifier.object",
}


@dataclass(slots=True)
class SanitizedEvent:
    """An event after the actions of one vendor, its fields in the order of the policy's rules."""

    call: CallType
    name: str | None
    fields: Mapping[str, JsonValue]


@dataclass(slots=True)
class Shaped:
    """A vendor's payload, and the record key."""

    key: str
    payload: JsonObject


def _leaves(event: SanitizedEvent) -> list[tuple[Leaf, JsonValue]]:
    found: list[tuple[Leaf, JsonValue]] = []
    for field, result in event.fields.items():
        members = result.items() if isinstance(result, dict) else [(None, result)]
        for member, value in members:
            if value is None:
                continue
            nature = nature_of_time(value) if field == "timestamp" else nature_of(value)
            is_id = isinstance(value, str) and re.fullmatch(r"w[0-9a-f]{32}", value) is not None
            leaf = Leaf(field, member, nature, closed=False, encoding=alphanumeric if is_id else None)
            found.append((leaf, value))
    return found


def shape(form: VendorForm, event: SanitizedEvent) -> Shaped | ShapeReason:
    """The form's layout filled in the plainest way, and held against the vendor's schema and size."""
    leaves = _leaves(event)

    def filled(node: Node) -> JsonValue:
        if isinstance(node, Slot):
            return node.conversion.apply(leaves[node.leaf][1])
        if isinstance(node, dict):
            return {key: filled(child) for key, child in node.items()}
        return [filled(child) for child in node] if isinstance(node, list) else node

    def same(node: Node, slot: Slot) -> bool:
        left, right = filled(node), filled(slot)
        return left == right and type(left) is type(right)

    layout = form.layout(event.call, event.name, [leaf for leaf, _ in leaves], same)
    if isinstance(layout, ShapeReason):
        return layout
    payload = filled(layout.payload)
    assert isinstance(payload, dict)
    try:
        written = orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return ShapeReason.PAYLOAD_INVALID
    if len(written) > form.max_bytes:
        return ShapeReason.PAYLOAD_TOO_LARGE
    if not PayloadSchema(form.vendor).takes(payload):
        return ShapeReason.PAYLOAD_INVALID
    return Shaped(str(leaves[layout.key][1]), payload)


def pseudonym(form: VendorForm, path: str) -> str:
    """The pseudonym of an id field in the vendor's form."""
    mac = hmac.digest(b"a key of the tests", path.encode(), "sha256")
    return form.encoding(ID_CLASSES[path])(mac)


def sanitized(
    form: VendorForm,
    call: CallType,
    fields: Mapping[str, JsonValue] | None = None,
    *,
    name: str | None = None,
    without: tuple[str, ...] = (),
) -> SanitizedEvent:
    """An event with the ids its call needs, a time, and the fields given."""
    ids = ["messageId", "userId", "anonymousId"]
    ids += ["groupId"] if call is CallType.GROUP else []
    ids += ["previousId"] if call is CallType.ALIAS else []
    whole: dict[str, JsonValue] = {path: pseudonym(form, path) for path in ids}
    whole |= {"timestamp": "2026-03-04T05:06:07Z", **(fields or {})}
    for path in without:
        del whole[path]
    if name is None and call is CallType.TRACK:
        name = "Feedback Submitted"
    return SanitizedEvent(call, name, whole)
