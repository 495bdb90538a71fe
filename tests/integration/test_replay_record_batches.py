"""Record batches that a replay makes itself: through a real broker they are what kafka-python's own are."""

from contextlib import closing

import pytest
from kafka import TopicPartition
from kafka.admin import NewTopic

from service.kafka_access import KafkaAccess
from service.output.record_batches import Compression
from service.replay.client import consumer, transactional_producer
from service.replay.output import ReplayRecord
from service.replay.tally import Tally
from service.replay.targets import Mark, TopicsTarget
from tests.running_weir import RunningWeir, admin, read_committed

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

PATIENCE = 60.0


def test_transactions_of_many_batches_keep_the_order_of_each_partition(weir: RunningWeir) -> None:
    """Some 3 MB for a partition in one transaction, which takes several batches, and then another."""
    topic = f"{weir.group}.batches"
    source = TopicPartition(topic, 0)
    headers = (("weir-key", b"k1"), ("weir-note", "Zoë".encode()))
    records = [
        ReplayRecord(
            topic, f"user-{number % 7}".encode(), f"{number} ".encode() * 800, headers, None, source, number
        )
        for number in range(1500)
    ]
    access = KafkaAccess(weir.bootstrap)
    with admin(weir.bootstrap) as client:
        client.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    with (
        closing(consumer(access, "reader", group_id=f"{weir.group}.job")) as reader,
        closing(
            transactional_producer(access, f"{weir.group}.job", timeout=PATIENCE, largest=1000)
        ) as writer,
    ):
        writer.init_transactions()
        TopicsTarget(writer, reader, PATIENCE).commit(records, {source: Mark(1500, Tally())})
        target = TopicsTarget(writer, reader, PATIENCE, Compression.ZSTD)
        target.commit(records[:10], {source: Mark(1510, Tally())})
        assert reader.committed(source) == 1510
    found: dict[bytes, list[tuple[bytes, tuple[tuple[str, bytes], ...]]]] = {}
    partitions: dict[bytes, set[int]] = {}
    for record in read_committed(weir.bootstrap, [topic]):
        found.setdefault(record.key, []).append((record.value, tuple(record.headers)))
        partitions.setdefault(record.key, set()).add(record.partition)
    for key, got in found.items():
        assert got == [(each.value, headers) for each in [*records, *records[:10]] if each.key == key]
        assert len(partitions[key]) == 1
    assert len(found) == 7
    assert len({number for numbers in partitions.values() for number in numbers}) == 2
