"""The gate's short cuts find what a plain search of every string finds."""

from hypothesis import given
from hypothesis import strategies as st

from service.detection.known_values import KnownValues
from service.detection.spans import merge
from service.events.event import CallType, Event
from service.events.json_value import JsonObject, JsonValue
from service.sanitize import gate_patterns
from service.sanitize.gate import Gate

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
KNOWN = KnownValues.of(
    Event(CallType.TRACK, "x", 0, {"user": {"id": "usr_8842kq", "fullName": "Ottilie Brandner"}}), ()
)


@given(TEXTS)
def test_no_hit_escapes_the_quick_look(text: str) -> None:
    assert gate_patterns.find(text) == gate_patterns.search(text)
    assert KNOWN.may_stand_in([text]) or not KNOWN.spans(text)


@given(st.lists(st.tuples(PAYLOADS, st.frozensets(TEXTS, max_size=3)), min_size=1, max_size=3))
def test_the_gate_is_a_search_of_every_string(payloads: list[tuple[JsonObject, frozenset[str]]]) -> None:
    """For one vendor after the other, each with strings that Weir made for that one alone."""
    gate = Gate(KNOWN)
    for payload, generated in payloads:
        checked, hits = gate.check(payload, generated=generated, max_string=40)
        assert checked == _searched(payload, generated)
        assert bool(hits) == (checked != payload)


def _searched(node: JsonValue, generated: frozenset[str]) -> JsonValue:
    if isinstance(node, dict):
        return {key: _searched(value, generated) for key, value in node.items()}
    if isinstance(node, list):
        return [_searched(item, generated) for item in node]
    if not isinstance(node, str) or node in generated:
        return node
    spans = merge(gate_patterns.search(node), KNOWN.spans(node))
    for span in reversed(spans):
        node = f"{node[: span.start]}<{span.entity}>{node[span.end :]}"
    return node[:40] if spans else node
