"""`weir dead-letters` against a real Kafka."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition
from kafka import KafkaProducer

from service.broker.local import LocalBroker
from service.cli.app import run
from service.demo.events import generate
from service.demo.malformed import malformed
from service.errors import BrokerError
from service.events.event import RejectReason
from service.output.dead_letters import dead_letter
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLettered, FailReason, Stage
from service.settings import Settings
from service.streaming.dead_letter_topic import DeadLetterTopic, Selection
from service.vendors.form import ShapeReason
from tests.running_weir import RunningWeir, admin

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

POLICY = "0f" * 32
HOUR = 3_600_000
#: 2026-03-02T06:00:00Z
MORNING = 1_772_431_200_000
SECRET = "Harriet Whitlock"


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ask = Callable[..., Answer]


@pytest.fixture
def ask(weir: RunningWeir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs `weir dead-letters` in this process."""
    for name, value in weir.environment.items():
        monkeypatch.setenv(name, value)

    def ask(*arguments: str) -> Answer:
        code = run(["dead-letters", *arguments])
        return Answer(code, *capsys.readouterr())

    return ask


@pytest.fixture
def topic(weir: RunningWeir) -> str:
    """The dead-letter topic, empty."""
    name = weir.outputs[-1]
    with admin(weir.bootstrap) as client:
        client.create_topics({name: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    return name


class Writer:
    """Writes records into the dead-letter topic at times of its choice."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=bootstrap)
        self._topic = topic

    def letter(self, outcome: DeadLettered, offset: int, written: int) -> None:
        source = TopicPartition("some.raw", 3)
        key, value = dead_letter(outcome, source=source, offset=offset, timestamp=MORNING, policy=POLICY)
        self.record(key, value, written)

    def record(self, key: bytes | None, value: bytes | None, written: int = MORNING) -> None:
        self._producer.send(self._topic, key=key, value=value, timestamp_ms=written).get(timeout=60)

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def writer(weir: RunningWeir, topic: str) -> Iterator[Writer]:
    writer = Writer(weir.bootstrap, topic)
    yield writer
    writer.close()


NO_ID = DeadLettered(VendorName.GA4, Stage.SHAPE, ShapeReason.NO_USABLE_ID)
BROKEN = DeadLettered(None, Stage.DECODE, RejectReason.MALFORMED_JSON)
SLOW = DeadLettered(None, Stage.SANITIZE, FailReason.TIMEOUT)


@pytest.fixture
def letters(writer: Writer) -> None:
    """Six letters in three hours, not in the order of their times."""
    writer.letter(NO_ID, 1, MORNING + 2 * HOUR)
    writer.letter(BROKEN, 2, MORNING)
    writer.letter(BROKEN, 3, MORNING + 1)
    writer.letter(SLOW, 4, MORNING + HOUR)
    writer.letter(NO_ID, 5, MORNING + HOUR - 1)
    writer.letter(BROKEN, 6, MORNING + 2 * HOUR + 1)


@pytest.mark.usefixtures("letters")
def test_summary_counts_by_kind_and_time(ask: Ask, topic: str) -> None:
    answer = ask("summary", "--per", "hour", "--json")
    assert answer.code == 0
    summary = answer.json
    assert (summary["topic"], summary["letters"], summary["foreign"]) == (topic, 6, 0)
    assert {(k["stage"], k["reason"], k["vendor"]): k["letters"] for k in summary["kinds"]} == {
        ("shape", "no_usable_id", "ga4"): 2,
        ("decode", "malformed_json", None): 3,
        ("sanitize", "timeout", None): 1,
    }
    broken = summary["kinds"][0]
    assert (broken["first"], broken["last"]) == ("2026-03-02T06:00:00Z", "2026-03-02T08:00:00Z")
    assert summary["spans"] == [
        {"from": "2026-03-02T06:00:00Z", "letters": 3, "reasons": {"malformed_json": 2, "no_usable_id": 1}},
        {"from": "2026-03-02T07:00:00Z", "letters": 1, "reasons": {"timeout": 1}},
        {"from": "2026-03-02T08:00:00Z", "letters": 2, "reasons": {"no_usable_id": 1, "malformed_json": 1}},
    ]
    (day,) = ask("summary", "--json").json["spans"]
    assert (day["from"], day["letters"]) == ("2026-03-02T00:00:00Z", 6)
    table = ask("summary").out
    assert "no_usable_id" in table
    assert "malformed_json 3, no_usable_id 2, timeout 1" in table


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("filters", "offsets"),
    [
        ([], [6, 1, 4, 5, 3, 2]),
        (["--limit", "2"], [6, 1]),
        (["--since", "2026-03-02T07:00:00Z"], [6, 1, 4]),
        (["--until", "2026-03-02T07:00:00Z"], [5, 3, 2]),
        (["--since", "2026-03-02T07:00:00Z", "--until", "2026-03-02T08:00:00Z"], [4]),
        (["--since", "-1m"], []),
        (["--vendor", "ga4"], [1, 5]),
        (["--vendor", "all", "--stage", "decode"], [6, 3, 2]),
        (["--reason", "timeout", "--reason", "no_usable_id"], [1, 4, 5]),
        (["--vendor", "mixpanel"], []),
    ],
)
def test_list_gives_the_newest_that_match(ask: Ask, filters: list[str], offsets: list[int]) -> None:
    answer = ask("list", "--json", *filters)
    assert answer.code == 0
    assert [letter["offset"] for letter in answer.json["letters"]] == offsets


@pytest.mark.usefixtures("letters")
def test_list_says_how_many_it_left_out(ask: Ask) -> None:
    answer = ask("list", "--limit", "2")
    assert "some.raw/3/6" in answer.out
    assert "some.raw/3/4" not in answer.out
    assert "the newest 2 of 6" in answer.out


@pytest.mark.usefixtures("letters")
def test_show_gives_all_letters_of_a_record(ask: Ask, writer: Writer) -> None:
    writer.letter(SLOW, 1, MORNING + 5 * HOUR)
    answer = ask("show", "some.raw/3/1", "--json")
    assert answer.code == 0
    assert [letter["reason"] for letter in answer.json["letters"]] == ["no_usable_id", "timeout"]
    assert {letter["policy"] for letter in answer.json["letters"]} == {POLICY}
    assert answer.json["record_kept"] is None
    assert "no such partition" in ask("show", "some.raw/3/1").out


def test_show_knows_whether_the_record_is_kept(weir: RunningWeir, ask: Ask, writer: Writer) -> None:
    with admin(weir.bootstrap) as client:
        client.create_topics(
            {weir.raw_topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
        )
        weir.produce([(b"k", SECRET.encode())] * 3)
        client.delete_records({TopicPartition(weir.raw_topic, 0): 1})
    for offset in (0, 1):
        key, value = dead_letter(
            BROKEN, source=TopicPartition(weir.raw_topic, 0), offset=offset, timestamp=-1, policy=POLICY
        )
        writer.record(key, value)
    gone, kept = (ask("show", f"{weir.raw_topic}/0/{offset}", "--json") for offset in (0, 1))
    assert (gone.json["record_kept"], kept.json["record_kept"]) == (False, True)
    assert SECRET not in gone.out + kept.out
    assert "outside of the offsets that Kafka keeps" in ask("show", f"{weir.raw_topic}/0/0").out


@pytest.mark.usefixtures("letters")
def test_show_without_a_letter(ask: Ask) -> None:
    answer = ask("show", "some.raw/3/7")
    assert answer.code == 1
    assert answer.out.startswith("no dead letter of some.raw/3/7")


@pytest.mark.usefixtures("topic")
@pytest.mark.parametrize("command", ["list", "summary"])
def test_an_empty_topic(ask: Ask, command: str) -> None:
    answer = ask(command)
    assert answer.code == 0
    assert answer.out.count("\n") == 1
    assert not answer.err


@pytest.mark.parametrize(
    "value", [None, b"", b"null", SECRET.encode(), json.dumps({"reason": SECRET}).encode()]
)
@pytest.mark.parametrize("command", ["list", "summary"])
def test_a_foreign_record_is_counted_and_never_shown(
    ask: Ask, writer: Writer, topic: str, command: str, value: bytes | None
) -> None:
    writer.record(SECRET.encode(), value)
    writer.letter(BROKEN, 2, MORNING)
    answer = ask(command, "--json")
    assert answer.code == 1
    assert answer.json["foreign"] == 1
    assert answer.json["first_foreign"].startswith(f"{topic}/")
    assert "malformed_json" in answer.out
    assert answer.err.count("\n") == 1
    assert "1 records of" in answer.err
    assert SECRET not in answer.out + answer.err


def test_a_missing_topic(ask: Ask, weir: RunningWeir) -> None:
    answer = ask("list")
    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert f"no topic {weir.outputs[-1]}" in answer.err
    with admin(weir.bootstrap) as client:
        assert weir.outputs[-1] not in client.list_topics()


def test_no_broker(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIR_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    answer = ask("summary")
    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert "no Kafka answers at 127.0.0.1:1" in answer.err


def test_what_a_worker_dead_letters(weir: RunningWeir, ask: Ask) -> None:
    assert weir.weir("topics", "create", "--partitions", "2").returncode == 0
    broken = malformed(7)
    weir.produce((event.key, event.raw) for event in broken.values())
    weir.produce((event.key, event.raw) for event in generate(5, seed=7))
    weir.start()
    weir.wait_for_commits(len(broken) + 5)
    summary = ask("summary", "--json", "--since", "-10m")
    assert summary.code == 0
    decoded = {kind["reason"]: kind["letters"] for kind in summary.json["kinds"] if kind["stage"] == "decode"}
    assert decoded == dict.fromkeys(broken, 1)
    letter = ask("list", "--json", "--reason", "not_utf8").json["letters"][0]
    shown = ask("show", f"{letter['topic']}/{letter['partition']}/{letter['offset']}", "--json")
    assert shown.json["record_kept"] is True
    assert shown.json["letters"] == [letter]


def test_a_broker_that_falls_silent_while_it_is_read() -> None:
    with LocalBroker() as broker:
        settings = Settings(kafka_bootstrap=broker.bootstrap, dead_letter_topic="letters")
        with admin(broker.bootstrap) as client:
            client.create_topics({"letters": {"num_partitions": 1, "replication_factor": 1}})
        writer = Writer(broker.bootstrap, "letters")
        for offset in range(3):
            writer.letter(BROKEN, offset, MORNING)
        writer.close()
        with (
            pytest.raises(BrokerError, match=r"Kafka .*(stopped to answer; 0 of 3|refused)"),
            DeadLetterTopic.of(settings) as topic,
        ):
            list(topic.letters(Selection(), lambda _, __: broker.freeze()))
        broker.thaw()
