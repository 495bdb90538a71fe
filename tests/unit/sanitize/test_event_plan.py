"""Layouts: one for each look of an event and each way in which its values agree, and never too many."""

from itertools import product
from typing import Any, Final

import orjson
import pytest

from service.policy.vendor_names import VendorName
from service.sanitize import event_plan
from service.sanitize.event_plan import EventPlan
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer
from tests.unit.sanitize.conftest import EVENT, MakeSanitizer, SmallPolicy, record

NUMBER: Final = {"class": "measure", "type": "number", "minimum": -10, "maximum": 10}
WORD: Final = {"class": "word", "type": "word", "pattern": "[0-9a-zA-Z.]+"}
#: With every vendor but Segment, these three want one place.
COLLIDING: Final = SmallPolicy(
    {"context.traits.plan": WORD, "properties.plan": NUMBER, "traits.plan": WORD},
    {"measure": "keep", "word": "keep"},
)
MANY: Final = SmallPolicy(
    {f"properties.x{number}": {"class": "note", "type": "string", "max_length": 200} for number in range(8)},
    {"note": "keep"},
)


def plan_of(sanitizer: Sanitizer) -> EventPlan:
    (plan,) = [plan for plan in sanitizer._plans if plan.name == EVENT]
    return plan


def payload(sanitizer: Sanitizer, vendor: VendorName, event: bytes) -> dict[str, Any]:
    (outcome,) = [outcome for outcome in sanitizer.sanitize([event]).outcomes[0] if outcome.vendor is vendor]
    assert isinstance(outcome, Sent), outcome
    found = orjson.loads(outcome.value)
    assert isinstance(found, dict)
    return found


def of_plans(in_context: object, in_properties: object, in_traits: object) -> bytes:
    return record(
        {"plan": in_properties}, context={"traits": {"plan": in_context}}, traits={"plan": in_traits}
    )


def test_equal_values_for_one_place_stand_there_once(make_sanitizer: MakeSanitizer) -> None:
    properties = payload(make_sanitizer(COLLIDING), VendorName.MIXPANEL, of_plans("team", None, "team"))[
        "properties"
    ]
    assert {name for name in properties if "plan" in name} == {"plan"}
    assert properties["plan"] == "team"


def test_different_values_for_one_place_all_stand_somewhere(make_sanitizer: MakeSanitizer) -> None:
    properties = payload(make_sanitizer(COLLIDING), VendorName.MIXPANEL, of_plans("team", 1, "free"))[
        "properties"
    ]
    assert {name: value for name, value in properties.items() if "plan" in name} == {
        "plan": "team",
        "properties.plan": 1,
        "traits.plan": "free",
    }


def test_the_layout_is_the_one_for_the_values_whatever_came_before(make_sanitizer: MakeSanitizer) -> None:
    """Words, and numbers that look like them."""
    values: list[tuple[object, object, object]] = [
        *product(["team", "1", "1.5"], [1, 1.5, None], ["team", "1"]),
        (None, 1, "1"),
        ("1", 1, None),
    ]
    warm = make_sanitizer(COLLIDING)
    for _ in range(2):
        for each in values:
            # A policy of its own has only ever seen this one event.
            expected = make_sanitizer(COLLIDING).sanitize([of_plans(*each)])
            assert warm.sanitize([of_plans(*each)]).outcomes == expected.outcomes, each


def test_values_of_two_types_are_never_the_same(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(COLLIDING)
    for word, number in [("1", 1), ("1.5", 1.5), ("team", 1), ("1", 1)]:
        event = of_plans(word, number, None)
        properties = payload(sanitizer, VendorName.MIXPANEL, event)["properties"]
        assert (properties["plan"], properties["properties.plan"]) == (word, number)


def test_equal_and_different_values_have_layouts_of_their_own(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(COLLIDING)
    plan = plan_of(sanitizer)
    for in_traits in ("team", "team", "free", "free", "team", "pro"):
        sanitizer.sanitize([of_plans("team", 1, in_traits)])
    (variants,) = plan._layouts.values()
    assert len(variants) == 2
    assert all(variant.comparisons for variant in variants)


def test_what_never_collides_has_one_layout_for_all_values(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(MANY)
    for number in range(9):
        sanitizer.sanitize([record({"x0": f"a{number}", "x1": "a0"})])
    ((layout,),) = plan_of(sanitizer)._layouts.values()
    assert layout.comparisons == ()


def test_a_cut_that_makes_values_equal_counts_for_the_vendor_that_cuts(make_sanitizer: MakeSanitizer) -> None:
    """Two texts that differ behind Google's limit are one to Google and two to others."""
    policy = SmallPolicy(
        {
            f"{root}.note": {"class": "note", "type": "string", "max_length": 200}
            for root in ("context.traits", "traits")
        },
        {"note": "keep"},
    )
    sanitizer = make_sanitizer(policy)
    for one, other in [("x" * 30, "x" * 30), ("x" * 37 + "a", "x" * 37 + "b"), ("x" * 37, "x" * 35 + "yz")]:
        event = record(context={"traits": {"note": one}}, traits={"note": other})
        of_google = payload(sanitizer, VendorName.GA4, event)["user_properties"]
        assert sorted(each["value"] for each in of_google.values()) == sorted({one[:36], other[:36]})
        properties = payload(sanitizer, VendorName.MIXPANEL, event)["properties"]
        assert {value for name, value in properties.items() if "note" in name} == {one, other}


def test_layouts_are_bounded_and_made_again(
    make_sanitizer: MakeSanitizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_plan, "_LAYOUTS", 4)
    sanitizer = make_sanitizer(MANY)
    plan = plan_of(sanitizer)
    events = [record({f"x{number}": "a" * length}) for number in range(8) for length in (1, 50, 150)]
    expected = [make_sanitizer(MANY).sanitize(events).outcomes]
    for _ in range(2):
        outcomes = []
        for event in events:
            outcomes += sanitizer.sanitize([event]).outcomes
            assert len(plan._layouts) <= 4
        expected.append(outcomes)
    assert expected[0] == expected[1] == expected[2]


def test_a_kind_of_event_that_nobody_gets_has_no_plan_of_its_own(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(MANY)
    result = sanitizer.sanitize([record(event="Something Else"), record({"x1": "x"})])
    assert len(result.outcomes[0]) == len(VendorName)
    assert not any(isinstance(outcome, Sent) for outcome in result.outcomes[0])
    assert all(isinstance(outcome, Sent) for outcome in result.outcomes[1])
