"""Reads a job's ranges in batches, from where the job is to where each range ends."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import OffsetOutOfRangeError

from service.errors import BrokerError
from service.events.event import CallType
from service.replay.client import ANSWER_MS
from service.replay.definition import Range
from service.replay.letters import Letters
from service.replay.raw_batch import RawBatch
from service.streaming.record_batch import split

log = structlog.get_logger(__name__)

#: Milliseconds that records are waited for at a time.
_POLL_MS: Final = 200
#: Offsets without a wanted record that are read over rather than jumped over: a jump costs a fetch.
_READ_OVER: Final = 2_000


@dataclass(slots=True, repr=False)
class _Course:
    """The way through one range.

    Attributes:
        range: What is to be read.
        position: The offset to be read next.
        wanted: The offsets asked for, in order; None for all.
    """

    range: Range
    position: int
    wanted: Sequence[int] | None

    @property
    def ended(self) -> bool:
        return self.position >= self.range.end

    def jump(self) -> int | None:
        """The next wanted offset, where it is far away; the range's end where there is none."""
        if self.wanted is None:
            return None
        place = bisect_left(self.wanted, self.position)
        following = self.wanted[place] if place < len(self.wanted) else self.range.end
        return following if following - self.position > _READ_OVER or following >= self.range.end else None

    def wants(self, offset: int) -> bool:
        """Whether a record is asked for."""
        if self.wanted is None:
            return True
        place = bisect_left(self.wanted, offset)
        return place < len(self.wanted) and self.wanted[place] == offset


class Reader:
    """A consumer over the ranges of a job."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        ranges: Sequence[Range],
        positions: Mapping[TopicPartition, int],
        *,
        letters: Letters | None,
        selects: Callable[[bytes | None], bool] | None,
        most_records: Callable[[], int],
        most_bytes: int,
        allow_gaps: bool,
        patience: float,
    ) -> None:
        """Read nothing yet.

        Args:
            consumer: Its own from now on.
            ranges: What is to be read.
            positions: Where to begin; the range's start where it is not said.
            letters: The records asked for; None for all.
            selects: Whether a raw record is asked for, by its value; None for all.
            most_records: Of the next batch.
            most_bytes: Of a batch.
            allow_gaps: Whether records that retention removes meanwhile are done without.
            patience: Seconds that Kafka may give nothing.
        """
        self._consumer = consumer
        self._courses = {
            each.source: _Course(
                each,
                positions.get(each.source, each.start),
                None if letters is None else letters.offsets(each.source),
            )
            for each in ranges
        }
        self._selects = selects
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._allow_gaps = allow_gaps
        self._patience = patience
        self._moved = time.monotonic()
        consumer.assign(list(self._courses))
        for source, course in self._courses.items():
            consumer.seek(source, course.position)
            if course.ended:
                consumer.pause(source)

    @property
    def ended(self) -> bool:
        """Whether everything was read."""
        return all(course.ended for course in self._courses.values())

    def next(self) -> list[RawBatch]:
        """What comes next, perhaps nothing yet.

        Raises:
            BrokerError: records of the range are gone, or Kafka gave nothing for too long.
            KafkaError: Kafka refuses.
        """
        batches: list[RawBatch] = []
        try:
            fetched = self._consumer.poll(timeout_ms=_POLL_MS, max_records=self._most_records())
        except OffsetOutOfRangeError as error:
            return self._over_gaps(error)
        for source, records in fetched.items():
            batches += self._batches(self._courses[source], records)
        for source, course in self._courses.items():
            if not course.ended and (source in fetched or not fetched):
                batches += self._moved_on(source, course)
        if batches:
            self._moved = time.monotonic()
        elif time.monotonic() - self._moved > self._patience:
            raise BrokerError(f"Kafka gave no records for {self._patience:.0f} s, and there are more to come")
        return batches

    def rest(self) -> None:
        """Nobody asked for a while: that Kafka gave nothing meanwhile says nothing."""
        self._moved = time.monotonic()

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def _batches(self, course: _Course, records: Sequence[Any]) -> Iterator[RawBatch]:
        records = [record for record in records if course.position <= record.offset < course.range.end]
        for run in split(records, self._most_records(), self._most_bytes):
            chosen = [record for record in run if self._takes(course, record)]
            course.position = run[-1].offset + 1
            yield RawBatch(
                course.range.source,
                tuple(record.offset for record in chosen),
                tuple(record.timestamp for record in chosen),
                tuple(record.value for record in chosen),
                next=course.position,
                skipped=len(run) - len(chosen),
            )

    def _takes(self, course: _Course, record: Any) -> bool:
        return course.wants(record.offset) and (self._selects is None or self._selects(record.value))

    def _moved_on(self, source: TopicPartition, course: _Course) -> Iterator[RawBatch]:
        """Go over what holds no records for readers, such as transactions' ends, or none asked for."""
        before, position = course.position, self._consumer.position(source, timeout_ms=ANSWER_MS)
        jump = course.jump()
        if jump is not None and jump > position:
            position = jump
            self._consumer.seek(source, position)
        course.position = min(max(before, position), course.range.end)
        if course.ended:
            self._consumer.pause(source)
        if course.position > before:
            yield RawBatch(source, (), (), (), next=course.position)

    def _over_gaps(self, error: OffsetOutOfRangeError) -> list[RawBatch]:
        batches = []
        wanted: Mapping[TopicPartition, int] = error.args[0]
        starts = self._consumer.beginning_offsets(list(wanted))
        for source, offset in wanted.items():
            course, start = self._courses[source], starts[source]
            if start <= offset:
                raise BrokerError(
                    f"offset {offset} of {source.topic}/{source.partition} is beyond the end of the log: "
                    "the topic was truncated or created anew"
                )
            if not self._allow_gaps:
                raise BrokerError(
                    f"retention has removed offsets {offset} to {start - 1} of {source.topic}/"
                    f"{source.partition} before they were read; --allow-gaps goes on without them"
                )
            before = course.position
            course.position = min(start, course.range.end)
            log.warning(
                "records_gone", topic=source.topic, partition=source.partition, wanted=offset, start=start
            )
            self._consumer.seek(source, start)
            if course.ended:
                self._consumer.pause(source)
            batches.append(RawBatch(source, (), (), (), next=course.position, gone=course.position - before))
        return batches


def named(events: frozenset[str]) -> Callable[[bytes | None], bool] | None:
    """Selects raw records by the tracked event's name, or by the call type of other calls; None for all.

    What can't be read is not selected: nobody can say what it is.
    """
    if not events:
        return None

    def selects(value: bytes | None) -> bool:
        try:
            body = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            return False
        if not isinstance(body, dict):
            return False
        name = body.get("event") if body.get("type") == CallType.TRACK else body.get("type")
        return isinstance(name, str) and name in events

    return selects
