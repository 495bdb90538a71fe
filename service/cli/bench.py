"""`weir bench`."""

from typing import Annotated

import typer

from service.cli.console import stderr, stdout
from service.cli.steps import steps_on
from service.settings import load_settings

bench = typer.Typer(no_args_is_help=True, help="Measure Weir on this machine.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench")


@bench.command()
def pipeline(
    events: Annotated[
        int, typer.Option(min=1000, max=1_000_000, help="How many structured events to send.")
    ] = 20_000,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Sanitizer processes. [default: WEIR_PROCESSES]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Throughput from the raw topic to five vendors' topics, beside plain Faust.

    Sends events without free text through a real Kafka and a real worker, exactly once; and the same records
    on the same broker through a plain Faust agent that does nothing but send each to another topic. Starts a
    Kafka of its own unless WEIR_KAFKA_BOOTSTRAP names one.
    """
    from service.bench.pipeline import measure  # noqa: PLC0415  (Kafka's clients take a while to import)

    settings = load_settings()
    if processes is not None:
        settings = settings.model_copy(update={"processes": processes})
    report = measure(settings, events=events, steps=steps_on(stderr))
    if json:
        stdout.print_json(data=report.as_json())
    else:
        report.print(stdout)


@bench.command()
def sanitize(
    events: Annotated[int, typer.Option(min=500, max=100_000, help="How many events of each mix.")] = 3000,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """CPU time of one raw event by stage, in one process and without Kafka.

    For events without free text, and for the demo's mix, in which one event of ten carries words.
    """
    from service.bench.sanitizing import costs_as_json, measure, print_costs  # noqa: PLC0415  (as above)

    costs = measure(load_settings(), events=events, steps=steps_on(stderr))
    if json:
        stdout.print_json(data=costs_as_json(costs))
    else:
        print_costs(costs, stdout)
