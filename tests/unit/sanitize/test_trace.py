"""A trace shows the texts of every event, whatever becomes of the event."""

from service.events.event import Rejection
from service.sanitize.outcomes import DeadLettered, FailReason
from tests.unit.sanitize.conftest import MakeSanitizer, SmallPolicy, record

POLICY = SmallPolicy({"properties.note": {"class": "text.short"}}, {"text.short": "scrub"})
TEXT = "write to ana@example.org"


def test_an_event_before_the_first_key_is_explained_all_the_same(make_sanitizer: MakeSanitizer) -> None:
    trace = make_sanitizer(POLICY).trace(record({"note": TEXT}, timestamp="1969-12-31T00:00:00Z"))
    assert not isinstance(trace, Rejection)
    assert {outcome.reason for outcome in trace.outcomes if isinstance(outcome, DeadLettered)} == {
        FailReason.NO_KEY_FOR_TIME
    }
    assert [text.text for text in trace.texts] == [TEXT]
    assert not any(trace.applied.values())


def test_what_is_remembered_of_a_text_is_shown_anew(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(POLICY)
    event = record({"note": "a plain note"})
    before = [sanitizer.sanitize([event]).outcomes[0] for _ in range(3)]
    trace = sanitizer.trace(event)
    assert not isinstance(trace, Rejection)
    assert trace.outcomes == before[0]
    assert [text.text for text in trace.texts] == ["a plain note"]
