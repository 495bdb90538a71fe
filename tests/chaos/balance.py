"""The proof: every raw record has exactly one outcome for each vendor, and those of one key are in order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aiokafka import TopicPartition

from service.detection.detector import Detector
from service.output.dead_letters import dead_letter
from service.policy import load
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import DeadLettered, Sent, Suppressed
from service.sanitize.sanitizer import Sanitizer
from tests.running_weir import RunningWeir, read_committed

#: Records that the pure function is given at once.
BATCH: Final = 500

#: What stands in one key of one topic, in order: each record by a hash of its value and headers.
Sequences = dict[tuple[str, bytes | None], list[int]]


@dataclass
class Balance:
    """Raw records against what a read_committed reader finds.

    Attributes:
        records: Raw records.
        outcomes: Sent, suppressed and dead-lettered, as the pure function says.
        lost: Output records that are missing.
        duplicated: Output records that are there once more than they should be.
        foreign: Output records with bytes that the pure function gives for no record.
        out_of_order: Keys of a topic with the right records in the wrong order.
    """

    records: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicated: int = 0
    foreign: int = 0
    out_of_order: int = 0

    @property
    def exact(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.duplicated or self.foreign or self.out_of_order)


def balance(weir: RunningWeir, keyring_file: Path) -> Balance:
    """Read everything and compare. All records of a raw key must be in one partition."""
    found = Balance()
    expected = _expected(weir, keyring_file, found)
    written: Sequences = defaultdict(list)
    for record in read_committed(weir.bootstrap, weir.outputs):
        written[record.topic, record.key].append(hash((record.value, tuple(record.headers))))
    for key in expected.keys() | written.keys():
        wanted, got = Counter(expected.get(key, ())), Counter(written.get(key, ()))
        found.lost += (wanted - got).total()
        surplus = got - wanted
        found.duplicated += sum(count for each, count in surplus.items() if each in wanted)
        found.foreign += sum(count for each, count in surplus.items() if each not in wanted)
        found.out_of_order += wanted == got and expected[key] != written[key]
    return found


def _expected(weir: RunningWeir, keyring_file: Path, found: Balance) -> Sequences:
    """What the pure function gives for the raw topic, in its order; counts records and outcomes."""
    policy = load(weir.folder / "config")
    sanitizer = Sanitizer(policy, KeyRing.load(keyring_file), _detector())
    sequences: Sequences = defaultdict(list)
    for batch in _batches(read_committed(weir.bootstrap, [weir.raw_topic])):
        found.records += len(batch)
        results = sanitizer.sanitize([record.value for record in batch]).outcomes
        for record, outcomes in zip(batch, results, strict=True):
            for outcome in outcomes:
                match outcome:
                    case Sent(_, topic, key, value, headers):
                        found.outcomes["sent"] += 1
                        sequences[topic, key].append(hash((value, headers)))
                    case Suppressed():
                        found.outcomes["suppressed"] += 1
                    case DeadLettered():
                        found.outcomes["dead-lettered"] += 1
                        key, value = dead_letter(
                            outcome,
                            source=TopicPartition(record.topic, record.partition),
                            offset=record.offset,
                            timestamp=record.timestamp,
                            policy=policy.fingerprint,
                        )
                        sequences[weir.dead_letters, key].append(hash((value, ())))
    return sequences


def _batches(records: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(records)
    while batch := list(islice(remaining, BATCH)):
        yield batch


@cache
def _detector() -> Detector:
    """Of the workers' model; loading it takes seconds."""
    return Detector(spacy_model="en_core_web_sm")
