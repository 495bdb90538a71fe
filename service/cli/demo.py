"""`weir demo`."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.console import stderr, stdout
from service.cli.steps import steps_on
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
    report = run.run(steps_on(stderr))
    if json:
        stdout.print_json(data=report.as_json())
    else:
        report.print(stdout)
    if svg is not None:
        try:
            svg.write_text(report.picture(), "utf-8")
        except OSError as error:
            raise ConfigurationError(f"{svg}: cannot be written: {error.strerror}") from None
    raise typer.Exit(0 if report.clean else 1)
