"""Processor time of a worker that has nothing to do."""

import time
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from service.bench.machine import machine
from service.bench.processes import cores, cores_table, usages, worker_roles
from service.bench.started_worker import started_worker
from service.demo.run import Steps
from service.events.json_value import JsonObject
from service.policy import load
from service.settings import Settings

#: Seconds from the worker's readiness to the measurement: the end of starting is not idleness.
_SETTLE: Final = 10


@dataclass(frozen=True, slots=True)
class IdleReport:
    """What was measured.

    Attributes:
        cpu: Cores taken, by each process of the worker.
    """

    seconds: int
    processes: int
    cpu: dict[str, float]

    @property
    def worker(self) -> float:
        """Cores taken by the worker with all of its processes."""
        return sum(self.cpu.values())

    def print(self, console: Console) -> None:
        console.print(cores_table(self.cpu))
        console.print(
            f"Over {self.seconds} s without a record, {_SETTLE} s after the worker was ready. "
            f"{machine()}, {self.processes} sanitizer processes."
        )

    def as_json(self) -> JsonObject:
        return {
            "seconds": self.seconds,
            "processes": self.processes,
            "cores": {role: round(share, 5) for role, share in self.cpu.items()},
            "worker_cores": round(self.worker, 5),
            "machine": machine(),
        }


def measure(settings: Settings, *, seconds: int, steps: Steps) -> IdleReport:
    """Start a worker and let it wait.

    Raises:
        WeirError: if the broker or the worker does not do its part.
    """
    with (
        started_worker(settings, load(settings.config_dir), steps) as worker,
        steps.step("Wait") as progress,
    ):
        time.sleep(_SETTLE)
        before, begun = usages(worker_roles(worker.process.pid)), time.monotonic()
        for second in range(seconds):
            time.sleep(1)
            worker.process.check(time.monotonic())
            progress(second + 1, seconds)
        after = usages(worker_roles(worker.process.pid))
        shares = cores(before, after, time.monotonic() - begun)
    return IdleReport(seconds, settings.processes, shares)
