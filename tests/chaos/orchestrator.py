"""Keeps workers running as Kubernetes does: whichever ends, however it ends, is started again."""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.chaos.progress import RECOVERY
from tests.running_weir import PATIENCE, WEIR, RunningWeir, Worker, wait_until

PLAIN: Final = (*WEIR, "worker")
#: Seconds between looks at the workers, and so the pause before a new start at most.
LOOK: Final = 0.2


class Orchestrator:
    """Workers in numbered slots, for the block; at its end they get SIGTERM.

    Attributes:
        exit_codes: How workers ended; the negative ones are signals.
    """

    def __init__(self, weir: RunningWeir, size: int, **settings: str) -> None:
        self.exit_codes: Counter[int] = Counter()
        self._weir = weir
        self._settings = settings
        self._commands: dict[int, Sequence[str]] = {}
        self._size = size
        self._workers: list[Worker] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="orchestrator", daemon=True)

    def __enter__(self) -> Self:
        self._workers = [self._weir.start(PLAIN, **self._settings) for _ in range(self._size)]
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.kill(worker.process.pid, signal.SIGCONT)
            worker.process.terminate()
        for worker in self._workers:
            self.exit_codes[worker.process.wait(PATIENCE)] += 1

    def worker(self, slot: int) -> Worker:
        """Whoever is in the slot now."""
        with self._lock:
            return self._workers[slot]

    def send(self, slot: int, number: signal.Signals) -> None:
        """Send a signal to the worker in the slot; nothing where it has ended."""
        self.worker(slot).process.send_signal(number)

    def replace(self, slot: int, command: Sequence[str]) -> Worker:
        """SIGTERM to the worker in the slot, and another command in its place, once; the new worker."""
        with self._lock:
            before = self._workers[slot]
            self._commands[slot] = command
        before.process.terminate()
        wait_until(lambda: self.worker(slot) is not before, f"a new worker in slot {slot}")
        return self.worker(slot)

    def wait_until_assigned(self, slot: int) -> None:
        """Wait until whoever is in the slot has its partitions."""
        wait_until(
            lambda: "partitions_assigned" in self.worker(slot).log, f"partitions for slot {slot}", RECOVERY
        )

    def _supervise(self) -> None:
        while not self._stopping.wait(LOOK):
            for slot, worker in enumerate(self._workers):
                code = worker.process.poll()
                if code is None:
                    continue
                with self._lock:
                    self.exit_codes[code] += 1
                    command = self._commands.pop(slot, PLAIN)
                    self._workers[slot] = self._weir.start(command, **self._settings)


def stricken(signal_name: str, step: str) -> Sequence[str]:
    """The command of a worker that sends itself a signal at a step; see stricken_worker.py."""
    return (sys.executable, "-m", "tests.chaos.stricken_worker", signal_name, *step.split())


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by SIGSTOP."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False
