import pytest
from presidio_anonymizer.operators import OperatorType

from service.actions.action import REFUSED, ActionContext
from service.actions.pseudonym_operator import PseudonymOperator
from service.actions.registry import build
from service.detection.spans import Span
from service.events.json_value import JsonValue
from service.policy.action_specs import Scrub
from service.policy.entities import Entity
from service.policy.plan import FieldRule
from service.pseudonyms.encodings import alphanumeric
from tests.applied_action import applied, pseudonymizer, rule, spans, texts

TEXT = "Ana Lima (ana@example.org) and Bo Ek met ana lima."
FOUND = (
    *spans(TEXT, [("Ana Lima", Entity.PERSON), ("ana@example.org", Entity.EMAIL_ADDRESS)]),
    *spans(TEXT, [("Bo Ek", Entity.PERSON), ("ana lima", Entity.PERSON)]),
)
TAGS = Scrub(pseudonymize=frozenset({Entity.PERSON}))


def test_asks_for_the_text_and_nothing_else() -> None:
    assert texts(Scrub(), TEXT) == (TEXT,)
    assert texts(Scrub(), 17) == ()


def test_spans_become_their_entities() -> None:
    scrubbed = applied(Scrub(), TEXT, findings={TEXT: FOUND})
    assert scrubbed.result == "<PERSON> (<EMAIL_ADDRESS>) and <PERSON> met <PERSON>."
    assert scrubbed.entities == {Entity.PERSON: 3, Entity.EMAIL_ADDRESS: 1}
    assert scrubbed.generated == set()


def test_a_text_without_findings_stays() -> None:
    assert applied(Scrub(), TEXT).result == TEXT
    assert applied(TAGS, "").result == ""


def test_letters_beyond_the_first_plane_and_combined_ones_keep_their_places() -> None:
    text = "\N{GRINNING FACE}\N{GRINNING FACE} e\N{COMBINING ACUTE ACCENT} Ana Lima \N{GRINNING FACE}"
    scrubbed = applied(Scrub(), text, findings={text: spans(text, [("Ana Lima", Entity.PERSON)])})
    assert scrubbed.result == text.replace("Ana Lima", "<PERSON>")


def test_an_entity_may_be_pseudonymized() -> None:
    scrubbed = applied(TAGS, TEXT, findings={TEXT: FOUND})
    assert isinstance(scrubbed.result, str)
    (first, other) = sorted(scrubbed.generated, key=scrubbed.result.index)
    # One person under two spellings is one pseudonym, another person another.
    assert scrubbed.result == f"<PERSON:{first}> (<EMAIL_ADDRESS>) and <PERSON:{other}> met <PERSON:{first}>."
    assert scrubbed.entities == {Entity.PERSON: 3, Entity.EMAIL_ADDRESS: 1}


def test_an_entity_may_be_masked() -> None:
    """Whatever its length, and not saying what it was."""
    spec = Scrub(pseudonymize=frozenset({Entity.PERSON}), mask=frozenset({Entity.EMAIL_ADDRESS}))
    scrubbed = applied(spec, TEXT, findings={TEXT: FOUND})
    assert isinstance(scrubbed.result, str)
    assert scrubbed.result.count("(***)") == 1
    assert scrubbed.result.count("<PERSON:") == 3
    assert scrubbed.entities == {Entity.PERSON: 3, Entity.EMAIL_ADDRESS: 1}


def test_every_entity_can_be_replaced_in_every_way() -> None:
    for entity in Entity:
        found = {"x": (Span(0, 1, entity, 0.5, "test"),)}
        assert applied(Scrub(), "x", findings=found).result == f"<{entity}>"
        assert applied(Scrub(mask=frozenset({entity})), "x", findings=found).result == "***"
        tagged = applied(Scrub(pseudonymize=frozenset({entity})), "x", findings=found)
        assert tagged.result == f"<{entity}:{next(iter(tagged.generated))}>"


def test_a_text_that_was_not_scanned_is_refused() -> None:
    context = ActionContext(pseudonymizer(), {}, {}, set())
    assert build(rule(Scrub()), lambda _: alphanumeric).apply(TEXT, context) is REFUSED


@pytest.mark.parametrize("value", [None, 17, 1.5, True, [TEXT], {"a": TEXT}])
def test_refuses_what_is_no_text(value: JsonValue) -> None:
    assert applied(Scrub(), value).result is REFUSED


def test_presidio_takes_our_operator_for_an_anonymizer() -> None:
    assert PseudonymOperator().operator_type() is OperatorType.Anonymize
    assert PseudonymOperator().operator_name() == "pseudonym"


def test_pseudonyms_in_texts_need_a_key_purpose() -> None:
    without = FieldRule(("x",), "x", "text.long", None, TAGS, None)
    with pytest.raises(AssertionError):
        build(without, lambda _: alphanumeric)
