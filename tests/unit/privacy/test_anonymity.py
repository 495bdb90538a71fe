"""k-anonymity and unicity of data where both can be counted by hand."""

from service.privacy.anonymity import Anonymity, Profiles, unicity

USERS = [
    [{"country": "DE", "browser": "Firefox"}, {"country": "DE", "query": "a"}],
    [{"country": "DE", "browser": "Chrome", "id": "1"}, {"query": "b", "id": "1"}],
    [{"country": "FR", "browser": "Firefox", "id": "2"}, {"query": "c"}, {"query": "d"}],
    [{"country": "FR", "browser": "Firefox", "id": "3"}, {"query": "e"}, {"query": "f"}],
]


def test_combinations_are_counted_and_the_worst_stands_first() -> None:
    assert Profiles(USERS).anonymity() == (
        # Two of DE, one with each browser; the two of FR share theirs.
        Anonymity(("browser", "country"), 0.5, 1, 1),
        Anonymity(("browser",), 0.25, 1, 3),
        Anonymity(("country",), 0.0, 2, 2),
    )


def test_ids_and_what_changes_are_no_traits_of_a_user() -> None:
    assert Profiles(USERS).steady == {"browser", "country"}


def test_a_field_that_some_have_not_tells_them_apart() -> None:
    users = [[{"plan": "team"}], [{"plan": "team"}], [{"other": "x"}]]
    assert Profiles(users).anonymity() == (Anonymity(("plan",), 1 / 3, 1, 2),)


def test_no_users_have_no_figures() -> None:
    assert Profiles([]).anonymity() == ()


def test_a_point_that_one_user_has_singles_him_out() -> None:
    one, other = [("a", 1), ("a", 1)], [("a", 1), ("b", 2)]
    assert unicity([one, one, other], 60).unique[0] in {0.0, 1 / 3}, "of the other's points one is his alone"
    assert unicity([one, one, other], 60).unique[1:] == (1.0, 0.0), "both of his; nobody has four"
    assert unicity([other, other], 60).unique == (0.0, 0.0, 0.0)


def test_events_in_one_unit_lose_their_order() -> None:
    assert unicity([[("a", 1), ("b", 1), ("c", 2)], [("a", 7)]], 60).tied == 0.5
