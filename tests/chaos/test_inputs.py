"""Raw topics as producers and brokers make them: compressed, transactional, compacted, empty, shortened."""

import asyncio
import re
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import NoError, RetriableError
from kafka.structs import OffsetAndMetadata

from tests.chaos.raw_records import USERS, RawRecord, assert_exactly_once, ends, feedback, logins, writer
from tests.running_weir import PATIENCE, RunningWeir, Worker, admin, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

PARTITIONS = 4
CODECS = (None, "gzip", "snappy", "lz4", "zstd")


def create_topics(weir: RunningWeir, partitions: int = PARTITIONS) -> None:
    assert weir.weir("topics", "create", "--partitions", str(partitions)).returncode == 0


async def wait_until_nothing_lags(worker: Worker) -> None:
    """Wait until the worker sees nothing to do in any partition, looked at every few seconds."""
    none = {f'weir_lag_records{{partition="{number}"}} 0.0' for number in range(PARTITIONS)}
    await asyncio.to_thread(
        wait_until, lambda: none <= set(worker.get("/metrics").splitlines()), "no lag in any partition"
    )


def set_offset(weir: RunningWeir, offset: int) -> None:
    """Set where the group stands in the first partition, as an operator would."""
    partition = TopicPartition(weir.raw_topic, 0)

    def is_set() -> bool:
        with admin(weir.bootstrap) as client:
            try:
                answer = client.alter_group_offsets(
                    weir.group, {partition: OffsetAndMetadata(offset, "", -1)}
                )
            except RetriableError:  # as a fresh broker's coordinator is still loading
                return False
        return answer[partition] is NoError

    wait_until(is_set, "the group, without members by now, takes an offset")


def remove_records(weir: RunningWeir, before: int) -> None:
    """Shorten the first partition, as retention does."""
    with admin(weir.bootstrap) as client:
        client.delete_records({TopicPartition(weir.raw_topic, 0): before})


async def test_codecs_and_transactions_in_one_topic(weir: RunningWeir, keyring_file: Path) -> None:
    """Every partition ends in a transaction that stays open for a while, with plain records behind it."""
    create_topics(weir)
    raw: list[RawRecord] = []
    async with AsyncExitStack() as stack:
        plain = [
            await stack.enter_async_context(writer(weir, PARTITIONS, compression_type=codec))
            for codec in CODECS
        ]
        in_transactions = [
            await stack.enter_async_context(
                writer(weir, PARTITIONS, compression_type=codec, transactional_id=f"{weir.group}-{codec}")
            )
            for codec in CODECS
        ]
        for first in range(0, 800, 80):
            number = first // 80
            transactional = in_transactions[number % len(CODECS)]
            await transactional.producer.begin_transaction()
            gone = await transactional.write(logins(range(first, first + 20)))
            raw += await plain[number % len(CODECS)].write(logins(range(first + 20, first + 40)))
            if number % 3:
                raw += gone + await transactional.write(logins(range(first + 40, first + 80)))
                await transactional.producer.commit_transaction()
            else:
                await transactional.producer.abort_transaction()
        before = sum(ends(raw).values())
        hanging = in_transactions[0]
        await hanging.producer.begin_transaction()
        behind = await hanging.write(logins(range(800, 840)))
        behind += await plain[1].write(logins(range(840, 880)))

        worker = weir.start()
        await asyncio.to_thread(weir.wait_for_commits, before)
        assert_exactly_once(weir, raw, keyring_file)
        await wait_until_nothing_lags(worker)
        await hanging.producer.commit_transaction()
        raw += behind
    await asyncio.to_thread(weir.wait_for_commits, sum(ends(raw).values()))
    assert worker.stop() == 0
    assert "transaction_failed" not in worker.log
    assert_exactly_once(weir, raw, keyring_file)


@pytest.mark.chaos
async def test_compacted_topic(weir: RunningWeir, keyring_file: Path) -> None:
    """Gaps between offsets, tombstones, an empty partition, and an aborted transaction at the end."""
    create_topics(weir)
    with admin(weir.bootstrap) as client:
        node = str(client.describe_cluster()["brokers"][0]["broker_id"])
        compaction = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
        client.alter_configs(
            [
                ConfigResource("BROKER", node, {"log.cleaner.backoff.ms": "200"}),
                ConfigResource("TOPIC", weir.raw_topic, compaction),
            ]
        )
    users = [user for user in range(USERS) if user % PARTITIONS != 3]

    def of_users(numbers: range) -> list[tuple[int, bytes]]:
        return [each for each in logins(numbers) if each[0] in users]

    now = int(time.time() * 1000)
    async with writer(weir, PARTITIONS) as plain:
        for first in range(0, 800, USERS):
            await plain.write(of_users(range(first, first + USERS)), timestamp=now)
        await plain.write([(user, None) for user in users[:9]], timestamp=now)
        await plain.write(of_users(range(800, 803)), timestamp=now)
    raw: list[RawRecord] = []
    async with writer(weir, PARTITIONS, transactional_id=f"{weir.group}-aborting") as transactional:
        async with asyncio.timeout(PATIENCE):  # for the cleaner to leave each user's last record
            while len(raw) != len(users):
                await transactional.producer.begin_transaction()
                # So much later that they begin a new segment, and the one before can be compacted. Again
                # and again, because the broker may heed the new settings only some time after it took them.
                now += 1000
                await transactional.write(logins(range(900, 903)), timestamp=now)
                await transactional.producer.abort_transaction()
                raw = await asyncio.to_thread(read_raw, weir)
    assert sum(record.value is None for record in raw) == 6  # three of nine were written again
    worker = weir.start()
    await asyncio.to_thread(weir.wait_for_commits, sum(ends(raw).values()))
    await wait_until_nothing_lags(worker)
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file)


def read_raw(weir: RunningWeir) -> list[RawRecord]:
    """What a read_committed reader sees of the raw topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=weir.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    with closing(consumer):
        partitions = [TopicPartition(weir.raw_topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        last = consumer.end_offsets(partitions)
        found = []
        while any(consumer.position(each) < last[each] for each in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                found += [RawRecord(r.partition, r.offset, r.value) for r in records]
    return found


async def test_records_that_retention_removed(weir: RunningWeir, keyring_file: Path) -> None:
    """While the worker was down, and again while it runs far behind."""
    create_topics(weir, partitions=1)
    last = 300
    async with writer(weir, 1) as plain:
        # Words that take their time, in records of which a consumer can't fetch all that are left ahead.
        comment = "Nobody at our office in Leeds could find the export. "
        raw = await plain.write(feedback(n, f"{n}: {comment * 8}", padding=20_000) for n in range(last))
    set_offset(weir, 10)
    remove_records(weir, 20)
    worker = weir.start(WEIR_BATCH_RECORDS="10")
    await asyncio.to_thread(weir.wait_for_commits, 40)
    remove_records(weir, last - 10)
    await asyncio.to_thread(weir.wait_for_commits, last)
    (gone,) = re.findall(r'weir_records_gone_total{partition="0"} (\d+)', worker.get("/metrics"))
    assert worker.stop() == 0
    assert '"wanted": 10, "start": 20, "records": 10, "event": "records_gone"' in worker.log
    gone_while_running = int(gone) - 10
    assert gone_while_running > 0
    assert_exactly_once(weir, raw[20 : last - 10 - gone_while_running] + raw[last - 10 :], keyring_file)


@pytest.mark.chaos
async def test_offset_beyond_the_end(weir: RunningWeir, keyring_file: Path) -> None:
    """The topic was truncated or made anew. Going on from the start would skip new records as done."""
    create_topics(weir, partitions=1)
    async with writer(weir, 1) as plain:
        raw = await plain.write(logins(range(30)))
    set_offset(weir, 1000)
    worker = weir.start()
    assert await asyncio.to_thread(worker.process.wait, 120) == 3
    (line,) = (line for line in worker.log.splitlines() if "worker_failed" in line)
    assert f"offset 1000 of {weir.raw_topic}/0, which is beyond the end" in line
    assert "--reset-offsets" in line
    assert not weir.read()
    set_offset(weir, 0)
    worker = weir.start()
    await asyncio.to_thread(weir.wait_for_commits, 30)
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file)
