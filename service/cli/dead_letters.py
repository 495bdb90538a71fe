"""`weir dead-letters`."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from service.cli.console import stderr, stdout
from service.cli.moments import moment
from service.cli.reasons import dead_letter_reason
from service.events.json_value import JsonObject
from service.events.timestamps import EARLIEST, LATEST, format_timestamp
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import Stage
from service.settings import load_settings
from service.streaming.dead_letter_topic import (
    Coordinates,
    DeadLetterTopic,
    FoundLetter,
    Kind,
    Progress,
    Selection,
    Summary,
    Tally,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Read the dead letters: where records are that could not go out, and why. Never what they hold.",
)

#: What stands for the vendor of a letter that is every vendor's.
ALL_VENDORS: Final = "all"


class Span(StrEnum):
    """How finely a summary divides time."""

    HOUR = "hour"
    DAY = "day"


_SPAN_MS: Final = {Span.HOUR: 3_600_000, Span.DAY: 86_400_000}

Since = Annotated[
    int | None,
    typer.Option(parser=moment, metavar="TIME", help="Written then or later: RFC 3339, or -30m, -2h, -7d."),
]
Until = Annotated[int | None, typer.Option(parser=moment, metavar="TIME", help="Written before then.")]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", metavar="REASON", help="Only with this reason; repeatable.")
]
Vendors = Annotated[
    list[str] | None,
    typer.Option(
        "--vendor",
        metavar="VENDOR",
        help="Only of this vendor; `all` for those that stand for every vendor; repeatable.",
    ),
]
Stages = Annotated[
    list[Stage] | None, typer.Option("--stage", help="Only from this stage; repeatable.", show_choices=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def summary(
    *,
    since: Since = None,
    until: Until = None,
    reason: Reasons = None,
    vendor: Vendors = None,
    stage: Stages = None,
    per: Annotated[Span, typer.Option(help="How finely time is divided, in UTC.")] = Span.DAY,
    as_json: Json = False,
) -> None:
    """Count the dead letters by stage, reason and vendor, and by the time they were written.

    Exits 1 if the topic holds records that are no dead letters of Weir's.
    """
    selection = _selection(since, until, reason, vendor, stage)
    counts = Summary(_SPAN_MS[per])
    with DeadLetterTopic.of(load_settings()) as topic, _progress(topic.name) as progress:
        for found in topic.letters(selection, progress):
            counts.add(found)
    if as_json:
        stdout.print_json(data={**_topic_as_json(topic), **_summary_as_json(counts)})
    elif counts.kinds:
        stdout.print(_kinds_table(counts))
        stdout.print(_spans_table(counts, per))
    else:
        _say(f"no such dead letters in {topic.name}")
    _refuse_foreign(topic)


@app.command(name="list")
def list_letters(
    *,
    since: Since = None,
    until: Until = None,
    reason: Reasons = None,
    vendor: Vendors = None,
    stage: Stages = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List dead letters, the newest first.

    Exits 1 if the topic holds records that are no dead letters of Weir's.
    """
    selection = _selection(since, until, reason, vendor, stage)
    newest: list[tuple[int, int, FoundLetter]] = []  # a heap: the oldest of the newest is at its top
    count = 0
    with DeadLetterTopic.of(load_settings()) as topic, _progress(topic.name) as progress:
        for count, found in enumerate(topic.letters(selection, progress), start=1):
            heapq.heappush(newest, (found.written, count, found))
            if len(newest) > limit:
                heapq.heappop(newest)
    letters = [found for _, _, found in sorted(newest, reverse=True)]
    if as_json:
        listed = {"matching": count, "letters": [_as_json(found) for found in letters]}
        stdout.print_json(data={**_topic_as_json(topic), **listed})
    elif letters:
        stdout.print(_letters_table(letters))
        if count > len(letters):
            _say(f"the newest {len(letters):,} of {count:,}; --limit shows more")
    else:
        _say(f"no such dead letters in {topic.name}")
    _refuse_foreign(topic)


@app.command()
def show(
    record: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="A raw record.")],
    as_json: Json = False,
) -> None:
    """Show every dead letter of one raw record, and whether Kafka still keeps the record.

    The record itself is not read. Exits 1 if there is no letter of it.
    """
    source = _source(record)
    with DeadLetterTopic.of(load_settings()) as topic:
        with _progress(topic.name) as progress:
            letters = sorted(topic.letters_of(source, progress), key=lambda found: found.written)
        kept = topic.reaches(source)
    if as_json:
        shown = {"record": str(source), "record_kept": kept, "letters": [_as_json(each) for each in letters]}
        stdout.print_json(data={**_topic_as_json(topic), **shown})
    elif letters:
        stdout.print(_details_table(letters))
        _say(f"{source}: {_KEPT[kept]}")
    else:
        _say(f"no dead letter of {source} in {topic.name}")
    _refuse_foreign(topic)
    raise typer.Exit(0 if letters else 1)


_KEPT: Final = {
    True: "the raw record is still within the offsets that Kafka keeps",
    False: "the raw record is outside of the offsets that Kafka keeps",
    None: "there is no such partition, or no right to see it",
}


def _selection(
    since: int | None,
    until: int | None,
    reasons: Sequence[str] | None,
    vendors: Sequence[str] | None,
    stages: Sequence[Stage] | None,
) -> Selection:
    return Selection(
        since,
        until,
        frozenset(map(dead_letter_reason, reasons or ())),
        frozenset(map(_vendor, vendors or ())),
        frozenset(stages or ()),
    )


def _vendor(text: str) -> VendorName | None:
    try:
        return None if text == ALL_VENDORS else VendorName(text)
    except ValueError:
        raise typer.BadParameter(f"--vendor: not one of {', '.join(VendorName)}, {ALL_VENDORS}") from None


def _source(text: str) -> Coordinates:
    match text.rsplit("/", 2):
        case [topic, partition, offset] if topic and partition.isdecimal() and offset.isdecimal():
            return Coordinates(topic, int(partition), int(offset))
    raise typer.BadParameter("not TOPIC/PARTITION/OFFSET, as in events.raw/3/1207")


def _say(line: str) -> None:
    stdout.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _progress(topic: str) -> Iterator[Progress]:
    """A bar while the topic is read, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task(f"Read {topic}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _refuse_foreign(topic: DeadLetterTopic) -> None:
    if topic.foreign:
        stderr.print(
            f"weir: {topic.foreign} records of {topic.name} are no dead letters of Weir's, the first at "
            f"{topic.first_foreign}; find out who else writes there",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(1)


def _kinds_table(counts: Summary) -> Table:
    table = Table("Stage", "Reason", "Vendor", box=box.SIMPLE_HEAD)
    table.add_column("Letters", justify="right")
    table.add_column("First written")
    table.add_column("Last written")
    for kind, tally in _by_count(counts):
        table.add_row(
            kind.stage,
            kind.reason,
            kind.vendor or ALL_VENDORS,
            f"{tally.letters:,}",
            _time(tally.first),
            _time(tally.last),
        )
    return table


def _spans_table(counts: Summary, per: Span) -> Table:
    table = Table(f"{per.capitalize()} from", box=box.SIMPLE_HEAD)
    table.add_column("Letters", justify="right")
    table.add_column("Reasons")
    for begin, reasons in sorted(counts.spans.items()):
        named = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
        table.add_row(_time(begin), f"{reasons.total():,}", named)
    return table


def _letters_table(letters: Sequence[FoundLetter]) -> Table:
    table = Table("Written", "Raw record", "Vendor", "Stage", "Reason", box=box.SIMPLE_HEAD)
    for written, letter in letters:
        table.add_row(
            _time(written), letter.source, letter.vendor or ALL_VENDORS, letter.stage, letter.reason
        )
    return table


def _details_table(letters: Sequence[FoundLetter]) -> Table:
    table = Table("Written", "Vendor", "Stage", "Reason", "Raw record of", "Policy", box=box.SIMPLE_HEAD)
    for written, letter in letters:
        table.add_row(
            _time(written),
            letter.vendor or ALL_VENDORS,
            letter.stage,
            letter.reason,
            _time(letter.timestamp),
            letter.policy[:_SHORT_FINGERPRINT],
        )
    return table


#: Digits of a policy's fingerprint in a table; JSON has them all.
_SHORT_FINGERPRINT: Final = 12


def _topic_as_json(topic: DeadLetterTopic) -> JsonObject:
    first = topic.first_foreign
    return {
        "topic": topic.name,
        "foreign": topic.foreign,
        "first_foreign": None if first is None else str(first),
    }


def _summary_as_json(counts: Summary) -> JsonObject:
    return {
        "letters": counts.letters,
        "kinds": [
            {
                "stage": kind.stage,
                "reason": kind.reason,
                "vendor": kind.vendor,
                "letters": tally.letters,
                "first": _time(tally.first),
                "last": _time(tally.last),
            }
            for kind, tally in _by_count(counts)
        ],
        "spans": [
            {"from": _time(begin), "letters": reasons.total(), "reasons": dict(reasons.most_common())}
            for begin, reasons in sorted(counts.spans.items())
        ],
    }


def _by_count(counts: Summary) -> list[tuple[Kind, Tally]]:
    return sorted(counts.kinds.items(), key=lambda each: (-each[1].letters, each[0].stage, each[0].reason))


def _as_json(found: FoundLetter) -> JsonObject:
    return {"written": _time(found.written), **found.letter.model_dump(mode="json")}


def _time(milliseconds: int) -> str:
    """RFC 3339 to the second; the number itself where Kafka was given one that is no date."""
    seconds = milliseconds // 1000
    return format_timestamp(seconds) if EARLIEST <= seconds <= LATEST else str(milliseconds)
