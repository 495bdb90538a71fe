"""Decode never raises, whatever the bytes, and a mutated envelope gets the reason of its mutation."""

import json

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.events.decode import decode
from service.events.event import Event, Rejection, RejectReason
from service.events.json_value import JsonObject, JsonValue
from service.events.timestamps import EARLIEST, LATEST, format_timestamp, parse_timestamp

# The first run loads lists and schemas, and other processes share the machine.
UNTIMED = settings(deadline=None)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)

IDS = st.text(min_size=1).filter(lambda text: bool(text.strip())) | st.integers(-(2**63), 2**64 - 1)
OBJECTS = st.dictionaries(
    st.text(), st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]),
        "event": st.sampled_from(["Logged In", "Signed Up"]),
        "messageId": st.uuids().map(str),
        "timestamp": st.integers(EARLIEST, LATEST).map(format_timestamp),
        "userId": IDS,
    },
    optional={
        "anonymousId": IDS | st.none(),
        "groupId": IDS | st.none(),
        "properties": OBJECTS | st.none(),
        "traits": OBJECTS | st.none(),
        "context": OBJECTS | st.none(),
        "integrations": OBJECTS | st.none(),
        "sentAt": st.text() | st.none(),
        "unknown": OBJECTS,
    },
)
OBJECT_FIELDS = ["properties", "traits", "context", "integrations"]
ID_FIELDS = ["userId", "anonymousId", "groupId", "previousId"]


def reason(event: dict[str, object]) -> RejectReason:
    result = decode(orjson.dumps(event))
    assert isinstance(result, Rejection)
    return result.reason


@UNTIMED
@given(st.binary())
@example(b"\xff")
@example(b"[" * 2000)
def test_any_bytes(record: bytes) -> None:
    assert isinstance(decode(record), Rejection)


@UNTIMED
@given(JSON)
def test_any_json(value: JsonValue) -> None:
    record = json.dumps(value).encode()
    assert isinstance(decode(record), Event | Rejection)


@UNTIMED
@given(EVENTS, st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_any_damage(event: JsonObject, position: int, damage: bytes) -> None:
    record = orjson.dumps(event)
    assert isinstance(decode(record[:position] + damage + record[position:]), Event | Rejection)
    assert isinstance(decode(record[:position] + damage + record[position + 1 :]), Event | Rejection)
    if position < len(record):
        assert isinstance(decode(record[:position]), Rejection)


@UNTIMED
@given(EVENTS)
def test_events_pass_as_they_are(event: JsonObject) -> None:
    result = decode(orjson.dumps(event))
    assert isinstance(result, Event)
    assert result.body == event
    assert format_timestamp(result.timestamp) == event["timestamp"]


@UNTIMED
@given(EVENTS, st.sampled_from(["type", "messageId", "timestamp"]))
def test_a_required_field_removed(event: dict[str, object], field: str) -> None:
    del event[field]
    assert reason(event) is RejectReason.MISSING_FIELD


@UNTIMED
@given(EVENTS, st.sampled_from(ID_FIELDS), st.booleans() | st.lists(st.text()) | OBJECTS)
def test_an_id_of_a_wrong_type(event: dict[str, object], field: str, wrong: object) -> None:
    assert reason(event | {field: wrong}) is RejectReason.MISTYPED_FIELD


@UNTIMED
@given(EVENTS, st.sampled_from(OBJECT_FIELDS), st.booleans() | st.text() | st.lists(st.text()))
def test_an_object_of_a_wrong_type(event: dict[str, object], field: str, wrong: object) -> None:
    assert reason(event | {field: wrong}) is RejectReason.MISTYPED_FIELD


@UNTIMED
@given(
    EVENTS,
    st.text().filter(lambda text: text not in {"track", "identify", "page", "screen", "group", "alias"}),
)
def test_an_unknown_type(event: dict[str, object], call: str) -> None:
    assert reason(event | {"type": call}) is RejectReason.UNKNOWN_TYPE


@UNTIMED
@given(EVENTS)
def test_nobodys_event(event: dict[str, object]) -> None:
    assert reason(event | {"userId": None, "anonymousId": None}) is RejectReason.NO_IDENTITY


@UNTIMED
@given(EVENTS, st.text())
def test_text_for_a_timestamp(event: dict[str, object], text: str) -> None:
    assert reason(event | {"timestamp": text}) is RejectReason.BAD_TIMESTAMP


@UNTIMED
@given(EVENTS)
def test_a_timestamp_without_its_offset(event: dict[str, object]) -> None:
    naive = str(event["timestamp"]).removesuffix("Z")
    assert reason(event | {"timestamp": naive}) is RejectReason.NAIVE_TIMESTAMP


@UNTIMED
@given(EVENTS, st.integers(max_value=-(2**63) - 1) | st.integers(min_value=2**64))
def test_an_integer_beyond_64_bits(event: dict[str, object], number: int) -> None:
    record = json.dumps(event | {"extra": [number]}).encode()
    assert decode(record) == Rejection(RejectReason.INTEGER_OUT_OF_RANGE)


@UNTIMED
@given(st.integers(EARLIEST, LATEST), st.integers(-23 * 60, 23 * 60), st.text("0123456789", min_size=1))
def test_an_offset_and_a_fraction_change_no_second(seconds: int, minutes: int, fraction: str) -> None:
    local = seconds + minutes * 60
    if not EARLIEST <= local <= LATEST:
        return
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    text = format_timestamp(local).removesuffix("Z") + f".{fraction}{sign}{hours:02}:{rest:02}"
    assert parse_timestamp(text) == seconds
