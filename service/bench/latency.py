"""End-to-end latency at a steady rate: from a raw record's timestamp to a reader of the vendors' topics.

The load is an open loop in a process of its own; the worker and Kafka are real. Of each vendor record that a
read_committed reader gets, the event time tells which raw event it is of: each sample event has a second of
its own. A worker's outputs of one user come in order and exactly once, so the n-th record of an event that
is sent again and again is that of its n-th sending.
"""

import asyncio
import contextlib
import math
import os
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from rich import box
from rich.console import Console
from rich.table import Table

from service.bench import paced_load
from service.bench.machine import machine
from service.bench.processes import Usage, cores, cores_table, local_broker, usages, worker_roles
from service.bench.started_worker import StartedWorker, started_worker
from service.bench.worker_metrics import Histogram, Scrape, between, counted, scrape
from service.demo.events import Mix, generate
from service.demo.ledger import event_time
from service.demo.pipeline import Progress, RunningProcess, partitions_of, running
from service.demo.run import Steps
from service.errors import BrokerError, WeirError
from service.events.json_value import JsonObject
from service.kafka_access import KafkaAccess
from service.policy import load
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.settings import Settings

#: More events than these are sent in turns.
_MOST_MADE_UP: Final = 100_000
#: Milliseconds that the reader waits for records.
_READ_MS: Final = 200
_PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)


class Quantity(NamedTuple):
    """Seconds at the percentiles 50, 90, 99, 99.9 and the maximum."""

    p50: float
    p90: float
    p99: float
    p999: float
    largest: float


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """What was measured, the warm-up left out.

    Attributes:
        rate: Events per second that were to be sent.
        achieved: Events per second that were acknowledged, warm-up included.
        late: Seconds that the sender was behind its plan at most.
        records: Vendor records that were read.
        unknown: Vendor records that belong to no event sent; must be 0.
        latency: From the time a raw record was to be sent until the reader had the vendor record.
        inside: The worker's own histograms in the same seconds, by metric: count, mean and estimates.
        cpu: Cores taken, by process.
    """

    mix: Mix
    rate: int
    seconds: int
    warm_up: int
    processes: int
    achieved: float
    late: float
    records: int
    unknown: int
    latency: Quantity
    inside: Mapping[str, Histogram]
    cpu: Mapping[str, float]

    def print(self, console: Console) -> None:
        table = Table(
            title=f"Seconds, at {self.rate:,} {self.mix} events/s", title_justify="left", box=box.SIMPLE_HEAD
        )
        for heading in ("", "count", "p50", "p90", "p99", "p99.9", "max"):
            table.add_column(heading, justify="right" if heading else "left")
        table.add_row("raw record to vendor's reader", f"{self.records:,}", *_shown(self.latency))
        for name, histogram in self.inside.items():
            short = name.removeprefix("weir_").replace("_seconds", "")
            table.add_row(short, f"{histogram.count:,.0f}", *_estimates(histogram))
        console.print(table)
        console.print(cores_table(self.cpu))
        console.print(
            f"{self.seconds} s after {self.warm_up} s of warm-up, which is left out; {self.achieved:,.1f} "
            f"events/s were sent, at most {self.late * 1000:.0f} ms late. The rows below the first are the "
            f"worker's own histograms (weir_..._seconds), estimated within their buckets. {machine()}, "
            f"{self.processes} sanitizer processes."
        )

    def as_json(self) -> JsonObject:
        return {
            "mix": self.mix,
            "rate": self.rate,
            "seconds": self.seconds,
            "warm_up_seconds": self.warm_up,
            "processes": self.processes,
            "achieved_rate": round(self.achieved, 1),
            "sender_late_seconds": round(self.late, 4),
            "vendor_records": self.records,
            "unknown_records": self.unknown,
            "latency_seconds": {name: round(value, 4) for name, value in self.latency._asdict().items()},
            "worker_histograms": {
                name: {
                    "count": histogram.count,
                    "mean": round(histogram.mean, 5),
                    "p99": histogram.quantile(99.0),
                }
                for name, histogram in self.inside.items()
            },
            "cores": {role: round(share, 4) for role, share in self.cpu.items()},
            "machine": machine(),
        }


def _shown(latency: Quantity) -> list[str]:
    return [f"{seconds:.3f}" for seconds in latency]


def _estimates(histogram: Histogram) -> list[str]:
    """The same of a histogram, which knows no largest."""
    found = [histogram.quantile(percent) for percent in _PERCENTILES[:-1]]
    return [f"{seconds:.3f}" if math.isfinite(seconds) else "beyond" for seconds in found]


def measure(
    settings: Settings,
    *,
    rate: int,
    mix: Mix,
    seconds: int,
    warm_up: int,
    steps: Steps,
    bootstrap: str | None = None,
) -> LatencyReport:
    """Send events at the rate and see when what becomes of them can be read.

    Starts Kafka unless its bootstrap servers or WEIR_KAFKA_BOOTSTRAP are given.

    Raises:
        WeirError: if the broker, the worker or the sender does not do its part.
    """
    policy = load(settings.config_dir)
    count = rate * (warm_up + seconds)
    sample = min(count, _MOST_MADE_UP)
    with contextlib.ExitStack() as stack:
        with steps.step("Make up events"):
            events = generate(sample, seed=paced_load.SEED, mix=mix)
            slots = {event.timestamp: slot for slot, event in enumerate(events)}
            del events  # the sender makes up its own, the same
        worker = stack.enter_context(started_worker(settings, policy, steps, bootstrap))
        arguments = ("service.bench.paced_load", str(rate), mix.value, str(sample), str(count))
        with (
            steps.step(f"Send {rate:,} events/s") as progress,
            running("the sender", arguments, worker.pipeline.environment) as sender,
        ):
            reader = _Reader(worker.settings, policy, slots)
            run = _Run(worker, sender, progress)
            asyncio.run(run.follow(reader, warm_up, seconds))
    latencies = [
        at - (run.begun + number / rate)
        for at, number in zip(reader.times, reader.numbers, strict=True)
        if number >= warm_up * rate
    ]
    return LatencyReport(
        mix=mix,
        rate=rate,
        seconds=seconds,
        warm_up=warm_up,
        processes=settings.processes,
        achieved=run.achieved,
        late=run.late,
        records=len(latencies),
        unknown=reader.unknown,
        latency=quantity(latencies),
        inside=between(run.scrapes[0], run.scrapes[1]),
        cpu=cores(run.usages[0], run.usages[1], seconds),
    )


def quantity(latencies: list[float]) -> Quantity:
    """Exact percentiles: the least value that so many percent of all do not exceed.

    Raises:
        WeirError: if there is none.
    """
    if not latencies:
        raise WeirError("no vendor record came out in the time measured")
    ordered = sorted(latencies)
    return Quantity(*(ordered[max(0, math.ceil(len(ordered) * each / 100) - 1)] for each in _PERCENTILES))


class _Reader:
    """Reads the vendors' topics as a vendor's integration would, and notes when it got what.

    Attributes:
        times: When each known record was there, seconds since 1970.
        numbers: Which sending, counted from 0, each of them is of.
        unknown: Records of no event that was sent.
    """

    def __init__(self, settings: Settings, policy: CompiledPolicy, slots: Mapping[int, int]) -> None:
        self._access = KafkaAccess.of(settings)
        self._vendors = {plan.topic: plan.vendor for plan in policy.vendors}
        self._slots = slots
        #: How often an event has come, by vendor and slot.
        self._come = {vendor: array("I", bytes(4 * len(slots))) for vendor in self._vendors.values()}
        self.times = array("d")
        self.numbers = array("q")
        self.unknown = 0

    @property
    def records(self) -> int:
        """How many were read."""
        return len(self.times) + self.unknown

    async def run(self) -> None:
        """Read for ever.

        Raises:
            BrokerError: Kafka can't be read.
        """
        consumer = AIOKafkaConsumer(
            **self._access.for_aiokafka(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        consumer.assign([TopicPartition(*each) for each in partitions_of(self._vendors)])
        try:
            await consumer.start()
            while True:
                found = await consumer.getmany(timeout_ms=_READ_MS)
                now = time.time()
                for partition, records in found.items():
                    for record in records:
                        self._note(now, self._vendors[partition.topic], record.value)
        except KafkaError as error:
            raise BrokerError(f"Kafka cannot be read: {type(error).__name__}") from None
        finally:
            await consumer.stop()

    def _note(self, now: float, vendor: VendorName, value: bytes) -> None:
        slot = self._slots.get(event_time(vendor, orjson.loads(value)))
        if slot is None:
            self.unknown += 1
            return
        self.times.append(now)
        self.numbers.append(slot + self._come[vendor][slot] * len(self._slots))
        self._come[vendor][slot] += 1


@dataclass(slots=True)
class _Run:
    """One run, from the first event sent to the last record read.

    Attributes:
        begun: When the first event was to be sent, seconds since 1970.
        usages: Processor times at the beginning and the end of what is measured.
        scrapes: The worker's histograms at the same moments.
        achieved: Events per second that were acknowledged.
        late: Seconds that the sender was behind its plan at most.
    """

    worker: StartedWorker
    sender: RunningProcess
    progress: Progress
    begun: float = 0.0
    usages: list[dict[str, Usage]] = field(default_factory=list)
    scrapes: list[Scrape] = field(default_factory=list)
    achieved: float = 0.0
    late: float = 0.0
    _reading: asyncio.Task[None] = field(init=False)

    async def follow(self, reader: _Reader, warm_up: int, seconds: int) -> None:
        """Read on while the events are sent, and until everything has come out.

        Raises:
            WeirError: if a process does not do its part.
        """
        self._reading = asyncio.create_task(reader.run())
        try:
            entry = await asyncio.to_thread(self.sender.wait_for, "begun")
            self.begun = float(str(entry["at"]))
            await self._sleep_until(warm_up, warm_up + seconds)
            self._look()
            await self._sleep_until(warm_up + seconds, warm_up + seconds)
            self._look()
            result = await asyncio.to_thread(self.sender.wait_for, "finished")
            if result["failed"]:
                raise WeirError(f"Kafka refused {result['failed']} of the events")
            self.achieved = float(str(result["sent"])) / float(str(result["seconds"]))
            self.late = float(str(result["late"]))
            await asyncio.to_thread(self.worker.pipeline.wait, self.worker.process, lambda _, __: None)
            await self._until_read(reader)
        finally:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _sleep_until(self, second: int, total: int) -> None:
        while (rest := self.begun + second - time.time()) > 0:
            await asyncio.sleep(min(rest, 1.0))
            self._check(time.monotonic())
            if self.sender.logged("finished") is None:
                self.sender.check(time.monotonic())
            self.progress(min(total, int(time.time() - self.begun)), total)

    async def _until_read(self, reader: _Reader) -> None:
        """Wait until the reader has every record that the worker says it sent."""
        sent = counted(self.worker.port, "weir_outcomes_total", outcome="sent")
        before, since = 0, time.monotonic()
        while reader.records < sent:
            self._check(since)
            await asyncio.sleep(_READ_MS / 1000)
            if reader.records > before:
                before, since = reader.records, time.monotonic()

    def _check(self, silent_since: float) -> None:
        self.worker.process.check(silent_since)
        if self._reading.done():
            self._reading.result()

    def _look(self) -> None:
        roles = worker_roles(self.worker.process.pid) | local_broker()
        self.usages.append(usages(roles | {"sender": self.sender.pid, "reader": os.getpid()}))
        self.scrapes.append(scrape(self.worker.port))
