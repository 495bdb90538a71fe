"""Memory of a worker's processes under full load, over time."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Self

from kafka.admin import ConfigResource
from rich import box
from rich.console import Console
from rich.table import Table

from service.bench.machine import machine
from service.bench.memory_plot import plot
from service.bench.processes import Memory, memory, worker_roles
from service.bench.started_worker import StartedWorker, started_worker
from service.demo.events import Mix
from service.demo.pipeline import Progress, running
from service.demo.run import Steps
from service.events.json_value import JsonObject
from service.policy import load
from service.settings import Settings
from service.streaming.topics import needed_topics

#: Growth from the first tenth to the last that still counts as flat.
FLAT: Final = 0.10
ALL: Final = "in all"
#: Kafka's segments and how much it keeps of each partition; it looks every five minutes, so that a topic may
#: for a while be larger by what comes in these.
_LIMITS: Final = {"segment.bytes": str(8 * 2**20), "retention.bytes": str(32 * 2**20)}
_MEGABYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """One look.

    Attributes:
        seconds: Since the end of the warm-up; negative before.
        committed: Raw records committed by then.
        memory: Of each process, by its role.
    """

    seconds: float
    committed: int
    memory: dict[str, Memory]


@dataclass(frozen=True, slots=True)
class Course:
    """One process's memory over the time measured, in bytes of proportional memory (PSS).

    Attributes:
        start: Median of the first tenth of the time.
        middle: Median of all of it.
        end: Median of the last tenth.
        most: The largest.
        resident: RSS at the end.
    """

    start: float
    middle: float
    end: float
    most: float
    resident: float

    @classmethod
    def of(cls, looks: Sequence[Memory]) -> Self:
        """What a process took, look after look."""
        sizes = [look.proportional for look in looks]
        tenth = max(1, len(sizes) // 10)
        return cls(
            start=median(sizes[:tenth]),
            middle=median(sizes),
            end=median(sizes[-tenth:]),
            most=max(sizes),
            resident=median(look.resident for look in looks[-tenth:]),
        )

    @property
    def growth(self) -> float:
        """From start to end, as a share of the start."""
        return self.end / self.start - 1

    @property
    def flat(self) -> bool:
        return abs(self.growth) <= FLAT


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What was measured.

    Attributes:
        samples: Every look, those of the warm-up included.
    """

    mix: Mix
    minutes: float
    warm_up: int
    processes: int
    samples: list[Sample]

    @property
    def measured(self) -> list[Sample]:
        """The looks after the warm-up."""
        return [sample for sample in self.samples if sample.seconds >= 0]

    @property
    def rate(self) -> float:
        """Raw records committed a second."""
        first, *_, last = self.measured
        return (last.committed - first.committed) / (last.seconds - first.seconds)

    @property
    def courses(self) -> dict[str, Course]:
        """By role, and of all together."""
        roles = dict.fromkeys(role for sample in self.measured for role in sample.memory)
        return {role: Course.of([size for _, size in self._sizes(role)]) for role in (*roles, ALL)}

    @property
    def flat(self) -> bool:
        """Whether all of the worker's memory together is."""
        return self.courses[ALL].flat

    def print(self, console: Console) -> None:
        table = Table(title="Memory, MB (PSS)", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("")
        for heading in ("start", "median", "end", "most", "growth", "RSS at the end"):
            table.add_column(heading, justify="right")
        for role, course in self.courses.items():
            sizes = [megabytes(each) for each in (course.start, course.middle, course.end, course.most)]
            table.add_row(role, *sizes, f"{course.growth:+.1%}", megabytes(course.resident))
        console.print(table)
        console.print(
            f"{'Flat' if self.flat else 'Not flat'} within {FLAT:.0%}: medians of the first and the last "
            f"tenth of {self.minutes:g} minutes, after {self.warm_up} s of warm-up. {self.rate:,.0f} raw "
            f"records/s of the {self.mix} mix. {machine()}, {self.processes} sanitizer processes."
        )

    def picture(self) -> str:
        """The memory of each process and of all over time, as SVG."""
        return plot(
            {
                role: [(seconds / 60, size.proportional / _MEGABYTE) for seconds, size in self._sizes(role)]
                for role in self.courses
            }
        )

    def _sizes(self, role: str) -> list[tuple[float, Memory]]:
        """A role's memory at each look at which it was there."""
        looks = [
            (sample.seconds, sample.memory | {ALL: in_all(sample.memory.values())})
            for sample in self.measured
        ]
        return [(seconds, sizes[role]) for seconds, sizes in looks if role in sizes]

    def as_json(self) -> JsonObject:
        return {
            "mix": self.mix,
            "minutes": self.minutes,
            "warm_up_seconds": self.warm_up,
            "processes": self.processes,
            "records_per_second": round(self.rate, 1),
            "flat": self.flat,
            "pss_bytes": {
                role: {
                    "start": course.start,
                    "median": course.middle,
                    "end": course.end,
                    "most": course.most,
                    "growth": round(course.growth, 4),
                    "rss_at_end": course.resident,
                }
                for role, course in self.courses.items()
            },
            "machine": machine(),
        }


def in_all(sizes: Iterable[Memory]) -> Memory:
    """What several processes take together."""
    return Memory(*map(sum, zip(*sizes, strict=True)))


def megabytes(size: float) -> str:
    """A number of bytes in MB, for people."""
    return f"{size / _MEGABYTE:,.1f}"


def measure(
    settings: Settings, *, mix: Mix, minutes: float, warm_up: int, every: float, steps: Steps
) -> MemoryReport:
    """Let a worker work as fast as it can and look at its memory.

    Raises:
        WeirError: if the broker, the worker or the sender does not do its part.
    """
    policy = load(settings.config_dir)
    with started_worker(settings, policy, steps) as worker:
        topics = [topic.name for topic in needed_topics(worker.settings, policy)]
        with worker.pipeline.admin() as admin:
            admin.alter_configs([ConfigResource("TOPIC", topic, configs=_LIMITS) for topic in topics])
        with steps.step("Work") as progress:
            samples = _watch(
                worker, mix, warm_up=warm_up, seconds=60 * minutes, every=every, progress=progress
            )
    return MemoryReport(mix, minutes, warm_up, settings.processes, samples)


def _watch(
    worker: StartedWorker, mix: Mix, *, warm_up: int, seconds: float, every: float, progress: Progress
) -> list[Sample]:
    arguments = ("service.bench.full_load", mix.value)
    samples: list[Sample] = []
    with (
        running("the sender", arguments, worker.pipeline.environment) as sender,
        worker.pipeline.admin() as admin,
    ):
        begun = moved = time.monotonic()
        while (now := time.monotonic()) < begun + warm_up + seconds:
            sample = Sample(now - begun - warm_up, worker.pipeline.committed(admin), _look(worker))
            if not samples or sample.committed > samples[-1].committed:
                moved = now
            samples.append(sample)
            worker.process.check(moved)
            sender.check(now)
            progress(int(now - begun), int(warm_up + seconds))
            time.sleep(max(0.0, now + every - time.monotonic()))
    return samples


def _look(worker: StartedWorker) -> dict[str, Memory]:
    sizes = {role: memory(pid) for role, pid in worker_roles(worker.process.pid).items()}
    return {role: size for role, size in sizes.items() if size is not None}
