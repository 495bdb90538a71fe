"""A real Apache Kafka on this machine for tests, demo and benchmarks: one KRaft node, or a cluster."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from service.broker.fetch import fetch
from service.errors import BrokerError

BOOTSTRAP_VARIABLE = "WEIR_KAFKA_BOOTSTRAP"
START_TIMEOUT = 90.0
STOP_TIMEOUT = 20.0
LOG_TAIL_LINES = 30

#: Where ports are looked for: below those that systems give to outgoing connections. A client that tries to
#: reach a node that is down could be given the node's own port otherwise, and connect to itself.
PORTS: Final = range(20_000, 32_000)
#: The most copies of an internal topic, and of a topic that says nothing itself.
MOST_COPIES: Final = 3

#: Keeps a node from outliving its parent. The parent holds the other end of the pipe on descriptor 0, and
#: writes a line only when a restarted node has a new watcher. The read ends without one when the parent does,
#: however it ends. Then the node is killed (its process id can't have been given to another process, because
#: the watcher is in its process group) and its data removed.
WATCHED = """
folder=$1; shift
exec 3<&0
( read -r _ <&3 && exit; kill -KILL $$; rm -rf "$folder" ) &
exec "$@" </dev/null 3<&-
"""


class Node:
    """One Kafka node on loopback, broker and controller, with its data in a temporary folder.

    Attributes:
        bootstrap: `host:port` to connect to in plain text.
        addresses: `host:port` of every listener by its name.
        log: What the node logged; removed in the end unless the node failed.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        *,
        cluster: str,
        number: int,
        controllers: Sequence[str],
        properties: Mapping[str, str],
    ) -> None:
        self.addresses = addresses
        self.bootstrap = addresses["PLAINTEXT"]
        self._cluster = cluster
        self._number = number
        self._controllers = controllers
        self._folder = Path(tempfile.mkdtemp(prefix="weir-kafka-"))
        self._properties = self._folder / "server.properties"
        text = "\n".join(f"{name}={value}" for name, value in {**self._usual(), **properties}.items())
        self._properties.write_text(text)
        log, self.log = tempfile.mkstemp(prefix="weir-kafka-", suffix=".log")
        os.close(log)
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    @property
    def pid(self) -> int:
        """The node's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether its process runs, or is frozen."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on empty data; it is ready some seconds later.

        Raises:
            BrokerError: Kafka can't be fetched, or the configuration is wrong.
        """
        storage = [*_java(), "kafka.tools.StorageTool", "format", "--config", str(self._properties)]
        storage += ["--cluster-id", self._cluster]
        with Path(self.log).open("ab") as log:
            formatted = subprocess.run(  # noqa: S603 - a fixed command, no shell
                storage, stdout=log, stderr=log, timeout=START_TIMEOUT, check=False
            )
        if formatted.returncode:
            raise self._failure("could not format its storage")
        self._launch()

    def wait_until_ready(self) -> None:
        """Wait until the node is one of its cluster's brokers.

        Raises:
            BrokerError: it ended, or did not get so far in time.
        """
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self._failure(f"ended at once with code {self._process.returncode}")
            if self.bootstrap in brokers_seen_by(self.bootstrap):
                return
            time.sleep(0.1)
        raise self._failure(f"did not answer within {START_TIMEOUT:.0f} s")

    def kill(self) -> None:
        """SIGKILL, as when its machine loses power; the data stays."""
        assert self._process is not None
        self._killed = True
        self._process.kill()
        self._process.wait(STOP_TIMEOUT)

    def restart(self) -> None:
        """Start a killed node again, on the same ports and data; it is ready some seconds later."""
        before = self._process
        assert before is not None
        self._launch()
        assert before.stdin is not None
        before.stdin.write(b"\n")
        before.stdin.close()
        self._killed = False

    def freeze(self) -> None:
        """SIGSTOP: its connections stay and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the node, if it runs, and remove its data; its log stays where it had ended by itself."""
        failed = not self._killed
        if self._process is not None:
            failed = failed and self._process.poll() is not None
            assert self._process.stdin is not None
            self._process.stdin.close()  # the watcher kills it: nothing in its data is worth a clean end
            self._process.wait(STOP_TIMEOUT)
        shutil.rmtree(self._folder, ignore_errors=True)
        if not failed:
            Path(self.log).unlink(missing_ok=True)

    def _launch(self) -> None:
        with Path(self.log).open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command
                [
                    *("/bin/sh", "-c", WATCHED, "weir-kafka", str(self._folder)),
                    *(*_java(), "kafka.Kafka", str(self._properties)),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the program that uses the broker
            )

    def _usual(self) -> dict[str, str]:
        listeners = ",".join(f"{name}://{address}" for name, address in self.addresses.items())
        voters = ",".join(f"{number}@{address}" for number, address in enumerate(self._controllers, 1))
        copies = str(min(len(self._controllers), MOST_COPIES))
        in_sync = str(max(1, int(copies) - 1))
        return {
            "process.roles": "broker,controller",
            "node.id": str(self._number),
            "listeners": listeners,
            "advertised.listeners": listeners,
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": voters,
            "log.dirs": str(self._folder / "data"),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "min.insync.replicas": in_sync,
            # Internal topics: few partitions start quickly.
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
        }

    def _failure(self, what: str) -> BrokerError:
        tail = "\n".join(Path(self.log).read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        return BrokerError(f"the local Kafka {what}; the end of its log {self.log}:\n{tail}")


class LocalCluster:
    """Several nodes for the block, with three copies of every internal topic, two of which must be in sync.

    Args:
        size: How many nodes; three or more.
        properties: Server properties to add or to put in the place of the usual ones, for every node.
        listeners: Names of listeners besides PLAINTEXT and CONTROLLER. Where a name is not that of a security
            protocol, `properties` must hold a `listener.security.protocol.map`.

    Attributes:
        nodes: The nodes.
        bootstrap: `host:port` of each, with commas.
    """

    def __init__(
        self, size: int, properties: Mapping[str, str] | None = None, *, listeners: Sequence[str] = ()
    ) -> None:
        addresses, cluster = _addresses(size, listeners), str(uuid4())
        self.nodes = [
            Node(
                each,
                cluster=cluster,
                number=number,
                controllers=[other["CONTROLLER"] for other in addresses],
                properties=properties or {},
            )
            for number, each in enumerate(addresses, 1)
        ]
        self.bootstrap = ",".join(node.bootstrap for node in self.nodes)

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                node.wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        for node in self.nodes:
            node.stop()


class LocalBroker(Node):
    """A cluster of one for the block; properties and listeners are as for LocalCluster."""

    def __init__(self, properties: Mapping[str, str] | None = None, *, listeners: Sequence[str] = ()) -> None:
        (addresses,) = _addresses(1, listeners)
        super().__init__(
            addresses,
            cluster=str(uuid4()),
            number=1,
            controllers=[addresses["CONTROLLER"]],
            properties=properties or {},
        )

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextlib.contextmanager
def use_broker() -> Iterator[str]:
    """Bootstrap servers of the Kafka that `WEIR_KAFKA_BOOTSTRAP` names, or else of one started for the block.

    Raises:
        BrokerError: the local Kafka can't be fetched or doesn't start.
    """
    existing = os.environ.get(BOOTSTRAP_VARIABLE)
    if existing:
        yield existing
        return
    with LocalBroker() as broker:
        yield broker.bootstrap


def brokers_seen_by(bootstrap: str) -> set[str]:
    """`host:port` of every broker in the cluster as one node sees it; nothing where that node is silent."""
    host, port = bootstrap.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    except (OSError, KafkaError):
        return set()
    try:
        return {
            f"{each['host']}:{each['port']}"
            for each in admin.describe_cluster()["brokers"]
            if not each["is_fenced"]
        }
    except KafkaError:
        return set()
    finally:
        admin.close()


def _java() -> list[str]:
    jars = fetch()
    java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jars}/*"]
    return [
        *java,
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
    ]


def _addresses(nodes: int, listeners: Sequence[str]) -> list[dict[str, str]]:
    """A free address on loopback for each listener of each node."""
    names = ["PLAINTEXT", "CONTROLLER", *listeners]
    ports = iter(_free_ports(nodes * len(names)))
    return [{name: f"127.0.0.1:{next(ports)}" for name in names} for _ in range(nodes)]


def _free_ports(count: int) -> list[int]:
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.sample(PORTS, len(PORTS)):
            if len(ports) == count:
                break
            taken = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", port))
                ports.append(port)
    return ports
