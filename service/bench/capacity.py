"""How many cores workers need, from what a raw event and a batch were measured to cost; and whether it holds.

At full speed batches are large, and a raw event costs least. At a lower rate a partition still has as many
batches a second, smaller ones, and each of these is a transaction: that comes on top.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression
from typing import Final, NamedTuple, Self

from rich.console import Console

from service.bench import paced_load, sweep
from service.bench.machine import machine
from service.bench.processes import Usage, cores, usages, worker_roles
from service.bench.sheet import Sheet
from service.bench.started_worker import StartedWorker, started_worker
from service.bench.sweep import Grid, SweepReport
from service.bench.throughput import MAIN, SANITIZERS, Throughput
from service.bench.worker_metrics import Scrape, between, scrape
from service.broker.local import use_broker
from service.demo.events import Mix
from service.demo.pipeline import PARTITIONS, running
from service.demo.run import Steps
from service.errors import WeirError
from service.events.json_value import JsonObject
from service.policy import load
from service.policy.vendor_names import VendorName
from service.settings import Settings

#: More events than these are sent in turns.
_MOST_MADE_UP: Final = 100_000
#: Shares of the highest rate: at the first a batch's cost is found, at the others the model is checked. The
#: sender and the broker need the machine too.
_LOW: Final = 0.1
_CHECKED: Final = (0.25, 0.5)
_BATCHES: Final = "weir_batch_seconds"


class Line(NamedTuple):
    """Microseconds of CPU time of a raw event: so many, and so many more for each vendor."""

    event: float
    vendor: float

    def at(self, vendors: int) -> float:
        """With so many vendors."""
        return self.event + self.vendor * vendors

    @classmethod
    def through(cls, costs: Mapping[int, float]) -> Self:
        """The line nearest to what was measured, by vendors; all of it is the vendors' where only one was."""
        if len(costs) == 1:
            ((vendors, cost),) = costs.items()
            return cls(0.0, cost / vendors)
        vendor, event = linear_regression(list(costs), list(costs.values()))
        return cls(event, vendor)


class SteadyRate(NamedTuple):
    """A worker for every vendor at a steady rate.

    Attributes:
        rate: Raw events a second.
        cores: What its processes took.
        batches: How many it committed a second.
    """

    rate: float
    cores: float
    batches: float


@dataclass(frozen=True, slots=True)
class CapacityModel:
    """What it takes.

    Attributes:
        main: CPU time of a raw event, in large batches, in the worker's main process.
        sanitizers: The same in all of its sanitizer processes.
        batch: Microseconds of CPU time that a small batch takes besides.
        batches: Small batches a second of one partition, at most.
    """

    main: Line
    sanitizers: Line
    batch: float
    batches: float

    @classmethod
    def of(cls, runs: Mapping[int, Throughput], low: SteadyRate, vendors: int, partitions: int) -> Self:
        """From runs at full speed by their number of vendors, and one far below it."""
        main = Line.through({number: run.cpu.get(MAIN, 0.0) for number, run in runs.items()})
        sanitizers = Line.through({number: run.cpu.get(SANITIZERS, 0.0) for number, run in runs.items()})
        rest = 1e6 * low.cores - low.rate * (main.at(vendors) + sanitizers.at(vendors))
        batch = max(0.0, rest) / low.batches if low.batches else 0.0
        return cls(main, sanitizers, batch, low.batches / partitions)

    def cores(self, rate: float, vendors: int, partitions: int) -> float:
        """What all processes of all workers take at so many raw events a second; the broker is not in it."""
        event = self.main.at(vendors) + self.sanitizers.at(vendors)
        return (rate * event + min(rate, self.batches * partitions) * self.batch) / 1e6

    @property
    def formula(self) -> str:
        """For people: N raw events a second, k vendors, p partitions of the raw topic."""
        event, vendor = self.main.event + self.sanitizers.event, self.main.vendor + self.sanitizers.vendor
        return (
            f"cores = (N ({event:.0f} + {vendor:.1f} k) + min(N, {self.batches:.1f} p) {self.batch:.0f}) "
            "/ 1,000,000"
        )


class Check(NamedTuple):
    """What a worker took, beside the cores that the model expects."""

    steady: SteadyRate
    expected: float

    @property
    def deviation(self) -> float:
        """Of what was measured from what was expected, as a share of the latter."""
        return self.steady.cores / self.expected - 1


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """The model, what it says of some rates, and how far off it was.

    Attributes:
        vendors: For how many.
        partitions: Of the raw topic.
        rates: Raw events a second.
    """

    model: CapacityModel
    vendors: int
    partitions: int
    rates: Sequence[int]
    checks: Sequence[Check]

    @property
    def meaning(self) -> str:
        """What stands in the formula."""
        return (
            f"N raw events/s, k vendors, p partitions of the raw topic; the broker is not in it. "
            f"Each partition has at most {self.model.batches:.1f} small batches a second, and each of them "
            f"takes {self.model.batch:,.0f} µs besides its events."
        )

    @property
    def sheets(self) -> list[Sheet]:
        """The costs, the cores for the rates, and the checks."""
        lines = {"main process": self.model.main, "sanitizer processes": self.model.sanitizers}
        return [
            Sheet(
                "CPU time of a structured event in large batches, µs",
                ["an event", "and a vendor", f"{self.vendors} vendors"],
                {
                    name: [f"{line.event:.1f}", f"{line.vendor:.1f}", f"{line.at(self.vendors):.1f}"]
                    for name, line in lines.items()
                },
            ),
            Sheet(
                f"What {self.vendors} vendors and {self.partitions} partitions need",
                ["cores"],
                {f"{rate:,} raw events/s": [f"{self._cores(rate):.2f}"] for rate in self.rates},
            ),
            Sheet(
                "The model beside a worker at steady rates, cores",
                ["expected", "measured", "deviation", "batches/s"],
                {
                    f"{check.steady.rate:,.0f} raw events/s": [
                        f"{check.expected:.3f}",
                        f"{check.steady.cores:.3f}",
                        f"{check.deviation:+.0%}",
                        f"{check.steady.batches:.1f}",
                    ]
                    for check in self.checks
                },
            ),
        ]

    def print(self, console: Console) -> None:
        console.print(self.model.formula)
        console.print(self.meaning)
        for sheet in self.sheets:
            sheet.print(console)
        console.print(f"{machine()}.")

    def as_json(self) -> JsonObject:
        return {
            "formula": self.model.formula,
            "main_microseconds": dict(self.model.main._asdict()),
            "sanitizer_microseconds": dict(self.model.sanitizers._asdict()),
            "batch_microseconds": round(self.model.batch, 1),
            "batches_a_second_and_partition": round(self.model.batches, 2),
            "vendors": self.vendors,
            "partitions": self.partitions,
            "cores": {str(rate): round(self._cores(rate), 4) for rate in self.rates},
            "checks": [
                {
                    "rate": round(check.steady.rate, 1),
                    "batches_a_second": round(check.steady.batches, 2),
                    "expected_cores": round(check.expected, 4),
                    "measured_cores": round(check.steady.cores, 4),
                    "deviation": round(check.deviation, 4),
                }
                for check in self.checks
            ],
            "machine": machine(),
        }

    def _cores(self, rate: float) -> float:
        return self.model.cores(rate, self.vendors, self.partitions)


def measure(
    settings: Settings,
    *,
    vendors: int,
    partitions: int,
    rates: Sequence[int],
    events: int,
    seconds: int,
    steps: Steps,
) -> CapacityReport:
    """Measure what a raw event costs with one vendor and with all, and check what follows from it.

    Raises:
        WeirError: if the broker, a worker or the sender does not do its part.
    """
    grid = Grid((settings.processes,), (), (1, len(VendorName)), ())
    with use_broker() as bootstrap:
        swept = sweep.measure(settings, bootstrap, grid, events=events, steps=steps)
        model, checks = checked(settings, bootstrap, swept, seconds=seconds, steps=steps)
    return CapacityReport(model, vendors, partitions, rates, checks)


def checked(
    settings: Settings, bootstrap: str, swept: SweepReport, *, seconds: int, steps: Steps
) -> tuple[CapacityModel, list[Check]]:
    """The model from a sweep over vendors, and how a worker at steady rates compares.

    Raises:
        WeirError: if the broker, a worker or the sender does not do its part.
    """
    vendors, policy = len(VendorName), load(settings.config_dir)
    loads = [max(1, round(swept.base.rate * share)) for share in (_LOW, *_CHECKED)]
    with started_worker(settings, policy, steps, bootstrap) as worker:
        low, *others = [_steady(worker, rate, seconds, steps) for rate in loads]
    runs = {point.vendors: swept.runs[point] for point in swept.grid.over_vendors}
    model = CapacityModel.of(runs, low, vendors, PARTITIONS)
    return model, [Check(each, model.cores(each.rate, vendors, PARTITIONS)) for each in others]


def _steady(worker: StartedWorker, rate: int, seconds: int, steps: Steps) -> SteadyRate:
    """Send structured events at a rate to a worker for every vendor; a quarter of the time is warm-up."""
    warm_up = max(1, seconds // 4)
    count = rate * (warm_up + seconds)
    arguments = [str(rate), Mix.STRUCTURED.value, str(min(count, _MOST_MADE_UP)), str(count)]
    with (
        steps.step(f"Send {rate:,} events/s"),
        running("the sender", (paced_load.__name__, *arguments), worker.pipeline.environment) as sender,
    ):

        def look() -> tuple[float, dict[str, Usage], Scrape]:
            return time.monotonic(), usages(worker_roles(worker.process.pid)), scrape(worker.port)

        begun = float(str(sender.wait_for("begun")["at"]))
        time.sleep(max(0.0, begun + warm_up - time.time()))
        since, usage_before, scrape_before = look()
        time.sleep(max(0.0, begun + warm_up + seconds - time.time()))
        until, usage_after, scrape_after = look()
        result = sender.wait_for("finished")
        worker.pipeline.wait(worker.process, lambda _, __: None)
    if result["failed"]:
        raise WeirError(f"Kafka refused {result['failed']} of the events")
    committed = between(scrape_before, scrape_after).get(_BATCHES)
    return SteadyRate(
        float(str(result["sent"])) / float(str(result["seconds"])),
        sum(cores(usage_before, usage_after, until - since).values()),
        committed.count / (until - since) if committed else 0.0,
    )
