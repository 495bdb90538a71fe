"""Plain kafka-python as a replay's yardstick: each record goes to the same partition of another topic.

Run as a process of its own, with Weir's settings: `python -m service.bench.plain_copy TARGET`. It reads the
raw topic from its start, is in no group, commits nothing and uses no transactions.
"""

import sys
from collections import deque
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer

from service.demo.pipeline import partitions_of
from service.kafka_access import KafkaAccess
from service.settings import Settings, load_settings

#: Polls whose records may be unsent, so that what waits is bounded.
_POLLS: Final = 40
_SECONDS: Final = 60


def copy(settings: Settings, target: str) -> None:
    """Copy until the process is ended."""
    access = KafkaAccess.of(settings).for_kafka_python()
    consumer = KafkaConsumer(**access, enable_auto_commit=False, max_poll_records=settings.batch_records)
    consumer.assign(partitions_of([settings.raw_topic]))
    consumer.seek_to_beginning()
    producer = KafkaProducer(**access, acks="all", linger_ms=5, batch_size=262_144)
    sent: deque[Any] = deque()
    while True:
        for source, records in consumer.poll(timeout_ms=200).items():
            for record in records:
                last = producer.send(target, key=record.key, value=record.value, partition=source.partition)
            sent.append(last)
        while len(sent) > _POLLS:
            sent.popleft().get(timeout=_SECONDS)


if __name__ == "__main__":
    copy(load_settings(), sys.argv[1])
