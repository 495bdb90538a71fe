"""Whether the compiled form and the interpreter make the same of random events of random policies."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Protocol

import orjson

from service.detection.detector import Detector
from service.detection.profile import Profile
from service.detection.spans import Span, TextRequest
from service.events.timestamps import parse_timestamp
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import BatchResult, Outcome, RecordOutcomes, Sent
from tests.reference.events import KEYS_BEGIN, EventMaker
from tests.reference.policies import PlannedPolicy, random_policy


class Sanitizing(Protocol):
    """What both forms do."""

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult: ...


class RememberingDetector(Detector):
    """The detector with rules alone, which never searches a text twice, however long."""

    def __init__(self) -> None:
        super().__init__(profile=Profile.FAST)
        self._remembered: dict[TextRequest, tuple[Span, ...]] = {}

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        fresh = [request for request in dict.fromkeys(requests) if request not in self._remembered]
        self._remembered.update(zip(fresh, super().find(fresh), strict=True))
        return [self._remembered[request] for request in requests]


@dataclass(frozen=True, slots=True)
class Case:
    """A policy, keys and records, all of one seed."""

    policy: PlannedPolicy
    keyring: KeyRing
    records: list[bytes | None]


def case(seed: int, events: int) -> Case:
    """The policy of a seed, and the first so many of its records."""
    with TemporaryDirectory() as folder:
        policy = random_policy(Random(f"policy {seed}"), Path(folder) / "config")
    return Case(policy, keyring(), EventMaker(Random(f"events {seed}"), policy).records(events))


@cache
def keyring() -> KeyRing:
    """Three versions, the first of which begins a little before 1970, and some of single vendors."""
    common = (
        KeyVersion(f"k{number}", parse_timestamp(begin), sha256(begin.encode()).digest())
        for number, begin in enumerate(KEYS_BEGIN, start=1)
    )
    own = (
        KeyVersion(
            "m1", parse_timestamp("2026-05-31T00:00:00Z"), bytes(range(32)), vendor=VendorName.MIXPANEL
        ),
        KeyVersion("g1", parse_timestamp("2026-11-01T00:00:00Z"), bytes(range(1, 33)), vendor=VendorName.GA4),
        KeyVersion(
            "a1", parse_timestamp("2026-11-01T00:00:00Z"), None, vendor=VendorName.AMPLITUDE, destroyed=0
        ),
    )
    return KeyRing(tuple(sorted((*common, *own), key=lambda version: version.not_before)))


def difference(
    compiled: Sanitizing, by_reference: Sanitizing, records: Sequence[bytes | None], *, batch: int
) -> str | None:
    """What the two first differ in, None if in nothing; records go to the compiled form in batches."""
    for start in range(0, len(records), batch):
        some = records[start : start + batch]
        found = _in_batch(compiled.sanitize(some), by_reference.sanitize(some), some, start)
        if found is not None:
            return found
    return None


def _in_batch(
    compiled: BatchResult, expected: BatchResult, records: Sequence[bytes | None], start: int
) -> str | None:
    if len(compiled.outcomes) != len(expected.outcomes):
        return f"{len(compiled.outcomes)} outcomes for {len(expected.outcomes)} records"
    pairs = zip(compiled.outcomes, expected.outcomes, records, strict=True)
    for index, (ours, theirs, record) in enumerate(pairs, start):
        if ours != theirs or list(map(type, ours)) != list(map(type, theirs)):
            return f"record {index}: {_described(ours, theirs)}\nof {record!r}"
    for name in ("remarks", "gate_hits"):
        ours, theirs = getattr(compiled, name), getattr(expected, name)
        if +ours != +theirs:
            return (
                f"records from {start}: {name}: only compiled {ours - theirs}, only reference {theirs - ours}"
            )
    return None


def _described(ours: RecordOutcomes, theirs: RecordOutcomes) -> str:
    if len(ours) != len(theirs):
        return f"compiled {ours}\nreference {theirs}"
    return "\n".join(
        f"compiled  {_shown(one)}\nreference {_shown(other)}"
        for one, other in zip(ours, theirs, strict=True)
        if one != other
    )


def _shown(outcome: Outcome) -> str:
    if not isinstance(outcome, Sent):
        return str(outcome)
    return f"{outcome._replace(value=b'')} {orjson.loads(outcome.value)}"


def kinds(outcomes: Sequence[RecordOutcomes]) -> Counter[tuple[str, str, str]]:
    """How often each vendor had each kind of outcome, with its reason."""
    return Counter(
        (type(outcome).__name__, str(outcome.vendor), str(getattr(outcome, "reason", "")))
        for each in outcomes
        for outcome in each
    )
