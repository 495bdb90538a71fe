"""What `weir replay` refuses before it begins: an exit code, and a line that says what to do."""

import re
from pathlib import Path

import pytest

from service.demo.events import Mix, generate
from tests.integration.test_replay import ACCEPT, HOUR, MORNING, structured
from tests.replays import Replays, the_line
from tests.running_weir import admin

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

USAGE = (
    (("--vendor", "mixpanle"), "'mixpanle' is not one of 'mixpanel'"),
    (("--from", "yesterday"), "write 2026-03-02T06:00:00Z"),
    (("--offsets", "x.csv", "--from", "-1h"), "--offsets and --from do not go together"),
    (("--offsets", "x.csv", "--from-dead-letters"), "--offsets and --from-dead-letters do not go together"),
    (("--to-file", "x.ndjson", "--to-topic", "y"), "--to-file and --to-topic do not go together"),
    (("--to-file", "x.ndjson", "--dry-run"), "--to-file and --dry-run do not go together"),
    (("--to-file", "x.ndjson", "--job", "y"), "--to-file and --job do not go together"),
    (("--dry-run", "--restart"), "--dry-run and --restart do not go together"),
    (("--reason", "timeout"), "--reason needs --from-dead-letters"),
    (("--diff-policy", "x"), "--diff-policy needs --dry-run"),
    (("--from-dead-letters", "--reason", "time_out"), "did you mean timeout?"),
    (("--shard", "3/3"), "not I/N as in 0/3"),
    (("--max-lag-topic", "many"), "not a number of records"),
    (("--max-rate", "0"), "--max-rate"),
    (("--report", "x.txt"), "ends neither in .json nor in .md"),
    (("--report", "nowhere/x.md"), "there is no folder nowhere"),
    (("--job", "a job"), "a job's id has letters"),
    (("status", "a job"), "a job's id has letters"),
)


def test_wrong_usage(replays: Replays) -> None:
    for arguments, words in USAGE:
        answer = replays.replay(*arguments, WEIR_KAFKA_BOOTSTRAP="127.0.0.1:1")
        assert answer.code == 2, arguments
        assert words in re.sub(r"[\s│]+", " ", answer.err), answer.err
        assert answer.out == ""


def test_wrong_configuration(replays: Replays, tmp_path: Path) -> None:
    config = Path(replays.weir.environment["WEIR_CONFIG_DIR"])
    lines = (
        (f"topic\n{replays.weir.raw_topic},0,9,3\n", "line 1: not topic,partition,from,to"),
        (f"{replays.weir.raw_topic},0,9,3\n", "line 1: the end is not after the start"),
        ("", "names no offsets"),
    )
    away = {"WEIR_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    file = tmp_path / "offsets.csv"
    for text, words in lines:
        file.write_text(text)
        assert words in replays.refusal("--offsets", str(file), code=2, **away)
    assert "cannot read" in replays.refusal("--offsets", str(tmp_path / "none"), code=2, **away)
    assert "--to is not after --from" in replays.refusal("--from", "-1h", "--to", "-2h", code=2, **away)
    assert "did you mean 'Signed Up'?" in replays.refusal("--event", "Sign Up", code=2, **away)
    assert "nowhere.json" in replays.refusal(
        "--from", "-1h", code=2, WEIR_KEYRING_FILE="nowhere.json", **away
    )
    (config / "vendors" / "segment.yaml").write_text("topic: [")
    broken = replays.replay("--from", "-1h", **away)
    assert (broken.code, broken.out) == (2, "")
    assert "segment.yaml:" in broken.err


def test_no_broker_or_topic(replays: Replays) -> None:
    away = {"WEIR_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    runs = [replays.start("replay", *arguments, **away) for arguments in (("--from", "-1h"), ("list",))]
    for run in runs:  # each waits for a while
        answer = run.wait()
        assert (answer.code, answer.out) == (3, "")
        assert "no Kafka answers at 127.0.0.1:1" in the_line(answer.err)
    assert f"missing topics: {replays.weir.raw_topic}" in replays.refusal("--dry-run", code=3)
    replays.create_topics()
    for option in ("--topic", "--to-topic"):
        assert "missing topics: nowhere;" in replays.refusal(option, "nowhere", code=3)
    for taken in (replays.weir.raw_topic, replays.weir.control_topic, replays.weir.dead_letters):
        assert f"{taken} has another use already" in replays.refusal("--to-topic", taken, code=2)


def test_nothing_to_do(replays: Replays) -> None:
    replays.create_topics()
    assert "the range is empty" in replays.refusal("--vendor", "mixpanel", code=2)
    replays.produce(structured(10, seed=41), timestamp=MORNING)
    later = ("--from", "2026-03-02T06:00:01Z")
    assert "the range is empty" in replays.refusal("--vendor", "mixpanel", *later, code=2)
    assert "there are no such dead letters" in replays.refusal("--from-dead-letters", code=2)
    for command in ("status", "cancel"):
        assert "there is no job nobodys" in replays.refusal(command, "nobodys", code=2)
    assert replays.report_of("list") == []
    file = replays.weir.folder / "offsets.csv"
    for line, code, words in (
        (f"{replays.weir.raw_topic},0,0,99", 2, "ends at offset"),
        (f"{replays.weir.raw_topic},2,0,1", 3, "no such partition"),
        ("nowhere,0,0,1", 3, "missing topics: nowhere"),
    ):
        file.write_text(line)
        assert words in replays.refusal("--offsets", str(file), code=code)


def test_what_a_vendor_would_count_twice(replays: Replays) -> None:
    """Nothing goes anywhere before whoever starts the job has agreed."""
    replays.create_topics(1)
    replays.produce(structured(4, seed=42), timestamp=MORNING)
    before = replays.ends()
    for vendor, words in (
        ("ga4", "ga4 knows no event again that it had before"),
        ("segment", "segment knows an event again for 1 days, and the range begins "),
        ("amplitude", "amplitude knows an event again for 7 days, and the range begins "),
    ):
        line = replays.refusal("--vendor", vendor, code=2)
        assert words in line
        assert ACCEPT in line
    assert replays.ends() == before
    assert replays.report("--vendor", "mixpanel")["notes"] == []
    assert "segment knows" in replays.report("--vendor", "segment", ACCEPT)["notes"][0]


def test_a_job_stays_what_it_began_as(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(10, seed=43))
    job = ("--job", "fixed", "--vendor", "mixpanel")
    replays.report(*job)
    assert "began with other arguments" in replays.refusal(*job, "--event", "page", code=2)
    policy = Path(replays.weir.environment["WEIR_CONFIG_DIR"]) / "vendors" / "mixpanel.yaml"
    whole = policy.read_text()
    policy.write_text(re.sub(r"(?m)^breaker: .*$", "breaker: {gate_hits: 7, per_events: 77}", whole))
    assert "began with another policy" in replays.refusal(*job, code=2)
    policy.write_text(whole)
    with admin(replays.weir.bootstrap) as client:
        client.delete_groups([f"{replays.weir.group}.replay.fixed"])
    assert "Kafka has forgotten how far job fixed was" in the_line_of_a_run(replays, *job)
    (status,) = replays.report_of("status", "fixed")
    assert status["state"] == "forgotten"
    assert replays.report(*job, "--restart")["records"] == 10


def the_line_of_a_run(replays: Replays, *arguments: str) -> str:
    answer = replays.replay(*arguments)
    assert (answer.code, answer.out) == (3, "")
    return the_line("\n".join(line for line in answer.err.splitlines() if line.startswith("weir: ")))


def test_records_that_retention_removed(replays: Replays) -> None:
    replays.create_topics(1)
    for hour in range(3):
        replays.produce(structured(10, seed=hour), timestamp=MORNING + hour * HOUR)
    replays.remove_records(15)
    whole = ("--from", "2026-03-02T06:00:00Z", "--dry-run", "--vendor", "mixpanel")
    line = replays.refusal(*whole, code=2)
    assert f"{replays.weir.raw_topic}/0: offsets 0 to 14" in line
    assert "--allow-gaps" in line
    allowed = replays.report(*whole, "--allow-gaps")
    assert allowed["records"] == 15
    assert "offsets 0 to 14" in allowed["notes"][0]
    kept = ("--from", "2026-03-02T08:00:00Z", "--dry-run", "--vendor", "mixpanel")
    assert replays.report(*kept)["records"] == 10
    file = replays.weir.folder / "offsets.csv"
    file.write_text(f"{replays.weir.raw_topic},0,10,20\n")
    assert "offsets 10 to 14" in replays.refusal("--offsets", str(file), "--dry-run", code=2)
    report = replays.report("--offsets", str(file), "--dry-run", "--vendor", "mixpanel", "--allow-gaps")
    assert (report["records"], report["gone"]) == (5, 5)


def test_a_file_that_is_there_is_never_touched(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce((event.key, event.raw) for event in generate(3, seed=44, mix=Mix.STRUCTURED))
    file = replays.weir.folder / "mine.ndjson"
    file.write_text("mine\n")
    assert "mine.ndjson is there already" in replays.refusal("--to-file", str(file), code=2)
    assert file.read_text() == "mine\n"
    nowhere = replays.weir.folder / "nowhere" / "review.ndjson"
    assert "cannot write" in replays.refusal("--to-file", str(nowhere), code=3)
