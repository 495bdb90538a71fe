"""How much raw data is under way between fetch and commit: where back-pressure is decided."""

import threading
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

from aiokafka import TopicPartition

from service.streaming.record_batch import RecordBatch

#: Batches of one partition under way: one is sanitized while the one before it commits, and one waits.
BATCHES_PER_LANE: Final = 3
#: Batches of the largest size that all partitions together may have under way.
BATCHES_IN_ALL: Final = 8


class Backlog:
    """Counts batches under way; shared by the consumer's thread, which adds, and the lanes, which finish."""

    def __init__(self, batch_bytes: int) -> None:
        self._most_bytes = BATCHES_IN_ALL * batch_bytes
        self._lock = threading.Lock()
        self._assignment = 0
        self._batches: Counter[TopicPartition] = Counter()
        self._bytes = 0
        #: Called whenever a batch has left.
        self.on_done: Callable[[], None] = lambda: None

    def begin(self, assignment: int) -> None:
        """Forget everything: a new assignment has come."""
        with self._lock:
            self._assignment = assignment
            self._batches.clear()
            self._bytes = 0

    def open(self, partitions: AbstractSet[TopicPartition]) -> set[TopicPartition]:
        """Those of the partitions that may be fetched from."""
        with self._lock:
            if self._bytes >= self._most_bytes:
                return set()
            return {each for each in partitions if self._batches[each] < BATCHES_PER_LANE}

    def holds(self, partition: TopicPartition) -> bool:
        """Whether batches of the partition are under way."""
        with self._lock:
            return self._batches[partition] > 0

    def waits_for_others(self, partition: TopicPartition) -> bool:
        """Whether the partition is held back for what is under way of others."""
        with self._lock:
            return self._bytes >= self._most_bytes and not self._batches[partition]

    def add(self, batch: RecordBatch) -> None:
        """A batch was fetched."""
        with self._lock:
            self._batches[batch.source] += 1
            self._bytes += batch.size

    def done(self, batch: RecordBatch) -> None:
        """A batch was committed or thrown away."""
        with self._lock:
            if batch.assignment == self._assignment:
                self._batches[batch.source] -= 1
                self._bytes -= batch.size
        self.on_done()
