"""`weir replay` while something goes wrong or is in its way: it ends with what can go on, or waits."""

import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import NoError, RetriableError
from kafka.structs import OffsetAndMetadata

from service.broker.local import LocalBroker
from service.demo.events import generate
from service.demo.malformed import malformed
from tests.integration.test_breakers import LEAK, change, event, leak
from tests.integration.test_replay import structured
from tests.replays import Replays, last_line
from tests.running_weir import RunningWeir, admin, running_weir, wait_until
from tests.warm_weir import WarmWeir

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

#: Seconds that a run bears with a Kafka that fails: the least there can be.
BRIEF = {"WEIR_TRANSACTION_TIMEOUT": "5"}


@pytest.fixture
def own_broker() -> Iterator[LocalBroker]:
    """A Kafka of the test's own."""
    with LocalBroker() as broker:
        yield broker


@pytest.mark.chaos
def test_kafka_away_for_a_while_and_for_good(
    own_broker: LocalBroker, warm: WarmWeir, tmp_path: Path, config_dir: Path, keyring_file: Path
) -> None:
    """It waits within a bound, then gives up; the same command goes on, and nothing is there twice."""
    with running_weir("away", own_broker.bootstrap, tmp_path, config_dir, keyring_file) as weir:
        replays = Replays(weir, warm)
        replays.create_topics()
        replays.produce(structured(400, seed=51))
        job = ("replay", "--job", "away", "--vendor", "mixpanel", "--vendor", "posthog")
        run = replays.start(*job, "--max-rate", "25")
        replays.wait_for_progress(run, "away", 20)
        own_broker.kill()
        run.wait_for("replay_waits_for_kafka")
        own_broker.restart()
        own_broker.wait_until_ready()
        replays.wait_for_progress(run, "away", 80)
        run.send(signal.SIGTERM)
        assert "was told to stop" in last_line(run.wait().err)
        run = replays.start(*job, "--max-rate", "25", **BRIEF)
        replays.wait_for_progress(run, "away", replays.progress("away") + 20)
        own_broker.kill()
        ended = run.wait()
        assert ended.code == 3
        assert "the same command goes on where the job is" in last_line(ended.err)
        own_broker.restart()
        own_broker.wait_until_ready()
        done = replays.start(*job, "--json").wait()
        assert done.code == 0, done.err
        assert 0 < done.json["this_run"]["records"] < 300
        sent = replays.count()
        assert sent.total() == len(sent) == sum(each["sent"] for each in done.json["outcomes"].values())
        warm.end_all()


def test_a_full_disk_leaves_nothing_that_passes_as_whole(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(300, seed=52))
    for name in ("review.ndjson", "review.ndjson.zst"):
        file = replays.weir.folder / name
        run = replays.start("replay", "--to-file", str(file), "--vendor", "segment", WEIR_BATCH_RECORDS="20")
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (8192, 8192))
        ended = run.wait()
        assert ended.code == 3
        assert "--to-file: cannot write" in last_line(ended.err)
        assert "File too large" in last_line(ended.err)
        assert not list(replays.weir.folder.glob("review*"))


def test_a_killed_run_leaves_no_whole_file(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(100, seed=53))
    file = replays.weir.folder / "review.ndjson"
    job = ("replay", "--to-file", str(file), "--vendor", "segment")
    run = replays.start(*job, "--max-rate", "20")
    wait_until(lambda: run.ended() or bool(list(replays.weir.folder.glob("review*"))), "a file is begun")
    run.send(signal.SIGTERM)
    assert run.wait().code == 3
    assert not list(replays.weir.folder.glob("review*"))
    run = replays.start(*job, "--max-rate", "20")
    wait_until(lambda: run.ended() or bool(list(replays.weir.folder.glob("review*"))), "a file is begun")
    run.send(signal.SIGKILL)
    run.wait()
    assert not file.exists()
    assert len(replays.file("--vendor", "segment")) == 100


def test_records_removed_while_a_job_rests(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(200, seed=54))
    job = ("replay", "--job", "rests", "--vendor", "mixpanel")
    run = replays.start(*job, "--max-rate", "50")
    replays.wait_for_progress(run, "rests", 25)
    run.send(signal.SIGTERM)
    assert run.wait().code == 3
    position = replays.progress("rests")
    replays.remove_records(150)
    refused = replays.start(*job).wait()
    assert refused.code == 3
    assert f"retention has removed offsets {position} to 149 of " in last_line(refused.err)
    assert "--allow-gaps goes on without them" in last_line(refused.err)
    done = replays.start(*job, "--allow-gaps", "--json").wait()
    assert done.code == 0, done.err
    assert done.json["gone"] == 150 - position
    assert done.json["this_run"]["records"] == 50
    assert replays.count().total() == done.json["records"] == position + 50


def test_a_raw_topic_made_anew(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(100, seed=55))
    job = ("replay", "--job", "anew", "--vendor", "mixpanel")
    run = replays.start(*job, "--max-rate", "50")
    replays.wait_for_progress(run, "anew", 25)
    run.send(signal.SIGTERM)
    assert run.wait().code == 3
    make_anew(replays, replays.weir.raw_topic)
    ended = replays.start(*job).wait()
    assert ended.code == 3
    # Kafka drops the offsets of every group with the topic; were the job to begin again, it could send twice.
    assert "Kafka has forgotten how far job anew was" in last_line(ended.err)


def make_anew(replays: Replays, topic: str) -> None:
    with admin(replays.weir.bootstrap) as client:
        client.delete_topics([topic])
        wait_until(lambda: topic not in client.list_topics(), "it is gone")
        client.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)


@pytest.mark.chaos
def test_an_output_topic_that_goes_or_shrinks(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(400, seed=56))
    gone, small = replays.topic_of("posthog"), replays.topic_of("segment")
    runs = {
        vendor: replays.start("replay", "--job", vendor, "--vendor", vendor, "--max-rate", "20", **BRIEF)
        for vendor in ("posthog", "segment")
    }
    for vendor, run in runs.items():
        replays.wait_for_progress(run, vendor, 10)
    with admin(replays.weir.bootstrap) as client:
        client.delete_topics([gone])
        client.alter_configs([ConfigResource("TOPIC", small, configs={"max.message.bytes": "300"})])
    ended = {vendor: run.wait() for vendor, run in runs.items()}
    assert [each.code for each in ended.values()] == [3, 3], ended
    for each in ended.values():
        assert "the same command goes on where the job is" in last_line(each.err)
    assert f"missing topics: {gone}" in replays.refusal("--job", "posthog", "--vendor", "posthog", code=3)
    # What is too large for the topic as it is now is dead-lettered, and the job comes to its end.
    report = replays.report("--job", "segment", "--vendor", "segment")
    outcomes = report["outcomes"]["segment"]
    assert outcomes["sent"] + outcomes["dead_lettered"]["output_too_large"] == 400
    assert replays.count(small).total() == outcomes["sent"]
    assert replays.letters().total() == outcomes["dead_lettered"]["output_too_large"] > 0
    replays.weir.outputs.remove(gone)


# Breakers


def test_an_open_breaker_stops_it(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(200, seed=57))
    job = ("replay", "--job", "broken", "--vendor", "mixpanel", "--vendor", "segment")
    assert replays.run("breaker", "open", "segment").code == 0
    before = replays.start(*job).wait()
    assert before.code == 3
    assert "the breaker of segment is open since " in last_line(before.err)
    assert replays.count().total() == 0
    assert replays.run("breaker", "close", "segment").code == 0
    run = replays.start(*job, "--max-rate", "25")
    replays.wait_for_progress(run, "broken", 20)
    assert replays.run("breaker", "open", "mixpanel").code == 0
    ended = run.wait()
    assert ended.code == 3
    assert "`weir breaker close mixpanel`" in last_line(ended.err)
    assert replays.run("breaker", "close", "mixpanel").code == 0
    report = replays.report(*job[1:])
    assert (report["finished"], report["records"]) == (True, 200)
    assert replays.count().total() == sum(each["sent"] for each in report["outcomes"].values())


def test_too_much_for_the_gate_stops_it(replays: Replays) -> None:
    leak(Path(replays.weir.environment["WEIR_CONFIG_DIR"]), "{gate_hits: 10, per_events: 100}")
    replays.create_topics(1)
    replays.produce((b"k", event(note)) for note in ["nothing"] * 40 + [LEAK] * 40)
    answer = replays.replay("--job", "leaks", "--vendor", "mixpanel", WEIR_BATCH_RECORDS="5")
    assert answer.code == 3
    assert "the gate found personal data" in last_line(answer.err)
    assert "planted" not in answer.err
    assert 0 < replays.count().total() < 50
    again = replays.replay("--job", "leaks", "--vendor", "mixpanel", WEIR_BATCH_RECORDS="5")
    assert again.code == 3


# The live stream, and looking on


def test_a_dry_run_writes_nothing(replays: Replays) -> None:
    replays.create_topics()
    replays.produce((each.key, each.raw) for each in [*generate(40, seed=58), *malformed(58).values()])
    before, groups = replays.ends(), groups_of(replays)
    report = replays.report("--dry-run", code=1)
    assert report["outcomes"]["all"]["dead_lettered"] == dict.fromkeys(malformed(58), 1)
    assert (replays.ends(), groups_of(replays)) == (before, groups)
    assert replays.report_of("list") == []


def groups_of(replays: Replays) -> set[str]:
    with admin(replays.weir.bootstrap) as client:
        groups = {each["group_id"] for each in client.list_groups()}
    return {each for each in groups if each.startswith(replays.weir.group)}


def test_what_another_policy_changes(replays: Replays, tmp_path: Path) -> None:
    """Fields and how often; no value, of neither policy's outputs."""
    replays.create_topics()
    sample = generate(80, seed=59)
    replays.produce((each.key, each.raw) for each in sample)
    other = tmp_path / "other"
    shutil.copytree(replays.weir.environment["WEIR_CONFIG_DIR"], other)
    arguments = ("--dry-run", "--vendor", "mixpanel", "--vendor", "segment")
    files = [replays.weir.folder / name for name in ("report.json", "report.md")]
    same = replays.report(*arguments, "--diff-policy", str(other))
    assert same["differences"]["mixpanel"]["same"] == same["outcomes"]["mixpanel"]["sent"] > 0
    change(other / "vendors" / "mixpanel.yaml", "\n  category: keep\n", "\n  category: drop\n")
    change(other / "vendors" / "mixpanel.yaml", "\n  - Playground Run\n", "\n")
    answer = replays.replay(
        *arguments, "--diff-policy", str(other), *(w for file in files for w in ("--report", str(file)))
    )
    assert answer.code == 1, answer.err
    differences = orjson.loads(files[0].read_bytes())["differences"]
    assert differences["segment"]["changed"] == differences["segment"]["removed"] == 0
    ours = differences["mixpanel"]
    assert 0 < ours["removed"] <= sum(each.body.get("event") == "Playground Run" for each in sample)
    assert ours["changed"] > 0
    assert {tuple(changes) for changes in ours["fields"].values()} == {("removed",)}
    said = answer.out + answer.err + "".join(file.read_text() for file in files)
    planted = {each.value for event in sample for each in event.planted}
    assert not [value for value in planted if value in said]
    assert not [each for each in replays.file(*arguments[1:]) if each["key"] in said]


def test_it_waits_for_the_live_worker(replays: Replays) -> None:
    weir = replays.weir
    replays.create_topics()
    replays.produce(structured(60, seed=60))
    nowhere = replays.replay("--dry-run", "--vendor", "mixpanel", "--max-lag-topic", "nowhere=1")
    assert nowhere.code == 3
    assert "no topic nowhere" in last_line(nowhere.err)
    arguments = ("--job", "patient", "--vendor", "mixpanel", "--max-lag-topic", "10", "--every", "1")
    run = replays.start("replay", "--json", *arguments)
    run.wait_for("waits for the live worker, 60 records behind")
    assert (replays.progress("patient"), replays.count().total()) == (0, 0)
    set_offsets(weir, replays.ends()[weir.raw_topic])
    done = run.wait()
    assert done.code == 0, done.err
    assert done.json["records"] == replays.count().total() == 60


def set_offsets(weir: RunningWeir, offsets: list[int]) -> None:
    """Set where the live group stands, as if its worker had come so far."""
    wanted = {
        TopicPartition(weir.raw_topic, n): OffsetAndMetadata(offset, "", -1)
        for n, offset in enumerate(offsets)
    }

    def are_set() -> bool:
        with admin(weir.bootstrap) as client:
            try:
                answer = client.alter_group_offsets(weir.group, wanted)
            except RetriableError:
                return False
        return all(each is NoError for each in answer.values())

    wait_until(are_set, "offsets set")
