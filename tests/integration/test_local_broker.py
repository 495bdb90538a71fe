"""The local Kafka: it starts, answers, and is gone afterwards, also where its parent is killed.

How nodes are killed, frozen and restarted is proved by the faults in tests/chaos.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.broker.local import BOOTSTRAP_VARIABLE, LocalBroker, brokers_seen_by, use_broker
from service.errors import BrokerError
from tests.running_weir import admin, runs, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

PARENT = """
import sys, time
from service.broker.local import LocalBroker
with LocalBroker() as broker:
    if "restarted" in sys.argv:
        broker.kill()
        broker.restart()
    print(broker.pid, flush=True)
    time.sleep(600)
"""


def data_folders(pid: int) -> list[Path]:
    """The broker's folder, told by its command line."""
    arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return [Path(each).parent for each in arguments if each.endswith("server.properties")]


def test_starts_and_stops_beside_another(bootstrap: str) -> None:
    with LocalBroker() as broker:
        assert broker.bootstrap != bootstrap
        with admin(broker.bootstrap) as client:
            assert len(client.describe_cluster()["brokers"]) == 1
        pid, (folder,) = broker.pid, data_folders(broker.pid)
        assert folder.is_dir()
    assert not runs(pid)
    assert not folder.exists()
    assert not Path(broker.log).exists()


@pytest.mark.parametrize("arguments", [[], ["restarted"]])
def test_ends_with_its_parent(arguments: list[str]) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        (folder,) = data_folders(pid)
        assert runs(pid)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.communicate()
    wait_until(lambda: not runs(pid), "the broker is gone")
    wait_until(lambda: not folder.exists(), "its data is gone")


def test_properties_and_listeners_can_be_added() -> None:
    protocols = {"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,EXTRA:PLAINTEXT"}
    with LocalBroker(protocols, listeners=["EXTRA"]) as broker:
        assert brokers_seen_by(broker.addresses["EXTRA"]) == {broker.addresses["EXTRA"]}


def test_failure_shows_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.broker.local._free_ports", lambda _: [70_000, 70_001])
    broker = LocalBroker()
    with pytest.raises(BrokerError, match=r"end of its log .*\n(.|\n)*out of range"), broker:
        pass
    Path(broker.log).unlink()  # kept for whoever looks into a failure


def test_existing_broker_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BOOTSTRAP_VARIABLE, "kafka.example.org:9092")
    with use_broker() as address:
        assert address == "kafka.example.org:9092"
