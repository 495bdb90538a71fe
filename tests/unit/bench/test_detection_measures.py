"""The measures of detection, on labels and spans made by hand."""

import pytest

from service.bench.detection.labelled import LabelledText, Part, Source, joined
from service.bench.detection.measures import Found, Judged, Tally, judge
from service.policy.entities import Entity

NAME = "Zelda Quint"


def text(*parts: Part) -> LabelledText:
    return LabelledText(parts, Source.SENTENCES, "sentence", "en", None)


def name_in_a_sentence(*spans: Found) -> Judged:
    """`Ask Zelda Quint in Lyon today.`: the name at 4 to 15, the city at 19 to 23."""
    return judge(
        text(
            Part("Ask "), Part(NAME, Entity.PERSON), Part(" in "), Part("Lyon", judged=False), Part(" today.")
        ),
        spans,
    )


def test_labels_stand_where_their_parts_do() -> None:
    labelled = text(Part("Ask "), Part(NAME, Entity.PERSON), Part(" in "), Part("Lyon", judged=False))
    assert labelled.text == "Ask Zelda Quint in Lyon"
    assert labelled.gold == ((4, 15, Entity.PERSON),)
    assert labelled.unjudged == ((19, 23),)


def test_a_street_and_its_number_are_one_address() -> None:
    street = Entity.STREET_ADDRESS
    parts = [
        Part("12", street),
        Part(" "),
        Part("Elm Row", street),
        Part(" and "),
        Part("3", street),
        Part(""),
    ]
    assert joined(parts) == (Part("12 Elm Row", street), Part(" and "), Part("3", street))
    names = (Part("Zelda", Entity.PERSON), Part(" "), Part("Quint", Entity.PERSON))
    assert joined(names) == names


def test_a_missed_name_counts() -> None:
    total = name_in_a_sentence().total
    assert (total.gold, total.found, total.leaked) == (1, 0, 1)
    assert (total.characters, total.characters_left) == (10, 10)
    assert total.leaked_share == 1
    assert total.precision is None


def test_a_found_name_is_found_and_right() -> None:
    total = name_in_a_sentence(Found(4, 15, Entity.PERSON)).total
    assert (total.recall, total.leaked_share, total.leaked_characters, total.precision) == (1, 0, 0, 1)
    assert (total.words, total.words_removed) == (3, 0)


def test_half_a_name_is_found_and_leaks() -> None:
    judged = name_in_a_sentence(Found(4, 9, Entity.PERSON))
    total = judged.total
    assert (total.found, total.leaked, total.characters_left) == (1, 1, 5)
    assert [gold.entity for gold in judged.leaked] == [Entity.PERSON]


def test_less_than_half_is_not_found() -> None:
    assert name_in_a_sentence(Found(4, 8, Entity.PERSON)).total.found == 0


def test_an_initial_that_is_left_tells_nothing() -> None:
    labelled = text(Part("Z. Quint", Entity.PERSON))
    assert judge(labelled, [Found(3, 8, Entity.PERSON)]).total.leaked == 0
    assert judge(labelled, [Found(0, 1, Entity.PERSON)]).total.leaked == 1
    assert judge(text(Part("Li", Entity.PERSON)), []).total.leaked == 1


def test_another_kind_hides_but_does_not_find() -> None:
    judged = name_in_a_sentence(Found(4, 15, Entity.USER_NAME))
    total = judged.total
    assert (total.found, total.leaked, total.right, total.spans) == (0, 0, 0, 1)
    assert judged.by_entity[Entity.USER_NAME] == Tally(spans=1)


@pytest.mark.parametrize(("end", "leaked"), [(12, 0), (9, 0), (8, 1), (0, 1)])
def test_a_third_of_a_number_tells_whose_it_is(end: int, leaked: int) -> None:
    number = text(Part("123456789012", Entity.PHONE_NUMBER))
    assert judge(number, [Found(0, end, None)]).total.leaked == leaked


def test_harmless_words_that_are_removed_count() -> None:
    judged = name_in_a_sentence(Found(0, 15, Entity.PERSON))
    assert judged.removed == [(0, 3)]
    assert judged.total.over_redacted == pytest.approx(1 / 3)
    assert judged.total.right == 1  # more than half of it is the name


def test_half_of_a_harmless_word_may_go() -> None:
    assert name_in_a_sentence(Found(24, 26, Entity.PERSON)).total.words_removed == 0
    assert name_in_a_sentence(Found(24, 28, Entity.PERSON)).total.words_removed == 1


def test_what_is_not_judged_is_neither_right_nor_wrong() -> None:
    total = name_in_a_sentence(Found(19, 23, Entity.STREET_ADDRESS)).total
    assert (total.spans, total.words_removed) == (0, 0)
    longer = name_in_a_sentence(Found(4, 23, Entity.PERSON)).total
    assert (longer.spans, longer.right, longer.words_removed) == (1, 1, 1)


def test_a_span_on_harmless_words_is_wrong() -> None:
    total = name_in_a_sentence(Found(24, 29, Entity.PERSON), Found(4, 15, Entity.PERSON)).total
    assert (total.spans, total.right) == (2, 1)
    assert total.precision == 0.5


def test_spans_of_kinds_that_weir_has_not_only_remove() -> None:
    judged = name_in_a_sentence(Found(0, 29, None))
    assert (judged.total.leaked, judged.total.spans, judged.total.words_removed) == (0, 0, 3)


def test_tallies_add_up() -> None:
    total = Tally()
    total += Tally(gold=2, found=1, words=4)
    total += Tally(gold=2, found=2, words_removed=1)
    assert (total.recall, total.over_redacted) == (0.75, 0.25)
    assert Tally().recall is None
