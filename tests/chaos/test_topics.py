"""Topics that grow, refuse or go away under a running worker, and one of hundreds of partitions."""

import asyncio
import json
from pathlib import Path

import pytest
from kafka.admin import ConfigResource

from tests.chaos.raw_records import RawRecord, assert_exactly_once, feedback, logins, writer
from tests.running_weir import RunningWeir, Worker, admin

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker, pytest.mark.chaos]

#: As many users as events: their order is not at stake where partitions of a vendor topic change.
EACH_ITS_OWN = 100_000
MANY = 300


def create_topics(weir: RunningWeir, partitions: int) -> None:
    assert weir.weir("topics", "create", "--partitions", str(partitions)).returncode == 0


async def failed(worker: Worker) -> str:
    """Wait for the worker's end by a failure; what its one line says of it."""
    assert await asyncio.to_thread(worker.process.wait, 120) == 3
    (line,) = (line for line in worker.log.splitlines() if "worker_failed" in line)
    return str(json.loads(line)["message"])


async def test_partitions_added(weir: RunningWeir, keyring_file: Path) -> None:
    """To the raw topic and to the vendors', while the worker runs and records come."""
    create_topics(weir, 2)
    worker = weir.start()
    raw: list[RawRecord] = []
    async with writer(weir, 2) as before:
        raw += await before.write(logins(range(100), EACH_ITS_OWN))
        await asyncio.to_thread(weir.wait_for_commits, 100)
        with admin(weir.bootstrap) as client:
            client.create_partitions(dict.fromkeys((weir.raw_topic, *weir.outputs), 5))
        raw += await before.write(logins(range(100, 200), EACH_ITS_OWN))
    async with writer(weir, 5) as after:
        raw += await after.write(logins(range(200, 300), EACH_ITS_OWN))
        await asyncio.to_thread(weir.wait_for_commits, 300)
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file)


async def test_hundreds_of_partitions(weir: RunningWeir, keyring_file: Path) -> None:
    create_topics(weir, 4)
    with admin(weir.bootstrap) as client:
        client.create_partitions({weir.raw_topic: MANY})
    async with writer(weir, MANY) as plain:
        raw = await plain.write(logins(range(3 * MANY), MANY))
    worker = weir.start()
    await asyncio.to_thread(weir.wait_for_commits, len(raw))
    assert f"weir_lanes {MANY}.0" in worker.get("/metrics")
    assert worker.stop() == 0
    assert "transaction_failed" not in worker.log
    assert_exactly_once(weir, raw, keyring_file)


async def test_output_topic_that_takes_less(weir: RunningWeir, keyring_file: Path) -> None:
    """Changed after the worker has looked: Kafka refuses what the worker's own check has passed."""
    create_topics(weir, 1)
    large = [feedback(number, "The new dashboard is great. " * 100) for number in range(60, 65)]
    worker = weir.start(WEIR_TRANSACTION_TIMEOUT="10")
    async with writer(weir, 1) as plain:
        raw = await plain.write(logins(range(30)))
        await asyncio.to_thread(weir.wait_for_commits, len(raw))
        with admin(weir.bootstrap) as client:
            client.alter_configs([ConfigResource("TOPIC", weir.outputs[0], {"max.message.bytes": "2000"})])
        raw += await plain.write([*large, *logins(range(30, 60))])
    assert "takes smaller records" in await failed(worker)
    worker = weir.start()
    await asyncio.to_thread(weir.wait_for_commits, len(raw))
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file, largest=2000)


async def test_output_topic_deleted(weir: RunningWeir, keyring_file: Path) -> None:
    create_topics(weir, 1)
    worker = weir.start(WEIR_TRANSACTION_TIMEOUT="10")
    async with writer(weir, 1) as plain:
        # Known to no vendor: the lane is open and has written, though not to the topic that goes.
        raw = await plain.write([(0, b"malformed")])
        await asyncio.to_thread(weir.wait_for_commits, len(raw))
        with admin(weir.bootstrap) as client:
            client.delete_topics([weir.outputs[0]])
        raw += await plain.write(logins(range(60)))
    assert "`weir topics check`" in await failed(worker)
    worker = weir.start()
    assert await asyncio.to_thread(worker.process.wait, 120) == 3
    assert f"missing topics: {weir.outputs[0]}" in worker.log
    create_topics(weir, 1)
    worker = weir.start()
    await asyncio.to_thread(weir.wait_for_commits, len(raw))
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file)
