"""`weir breaker`."""

from collections.abc import Mapping
from typing import Annotated

import orjson
import typer
from rich.table import Table

from service.cli.console import stdout
from service.kafka_access import KafkaAccess
from service.observability.logs import configure_logging
from service.policy.vendor_names import VendorName
from service.settings import Settings, load_settings
from service.streaming.breakers import BreakerRecord, Cause, State, now
from service.streaming.control_topic import read_breakers, write_breaker
from service.streaming.topics import Topics, control_topic, refuse_unfit

app = typer.Typer(
    no_args_is_help=True,
    help="See, open and close the vendors' circuit breakers. A vendor whose breaker is open gets nothing.",
)

Vendor = Annotated[VendorName, typer.Argument(metavar="VENDOR", help="The vendor's name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command(name="list")
def list_breakers(as_json: Json = False) -> None:
    """List every vendor's breaker: its state, since when, when it closes, and why it is open."""
    settings = load_settings()
    access = _access(settings)
    records = read_breakers(access, settings.control_topic)
    _print({vendor: records.get(vendor) for vendor in VendorName}, as_json=as_json)


@app.command(name="open")
def open_breaker(vendor: Vendor, as_json: Json = False) -> None:
    """Open a vendor's breaker: its events go to the dead letters until an operator closes it."""
    _write(vendor, State.OPEN, as_json=as_json)


@app.command(name="close")
def close_breaker(vendor: Vendor, as_json: Json = False) -> None:
    """Close a vendor's breaker: it gets its events again, and hits are counted anew.

    What was held back meanwhile stays in the dead letters.
    """
    _write(vendor, State.CLOSED, as_json=as_json)


def _write(vendor: VendorName, state: State, *, as_json: bool) -> None:
    settings = load_settings()
    access = _access(settings)
    record = BreakerRecord(state=state, since=now(), by=Cause.OPERATOR)
    write_breaker(access, settings.control_topic, vendor, record)
    _print({vendor: record}, as_json=as_json)


def _access(settings: Settings) -> KafkaAccess:
    """See that the control topic is there and fit: Kafka may be set to create what is asked for."""
    configure_logging(settings.log_level, settings.log_format)
    access = KafkaAccess.of(settings)
    with Topics.of(access) as kafka:
        refuse_unfit(kafka.look([control_topic(settings)]))
    return access


def _print(records: Mapping[VendorName, BreakerRecord | None], *, as_json: bool) -> None:
    rows = [_row(vendor, record) for vendor, record in records.items()]
    if as_json:
        document = orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode()
        stdout.print(document, markup=False, highlight=False, soft_wrap=True)
        return
    table = Table("Vendor", "State", "Since", "Closes", "By", "Why")
    for row in rows:
        is_open = row["state"] == State.OPEN
        style = "red" if is_open else "green"
        closes = (row["until"] or "by an operator") if is_open else "-"
        why = f"{row['hits']} gate hits in {row['events']} events" if row["hits"] else "-"
        table.add_row(
            str(row["vendor"]),
            f"[{style}]{row['state']}[/]",
            str(row["since"] or "-"),
            str(closes),
            str(row["by"] or "-"),
            why,
        )
    stdout.print(table)


def _row(vendor: VendorName, record: BreakerRecord | None) -> dict[str, str | int | None]:
    """What is so at this moment: a record that holds no more was closed by the policy's time."""
    nothing = dict.fromkeys(("since", "until", "by", "hits", "events", "policy"))
    row = {"vendor": vendor.value, "state": State.CLOSED.value, **nothing}
    if record is None:
        return row
    if record.state is State.OPEN and not record.is_open(now()):
        return row | {"since": record.end, "by": Cause.POLICY.value}
    return row | record.model_dump(mode="json") | {"since": record.start, "until": record.end}
