"""Identity values are found wherever they stand, whatever signs a record is seen to be without."""

import json
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.detection.known_values import Identity, Kind, may_be_somebodys
from service.events.json_value import JsonObject, JsonValue
from service.policy.plan import IdentityField
from service.sanitize import identity_tree
from service.sanitize.identity_tree import IdentityTree, _has_signs

FIELDS: Final = (
    IdentityField(("userId",), "identifier.user"),
    IdentityField(("traits", "name"), "person.name"),
    IdentityField(("context", "device", "id"), "identifier.device"),
)
#: A record that is seen to have every sign: nothing is passed over.
ALL_SIGNS: Final = b'"@\\'
SIGNS: Final = (
    "@",
    "=",
    "+",
    "%40",
    "00",
    "tel:",
    " ",
    "\t",
    "\u00a0",
    "\u3000",
    "\x1c",
    "\x85",
    '"',
    "\\",
    "/",
)

_TEXTS: Final = st.lists(
    st.sampled_from(
        [*SIGNS, "ana", "0", "4420", "79460958", "te", "l:", "%", "4", "example.org", "é", "x y", "\n"]
    ),
    max_size=5,
).map("".join)
_KEYS: Final = _TEXTS | st.sampled_from(
    ["userId", "traits", "name", "email", "id", "device", "context", "phone"]
)
VALUES: Final[st.SearchStrategy[JsonValue]] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**10) | st.floats(0, 9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=10,
)
BODIES: Final = st.dictionaries(_KEYS, VALUES, max_size=5)
#: How senders write JSON.
WRITERS: Final[dict[str, Any]] = {
    "short": orjson.dumps,
    "escaped": lambda body: json.dumps(body).encode(),
    "plain": lambda body: json.dumps(body, ensure_ascii=False).encode(),
    "spaced": lambda body: json.dumps(
        body, ensure_ascii=False, indent="\t", separators=(" , ", " : ")
    ).encode(),
    "each character escaped": lambda body: _escaped(body).encode(),
}


def _escaped(value: JsonValue) -> str:
    if isinstance(value, str):
        return '"' + "".join(f"\\u{ord(char):04x}" for char in value) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(_escaped, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_escaped(key)}:{_escaped(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def strings(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return [text for item in items for text in strings(item)]


@given(body=BODIES, write=st.sampled_from(list(WRITERS.values())))
def test_a_record_without_signs_has_no_string_with_one(body: JsonObject, write: Any) -> None:
    record = write(body)
    assert orjson.loads(record) == body
    if not _has_signs(record) and b"@" not in record:
        assert not any(map(may_be_somebodys, strings(body)))


@given(body=BODIES, write=st.sampled_from(list(WRITERS.values())))
def test_what_is_found_does_not_depend_on_what_the_record_is_seen_to_lack(
    body: JsonObject, write: Any
) -> None:
    assert IdentityTree(FIELDS).walk(body, write(body)) == IdentityTree(FIELDS).walk(body, ALL_SIGNS)


@pytest.mark.parametrize("write", list(WRITERS.values()), ids=list(WRITERS))
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("ana.lima@example.org", ("ana.lima@example.org", Kind.OTHER)),
        ("https://example.org/?email=x%40example.org", ("x@example.org", Kind.OTHER)),
        ("mail%40example.org", ("mail@example.org", Kind.OTHER)),
        ("phone=5550142199", ("5550142199", Kind.PHONE)),
        ("+442079460958", ("+442079460958", Kind.PHONE)),
        ("00442079460958", ("00442079460958", Kind.PHONE)),
        ("tel:+442079460958", ("tel:+442079460958", Kind.PHONE)),
        (" 00442079460958", (" 00442079460958", Kind.PHONE)),
        ("\t00442079460958", ("\t00442079460958", Kind.PHONE)),
        ("\u00a000442079460958", ("\u00a000442079460958", Kind.PHONE)),
        ("\u300000442079460958", ("\u300000442079460958", Kind.PHONE)),
    ],
)
@pytest.mark.parametrize("where", ["properties", "list", "deep"])
def test_every_sign_is_seen_in_every_spelling(value: str, found: Identity, where: str, write: Any) -> None:
    bodies: dict[str, JsonObject] = {
        "properties": {"properties": {"x": value}},
        "list": {"properties": {"x": [["y", [value]]]}},
        "deep": {"a": [{"b": {"c": [{"d": value}]}}]},
    }
    body = bodies[where]
    assert found in IdentityTree(FIELDS).walk(body, write(body))


def test_what_the_policy_and_a_key_say_needs_no_sign() -> None:
    body: JsonObject = {
        "userId": "quillfeather",
        "traits": {"name": "Marigold"},
        "context": {"device": {"id": 5513}},
        "properties": {
            "username": "pumpkinpie",
            "phone": 5550142199,
            "user": [{"fullName": "Ottilie Brandner"}],
        },
    }
    record = orjson.dumps(body)
    assert not _has_signs(record)
    assert b"@" not in record
    found = IdentityTree(FIELDS).walk(body, record)
    assert found >= {
        ("quillfeather", Kind.OTHER),
        ("Marigold", Kind.NAME),
        ("5513", Kind.OTHER),
        ("pumpkinpie", Kind.PERSON),
        ("5550142199", Kind.PHONE),
        ("Ottilie Brandner", Kind.NAME),
    }


def test_what_one_record_taught_does_not_change_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are learned as they come, up to a bound, and what is found is the same with and without."""
    monkeypatch.setattr(identity_tree, "_LEARNED_KEYS", 3)
    tree = IdentityTree(FIELDS)
    for number in range(20):
        body: JsonObject = {
            "properties": {f"x{number}": {"email": "ob@example.org", "y" * 65: [{"phone": 5550142199}]}}
        }
        for _ in range(2):
            assert tree.walk(body, orjson.dumps(body)) == {
                ("ob@example.org", Kind.OTHER),
                ("5550142199", Kind.PHONE),
            }
    assert tree._learned == 3


def test_values_without_a_class_are_bounded_and_those_of_the_policy_never_left_out() -> None:
    body: JsonObject = {"x": [f"u{number}@example.org" for number in range(1000)], "userId": "quillfeather"}
    found = IdentityTree(FIELDS).walk(body, orjson.dumps(body))
    assert ("quillfeather", Kind.OTHER) in found
    assert len(found) == 201
