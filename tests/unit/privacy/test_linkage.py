"""Joins of two vendors' data where it is known who is linked to whom."""

from collections.abc import Iterable

import pytest

from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.privacy import linkage
from service.privacy.linkage import Join, PairFigures, measure
from tests.unit.privacy.vendor_data import Seen, records

LEFT, RIGHT = VendorName.MIXPANEL, VendorName.SEGMENT
USERS = [f"user-{number}" for number in range(10)]


def pair(left: Iterable[Seen], right: Iterable[Seen]) -> PairFigures:
    (figures,) = measure([*records(LEFT, left), *records(RIGHT, right)]).pairs
    return figures


def shares(figures: PairFigures, join: Join) -> tuple[float, float, float]:
    of_join = figures.of(join)
    return round(of_join.right, 6), round(of_join.wrong, 6), round(of_join.undecided, 6)


def test_times_that_nobody_shares_link_everybody() -> None:
    events = [Seen(user, 100 * number) for number, user in enumerate(USERS)]
    figures = pair(events, events)
    assert shares(figures, Join.TIME) == (1, 0, 0)
    assert shares(figures, Join.ALL_BUT_TIME) == (0, 0, 1)
    assert (figures.of(Join.TIME).keys_right, figures.of(Join.TIME).keys_wrong) == (1, 0)
    assert (figures.users, figures.chance) == (10, 0.1)


def test_times_that_all_share_link_nobody() -> None:
    events = [Seen(user, 7) for user in USERS]
    assert shares(pair(events, events), Join.TIME) == (0, 0, 1)
    assert shares(pair(events, events), Join.TOGETHER) == (0, 0, 1)


def test_another_ones_times_link_wrong() -> None:
    events = [Seen(user, 100 * number) for number, user in enumerate(USERS)]
    others = [Seen(user, 100 * number) for number, user in enumerate([*USERS[1:], USERS[0]])]
    figures = pair(events, others)
    assert shares(figures, Join.TIME) == (0, 1, 0)
    assert (figures.of(Join.TIME).keys_right, figures.of(Join.TIME).keys_wrong) == (0, 1)


def test_half_of_the_users_share_their_times_with_another() -> None:
    events = [Seen(user, 100 * max(number, 5)) for number, user in enumerate(USERS)]
    assert shares(pair(events, events), Join.TIME) == (0.4, 0, 0.6)


def test_a_user_of_whom_the_other_vendor_has_nothing_is_not_linked() -> None:
    events = [Seen(user, 100 * number) for number, user in enumerate(USERS)]
    assert shares(pair(events, events[:9]), Join.TIME) == (0.9, 0, 0.1)


def test_the_coarser_of_two_units_is_joined_on() -> None:
    events = [Seen(user, 100 * number + 7) for number, user in enumerate(USERS)]
    minutes = [event._replace(second=event.second // 60 * 60) for event in events]
    figures = pair(events, minutes)
    assert figures.unit == 60
    assert shares(figures, Join.TIME) == (1, 0, 0)


def test_a_shift_hides_times_but_not_the_gaps_between_them() -> None:
    events = [
        Seen(user, 1_000 * number + step * (number + 3))
        for number, user in enumerate(USERS)
        for step in range(5)
    ]
    shifted = [event._replace(second=event.second + 7 * 86_400 + 13) for event in events]
    figures = pair(events, shifted)
    assert shares(figures, Join.TIME) == (0, 0, 1)
    assert shares(figures, Join.GAPS) == (1, 0, 0)


def test_gaps_of_hours_are_no_gaps_of_a_session() -> None:
    events = [
        Seen(user, step * 3_600 * (number + 1)) for number, user in enumerate(USERS) for step in range(5)
    ]
    assert shares(pair(events, events), Join.GAPS) == (0, 0, 1)


def test_what_happened_links_whatever_the_times() -> None:
    events = [
        Seen(user, 0, "Playground Run", {"properties.latency_ms": 100 + number})
        for number, user in enumerate(USERS)
    ]
    figures = pair(events, [event._replace(second=86_400 * 9) for event in events])
    assert shares(figures, Join.ALL_BUT_TIME) == (1, 0, 0)
    assert shares(figures, Join.TIME) == (0, 0, 1)
    assert shares(figures, Join.TOGETHER) == (1, 0, 0)


def test_the_order_of_event_names_links() -> None:
    steps = ["A", "B", "C", "D", "E", "F"]
    events = [
        Seen(user, 10 * place, name)
        for number, user in enumerate(USERS[:6])
        for place, name in enumerate([*steps[number:], *steps[:number]])
    ]
    assert shares(pair(events, events), Join.NAMES) == (1, 0, 0)
    assert shares(pair(events, events), Join.DAYS) == (0, 0, 1), "everybody did the same that day"


def test_how_often_something_happened_on_a_day_links() -> None:
    events = [Seen(user, place) for number, user in enumerate(USERS) for place in range(number + 1)]
    assert pair(events, events).of(Join.DAYS).right == 1


def test_what_stays_the_same_about_a_user_links() -> None:
    countries, browsers = ("DE", "FR"), ("Firefox", "Chrome")
    four = [(country, browser) for country in countries for browser in browsers]
    events = [
        Seen(
            user,
            0,
            "Logged In",
            {"context.location.country": country, "context.userAgent": {"browser": browser}},
        )
        for user, (country, browser) in zip(USERS, four, strict=False)
    ]
    figures = pair(events, events)
    assert shares(figures, Join.PERSON) == (1, 0, 0)
    assert {"country", "browser"} <= set(figures.fields)


def test_pseudonyms_are_no_field_to_join_on_and_no_shared_id() -> None:
    events = [Seen(user, 100 * number) for number, user in enumerate(USERS)]
    figures = pair(events, events)
    assert not {"user_id", "userid", "device_id", "insert_id", "messageid"} & set(figures.fields)
    assert figures.shared_ids == ()


@pytest.mark.parametrize(
    "shared",
    ["proj_1a2b3c4d-55aa", "0f8fad5b-d9cb-469f-a165-70867728950e", "usr_0123456789abcdef", "4930123456789"],
)
def test_an_id_that_both_have_is_found_wherever_it_stands(shared: str) -> None:
    left = [Seen("ana", 0, "Usage Viewed", {"properties.project_id": shared})]
    right = [Seen("ana", 0, "Usage Viewed", {"context.page.path": f"/projects/{shared}/keys"})]
    (found,) = pair(left, right).shared_ids
    assert (found.left, found.right, found.values, found.users) == (
        "properties.project_id",
        "context.page.path",
        1,
        1,
    )


def test_words_and_versions_are_no_ids() -> None:
    words: list[JsonValue] = [
        "claude-3-5-sonnet-20241022",
        "application/vnd.ms-excel",
        "4.7.2",
        "Europe/Berlin",
        "gpt-4o",
    ]
    events = [Seen("ana", 0, "Usage Viewed", {"properties.models": words})]
    assert pair(events, events).shared_ids == ()


def test_no_value_of_an_event_is_in_the_result() -> None:
    fields = {"properties.code": "rate_limit_marker", "properties.project_id": "proj_1a2b3c4d-55aa"}
    events = [Seen(user, 0, "Error Shown", {**fields}) for user in USERS]
    result = measure([*records(LEFT, events), *records(RIGHT, events)])
    for shown in (repr(result), result.as_json().decode()):
        assert not any(value in shown for value in (*fields.values(), *USERS))


def test_the_unit_of_a_vendors_times_is_seen() -> None:
    hours = [Seen(user, 3_600 * number) for number, user in enumerate(USERS)]
    (figures,) = measure(records(LEFT, hours)).vendors
    assert (figures.vendor, figures.records, figures.users, figures.unit) == (LEFT, 10, 10, 3_600)
    assert [each.unit for each in figures.unicity] == [3_600, 86_400]


def test_rare_keys_are_scored_before_common_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget is spent on what tells most: here each has a time of his own, and one that all have."""
    monkeypatch.setattr(linkage, "_PAIRS_PER_RECORD", 1)
    events = [Seen(user, second) for number, user in enumerate(USERS) for second in (86_399, 100 * number)]
    assert shares(pair(events, events), Join.TIME) == (1, 0, 0)
    everybody = [event for event in events if event.second == 86_399]
    assert shares(pair(everybody, everybody), Join.TIME) == (0, 0, 1)


def test_the_order_of_vendors_and_records_changes_nothing() -> None:
    events = [Seen(user, 100 * number) for number, user in enumerate(USERS)]
    both = [*records(LEFT, events), *records(RIGHT, events)]
    assert measure(reversed(both)) == measure(both)
