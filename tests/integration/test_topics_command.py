"""`weir topics` against a real Kafka."""

import json

import pytest

from service.cli.app import run
from service.streaming.topics import DAY_MS
from tests.running_weir import RunningWeir, admin

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]


class Command:
    """Runs `weir topics ... --json` in this process."""

    def __init__(
        self, weir: RunningWeir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        self._capsys = capsys
        for name, value in weir.environment.items():
            monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
        """Exit code, and what was printed for each topic."""
        code = run(["topics", *arguments, "--json"])
        return code, {state["topic"]: state for state in json.loads(self._capsys.readouterr().out)}


@pytest.fixture
def topics(weir: RunningWeir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(weir, monkeypatch, capsys)


def test_create_is_idempotent(weir: RunningWeir, topics: Command) -> None:
    code, states = topics("check")
    assert code == 1
    assert states.keys() == {weir.raw_topic, *weir.outputs, weir.control_topic}
    assert all(state["findings"] == ["missing"] for state in states.values())
    expected = dict.fromkeys(states, 3) | {weir.control_topic: 1}
    code, states = topics("create", "--partitions", "3")
    assert code == 0
    assert all(state["created"] for state in states.values())
    assert {topic: state["partitions"] for topic, state in states.items()} == expected
    code, states = topics("create", "--partitions", "5")
    assert code == 0
    assert not any(state["created"] for state in states.values())
    assert {topic: state["partitions"] for topic, state in states.items()} == expected


@pytest.mark.parametrize("arguments", [("check",), ("create", "--check")])
def test_check_creates_nothing(weir: RunningWeir, topics: Command, arguments: tuple[str, ...]) -> None:
    assert topics(*arguments)[0] == 1
    with admin(weir.bootstrap) as client:
        assert weir.raw_topic not in client.list_topics()


def test_check_finds_what_is_unsound(weir: RunningWeir, topics: Command) -> None:
    narrow, brief, compacted = weir.outputs[:3]
    with admin(weir.bootstrap) as client:
        client.create_topics(
            {
                narrow: {"num_partitions": 1, "replication_factor": 1},
                brief: {
                    "num_partitions": 2,
                    "replication_factor": 1,
                    "configs": {"retention.ms": str(DAY_MS)},
                },
                compacted: {
                    "num_partitions": 2,
                    "replication_factor": 1,
                    "configs": {"cleanup.policy": "compact", "min.insync.replicas": "2"},
                },
                weir.control_topic: {"num_partitions": 2, "replication_factor": 1},
            },
            wait_for_metadata=True,
        )
    code, states = topics("create", "--partitions", "2")
    assert code == 1
    findings = {name: " ".join(map(str, state["findings"])) for name, state in states.items()}  # type: ignore[call-overload]
    assert "fewer than the raw topic's 2" in findings[narrow]
    assert "less than 3 days" in findings[brief]
    assert "compacted" in findings[compacted]
    assert "nothing can be written" in findings[compacted]
    assert "must have one" in findings[weir.control_topic]
    assert "states may be lost" in findings[weir.control_topic]
    assert not findings[weir.raw_topic]


def test_no_broker(weir: RunningWeir) -> None:
    answer = weir.weir("topics", "check", WEIR_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert answer.returncode == 3
    assert answer.stderr.count("\n") == 1
    assert "no Kafka answers at 127.0.0.1:1" in answer.stderr
