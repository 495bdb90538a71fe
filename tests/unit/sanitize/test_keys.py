"""Keys of single vendors, and keys that are gone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from service.detection.detector import Detector
from service.events.event import Rejection
from service.events.timestamps import format_timestamp
from service.policy import load
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import DeadLettered, FailReason, RecordOutcomes, Sent, Stage
from service.sanitize.sanitizer import Sanitizer
from tests.unit.sanitize.conftest import SmallPolicy, record

BREACH = 1_770_000_000
#: Two columns with keys: ids, and names in texts, which become tags.
POLICY = SmallPolicy(
    {"properties.note": {"class": "text.short"}, "properties.manager": {"class": "identifier.user"}},
    {"text.short": {"scrub": {"pseudonymize": ["PERSON", "EMAIL_ADDRESS"]}}},
)


def key(name: str) -> bytes:
    return name.encode() + bytes(range(32))


K1 = KeyVersion("k1", 0, key("1"))
OWN = KeyVersion("m1", BREACH, key("m"), vendor=VendorName.MIXPANEL)


@dataclass
class Sanitize:
    """Sanitizes one event of a time with some keys."""

    config: Path
    detector: Detector

    def __call__(self, timestamp: int, *versions: KeyVersion) -> dict[VendorName | None, Sent | DeadLettered]:
        return by_vendor(self.sanitizer(*versions).sanitize([event(timestamp)]).outcomes[0])

    def sanitizer(self, *versions: KeyVersion) -> Sanitizer:
        return Sanitizer(load(self.config), KeyRing(versions), self.detector)


def event(timestamp: int) -> bytes:
    note = {"note": "ask ana@example.org about it", "manager": "usr_77"}
    return record(note, timestamp=format_timestamp(timestamp))


def by_vendor(outcomes: RecordOutcomes) -> dict[VendorName | None, Sent | DeadLettered]:
    assert all(isinstance(each, Sent | DeadLettered) for each in outcomes)
    return {each.vendor: each for each in outcomes if isinstance(each, Sent | DeadLettered)}


@pytest.fixture
def sanitize(tmp_path: Path, detector: Detector) -> Sanitize:
    POLICY.write(tmp_path / "config")
    return Sanitize(tmp_path / "config", detector)


def version_of(outcome: Sent | DeadLettered) -> str:
    assert isinstance(outcome, Sent)
    return dict(outcome.headers)["weir-key"].decode()


@pytest.mark.parametrize("timestamp", [BREACH - 1, BREACH, BREACH + 1])
def test_a_vendors_rotation_leaves_the_others_byte_for_byte(sanitize: Sanitize, timestamp: int) -> None:
    before, after = sanitize(timestamp, K1), sanitize(timestamp, K1, OWN)
    changed = {vendor for vendor in before if before[vendor] != after[vendor]}
    assert changed == ({VendorName.MIXPANEL} if timestamp >= BREACH else set())
    assert {vendor for vendor in after if version_of(after[vendor]) == "m1"} == changed
    if changed:
        old, new = before[VendorName.MIXPANEL], after[VendorName.MIXPANEL]
        assert isinstance(old, Sent)
        assert isinstance(new, Sent)
        assert old.key != new.key
        assert b"<EMAIL_ADDRESS:" in new.value
        assert orjson.loads(old.value).keys() == orjson.loads(new.value).keys()


def test_one_vendor_without_a_key_costs_the_others_nothing(sanitize: Sanitize) -> None:
    whole = sanitize(BREACH, K1, OWN)
    without = sanitize(BREACH, K1, OWN.without_key(BREACH + 5))
    lost = DeadLettered(VendorName.MIXPANEL, Stage.TRANSFORM, FailReason.KEY_DESTROYED)
    assert without == whole | {VendorName.MIXPANEL: lost}


def test_a_destroyed_key_is_never_another_versions(sanitize: Sanitize) -> None:
    later = KeyVersion("k2", BREACH + 10, key("2"))
    for timestamp in (BREACH - 1, BREACH + 9):
        outcomes = sanitize(timestamp, K1.without_key(BREACH), later)
        reasons = {each.reason for each in outcomes.values() if isinstance(each, DeadLettered)}
        assert (len(outcomes), reasons) == (5, {FailReason.KEY_DESTROYED})
    assert {version_of(each) for each in sanitize(BREACH + 10, K1.without_key(0), later).values()} == {"k2"}


def test_before_the_first_key_of_all_only_a_vendor_with_its_own_gets_events(sanitize: Sanitize) -> None:
    outcomes = sanitize(BREACH, OWN, KeyVersion("k2", BREACH + 10, key("2")))
    assert version_of(outcomes.pop(VendorName.MIXPANEL)) == "m1"
    reasons = {each.reason for each in outcomes.values() if isinstance(each, DeadLettered)}
    assert (len(outcomes), reasons) == (4, {FailReason.NO_KEY_FOR_TIME})


def test_remarks_are_of_vendors_that_get_the_event(sanitize: Sanitize) -> None:
    sanitizer = sanitize.sanitizer(K1, OWN.without_key(5))
    remarks = sanitizer.sanitize([event(BREACH)]).remarks
    assert {remark.vendor for remark in remarks} == {*VendorName} - {VendorName.MIXPANEL}


def test_a_trace_shows_what_vendors_with_a_key_get(sanitize: Sanitize) -> None:
    sanitizer = sanitize.sanitizer(K1, OWN.without_key(5))
    trace = sanitizer.trace(event(BREACH))
    assert not isinstance(trace, Rejection)
    assert {vendor for vendor, applied in trace.applied.items() if applied} == {*VendorName} - {
        VendorName.MIXPANEL
    }
    assert trace.outcomes == sanitizer.sanitize([event(BREACH)]).outcomes[0]


@pytest.mark.parametrize("moments", [lambda: (BREACH - 1, BREACH), lambda: (BREACH, BREACH - 1)])
def test_in_a_batch_each_event_has_its_times_keys(
    sanitize: Sanitize, moments: Callable[[], tuple[int, ...]]
) -> None:
    alone = [sanitize(moment, K1, OWN) for moment in moments()]
    together = sanitize.sanitizer(K1, OWN).sanitize([event(moment) for moment in moments()] * 2)
    assert [by_vendor(outcomes) for outcomes in together.outcomes] == alone * 2


def test_keys_are_changed_in_place(sanitize: Sanitize) -> None:
    sanitizer = sanitize.sanitizer(K1)
    sanitizer.sanitize([event(BREACH)])
    sanitizer.take_keys(KeyRing((K1, OWN)))
    assert by_vendor(sanitizer.sanitize([event(BREACH)]).outcomes[0]) == sanitize(BREACH, K1, OWN)
