"""Brokers that tests of faults may kill and freeze, and Weir on them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.broker.local import LocalBroker, LocalCluster
from tests.chaos.brokers import FAST_SESSION, heal
from tests.running_weir import RunningWeir, running_weir


@pytest.fixture(scope="session")
def own_broker() -> Iterator[LocalBroker]:
    """One node beside the one that other tests use."""
    with LocalBroker(FAST_SESSION) as broker:
        yield broker


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """Three nodes; two copies of a record must be in sync for it to be acknowledged."""
    with LocalCluster(3, FAST_SESSION) as cluster:
        yield cluster


@pytest.fixture
def weir_on_own_broker(
    request: pytest.FixtureRequest,
    own_broker: LocalBroker,
    tmp_path: Path,
    config_dir: Path,
    keyring_file: Path,
) -> Iterator[RunningWeir]:
    """As `weir`, on a node that may be killed."""
    with running_weir(name_of(request), own_broker.bootstrap, tmp_path, config_dir, keyring_file) as running:
        yield running
        heal([own_broker])


@pytest.fixture
def weir_on_cluster(
    request: pytest.FixtureRequest,
    cluster: LocalCluster,
    tmp_path: Path,
    config_dir: Path,
    keyring_file: Path,
) -> Iterator[RunningWeir]:
    """As `weir`, on three nodes."""
    with running_weir(name_of(request), cluster.bootstrap, tmp_path, config_dir, keyring_file) as running:
        yield running
        heal(cluster.nodes)


def name_of(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
