"""What is around the workers during a test: steady load, and strangers who join their group and leave."""

import threading
import time
from contextlib import closing, suppress
from types import TracebackType
from typing import Final, Self

from kafka import KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaError

from tests.chaos.seeded_events import SeededEvents
from tests.running_weir import PATIENCE, RunningWeir

#: Seconds between writes.
TICK: Final = 0.1
#: Seconds that a producer waits for a broker that is away, before another is tried.
BLOCK: Final = 10


class Feeder:
    """Writes records to the raw topic at a steady rate for the block, whatever becomes of the brokers.

    What Kafka did not take while it was away is not in the raw topic, and so is nothing that a worker could
    lose: tests read the raw topic for what there is.
    """

    def __init__(self, weir: RunningWeir, events: SeededEvents, *, rate: int) -> None:
        self._weir = weir
        self._events = events
        self._each_tick = max(1, int(rate * TICK))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._feed, name="feeder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _feed(self) -> None:
        while not self._stopping.is_set():
            with suppress(KafkaError):
                producer = KafkaProducer(
                    bootstrap_servers=self._weir.bootstrap, linger_ms=20, max_block_ms=BLOCK * 1000
                )
                try:
                    self._feed_with(producer)
                    producer.flush(PATIENCE)
                finally:
                    producer.close(timeout=BLOCK)

    def _feed_with(self, producer: KafkaProducer) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + TICK, time.monotonic() - 1)  # what was missed is not made up for, beyond a second
            for key, value in self._events.take(self._each_tick):
                producer.send(self._weir.raw_topic, key=key, value=value)


def join_and_leave(weir: RunningWeir, seconds: float) -> None:
    """Join the workers' group, hold partitions for a while without working on them, and leave."""
    consumer = KafkaConsumer(
        weir.raw_topic,
        bootstrap_servers=weir.bootstrap,
        group_id=weir.group,
        enable_auto_commit=False,
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
        session_timeout_ms=6000,
        heartbeat_interval_ms=600,
    )
    with closing(consumer):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            consumer.poll(timeout_ms=100)
