"""Three Kafka nodes, two of which must have a record: coordinators and majorities that are lost."""

from pathlib import Path
from typing import Final

import pytest
from kafka.protocol.metadata import CoordinatorType

from service.broker.local import LocalCluster
from tests.chaos.brokers import coordinator, heal
from tests.chaos.load import Feeder
from tests.chaos.orchestrator import Orchestrator
from tests.chaos.progress import committed_and_written, wait_until_all_is_committed
from tests.chaos.trial import SETTINGS, assert_exact, begin
from tests.running_weir import RunningWeir, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker, pytest.mark.chaos]

RECORDS: Final = 3000


@pytest.mark.parametrize("kind", [CoordinatorType.GROUP, CoordinatorType.TRANSACTION])
def test_coordinator_lost(
    weir_on_cluster: RunningWeir, cluster: LocalCluster, keyring_file: Path, kind: CoordinatorType
) -> None:
    """It stays away: another node takes its place, and the workers find it."""
    weir = weir_on_cluster
    events = begin(weir, RECORDS)
    with Orchestrator(weir, 2, **SETTINGS) as fleet:
        with Feeder(weir, events, rate=50):
            weir.wait_for_commits(RECORDS // 8)
            key = weir.group if kind is CoordinatorType.GROUP else f"{weir.group}/{weir.raw_topic}/0"
            lost = coordinator(cluster, kind, key)
            lost.kill()
            wait_for_progress(weir)
        wait_until_all_is_committed(weir)
        heal(cluster.nodes)
    assert set(fleet.exit_codes) <= {0, 3}
    assert_exact(weir, keyring_file)


def test_two_of_three_lost(weir_on_cluster: RunningWeir, cluster: LocalCluster, keyring_file: Path) -> None:
    """With one node gone all goes on; with two, nothing is acknowledged until one is back."""
    weir = weir_on_cluster
    events = begin(weir, RECORDS)
    first, second, _ = cluster.nodes
    with Orchestrator(weir, 2, **SETTINGS) as fleet:
        with Feeder(weir, events, rate=50):
            weir.wait_for_commits(RECORDS // 8)
            first.kill()
            wait_for_progress(weir)
            second.kill()
            wait_until(lambda: committed_and_written(weir) is None, "no majority, no answer")
            second.restart()
            wait_for_progress(weir)
        wait_until_all_is_committed(weir)
        heal(cluster.nodes)
    assert set(fleet.exit_codes) <= {0, 3}
    assert_exact(weir, keyring_file)


def wait_for_progress(weir: RunningWeir) -> None:
    """Wait until something was committed that was not before."""
    start: list[int] = []

    def progressed() -> bool:
        progress = committed_and_written(weir)
        if progress is not None and not start:
            start.append(progress[0])
        return progress is not None and progress[0] > start[0]

    wait_until(progressed, "more records committed")
