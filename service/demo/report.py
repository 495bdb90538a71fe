"""What the demo prints: three events before and after, the outcomes, the audit.

Where colours are off or there is no terminal, removed parts stand in `[-…-]` instead of being struck.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from math import ceil
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from service.demo.audit import AuditResult, Bin
from service.demo.differences import Fate, Leaf, Piece, difference, leaves, origin, survivors
from service.demo.ledger import DeadLetter, Ledger
from service.demo.pipeline import Stopwatch
from service.demo.planted import Kind, Place
from service.demo.stories import Story
from service.events.json_value import JsonObject
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import SuppressReason

_REMOVED: Final = "strike red"
_ADDED: Final = "bold green"
_MADE: Final = "cyan"
_QUIET: Final = "dim"
_LEAST_PANEL_WIDTH: Final = 38
#: From this width on the two tables fit beside each other.
_SIDE_BY_SIDE: Final = 168


@dataclass(frozen=True, slots=True)
class Report:
    """All that the demo has to say.

    Attributes:
        stories: The events that are shown.
        ledger: What became of every record.
        audit: What was found of the planted values.
        records: Raw records, malformed ones included.
        watch: The times.
    """

    stories: list[Story]
    ledger: Ledger
    audit: AuditResult
    records: int
    watch: Stopwatch

    @property
    def clean(self) -> bool:
        """Whether nothing structured came out and every record has its outcomes."""
        return self.audit.structured_found == 0 and self.ledger.unaccounted == 0

    def print(self, console: Console) -> None:
        for story in self.stories:
            console.print(_story(story, console))
        tables: list[RenderableType] = [_outcomes(self), _audit(self.audit)]
        if console.width >= _SIDE_BY_SIDE:
            grid = Table.grid(padding=(0, 2), expand=True)
            grid.add_row(*tables)
            tables = [grid]
        console.print(*tables, _verdict(self), sep="\n")

    def picture(self) -> str:
        """The first event, the outcomes and the audit as an SVG image without outside references."""
        console = Console(
            record=True,
            file=StringIO(),
            width=_SIDE_BY_SIDE,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
        )
        Report(self.stories[:1], self.ledger, self.audit, self.records, self.watch).print(console)
        return console.export_svg(title="weir demo", code_format=_SVG, unique_id="weir-demo")

    def as_json(self) -> JsonObject:
        """Counts and times; no value of any event."""
        ledger, audit = self.ledger, self.audit
        return {
            "records": self.records,
            "start_seconds": round(self.watch.start_seconds, 3),
            "timed_records": self.watch.records,
            "timed_seconds": round(self.watch.seconds, 3),
            "records_per_second": round(self.watch.rate, 1),
            "vendors": {
                vendor: {
                    "sent": ledger.sent[vendor],
                    "suppressed": {
                        reason: ledger.suppressed[vendor, reason]
                        for reason in _HEADINGS
                        if ledger.suppressed[vendor, reason]
                    },
                    "dead_lettered": _letters(ledger, vendor),
                }
                for vendor in VendorName
            },
            "dead_lettered_for_all": _letters(ledger, None),
            "unaccounted": ledger.unaccounted,
            "audit": {
                "records_searched": audit.outputs,
                "needles": audit.needles,
                "planted": _by_place(audit.planted),
                "found": _by_place(audit.found),
                "found_of_other_events": dict(sorted(audit.strange.items())),
                "found_as": dict(sorted(audit.spellings.items())),
                "structured_found": audit.structured_found,
                "free_text_share": round(audit.free_text_share, 5),
            },
            "clean": self.clean,
        }


def _letters(ledger: Ledger, vendor: VendorName | None) -> JsonObject:
    return {
        letter.reason: count
        for (about, letter), count in sorted(ledger.dead_lettered.items(), key=lambda item: item[0][1])
        if about is vendor
    }


def _by_place(counts: "dict[Bin, int]") -> JsonObject:
    return {
        place: {kind: counts[Bin(place, kind)] for kind in Kind if counts.get(Bin(place, kind))}
        for place in Place
    }


def _story(story: Story, console: Console) -> RenderableType:
    marks = console.no_color or not console.is_terminal
    raw = list(leaves(story.event.body))
    payloads = {
        vendor: list(leaves(ending)) for vendor, ending in story.endings.items() if isinstance(ending, dict)
    }
    before = Panel(
        _before(raw, payloads, marks=marks),
        title=f"before: the raw event ({'[-…-]' if marks else 'struck'}: reached no vendor)",
        title_align="left",
        box=box.ROUNDED,
        border_style=_QUIET,
    )
    panels = [_after(vendor, story, payloads.get(vendor), raw) for vendor in story.endings]
    rows = ceil(len(panels) / max(1, console.width // _LEAST_PANEL_WIDTH))
    columns = ceil(len(panels) / rows)
    grid = Table.grid(expand=True, padding=0)
    for _ in range(columns):
        grid.add_column(ratio=1)
    for start in range(0, len(panels), columns):
        grid.add_row(*panels[start : start + columns])
    return Group(Rule(story.title, align="left", style=_QUIET), before, grid, "")


def _before(raw: list[Leaf], payloads: dict[VendorName, list[Leaf]], *, marks: bool) -> RenderableType:
    came_of: dict[Leaf, list[str]] = {leaf: [] for leaf in raw}
    for after in (leaf for payload in payloads.values() for leaf in payload):
        source = origin(after, raw)
        if source is not None:
            came_of[source].append(after.text)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style=_QUIET, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    for leaf in raw:
        table.add_row(leaf.path, _text(survivors(leaf.text, came_of[leaf]), marks=marks))
    return table


def _after(vendor: VendorName, story: Story, payload: list[Leaf] | None, raw: list[Leaf]) -> RenderableType:
    content: RenderableType
    if payload is not None:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(style=_QUIET, ratio=2, no_wrap=True, overflow="ellipsis")
        table.add_column(ratio=3, overflow="fold")
        for leaf in payload:
            source = origin(leaf, raw)
            if source is None:
                value = Text(leaf.text, style=_MADE, no_wrap=True, overflow="ellipsis")
            else:
                pieces = [
                    piece for piece in difference(source.text, leaf.text) if piece.fate is not Fate.REMOVED
                ]
                value = _text(pieces, marks=False)
            table.add_row(leaf.path.rpartition(".")[2], value)
        content = table
    else:
        ending = story.endings[vendor]
        word, reason = (
            ("dead-lettered", ending.reason) if isinstance(ending, DeadLetter) else ("suppressed", ending)
        )
        content = Text(f"nothing; {word}: {reason}", style=_QUIET)
    return Panel(content, title=f"after: {vendor}", title_align="left", box=box.ROUNDED, border_style=_QUIET)


def _text(pieces: list[Piece], *, marks: bool) -> Text:
    text = Text(overflow="fold")
    for words, fate in pieces:
        match fate:
            case Fate.KEPT:
                text.append(words)
            case Fate.ADDED:
                text.append(words, style=_ADDED)
            case Fate.REMOVED:
                text.append(f"[-{words}-]" if marks else words, style=_REMOVED)
    return text


def _outcomes(report: Report) -> RenderableType:
    ledger = report.ledger
    table = Table(title="What became of every record", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("\nvendor", no_wrap=True, min_width=9)
    headings = ("\nsent", *(_HEADINGS[reason] for reason in _HEADINGS), "dead\nletter", "\nin all")
    for heading in headings:
        table.add_column(heading, justify="right")
    for_all = sum(count for (vendor, _), count in ledger.dead_lettered.items() if vendor is None)
    for vendor in VendorName:
        suppressed = [ledger.suppressed[vendor, reason] for reason in _HEADINGS]
        dead = for_all + sum(count for (about, _), count in ledger.dead_lettered.items() if about is vendor)
        numbers = (ledger.sent[vendor], *suppressed, dead)
        table.add_row(vendor, *(f"{number:,}" for number in (*numbers, sum(numbers))))
    return Group(table, *_dead_letters(ledger), _speed(report), "")


_HEADINGS: Final = {
    SuppressReason.CONSENT: "no\nconsent",
    SuppressReason.INTEGRATION: "switched\noff",
    SuppressReason.EVENT_NOT_ALLOWED: "not in\nplan",
    SuppressReason.CALL_TYPE: "no such\ncall",
}


def _dead_letters(ledger: Ledger) -> Iterator[Text]:
    for vendor in (None, *VendorName):
        letters = _letters(ledger, vendor)
        if letters:
            reasons = ", ".join(f"{reason} {count}" for reason, count in letters.items())
            yield Text(f"Dead letters for {vendor or 'all vendors'}: {reasons}.", style=_QUIET)


def _speed(report: Report) -> Text:
    watch = report.watch
    text = f"{report.records:,} raw records became {report.ledger.sent.total():,} vendor records"
    if watch.rate:
        text += (
            f"; after {watch.start_seconds:.1f} s to load the models and finish the first batch, "
            f"{watch.rate:,.0f} raw records/s"
        )
    return Text(f"{text}.")


def _audit(audit: AuditResult) -> RenderableType:
    table = Table(
        title="Audit: planted values that came out",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=True,
    )
    planted = {place: sum(n for bin_, n in audit.planted.items() if bin_.place is place) for place in Place}
    found = {place: sum(n for bin_, n in audit.found.items() if bin_.place is place) for place in Place}
    table.add_column("\nkind", footer="all")
    for place, heading in ((Place.STRUCTURED, "structured"), (Place.FREE_TEXT, "free text")):
        table.add_column(f"{heading}:\nplanted", justify="right", footer=f"{planted[place]:,}")
        table.add_column("\nfound", justify="right", footer=_found(found[place], place))
    table.add_column("\nshare", justify="right", footer=f"{audit.free_text_share:.1%}")
    for kind in Kind:
        cells: list[str | Text] = []
        for place in Place:
            bin_ = Bin(place, kind)
            cells += (
                [f"{audit.planted[bin_]:,}", _found(audit.found[bin_], place)]
                if audit.planted[bin_]
                else ["", ""]
            )
        in_words = audit.planted[Bin(Place.FREE_TEXT, kind)]
        share = f"{audit.found[Bin(Place.FREE_TEXT, kind)] / in_words:.1%}" if in_words else ""
        table.add_row(kind, *cells, share)
    strange = audit.strange.total()
    searched = Text(
        f"{audit.outputs:,} records (payloads, keys, headers, dead letters) searched for {audit.needles:,} "
        f"spellings of the values of all events. Values of other events found: {strange:,}."
    )
    return Group(table, searched, "")


def _found(count: int, place: Place) -> Text:
    style = "green" if count == 0 else "bold red" if place is Place.STRUCTURED else "yellow"
    return Text(f"{count:,}", style=style)


def _verdict(report: Report) -> Text:
    problems = []
    if report.audit.structured_found:
        problems.append(f"{report.audit.structured_found:,} structured identity values came out")
    if report.ledger.unaccounted:
        problems.append(f"{report.ledger.unaccounted:,} outcomes are missing or twice")
    if problems:
        return Text(f"Not clean: {'; '.join(problems)}.", style="bold red")
    words = f"{report.audit.free_text_found:,} from free text ({report.audit.free_text_share:.1%})"
    return Text(
        f"No structured identity value came out, {words}. Every record has one outcome for each vendor.",
        style="bold green",
    )


#: rich's own frame loads a font from the network; this one takes what the reader has.
_SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
  <style>
    .{unique_id}-matrix {{
      font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
      font-size: {char_height}px;
      line-height: {line_height}px;
      font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
      {matrix}
    </g>
  </g>
</svg>
"""
