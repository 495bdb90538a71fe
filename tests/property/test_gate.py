"""The gate's short cuts find what a plain search of every string finds."""

from hypothesis import given
from hypothesis import strategies as st

from service.detection.known_values import probed
from service.detection.spans import merge
from service.events.json_value import JsonObject, JsonValue
from service.sanitize import gate_patterns
from service.sanitize.gate import Gate
from tests.identities import known_values_of

#: Pieces that hits and near misses are made of.
PIECES = st.sampled_from(
    [
        *("a.b@example.org", "@", "%40", "&#64;", "ann", "+442079460958", "(415) 555-0132", "0044", "4541 "),
        *(
            "52677664",
            "5550",
            "GB21 ",
            "NWBK",
            "gb21nwbk01500952851471",
            "mt84malt011000012345mtlcast001s",
            "xoxb-",
            "84.119",
            ".203.77",
            "2a01:",
            "::1",
        ),
        *("AKIAQ7ZLM2X4T5WPN3RD", "sk-live-", "postgres://u:", "p@db", "usr_8842kq", "USR-8842KQ", "8842"),
        *(
            "dXNyXzg4NDJrcQ==",
            "b3R0aWxpZSBicmFuZG5lcg",
            "Ottilie",
            "brandner",
            "\u200b",
            "Ｏ",
            "%2B",
            "\\u0041",
        ),
        *(
            " ",
            "\n",
            "/",
            "-",
            ".",
            "xyz",
            "001",
            "206/",
            "\x00",
            "\\/",
            "https://example.org/docs",
            "4.7.2",
            "é",
            "-----BEGIN PRIVATE KEY-----",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=12)
PAYLOADS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        TEXTS | st.integers() | st.none(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=3,
)
KNOWN = known_values_of({"user": {"id": "usr_8842kq", "fullName": "Ottilie Brandner"}})


@given(TEXTS)
def test_no_hit_escapes_the_quick_look(text: str) -> None:
    assert gate_patterns.find(text) == gate_patterns.search(text)
    assert KNOWN.may_stand_in([probed([text])]) or not KNOWN.spans(text)


@given(PAYLOADS)
def test_the_gate_is_a_search_of_every_string(payload: JsonObject) -> None:
    checked, hits = Gate(KNOWN).check(payload, "", max_string=40)
    assert checked == _searched(payload)
    assert bool(hits) == (checked != payload)


def _searched(node: JsonValue) -> JsonValue:
    if isinstance(node, dict):
        return {key: _searched(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_searched(item) for item in node]
    if not isinstance(node, str):
        return node
    spans = merge(gate_patterns.search(node), KNOWN.spans(node))
    for span in reversed(spans):
        node = f"{node[: span.start]}<{span.entity}>{node[span.end :]}"
    return node[:40] if spans else node
