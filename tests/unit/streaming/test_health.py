"""What probes and watchdog make of what is observed, with loops that really hang."""

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest

from service.observability.probes import Check
from service.streaming.health import Health, Pulse, Vital

STALL = 60.0


def vitals(**troubled: float) -> list[Vital]:
    """All vitals; of those that are named, the seconds for which they have been in trouble."""
    now = time.monotonic()
    return [
        Vital(name, "so so", since=now - troubled[name] if name in troubled else None)
        for name in ("group", "broker", "pool", "partitions")
    ]


def bad(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.good}


@pytest.fixture
def health() -> Health:
    return Health(STALL)


def test_a_worker_that_starts_lives_and_is_not_ready(health: Health) -> None:
    assert not bad(health.live())
    assert bad(health.ready()) == {"worker"}
    assert bad(health.started()) == {"models", "group"}
    assert health.stall() is None


def test_a_worker_at_work(health: Health) -> None:
    health.observe(vitals())
    health.joined = True
    assert not bad([*health.live(), *health.ready(), *health.started()])
    assert health.stall() is None


@pytest.mark.parametrize("name", ["group", "broker", "pool"])
def test_trouble_makes_it_unready_at_once_and_dead_in_time(health: Health, name: str) -> None:
    health.observe(vitals(**{name: STALL - 10}))
    assert bad(health.ready()) == {name}
    assert not bad(health.live())
    assert health.stall() is None
    health.observe(vitals(**{name: STALL + 10}))
    assert bad(health.live()) == {name}
    assert f": {name} so so" in str(health.stall())


def test_a_partition_that_stands_still_is_no_matter_of_readiness(health: Health) -> None:
    health.observe(vitals(partitions=STALL + 10))
    assert not bad(health.ready())
    assert "no progress for 70 s: partitions so so" in str(health.stall())


def test_stopping_and_notes(health: Health) -> None:
    health.observe(vitals())
    health.notes.append(lambda: [Check("breaker ga4", good=True, state="open")])
    health.stopping = True
    assert bad(health.ready()) == {"stopping"}
    assert "ok  breaker ga4: open" in map(str, health.ready())


async def test_a_pulse_is_owed_until_the_loop_turns() -> None:
    health, pulse = Health(STALL), Pulse("main", asyncio.get_running_loop())
    health.listen(pulse)
    health.take_pulses()
    owed = pulse.vital().since
    assert owed is not None
    health.take_pulses()  # asks for no second one
    assert pulse.vital().since == owed
    await asyncio.sleep(0)
    assert pulse.vital().since is None
    assert [str(check) for check in health.live()] == ["ok  main loop: turns"]


HANGS = """
import asyncio, sys, threading, time
from types import SimpleNamespace
from service.observability.logs import configure_logging
from service.streaming.health import Health, Pulse
from service.streaming.watchdog import Watchdog
from service.streaming.worker import Worker

configure_logging("info", "json")
health = Health(2.0)
worker = Worker.__new__(Worker)
worker.app = SimpleNamespace(health=health)

async def main():
    health.listen(Pulse("main", asyncio.get_running_loop()))
    Watchdog(health, worker._end).start()
    await asyncio.sleep(1)
    print("turns", flush=True)
    {hang}

asyncio.run(main())
"""


def test_the_watchdog_ends_a_worker_whose_loop_hangs() -> None:
    script = HANGS.format(hang="time.sleep(600)")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stdout) == (3, "turns\n")
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["event"], line["exception"], line["exit_code"]) == ("worker_failed", "StallError", 3)
    assert "main loop owes a turn" in line["message"]


def test_also_where_nobody_reads_its_log() -> None:
    """A full pipe hangs the loop in the middle of a line, with the log's lock held."""
    reader, writer = os.pipe()
    script = HANGS.format(
        hang="import logging\n    while True: logging.getLogger('kafka').critical('away ' * 100)"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=writer, timeout=100, check=False
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert (done.returncode, done.stdout) == (3, b"turns\n")
