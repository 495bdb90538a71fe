"""Which raw records have dead letters, and for whom: what `--from-dead-letters` selects."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kafka import TopicPartition

from service.output.dead_letters import DeadLetter
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLetterReason


class Due(NamedTuple):
    """A vendor that a record is due to, and the reason of the letter that says so."""

    vendor: VendorName
    reason: DeadLetterReason


class Letters:
    """The records, each once, however many letters it has."""

    def __init__(self, vendors: Sequence[VendorName], topics: Iterable[str]) -> None:
        """None yet. Only letters of these topics and to these vendors are taken."""
        self._vendors = frozenset(vendors)
        self._topics = frozenset(topics)
        self._due: dict[TopicPartition, dict[int, frozenset[Due]]] = {}
        #: Most records are due for the same few reasons: one set for all of these keeps a million small.
        self._same: dict[frozenset[Due], frozenset[Due]] = {}

    def add(self, letter: DeadLetter) -> None:
        """Take a letter in."""
        if letter.topic not in self._topics:
            return
        vendors = self._vendors if letter.vendor is None else self._vendors & {letter.vendor}
        if not vendors:
            return
        records = self._due.setdefault(TopicPartition(letter.topic, letter.partition), {})
        due = records.get(letter.offset, frozenset()) | {Due(vendor, letter.reason) for vendor in vendors}
        records[letter.offset] = self._same.setdefault(due, due)

    def due(self, source: TopicPartition, offset: int) -> frozenset[Due]:
        """Whom a record is due to."""
        return self._due[source][offset]

    def offsets(self, source: TopicPartition) -> list[int]:
        """The records of a partition, in order."""
        return sorted(self._due.get(source, ()))

    @property
    def records(self) -> int:
        """How many records in all."""
        return sum(map(len, self._due.values()))

    @property
    def sources(self) -> list[TopicPartition]:
        """The partitions with any, in order."""
        return sorted(self._due)
