"""A sample of all payloads is held against the whole schemas, whatever is known of others like them."""

from zlib import crc32

from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from service.output.encoding import Encoding
from service.output.rules import OutputRules, OutputTerms
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import BatchResult, DeadLettered, Outcome, Sent, Stage
from service.sanitize.payload_template import PayloadTemplate
from service.sanitize.sanitizer import Sanitizer
from service.streaming.counts import count
from service.streaming.record_batch import RecordBatch
from service.vendors.form import ShapeReason
from tests.unit.sanitize.conftest import MakeSanitizer, SmallPolicy, record

#: Google takes a country by its code only; this guard lets a word pass that is none.
POLICY = SmallPolicy(
    {"context.location.country": {"class": "nation", "type": "word", "pattern": "[A-Za-z]{2}"}},
    {"nation": "keep"},
)
REFUSED = DeadLettered(VendorName.GA4, Stage.SHAPE, ShapeReason.PAYLOAD_INVALID)


def of_country(code: str) -> bytes:
    return record(context={"location": {"country": code}})


def templates(sanitizer: Sanitizer) -> list[PayloadTemplate]:
    return [
        template
        for plan in sanitizer._plans
        for variants in plan._layouts.values()
        for layout in variants
        for template in layout.templates
        if isinstance(template, PayloadTemplate)
    ]


def spoil(sanitizer: Sanitizer) -> None:
    """Make every template that a valid payload has been seen of take all values, as a defect might."""
    for template in templates(sanitizer):
        assert template._guarded is not None
        template._guarded = []


def of_google(result: BatchResult) -> list[Outcome]:
    return [outcome for each in result.outcomes for outcome in each if outcome.vendor is VendorName.GA4]


def spoiled(make_sanitizer: MakeSanitizer, self_check: int) -> Sanitizer:
    sanitizer = make_sanitizer(POLICY, self_check=self_check)
    result = sanitizer.sanitize([of_country("PT")])
    assert all(isinstance(outcome, Sent) for outcome in result.outcomes[0])
    assert result.failed_self_checks == 0
    spoil(sanitizer)
    return sanitizer


def test_guards_refuse_what_the_schema_does_without_any_self_check(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(POLICY, self_check=1)
    result = sanitizer.sanitize([of_country("PT"), of_country("pt")])
    assert of_google(result)[1] == REFUSED
    assert result.failed_self_checks == 0


def test_a_payload_that_only_the_whole_schema_refuses_is_caught_and_counted(
    make_sanitizer: MakeSanitizer,
) -> None:
    sanitizer = spoiled(make_sanitizer, self_check=1)
    result = sanitizer.sanitize([of_country("pt"), of_country("BR")])
    assert of_google(result)[0] == REFUSED
    assert isinstance(of_google(result)[1], Sent)
    others = [outcome for outcome in result.outcomes[0] if outcome.vendor is not VendorName.GA4]
    assert all(isinstance(outcome, Sent) for outcome in others)
    assert result.failed_self_checks == 1


def test_what_has_failed_is_no_longer_trusted(make_sanitizer: MakeSanitizer) -> None:
    """The next one is refused as it ever should have been: no self check is needed for that."""
    sanitizer = spoiled(make_sanitizer, self_check=1)
    result = sanitizer.sanitize([of_country("pt"), of_country("pt"), of_country("BR"), of_country("pt")])
    assert [isinstance(outcome, Sent) for outcome in of_google(result)] == [False, False, True, False]
    assert result.failed_self_checks == 1


def test_at_zero_nothing_is_checked(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = spoiled(make_sanitizer, self_check=0)
    result = sanitizer.sanitize([of_country("pt")] * 20)
    assert all(isinstance(outcome, Sent) for outcome in of_google(result))
    assert result.failed_self_checks == 0


def test_which_events_are_checked_depends_on_nothing_but_the_record(make_sanitizer: MakeSanitizer) -> None:
    records = [of_country(code) for code in ("pt", "br", "de", "fr", "it", "es", "nl", "se", "no", "pl")]
    expected = [crc32(each) % 3 == 0 for each in records]
    assert len(set(expected)) == 2
    caught = [
        of_google(spoiled(make_sanitizer, self_check=3).sanitize([each]))[0] == REFUSED for each in records
    ]
    assert caught == expected


def test_what_a_self_check_refuses_is_counted_in_the_metrics(make_sanitizer: MakeSanitizer) -> None:
    def failures() -> float:
        return REGISTRY.get_sample_value("weir_self_check_failures_total") or 0.0

    before = failures()
    values = (of_country("pt"),)
    batch = RecordBatch(TopicPartition("events.raw", 0), 1, None, (7,), (1_772_600_767_000,), values, 0.0)
    result = spoiled(make_sanitizer, self_check=1).sanitize(values)
    topics = {outcome.topic for outcome in result.outcomes[0] if isinstance(outcome, Sent)}
    terms = OutputTerms(OutputRules("dead", "fingerprint", 1_000_000), dict.fromkeys([*topics, "dead"], 1))
    output = Encoding(terms, ("events.raw", 0), batch.offsets, batch.timestamps).encode(result)
    count(batch, output, 0.1)
    assert failures() == before + 1
    assert output.outcomes[VendorName.GA4, "dead_lettered", ShapeReason.PAYLOAD_INVALID] == 1
