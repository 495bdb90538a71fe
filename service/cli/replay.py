"""`weir replay`."""

import asyncio
import re
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.markdown import Markdown
from rich.table import Column, Table

from service.cli.console import stdout
from service.cli.moments import moment
from service.cli.reasons import dead_letter_reason
from service.cli.replay_progress import percent, shown
from service.errors import ConfigurationError, ReplayError, WeirError
from service.events.json_value import JsonObject
from service.events.timestamps import format_timestamp
from service.observability.logs import configure_logging
from service.policy.vendor_names import VendorName
from service.replay.definition import JOB_NAME, Arguments, Request
from service.replay.jobs import JobStatus, cancel_job, job_statuses
from service.replay.offsets_file import read_offsets
from service.replay.pacing import LagBound
from service.replay.plan import Consent, Plan, prepare
from service.replay.progress import Progress
from service.replay.report import JSON, MARKDOWN, Report, outcomes
from service.replay.runner import Pace, Replay
from service.replay.tally import Tally
from service.replay.targets import FileTarget, Nowhere, Target
from service.settings import Settings, load_settings

app = typer.Typer(invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]

_SELECTION: Final = "What is replayed"
_TARGET: Final = "Where it goes"
_JOB: Final = "The job"
_PACE: Final = "Pace"
_OUTPUT: Final = "Output"


@app.callback()
def replay(
    context: typer.Context,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="From the first record then or later: RFC 3339, a date, or -90s, -30m, -2h, -7d.",
            show_default="the first record kept",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="Up to the first record then or later, without it.",
            show_default="the end when the job begins",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    offsets: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Offsets in place of times: a file with a line topic,partition,from,to for each range.",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    from_dead_letters: Annotated[
        bool,
        typer.Option(
            "--from-dead-letters",
            help="Records with dead letters, for the letters' vendors; times are the letters'.",
            rich_help_panel=_SELECTION,
        ),
    ] = False,
    reason: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REASON",
            help="Letters with this reason; repeatable.",
            show_default="all",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    vendor: Annotated[
        list[VendorName] | None,
        typer.Option(
            metavar="VENDOR",
            help=f"For this vendor ({', '.join(VendorName)}); repeatable.",
            show_default="all of the policy",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Events with this name, or calls of this type (identify, page, …); repeatable.",
            show_default="all",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOPIC",
            help="Raw topic; repeatable.",
            show_default="WEIR_RAW_TOPIC",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    allow_gaps: Annotated[
        bool,
        typer.Option(
            "--allow-gaps", help="Go on without records that retention removed.", rich_help_panel=_SELECTION
        ),
    ] = False,
    to_topic: Annotated[
        str | None,
        typer.Option(
            metavar="TOPIC",
            help="Everything into this topic, in place of the vendors' own.",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Everything into this file, a JSON object a line; zstd if its name ends in .zst.",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read and sanitize, and write nothing.", rich_help_panel=_TARGET),
    ] = False,
    diff_policy: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="In a dry run, compare with the policy in this folder.",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    as_live: Annotated[
        bool,
        typer.Option(
            "--as-live",
            help="As the live worker sends it, without the vendors' marks for old events.",
            rich_help_panel=_TARGET,
        ),
    ] = False,
    accept_duplicates: Annotated[
        bool,
        typer.Option(
            "--accept-duplicates-at-vendor",
            help="Send events that a vendor would count twice if it had them before.",
            rich_help_panel=_TARGET,
        ),
    ] = False,
    job: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The job's id; the same id goes on where it was.",
            show_default="made from what is replayed and where it goes",
            rich_help_panel=_JOB,
        ),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Begin the job anew: what it has sent is sent again.", rich_help_panel=_JOB
        ),
    ] = False,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="Shard I of N, counted from 0: the partitions whose number modulo N is I.",
            rich_help_panel=_JOB,
        ),
    ] = "0/1",
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=64,
            help="Sanitizer processes.",
            show_default="WEIR_PROCESSES",
            rich_help_panel=_PACE,
        ),
    ] = None,
    max_rate: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="N", help="Raw records a second, at most.", rich_help_panel=_PACE),
    ] = None,
    max_lag_topic: Annotated[
        str | None,
        typer.Option(
            metavar="[TOPIC=]N",
            help="Wait while the live worker is more than N records behind on TOPIC (WEIR_RAW_TOPIC).",
            rich_help_panel=_PACE,
        ),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Write a report, JSON or Markdown by its name; repeatable.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Between lines of progress, off a terminal.",
            rich_help_panel=_OUTPUT,
        ),
    ] = 10.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Sanitize any stretch of the raw topic once more, exactly once for each job.

    A job that was killed or stopped goes on when the same command is given again.

    Exits 0 when it is done, 1 after a dry run that found something, 3 if stopped.

    Example: weir replay --from -30d --vendor posthog --dry-run
    """
    given = [name for name in context.params if _is_given(context, name)]
    if context.invoked_subcommand is not None:
        if given:
            raise typer.BadParameter(f"options go behind `{context.invoked_subcommand}`")
        return
    if not given:
        raise typer.BadParameter(
            "say what is replayed; --from 1970-01-01 is everything that is kept (weir replay --help)"
        )
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    if processes is not None:
        settings = settings.model_copy(update={"processes": processes})
    _refuse_contradictions(
        {
            "--offsets": offsets,
            "--from": since,
            "--to": until,
            "--from-dead-letters": from_dead_letters,
            "--reason": reason,
            "--topic": topic if offsets else None,
            "--to-topic": to_topic,
            "--to-file": to_file,
            "--dry-run": dry_run,
            "--diff-policy": diff_policy,
            "--job": job,
            "--restart": restart,
        }
    )
    lines = () if offsets is None else read_offsets(offsets)
    arguments = Arguments(
        topics=tuple(dict.fromkeys(line.topic for line in lines)) or tuple(topic or (settings.raw_topic,)),
        vendors=tuple(name for name in VendorName if name in (vendor or ())),
        events=tuple(sorted(set(event or ()))),
        since=since,
        until=until,
        offsets=lines,
        dead_letters=from_dead_letters,
        reasons=tuple(sorted({dead_letter_reason(each) for each in reason or ()})),
        to_topic=to_topic,
        as_live=as_live,
    )
    number, shards = _shard(shard)
    request = Request(
        _job(job or arguments.job),
        number,
        shards,
        arguments,
        None if since is None else moment(since),
        None if until is None else moment(until),
        relative=job is None and any(each is not None and each.startswith("-") for each in (since, until)),
    )
    if request.since is not None and request.until is not None and request.until <= request.since:
        raise ConfigurationError("--to is not after --from")
    pace = Pace(max_rate, _lag_bound(max_lag_topic, settings))
    files = _report_files(report or ())
    consent = Consent(gaps=allow_gaps, duplicates=accept_duplicates, restart=restart)
    plan = prepare(settings, request, consent, is_job=not dry_run and to_file is None)
    review: Target | None = Nowhere() if dry_run else None if to_file is None else FileTarget(to_file)
    written = _run(
        plan,
        pace,
        review=review,
        mode=_mode(arguments, to_file, dry_run=dry_run),
        diff_policy=diff_policy,
        every=every,
        files=files,
    )
    if as_json:
        stdout.print_json(data=written.as_json())
    else:
        _print(written)
    if dry_run and written.found_something:
        raise typer.Exit(1)


@app.command(name="list")
def list_jobs(as_json: Json = False) -> None:
    """List the jobs, the newest first."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    _print_statuses(job_statuses(settings), as_json=as_json)


@app.command()
def status(job: Job, as_json: Json = False) -> None:
    """Show how far a job is, and what became of its records."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    statuses = job_statuses(settings, _job(job))
    _print_statuses(statuses, as_json=as_json)
    if not as_json:
        _print_details(statuses)


@app.command()
def cancel(job: Job, as_json: Json = False) -> None:
    """Stop a job for good: a run under way ends, and none goes on. What was sent stays sent."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    _print_statuses(cancel_job(settings, _job(job)), as_json=as_json)


def _run(
    plan: Plan,
    pace: Pace,
    *,
    review: Target | None,
    mode: str,
    diff_policy: Path | None,
    every: float,
    files: Sequence[Path],
) -> Report:
    """Run it, show how far it is, and write the report whatever the end."""
    progress = Progress()
    run = Replay(plan, progress, pace, review=review, other_policy_dir=diff_policy)
    differences = None if diff_policy is None else run.differences
    try:
        with shown(progress, run.definition.job, every):
            asyncio.run(_until_told(run))
    except WeirError as error:
        report = Report(run.definition, progress, mode=mode, finished=False, differences=differences)
        try:
            report.write(files)
        except ReplayError as unwritten:  # the error that stopped the run comes first
            raise type(error)(f"{error}\n{unwritten}") from None
        raise
    finally:
        if review is not None:
            review.close()
    report = Report(run.definition, progress, mode=mode, finished=True, differences=differences)
    report.write(files)
    return report


async def _until_told(run: Replay) -> None:
    """Run until it is done, or a signal tells to stop.

    Raises:
        ReplayError: it was told to stop.
    """
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await run.run()
    except asyncio.CancelledError:
        raise ReplayError(f"job {run.definition.job} was told to stop; {run.again}") from None


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_contradictions(given: dict[str, object]) -> None:
    """Options that say opposite things, or nothing without another.

    Raises:
        typer.BadParameter: there are some.
    """
    for one, others in _EXCLUDES.items():
        for other in others:
            if given[one] and given[other]:
                raise typer.BadParameter(f"{one} and {other} do not go together")
    for one, other in _NEEDS.items():
        if given[one] and not given[other]:
            raise typer.BadParameter(f"{one} needs {other}")


_EXCLUDES: Final = {
    "--offsets": ("--from", "--to", "--from-dead-letters", "--topic"),
    "--to-file": ("--to-topic", "--dry-run", "--job", "--restart"),
    "--dry-run": ("--to-topic", "--job", "--restart"),
}
_NEEDS: Final = {"--reason": "--from-dead-letters", "--diff-policy": "--dry-run"}


def _job(text: str) -> str:
    if not re.fullmatch(JOB_NAME, text):
        raise typer.BadParameter("a job's id has letters, digits, '.', '_' and '-', at most 100 of them")
    return text


def _shard(text: str) -> tuple[int, int]:
    number, _, shards = text.partition("/")
    if number.isdecimal() and shards.isdecimal() and int(number) < int(shards):
        return int(number), int(shards)
    raise typer.BadParameter("--shard: not I/N as in 0/3, 1/3 and 2/3")


def _lag_bound(text: str | None, settings: Settings) -> LagBound | None:
    if text is None:
        return None
    topic, _, records = text.rpartition("=")
    if not records.isdecimal():
        raise typer.BadParameter("--max-lag-topic: not a number of records, as in 10000 or events.raw=10000")
    return LagBound(topic or settings.raw_topic, int(records))


def _report_files(files: Sequence[Path]) -> Sequence[Path]:
    for file in files:
        if file.suffix not in {JSON, MARKDOWN}:
            raise typer.BadParameter(f"--report: {file} ends neither in {JSON} nor in {MARKDOWN}")
        if not file.parent.is_dir():
            raise typer.BadParameter(f"--report: there is no folder {file.parent}")
    return files


def _mode(arguments: Arguments, to_file: Path | None, *, dry_run: bool) -> str:
    if dry_run:
        return "nowhere (dry run)"
    if to_file is not None:
        return f"the file {to_file.name}"
    return "the vendors' topics" if arguments.to_topic is None else f"the topic {arguments.to_topic}"


def _print(report: Report) -> None:
    stdout.print(Markdown(report.as_markdown()))


def _print_statuses(statuses: Sequence[JobStatus], *, as_json: bool) -> None:
    if as_json:
        stdout.print_json(data=[_status_as_json(each) for each in statuses])
        return
    if not statuses:
        stdout.print("no jobs")
        return
    longest = max(len(each.definition.job) for each in statuses)
    table = Table(Column("Job", min_width=longest), "Shard", "State", box=box.SIMPLE_HEAD)
    table.add_column("Done", justify="right")
    table.add_column("Offsets", justify="right")
    table.add_column("Begun (UTC)")
    for each in statuses:
        definition = each.definition
        table.add_row(
            definition.job,
            f"{definition.shard}/{definition.shards}",
            each.state,
            "-" if each.done is None else percent(each.done, definition.offsets),
            f"{definition.offsets:,}",
            _minute(definition.begun),
        )
    stdout.print(table, crop=False)  # a job's id is there to be copied, however long it is


def _print_details(statuses: Sequence[JobStatus]) -> None:
    """One job: what it does, and what became of its records in all of its shards."""
    definition, tally = statuses[0].definition, Tally()
    for each in statuses:
        tally.add(each.tally)
        if each.moved is not None:
            shard = f"{each.definition.shard}/{each.definition.shards}"
            moved = format_timestamp(each.moved // 1000)
            stdout.print(f"Shard {shard} last got further at {moved}", highlight=False)
    stdout.print(
        f"Arguments: {shlex.join(definition.arguments.options)}\nPolicy: {definition.policy}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if not tally.outcomes:
        return
    table = Table("Vendor", "Outcome", "Reason", box=box.SIMPLE_HEAD)
    table.add_column("Events", justify="right")
    for (vendor, kind, reason), count in sorted(tally.outcomes.items()):
        table.add_row(vendor, kind, reason or "-", f"{count:,}")
    stdout.print(table)


def _minute(milliseconds: int) -> str:
    return format_timestamp(milliseconds // 1000)[:16].replace("T", " ")


def _status_as_json(status: JobStatus) -> JsonObject:
    definition = status.definition
    return {
        "job": definition.job,
        "shard": definition.shard,
        "shards": definition.shards,
        "state": status.state,
        "done": status.done,
        "offsets": definition.offsets,
        "begun": format_timestamp(definition.begun // 1000),
        "last_progress": None if status.moved is None else format_timestamp(status.moved // 1000),
        "arguments": definition.arguments.model_dump(mode="json", exclude_defaults=True),
        "vendors": list(definition.vendors),
        "policy": definition.policy,
        "records": status.tally.records,
        "outcomes": outcomes(status.tally),
    }
