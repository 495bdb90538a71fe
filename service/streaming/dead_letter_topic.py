"""Reading the dead-letter topic, from its beginning or a time on to where it ends now.

Letters are handed on one by one; what is kept of them is the caller's business, so that memory is bounded.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from service.errors import BrokerError
from service.kafka_access import KafkaAccess
from service.output.dead_letters import DeadLetter, read_dead_letter
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLetterReason, Stage
from service.settings import Settings
from service.streaming.connection import ANSWER_TIMEOUT, check_connection

_POLL_MS: Final = 200
_ANSWER_MS: Final = int(ANSWER_TIMEOUT * 1000)

#: Told how many offsets of how many are behind.
Progress = Callable[[int, int], None]


class Coordinates(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class FoundLetter(NamedTuple):
    """A letter and when it was written, in milliseconds since 1970."""

    written: int
    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are asked for; what is empty or None selects all.

    Attributes:
        since: Written at this time or later, milliseconds since 1970.
        until: Written before this time.
        vendors: With None for letters that stand for every vendor.
    """

    since: int | None = None
    until: int | None = None
    reasons: frozenset[DeadLetterReason] = frozenset()
    vendors: frozenset[VendorName | None] = frozenset()
    stages: frozenset[Stage] = frozenset()

    def covers(self, written: int) -> bool:
        """Whether the time is within the range."""
        return (self.since is None or written >= self.since) and (self.until is None or written < self.until)

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter is one of those asked for, its time aside."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.vendors or letter.vendor in self.vendors)
            and (not self.stages or letter.stage in self.stages)
        )


class Kind(NamedTuple):
    """What a summary counts together."""

    stage: Stage
    reason: DeadLetterReason
    vendor: VendorName | None


@dataclass(slots=True)
class Tally:
    """Letters of one kind: how many, and when the first and the last of them were written."""

    letters: int
    first: int
    last: int


@dataclass(slots=True)
class Summary:
    """Letters counted by kind and by span of time.

    Attributes:
        span: Milliseconds of a span; spans begin at multiples of it since 1970, UTC.
        spans: Letters by reason, for each span with any, by its beginning.
    """

    span: int
    kinds: dict[Kind, Tally] = field(default_factory=dict)
    spans: dict[int, Counter[DeadLetterReason]] = field(default_factory=dict)

    @property
    def letters(self) -> int:
        """How many in all."""
        return sum(tally.letters for tally in self.kinds.values())

    def add(self, found: FoundLetter) -> None:
        """Count one more."""
        written, letter = found
        kind = Kind(letter.stage, letter.reason, letter.vendor)
        tally = self.kinds.setdefault(kind, Tally(0, written, written))
        tally.letters += 1
        tally.first = min(tally.first, written)
        tally.last = max(tally.last, written)
        self.spans.setdefault(written - written % self.span, Counter())[letter.reason] += 1


class DeadLetterTopic:
    """The dead-letter topic as a read_committed reader without a group sees it.

    Attributes:
        name: The topic's.
        foreign: How many of the records read are no letters of Weir's. What they say is never shown.
        first_foreign: Where the first of them is.
    """

    def __init__(self, name: str, consumer: KafkaConsumer) -> None:
        self.name = name
        self.foreign = 0
        self.first_foreign: Coordinates | None = None
        self._consumer = consumer
        self._partitions = self._partitions_of(name)
        if not self._partitions:
            raise BrokerError(
                f"no topic {name}, or no right to see it; WEIR_DEAD_LETTER_TOPIC names it, "
                "`weir topics create` creates it"
            )

    @classmethod
    @contextlib.contextmanager
    def of(cls, settings: Settings) -> Iterator["DeadLetterTopic"]:
        """Connect for the block.

        Raises:
            BrokerError: Kafka does not answer or refuses, or there is no such topic.
        """
        access = KafkaAccess.of(settings)
        check_connection(access)
        try:
            consumer = KafkaConsumer(
                **access.for_kafka_python(),
                bootstrap_timeout_ms=_ANSWER_MS,
                request_timeout_ms=_ANSWER_MS,
                isolation_level="read_committed",
                auto_offset_reset="none",
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                max_poll_records=5000,
            )
            try:
                yield cls(settings.dead_letter_topic, consumer)
            finally:
                consumer.close()
        except KafkaError as error:
            raise BrokerError(f"Kafka at {access.bootstrap} refused: {type(error).__name__}") from None

    def letters(self, selection: Selection, progress: Progress) -> Iterator[FoundLetter]:
        """The letters selected, in the order of each partition, up to the topic's present end."""
        for record in self._records(selection.since, progress):
            if selection.covers(record.timestamp):
                letter = self._read(record)
                if letter is not None and selection.takes(letter):
                    yield FoundLetter(record.timestamp, letter)

    def letters_in(self, ranges: Mapping[TopicPartition, tuple[int, int]]) -> Iterator[FoundLetter]:
        """The letters in ranges of the topic's offsets, each without its end.

        Raises:
            BrokerError: retention has removed some of them.
        """
        starts = self._consumer.beginning_offsets(list(ranges)) if ranges else {}
        if any(start < starts[partition] for partition, (start, _) in ranges.items()):
            raise BrokerError(f"retention has removed dead letters of {self.name} that were asked for")
        for record in self._between(ranges, lambda done, total: None):  # noqa: ARG005
            letter = self._read(record)
            if letter is not None:
                yield FoundLetter(record.timestamp, letter)

    def letters_of(self, source: Coordinates, progress: Progress) -> Iterator[FoundLetter]:
        """The letters of one raw record."""
        key = str(source).encode()
        for record in self._records(None, progress):
            if record.key == key:
                letter = self._read(record)
                if letter is not None:
                    yield FoundLetter(record.timestamp, letter)

    def reaches(self, source: Coordinates) -> bool | None:
        """Whether the offsets that Kafka keeps reach to a record, which itself is not read.

        None where there is no such topic or partition, or no right to see it.
        """
        partition = TopicPartition(source.topic, source.partition)
        if partition not in self._partitions_of(source.topic):
            return None
        first = self._consumer.beginning_offsets([partition])[partition]
        return bool(first <= source.offset < self._consumer.end_offsets([partition])[partition])

    def _partitions_of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic)]

    def _read(self, record: Any) -> DeadLetter | None:
        letter = read_dead_letter(record.key, record.value)
        if letter is None:
            self.foreign += 1
            self.first_foreign = self.first_foreign or Coordinates(
                record.topic, record.partition, record.offset
            )
        return letter

    def _records(self, since: int | None, progress: Progress) -> Iterator[Any]:
        """Every record from the first that can have been written at `since` or later.

        Raises:
            BrokerError: Kafka has stopped to answer.
        """
        consumer, partitions = self._consumer, self._partitions
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        if since is not None:
            found = consumer.offsets_for_times(dict.fromkeys(partitions, since))
            starts = {each: found[each].offset if found[each] else ends[each] for each in partitions}
        yield from self._between({each: (starts[each], ends[each]) for each in partitions}, progress)

    def _between(self, ranges: Mapping[TopicPartition, tuple[int, int]], progress: Progress) -> Iterator[Any]:
        """Every record of ranges of offsets, each without its end.

        Raises:
            BrokerError: Kafka has stopped to answer.
        """
        consumer = self._consumer
        consumer.assign(list(ranges))
        for partition, (start, _) in ranges.items():
            consumer.seek(partition, start)
        total = sum(end - start for start, end in ranges.values())
        done, moved_at = 0, time.monotonic()
        progress(done, total)
        while done < total:
            for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
                yield from (record for record in records if record.offset < ranges[partition][1])
            behind = sum(min(consumer.position(each), end) - start for each, (start, end) in ranges.items())
            if behind > done:
                done, moved_at = behind, time.monotonic()
                progress(done, total)
            elif time.monotonic() - moved_at > ANSWER_TIMEOUT:
                raise BrokerError(f"Kafka has stopped to answer; {done} of {total} offsets were read")
