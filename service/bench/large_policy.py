"""A policy far larger than the reference one, for the same events under more names."""

import json
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import orjson

from service.policy.loader import load_files

#: What the added fields are: kept, pseudonymized, searched, generalized or dropped, and names of people.
_ADDED: Final[tuple[dict[str, Any], ...]] = (
    {"class": "measure", "type": "integer", "minimum": 0, "maximum": 1000},
    {"class": "category", "type": "word", "enum": ["first", "second"]},
    {"class": "identifier.object"},
    {"class": "text.short"},
    {"class": "web.url"},
    {"class": "location.country"},
    {"class": "person.name"},
    {"class": "contact.email"},
    {"class": "unneeded"},
)


def write_large_policy(config_dir: Path, folder: Path, *, events: int, fields: int) -> dict[str, list[str]]:
    """Write the policy of a folder into another one, with copies of its events and with more fields.

    A copy has the fields of its original. Fields that no event holds are added to all events until there are
    so many in all.

    Returns:
        The names of each event, its own and those of its copies.

    Raises:
        PolicyMistakesError: if the policy is wrong.
    """
    plan, vendors = load_files(config_dir)
    written = plan.model_dump(mode="json", by_alias=True, exclude_unset=True)
    names = {name: [name] for name in written["events"]}
    for number, (name, copies) in zip(range(events - len(names)), cycle(names.items()), strict=False):
        copies.append(f"{name} {number}")
        written["events"][copies[-1]] = dict(written["events"][name])
    tables = [written["common"], *written["events"].values(), *written["calls"].values()]
    missing = fields - sum(map(len, tables))
    turns = zip(range(missing), cycle(written["events"].values()), cycle(_ADDED), strict=False)
    for number, table, form in turns:
        table[f"properties.added.field_{number}"] = form
    (folder / "vendors").mkdir()
    (folder / "tracking_plan.yaml").write_text(json.dumps(written), "utf-8")
    for vendor, file in vendors.items():
        own = file.model_dump(mode="json", by_alias=True, exclude_unset=True)
        own["events"] = [copy for name in own["events"] for copy in names[name]]
        (folder / "vendors" / f"{vendor}.yaml").write_text(json.dumps(own), "utf-8")
    return names


def renamed(records: Iterable[bytes], names: dict[str, list[str]]) -> Iterator[bytes]:
    """The events under each of their names in turn."""
    turns = {name: cycle(copies) for name, copies in names.items()}
    for record in records:
        body = orjson.loads(record)
        if body.get("event") in turns:
            body["event"] = next(turns[body["event"]])
            yield orjson.dumps(body)
        else:
            yield record
