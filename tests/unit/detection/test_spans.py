"""Spans merge into an ordered answer without overlaps that gives nothing up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.detection.spans import DENY_LIST, Advantage, Span, merge, rulings
from service.policy.entities import Entity

SPANS = st.lists(
    st.builds(
        lambda start, length, entity, score, recognizer: Span(
            start, start + length, entity, score, recognizer
        ),
        st.integers(0, 30),
        st.integers(1, 12),
        st.sampled_from(list(Entity)),
        st.sampled_from([0.5, 0.8, 1.0]),
        st.sampled_from(["test", DENY_LIST]),
    ),
    max_size=8,
)


@given(SPANS, SPANS)
def test_merged_spans_cover_what_went_in_in_order_and_do_not_overlap(
    one: list[Span], two: list[Span]
) -> None:
    merged = merge(one, two)
    covered = {place for span in (*one, *two) for place in range(span.start, span.end)}
    assert {place for span in merged for place in range(span.start, span.end)} == covered
    assert all(left.end <= right.start for left, right in pairwise(merged))


@given(SPANS)
def test_the_order_of_arrival_does_not_matter(spans: list[Span]) -> None:
    assert merge(spans) == merge(reversed(spans))


def test_the_longest_wins_and_the_rest_of_the_loser_stays() -> None:
    name = Span(0, 10, Entity.PERSON, 0.9, "a")
    mail = Span(6, 30, Entity.EMAIL_ADDRESS, 0.5, "b")
    assert merge([name, mail]) == (name._replace(end=6), mail)


def test_of_equal_spans_the_higher_score_wins() -> None:
    low, high = Span(0, 4, Entity.PERSON, 0.5, "a"), Span(0, 4, Entity.SECRET, 0.9, "a")
    assert merge([low], [high]) == (high,)


def test_many_spans_take_no_longer_each_than_few() -> None:
    spans = [Span(9 * index, 9 * index + 8, Entity.PERSON, 1.0, "a") for index in range(100_000)]
    assert merge(spans, spans) == tuple(spans)  # minutes if each were held against every other


def test_what_a_deny_list_names_wins_over_longer_spans() -> None:
    denied = Span(3, 6, Entity.SECRET, 1.0, DENY_LIST)
    name = Span(0, 10, Entity.PERSON, 1.0, "a")
    assert merge([name, denied]) == (name._replace(end=3), denied, name._replace(start=6))


@given(SPANS)
def test_rulings_explain_the_merge(spans: list[Span]) -> None:
    found = rulings(spans)
    assert tuple(sorted(part for ruling in found for part in ruling.kept)) == merge(spans)
    assert sorted(ruling.span for ruling in found) == sorted(spans)
    for ruling in found:
        cut = ruling.kept != (ruling.span,)
        assert cut == bool(ruling.winners)
        assert all(
            winner.start < ruling.span.end and ruling.span.start < winner.end for winner, _ in ruling.winners
        )


def test_a_ruling_says_what_the_winner_had_over_the_loser() -> None:
    loser = Span(4, 8, Entity.PERSON, 0.5, "b")
    for winner, advantage in (
        (Span(7, 8, Entity.SECRET, 0.4, DENY_LIST), Advantage.DENY_LIST),
        (Span(0, 5, Entity.SECRET, 0.4, "a"), Advantage.LONGER),
        (Span(3, 7, Entity.SECRET, 0.6, "a"), Advantage.HIGHER_SCORE),
        (Span(3, 7, Entity.SECRET, 0.5, "a"), Advantage.ORDER),
        (Span(4, 8, Entity.EMAIL_ADDRESS, 0.5, "b"), Advantage.ORDER),
    ):
        strongest, weakest = rulings([loser, winner])
        assert strongest == (winner, (winner,), ())
        assert weakest.winners == ((winner, advantage),)
