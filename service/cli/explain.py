"""`weir explain`: one event, field by field: what was found in it, what each vendor gets, and why."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
import typer
from rich.table import Table
from rich.text import Text

from service.cli.console import stdout
from service.cli.options import Config, KeyRingFile
from service.cli.sanitize import sanitizer_config
from service.cli.titled_table import titled_table
from service.detection.entity_rules import Exemption
from service.detection.spans import Advantage
from service.events.event import Rejection
from service.observability.logs import configure_logging
from service.policy.loader import load_files
from service.policy.vendor_names import VendorName
from service.sanitize.explanation import Explained, Fate, Finding, Treatment, Verdict, explain
from service.sanitize.outcomes import Outcome, Sent, Suppressed
from service.settings import load_settings

_WHY_NOTHING: Final = {
    Fate.NO_EVENT: "nothing: it does not get this event",
    Fate.ROUTING: "nothing: read by routing alone",
    Fate.UNCLASSIFIED: "nothing: the tracking plan does not name the field",
    Fate.NO_ACTION: "nothing: no action for the class",
    Fate.CLASS_DROPPED: "nothing: drop, for the class",
    Fate.FIELD_DROPPED: "nothing: drop, for this field",
    Fate.NULL: "nothing: null counts as absent",
}
_ADVANTAGES: Final = {
    Advantage.DENY_LIST: "on the deny list",
    Advantage.LONGER: "longer",
    Advantage.HIGHER_SCORE: "higher score",
    Advantage.ORDER: "first of equals",
}
_EXEMPTIONS: Final = {
    Exemption.BELOW_THRESHOLD: "does not count: below the threshold",
    Exemption.ALLOW_LIST: "does not count: on the allow list",
}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(name="explain")
    def explain_command(
        vendor: Annotated[
            list[VendorName] | None,
            typer.Option(help="Explain for this vendor only; may be given more than once."),
        ] = None,
        config: Config = None,
        keyring: KeyRingFile = None,
        show_values: Annotated[
            bool, typer.Option("--show-values", help="Show raw values and what was found, word by word.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")] = False,
    ) -> None:
        """Explain one raw event from stdin: its fields, what was found, what each vendor gets and why.

        Shows what vendors get, and of what they do not get only places, unless --show-values is given.
        Exit code 1 if the event is refused.

        Example: head -1 events.ndjson | weir explain --keyring dev.keys
        """
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format)
        source = sanitizer_config(settings, config, keyring)
        plan, files = load_files(source.config_dir)
        chosen = {name: file for name, file in files.items() if name in (vendor or VendorName)}
        explained = explain(source.load(), plan, chosen, sys.stdin.buffer.read().strip())
        if isinstance(explained, Rejection):
            rejected = {"stage": "decode", "reason": explained.reason}
            if as_json:
                _print(orjson.dumps({"rejected": rejected}).decode())
            else:
                _print(f"No vendor gets anything: refused by decode, {explained.reason}.")
            raise typer.Exit(1)
        if as_json:
            document = _as_json(explained, list(chosen), show_values=show_values)
            _print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
            return
        stdout.print(_vendor_table(explained, list(chosen), show_values=show_values))
        stdout.print(_field_table(explained, list(chosen), show_values=show_values))
        found = _finding_table(explained, show_values=show_values)
        if found.row_count:
            stdout.print(found)


def _vendor_table(explained: Explained, vendors: list[VendorName], *, show_values: bool) -> Table:
    name = explained.trace.event.name if show_values else explained.name
    title = " ".join(filter(None, (explained.trace.event.call, name)))
    table = titled_table(Text(_plain(title)), "vendor", "outcome", "found by the gate alone")
    for outcome in explained.trace.outcomes:
        if outcome.vendor in vendors:
            hits = [
                f"{hit.family} in {_plain(hit.path)}"
                for hit in explained.trace.gate_hits
                if hit.vendor == outcome.vendor
            ]
            table.add_row(outcome.vendor, _outcome(outcome), Text(", ".join(hits)))
    return table


def _outcome(outcome: Outcome) -> str:
    match outcome:
        case Sent():
            return "sent"
        case Suppressed():
            return f"suppressed: {outcome.reason}"
    return f"dead-lettered: {outcome.stage}, {outcome.reason}"


def _field_table(explained: Explained, vendors: list[VendorName], *, show_values: bool) -> Table:
    table = titled_table("Fields", "field", "class", *(["value"] if show_values else []), "vendor", "gets")
    for field in explained.fields:
        lines: dict[str, list[VendorName]] = {}
        for name, treatment in field.treatments.items():
            lines.setdefault(_gets(treatment), []).append(name)
        head = [_plain(field.raw_path if show_values else field.path), field.data_class or "-"]
        if show_values:
            head.append(_plain(_written(field.value)))
        for line, names in lines.items():
            table.add_row(*map(Text, [*head, _names(names, vendors), _plain(line)]))
            head = [""] * len(head)
    return table


def _gets(treatment: Treatment) -> str:
    if treatment.fate is Fate.SENT:
        return f"{treatment.action}: {_written(treatment.value)}"
    if treatment.fate is Fate.REFUSED:
        return f"nothing: {treatment.action} takes no such value"
    return _WHY_NOTHING[treatment.fate]


def _finding_table(explained: Explained, *, show_values: bool) -> Table:
    headings = ["field", "characters", *(["text"] if show_values else [])]
    table = titled_table("Found in texts", *headings, "entity", "recognizer", "score", "for", "result")
    for field in explained.fields:
        searched = sorted({name for finding in field.findings for name in finding.vendors})
        shown = _plain(field.path)
        for finding in field.findings:
            span = finding.span
            part = f"part {finding.part + 1}, " if len(field.texts) > 1 else ""
            row = [shown, f"{part}{span.start}-{span.end}"]
            shown = ""  # once for all of a field's findings
            if show_values:
                row.append(_plain(field.texts[finding.part][span.start : span.end]))
            names = _names(list(finding.vendors), searched)
            row += [
                span.entity,
                span.recognizer.removesuffix("Recognizer"),
                f"{span.score:.2f}",
                names,
                _result(finding),
            ]
            table.add_row(*map(Text, row))
    return table


def _result(finding: Finding) -> str:
    if isinstance(finding.result, Exemption):
        return _EXEMPTIONS[finding.result]
    if finding.result is Verdict.STANDS:
        return "stands"
    over = ", ".join(
        f"{span.entity} at {span.start}-{span.end} ({_ADVANTAGES[advantage]})"
        for span, advantage in finding.winners
    )
    if finding.result is Verdict.COVERED:
        return f"covered by {over}"
    rest = ", ".join(f"{span.start}-{span.end}" for span in finding.kept)
    return f"stands at {rest}, cut by {over}"


def _as_json(explained: Explained, vendors: list[VendorName], *, show_values: bool) -> dict[str, Any]:
    trace = explained.trace
    return {
        "call": trace.event.call,
        "event": trace.event.name if show_values else explained.name,
        "vendors": {
            str(outcome.vendor): {
                **_outcome_as_json(outcome),
                "gate_hits": [
                    {"path": hit.path, "family": hit.family, "count": count}
                    for hit, count in trace.gate_hits.items()
                    if hit.vendor == outcome.vendor
                ],
            }
            for outcome in trace.outcomes
            if outcome.vendor in vendors
        },
        "fields": [
            {
                "field": field.raw_path if show_values else field.path,
                "class": field.data_class,
                **({"value": field.value} if show_values else {}),
                "found": [
                    _finding_as_json(finding, field.texts if show_values else None)
                    for finding in field.findings
                ],
                "vendors": {
                    name.value: {
                        "action": treatment.action,
                        "result": treatment.fate,
                        **({"value": treatment.value} if treatment.fate is Fate.SENT else {}),
                    }
                    for name, treatment in field.treatments.items()
                },
            }
            for field in explained.fields
        ],
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Sent():
            return {"sent": True}
        case Suppressed():
            return {"suppressed": outcome.reason}
    return {"rejected": {"stage": outcome.stage, "reason": outcome.reason}}


def _finding_as_json(finding: Finding, texts: Sequence[str] | None) -> dict[str, Any]:
    span = finding.span
    return {
        "part": finding.part,
        "start": span.start,
        "end": span.end,
        **({} if texts is None else {"text": texts[finding.part][span.start : span.end]}),
        "entity": span.entity,
        "recognizer": span.recognizer,
        "score": float(span.score),
        "vendors": finding.vendors,
        "result": finding.result,
        "kept": [{"start": part.start, "end": part.end} for part in finding.kept],
        "lost_to": [
            {"start": winner.start, "end": winner.end, "entity": winner.entity, "because": advantage}
            for winner, advantage in finding.winners
        ],
    }


def _names(names: list[VendorName], every: list[VendorName]) -> str:
    return "all" if set(names) == set(every) and len(every) > 1 else ", ".join(names)


def _written(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _plain(text: str) -> str:
    """The text without what moves a terminal's cursor or changes its colours."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _print(text: str) -> None:
    stdout.print(text, markup=False, highlight=False, soft_wrap=True)
