"""`weir demo`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBars

from service.cli.console import stderr, stdout
from service.demo.pipeline import Progress
from service.demo.run import DemoRun
from service.errors import ConfigurationError
from service.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    events: Annotated[int, typer.Option(min=1, max=200_000, help="How many sample events.")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes up other people.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Counts as JSON instead of tables.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Also write the result as an image.")] = None,
    keep_topics: Annotated[
        bool,
        typer.Option("--keep-topics", help="Leave the topics on the broker that WEIR_KAFKA_BOOTSTRAP names."),
    ] = False,
) -> None:
    """Show the whole story on this machine: a real Kafka, sample events, a worker, five vendors.

    Makes up people and what they do in a product, personal data included; sends it through Kafka and a worker
    that knows the reference policy; shows what each vendor would get; and searches all of it for every value
    that was put in. Starts a Kafka of its own unless WEIR_KAFKA_BOOTSTRAP names one.

    Exits 1 if a value from a structured field came out, or if an outcome is missing.
    """
    settings = load_settings()
    run = DemoRun(settings, events=events, seed=seed, keep_topics=keep_topics)
    report = run.run(_Bars() if stderr.is_terminal else _Lines())
    if json:
        stdout.print_json(orjson.dumps(report.as_json()).decode())
    else:
        report.print(stdout)
    if svg is not None:
        try:
            svg.write_text(report.picture(), "utf-8")
        except OSError as error:
            raise ConfigurationError(f"{svg}: cannot be written: {error.strerror}") from None
    raise typer.Exit(0 if report.clean else 1)


class _Bars:
    """Steps as progress bars on a terminal."""

    @contextmanager
    def step(self, what: str) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with ProgressBars(*columns, console=stderr) as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
            finished = bars.tasks[0].total or 1
            bars.update(task, total=finished, completed=finished)


class _Lines:
    """Steps as plain lines: one when a step begins, one when it is done."""

    @contextmanager
    def step(self, what: str) -> Iterator[Progress]:
        stderr.print(f"{what} …")
        begun = time.monotonic()
        yield lambda done, total: None  # noqa: ARG005  (a line for each batch would be noise)
        stderr.print(f"  done in {time.monotonic() - begun:.1f} s")
