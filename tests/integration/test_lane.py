"""Lanes against a real Kafka, with a sanitizer that passes everything on."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner
from kafka import KafkaConsumer
from prometheus_client import REGISTRY

from service.errors import BrokerError
from service.kafka_access import KafkaAccess
from service.output.encoding import Encoding, Output
from service.output.record_batches import Compression
from service.output.rules import OutputRules, OutputTerms
from service.policy import load
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import BatchResult, DeadLettered, FailReason, GateHit, Sent, Stage
from service.settings import Settings
from service.streaming.backlog import Backlog
from service.streaming.breakers import BreakerRecord, Breakers
from service.streaming.control_topic import read_breakers
from service.streaming.lane import Lane
from service.streaming.lanes import Lanes
from service.streaming.record_batch import RecordBatch
from service.streaming.transaction import TransactionalProducer
from tests.running_weir import RunningWeir, admin, read_committed, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

LARGEST = 100_000


class PassOn:
    """A stand-in for the pool: each record goes to one topic, its own key. An empty one is dead-lettered."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.gate_hits: Counter[GateHit] = Counter()

    async def encode(self, values: tuple[bytes | None, ...], encoding: Encoding) -> Output:
        result = BatchResult(
            [
                (Sent(VendorName.GA4, self._topic, value[:8], value, (("weir-policy", b"p"),)),)
                if value
                else (DeadLettered(None, Stage.SANITIZE, FailReason.TIMEOUT),)
                for value in values
            ],
            gate_hits=self.gate_hits,
        )
        return encoding.encode(result)


class Bench:
    """Topics, and lanes on them."""

    def __init__(self, weir: RunningWeir) -> None:
        self.weir = weir
        self.opened: list[Lanes] = []
        self.member = "nobody"
        self.source = TopicPartition(weir.raw_topic, 0)
        self.output = weir.outputs[0]
        self.pool = PassOn(self.output)
        topics = {
            name: {"num_partitions": 2, "replication_factor": 1} for name in (weir.raw_topic, *weir.outputs)
        }
        topics[weir.control_topic] = {"num_partitions": 1, "replication_factor": 1}
        with admin(weir.bootstrap) as client:
            client.create_topics(topics, wait_for_metadata=True)
        self._settings = Settings(
            kafka_bootstrap=weir.bootstrap, group_id=weir.group, transaction_timeout=30, session_timeout=6
        )
        rules = OutputRules(weir.outputs[-1], "fingerprint", LARGEST, Compression.ZSTD)
        self._terms = OutputTerms(rules, dict.fromkeys((self.output, weir.outputs[-1]), 2))
        self.breakers = Breakers(load(Path(weir.environment["WEIR_CONFIG_DIR"])), weir.control_topic)

    def lanes(self) -> Lanes:
        pool: Any = self.pool
        lanes = Lanes(
            self._settings,
            pool,
            self._terms,
            self.breakers,
            Backlog(1_000_000),
            member=lambda: self.member,
        )
        self.opened.append(lanes)
        return lanes

    def batch(
        self, first: int, count: int, *, previous: int | None = None, assignment: int = 1
    ) -> RecordBatch:
        return self.batch_of(first, [b"%08d" % (first + i) for i in range(count)], previous, assignment)

    def batch_of(
        self, first: int, values: list[bytes | None], previous: int | None = None, assignment: int = 1
    ) -> RecordBatch:
        offsets = tuple(range(first, first + len(values)))
        return RecordBatch(self.source, assignment, previous, offsets, offsets, tuple(values), 0.0)

    @contextlib.asynccontextmanager
    async def member_of_the_group(self) -> AsyncIterator[None]:
        """A real member, alone and so with every partition, whose id the lanes go by."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.weir.bootstrap,
            group_id=self.weir.group,
            enable_auto_commit=False,
            metadata_max_age_ms=1000,
        )
        with contextlib.closing(consumer):
            # Joining before it knows the topic, it would give itself no partition of it.
            known = lambda: bool(consumer.partitions_for_topic(self.weir.raw_topic))  # noqa: E731
            await asyncio.to_thread(wait_until, known, "the topic")
            consumer.subscribe([self.weir.raw_topic])
            joined = lambda: bool(consumer.poll(50) or consumer.assignment())  # noqa: E731
            await asyncio.to_thread(wait_until, joined, "a member")
            self.member = consumer._coordinator._generation.member_id
            yield

    async def wait_for_commit(self, offset: int) -> None:
        """Wait until the group's offset shows: a moment after the commit was acknowledged."""
        await asyncio.to_thread(wait_until, lambda: self.weir.committed() == offset, f"offset {offset}")

    async def numbers(self) -> list[int]:
        """What a read_committed reader sees, by its number."""
        records = await asyncio.to_thread(self.weir.read)
        return sorted(int(record.value) for record in records if record.topic == self.output and record.value)


@pytest.fixture
async def bench(weir: RunningWeir) -> AsyncIterator[Bench]:
    bench = Bench(weir)
    yield bench
    await asyncio.gather(*(lanes.close() for lanes in bench.opened))


def sample(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


def lane_of(lanes: Lanes) -> Lane:
    (lane,) = lanes._lanes.values()
    return lane


async def test_batches_commit_in_order_with_their_offset(bench: Bench) -> None:
    lanes = bench.lanes()
    await lanes.accept(bench.batch(0, 10))
    await lanes.accept(bench.batch(10, 5, previous=9))
    await lanes.accept(bench.batch(17, 3, previous=14))  # 15 and 16 are transaction markers
    assert await lanes.drain(60)
    await bench.wait_for_commit(20)
    assert await bench.numbers() == [*range(15), *range(17, 20)]


async def test_what_is_committed_is_trimmed(bench: Bench) -> None:
    first = bench.lanes()
    await first.accept(bench.batch(0, 10))
    assert await first.drain(60)
    second = bench.lanes()
    await second.accept(bench.batch(0, 5))
    await second.accept(bench.batch(5, 10, previous=4))
    assert await second.drain(60)
    assert await bench.numbers() == list(range(15))


async def test_partitions_that_were_added_are_used(bench: Bench) -> None:
    """What was encoded for fewer partitions is encoded anew: keys go where every other producer puts them."""
    lanes = bench.lanes()
    lanes.terms = replace(lanes.terms, partitions=dict.fromkeys(lanes.terms.partitions, 1))
    await lanes.accept(bench.batch(0, 50))
    await lanes.accept(bench.batch(50, 50, previous=49))
    assert await lanes.drain(60)
    records = await asyncio.to_thread(lambda: list(read_committed(bench.weir.bootstrap, [bench.output])))
    assert sorted(int(record.value) for record in records) == list(range(100))
    partitioned = DefaultPartitioner()
    assert {record.partition for record in records} == {0, 1}
    assert all(record.partition == partitioned(record.key, [0, 1], [0, 1]) for record in records)


async def test_new_owner_fences_the_old(bench: Bench) -> None:
    old, new = bench.lanes(), bench.lanes()
    await old.accept(bench.batch(0, 5))
    assert await old.drain(60)
    await new.accept(bench.batch(0, 10))
    assert await new.drain(60)
    fenced = lane_of(old)
    fences = sample("weir_fenced_lanes_total")
    await old.accept(bench.batch(5, 10, previous=4))
    await asyncio.to_thread(wait_until, lambda: sample("weir_fenced_lanes_total") > fences, "the fence")
    await new.accept(bench.batch(10, 5, previous=9))  # not fenced in turn
    assert await new.drain(60)
    assert not fenced.task.done()
    await old.release()
    assert await bench.numbers() == list(range(15))


async def test_fenced_between_two_batches_of_a_transaction(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka refuses the second batch in words of its own then; it is the fence that counts."""
    send_batch: Callable[..., Any] = AIOKafkaProducer.send_batch
    fenced_between = 0

    async def until_the_sender_has_failed(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal fenced_between
        future = await send_batch(self, *arguments, **options)
        await asyncio.wait([self._sender.sender_task], timeout=60)
        fenced_between += 1
        return future

    old, new = bench.lanes(), bench.lanes()
    await old.accept(bench.batch(0, 5))
    assert await old.drain(60)
    await new.accept(bench.batch(0, 10))
    assert await new.drain(60)
    monkeypatch.setattr(AIOKafkaProducer, "send_batch", until_the_sender_has_failed)
    fences = sample("weir_fenced_lanes_total")
    await old.accept(bench.batch(5, 10, previous=4))  # of both partitions, so two batches
    await asyncio.to_thread(
        wait_until, lambda: sample("weir_fenced_lanes_total") > fences or old.failed.done(), "the fence"
    )
    assert not old.failed.done()
    assert fenced_between == 1
    await old.release()
    assert await bench.numbers() == list(range(10))


async def test_an_opening_that_was_not_committed_goes_with_the_next_batch(bench: Bench) -> None:
    """Else a breaker could be open in one worker for ever, and no other would know of it."""

    def control() -> dict[VendorName, BreakerRecord]:
        return read_breakers(KafkaAccess(bench.weir.bootstrap), bench.weir.control_topic)

    old, new = bench.lanes(), bench.lanes()
    await old.accept(bench.batch(0, 5))
    assert await old.drain(60)
    await new.accept(bench.batch(0, 10))
    assert await new.drain(60)
    fences = sample("weir_fenced_lanes_total")
    bench.pool.gate_hits[GateHit(VendorName.GA4, "path", "EMAIL_ADDRESS")] = 10
    await old.accept(bench.batch(5, 10, previous=4))
    await asyncio.to_thread(wait_until, lambda: sample("weir_fenced_lanes_total") > fences, "the fence")
    assert bench.breakers.open.keys() == {VendorName.GA4}
    assert await asyncio.to_thread(control) == {}
    await old.release()
    bench.pool.gate_hits.clear()
    await new.accept(bench.batch(10, 5, previous=9))
    assert await new.drain(60)
    assert await asyncio.to_thread(control) == bench.breakers.open
    assert bench.breakers.unwritten() == ()
    assert await bench.numbers() == list(range(10))
    records = await asyncio.to_thread(bench.weir.read)
    assert {record.key for record in records if record.topic != bench.output} == {
        b"%s/0/%d" % (bench.source.topic.encode(), offset) for offset in range(10, 15)
    }


async def test_a_fenced_lane_that_is_the_rightful_one_goes_on(bench: Bench) -> None:
    """So it is when Kafka has ended a transaction for its age, or a zombie took the id."""
    async with bench.member_of_the_group():
        lanes, zombie = bench.lanes(), bench.lanes()
        await lanes.accept(bench.batch(0, 5))
        assert await lanes.drain(60)
        await zombie.accept(bench.batch(0, 7))
        assert await zombie.drain(60)
        await lanes.accept(bench.batch(5, 10, previous=4))
        assert await lanes.drain(60)
        await bench.wait_for_commit(15)
    assert await bench.numbers() == list(range(15))


async def test_next_assignment_gets_a_new_lane(bench: Bench) -> None:
    lanes = bench.lanes()
    await lanes.accept(bench.batch(0, 5))
    assert await lanes.drain(60)
    before = lane_of(lanes)
    await lanes.accept(bench.batch(3, 4, assignment=2))
    await lanes.accept(bench.batch(5, 99, previous=4, assignment=1))  # out of date
    assert await lanes.drain(60)
    assert lane_of(lanes) is not before
    assert await bench.numbers() == list(range(7))


async def test_lost_batch_ends_the_worker(bench: Bench) -> None:
    lanes = bench.lanes()
    await lanes.accept(bench.batch(0, 5))
    await lanes.accept(bench.batch(8, 2, previous=7))
    with pytest.raises(BrokerError, match="between offsets 5 and 8"):
        await asyncio.wait_for(lanes.failed, 60)
    assert await bench.numbers() == list(range(5))


@pytest.mark.parametrize("committed", [True, False], ids=["after", "before"])
async def test_connection_lost_around_the_commit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """Whether the transaction took effect is unknown to the lane: it finds out, and repeats nothing."""
    commit: Callable[..., Any] = TransactionalProducer.commit
    failures = [KafkaConnectionError(), KafkaConnectionError()]

    async def lose_connection(self: TransactionalProducer, *arguments: Any) -> None:
        if failures and not committed:
            await self._producer.begin_transaction()
            raise failures.pop()
        await commit(self, *arguments)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(TransactionalProducer, "commit", lose_connection)
    async with bench.member_of_the_group():
        lanes = bench.lanes()
        for first in range(0, 20, 5):
            await lanes.accept(bench.batch(first, 5, previous=first - 1 if first else None))
        assert await lanes.drain(60)
    assert not failures
    assert await bench.numbers() == list(range(20))


async def test_too_large_output_is_dead_lettered(bench: Bench) -> None:
    lanes = bench.lanes()
    fits = b"7" * (LARGEST - 400)
    await lanes.accept(bench.batch_of(0, [b"1", fits, b"8" * LARGEST, b"", b"2"]))
    assert await lanes.drain(60)
    records = await asyncio.to_thread(bench.weir.read)
    assert {record.value for record in records if record.topic == bench.output} == {b"1", b"2", fits}
    letters = {record.key: record.value for record in records if record.topic != bench.output}
    name = bench.weir.raw_topic
    assert letters == {
        f"{name}/0/2".encode(): (
            b'{"topic":"%s","partition":0,"offset":2,"timestamp":2,"vendor":"ga4","stage":"deliver",'
            b'"reason":"output_too_large","policy":"fingerprint"}' % name.encode()
        ),
        f"{name}/0/3".encode(): (
            b'{"topic":"%s","partition":0,"offset":3,"timestamp":3,"vendor":null,"stage":"sanitize",'
            b'"reason":"timeout","policy":"fingerprint"}' % name.encode()
        ),
    }


async def test_order_of_a_key_holds(bench: Bench) -> None:
    lanes = bench.lanes()
    values: list[bytes | None] = [b"user-%03d %06d" % (i % 7, i) for i in range(5000)]
    for first in range(0, 5000, 500):
        await lanes.accept(bench.batch_of(first, values[first : first + 500], first - 1 if first else None))
    assert await lanes.drain(60)
    by_key: dict[bytes | None, list[bytes]] = {}
    for record in await asyncio.to_thread(bench.weir.read):
        assert record.value
        by_key.setdefault(record.key, []).append(record.value)
    assert sum(map(len, by_key.values())) == 5000
    assert all(found == sorted(found) for found in by_key.values())
