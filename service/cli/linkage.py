"""`weir policy linkage`."""

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Annotated, Final

import typer
from rich.table import Table

from service.cli.console import stdout
from service.cli.options import Config
from service.cli.titled_table import titled_table
from service.errors import ConfigurationError
from service.policy.vendor_names import VendorName
from service.privacy.anonymity import POINTS
from service.privacy.linkage import UNITS, Join, Linkage, PairFigures
from service.settings import load_settings

_TWO: Final = 2
#: Shares from here on are shown without decimals.
_SHOWN_WHOLE: Final = 0.1
_UNIT_NAMES: Final = {seconds: name for name, seconds in UNITS.items()}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(linkage)


def linkage(
    *,
    config: Config = None,
    vendor: Annotated[
        list[VendorName] | None,
        typer.Option(help="Measure these vendors only; give it twice or more. [default: all]"),
    ] = None,
    users: Annotated[int, typer.Option(min=10, max=5_000, help="How many invented users.")] = 300,
    days: Annotated[int, typer.Option(min=1, max=90, help="Over how many days.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes up other users.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")] = False,
) -> None:
    """Measure whether two vendors' data can be joined, and how many users stand out in each alone.

    Makes up users of the reference product, sanitizes their events by the policy with keys made for this
    alone, and does what an intruder would who has the data of two vendors (docs/privacy.md).

    Exits 1 if an id stands in two vendors' data.
    """
    vendors = frozenset(vendor or VendorName)
    if len(vendors) < _TWO:
        raise ConfigurationError("a join takes two vendors: give --vendor once more")
    from service.demo.linkage import try_policy  # noqa: PLC0415  (Presidio takes a while to import)

    settings = load_settings()
    found = try_policy(settings, config or settings.config_dir, vendors, users=users, days=days, seed=seed)
    if as_json:
        stdout.print(found.as_json().decode(), markup=False, highlight=False, soft_wrap=True)
    else:
        _show(found)
    raise typer.Exit(1 if any(pair.shared_ids for pair in found.pairs) else 0)


def _show(found: Linkage) -> None:
    tables = (_joins(found.pairs), _shared_ids(found.pairs), _times(found), _combinations(found))
    for table in tables:
        if table.row_count:
            stdout.print(table)


def _joins(pairs: Sequence[PairFigures]) -> Table:
    """The joins under letters, which the caption explains: their names would not fit beside one another."""
    letters = dict(zip(Join, ascii_lowercase, strict=False))
    table = titled_table(
        "% of users whom a join of two vendors' data links", "vendors", *letters.values(), "chance"
    )
    table.caption = "\n".join(f"{letter}  {join.value}" for join, letter in letters.items())
    table.caption_justify = "left"
    table.columns[0].no_wrap = True
    for pair in pairs:
        shares = [_percent(pair.of(join).right) for join in Join]
        table.add_row(f"{pair.left}, {pair.right}", *shares, _percent(pair.chance))
    return table


def _shared_ids(pairs: Sequence[PairFigures]) -> Table:
    table = titled_table("Ids that stand in two vendors' data", "left", "at", "right", "at", "ids", "users")
    for pair in pairs:
        for ids in pair.shared_ids:
            table.add_row(pair.left, ids.left, pair.right, ids.right, str(ids.values), str(ids.users))
    return table


def _times(found: Linkage) -> Table:
    table = titled_table(
        "Users whom known events single out, by the unit of their times: %",
        "vendor",
        "unit",
        *(f"{count} event{'s' if count > 1 else ''}" for count in POINTS),
        "order lost",
    )
    for vendor in found.vendors:
        for figures in vendor.unicity:
            shares = map(_percent, (*figures.unique, figures.tied))
            table.add_row(vendor.vendor, _UNIT_NAMES[figures.unit], *shares)
    return table


def _combinations(found: Linkage) -> Table:
    """The worst combination of each size."""
    table = titled_table(
        "Users who share what stays the same about them", "vendor", "fields", "unique %", "least", "median"
    )
    for vendor in found.vendors:
        worst = {len(each.fields): each for each in reversed(vendor.anonymity)}
        for _, each in sorted(worst.items()):
            table.add_row(
                vendor.vendor,
                ", ".join(each.fields),
                _percent(each.unique),
                str(each.smallest),
                str(each.median),
            )
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= _SHOWN_WHOLE else f"{100 * share:.2g}"
