"""Which offsets a job covers: found once, when it begins."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from service.errors import BrokerError, ConfigurationError
from service.replay.client import ANSWER_MS
from service.replay.definition import OffsetsLine, Range, Request
from service.replay.letters import Letters

_POLL_MS: Final = 200


class Gap(NamedTuple):
    """Offsets that were asked for and are gone.

    Attributes:
        start: The first; 0 where a moment was asked for, and nobody knows where it was.
        end: The first one kept.
    """

    source: TopicPartition
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.source.topic}/{self.source.partition}: offsets {self.start} to {self.end - 1}"


class Found(NamedTuple):
    """What a job covers, and what it would have covered."""

    ranges: list[Range]
    gaps: list[Gap]


class Edges(NamedTuple):
    """The first offset that Kafka keeps of each partition, and the one after the last committed record."""

    starts: dict[TopicPartition, int]
    ends: dict[TopicPartition, int]

    @classmethod
    def of(cls, consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> "Edges":
        """Ask Kafka."""
        partitions = list(partitions)
        if not partitions:
            return cls({}, {})
        return cls(consumer.beginning_offsets(partitions), consumer.end_offsets(partitions))


def partitions_of(
    consumer: KafkaConsumer, topic: str, shard: int = 0, shards: int = 1
) -> list[TopicPartition]:
    """A shard's partitions of a topic.

    Raises:
        BrokerError: there is no such topic.
    """
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise BrokerError(f"no topic {topic}, or no right to see it")
    return [TopicPartition(topic, number) for number in sorted(numbers) if number % shards == shard]


def between(
    consumer: KafkaConsumer, partitions: Sequence[TopicPartition], since: int | None, until: int | None
) -> Found:
    """The offsets from the first record at `since` or later up to the first at `until` or later.

    Moments are milliseconds since 1970; None is the first record kept, or the end as it is now. Records need
    not be in the order of their timestamps: one offset parts those before a moment from the others.
    """
    starts, ends = Edges.of(consumer, partitions)
    first, last = dict(starts), dict(ends)
    if since is not None and partitions:
        first = _first_at(consumer, partitions, since, ends)
    if until is not None and partitions:
        last = _first_at(consumer, partitions, until, ends)
    gaps = [
        Gap(each, 0, starts[each])
        for each in partitions
        if since is not None and starts[each] > 0 and first[each] == starts[each]
    ]
    return Found([_range(each, first[each], last[each]) for each in partitions], gaps)


def at_offsets(consumer: KafkaConsumer, lines: Iterable[OffsetsLine], shard: int, shards: int) -> Found:
    """The offsets of a file.

    Raises:
        BrokerError: there is no such topic or partition.
        ConfigurationError: an offset is beyond the end of its partition.
    """
    lines = [line for line in lines if line.partition % shards == shard]
    known = {each for topic in {line.topic for line in lines} for each in partitions_of(consumer, topic)}
    asked = [TopicPartition(line.topic, line.partition) for line in lines]
    unknown = [f"{each.topic}/{each.partition}" for each in asked if each not in known]
    if unknown:
        raise BrokerError(f"no such partition: {', '.join(unknown)}")
    starts, ends = Edges.of(consumer, asked)
    found = Found([], [])
    for line, source in zip(lines, asked, strict=True):
        end = ends[source] if line.end is None else line.end
        if end > ends[source] or line.start > ends[source]:
            raise ConfigurationError(
                f"--offsets: {line.topic}/{line.partition} ends at offset {ends[source]}, before what is "
                "asked for"
            )
        if line.start < starts[source]:
            found.gaps.append(Gap(source, line.start, min(starts[source], end)))
        found.ranges.append(_range(source, max(line.start, starts[source]), end))
    return found


def of_letters(consumer: KafkaConsumer, letters: Letters, shard: int, shards: int) -> Found:
    """The offsets from each partition's first record with a letter to its last."""
    sources = [each for each in letters.sources if each.partition % shards == shard]
    for topic in sorted({each.topic for each in sources}):
        partitions_of(consumer, topic)
    starts, ends = Edges.of(consumer, sources)
    found = Found([], [])
    for source in sources:
        offsets = letters.offsets(source)
        if offsets[0] < starts[source]:
            kept = [offset for offset in offsets if offset >= starts[source]]
            found.gaps.append(Gap(source, offsets[0], kept[0] if kept else offsets[-1] + 1))
            offsets = kept
        if offsets:
            found.ranges.append(_range(source, offsets[0], min(offsets[-1] + 1, ends[source])))
    return found


def find(consumer: KafkaConsumer, request: Request, letters: Letters | None) -> Found:
    """The raw offsets that a job is to cover.

    Raises:
        BrokerError: a topic or partition is missing.
        ConfigurationError: an offset is beyond the end of its partition.
    """
    shard, shards, arguments = request.shard, request.shards, request.arguments
    if letters is not None:
        return of_letters(consumer, letters, shard, shards)
    if arguments.offsets:
        return at_offsets(consumer, arguments.offsets, shard, shards)
    partitions = [
        each for topic in arguments.topics for each in partitions_of(consumer, topic, shard, shards)
    ]
    return between(consumer, partitions, request.since, request.until)


def earliest_timestamp(consumer: KafkaConsumer, ranges: Sequence[Range], patience: float) -> int | None:
    """The least timestamp among the first records of ranges, milliseconds since 1970; None without any.

    Raises:
        BrokerError: Kafka does not give them within `patience` seconds.
    """
    waiting = {each.source: each for each in ranges if each.offsets}
    consumer.assign(list(waiting))
    for each in waiting.values():
        consumer.seek(each.source, each.start)
    found: list[int] = []
    deadline = time.monotonic() + patience
    while waiting:
        if time.monotonic() > deadline:
            raise BrokerError(f"Kafka did not give the first records of the range for {patience:.0f} s")
        for source, records in consumer.poll(timeout_ms=_POLL_MS, max_records=1).items():
            if source in waiting and records[0].offset < waiting[source].end:
                found.append(records[0].timestamp)
            waiting.pop(source, None)
            consumer.pause(source)
        for source in [s for s in waiting if consumer.position(s, timeout_ms=ANSWER_MS) >= waiting[s].end]:
            del waiting[source]
            consumer.pause(source)
    return min(found, default=None)


def _first_at(
    consumer: KafkaConsumer,
    partitions: Sequence[TopicPartition],
    moment: int,
    ends: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """The first record at a moment or later, the partition's end where there is none."""
    found = consumer.offsets_for_times(dict.fromkeys(partitions, moment))
    return {each: min(found[each].offset, ends[each]) if found[each] else ends[each] for each in partitions}


def _range(source: TopicPartition, start: int, end: int) -> Range:
    return Range(topic=source.topic, partition=source.partition, start=start, end=max(start, end))


def describe(gaps: Sequence[Gap], most: int = 3) -> Iterator[str]:
    """The first few of them, a line each, and how many more there are."""
    yield from (str(gap) for gap in gaps[:most])
    if len(gaps) > most:
        yield f"and {len(gaps) - most} more"
