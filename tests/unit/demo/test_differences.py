"""What the demo shows of a value before and after."""

from service.demo.differences import Fate, Leaf, Piece, difference, leaves, origin, survivors
from service.events.json_value import JsonValue


def test_removed_parts_stand_before_what_replaced_them() -> None:
    assert difference("Hello, Harriet Whitlock here.", "Hello, <PERSON> here.") == [
        Piece("Hello, ", Fate.KEPT),
        Piece("Harriet Whitlock", Fate.REMOVED),
        Piece("<PERSON>", Fate.ADDED),
        Piece(" here.", Fate.KEPT),
    ]


def test_a_part_survives_if_one_vendor_got_it() -> None:
    afters = ["/members/:id", "https://a.example/members/:id?utm_source=x", "https"]
    assert survivors("https://a.example/members/me%40b.example?utm_source=x", afters) == [
        Piece("https://a.example/members/", Fate.KEPT),
        Piece("me%40b.example", Fate.REMOVED),
        Piece("?utm_source=x", Fate.KEPT),
    ]


def test_what_reached_nobody_is_removed_as_a_whole() -> None:
    assert survivors("secret", []) == [Piece("secret", Fate.REMOVED)]


def test_leaves_are_every_value_that_holds_no_other() -> None:
    value: JsonValue = {"a": {"b": 1, "c": [True, None]}, "d": [{"e": "x"}], "f": {}}
    assert list(leaves(value)) == [Leaf("a.b", "1"), Leaf("a.c", "[true,null]"), Leaf("d[0].e", "x")]


def test_the_origin_of_a_payloads_value() -> None:
    raw = [
        Leaf("userId", "usr_1"),
        Leaf("properties.title", "Harriet Whitlock"),
        Leaf("properties.url", "https://a.example/members/me%40b.example"),
    ]
    assert origin(Leaf("properties.$current_url", "https://a.example/members/:id"), raw) == raw[2]
    assert origin(Leaf("events[0].params.title", "<PERSON>"), raw) == raw[1]
    assert origin(Leaf("user_id", "w4dxcmbxuzvequwywo5scugruma"), raw) is None
