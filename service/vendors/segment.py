"""Segment: one call of the HTTP tracking API, in the shape of the Segment spec."""

from typing import ClassVar, Final

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import SanitizedEvent, Shaped, ShapeReason, VendorForm
from service.vendors.payload_schema import PayloadSchema
from service.vendors.places import cut

#: Segment documents no length, but 32 kB an event: a longer text is cut so that it can't cost the event.
_MAX_STRING: Final = 4096
_MAX_BYTES: Final = 32_000


class SegmentForm(VendorForm):
    """The Segment spec's form: fields stand where they stood in the raw event."""

    vendor: ClassVar = VendorName.SEGMENT
    calls: ClassVar = frozenset(CallType)
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    #: "About 24 hours", says Segment.
    deduplicates_for: ClassVar = 86_400

    def __init__(self) -> None:
        self._schema = PayloadSchema(self.vendor, max_bytes=self.max_bytes)

    def encoding(self, data_class: str) -> Encoding:  # noqa: ARG002  (one form fits all its ids)
        return alphanumeric

    def shape(self, event: SanitizedEvent) -> Shaped | ShapeReason:
        envelope = read_envelope(event)
        if isinstance(envelope, ShapeReason):
            return envelope
        timestamp = format_timestamp(envelope.timestamp)
        payload: JsonObject = {
            "type": event.call.value,
            "messageId": envelope.event_id,
            "timestamp": timestamp,
        }
        if event.name is not None:
            payload["event"] = event.name
        for path in ("userId", "anonymousId"):
            if path in event.fields:
                payload[path] = event.fields[path]
        for path, value in event.fields.items():
            if path in ENVELOPE_FIELDS or value is None:
                continue
            if path == "context.userAgent":  # the spec's place for a browser that is known in part
                placed = _put(payload, "context.userAgentData", _client_hints(value))
            else:
                placed = _put(payload, path, cut(value, _MAX_STRING))
            if not placed:
                return ShapeReason.PAYLOAD_INVALID
        generated = {event.call.value, event.name or "", timestamp}
        network = event.fields.get("context.ip")
        if isinstance(network, str):  # cut by its action; the schema refuses a whole address
            generated.add(network)
        return self._schema.check(payload, key=envelope.key, generated=frozenset(generated))


def _put(payload: JsonObject, path: str, value: JsonValue) -> bool:
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


def _client_hints(user_agent: JsonValue) -> JsonValue:
    """A generalized user agent as the spec's `userAgentData`."""
    if not isinstance(user_agent, dict):
        return user_agent  # the schema refuses it
    hints: JsonObject = {}
    if "browser" in user_agent:
        brand: JsonObject = {"brand": user_agent["browser"]}
        if "browser_version" in user_agent:
            brand["version"] = user_agent["browser_version"]
        hints["brands"] = [brand]
    if "os" in user_agent:
        hints["platform"] = user_agent["os"]
    return hints
