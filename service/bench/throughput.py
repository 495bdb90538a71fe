"""How fast a process goes through raw records that are all there, and what processor time it takes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from service.bench.processes import Usage, cores, local_broker, usages, worker_roles
from service.bench.worker_metrics import Histogram, Scrape, between, scrape
from service.demo.pipeline import Pipeline, Progress
from service.events.json_value import JsonObject

#: The part of the records that is left out, while caches are cold.
_WARM_UP: Final = 0.1
#: A run's commits are looked for every 0.05 s: what takes less than this is not timed well enough.
_LEAST_SECONDS: Final = 0.2
_STAGE: Final = "weir_stage_seconds "
MAIN: Final = "worker"
SANITIZERS: Final = "sanitizers"
BROKER: Final = "broker"


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was measured between two commits, one after the first tenth of the records and the last.

    Attributes:
        records: Raw records in between; 0 where there were too few to be timed.
        seconds: From the one to the other.
        cpu: Microseconds of processor time for each raw record, by part: the worker's main process, its
            sanitizers with their template, the broker if this process started it; or a yardstick by its name.
        inside: The worker's own histograms in this time.
    """

    records: int
    seconds: float
    cpu: Mapping[str, float]
    inside: Mapping[str, Histogram]

    @property
    def rate(self) -> float:
        """Raw records per second; 0 where there were too few to tell."""
        return self.records / self.seconds if self.seconds else 0.0

    @property
    def worker_cpu(self) -> float:
        """Microseconds of all of Weir's processes for each raw record."""
        return sum(time for part, time in self.cpu.items() if part != BROKER)

    @property
    def stages(self) -> dict[str, float]:
        """Mean seconds of a batch in each stage, by the worker's own metrics; waiting counts."""
        return {
            name.removeprefix(_STAGE): histogram.mean
            for name, histogram in self.inside.items()
            if name.startswith(_STAGE)
        }

    def as_json(self) -> JsonObject:
        return {
            "records": self.records,
            "records_per_second": round(self.rate, 1),
            "cpu_microseconds": {part: round(time, 2) for part, time in self.cpu.items()},
            "stage_seconds_a_batch": {stage: round(mean, 5) for stage, mean in self.stages.items()},
        }


class _Look(NamedTuple):
    """A moment of a run."""

    at: float
    done: int
    usages: dict[str, Usage]
    scrape: Scrape


class Meter:
    """Measures a run whose progress it is told, and passes the progress on.

    Args:
        roles: The process ids that are measured, by role.
        metrics: The worker's histograms now; nothing for a yardstick.
    """

    def __init__(
        self,
        progress: Progress,
        roles: Callable[[], dict[str, int]],
        metrics: Callable[[], Scrape] = dict,
    ) -> None:
        self._progress = progress
        self._roles = roles
        self._metrics = metrics
        self._looks: list[_Look] = []

    def __call__(self, done: int, total: int) -> None:
        if done >= (total if self._looks else max(1, _WARM_UP * total)):
            self._look(done)
        self._progress(done, total)

    def _look(self, done: int) -> None:
        self._looks.append(
            _Look(time.monotonic(), done, usages(self._roles() | local_broker()), self._metrics())
        )

    @property
    def measured(self) -> Throughput:
        """What was measured; nothing if it was over too soon."""
        if not self._looks or self._looks[-1].at - self._looks[0].at < _LEAST_SECONDS:
            return Throughput(0, 0.0, {}, {})
        first, last = self._looks[0], self._looks[-1]
        records = last.done - first.done
        cpu: dict[str, float] = {}
        for role, seconds in cores(first.usages, last.usages, 1).items():
            part = SANITIZERS if role.startswith("sanitizer") or role == "template" else role
            cpu[part] = cpu.get(part, 0.0) + 1e6 * seconds / records
        return Throughput(records, last.at - first.at, cpu, between(first.scrape, last.scrape))


def worker_throughput(pipeline: Pipeline, progress: Progress) -> Throughput:
    """Start a worker on a pipeline whose raw records are there, and end it when all are committed.

    Raises:
        WeirError: if the worker does not do its part.
    """
    with pipeline.worker() as worker:
        port = int(str(worker.wait_for("worker_starting")["probe_port"]))
        meter = Meter(progress, lambda: worker_roles(worker.pid), lambda: scrape(port))
        pipeline.wait(worker, meter)
    return meter.measured
