"""How far a run is, for whoever looks on."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kafka import TopicPartition

from service.replay.definition import Range
from service.replay.tally import Tally
from service.replay.targets import Mark

#: Seconds over which the present rate is taken.
_WINDOW: Final = 30.0


@dataclass(slots=True)
class PartitionProgress:
    """How far a range is; `position` is the next offset."""

    range: Range
    position: int

    @property
    def done(self) -> int:
        """Offsets that are done."""
        return self.position - self.range.start


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes:
        partitions: By partition.
        tally: What became of the records, former runs of the job included.
        waits_for: What the run waits for, if it does.
        records: Records sanitized in this run.
        begun: When this run began to read, by the monotonic clock.
        moved: When it last got further.
        lock: Held while it changes; to be held by another thread while it looks.
    """

    partitions: dict[TopicPartition, PartitionProgress] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    waits_for: str | None = None
    records: int = 0
    begun: float | None = None
    moved: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _steps: deque[tuple[float, int]] = field(default_factory=deque)

    def begin(self, ranges: Iterable[Range], marks: Mapping[TopicPartition, Mark]) -> None:
        """A run begins, or goes on after Kafka was away."""
        with self.lock:
            self._begin(ranges, marks)

    def _begin(self, ranges: Iterable[Range], marks: Mapping[TopicPartition, Mark]) -> None:
        self.partitions = {each.source: PartitionProgress(each, marks[each.source].offset) for each in ranges}
        self.tally = Tally()
        for mark in marks.values():
            self.tally.add(mark.tally)
        self.waits_for = None
        self._steps.clear()
        if self.begun is None:
            self.begun = time.monotonic()

    def advance(self, positions: dict[TopicPartition, int], tally: Tally) -> None:
        """So much more is done."""
        with self.lock:
            self._advance(positions, tally)

    def _advance(self, positions: dict[TopicPartition, int], tally: Tally) -> None:
        for source, position in positions.items():
            self.partitions[source].position = position
        self.tally.add(tally)
        self.records += tally.records
        self.moved = time.monotonic()
        self._steps.append((self.moved, self.done))
        while self.moved - self._steps[0][0] > _WINDOW:
            self._steps.popleft()

    @property
    def done(self) -> int:
        """Offsets that are done."""
        return sum(each.done for each in self.partitions.values())

    @property
    def total(self) -> int:
        """Offsets in all."""
        return sum(each.range.offsets for each in self.partitions.values())

    @property
    def seconds(self) -> float:
        """How long the run has taken, from its first record on."""
        return 0.0 if self.begun is None else max(0.0, self.moved - self.begun)

    @property
    def rate(self) -> float | None:
        """Offsets a second, lately; None while nobody can say."""
        if len(self._steps) < 2:  # noqa: PLR2004  (a rate has two ends)
            return None
        (first, before), (last, now) = self._steps[0], self._steps[-1]
        return (now - before) / (last - first) if last > first else None

    @property
    def remaining_seconds(self) -> float | None:
        """Until the end at this rate; None while nobody can say."""
        return (self.total - self.done) / self.rate if self.rate else None
