"""The rate and the memory of replays, beside the live worker and plain kafka-python on the same records."""

import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from rich import box
from rich.console import Console
from rich.table import Table

from service.bench.machine import machine
from service.bench.memory import Course, in_all, megabytes
from service.bench.processes import Memory, memory, worker_roles
from service.broker.local import use_broker
from service.demo.events import Mix, generate
from service.demo.pipeline import (
    Pipeline,
    Progress,
    RunningProcess,
    Stopwatch,
    own_settings,
    partitions_of,
    running,
    watch,
)
from service.demo.run import Steps
from service.events.json_value import JsonObject
from service.policy import load
from service.policy.vendor_names import VendorName
from service.replay.definition import group_of
from service.settings import Settings
from service.streaming.topics import NeededTopic, Role

_COPIES: Final = "weir.bench.copies"
_REPLAYED: Final = "weir.bench.replayed"
#: The vendor of the runs for one.
ONE: Final = VendorName.MIXPANEL
#: Events made up at once, each piece of other people than the one before.
_PIECE: Final = 20_000
_LOOK_SECONDS: Final = 0.5


class ReplayRun(NamedTuple):
    """One replay.

    Attributes:
        vendor_records: Records that it sent.
        rate: Raw records a second, from its first read to its last commit.
        memory: All of its processes together, from right before its first commit on.
    """

    vendor_records: int
    rate: float
    memory: Course


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What was measured; rates in raw records a second.

    Attributes:
        records: Raw records.
        processes: Sanitizer processes of each worker and replay.
        copy: Plain kafka-python's rate.
        worker: The live worker's for every vendor.
        one: A replay for one vendor, into its topic.
        all: A replay for every vendor, into one topic.
    """

    records: int
    processes: int
    copy: float
    worker: float
    one: ReplayRun
    all: ReplayRun

    @property
    def rates(self) -> dict[str, float]:
        """By what ran."""
        return {
            "plain kafka-python copy": self.copy,
            "live worker, five vendors": self.worker,
            f"replay, {ONE} alone": self.one.rate,
            "replay, five vendors": self.all.rate,
        }

    def print(self, console: Console) -> None:
        table = Table(title="Replay", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("")
        for heading in ("raw records/s", "/ copy", "/ live worker"):
            table.add_column(heading, justify="right")
        for name, rate in self.rates.items():
            ratios = [f"{_ratio(rate, other):.2f}" for other in (self.copy, self.worker)]
            table.add_row(name, f"{rate:,.0f}", *ratios)
        console.print(table)
        sizes = Table(title="Memory of a replay, MB (PSS)", title_justify="left", box=box.SIMPLE_HEAD)
        sizes.add_column("")
        for heading in ("start", "median", "end", "most"):
            sizes.add_column(heading, justify="right")
        for name, run in ((f"{ONE} alone", self.one), ("five vendors", self.all)):
            course = run.memory
            sizes.add_row(name, *map(megabytes, (course.start, course.middle, course.end, course.most)))
        console.print(sizes)
        console.print(
            f"{self.records:,} structured events, each {_PIECE:,} of other people; "
            f"{self.one.vendor_records:,} and {self.all.vendor_records:,} vendor records were replayed. "
            f"{machine()}, {self.processes} sanitizer processes. The copy is one process without "
            "transactions. Raw records are compressed with gzip; nothing that is written is."
        )

    def as_json(self) -> JsonObject:
        return {
            "records": self.records,
            "processes": self.processes,
            "records_per_second": {name: round(rate, 1) for name, rate in self.rates.items()},
            "replay_one_to_worker": round(_ratio(self.one.rate, self.worker), 3),
            "replay_all_to_worker": round(_ratio(self.all.rate, self.worker), 3),
            "replay_one_to_copy": round(_ratio(self.one.rate, self.copy), 3),
            "replays": {
                name: {
                    "vendor_records": run.vendor_records,
                    "pss_bytes": {
                        "start": run.memory.start,
                        "median": run.memory.middle,
                        "end": run.memory.end,
                        "most": run.memory.most,
                    },
                }
                for name, run in (("one", self.one), ("all", self.all))
            },
            "machine": machine(),
        }


def measure(settings: Settings, *, events: int, steps: Steps) -> ReplayReport:
    """Run a copy, live workers and replays over the same raw records, one after the other.

    Raises:
        WeirError: if the broker or one of them does not do its part.
    """
    policy = load(settings.config_dir)
    with contextlib.ExitStack() as stack:
        with steps.step("Start Kafka and create the topics"):
            bootstrap = stack.enter_context(use_broker())
            own = stack.enter_context(own_settings(settings, bootstrap))
            others = [NeededTopic(topic, Role.VENDOR) for topic in (_COPIES, _REPLAYED)]
            pipeline = Pipeline(own, policy, others)
            stack.enter_context(pipeline.topics(keep=False))
        with steps.step("Make up structured events and produce them") as progress:
            _fill(pipeline, events, progress)
        with steps.step("Plain kafka-python") as progress:
            copy = _copy(pipeline, events, progress)
        with steps.step("Live worker, five vendors") as progress:
            worker = Stopwatch(progress)
            with pipeline.worker() as process:
                pipeline.wait(process, worker)
        with steps.step(f"Replay, {ONE} alone") as progress:
            one = _replay(own, pipeline, events, ["--vendor", ONE], progress)
        # Events as old as the sample's go to Google Analytics only elsewhere, and without a mark.
        with steps.step("Replay, five vendors") as progress:
            every = _replay(own, pipeline, events, ["--to-topic", _REPLAYED, "--as-live"], progress)
    return ReplayReport(events, settings.processes, copy, worker.rate, one, every)


def _ratio(rate: float, other: float) -> float:
    """One over the other; 0 where there were too few records to time the other."""
    return rate / other if other else 0.0


def _fill(pipeline: Pipeline, events: int, progress: Progress) -> None:
    for done in range(0, events, _PIECE):
        sample = generate(min(_PIECE, events - done), seed=done, mix=Mix.STRUCTURED)
        pipeline.produce((event.key, event.raw) for event in sample)
        progress(done + len(sample), events)


def _copy(pipeline: Pipeline, events: int, progress: Progress) -> float:
    stopwatch = Stopwatch(progress)
    partitions = partitions_of([_COPIES])
    arguments = ("service.bench.plain_copy", _COPIES)
    with (
        pipeline.consumer() as consumer,
        running("the copy", arguments, pipeline.environment) as process,
    ):
        watch(process, lambda: sum(consumer.end_offsets(partitions).values()), events, stopwatch)
    return stopwatch.rate


def _replay(
    settings: Settings, pipeline: Pipeline, events: int, arguments: Sequence[str], progress: Progress
) -> ReplayRun:
    job = f"bench-{uuid4()}"
    group = group_of(settings.group_id, job)
    looks: list[Memory] = []
    with tempfile.TemporaryDirectory(prefix="weir-replay-") as folder, pipeline.admin() as admin:
        file = Path(folder) / "report.json"
        command = ("service", "replay", "--job", job, "--report", str(file), "--accept-duplicates-at-vendor")
        with running("the replay", [*command, *arguments], pipeline.environment) as process:
            before, since = 0, time.monotonic()
            while not process.ended(since):
                done = pipeline.committed(admin, group)
                if done > before:
                    before, since = done, time.monotonic()
                    progress(done, events)
                if not done:
                    looks.clear()
                looks += _look(process)
                time.sleep(_LOOK_SECONDS)
        report = json.loads(file.read_bytes())
    sent = sum(outcome.get("sent", 0) for outcome in report["outcomes"].values())
    return ReplayRun(sent, report["this_run"]["records_per_second"], Course.of(looks))


def _look(process: RunningProcess) -> list[Memory]:
    """The replay's memory in all; nothing if it is about to end."""
    sizes = [memory(pid) for pid in worker_roles(process.pid).values()]
    found = [size for size in sizes if size is not None]
    return [in_all(found)] if len(found) == len(sizes) else []
