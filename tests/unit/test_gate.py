"""The gate redacts what got past everything else, and leaves clean payloads as they are."""

import base64
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.detection.known_values import KnownValues
from service.events.json_value import JsonObject
from service.policy.plan import IdentityField
from service.sanitize.gate import Gate
from tests.identities import known_values_of

NOBODY = KnownValues()


def _check(payload: JsonObject, known: KnownValues = NOBODY) -> JsonObject:
    checked, _ = Gate(known).check(payload, "", max_string=255)
    assert isinstance(checked, dict)
    return checked


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("mail a.b@example.org now", "mail <EMAIL_ADDRESS> now"),
        ("a.b%40example.org", "<EMAIL_ADDRESS>"),
        ("a.b&#64;example.org", "<EMAIL_ADDRESS>"),
        (base64.b64encode(b"to a.b@example.org").decode(), "<ENCODED>"),
        ("ring +44 20 7946 0958", "ring <PHONE_NUMBER>"),
        ("(415) 555-0132", "<PHONE_NUMBER>"),
        ("scan_+442079460958_2.png", "scan_<PHONE_NUMBER>_2.png"),
        ("card 4541 5267 7664 5550", "card <CREDIT_CARD>"),
        ("GB21 NWBK 0150 0952 8514 71", "<BANK_ACCOUNT>"),
        ("from 84.119.203.77", "from <IP_ADDRESS>"),
        ("[2a01:cb19:8b2:9f00:1df4:77a1:c0de:17]", "[<IP_ADDRESS>]"),
        ("AKIAQ7ZLM2X4T5WPN3RD", "<SECRET>"),
        ("sk-live-fourteen-sheep", "<SECRET>"),
        ("s\x00k-live-fourteen-sheep", "<SECRET>"),
        ("001/206/555 0142", "<PHONE_NUMBER>"),
        ("mt84malt011000012345mtlcast001s", "<BANK_ACCOUNT>"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0", "<SECRET>"),
        ("-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----", "<SECRET>"),
        ("postgres://rep:hunter2@db/x", "postgres://<PASSWORD>db/x"),
    ],
)
def test_patterns(text: str, result: str) -> None:
    assert _check({"x": text}) == {"x": result}


CLEAN: JsonObject = {
    "event": "Feedback Submitted",
    "time": 1762125648000,
    "timestamp": "2026-11-02T23:20:48Z",
    "offset": "2026-11-02T23:20:48.123+05:30",
    "$insert_id": "w2057248b4edc7d31ece04ee8eb7b0d20",
    "distinct_id": "0a2f7c4e-62b7-4c1a-9ed7-4b2955ec309d",
    "$current_url": "https://console.example.org/projects/:id/usage?utm_source=newsletter",
    "$path": "/docs/api/chat-completions",
    "version": "2.14.0.1-rc2",
    "package": "lodash@4.17.21",
    "price": "$1,249.00",
    "size": "183422 bytes",
    "ip": "84.119.203.0",
    "ip6": "2a01:cb19:8b2::",
    "models": ["llama-3.1-70b", "claude-opus", "gpt-4o"],
    "browser": "Firefox 143",
    "zone": "America/Sao_Paulo",
    "mime": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "comment": "order number 3617931688132846 never arrived, std::vector at 10:20:30",
    "scrubbed": "ask <PERSON:k3v9q2> at <EMAIL_ADDRESS>",
    "$geoip_disable": True,
    "none": None,
    "size_px": 1900,
}


def test_a_clean_payload_is_left_as_it_is() -> None:
    checked, hits = Gate(NOBODY).check(CLEAN, "", max_string=255)
    assert checked == CLEAN
    assert not hits


def test_known_values_and_counts() -> None:
    known = known_values_of(
        {"userId": "usr_8842kq", "n": "Ottilie Brandner"},
        [IdentityField(("userId",), "identifier.user"), IdentityField(("n",), "person.name")],
    )
    payload: JsonObject = {"a": {"k": ["ottilie said usr_8842kq", {"b": "x Brandner y"}]}, "ok": "fine"}
    checked, hits = Gate(known).check(payload, "", max_string=255)
    assert checked == {"a": {"k": ["<IDENTITY> said <IDENTITY>", {"b": "x <IDENTITY> y"}]}, "ok": "fine"}
    assert hits == Counter({("a.k", "IDENTITY"): 2, ("a.k.b", "IDENTITY"): 1})
    assert payload["ok"] == "fine"
    assert "usr_8842kq" in str(payload)


def test_keys_are_names_of_the_plan_and_stay() -> None:
    known = known_values_of(
        {"userId": "distinct_id"},
        [IdentityField(("userId",), "identifier.user")],
    )
    assert _check({"distinct_id": "w1", "x": "distinct_id"}, known) == {
        "distinct_id": "w1",
        "x": "<IDENTITY>",
    }


def test_a_redacted_string_keeps_the_vendors_limit() -> None:
    checked, hits = Gate(NOBODY).check("a@b.example " * 20, "x", max_string=100)
    assert isinstance(checked, str)
    assert len(checked) == 100
    assert hits == {("x", "EMAIL_ADDRESS"): 20}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_any_payload_has_an_answer_and_a_second_look_finds_nothing_new(payload: JsonObject) -> None:
    checked = _check(payload)
    assert _check(checked) == checked
