"""The ledger misses nothing that is missing, and nothing that is twice."""

import orjson
import pytest

from service.demo.events import generate
from service.demo.ledger import DeadLetter, balance
from service.demo.malformed import malformed
from service.demo.pipeline import Coordinates, Delivery
from service.demo.planted import SampleEvent
from service.events.event import RejectReason
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLettered, Sent, SuppressReason
from service.sanitize.sanitizer import Sanitizer

Inputs = list[tuple[SampleEvent, Coordinates]]


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    sample = [*generate(150, seed=6), *malformed(6).values()]
    return [(event, Coordinates(0, offset)) for offset, event in enumerate(sample)]


@pytest.fixture(scope="module")
def deliveries(inputs: Inputs, sanitizer: Sanitizer) -> list[Delivery]:
    """What the worker would write."""
    delivered = []
    result = sanitizer.sanitize([event.raw for event, _ in inputs])
    for (_, coordinates), outcomes in zip(inputs, result.outcomes, strict=True):
        for outcome in outcomes:
            if isinstance(outcome, Sent):
                delivered.append(Delivery(outcome.topic, outcome.key, outcome.value, outcome.headers))
            elif isinstance(outcome, DeadLettered):
                letter = {**coordinates._asdict(), **outcome._asdict()}
                delivered.append(Delivery("events.dead-letter", b"", orjson.dumps(letter), ()))
    return delivered


def test_every_record_has_one_outcome_for_each_vendor(
    inputs: Inputs, deliveries: list[Delivery], policy: CompiledPolicy
) -> None:
    books = balance(inputs, deliveries, policy)
    ledger = books.ledger
    assert ledger.unaccounted == 0
    assert ledger.dead_lettered == {(None, DeadLetter("decode", reason)): 1 for reason in RejectReason}
    for vendor in VendorName:
        suppressed = sum(ledger.suppressed[vendor, reason] for reason in SuppressReason)
        assert ledger.sent[vendor] + suppressed == 150
    assert ledger.sent.total() == len(deliveries) - len(RejectReason)
    assert len(ledger.endings) == 150 * len(VendorName)


def test_every_output_stands_beside_its_event(
    inputs: Inputs, deliveries: list[Delivery], policy: CompiledPolicy
) -> None:
    for output in balance(inputs, deliveries, policy).outputs:
        value = orjson.loads(output.value or b"")
        assert (output.event is None) == ("reason" in value)


def test_a_lost_record_is_missed(inputs: Inputs, deliveries: list[Delivery], policy: CompiledPolicy) -> None:
    assert balance(inputs, deliveries[1:], policy).ledger.unaccounted == 1


def test_a_lost_dead_letter_is_missed_for_every_vendor(
    inputs: Inputs, deliveries: list[Delivery], policy: CompiledPolicy
) -> None:
    kept = [delivery for delivery in deliveries if b"null_value" not in (delivery.value or b"")]
    assert balance(inputs, kept, policy).ledger.unaccounted == len(VendorName)


def test_a_record_that_came_twice_is_noticed(
    inputs: Inputs, deliveries: list[Delivery], policy: CompiledPolicy
) -> None:
    assert balance(inputs, [*deliveries, deliveries[0]], policy).ledger.unaccounted == 1
