"""Throughput and CPU time over processes, partitions, vendors and sizes of events, one varied at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, NamedTuple

import orjson
from rich.console import Console

from service.bench.fewer_vendors import first_vendors
from service.bench.machine import machine
from service.bench.pipeline import number
from service.bench.sheet import Sheet
from service.bench.small_multiples import Panel, small_multiples
from service.bench.throughput import MAIN, SANITIZERS, Throughput, worker_throughput
from service.demo.events import Mix, generate
from service.demo.pipeline import PARTITIONS, Pipeline, own_settings
from service.demo.planted import SampleEvent
from service.demo.run import Steps
from service.events.json_value import JsonObject
from service.policy import load
from service.settings import Settings

Records = list[tuple[bytes, bytes]]

_SEED: Final = 1
_KILOBYTE: Final = 1000
#: Records of one run take at most so many bytes.
_MOST_BYTES: Final = 100_000_000
#: At least so many records for each partition, so that opening its lane is a small part of the run.
_A_PARTITION: Final = 1000
#: Structured events take 0.8 KB on average. For a smaller size than this, the shortest of so many times as
#: many are taken; for a larger one, they are padded.
_SMALL: Final = 1000
_CHOICE: Final = 4
#: What large events are padded with: a field that no plan names, holding words of this length.
_PADDING: Final = "padding"
_PADDING_WORD: Final = 100


@dataclass(frozen=True, slots=True)
class Point:
    """One run's conditions.

    Attributes:
        kilobytes: Size of the events; None as they come, some 0.8.
    """

    processes: int
    partitions: int
    vendors: int
    kilobytes: float | None = None


class Series(NamedTuple):
    """One condition varied, by what its values are called."""

    across: str
    points: Mapping[str, Point]


@dataclass(frozen=True, slots=True)
class Grid:
    """What is varied; all else stays as in `base`."""

    processes: Sequence[int] = (1, 2)
    partitions: Sequence[int] = (1, 4, 16, 64)
    vendors: Sequence[int] = (1, 2, 3, 4, 5)
    kilobytes: Sequence[float] = (0.5, 2, 10, 100)

    @property
    def base(self) -> Point:
        """Most processes, most vendors, few partitions, events as they come."""
        return Point(max(self.processes), PARTITIONS, max(self.vendors))

    @property
    def over_vendors(self) -> list[Point]:
        """The points that differ in vendors alone."""
        return [replace(self.base, vendors=vendors) for vendors in self.vendors]

    @property
    def series(self) -> list[Series]:
        """What is varied, one after the other."""
        base = self.base
        every = [
            Series("sanitizer processes", {str(n): replace(base, processes=n) for n in self.processes}),
            Series(
                "partitions of each topic", {str(n): replace(base, partitions=n) for n in self.partitions}
            ),
            Series("vendors", {str(n): replace(base, vendors=n) for n in self.vendors}),
            Series("size of a raw event, KB", {f"{n:g}": replace(base, kilobytes=n) for n in self.kilobytes}),
        ]
        return [series for series in every if series.points]

    @property
    def points(self) -> list[Point]:
        """Every run that is needed, each once."""
        return list(
            dict.fromkeys([self.base, *(p for series in self.series for p in series.points.values())])
        )


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What was measured, by its conditions."""

    grid: Grid
    events: int
    runs: Mapping[Point, Throughput]

    @property
    def base(self) -> Throughput:
        """The run from which one condition at a time is varied."""
        return self.runs[self.grid.base]

    @property
    def sheets(self) -> list[Sheet]:
        """A table for each condition."""
        return [self._sheet(series) for series in self.grid.series]

    @property
    def conditions(self) -> str:
        """What stays the same."""
        base = self.grid.base
        return (
            f"Where not varied: {self.events:,} structured events, {base.partitions} partitions, "
            f"{base.vendors} vendors, {base.processes} sanitizer processes. {machine()}."
        )

    def print(self, console: Console) -> None:
        for sheet in self.sheets:
            sheet.print(console)
        console.print(self.conditions)

    def picture(self) -> str:
        """Throughput, and below it CPU time, over each condition, as SVG."""
        series = self.grid.series
        return small_multiples(
            [
                [self._panel("raw records/s", each, "rate") for each in series],
                [self._panel("CPU µs a raw record", each, "worker_cpu") for each in series],
            ]
        )

    def as_json(self) -> JsonObject:
        return {
            "events": self.events,
            "series": {
                series.across: {name: self.runs[point].as_json() for name, point in series.points.items()}
                for series in self.grid.series
            },
            "machine": machine(),
        }

    def _sheet(self, series: Series) -> Sheet:
        runs = [self.runs[point] for point in series.points.values()]
        rows = {
            "raw records/s": [number(run.rate) for run in runs],
            "µs of CPU a raw record: main process": [number(run.cpu.get(MAIN, 0)) for run in runs],
            "µs of CPU a raw record: sanitizers": [number(run.cpu.get(SANITIZERS, 0)) for run in runs],
        }
        return Sheet(f"By {series.across}", list(series.points), rows)

    def _panel(self, title: str, series: Series, figure: str) -> Panel:
        values = [(name, getattr(self.runs[point], figure)) for name, point in series.points.items()]
        return Panel(title, series.across, values)


def measure(settings: Settings, bootstrap: str, grid: Grid, *, events: int, steps: Steps) -> SweepReport:
    """Let a new worker go over new records at each point.

    Raises:
        WeirError: if the broker or a worker does not do its part.
    """
    runs = {}
    for point in grid.points:
        size = "" if point.kilobytes is None else f", {point.kilobytes:g} KB"
        what = f"{point.processes} processes, {point.partitions} partitions, {point.vendors} vendors{size}"
        with (
            steps.step(what) as progress,
            first_vendors(settings.config_dir, point.vendors) as config,
            own_settings(settings, bootstrap, config_dir=config, processes=point.processes) as own,
        ):
            pipeline = Pipeline(own, load(config), partitions=point.partitions)
            with pipeline.topics(keep=False):
                count = max(events, _A_PARTITION * point.partitions)
                pipeline.produce(records(count, point.kilobytes))
                runs[point] = worker_throughput(pipeline, progress)
    return SweepReport(grid, events, runs)


def records(events: int, kilobytes: float | None) -> Records:
    """Structured events as they come, or of a size: the shortest there are, or padded ones.

    Of large events there are fewer, so that they take 100 MB at most.
    """
    if kilobytes is None:
        return [(event.key, _raw(event)) for event in generate(events, seed=_SEED, mix=Mix.STRUCTURED)]
    size = int(kilobytes * _KILOBYTE)
    count = min(events, _MOST_BYTES // size)
    choice = generate(count * (_CHOICE if size < _SMALL else 1), seed=_SEED, mix=Mix.STRUCTURED)
    chosen = sorted(choice, key=lambda event: len(_raw(event)))[:count]
    random = Random(_SEED)  # noqa: S311  (a repeatable sample, no secret)
    return [(event.key, _padded(event, size, random)) for event in sorted(chosen, key=_moment)]


def _padded(event: SampleEvent, size: int, random: Random) -> bytes:
    """The event with a list of words in a field that no plan names, which so reaches no vendor."""
    missing = size - len(_raw(event)) - len(f',"{_PADDING}":[]')
    words = [random.randbytes(_PADDING_WORD // 2).hex() for _ in range(missing // (_PADDING_WORD + 3))]
    return orjson.dumps(event.body | {_PADDING: words}) if words else _raw(event)


def _raw(event: SampleEvent) -> bytes:
    assert event.raw is not None
    return event.raw


def _moment(event: SampleEvent) -> int:
    return event.timestamp
