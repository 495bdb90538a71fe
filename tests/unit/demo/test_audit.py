"""The audit finds what it must, counts it rightly, and nothing else."""

from service.demo.audit import AuditResult, Bin, Output, Spelling, audit
from service.demo.planted import Kind, Place, Planted, SampleEvent


def event(*planted: Planted, timestamp: int = 1) -> SampleEvent:
    return SampleEvent(b"", b"", {}, timestamp, "en", planted)


def searched(events: list[SampleEvent], value: bytes, *, of: SampleEvent | None) -> AuditResult:
    return audit(events, [Output(of, None, value, ())])


IN_TEXT = Place.FREE_TEXT
STRUCTURED = Place.STRUCTURED


def test_a_value_of_free_text_counts_where_it_was_planted() -> None:
    one = event(
        Planted("Amélie Lefèvre", Kind.NAME, IN_TEXT), Planted("a@example.org", Kind.EMAIL, STRUCTURED)
    )
    result = searched([one], b'{"comment": "ask Lefe\\u0300vre"}', of=one)
    assert result.found == {Bin(IN_TEXT, Kind.NAME): 1}
    assert result.planted == {Bin(IN_TEXT, Kind.NAME): 1, Bin(STRUCTURED, Kind.EMAIL): 1}
    assert (result.structured_found, result.free_text_found, result.free_text_share) == (0, 1, 1.0)
    assert not result.strange


def test_a_value_of_both_places_counts_as_structured() -> None:
    one = event(Planted("Harriet", Kind.NAME, IN_TEXT), Planted("Harriet Whitlock", Kind.NAME, STRUCTURED))
    result = searched([one], b'{"comment": "harriet"}', of=one)
    assert result.found == {Bin(STRUCTURED, Kind.NAME): 1}


def test_a_value_of_another_event_is_never_free_text() -> None:
    one = event(Planted("Harriet Whitlock", Kind.NAME, IN_TEXT), timestamp=1)
    other = event(timestamp=2)
    result = searched([one, other], b'{"comment": "Whitlock"}', of=other)
    assert result.strange == {Kind.NAME: 1}
    assert result.structured_found == 1


def test_nothing_at_all_may_stand_in_a_dead_letter() -> None:
    one = event(Planted("Harriet Whitlock", Kind.NAME, IN_TEXT))
    assert searched([one], b'{"reason": "Whitlock"}', of=None).structured_found == 1


def test_a_name_in_the_events_own_address_is_that_address() -> None:
    namesake = event(Planted("Harriet Whitlock", Kind.NAME, STRUCTURED), timestamp=1)
    one = event(Planted("harriet.whitlock@example.org", Kind.EMAIL, IN_TEXT), timestamp=2)
    result = searched([namesake, one], b'{"comment": "harriet.whitlock@example.org"}', of=one)
    assert result.found == {Bin(IN_TEXT, Kind.EMAIL): 1}
    assert not result.strange


def test_a_value_counts_once_however_often_it_came_out() -> None:
    one = event(Planted("192.0.2.3", Kind.IP, IN_TEXT))
    outputs = [Output(one, b"192.0.2.3", b'{"192.0.2.3": "192.0.2.3"}', (("at", b"192.0.2.3"),))] * 3
    result = audit([one], outputs)
    assert result.found == {Bin(IN_TEXT, Kind.IP): 1}
    assert result.outputs == 3
    assert result.spellings == {Spelling.PLAIN: 3}


def test_a_part_of_a_longer_value_is_not_the_value() -> None:
    one = event(Planted("192.0.2.3", Kind.IP, STRUCTURED), Planted("Ana", Kind.NAME, STRUCTURED))
    result = searched([one], b'{"ip": "192.0.2.31", "word": "banana Analyst", "net": "192.0.2.0"}', of=one)
    assert not result.found
    assert not result.strange


def test_an_empty_record_holds_nothing() -> None:
    one = event(Planted("192.0.2.3", Kind.IP, STRUCTURED))
    assert audit([one], [Output(one, None, None, ())]).structured_found == 0
