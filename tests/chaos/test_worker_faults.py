"""Workers that die, hang and come back at the worst moments, against a real Kafka."""

import os
import signal
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.chaos.load import Feeder, join_and_leave
from tests.chaos.orchestrator import Orchestrator, is_stopped, stricken
from tests.chaos.progress import RECOVERY, committed_and_written, wait_until_all_is_committed
from tests.chaos.trial import SETTINGS, assert_exact, begin
from tests.running_weir import RunningWeir, Worker, descendants, runs, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

RECORDS: Final = 4000


def test_killed_at_every_step_of_a_transaction(weir: RunningWeir, keyring_file: Path) -> None:
    begin(weir, RECORDS)
    steps = [
        "after start 2",  # while lanes are being opened
        "before begin_transaction 3",
        "before send_offsets_to_transaction 4",  # mid-batch: its records are on their way
        "before commit_transaction 3",  # all is written, nothing committed
        "after commit_transaction 5",  # committed, and the lane doesn't know
    ]
    for step in steps:
        worker = weir.start(stricken("SIGKILL", step), **SETTINGS)
        assert worker.process.wait(RECOVERY) == -signal.SIGKILL, worker.log
    progress = committed_and_written(weir)
    assert progress is not None
    assert 0 < progress[0] < progress[1]
    with Orchestrator(weir, 1, **SETTINGS) as fleet:
        wait_until_all_is_committed(weir)
    assert fleet.exit_codes == {0: 1}
    assert_exact(weir, keyring_file, RECORDS)


def back_or_gone(zombie: Worker) -> bool:
    return zombie.process.poll() is not None or zombie.log.count("partitions_assigned") > 1


@pytest.mark.chaos
def test_zombie_that_wakes_after_its_partitions_moved(weir: RunningWeir, keyring_file: Path) -> None:
    """It stops with everything written and goes on, when another has its partitions, with the commit."""
    events = begin(weir, RECORDS)
    zombie = weir.start(stricken("SIGSTOP", "before commit_transaction 4"), **SETTINGS)
    wait_until(lambda: is_stopped(zombie.process.pid), "the worker stops before a commit", RECOVERY)
    with Orchestrator(weir, 1, **SETTINGS):
        wait_until_all_is_committed(weir)  # by the other: the zombie's session has ended
        zombie.process.send_signal(signal.SIGCONT)
        wait_until(lambda: back_or_gone(zombie), "the zombie has seen that it was put out of the group")
        weir.produce(events.take(RECORDS))
        wait_until_all_is_committed(weir)
    zombie.kill()
    assert_exact(weir, keyring_file, 2 * RECORDS)


@pytest.mark.chaos
def test_stopped_in_mid_batch(weir: RunningWeir, keyring_file: Path) -> None:
    """SIGTERM commits the batches in work and exits 0; the next worker goes on behind them."""
    begin(weir, RECORDS)
    worker = weir.start(**SETTINGS)
    weir.wait_for_commits(1)
    assert worker.stop() == 0, worker.log
    progress = committed_and_written(weir)
    assert progress is not None
    assert progress[0] < progress[1], "the worker was too fast to be stopped in mid-work"
    with Orchestrator(weir, 1, **SETTINGS):
        wait_until_all_is_committed(weir)
    assert_exact(weir, keyring_file, RECORDS)


@pytest.mark.chaos
def test_stopped_with_a_batch_that_hangs(weir: RunningWeir, keyring_file: Path) -> None:
    """The grace ends, the worker exits 0, and its processes are gone although they don't answer."""
    begin(weir, RECORDS)
    worker = weir.start(**SETTINGS, WEIR_SHUTDOWN_GRACE="5")
    weir.wait_for_commits(1)
    pool = descendants(worker.process.pid)
    for pid in pool:
        os.kill(pid, signal.SIGSTOP)
    assert worker.stop() == 0, worker.log
    wait_until(lambda: not any(runs(pid) for pid in pool), "the sanitizer's processes are gone")
    with Orchestrator(weir, 1, **SETTINGS):
        wait_until_all_is_committed(weir)
    assert_exact(weir, keyring_file, RECORDS)


@pytest.mark.chaos
def test_rolling_restart_under_load(weir: RunningWeir, keyring_file: Path) -> None:
    events = begin(weir, RECORDS)
    with Orchestrator(weir, 3, **SETTINGS) as fleet:
        with Feeder(weir, events, rate=100):
            for slot in range(3):
                fleet.wait_until_assigned(slot)
                before = fleet.worker(slot)
                fleet.send(slot, signal.SIGTERM)
                wait_until(lambda: fleet.worker(slot) is not before, "the next takes its place")  # noqa: B023
                fleet.wait_until_assigned(slot)
        wait_until_all_is_committed(weir)
    assert fleet.exit_codes == {0: 6}
    assert_exact(weir, keyring_file)


@pytest.mark.chaos
def test_storm_of_joins_and_leaves(weir: RunningWeir, keyring_file: Path) -> None:
    """Strangers with the workers' protocol take partitions, do nothing with them and leave."""
    events, random = begin(weir, RECORDS), Random(3)
    with Orchestrator(weir, 2, **SETTINGS) as fleet:
        for slot in range(2):
            fleet.wait_until_assigned(slot)
        with Feeder(weir, events, rate=100):
            for _ in range(15):
                join_and_leave(weir, random.uniform(0.2, 2.0))
        wait_until_all_is_committed(weir)
    assert fleet.exit_codes == {0: 2}
    assert_exact(weir, keyring_file)
