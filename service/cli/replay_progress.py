"""How a replay shows how far it is: bars on a terminal, a plain line every few seconds elsewhere."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from service.cli.console import stderr
from service.replay.progress import Progress
from service.replay.tally import Kind

#: Seconds between looks on a terminal.
_REFRESH: Final = 0.5
#: Partitions with a bar of their own; more would fill the screen.
_MOST_BARS: Final = 16


@contextmanager
def shown(progress: Progress, job: str, every: float) -> Iterator[None]:
    """Show a run's progress for the block."""
    display = _Bars(progress, job) if stderr.is_terminal else _Lines(progress, job)
    stopped = threading.Event()

    def look() -> None:
        while not stopped.wait(_REFRESH if stderr.is_terminal else every):
            with progress.lock:
                display.show()

    thread = threading.Thread(target=look, daemon=True)
    with display.on():
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
            display.show()


class _Lines:
    """A line each time."""

    def __init__(self, progress: Progress, job: str) -> None:
        self._progress = progress
        self._job = job

    @contextmanager
    def on(self) -> Iterator[None]:
        yield

    def show(self) -> None:
        progress = self._progress
        if not progress.partitions:
            line = "starting"
        else:
            share = percent(progress.done, progress.total)
            line = f"{progress.done:,} of {progress.total:,} offsets ({share}), {facts(progress)}"
        stderr.print(f"replay {self._job}: {line}", markup=False, highlight=False, soft_wrap=True)


class _Bars:
    """A bar for each partition, one in total, and a line of facts."""

    def __init__(self, progress: Progress, job: str) -> None:
        self._progress = progress
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            console=stderr,
        )
        self._total: TaskID = self._bars.add_task(f"replay {job}", total=None)
        self._tasks: dict[object, TaskID] = {}
        self._live = Live(self._bars, console=stderr, auto_refresh=False)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Log lines meanwhile go above the bars: rich has put itself in the place of stderr."""
        with self._live, ExitStack() as stack:
            for handler in logging.getLogger().handlers:
                if isinstance(handler, logging.StreamHandler):
                    before = handler.setStream(sys.stderr)
                    stack.callback(handler.setStream, before)
            yield

    def show(self) -> None:
        progress = self._progress
        for source, each in list(progress.partitions.items())[:_MOST_BARS]:
            if source not in self._tasks:
                name = f"  {source.topic}/{source.partition}"
                self._tasks[source] = self._bars.add_task(name, total=each.range.offsets)
            self._bars.update(self._tasks[source], completed=each.done)
        self._bars.update(self._total, completed=progress.done, total=progress.total or None)
        self._live.update(Group(self._bars, Text(facts(progress))), refresh=True)


def facts(progress: Progress) -> str:
    """Rate, outcomes and the time that is left, in a line."""
    tally = progress.tally
    rate, left = progress.rate, progress.remaining_seconds
    parts = [
        "no rate yet" if rate is None else f"{rate:,.0f}/s",
        "" if left is None else f"{_duration(left)} left",
        f"{tally.total(Kind.SENT):,} sent",
        f"{tally.total(Kind.SUPPRESSED):,} suppressed",
        f"{tally.total(Kind.DEAD_LETTERED):,} dead-lettered",
        "" if progress.waits_for is None else f"waits for {progress.waits_for}",
    ]
    return ", ".join(filter(None, parts))


def percent(done: int, total: int) -> str:
    """A share that is 100 % only where all is done."""
    return f"{100 * done // total if total else 100}%"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
