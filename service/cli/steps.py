"""How long runs show what they are at: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBars

from service.demo.pipeline import Progress
from service.demo.run import Steps


def steps_on(console: Console) -> Steps:
    """The steps, shown as the console can."""
    return _Bars(console) if console.is_terminal else _Lines(console)


class _Bars:
    """Steps as progress bars on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, what: str) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with ProgressBars(*columns, console=self._console) as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
            finished = bars.tasks[0].total or 1
            bars.update(task, total=finished, completed=finished)


class _Lines:
    """Steps as plain lines: one when a step begins, one when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, what: str) -> Iterator[Progress]:
        self._console.print(f"{what} …")
        begun = time.monotonic()
        yield lambda done, total: None  # noqa: ARG005  (a line for each batch would be noise)
        self._console.print(f"  done in {time.monotonic() - begun:.1f} s")
