"""Decode: every cause of rejection by its own reason."""

import orjson
import pytest

from service.events.decode import MAX_DEPTH, MAX_RECORD_BYTES, decode
from service.events.event import CallType, Event, Rejection, RejectReason
from service.events.json_value import JsonObject, JsonValue
from service.schema_files import schema_path

ABSENT = object()
NO_IDS: list[object] = [True, 4.5, 42.0, [], ["a"], {}]
NO_OBJECTS: list[object] = ["text", 1, True, [], [{}]]
NO_STRINGS: list[object] = [1, True, [], {}]


def track(**changes: object) -> bytes:
    event: dict[str, object] = {
        "type": "track",
        "event": "Logged In",
        "messageId": "m-1",
        "userId": "usr_1",
        "timestamp": "2026-10-03T10:00:00Z",
        "properties": {"method": "email"},
        **changes,
    }
    return orjson.dumps({key: value for key, value in event.items() if value is not ABSENT})


def spliced(json: str) -> bytes:
    """An event that would pass, with one more property, written as given."""
    return track(properties={"x": "HERE"}).replace(b'"HERE"', json.encode())


def reason(record: bytes | None) -> RejectReason:
    result = decode(record)
    assert isinstance(result, Rejection)
    return result.reason


def accepted(record: bytes) -> Event:
    result = decode(record)
    assert isinstance(result, Event), result
    return result


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_an_event() -> None:
    event = accepted(track())
    assert event.call is CallType.TRACK
    assert event.name == "Logged In"
    assert event.timestamp == 1_791_021_600
    assert event.body["properties"] == {"method": "email"}


@pytest.mark.parametrize("call", list(CallType))
def test_every_call_type(call: CallType) -> None:
    event = accepted(track(type=call.value))
    assert event.call is call
    assert event.name == ("Logged In" if call is CallType.TRACK else None)


def test_a_tombstone() -> None:
    assert reason(None) is RejectReason.NULL_VALUE


def test_the_size_limit_is_exact() -> None:
    filler = "x" * (MAX_RECORD_BYTES - len(track(properties={"x": ""})))
    assert len(track(properties={"x": filler})) == MAX_RECORD_BYTES
    accepted(track(properties={"x": filler}))
    assert reason(track(properties={"x": filler + "x"})) is RejectReason.RECORD_TOO_LARGE
    assert decode(track(), max_bytes=10) == Rejection(RejectReason.RECORD_TOO_LARGE)


@pytest.mark.parametrize(
    "record",
    [
        track().replace(b"email", b"caf\xe9"),
        b"\xc0\xaf",
        b"\x80",
        b'"\xed\xa0\x80"',  # a surrogate, encoded as if it were a letter
        b'"\xf4\x90\x80\x80"',  # beyond Unicode
        track()[:-5] + b"\xe2\x82",  # cut inside a letter
    ],
)
def test_not_utf8(record: bytes) -> None:
    assert reason(record) is RejectReason.NOT_UTF8


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str) -> None:
    assert reason(track().decode().encode(encoding)) is RejectReason.BYTE_ORDER_MARK


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe", b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00"])
def test_byte_order_marks_of_either_order(mark: bytes) -> None:
    assert reason(mark + b"x") is RejectReason.BYTE_ORDER_MARK


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b" ",
        b"\n",
        track()[:-1],
        track()[:40],
        track() + b"x",
        track() + track(),
        b"type=track&event=Logged+In",
        b"{'type': 'track'}",
        b'{"type": "track",}',
        b'{"a": 1 "b": 2}',
        b'{"a": 01}',
        b'{"a": .5}',
        b'{"a": +1}',
        b'{"a": nan}',
        b'{"a": undefined}',
        b'{"a": "\x01"}',
        b'{"a": "\\x41"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\ud83d": 1}',
        b'{"a": NaN',
        b"\x00",
        track().decode().encode("utf-16-le"),
    ],
)
def test_malformed(record: bytes) -> None:
    assert reason(record) is RejectReason.MALFORMED_JSON


def test_a_surrogate_pair_is_a_letter() -> None:
    event = accepted(spliced('"\\ud83d\\ude00"'))
    assert event.body["properties"] == {"x": "\N{GRINNING FACE}"}


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1E+400", "1e99999", "9" * 400 + ".0"]
)
def test_no_finite_number(number: str) -> None:
    assert reason(spliced(number)) is RejectReason.NOT_A_FINITE_NUMBER
    assert reason(spliced(f"[[{number}]]")) is RejectReason.NOT_A_FINITE_NUMBER


@pytest.mark.parametrize(
    "number",
    [
        "18446744073709551616",
        "-9223372036854775809",
        "9" * 19 + "0",
        "9" * 5000,
        "-" + "9" * 5000,
        "1" + "0" * 308,
    ],
)
def test_integers_beyond_64_bits(number: str) -> None:
    for written in (number, f"[1,{number}]", f"[ {number} ,2]", f'{{"y":{number}}}'):
        assert reason(spliced(written)) is RejectReason.INTEGER_OUT_OF_RANGE


@pytest.mark.parametrize(
    "number",
    [
        "18446744073709551615",
        "-9223372036854775808",
        "1e30",
        "-1E+30",
        "12345678901234567890123.0",
        "12345678901234567890123e2",
        "0.12345678901234567890123",
        "1e-1234567890123456789012",
        "0.1E-0000000000000000000000001",
        "5e-400",
    ],
)
def test_long_numbers_that_are_none_of_that(number: str) -> None:
    accepted(spliced(number))


@pytest.mark.parametrize(
    "text",
    [
        "9" * 40,
        f"x {'9' * 40} y",
        f'\\"{"9" * 40}',
        f'\\\\\\",{"9" * 40},\\"',
        "NaN",
        "1e400",
        "\\\\",
        nested(40),
    ],
)
def test_nothing_of_that_counts_inside_a_string(text: str) -> None:
    accepted(spliced(f'"{text}"'))
    accepted(spliced(f'{{"{text}": 12345678901234567890}}'))


@pytest.mark.parametrize("json", ["[]", '"event"', "17", "1.5", "true", "null", " [{}] "])
def test_not_an_object(json: str) -> None:
    assert reason(json.encode()) is RejectReason.NOT_AN_OBJECT


def test_the_nesting_limit_is_exact() -> None:
    inside = MAX_DEPTH - 2  # the event and its properties are two
    accepted(spliced(nested(inside)))
    assert reason(spliced(nested(inside + 1))) is RejectReason.NESTED_TOO_DEEP
    accepted(spliced('{"a":' * inside + "1" + "}" * inside))
    assert reason(spliced('{"a":' * (inside + 1) + "1" + "}" * (inside + 1))) is RejectReason.NESTED_TOO_DEEP


def test_wide_is_not_deep() -> None:
    accepted(spliced("[" + ",".join(["[[]]", '{"a": {}}'] * 500) + "]"))


@pytest.mark.parametrize(
    "record",
    [nested(100_000).encode(), b"[" * 100_000, b'{"a":' * 100_000, spliced(nested(100_000))],
)
def test_bottomless_nesting_is_refused_whole_or_cut_off(record: bytes) -> None:
    assert reason(record) is RejectReason.NESTED_TOO_DEEP


@pytest.mark.parametrize(
    "record",
    [
        b"[" * 40 + b'"' + b'\\"' * 500_000 + b"\\",
        b"[" * 40 + b'"\\"' * 300_000,
        b'"' * 1_000_000,
        b'{"a":' * 33 + b"1" * 900_000,
        b"-" * 1_000_000,
    ],
)
def test_hostile_bytes_are_answered(record: bytes) -> None:
    # A scan that looks at a byte more than once would not come back from a megabyte of these.
    assert isinstance(decode(record), Rejection)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "Track"}, RejectReason.UNKNOWN_TYPE),
        ({"type": "purchase"}, RejectReason.UNKNOWN_TYPE),
        ({"type": ""}, RejectReason.UNKNOWN_TYPE),
        ({"type": ABSENT}, RejectReason.MISSING_FIELD),
        ({"type": None}, RejectReason.MISTYPED_FIELD),
        ({"type": 1}, RejectReason.MISTYPED_FIELD),
        ({"messageId": ABSENT}, RejectReason.MISSING_FIELD),
        ({"messageId": None}, RejectReason.MISTYPED_FIELD),
        ({"messageId": ""}, RejectReason.MISTYPED_FIELD),
        ({"messageId": " \t"}, RejectReason.MISTYPED_FIELD),
        ({"messageId": 17}, RejectReason.MISTYPED_FIELD),
        ({"event": ABSENT}, RejectReason.MISSING_FIELD),
        ({"event": None}, RejectReason.MISTYPED_FIELD),
        ({"event": ""}, RejectReason.MISTYPED_FIELD),
        ({"event": ["Logged In"]}, RejectReason.MISTYPED_FIELD),
        ({"timestamp": ABSENT}, RejectReason.MISSING_FIELD),
        ({"timestamp": None}, RejectReason.MISTYPED_FIELD),
        ({"timestamp": 1_791_021_600}, RejectReason.MISTYPED_FIELD),
        ({"timestamp": "2026-10-03"}, RejectReason.BAD_TIMESTAMP),
        ({"timestamp": "2026-10-03T10:00:00"}, RejectReason.NAIVE_TIMESTAMP),
        ({"userId": ABSENT}, RejectReason.NO_IDENTITY),
        ({"userId": None}, RejectReason.NO_IDENTITY),
        ({"userId": ""}, RejectReason.NO_IDENTITY),
        ({"userId": "  "}, RejectReason.NO_IDENTITY),
        ({"userId": None, "anonymousId": None}, RejectReason.NO_IDENTITY),
        ({"userId": None, "anonymousId": ""}, RejectReason.NO_IDENTITY),
        # An alias tells two ids of one person; the old one alone names nobody.
        ({"type": "alias", "userId": ABSENT, "previousId": "a"}, RejectReason.NO_IDENTITY),
        # Other spellings are unknown keys.
        ({"userId": ABSENT, "user_id": "usr_1", "UserId": "usr_1"}, RejectReason.NO_IDENTITY),
        ({"messageId": ABSENT, "message_id": "m-1"}, RejectReason.MISSING_FIELD),
        *[
            ({field: wrong}, RejectReason.MISTYPED_FIELD)
            for field in ("userId", "anonymousId", "groupId", "previousId")
            for wrong in NO_IDS
        ],
        *[
            ({field: wrong}, RejectReason.MISTYPED_FIELD)
            for field in ("properties", "traits", "context", "integrations")
            for wrong in NO_OBJECTS
        ],
        *[
            ({field: wrong}, RejectReason.MISTYPED_FIELD)
            for field in ("sentAt", "receivedAt", "originalTimestamp")
            for wrong in NO_STRINGS
        ],
    ],
)
def test_the_envelope(changes: dict[str, object], expected: RejectReason) -> None:
    assert reason(track(**changes)) is expected


@pytest.mark.parametrize(
    "field",
    [
        "anonymousId",
        "groupId",
        "previousId",
        "sentAt",
        "receivedAt",
        "originalTimestamp",
        "properties",
        "traits",
        "context",
        "integrations",
    ],
)
def test_null_counts_as_absent_where_a_key_may_be_absent(field: str) -> None:
    accepted(track(**{field: None}))
    accepted(track(**{field: ABSENT}))


@pytest.mark.parametrize(
    "changes",
    [
        {"userId": 42},
        {"userId": -(2**63)},
        {"userId": ABSENT, "anonymousId": "a-1"},
        {"userId": None, "anonymousId": "a-1"},
        {"userId": "", "anonymousId": "a-1"},
        {"type": "page", "event": ABSENT},
        {"type": "page", "event": None},
        {"type": "group", "groupId": 17},
        {"type": "alias", "previousId": "a-1"},
        {"sentAt": "whenever"},
        {"unknown": {"key": [1, 2]}},
    ],
)
def test_accepted_envelopes(changes: dict[str, object]) -> None:
    accepted(track(**changes))


def test_of_duplicate_keys_the_last_wins() -> None:
    twice = track(userId="second").replace(b'"userId"', b'"userId":"first","userId"')
    assert twice.count(b'"userId"') == 2
    assert accepted(twice).body["userId"] == "second"
    nested_twice = spliced('1,"x":2,"x":{"y":1,"y":3}')
    assert accepted(nested_twice).body["properties"] == {"x": {"y": 3}}
    # A value that loses is not looked at, unless it is no JSON or no number Weir could hold.
    accepted(track().replace(b'"userId"', b'"userId":[],"userId"'))
    assert reason(track().replace(b'"userId"', b'"userId":NaN,"userId"')) is RejectReason.NOT_A_FINITE_NUMBER


@pytest.mark.parametrize(
    ("record", "first"),
    [
        (b"\xef\xbb\xbf\xff", RejectReason.BYTE_ORDER_MARK),
        (b"\xff" + b"[" * 40, RejectReason.NOT_UTF8),
        (b"[" * 40 + b"NaN", RejectReason.NESTED_TOO_DEEP),
        (b"[NaN", RejectReason.MALFORMED_JSON),
        (b"[NaN, 99999999999999999999]", RejectReason.NOT_A_FINITE_NUMBER),
        (b"[99999999999999999999]", RejectReason.INTEGER_OUT_OF_RANGE),
        (b"[]", RejectReason.NOT_AN_OBJECT),
        (track(type="x", messageId=ABSENT, userId=[], timestamp="x"), RejectReason.UNKNOWN_TYPE),
        (track(messageId=ABSENT, userId=[], timestamp="x"), RejectReason.MISSING_FIELD),
        (track(anonymousId=[], userId=ABSENT, timestamp="x"), RejectReason.MISTYPED_FIELD),
        (track(userId=ABSENT, timestamp="x"), RejectReason.NO_IDENTITY),
    ],
)
def test_the_order_of_reasons(record: bytes, first: RejectReason) -> None:
    assert reason(record) is first


def test_reprs_hold_no_value() -> None:
    assert "usr_1" not in repr(decode(track()))
    assert "usr_1" not in repr(decode(track(timestamp="usr_1")))


def test_the_schema_is_valid_and_describes_the_envelope() -> None:
    schema: JsonObject = orjson.loads(schema_path("raw_event.v1.schema.json").read_bytes())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    properties: JsonValue = schema["properties"]
    assert isinstance(properties, dict)
    assert set(properties["type"]["enum"]) == {call.value for call in CallType}  # type: ignore[index,call-overload,arg-type]  # JSON
