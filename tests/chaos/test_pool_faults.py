"""Sanitizer processes of a running worker that are killed, run out of memory or hang."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.raw_records import assert_exactly_once, feedback, logins, writer
from tests.running_weir import RunningWeir, Worker, descendants, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker, pytest.mark.chaos]

PARTITIONS = 2
#: More text in one event than its budget allows for.
PATHOLOGICAL = "We talked to the whole team about it. " * 20_000


def create_topics(weir: RunningWeir) -> None:
    assert weir.weir("topics", "create", "--partitions", str(PARTITIONS)).returncode == 0


def kill(worker: Worker, name: str) -> int:
    """SIGKILL, as the kernel does where memory runs out, to each process of a name below the worker's."""
    found = [pid for pid, each in descendants(worker.process.pid).items() if each == name]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


async def test_sanitizer_processes_killed(weir: RunningWeir, keyring_file: Path) -> None:
    """In the middle of batches, and their template with them: no record is to blame."""
    create_topics(weir)
    async with writer(weir, PARTITIONS) as plain:
        raw = await plain.write(logins(range(1200)))
    worker = weir.start(WEIR_PROCESSES="2", WEIR_BATCH_RECORDS="50")
    for committed, name in ((50, "weir-sanitizer"), (400, "weir-template"), (700, "weir-sanitizer")):
        await asyncio.to_thread(weir.wait_for_commits, committed)
        assert kill(worker, name)
    await asyncio.to_thread(weir.wait_for_commits, len(raw))
    assert worker.stop() == 0
    assert "sanitizer_process_replaced" in worker.log
    assert_exactly_once(weir, raw, keyring_file)


@pytest.mark.chaos
async def test_record_that_costs_every_process_its_life(weir: RunningWeir, keyring_file: Path) -> None:
    """As when the kernel, short of memory, kills whoever has the record."""
    create_topics(weir)
    worker = weir.start()
    async with writer(weir, PARTITIONS) as plain:
        raw = await plain.write(logins(range(100)))
        await asyncio.to_thread(weir.wait_for_commits, len(raw))
        (guilty,) = await plain.write([feedback(100, PATHOLOGICAL)])

        def killed_until_given_up() -> bool:
            kill(worker, "weir-sanitizer")
            return weir.committed() > len(raw)

        await asyncio.to_thread(wait_until, killed_until_given_up, "the record is dead-lettered")
        raw += await plain.write(logins(range(101, 200)))
    await asyncio.to_thread(weir.wait_for_commits, len(raw) + 1)
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file, poison={guilty: "worker_crashed"})


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"WEIR_BATCH_TIMEOUT": "5", "WEIR_RECORD_TIMEOUT": "5"}, "timeout"),
        ({"WEIR_PROCESS_MEMORY": "1024"}, "worker_crashed"),
    ],
    ids=["time", "memory"],
)
async def test_text_beyond_a_limit(
    weir: RunningWeir, keyring_file: Path, limits: dict[str, str], reason: str
) -> None:
    create_topics(weir)
    async with writer(weir, PARTITIONS) as plain:
        raw = await plain.write(logins(range(100)))
        (guilty,) = await plain.write([feedback(100, PATHOLOGICAL)])
        raw += await plain.write(logins(range(101, 200)))
    worker = weir.start(**limits)
    await asyncio.to_thread(weir.wait_for_commits, len(raw) + 1)
    assert worker.stop() == 0
    assert_exactly_once(weir, raw, keyring_file, poison={guilty: reason})
