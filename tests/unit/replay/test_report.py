"""The report for people says what the one for machines says."""

from kafka import TopicPartition

from service.policy.vendor_names import VendorName
from service.replay.definition import Arguments, Definition, Range
from service.replay.progress import Progress
from service.replay.report import Report
from service.replay.tally import Counted, Kind, Tally
from service.replay.targets import Mark

SOURCE = TopicPartition("events.raw", 3)


def report_of(tally: Tally, *, finished: bool) -> Report:
    definition = Definition(
        job="texts",
        shard=1,
        shards=2,
        begun=1_772_431_200_000,
        arguments=Arguments(topics=("events.raw",), since="-7d"),
        vendors=(VendorName.POSTHOG,),
        policy="f" * 64,
        keys=(),
        ranges=(Range(topic=SOURCE.topic, partition=SOURCE.partition, start=1000, end=4000),),
        gone=5,
        notes=("a note",),
    )
    progress = Progress()
    progress.begin(definition.ranges, {SOURCE: Mark(3000, tally)})
    return Report(definition, progress, mode="the vendors' topics", finished=finished, differences=None)


def test_for_people() -> None:
    tally = Tally(records=2000, skipped=10, gone=2)
    tally.outcomes[Counted("posthog", Kind.SENT)] = 1990
    tally.outcomes[Counted("posthog", Kind.DEAD_LETTERED, "no_usable_id")] = 10
    tally.gate_hits["posthog"] = 3
    tally.keys["k1"] = 1990
    report = report_of(tally, finished=False)
    assert report.found_something
    lines = report.as_markdown().splitlines()
    for line in (
        "- **State**: not finished, 2,000 of 3,000 offsets",
        "- **Arguments**: `--from -7d --topic events.raw`",
        "- **Shard**: 1/2",
        "- **Key versions**: `k1` (1,990)",
        "- **Gate hits**: posthog (3)",
        "- **Records**: 2,000 sanitized, 10 not asked for, 7 offsets gone",
        "| posthog | sent | - | 1,990 |",
        "| posthog | dead_lettered | no_usable_id | 10 |",
        "| events.raw/3 | 1,000 | 4,000 | 3,000 |",
        "- a note",
    ):
        assert line in lines


def test_nothing_found() -> None:
    report = report_of(Tally(records=1), finished=True)
    assert not report.found_something
    assert "Gate hits" not in report.as_markdown()
