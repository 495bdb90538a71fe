"""`weir bench`."""

from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console

from service.bench.detection.labelled import Split
from service.cli.console import stderr, stdout
from service.cli.steps import steps_on
from service.demo.events import Mix
from service.detection.profile import Profile
from service.errors import ConfigurationError
from service.events.json_value import JsonObject
from service.settings import Settings, load_settings

Processes = Annotated[int | None, typer.Option(min=1, help="Sanitizer processes. [default: WEIR_PROCESSES]")]
Json = Annotated[bool, typer.Option("--json", help="The figures as JSON.")]
Traffic = Annotated[list[Mix] | None, typer.Option(help="A kind of events; may be repeated. [default: all]")]
Events = Annotated[
    int, typer.Option(min=1000, max=1_000_000, help="How many events of each kind; of text a tenth.")
]
Rate = Annotated[
    int, typer.Option(min=1, max=10_000, help="Raw events a second for the latency; of text a tenth.")
]
Vrl = Annotated[Path | None, typer.Option(help="The contender in VRL, see tests/benchmarks.")]
Benthos = Annotated[Path | None, typer.Option(help="The contender in Bloblang.")]

MIX_HELP = "The demo's events, one of ten with words; only events without; or only long texts."

bench = typer.Typer(no_args_is_help=True, help="Measure Weir on this machine.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench")


def _settings(processes: int | None) -> Settings:
    settings = load_settings()
    return settings if processes is None else settings.model_copy(update={"processes": processes})


class _Report(Protocol):
    """What a command has measured."""

    def print(self, console: Console) -> None: ...

    def as_json(self) -> JsonObject: ...


def _show(report: _Report, *, json: bool) -> None:
    if json:
        stdout.print_json(data=report.as_json())
    else:
        report.print(stdout)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None


def _write(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from None


@bench.command()
def pipeline(
    *,
    traffic: Traffic = None,
    events: Events = 50_000,
    rate: Rate = 500,
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="How long to measure the latency.")] = 20,
    vrl: Vrl = None,
    benthos: Benthos = None,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Throughput, CPU time and latency from the raw topic to five vendors' topics, beside yardsticks.

    Sends events through a real Kafka and a real worker, exactly once: without words, the demo's mix, and such
    with several sentences. The same records go, on the same broker, through a plain Faust agent that does
    nothing but send each to another topic, and through a plain aiokafka program that copies them in batches,
    exactly once. Then the same as `weir bench sanitize`: the core without Kafka, beside a floor and other
    engines. Starts a Kafka of its own unless WEIR_KAFKA_BOOTSTRAP names one.
    """
    from service.bench.pipeline import Load, measure  # noqa: PLC0415  (Kafka's clients take a while to import)

    load = Load(traffic or list(Mix), events, rate, seconds)
    report = measure(_settings(processes), load, vrl=vrl, benthos=benthos, steps=steps_on(stderr))
    _show(report, json=json)


@bench.command()
def capacity(
    *,
    rate: Annotated[
        list[int] | None,
        typer.Option("--for", min=1, help="Raw events a second to serve; may be repeated. [default: 10000]"),
    ] = None,
    vendors: Annotated[int, typer.Option(min=1, max=5, help="For how many vendors.")] = 5,
    partitions: Annotated[int, typer.Option(min=1, help="Of the raw topic.")] = 4,
    events: Events = 50_000,
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="How long each check lasts.")] = 20,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Cores that structured events need, from their measured cost, and how far off that is.

    The cost of a raw event is measured in a real worker at full speed, once for one vendor and once for five.
    The model is then checked at two steady rates. Starts a Kafka of its own unless WEIR_KAFKA_BOOTSTRAP names
    one.
    """
    from service.bench.capacity import measure  # noqa: PLC0415  (as above)

    report = measure(
        _settings(processes),
        vendors=vendors,
        partitions=partitions,
        rates=rate or [10_000],
        events=events,
        seconds=seconds,
        steps=steps_on(stderr),
    )
    _show(report, json=json)


@bench.command()
def sweep(
    *,
    traffic: Traffic = None,
    events: Events = 50_000,
    rate: Rate = 500,
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="How long each steady rate lasts.")] = 20,
    processes: Annotated[
        list[int] | None, typer.Option(min=1, help="Sanitizer processes; may be repeated. [default: 1, 2]")
    ] = None,
    partitions: Annotated[
        list[int] | None,
        typer.Option(min=1, max=1000, help="Of each topic; may be repeated. [default: 1, 4, 16, 64]"),
    ] = None,
    vendors: Annotated[
        list[int] | None, typer.Option(min=1, max=5, help="May be repeated. [default: 1 to 5]")
    ] = None,
    kilobytes: Annotated[
        list[float] | None,
        typer.Option(min=0.5, max=900, help="Size of events; may be repeated. [default: 0.5, 2, 10, 100]"),
    ] = None,
    vrl: Vrl = None,
    benthos: Benthos = None,
    plot: Annotated[Path | None, typer.Option(help="Also write the sweep as an SVG image.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Also rewrite the figures between the two marks of this page.")
    ] = None,
    json: Json = False,
) -> None:
    """All of docs/performance.md: the pipeline, then one condition at a time varied, then the capacity.

    Every figure is of a real worker on one real Kafka, started unless WEIR_KAFKA_BOOTSTRAP names one. Takes
    about twenty minutes as it stands.
    """
    from service.bench.performance import measure, rewritten  # noqa: PLC0415  (as above)
    from service.bench.pipeline import Load  # noqa: PLC0415  (as above)
    from service.bench.sweep import Grid  # noqa: PLC0415  (as above)

    page = rewritten(_read(write), "") if write is not None else ""  # a page without the marks is refused now
    usual = Grid()
    report = measure(
        load_settings(),
        Load(traffic or list(Mix), events, rate, seconds),
        Grid(
            processes or usual.processes,
            partitions or usual.partitions,
            vendors or usual.vendors,
            kilobytes or usual.kilobytes,
        ),
        vrl=vrl,
        benthos=benthos,
        steps=steps_on(stderr),
    )
    _show(report, json=json)
    if plot is not None:
        _write(plot, report.sweep.picture())
    if write is not None:
        _write(write, rewritten(page, report.page(plot.name if plot is not None else None)))


@bench.command()
def replay(
    events: Annotated[
        int, typer.Option(min=1000, max=10_000_000, help="How many structured events to replay.")
    ] = 100_000,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Rate and memory of `weir replay`, beside the live worker and plain kafka-python.

    Sends events without free text to a real Kafka; then a plain copy, live workers and replays, for one
    vendor and for five, go over all of them, one after the other. Starts a Kafka of its own unless
    WEIR_KAFKA_BOOTSTRAP names one; its topics take up to about 15 GB of disk for a million events.
    """
    from service.bench.replay import measure  # noqa: PLC0415  (as above)

    report = measure(_settings(processes), events=events, steps=steps_on(stderr))
    _show(report, json=json)


@bench.command()
def sanitize(
    *,
    events: Annotated[
        int, typer.Option(min=500, max=100_000, help="How many events of each kind a round.")
    ] = 3000,
    vrl: Vrl = None,
    benthos: Benthos = None,
    json: Json = False,
) -> None:
    """CPU time of one raw event, in one process and without Kafka, beside a floor and other engines.

    The floor is the least that bare Python needs for the same payloads. Weir's time is shown by stage, for
    events without free text and for the demo's mix; and under a far larger policy, and for few and many
    users.
    """
    from service.bench.core import measure_core  # noqa: PLC0415  (as above)

    report = measure_core(load_settings(), events=events, vrl=vrl, benthos=benthos, steps=steps_on(stderr))
    _show(report, json=json)


@bench.command()
def detection(
    *,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="A file of cases with secrets and keeps; may be repeated.")
    ] = None,
    profile: Annotated[
        list[Profile] | None, typer.Option(help="A profile to measure; may be repeated. [default: all]")
    ] = None,
    texts: Annotated[int, typer.Option(min=10, max=100_000, help="How many texts of each source.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Which texts.")] = 1,
    split: Annotated[
        Split, typer.Option(help="Texts for figures, or those to work on; they share nothing.")
    ] = Split.TEST,
    stock: Annotated[bool, typer.Option(help="Whether stock Presidio reads the same texts.")] = True,
    plot: Annotated[Path | None, typer.Option(help="Also write the figures as an SVG image.")] = None,
    json: Json = False,
) -> None:
    """Detection's quality and speed on labelled texts, beside stock Presidio, in one process without Kafka.

    The texts are generated: sentences, product texts, noisy texts and texts without anything personal. The
    speed is that on the texts of the demo's events. Needs Faker, which `make setup` installs.
    """
    try:
        from service.bench.detection.measurement import measure  # noqa: PLC0415  (as above)
    except ModuleNotFoundError as error:
        if error.name != "faker":
            raise
        raise ConfigurationError("Faker is not installed: run `make setup` in a checkout") from None

    report = measure(
        load_settings(),
        corpora=corpus or [],
        texts=texts,
        seed=seed,
        split=split,
        profiles=profile or list(Profile),
        stock=stock,
        steps=steps_on(stderr),
    )
    _show(report, json=json)
    if plot is not None:
        _write(plot, report.picture())


@bench.command()
def latency(
    *,
    rate: Annotated[int, typer.Option(min=1, max=10_000, help="Raw events a second.")] = 500,
    mix: Annotated[Mix, typer.Option(help=MIX_HELP)] = Mix.REALISTIC,
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="How long to measure.")] = 60,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before that are left out.")] = 15,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Latency from a raw record to the reader of a vendor's topic, at a steady rate.

    A process of its own sends events on time, whatever becomes of them (an open loop); a real worker
    sanitizes them; a read_committed reader notes when it has each vendor record. Counted from the time at
    which the event was to be sent. Starts a Kafka of its own unless WEIR_KAFKA_BOOTSTRAP names one.
    """
    from service.bench.latency import measure  # noqa: PLC0415  (as above)

    settings = _settings(processes)
    report = measure(settings, rate=rate, mix=mix, seconds=seconds, warm_up=warm_up, steps=steps_on(stderr))
    _show(report, json=json)


@bench.command()
def idle(
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="How long to measure.")] = 60,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Processor time of a worker that has nothing to do.

    Starts a Kafka of its own unless WEIR_KAFKA_BOOTSTRAP names one.
    """
    from service.bench.idle import measure  # noqa: PLC0415  (as above)

    report = measure(_settings(processes), seconds=seconds, steps=steps_on(stderr))
    _show(report, json=json)


@bench.command()
def memory(
    *,
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="How long to measure.")] = 20.0,
    warm_up: Annotated[int, typer.Option(min=0, max=3600, help="Seconds before that are left out.")] = 120,
    every: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds from one look to the next.")] = 5.0,
    mix: Annotated[Mix, typer.Option(help=MIX_HELP)] = Mix.REALISTIC,
    processes: Processes = None,
    svg: Annotated[Path | None, typer.Option(help="Also write the course as an image.")] = None,
    json: Json = False,
) -> None:
    """Memory of each process of a worker that works as fast as it can.

    New events keep coming, so that the worker never waits. Starts a Kafka of its own unless
    WEIR_KAFKA_BOOTSTRAP names one; its topics take up to about 2 GB of disk. Exits 1 if the worker's memory
    has grown or shrunk by more than 10 %.
    """
    from service.bench.memory import measure  # noqa: PLC0415  (as above)

    report = measure(
        _settings(processes),
        mix=mix,
        minutes=minutes,
        warm_up=warm_up,
        every=every,
        steps=steps_on(stderr),
    )
    _show(report, json=json)
    if svg is not None:
        _write(svg, report.picture())
    raise typer.Exit(0 if report.flat else 1)
