import pytest

from service.actions.action import REFUSED
from service.events.json_value import JsonValue
from service.policy.action_specs import Guard, Keep
from tests.applied_action import applied

WORD = Guard(type="word", max_length=10)
STRING = Guard(type="string", max_length=20)
INTEGER = Guard(type="integer", minimum=1, maximum=5)
NUMBER = Guard(type="number", minimum=-10, maximum=10)
WORDS = Guard(type="list", pattern=r"[a-z]+(:[a-z]+)?", max_items=3, max_length=12)


@pytest.mark.parametrize(
    ("guard", "value", "kept"),
    [
        (WORD, "free", "free"),
        (WORD, "über", "über"),
        (Guard(type="word", enum=("free", "team")), "team", "team"),
        (Guard(type="string", enum=("Mac OS X",)), "Mac OS X", "Mac OS X"),
        (Guard(type="word", pattern=r"[0-9]+\.[0-9]+"), "1.2", "1.2"),
        (STRING, "two words", "two words"),
        (INTEGER, 5, 5),
        (INTEGER, 5.0, 5),
        (NUMBER, -9.5, -9.5),
        (NUMBER, 3.0, 3),
        (Guard(type="number"), 1e300, 1e300),
        (Guard(type="integer", enum=("30", "90")), 30, 30),
        (Guard(type="boolean"), False, False),
        (WORDS, ["read", "files:write"], ["read", "files:write"]),
        (WORDS, [], []),
        (Guard(type="list", minimum=0, maximum=9), [1, 2.0], [1, 2]),
    ],
)
def test_keeps(guard: Guard, value: JsonValue, kept: JsonValue) -> None:
    result = applied(Keep(), value, guard=guard).result
    assert result == kept
    assert type(result) is type(kept)


@pytest.mark.parametrize(
    ("guard", "value"),
    [
        (WORD, ""),
        (WORD, "two words"),
        (WORD, "line\nbreak"),
        (WORD, "tab\t"),
        (WORD, "nbsp\N{NO-BREAK SPACE}x"),
        (WORD, "zero\N{ZERO WIDTH SPACE}"),
        (WORD, "bidi\N{RIGHT-TO-LEFT OVERRIDE}"),
        (WORD, "nul\x00"),
        (WORD, "elevenchars"),
        (WORD, 17),
        (WORD, True),
        (WORD, ["free"]),
        (Guard(type="word", enum=("free", "team")), "Free"),
        (Guard(type="word", enum=("free", "team")), "free "),
        (Guard(type="word", pattern=r"[a-z]+"), "free1"),
        (Guard(type="word", pattern=r"[a-z]+"), "free\n"),
        (Guard(type="word", pattern=r"free|team"), "freelance"),
        (Guard(type="word", pattern=r"\d+"), "\N{ARABIC-INDIC DIGIT ONE}"),
        (STRING, "control\x07"),
        (STRING, "x" * 21),
        (STRING, None),
        (INTEGER, 0),
        (INTEGER, 6),
        (INTEGER, 1.5),
        (INTEGER, True),
        (INTEGER, "3"),
        (INTEGER, 1e300),
        (INTEGER, float("nan")),
        (NUMBER, float("inf")),
        (NUMBER, float("-inf")),
        (NUMBER, False),
        (NUMBER, "1"),
        (NUMBER, 10.5),
        (Guard(type="number"), 10**400),
        (Guard(type="integer", enum=("30", "90")), 31),
        (Guard(type="boolean"), 1),
        (Guard(type="boolean"), "true"),
        (WORDS, ["read", "owner:Ana Lima"]),
        (WORDS, ["read", 5]),
        (WORDS, ["read", ["read"]]),
        (WORDS, [None]),
        (WORDS, ["a", "b", "c", "d"]),
        (WORDS, ["abcdefghijklm"]),
        (WORDS, "read"),
        (WORDS, {"read": True}),
        (Guard(type="list"), ["two words"]),
        (Guard(type="list", maximum=9), ["1"]),
    ],
)
def test_refuses(guard: Guard, value: JsonValue) -> None:
    assert applied(Keep(), value, guard=guard).result is REFUSED


def test_a_guard_of_the_policy_comes_before_the_fields() -> None:
    own = Keep(guard=Guard(type="word", enum=("team",)))
    assert applied(own, "free", guard=WORD).result is REFUSED
    assert applied(own, "team", guard=WORD).result == "team"
