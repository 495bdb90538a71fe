"""Segment: one call of the HTTP tracking API, in the shape of the Segment spec."""

from collections.abc import Sequence
from typing import ClassVar, Final

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import AS_IT_IS, DATE_TIME, Layout, Leaf, Node, Same, Slot, Tree, cut_to

#: Segment documents no length, but 32 kB an event: a longer text is cut so that it can't cost the event.
_MAX_STRING: Final = 4096
_MAX_BYTES: Final = 32_000


class SegmentForm(VendorForm):
    """The Segment spec's form: fields stand where they stood in the raw event."""

    vendor: ClassVar = VendorName.SEGMENT
    calls: ClassVar = frozenset(CallType)
    conversions: ClassVar = frozenset({cut_to(_MAX_STRING)})
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    #: "About 24 hours", says Segment.
    deduplicates_for: ClassVar = 86_400

    def encoding(self, data_class: str) -> Encoding:  # noqa: ARG002  (one form fits all its ids)
        return alphanumeric

    def layout(
        self,
        call: CallType,
        name: str | None,
        leaves: Sequence[Leaf],
        same: Same,  # noqa: ARG002  (what stands in a field's place already is a mistake here)
    ) -> Layout | ShapeReason:
        envelope = read_envelope(call, leaves)
        if isinstance(envelope, ShapeReason):
            return envelope
        payload: Tree = {
            "type": call.value,
            "messageId": envelope.event_id,
            "timestamp": envelope.timestamp(DATE_TIME),
        }
        if name is not None:
            payload["event"] = name
        ids = {leaf.field: Slot(at, AS_IT_IS, leaf.closed) for at, leaf in enumerate(leaves)}
        payload |= {path: ids[path] for path in ("userId", "anonymousId") if path in ids}
        for position, leaf in enumerate(leaves):
            if leaf.field in ENVELOPE_FIELDS:
                continue
            # A network: the schema refuses a whole address.
            closed = leaf.closed or leaf.field == "context.ip"
            slot = Slot(position, cut_to(_MAX_STRING), closed)
            if leaf.field == "context.userAgent":  # the spec's place for a browser that is known in part
                placed = _put_client_hint(payload, leaf.member, slot)
            else:
                placed = _put(payload, leaf.path, slot)
            if not placed:
                return ShapeReason.PAYLOAD_INVALID
        return Layout(payload, envelope.key)


def _put(payload: Tree, path: str, value: Node) -> bool:
    """Put a value at its path; False where the path leads through a value that is no object."""
    *parents, name = path.split(".")
    node = payload
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            return False
        node = child
    if name in node:
        return False
    node[name] = value
    return True


def _put_client_hint(payload: Tree, member: str | None, slot: Slot) -> bool:
    """Put a part of a generalized user agent into the spec's `userAgentData`."""
    data = "context.userAgentData"
    if member is None:
        return _put(payload, data, slot)  # the schema refuses it
    if member == "os":
        return _put(payload, f"{data}.platform", slot)
    if member == "browser":
        brand: Tree = {"brand": slot}
        return _put(payload, f"{data}.brands", [brand])
    if member == "browser_version":
        brands = _brands(payload)
        if brands is not None:
            brands["version"] = slot
    return True


def _brands(payload: Tree) -> Tree | None:
    """The one brand among a payload's client hints, if it has them."""
    node: Node = payload
    for key in ("context", "userAgentData", "brands"):
        node = node.get(key, {}) if isinstance(node, dict) else {}
    brand = node[0] if isinstance(node, list) else None
    return brand if isinstance(brand, dict) else None
