"""Throughput from raw topic to vendor topics, beside plain Faust on the same broker and records."""

import contextlib
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from rich import box
from rich.console import Console
from rich.table import Table

from service.bench.machine import machine
from service.broker.local import use_broker
from service.demo.events import Mix, generate
from service.demo.pipeline import Pipeline, Stopwatch, own_settings, partitions_of, running, watch
from service.demo.run import Steps
from service.events.json_value import JsonObject
from service.policy import load
from service.settings import Settings
from service.streaming.topics import NeededTopic, Role

_SINK: Final = "weir.bench.passthrough"
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """What was measured.

    Attributes:
        records: Raw records.
        vendor_records: Records that came out for all vendors.
        processes: The worker's sanitizer processes.
        weir: The worker's times.
        passthrough: Plain Faust's.
    """

    records: int
    vendor_records: int
    processes: int
    weir: Stopwatch
    passthrough: Stopwatch

    @property
    def ratio(self) -> float:
        """Weir's raw records per second over plain Faust's."""
        return self.weir.rate / self.passthrough.rate if self.passthrough.rate else 0.0

    @property
    def vendor_rate(self) -> float:
        """Vendor records per second."""
        return self.weir.rate * self.vendor_records / self.records

    def print(self, console: Console) -> None:
        table = Table(title="Raw topic to vendor topics", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("")
        table.add_column("raw records/s", justify="right")
        table.add_column("vendor records/s", justify="right")
        table.add_row(
            "Weir, five vendors, exactly once", f"{self.weir.rate:,.0f}", f"{self.vendor_rate:,.0f}"
        )
        table.add_row("plain Faust, passed through", f"{self.passthrough.rate:,.0f}", "")
        table.add_row("Weir / plain Faust", f"{self.ratio:.2f}", "")
        console.print(table)
        console.print(
            f"{self.records:,} structured events became {self.vendor_records:,} vendor records; timed "
            f"from the first batch to the last. {machine()}, {self.processes} sanitizer processes."
        )

    def as_json(self) -> JsonObject:
        return {
            "records": self.records,
            "vendor_records": self.vendor_records,
            "processes": self.processes,
            "records_per_second": round(self.weir.rate, 1),
            "vendor_records_per_second": round(self.vendor_rate, 1),
            "passthrough_records_per_second": round(self.passthrough.rate, 1),
            "ratio": round(self.ratio, 3),
            "machine": machine(),
        }


def measure(settings: Settings, *, events: int, steps: Steps) -> PipelineReport:
    """Send structured events through a real worker, and through plain Faust.

    Raises:
        WeirError: if the broker, the worker or Faust does not do its part.
    """
    policy = load(settings.config_dir)
    with contextlib.ExitStack() as stack:
        with steps.step("Make up structured events"):
            sample = generate(events, seed=_SEED, mix=Mix.STRUCTURED)
        with steps.step("Start Kafka and create the topics"):
            bootstrap = stack.enter_context(use_broker())
            own = stack.enter_context(own_settings(settings, bootstrap))
            pipeline = Pipeline(own, policy, [NeededTopic(_SINK, Role.VENDOR)])
            stack.enter_context(pipeline.topics(keep=False))
        with steps.step("Produce the raw records"):
            pipeline.produce((event.key, event.raw) for event in sample)
        with steps.step("Plain Faust") as progress:
            passthrough = Stopwatch(progress)
            _pass_through(own, pipeline, events, passthrough)
        with steps.step("Weir") as progress, pipeline.worker() as worker:
            weir = Stopwatch(progress)
            pipeline.wait(worker, weir)
        with steps.step("Count the vendor records"):
            vendor_records = sum(1 for _ in pipeline.read())
    return PipelineReport(events, vendor_records, settings.processes, weir, passthrough)


def _pass_through(settings: Settings, pipeline: Pipeline, events: int, stopwatch: Stopwatch) -> None:
    module = "service.bench.passthrough"
    arguments = (module, settings.kafka_bootstrap, f"weir-bench-{uuid4()}", settings.raw_topic, _SINK)
    partitions = partitions_of([_SINK])
    with pipeline.consumer() as consumer, running("plain Faust", arguments, {}) as process:
        watch(process, lambda: sum(consumer.end_offsets(partitions).values()), events, stopwatch)
