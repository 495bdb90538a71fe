"""Decode: the bytes of a raw record to a validated event, or the one reason why it is none.

A record may be wrong in several ways at once. The reasons are looked for in a fixed order, which
docs/events.md states; the first that holds is the answer.
"""

import json
import math
import re
from functools import cache
from typing import Final

import jsonschema_rs
import orjson

from service.events.event import CallType, Event, Rejection, RejectReason
from service.events.json_value import JsonObject, JsonValue
from service.events.timestamps import NaiveTimestampError, parse_timestamp
from service.schema_files import schema_path

MAX_RECORD_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 32

_LEAST_INTEGER: Final = -(2**63)
_GREATEST_INTEGER: Final = 2**64 - 1

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
# A string, or what an unfinished one leaves to the end: so that the pattern never looks at a byte twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# No integer of fewer than 19 digits is out of range. Looking for as many zeros in a copy with every digit a
# zero is ten times as fast as a pattern.
_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_MANY_ZEROS = b"0" * 19
_LONG_INTEGER = re.compile(rb"(?<![0-9.eE+])(?<![eE]-)-?[0-9]{19,}+(?![.eE])")
_CALLS = {call.value: call for call in CallType}
_ID_FIELDS = ("userId", "anonymousId", "groupId", "previousId")

# Of several reasons found at once, the earliest here is reported.
_PRECEDENCE = (
    RejectReason.NOT_A_FINITE_NUMBER,
    RejectReason.INTEGER_OUT_OF_RANGE,
    RejectReason.UNKNOWN_TYPE,
    RejectReason.MISSING_FIELD,
    RejectReason.MISTYPED_FIELD,
    RejectReason.NO_IDENTITY,
)


def decode(record: bytes | None, *, max_bytes: int = MAX_RECORD_BYTES) -> Event | Rejection:
    """Parse and validate one raw record. Never raises, whatever the bytes.

    Args:
        record: The record's value; None is a tombstone.
        max_bytes: The longest record taken, in bytes.
    """
    if record is None:
        return Rejection(RejectReason.NULL_VALUE)
    if len(record) > max_bytes:
        return Rejection(RejectReason.RECORD_TOO_LARGE)
    body = _parse(record)
    if isinstance(body, RejectReason):
        return Rejection(body)
    if not isinstance(body, dict):
        return Rejection(RejectReason.NOT_AN_OBJECT)
    return _validated(body)


def _parse(record: bytes) -> "JsonValue | RejectReason":
    if record.startswith(_BYTE_ORDER_MARKS):
        return RejectReason.BYTE_ORDER_MARK
    try:
        value: JsonValue = orjson.loads(record)
    except orjson.JSONDecodeError:
        return _why_unparsable(record)
    if _nested_too_deep(record):
        return RejectReason.NESTED_TOO_DEEP
    if _has_integer_out_of_range(record):
        return RejectReason.INTEGER_OUT_OF_RANGE
    return value


def _validated(body: JsonObject) -> Event | Rejection:
    if not _validator().is_valid(body):
        return Rejection(_why_invalid(body))
    # JSON Schema takes 42.0 for an integer; as an id it would not agree with 42.
    if float in map(type, map(body.get, _ID_FIELDS)):
        return Rejection(RejectReason.MISTYPED_FIELD)
    try:
        timestamp = parse_timestamp(str(body["timestamp"]))
    except NaiveTimestampError:
        return Rejection(RejectReason.NAIVE_TIMESTAMP)
    except ValueError:
        return Rejection(RejectReason.BAD_TIMESTAMP)
    call = _CALLS[str(body["type"])]
    name = str(body["event"]) if call is CallType.TRACK else None
    return Event(call=call, name=name, timestamp=timestamp, body=body)


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    schema = orjson.loads(schema_path("raw_event.v1.schema.json").read_bytes())
    return jsonschema_rs.Draft202012Validator(schema)


def _why_invalid(body: JsonObject) -> RejectReason:
    reasons = {_reason_of(error) for error in _validator().iter_errors(body)}
    return min(reasons, key=_PRECEDENCE.index)


def _reason_of(error: jsonschema_rs.ValidationError) -> RejectReason:
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Enum():
            return (
                RejectReason.UNKNOWN_TYPE if isinstance(error.instance, str) else RejectReason.MISTYPED_FIELD
            )
        case jsonschema_rs.ValidationErrorKind.Required():
            return RejectReason.MISSING_FIELD
        case jsonschema_rs.ValidationErrorKind.AnyOf():
            return RejectReason.NO_IDENTITY
        case _:
            return RejectReason.MISTYPED_FIELD


def _why_unparsable(record: bytes) -> RejectReason:
    """Tell apart why orjson refused a record; off the fast path."""
    try:
        text = record.decode()
    except UnicodeDecodeError:
        return RejectReason.NOT_UTF8
    if _nested_too_deep(record):
        return RejectReason.NESTED_TOO_DEEP
    return _why_unparsable_numbers(text)


def _why_unparsable_numbers(text: str) -> RejectReason:
    # The standard library's parser knows NaN and Infinity, and hands over numbers as they are written.
    found: set[RejectReason] = set()

    def constant(_: str) -> None:
        found.add(RejectReason.NOT_A_FINITE_NUMBER)

    def integer(digits: str) -> None:
        if not _in_range(digits):
            found.add(RejectReason.INTEGER_OUT_OF_RANGE)

    def fraction(digits: str) -> None:
        if math.isinf(float(digits)):
            found.add(RejectReason.NOT_A_FINITE_NUMBER)

    try:
        json.loads(text, parse_constant=constant, parse_int=integer, parse_float=fraction)
    except ValueError:
        return RejectReason.MALFORMED_JSON
    # Nothing found: a string with half of a surrogate pair, which the standard library lets pass.
    return min(found, key=_PRECEDENCE.index, default=RejectReason.MALFORMED_JSON)


def _nested_too_deep(record: bytes) -> bool:
    """Whether objects and arrays stand deeper in each other than MAX_DEPTH, in valid JSON or not."""
    if record.count(b"{") + record.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", record).translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False


def _has_integer_out_of_range(record: bytes) -> bool:
    """Whether valid JSON holds an integer beyond 64 bits, which orjson turns into a float silently."""
    if _MANY_ZEROS not in record.translate(_DIGITS_AS_ZEROS):
        return False
    numbers = _STRING.sub(b'""', record)
    return not all(_in_range(found.decode()) for found in _LONG_INTEGER.findall(numbers))


def _in_range(digits: str) -> bool:
    # The length first: Python refuses to read very long integers, and takes long over long ones.
    return len(digits) <= len(str(_LEAST_INTEGER)) and _LEAST_INTEGER <= int(digits) <= _GREATEST_INTEGER
