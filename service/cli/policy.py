"""`weir policy`: check the policy files, and show what they say."""

from typing import Annotated, Any, Final

import orjson
import typer
from rich import box
from rich.table import Table
from rich.text import Text

from service.cli import linkage
from service.cli.console import stdout
from service.cli.options import Config
from service.cli.titled_table import titled_table
from service.errors import ConfigurationError
from service.policy.compiler import compile_policy
from service.policy.entities import GUESSED
from service.policy.loader import load_files
from service.policy.matrix import Fate, Matrix, Treatment, lay_out
from service.policy.mistakes import PolicyMistakesError
from service.policy.models import TrackingPlanFile, VendorFile
from service.policy.vendor_names import VendorName
from service.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Check the policy files, and show what each vendor may have (docs/policy.md).",
)

linkage.register(app)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]

_STYLES: Final = {Fate.KEPT: "green", Fate.TRANSFORMED: "cyan", Fate.DROPPED: "bright_black"}


@app.command()
def check(config: Config = None, as_json: AsJson = False) -> None:
    """Check the tracking plan and all vendors' policies, and list every mistake with its place.

    Exit code 1 if there is any mistake.
    """
    folder = config or load_settings().config_dir
    try:
        plan, vendors = load_files(folder)
    except PolicyMistakesError as error:
        if as_json:
            found = [{**mistake.place._asdict(), "message": mistake.message} for mistake in error.mistakes]
            _print_json({"ok": False, "fingerprint": None, "mistakes": found})
        else:
            _print(str(error))
        raise typer.Exit(1) from None
    fingerprint = compile_policy(plan, vendors).fingerprint
    if as_json:
        _print_json({"ok": True, "fingerprint": fingerprint, "mistakes": []})
    else:
        _print(f"No mistakes in the policy in {folder}.")
        _print(f"{len(plan.events)} events, {len(plan.classes)} classes, {len(vendors)} vendors.")
        _print(f"Fingerprint {fingerprint}")


@app.command()
def show(
    config: Config = None,
    vendor: Annotated[VendorName | None, typer.Option(help="Show this vendor only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what happens to each data class, for each vendor, which fields differ, and the breakers."""
    plan, vendors = load_files(config or load_settings().config_dir)
    fingerprint = compile_policy(plan, vendors).fingerprint
    shown = {name: file for name, file in vendors.items() if vendor in {None, name}}
    matrix = lay_out(plan, shown)
    if as_json:
        _print_json(_as_json(plan, shown, matrix, fingerprint))
        return
    stdout.print(_matrix_table(matrix, list(shown)))
    if matrix.overrides:
        stdout.print(_override_table(matrix))
    stdout.print(_legend(bool(matrix.overrides)))
    stdout.print()
    stdout.print(_breaker_table(shown))
    judged = _entity_table(plan, shown)
    if judged.row_count:
        stdout.print(judged)
    _print(f"Fingerprint {fingerprint}")


@app.command("compile")
def compile_(
    config: Config = None,
    show_plans: Annotated[
        bool, typer.Option("--show", help="Print the code that collects fields, and every payload.")
    ] = False,
    event: Annotated[
        str | None, typer.Option(help="Show this tracked event, or this call, only.", metavar="NAME")
    ] = None,
    vendor: Annotated[VendorName | None, typer.Option(help="Show this vendor's payloads only.")] = None,
) -> None:
    """Compile the policy into the plans that events are sanitized by, and show them.

    A plan is the code that gives an event's fields to the policy's actions, and one payload for each vendor
    with places for what these make of them (docs/performance.md).
    """
    from service.sanitize.plan_compiler import Plans  # noqa: PLC0415  (Presidio takes a while to import)
    from service.sanitize.plan_text import kind_of, payloads  # noqa: PLC0415

    plan, vendors = load_files(config or load_settings().config_dir)
    compiled = compile_policy(plan, vendors)
    plans = Plans(compiled)
    chosen = [each for each in plans if event in {None, each.name or each.call.value}]
    if not chosen:
        known = ", ".join(sorted(each.name or each.call.value for each in plans))
        raise ConfigurationError(f"no vendor gets an event {event!r}; there are: {known}")
    _print(f"{len(list(plans))} kinds of events, {plans.fields} fields, {len(compiled.vendors)} vendors.")
    _print(f"Fingerprint {compiled.fingerprint}")
    if not show_plans:
        return
    for each in chosen:
        _print(f"\n# {kind_of(each)}\n\n{each.collector.source}")
        for destination, payload in payloads(each):
            if vendor in {None, destination.plan.vendor}:
                _print(f"# {kind_of(each)}, {destination.plan.vendor}\n{payload}\n")


def _matrix_table(matrix: Matrix, vendors: list[VendorName]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("data class", no_wrap=True)
    for name in vendors:
        table.add_column(name, overflow="fold")
    for data_class, treatments in matrix.treatments.items():
        cells = [
            _cell(treatments[name], "*" if matrix.is_overridden(data_class, name) else "") for name in vendors
        ]
        table.add_row(data_class, *cells)
    return table


def _override_table(matrix: Matrix) -> Table:
    table = titled_table(
        "* Fields treated otherwise than their class", "vendor", "field", "data class", "instead"
    )
    for override in matrix.overrides:
        table.add_row(
            override.vendor,
            override.dotted,
            override.data_class,
            _cell(override.treatment, dropped="dropped"),
        )
    return table


def _breaker_table(vendors: dict[VendorName, VendorFile]) -> Table:
    table = titled_table("Circuit breakers", "vendor", "opens at", "closes")
    for name, file in vendors.items():
        breaker = file.breaker
        table.add_row(
            name,
            f"{breaker.gate_hits} gate hits in {breaker.per_events} events",
            "by an operator" if breaker.close_after == "never" else f"after {breaker.close_after}",
        )
    return table


def _entity_table(plan: TrackingPlanFile, vendors: dict[VendorName, VendorFile]) -> Table:
    table = titled_table("Findings in texts", "vendor", "judged", "words")
    for name, form in (("all", plan.entities), *((name, file.entities) for name, file in vendors.items())):
        for entity, threshold in form.thresholds.items():
            table.add_row(name, f"{entity} counts from a score of {threshold:g}", "")
        if form.allow:
            table.add_row(name, f"no {' or '.join(sorted(GUESSED))}", ", ".join(form.allow))
        for entity, words in form.deny.items():
            table.add_row(name, f"always {entity}", ", ".join(words))
    return table


def _cell(treatment: Treatment, mark: str = "", *, dropped: str = "-") -> Text:
    words = dropped if treatment.fate is Fate.DROPPED else treatment.in_words
    return Text(words + mark, style=_STYLES[treatment.fate])


def _legend(has_overrides: bool) -> Text:
    parts = [
        Text("keep", style=_STYLES[Fate.KEPT]) + Text(" as it is, if its guard holds"),
        Text("any other word", style=_STYLES[Fate.TRANSFORMED]) + Text(" transformed so"),
        Text("-", style=_STYLES[Fate.DROPPED]) + Text(" dropped, like every field the plan does not name"),
    ]
    if has_overrides:
        parts.append(Text("* see the fields above"))
    return Text("\n").join(parts)


def _as_json(
    plan: TrackingPlanFile, vendors: dict[VendorName, VendorFile], matrix: Matrix, fingerprint: str
) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "classes": {
            name: {"meaning": meaning, "identity": name in plan.identity_classes}
            for name, meaning in plan.classes.items()
        },
        "entities": plan.entities.model_dump(mode="json"),
        "vendors": {
            name.value: {
                "topic": file.topic,
                "integration": file.integration,
                "events": file.events,
                "calls": file.calls,
                "actions": {
                    data_class: treatments[name].notation
                    for data_class, treatments in matrix.treatments.items()
                },
                "fields": {
                    override.dotted: override.treatment.notation
                    for override in matrix.overrides
                    if override.vendor == name
                },
                "entities": file.entities.model_dump(mode="json"),
                "breaker": file.breaker.model_dump(),
            }
            for name, file in vendors.items()
        },
    }


def _print(text: str) -> None:
    stdout.print(text, markup=False, highlight=False, soft_wrap=True)


def _print_json(document: dict[str, Any]) -> None:
    _print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
