"""One record for each way in which a record can be no event, with personal data in it all the same."""

import json
from collections.abc import Callable
from dataclasses import replace

from service.demo.events import generate
from service.demo.planted import SampleEvent
from service.events.decode import MAX_DEPTH, MAX_RECORD_BYTES
from service.events.event import RejectReason
from service.events.json_value import JsonObject


def malformed(seed: int) -> dict[RejectReason, SampleEvent]:
    """For each reason of decode a record that is rejected for it; the same seed gives the same records."""
    events = generate(len(_SPOILED), seed=seed)
    return {
        reason: replace(event, raw=spoil(event.body))
        for (reason, spoil), event in zip(_SPOILED.items(), events, strict=True)
    }


def _record(body: JsonObject) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _with_number(body: JsonObject, digits: bytes) -> bytes:
    return _record(body)[:-1] + b',"amount":' + digits + b"}"


def _nested(body: JsonObject) -> bytes:
    return _record(body)[:-1] + b',"deep":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"


def _without(body: JsonObject, *names: str) -> bytes:
    return _record({name: value for name, value in body.items() if name not in names})


_SPOILED: dict[RejectReason, Callable[[JsonObject], bytes | None]] = {
    RejectReason.NULL_VALUE: lambda _: None,
    RejectReason.RECORD_TOO_LARGE: lambda body: _record({**body, "padding": "x" * MAX_RECORD_BYTES}),
    RejectReason.NOT_UTF8: lambda body: _record({**body, "note": "caf#"}).replace(b"caf#", b"caf\xe9"),
    RejectReason.BYTE_ORDER_MARK: lambda body: b"\xef\xbb\xbf" + _record(body),
    RejectReason.MALFORMED_JSON: lambda body: _record(body)[:-1],
    RejectReason.NOT_A_FINITE_NUMBER: lambda body: _with_number(body, b"NaN"),
    RejectReason.INTEGER_OUT_OF_RANGE: lambda body: _with_number(body, b"92233720368547758070"),
    RejectReason.NOT_AN_OBJECT: lambda body: b"[" + _record(body) + b"]",
    RejectReason.NESTED_TOO_DEEP: _nested,
    RejectReason.UNKNOWN_TYPE: lambda body: _record({**body, "type": "click"}),
    RejectReason.MISSING_FIELD: lambda body: _without(body, "messageId"),
    RejectReason.MISTYPED_FIELD: lambda body: _record({**body, "context": "none"}),
    RejectReason.BAD_TIMESTAMP: lambda body: _record({**body, "timestamp": "yesterday, 9.30Z"}),
    RejectReason.NAIVE_TIMESTAMP: lambda body: _record({**body, "timestamp": "2026-03-02T09:30:00"}),
    RejectReason.NO_IDENTITY: lambda body: _without(body, "userId", "anonymousId"),
}
