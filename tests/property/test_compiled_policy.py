"""The compiled policy gives, byte for byte, what the reference interpreter gives (tests/reference).

A failure names the seed: `difference_of(seed, events)` shows it again.
"""

from collections import Counter

import pytest

from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import SuppressReason
from service.sanitize.sanitizer import Sanitizer
from service.vendors.form import ShapeReason
from tests.reference.agreement import Case, RememberingDetector, case, difference, kinds, reference

#: A seed stands for a policy. These take some ten seconds, those of `make exhaustive` five minutes.
SEEDS = range(12)
EVENTS = 170
MANY_SEEDS = range(1000, 1200)
MANY_EVENTS = 500
BATCH = 20


@pytest.fixture(scope="module")
def detector() -> RememberingDetector:
    return RememberingDetector()


def compiled(of: Case, detector: RememberingDetector) -> Sanitizer:
    return Sanitizer(of.policy.compiled, of.keyring, detector)


def difference_of(seed: int, events: int, detector: RememberingDetector) -> str | None:
    of = case(seed, events)
    found = difference(compiled(of, detector), reference(of, detector), of.records, batch=BATCH)
    return found and f"seed {seed}, {events} events: {found}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_compiled_form_gives_what_the_interpreter_gives(seed: int, detector: RememberingDetector) -> None:
    assert difference_of(seed, EVENTS, detector) is None


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", MANY_SEEDS)
def test_the_same_of_a_hundred_thousand_events(seed: int, detector: RememberingDetector) -> None:
    assert difference_of(seed, MANY_EVENTS, detector) is None


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_neither_company_nor_memory_makes_a_difference(seed: int, detector: RememberingDetector) -> None:
    """In one batch or one by one, in whatever order, again, and by another sanitizer."""
    of = case(seed, EVENTS)
    warm = compiled(of, detector)
    once = warm.sanitize(of.records)
    again = warm.sanitize(of.records)
    assert again.outcomes == once.outcomes
    assert (again.remarks, again.gate_hits) == (once.remarks, once.gate_hits)
    cold = compiled(of, detector)
    backwards = [cold.sanitize([record]) for record in reversed(of.records)]
    assert [result.outcomes[0] for result in reversed(backwards)] == once.outcomes
    assert sum((result.remarks for result in backwards), Counter()) == once.remarks
    assert sum((result.gate_hits for result in backwards), Counter()) == once.gate_hits


def test_the_drawn_policies_and_events_reach_everything(detector: RememberingDetector) -> None:
    """What is never reached is never compared."""
    cases = [case(seed, EVENTS) for seed in SEEDS]
    results = [reference(of, detector).sanitize(of.records) for of in cases]
    reached = kinds([each for result in results for each in result.outcomes])
    reasons = {reason for _, _, reason in reached}
    sent = {vendor: count for (kind, vendor, _), count in reached.items() if kind == "Sent"}
    assert sent.keys() == set(VendorName)
    assert min(sent.values()) > len(SEEDS) * EVENTS / 10
    assert reasons >= set(ShapeReason) - {ShapeReason.NO_TIMESTAMP}  # decode lets none without a time pass
    assert reasons >= set(SuppressReason) - {SuppressReason.TOO_OLD_FOR_VENDOR}
    assert "no_key_for_time" in reasons
    actions = {
        rule.spec.action
        for of in cases
        for plan in of.policy.compiled.vendors
        for rules in (*plan.tracked.values(), *plan.calls.values())
        for rule in rules
    }
    assert len(actions) == 16
    remarks = [remark for result in results for remark in result.remarks]
    assert {remark.action for remark in remarks if remark.entity is None} == actions
    hits = {(hit.vendor, hit.family) for result in results for hit in result.gate_hits}
    assert len(hits) > 3 * len(VendorName)
