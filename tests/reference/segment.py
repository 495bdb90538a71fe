"""Segment's form: fields stand where they stood."""

from service.events.event import CallType
from service.events.timestamps import format_timestamp
from service.vendors.form import ShapeReason
from tests.reference.envelope import ENVELOPE, Envelope
from tests.reference.payload import Node, Object, Transformed, Value, cut

CALLS = frozenset(CallType)
LONGEST = 4096
MOST_BYTES = 32_000
TAKES_EVENT_ID = True


def shape(event: Transformed, envelope: Envelope) -> Object | ShapeReason:
    """The payload, or why there is none."""
    payload: Object = {
        "type": event.call.value,
        "messageId": envelope.event_id,
        "timestamp": format_timestamp(envelope.seconds),
    }
    if event.name is not None:
        payload["event"] = event.name
    for path in ("userId", "anonymousId"):
        if path in event.fields:
            payload[path] = event.fields[path]
    for path, value in event.fields.items():
        if path in ENVELOPE or value.json is None:
            continue
        if path == "context.userAgent":
            placed = _put(payload, "context.userAgentData", _client_hints(value))
        elif path == "context.ip" and isinstance(value.json, str):  # the schema refuses a whole address
            placed = _put(payload, path, Value(value.json[:LONGEST], open=False))
        else:
            placed = _put(payload, path, cut(value, LONGEST))
        if not placed:
            return ShapeReason.PAYLOAD_INVALID
    return payload


def _put(payload: Object, path: str, value: Node) -> bool:
    """Put a value at its path; False where something is there, or on the way to it."""
    *way, name = path.split(".")
    node = payload
    for key in way:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            return False
        node = child
    if name in node:
        return False
    node[name] = value
    return True


def _client_hints(user_agent: Value) -> Node:
    """The browser in the spec's `userAgentData`."""
    known = user_agent.json
    if not isinstance(known, dict):
        return user_agent  # the schema refuses it
    parts = {key: Value(part, user_agent.open) for key, part in known.items()}
    hints: Object = {}
    if "browser" in parts:
        brand: Object = {"brand": parts["browser"]}
        if "browser_version" in parts:
            brand["version"] = parts["browser_version"]
        hints["brands"] = [brand]
    if "os" in parts:
        hints["platform"] = parts["os"]
    return hints
