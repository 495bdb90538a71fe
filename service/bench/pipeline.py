"""Throughput, CPU time and latency from raw topic to vendor topics, beside yardsticks on the same broker.

The yardsticks get the same raw records, right before Weir does: plain Faust, which passes each record on and
promises nothing, and plain aiokafka, which passes whole batches on, exactly once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from rich.console import Console

from service.bench import latency
from service.bench.core import CoreReport, measure_core
from service.bench.latency import LatencyReport
from service.bench.machine import machine
from service.bench.sheet import Sheet
from service.bench.throughput import BROKER, MAIN, SANITIZERS, Meter, Throughput, worker_throughput
from service.broker.local import use_broker
from service.demo.events import Mix, generate
from service.demo.pipeline import Pipeline, Progress, own_settings, partitions_of, running, watch
from service.demo.run import Steps
from service.events.json_value import JsonObject
from service.policy import load as load_policy
from service.policy.plan import CompiledPolicy
from service.settings import Settings
from service.streaming.topics import NeededTopic, Role

_PASSED: Final = "weir.bench.passthrough"
_COPIED: Final = "weir.bench.copies"
_FAUST: Final = "plain Faust"
_AIOKAFKA: Final = "aiokafka copy"
_SEED: Final = 1
#: Events with several sentences take far longer: of these, one for so many others.
_TEXT_SHARE: Final = 10
#: Events of a round of the core, of which there are several: a tenth of the others, but no more than these.
_CORE_SHARE: Final = 10
_MOST_CORE_EVENTS: Final = 3000


class Load(NamedTuple):
    """What is sent.

    Attributes:
        traffic: The kinds.
        events: How many of each; of those with several sentences a tenth.
        rate: Events per second at which latency is measured; of those with several sentences a tenth.
        seconds: How long, after a quarter as much of warm-up.
    """

    traffic: Sequence[Mix]
    events: int
    rate: int
    seconds: int

    @property
    def core_events(self) -> int:
        """Events of one round of the core."""
        return min(_MOST_CORE_EVENTS, self.events // _CORE_SHARE)


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """One kind of traffic.

    Attributes:
        records: Raw records.
        bytes: Their mean size.
        vendor_records: Records that a read_committed reader got, for all vendors.
        weir: The worker's run.
        faust: That of plain Faust, passing through.
        copy: That of plain aiokafka, copying exactly once.
        latency: At a steady rate, in a run of its own.
    """

    records: int
    bytes: float
    vendor_records: int
    weir: Throughput
    faust: Throughput
    copy: Throughput
    latency: LatencyReport

    @property
    def ratio(self) -> float:
        """Weir's raw records per second over plain Faust's; 0 where one was too quick to be timed."""
        return self.weir.rate / self.faust.rate if self.faust.rate else 0.0

    @property
    def vendor_rate(self) -> float:
        """Vendor records per second."""
        return self.weir.rate * self.vendor_records / self.records

    def as_json(self) -> JsonObject:
        return {
            "records": self.records,
            "bytes_a_record": round(self.bytes, 1),
            "vendor_records": self.vendor_records,
            "weir": self.weir.as_json(),
            "plain_faust": self.faust.as_json(),
            "aiokafka_copy": self.copy.as_json(),
            "vendor_records_per_second": round(self.vendor_rate, 1),
            "ratio_to_plain_faust": round(self.ratio, 3),
            "latency": self.latency.as_json(),
        }


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """What was measured.

    Attributes:
        processes: The worker's sanitizer processes.
        traffic: By kind.
        core: What a raw event costs without Kafka, beside the floor and other engines.
    """

    processes: int
    traffic: Mapping[Mix, TrafficReport]
    core: CoreReport

    @property
    def sheets(self) -> list[Sheet]:
        """The figures, a column for each kind of traffic."""
        weir = {mix: each.weir for mix, each in self.traffic.items()}
        faust = {mix: each.faust for mix, each in self.traffic.items()}
        copy = {mix: each.copy for mix, each in self.traffic.items()}
        return [
            self._sheet(
                "Records a second",
                {
                    "Weir, exactly once: raw records": lambda each: number(each.weir.rate),
                    "Weir, exactly once: vendor records": lambda each: number(each.vendor_rate),
                    "plain Faust, passed through": lambda each: number(each.faust.rate),
                    "aiokafka copy, exactly once": lambda each: number(each.copy.rate),
                    "Weir / plain Faust": lambda each: f"{each.ratio:.2f}",
                },
            ),
            Sheet(
                "CPU time of one raw record, µs",
                list(self.traffic),
                {
                    "Weir: worker's main process": _cpu(weir, MAIN),
                    "Weir: sanitizer processes": _cpu(weir, SANITIZERS),
                    "Weir in all": [number(each.worker_cpu) for each in weir.values()],
                    "broker, with Weir": _cpu(weir, BROKER),
                    "plain Faust": _cpu(faust, _FAUST),
                    "broker, with plain Faust": _cpu(faust, BROKER),
                    "aiokafka copy": _cpu(copy, _AIOKAFKA),
                    "broker, with the copy": _cpu(copy, BROKER),
                },
            ),
            Sheet(
                "Stages of a batch, ms on the clock",
                list(self.traffic),
                {
                    stage: [f"{1000 * each.stages.get(stage, 0.0):,.1f}" for each in weir.values()]
                    for stage in dict.fromkeys(stage for each in weir.values() for stage in each.stages)
                },
            ),
            self._sheet(
                "Latency at a steady rate, ms",
                {
                    "raw records/s": lambda each: number(each.latency.rate),
                    "p50": lambda each: _milliseconds(each.latency.latency.p50),
                    "p90": lambda each: _milliseconds(each.latency.latency.p90),
                    "p99": lambda each: _milliseconds(each.latency.latency.p99),
                    "p99.9": lambda each: _milliseconds(each.latency.latency.p999),
                    "most": lambda each: _milliseconds(each.latency.latency.largest),
                },
            ),
        ]

    @property
    def conditions(self) -> str:
        """What the figures are of."""
        sizes = ", ".join(
            f"{each.records:,} {mix} events of {each.bytes:,.0f} bytes became {each.vendor_records:,} vendor "
            "records"
            for mix, each in self.traffic.items()
        )
        return (
            f"{sizes}; rates and CPU time are from the first commit after a tenth of them to the last. "
            f"{machine()}, {self.processes} sanitizer processes."
        )

    def print(self, console: Console) -> None:
        for sheet in self.sheets:
            sheet.print(console)
        console.print(self.conditions)
        self.core.print(console)

    def as_json(self) -> JsonObject:
        return {
            "processes": self.processes,
            "traffic": {mix: each.as_json() for mix, each in self.traffic.items()},
            "core": self.core.as_json(),
            "machine": machine(),
        }

    def _sheet(self, title: str, rows: Mapping[str, Callable[[TrafficReport], str]]) -> Sheet:
        cells = {name: [figure(each) for each in self.traffic.values()] for name, figure in rows.items()}
        return Sheet(title, list(self.traffic), cells)


def number(value: float) -> str:
    """A figure for people; a dash where nothing could be measured."""
    return f"{value:,.0f}" if value else "-"


def _cpu(runs: Mapping[Mix, Throughput], part: str) -> list[str]:
    return [number(each.cpu.get(part, 0.0)) for each in runs.values()]


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f}"


def measure(
    settings: Settings, load: Load, *, vrl: Path | None, benthos: Path | None, steps: Steps
) -> PipelineReport:
    """Send each kind of traffic through the yardsticks and a real worker, and once more at a steady rate.

    Then measure the core in this process, beside the binaries of other engines that are given.

    Raises:
        WeirError: if the broker, the worker or a yardstick does not do its part.
    """
    with use_broker() as bootstrap:
        traffic = measure_traffic(bootstrap, settings, load, steps)
    core = measure_core(settings, events=load.core_events, vrl=vrl, benthos=benthos, steps=steps)
    return PipelineReport(settings.processes, traffic, core)


def measure_traffic(bootstrap: str, settings: Settings, load: Load, steps: Steps) -> dict[Mix, TrafficReport]:
    """Each kind of traffic, on a broker that is there.

    Raises:
        WeirError: if the broker, the worker or a yardstick does not do its part.
    """
    policy = load_policy(settings.config_dir)
    reports = {}
    for mix in load.traffic:
        share = _TEXT_SHARE if mix is Mix.TEXT else 1
        with steps.step(f"Make up {mix} events"):
            sample = generate(max(1, load.events // share), seed=_SEED, mix=mix)
            records = [(event.key, event.raw) for event in sample]
        faust, copy, weir, vendor_records = _throughput(settings, policy, bootstrap, records, steps)
        steady = latency.measure(
            settings,
            rate=max(1, load.rate // share),
            mix=mix,
            seconds=load.seconds,
            warm_up=max(1, load.seconds // 4),
            steps=steps,
            bootstrap=bootstrap,
        )
        size = sum(len(raw or b"") for _, raw in records) / len(records)
        reports[mix] = TrafficReport(len(records), size, vendor_records, weir, faust, copy, steady)
    return reports


def _throughput(
    settings: Settings,
    policy: CompiledPolicy,
    bootstrap: str,
    records: Sequence[tuple[bytes, bytes | None]],
    steps: Steps,
) -> tuple[Throughput, Throughput, Throughput, int]:
    """Plain Faust's, the copy's and Weir's runs over the same records, and how many Weir made of them."""
    sinks = [NeededTopic(topic, Role.VENDOR) for topic in (_PASSED, _COPIED)]
    with own_settings(settings, bootstrap) as own:
        pipeline = Pipeline(own, policy, sinks)
        with pipeline.topics(keep=False):
            with steps.step("Produce the raw records"):
                pipeline.produce(records)
            with steps.step("Plain Faust") as progress:
                faust = _pass_through(own, pipeline, len(records), progress)
            with steps.step("aiokafka copy") as progress:
                copy = _copy(pipeline, progress)
            with steps.step("Weir") as progress:
                weir = worker_throughput(pipeline, progress)
            with steps.step("Count the vendor records"):
                vendor_records = sum(1 for _ in pipeline.read())
    return faust, copy, weir, vendor_records


def _pass_through(settings: Settings, pipeline: Pipeline, events: int, progress: Progress) -> Throughput:
    module = "service.bench.passthrough"
    arguments = (module, settings.kafka_bootstrap, f"weir-bench-{uuid4()}", settings.raw_topic, _PASSED)
    partitions = partitions_of([_PASSED])
    with pipeline.consumer() as consumer, running(_FAUST, arguments, {}) as process:
        meter = Meter(progress, lambda: {_FAUST: process.pid})
        watch(process, lambda: sum(consumer.end_offsets(partitions).values()), events, meter)
    return meter.measured


def _copy(pipeline: Pipeline, progress: Progress) -> Throughput:
    group = f"weir-bench-{uuid4()}"
    arguments = ("service.bench.aiokafka_copy", _COPIED, group)
    with running(_AIOKAFKA, arguments, pipeline.environment) as process:
        meter = Meter(progress, lambda: {_AIOKAFKA: process.pid})
        pipeline.wait(process, meter, group)
    return meter.measured
