"""A real Apache Kafka on this machine: one KRaft node for tests, demo and benchmarks."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from service.broker.fetch import fetch
from service.errors import BrokerError

BOOTSTRAP_VARIABLE = "WEIR_KAFKA_BOOTSTRAP"
START_TIMEOUT = 90.0
STOP_TIMEOUT = 20.0
LOG_TAIL_LINES = 30

#: Keeps the broker from outliving its parent. The parent holds the other end of the pipe on descriptor 0
#: and never writes: the read ends when the parent does, however it ends. Then the broker is killed (its
#: process id can't have been given to another process, because the watcher is in its process group) and
#: its data removed.
WATCHED = """
folder=$1; shift
exec 3<&0
( cat <&3 >/dev/null; kill -KILL $$; rm -rf "$folder" ) &
exec "$@" </dev/null 3<&-
"""


class LocalBroker:
    """One Kafka node on loopback, with its data in a temporary folder: a context manager.

    Attributes:
        bootstrap: `host:port` to connect to.
        log: What the broker logged; removed in the end unless the broker failed.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="weir-kafka-"))
        client, controller = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{client}"
        self._controller = f"127.0.0.1:{controller}"
        log, self.log = tempfile.mkstemp(prefix="weir-kafka-", suffix=".log")
        os.close(log)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The broker's process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        failed = self._process.poll() is not None
        self._stop()
        if not failed:
            Path(self.log).unlink(missing_ok=True)

    def _start(self) -> None:
        jars = fetch()
        properties = self._folder / "server.properties"
        properties.write_text(self._properties())
        java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jars}/*"]
        java += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        java += ["-Dorg.slf4j.simpleLogger.showDateTime=true"]
        storage = [*java, "kafka.tools.StorageTool", "format", "--standalone"]
        storage += ["--cluster-id", str(uuid4()), "--config", str(properties)]
        with Path(self.log).open("ab") as log:
            formatted = subprocess.run(  # noqa: S603 - a fixed command, no shell
                storage, stdout=log, stderr=log, timeout=START_TIMEOUT, check=False
            )
            if formatted.returncode:
                raise self._failure("could not format its storage")
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command
                [
                    *("/bin/sh", "-c", WATCHED, "weir-kafka", str(self._folder)),
                    *(*java, "kafka.Kafka", str(properties)),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the program that uses the broker
            )
        self._wait_until_ready(self._process)

    def _properties(self) -> str:
        return "\n".join(
            f"{name}={value}"
            for name, value in {
                "process.roles": "broker,controller",
                "node.id": 1,
                "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{self._controller}",
                "advertised.listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{self._controller}",
                "controller.listener.names": "CONTROLLER",
                "controller.quorum.bootstrap.servers": self._controller,
                "log.dirs": self._folder / "data",
                "auto.create.topics.enable": "false",
                "group.initial.rebalance.delay.ms": 0,
                # Internal topics: one node holds every replica, and few partitions start quickly.
                "offsets.topic.replication.factor": 1,
                "offsets.topic.num.partitions": 4,
                "transaction.state.log.replication.factor": 1,
                "transaction.state.log.min.isr": 1,
                "transaction.state.log.num.partitions": 4,
                "share.coordinator.state.topic.replication.factor": 1,
                "share.coordinator.state.topic.min.isr": 1,
            }.items()
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise self._failure(f"ended at once with code {process.returncode}")
            if _answers(self.bootstrap):
                return
            time.sleep(0.1)
        raise self._failure(f"did not answer within {START_TIMEOUT:.0f} s")

    def _failure(self, what: str) -> BrokerError:
        tail = "\n".join(Path(self.log).read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        return BrokerError(f"the local Kafka {what}; the end of its log {self.log}:\n{tail}")

    def _stop(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()  # the watcher kills it: nothing in its data is worth a clean end
            self._process.wait(STOP_TIMEOUT)
        shutil.rmtree(self._folder, ignore_errors=True)


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


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _answers(bootstrap: str) -> bool:
    host, port = bootstrap.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    except (OSError, KafkaError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
