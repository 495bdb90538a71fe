"""The compiled policy gives, byte for byte, what the reference interpreter gives (tests/reference).

A failure names the seed of a policy and of its events: `difference_of(drawn(seed))` shows it again.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache

import pytest

from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import BatchResult, SuppressReason
from service.sanitize.sanitizer import Sanitizer
from service.vendors.form import ShapeReason
from tests.reference.agreement import Case, RememberingDetector, case, difference, kinds
from tests.reference.interpreter import Reference
from tests.reference.mutations import MUTATIONS, Mutation, mutated

#: Each stands for a policy. These take some ten seconds, those of `make exhaustive` seven minutes.
SEEDS = range(23, 35)
EVENTS = 170
#: Where mistakes are looked for that make no difference to any of these.
MORE_SEEDS = range(35, 80)
MANY_SEEDS = range(1000, 1200)
MANY_EVENTS = 500
BATCH = 20


class Drawn:
    """A case, and what the interpreter makes of its batches, worked out once."""

    def __init__(self, seed: int, events: int) -> None:
        self.seed = seed
        self.case = case(seed, events)
        self._reference = Reference(self.case.policy.compiled, self.case.keyring, detector())
        self._results: dict[tuple[bytes | None, ...], BatchResult] = {}

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        key = tuple(records)
        if key not in self._results:
            self._results[key] = self._reference.sanitize(records)
        return self._results[key]


@cache
def detector() -> RememberingDetector:
    return RememberingDetector()


@cache
def drawn(seed: int) -> Drawn:
    return Drawn(seed, EVENTS)


def compiled(of: Case, sanitizer: type[Sanitizer] = Sanitizer) -> Sanitizer:
    return sanitizer(of.policy.compiled, of.keyring, detector())


def difference_of(of: Drawn, sanitizer: type[Sanitizer] = Sanitizer) -> str | None:
    found = difference(compiled(of.case, sanitizer), of, of.case.records, batch=BATCH)
    return found and f"seed {of.seed}: {found}"


@cache
def agrees(seed: int) -> bool:
    return difference_of(drawn(seed)) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_compiled_form_gives_what_the_interpreter_gives(seed: int) -> None:
    assert difference_of(drawn(seed)) is None


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", MANY_SEEDS)
def test_the_same_of_a_hundred_thousand_events(seed: int) -> None:
    assert difference_of(Drawn(seed, MANY_EVENTS)) is None


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_neither_company_nor_memory_makes_a_difference(seed: int) -> None:
    """In one batch or one by one, in whatever order, again, and by another sanitizer."""
    of = drawn(seed).case
    warm = compiled(of)
    once = warm.sanitize(of.records)
    again = warm.sanitize(of.records)
    assert again.outcomes == once.outcomes
    assert (again.remarks, again.gate_hits) == (once.remarks, once.gate_hits)
    cold = compiled(of)
    backwards = [cold.sanitize([record]) for record in reversed(of.records)]
    assert [result.outcomes[0] for result in reversed(backwards)] == once.outcomes
    assert sum((result.remarks for result in backwards), Counter()) == once.remarks
    assert sum((result.gate_hits for result in backwards), Counter()) == once.gate_hits


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_in_the_compiler_is_noticed(mutation: Mutation) -> None:
    with mutated(mutation) as sanitizer:
        assert sanitizer is not Sanitizer
        for seed in sorted([*SEEDS, *MORE_SEEDS], key=lambda seed: seed != mutation.seed):
            try:
                noticed = difference_of(drawn(seed), sanitizer)
            except Exception as error:  # noqa: BLE001  (whatever the mistake leads to)
                noticed = repr(error)
            if noticed and agrees(seed):
                return
    pytest.fail("the mistake makes no difference to any of the seeds")


def test_the_drawn_policies_and_events_reach_everything() -> None:
    """What is never reached is never compared."""
    results = [
        drawn(seed).sanitize(drawn(seed).case.records[start : start + BATCH])
        for seed in SEEDS
        for start in range(0, EVENTS, BATCH)
    ]
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
        for seed in SEEDS
        for plan in drawn(seed).case.policy.compiled.vendors
        for rules in (*plan.tracked.values(), *plan.calls.values())
        for rule in rules
    }
    assert len(actions) == 16
    remarks = [remark for result in results for remark in result.remarks]
    assert {remark.action for remark in remarks if remark.entity is None} == actions
    hits = {(hit.vendor, hit.family) for result in results for hit in result.gate_hits}
    assert len(hits) > 3 * len(VendorName)
