"""`weir replay` against a real Kafka: the same bytes, marked where they must be, once, of what was asked."""

import json
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import zstandard
from jsonschema_rs import Draft202012Validator

from service.demo.events import Mix, generate
from service.demo.malformed import malformed
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.schema_files import schema_path
from tests.replays import Raw, Replays, Sent, by_key, last_line
from tests.running_weir import wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

HOUR = 3_600_000
#: 2026-03-02T06:00:00Z
MORNING = 1_772_431_200_000
#: Consent to what Google Analytics would count twice.
ACCEPT = "--accept-duplicates-at-vendor"


def structured(count: int, seed: int) -> list[Raw]:
    return [(event.key, event.raw) for event in generate(count, seed=seed, mix=Mix.STRUCTURED)]


def mixed(count: int, seed: int) -> list[Raw]:
    """Events with words and without, and a record of each kind that is no event."""
    return [(event.key, event.raw) for event in [*generate(count, seed=seed), *malformed(seed).values()]]


# The same bytes


def test_a_replay_gives_the_live_workers_bytes(replays: Replays) -> None:
    """Whatever the batches, processes, order of the jobs and vendors of each."""
    random = Random(20)
    weir = replays.weir
    replays.create_topics(others=[f"{weir.group}.{name}" for name in "abc"])
    raw = mixed(250, seed=20)
    replays.produce(raw)
    worker = replays.start("worker", WEIR_BATCH_RECORDS="64")
    wait_until(lambda: worker.ended() or weir.committed() == len(raw), "the live worker is done")
    worker.send(signal.SIGTERM)
    assert worker.wait().code == 0
    live, letters = replays.count(), replays.letters()
    assert len(letters) >= 15
    for name in "ab":
        topic = f"{weir.group}.{name}"
        vendors = list(VendorName)
        random.shuffle(vendors)
        cut = random.randrange(1, len(vendors))
        for some in (vendors[:cut], vendors[cut:]):
            report = replays.report(
                "--as-live",
                "--to-topic",
                topic,
                *of_vendors(some),
                WEIR_BATCH_RECORDS=str(random.choice([1, 3, 17, 400])),
                WEIR_PROCESSES=str(random.randrange(1, 3)),
            )
            assert report["records"] == len(raw)
        assert replays.count(topic) == live
    assert replays.letters() == letters  # these went to no vendor, and neither do their letters
    others = [vendor for vendor in VendorName if vendor is not VendorName.GA4]
    before = {vendor: replays.count(replays.topic_of(vendor)) for vendor in others}
    replays.report("--as-live", *of_vendors(others), WEIR_BATCH_RECORDS="30")
    for vendor in others:
        assert replays.count(replays.topic_of(vendor)) == twice(before[vendor]), vendor
    assert replays.letters() == letters + for_each(others, letters)


def for_each(vendors: Sequence[VendorName], letters: Counter[Sent]) -> Counter[Sent]:
    """The letters of a job for some of the vendors: one for each in place of one for all."""
    found: Counter[Sent] = Counter()
    for (key, value, headers), times in letters.items():
        letter = orjson.loads(value or b"")
        for vendor in vendors:
            if letter["vendor"] in {None, vendor}:
                found[key, orjson.dumps({**letter, "vendor": vendor}), headers] += times
    return found


def of_vendors(vendors: Sequence[VendorName]) -> list[str]:
    return [word for vendor in vendors for word in ("--vendor", vendor)]


def twice(counts: Counter[Any]) -> Counter[Any]:
    return counts + counts


MARKS = {
    VendorName.AMPLITUDE: ("$skip_user_properties_sync", True),
    VendorName.POSTHOG: ("historical_migration", True),
}


def test_old_events_are_marked_and_nothing_else_changes(replays: Replays) -> None:
    replays.create_topics()
    now = int(time.time())
    raw = [(event.key, event.body) for event in generate(60, seed=21, mix=Mix.STRUCTURED)]
    for number, (_, body) in enumerate(raw):
        if number % 2:
            body["timestamp"] = format_timestamp(now - 70 * 3600 - number)
    replays.produce((key, json.dumps(body).encode()) for key, body in raw)
    live = {(each["record"], each["vendor"]): each for each in replays.file("--as-live", name="live.ndjson")}
    marked = {(each["record"], each["vendor"]): each for each in replays.file(name="marked.ndjson")}
    too_old = live.keys() - marked.keys()
    assert marked.keys() < live.keys()
    assert {vendor for _, vendor in too_old} == {VendorName.GA4}
    limit = (now - 72 * 3600) * 1_000_000
    for place, line in live.items():
        if place[1] == VendorName.GA4:
            assert (line["value"]["timestamp_micros"] < limit) is (place in too_old)
    assert sum(vendor == VendorName.GA4 for _, vendor in marked) > 5
    validators = {
        vendor: Draft202012Validator(json.loads(schema_path(f"vendors/{vendor}.v1.schema.json").read_text()))
        for vendor in VendorName
    }
    for place, line in marked.items():
        validators[VendorName(place[1])].validate(line["value"])
        if place[1] in MARKS:
            mark, value = MARKS[VendorName(place[1])]
            assert line["value"].pop(mark) is value
        assert orjson.dumps(line) == orjson.dumps(live[place])
    report = replays.report(ACCEPT, "--vendor", "ga4")
    assert report["outcomes"]["ga4"]["suppressed"]["too_old_for_vendor"] == len(too_old)
    assert "ga4 knows no event again" in report["notes"][0]
    assert replays.count(replays.topic_of("ga4")).total() == sum(each == "ga4" for _, each in marked)


def test_a_file_may_be_compressed(replays: Replays) -> None:
    replays.create_topics(1)
    replays.produce(structured(20, seed=22))
    plain = replays.file("--vendor", "segment")
    file = replays.weir.folder / "review.ndjson.zst"
    assert replays.replay("--to-file", str(file), "--vendor", "segment").code == 0
    with zstandard.open(file, "rt") as lines:
        assert [json.loads(line) for line in lines] == plain
    assert [each["record"] for each in plain] == [f"{replays.weir.raw_topic}/0/{n}" for n in range(20)]
    assert not list(replays.weir.folder.glob("*.partial"))


# What is replayed


def test_times(replays: Replays) -> None:
    replays.create_topics()
    for hour in range(4):
        for partition in range(2):
            replays.produce(structured(5, seed=hour), timestamp=MORNING + hour * HOUR, partition=partition)
    replays.produce(structured(3, seed=9), partition=0)
    for arguments, records, first in (
        (("--from", "2026-03-02T07:00:00Z", "--to", "2026-03-02T09:00:00Z"), 20, 5),
        (("--to", "2026-03-02T08:00:00+01:00"), 10, 0),
        (("--from", "2026-03-02", "--to", "2026-03-03"), 40, 0),
        (("--from", "-1h"), 3, 20),
    ):
        report = replays.report("--dry-run", "--vendor", "mixpanel", *arguments)
        assert (report["records"], report["ranges"][0]["start"]) == (records, first), arguments


def test_offsets(replays: Replays) -> None:
    replays.create_topics(3)
    for partition in range(3):
        replays.produce(structured(10, seed=partition), partition=partition)
    topic, file = replays.weir.raw_topic, replays.weir.folder / "offsets.csv"
    file.write_text(f"# a range, and one without an end\n{topic},0,2,5\n\n{topic},2,7\n")
    lines = replays.file("--offsets", str(file), "--vendor", "segment", "--as-live")
    assert {each["record"] for each in lines} <= {f"{topic}/0/{n}" for n in (2, 3, 4)} | {
        f"{topic}/2/{n}" for n in (7, 8, 9)
    }
    assert {each["record"].split("/")[1] for each in lines} == {"0", "2"}
    report = replays.report("--offsets", str(file), "--dry-run", "--vendor", "segment")
    assert report["records"] == 6
    assert [(each["partition"], each["start"], each["end"]) for each in report["ranges"]] == [
        (0, 2, 5),
        (2, 7, 10),
    ]


def test_events_and_topics(replays: Replays) -> None:
    weir = replays.weir
    replays.create_topics(1, others=[f"{weir.group}.older"])
    events = generate(120, seed=23, mix=Mix.STRUCTURED)
    replays.produce([*((event.key, event.raw) for event in events), (b"k", b"no JSON"), (b"k", None)])
    names = Counter(str(event.body.get("event") or event.body["type"]) for event in events)
    tracked = next(name for name, _ in names.most_common() if name[0].isupper())
    report = replays.report("--dry-run", "--vendor", "segment", "--event", tracked, "--event", "page")
    assert report["records"] == names[tracked] + names["page"]
    assert report["skipped"] == len(events) + 2 - report["records"]
    weir.raw_topic, newer = f"{weir.group}.older", weir.raw_topic
    try:
        replays.produce(structured(7, seed=24))
        older = replays.report("--dry-run", "--vendor", "segment", "--topic", weir.raw_topic)
        both = replays.report(
            "--dry-run", "--vendor", "segment", "--topic", weir.raw_topic, "--topic", newer, code=1
        )
    finally:
        weir.raw_topic = newer
    assert (older["records"], both["records"]) == (7, 7 + len(events) + 2)


def test_dead_letters(replays: Replays) -> None:
    """Only their records go again, to the letters' vendors, and no letter is written twice."""
    replays.create_topics()
    ring = json.loads(Path(replays.weir.environment["WEIR_KEYRING_FILE"]).read_text())
    ring["versions"][0]["not_before"] = "2026-06-01T00:00:00Z"  # after all events
    young = replays.weir.folder / "young.json"
    young.write_text(json.dumps(ring))
    young.chmod(0o600)
    events, broken = structured(40, seed=25), malformed(25)
    replays.produce([*events, *((event.key, event.raw) for event in broken.values())])
    vendors = ("--vendor", "mixpanel", "--vendor", "posthog")
    first = replays.report(*vendors, WEIR_KEYRING_FILE=str(young))
    for vendor in ("mixpanel", "posthog"):
        wanted = {str(reason): 1 for reason in broken} | {"no_key_for_time": 40}
        assert first["outcomes"][vendor] == {"dead_lettered": wanted}
    letters = replays.letters()
    assert letters.total() == 2 * (40 + len(broken))
    again = replays.report("--from-dead-letters", "--reason", "not_utf8", "--reason", "bad_timestamp")
    both = {"dead_lettered": {"bad_timestamp": 1, "not_utf8": 1}}
    assert again["outcomes"] == {"mixpanel": both, "posthog": both}
    assert (again["records"], replays.count().total()) == (2, 0)
    repaired = replays.report("--from-dead-letters", "--from", "-1h")
    assert repaired["records"] == 40 + len(broken)
    assert {vendor: each["sent"] for vendor, each in repaired["outcomes"].items()} == {
        "mixpanel": 40,
        "posthog": 40,
    }
    assert replays.count(replays.topic_of("mixpanel")).total() == 40
    assert replays.letters() == letters


# Once


def test_killed_at_any_moment_it_goes_on_exactly_where_it_was(replays: Replays) -> None:
    random = Random(26)
    weir = replays.weir
    review = f"{weir.group}.review"
    replays.create_topics(others=[review])
    raw = mixed(600, seed=26)
    replays.produce(raw)
    vendors = ("--vendor", "mixpanel", "--vendor", "amplitude")
    replays.report("--to-topic", review, *vendors)
    job = ("replay", "--job", "killed", *vendors, "--max-rate", "150")  # so slow that no kill comes too late
    for number in range(5):
        run = replays.start(*job, WEIR_BATCH_RECORDS="20")
        if number == 0:
            time.sleep(random.uniform(0.3, 2))  # anywhere in its start
        else:
            replays.wait_for_progress(run, "killed", random.randrange(100 * number, 100 * number + 100))
        run.send(signal.SIGKILL)
        assert run.wait().code == -signal.SIGKILL
    # What comes after its first start is not the job's.
    replays.produce(structured(50, seed=27))
    last = replays.start(*job, WEIR_BATCH_RECORDS="20").wait()
    assert last.code == 0, last.err
    topics = [replays.topic_of("mixpanel"), replays.topic_of("amplitude")]
    assert replays.count(*topics) == replays.count(review)
    expected = by_key(replays.read(review))
    for topic in topics:
        for key, values in by_key(replays.read(topic)).items():
            assert values == expected[key]  # a key is one vendor's, and keeps its order
    assert len(replays.letters()) == replays.letters().total() == 2 * len(malformed(26))
    (status,) = replays.report_of("status", "killed")
    assert (status["state"], status["records"]) == ("done", len(raw))


def test_told_to_stop_it_goes_on_later_and_done_it_stays_done(replays: Replays) -> None:
    replays.create_topics()
    replays.produce(structured(200, seed=28))
    job = ("--job", "stopped", "--vendor", "posthog")
    run = replays.start("replay", *job, "--max-rate", "100")
    replays.wait_for_progress(run, "stopped", 25)
    run.send(signal.SIGTERM)
    stopped = run.wait()
    assert stopped.code == 3
    assert "job stopped was told to stop; the same command goes on" in last_line(stopped.err)
    (listed,) = replays.report_of("list")
    assert listed["state"] == "unfinished"
    assert 25 <= listed["done"] < 200
    report = replays.report(*job)
    assert (report["finished"], report["records"]) == (True, 200)
    assert report["this_run"]["records"] == 200 - listed["done"]
    sent = replays.count()
    assert sent.total() == report["outcomes"]["posthog"]["sent"] == len(sent)
    again = replays.report(*job)
    assert (again["finished"], again["this_run"]["records"]) == (True, 0)
    assert again["outcomes"] == report["outcomes"]
    assert replays.count() == sent
    replays.report(*job, "--restart")
    assert replays.count() == twice(sent)


def test_two_at_once_are_as_one(replays: Replays) -> None:
    replays.create_topics()
    replays.produce(structured(300, seed=29))
    job = ("replay", "--job", "both", "--vendor", "mixpanel")
    first = replays.start(*job, "--max-rate", "20")  # and so with some 15 s to go
    replays.wait_for_progress(first, "both", 5)
    second = replays.start(*job)
    fenced, done = first.wait(), second.wait()
    assert (fenced.code, done.code) == (3, 0), (fenced.err, done.err)
    assert "another run of job both has taken over" in last_line(fenced.err)
    (status,) = replays.report_of("status", "both")
    assert status["state"] == "done"
    sent = replays.count()
    assert sent.total() == len(sent) == status["outcomes"]["mixpanel"]["sent"]


def test_a_cancelled_job_ends_and_stays_so(replays: Replays) -> None:
    replays.create_topics()
    replays.produce(structured(300, seed=30))
    job = ("--job", "unwanted", "--vendor", "mixpanel")
    run = replays.start("replay", *job, "--max-rate", "50")
    replays.wait_for_progress(run, "unwanted", 20)
    (cancelled,) = replays.report_of("cancel", "unwanted")
    sent = replays.count()
    assert cancelled["state"] == "cancelled"
    ended = run.wait()
    assert ended.code == 3
    assert "unwanted" in last_line(ended.err)
    assert replays.count() == sent
    assert "job unwanted was cancelled; --restart starts it over" in replays.refusal(*job, code=3)
    assert replays.count() == sent
    assert replays.report(*job, "--restart")["records"] == 300
    assert "job unwanted is done" in replays.refusal("cancel", "unwanted", code=2)


def test_shards_are_one_job(replays: Replays) -> None:
    review = f"{replays.weir.group}.review"
    replays.create_topics(3, others=[review])
    replays.produce(structured(150, seed=31))
    whole = replays.report("--to-topic", review, "--vendor", "segment")
    job = ("--job", "parts", "--vendor", "segment")
    runs = [replays.start("replay", "--json", *job, "--shard", f"{n}/2") for n in range(2)]
    answers = [run.wait() for run in runs]
    assert [each.code for each in answers] == [0, 0], [each.err for each in answers]
    reports = [each.json for each in answers]
    assert [[each["partition"] for each in report["ranges"]] for report in reports] == [[0, 2], [1]]
    assert sum(report["records"] for report in reports) == whole["records"] == 150
    assert replays.count() == replays.count(review)
    assert [each["state"] for each in replays.report_of("status", "parts")] == ["done", "done"]
    for other in ("0/3", "0/1"):
        assert "began with 2 shards" in replays.refusal(*job, "--shard", other, code=2)
