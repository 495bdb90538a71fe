"""What a run says in the end: as JSON for machines, as Markdown for people."""

import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from service.errors import ReplayError
from service.events.json_value import JsonObject
from service.events.timestamps import format_timestamp
from service.replay.definition import Definition
from service.replay.differences import Differences
from service.replay.progress import Progress
from service.replay.tally import Kind, Tally

#: Suffixes of files that a report can be written to.
JSON: Final = ".json"
MARKDOWN: Final = ".md"
#: Vendors and reasons are enumerations, which orjson takes for keys only so.
_JSON: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS


class Report:
    """A run's report.

    Args:
        definition: The job.
        progress: How far it is.
        mode: Where its events went, in words.
        finished: Whether it came to its end.
        differences: What another policy would change; None where none was compared.
    """

    def __init__(
        self,
        definition: Definition,
        progress: Progress,
        *,
        mode: str,
        finished: bool,
        differences: Differences | None,
    ) -> None:
        self._definition = definition
        self._progress = progress
        self._mode = mode
        self._finished = finished
        self._notes = [*definition.notes, *self._missing()]
        self._differences = differences
        self._written = int(time.time())

    def as_json(self) -> JsonObject:
        """For machines."""
        definition, progress = self._definition, self._progress
        tally = progress.tally
        document: JsonObject = {
            "job": definition.job,
            "shard": definition.shard,
            "shards": definition.shards,
            "finished": self._finished,
            "mode": self._mode,
            "begun": format_timestamp(definition.begun // 1000),
            "written": format_timestamp(self._written),
            "policy": definition.policy,
            "vendors": list(definition.vendors),
            "arguments": definition.arguments.model_dump(mode="json", exclude_defaults=True),
            "ranges": [
                {**each.range.model_dump(mode="json"), "position": each.position}
                for each in progress.partitions.values()
            ],
            "records": tally.records,
            "skipped": tally.skipped,
            "gone": definition.gone + tally.gone,
            "outcomes": outcomes(tally),
            "gate_hits": dict(tally.gate_hits),
            "key_versions": dict(tally.keys),
            "this_run": {
                "records": progress.records,
                "seconds": round(progress.seconds, 3),
                "records_per_second": _rate(progress),
            },
            "notes": list(self._notes),
        }
        if self._differences is not None:
            document["differences"] = differences_as_json(self._differences)
        return document

    def as_markdown(self) -> str:
        """For people."""
        return "\n".join(self._lines()) + "\n"

    @property
    def found_something(self) -> bool:
        """Whether something can't go out, the gate found something, or another policy changes something."""
        if self._differences is not None and self._differences.any:
            return True
        tally = self._progress.tally
        return tally.total(Kind.DEAD_LETTERED) > 0 or tally.gate_hits.total() > 0

    def write(self, files: Sequence[Path]) -> None:
        """Write it to files, as JSON or Markdown by their names.

        Raises:
            ReplayError: a file can't be written.
        """
        for file in files:
            text = (
                self.as_markdown().encode()
                if file.suffix == MARKDOWN
                else orjson.dumps(self.as_json(), option=_JSON)
            )
            try:
                file.write_bytes(text)
            except OSError as error:
                raise ReplayError(f"--report: cannot write {file}: {error.strerror}") from None

    def _missing(self) -> Iterator[str]:
        """Letters whose raw records are not there any more."""
        due, found = self._definition.due, self._progress.tally.records
        if self._finished and due is not None and found < due:
            yield f"{due - found:,} of {due:,} records with dead letters are not in the raw topic any more"

    def _lines(self) -> Iterator[str]:
        definition, progress = self._definition, self._progress
        tally = progress.tally
        yield f"# Replay {definition.job}"
        yield ""
        state = "finished" if self._finished else "not finished"
        yield f"- **State**: {state}, {progress.done:,} of {progress.total:,} offsets"
        yield f"- **Events went to**: {self._mode}"
        yield f"- **Arguments**: `{shlex.join(definition.arguments.options)}`"
        yield f"- **Vendors**: {', '.join(definition.vendors)}"
        yield f"- **Begun**: {format_timestamp(definition.begun // 1000)}"
        yield f"- **Shard**: {definition.shard}/{definition.shards}"
        yield f"- **Policy**: `{definition.policy}`"
        versions = ", ".join(f"`{key}` ({count:,})" for key, count in sorted(tally.keys.items()))
        yield f"- **Key versions**: {versions or 'none used'}"
        yield (
            f"- **Records**: {tally.records:,} sanitized, {tally.skipped:,} not asked for, "
            f"{definition.gone + tally.gone:,} offsets gone"
        )
        if tally.gate_hits:
            hits = ", ".join(f"{vendor} ({count:,})" for vendor, count in sorted(tally.gate_hits.items()))
            yield f"- **Gate hits**: {hits}"
        yield (
            f"- **This run**: {progress.records:,} records in {progress.seconds:.1f} s, "
            f"{_rate(progress):,.0f} a second"
        )
        yield ""
        yield "| Vendor | Outcome | Reason | Events |"
        yield "|---|---|---|---:|"
        for (vendor, kind, reason), count in sorted(tally.outcomes.items()):
            yield f"| {vendor} | {kind} | {reason or '-'} | {count:,} |"
        yield ""
        yield "| Partition | From | To | Done up to |"
        yield "|---|---:|---:|---:|"
        for each in progress.partitions.values():
            source = f"{each.range.topic}/{each.range.partition}"
            yield f"| {source} | {each.range.start:,} | {each.range.end:,} | {each.position:,} |"
        if self._differences is not None:
            yield from _differences_lines(self._differences)
        if self._notes:
            yield ""
            yield from (f"- {note}" for note in self._notes)


def outcomes(tally: Tally) -> JsonObject:
    """Outcomes by vendor: how many were sent, and how many not, by reason."""
    found: dict[str, JsonObject] = {}
    for (vendor, kind, reason), count in sorted(tally.outcomes.items()):
        of_vendor = found.setdefault(vendor, {})
        if kind is Kind.SENT:
            of_vendor[kind] = count
        else:
            reasons = of_vendor.setdefault(kind, {})
            assert isinstance(reasons, dict)
            reasons[reason] = count
    return dict(found)


def differences_as_json(differences: Differences) -> JsonObject:
    """What another policy would change, by vendor."""
    return {
        vendor: {
            "same": each.same,
            "changed": each.changed,
            "added": each.added,
            "removed": each.removed,
            "other_reason": each.otherwise,
            "fields": {path: dict(counts) for path, counts in sorted(each.fields.items())},
        }
        for vendor, each in differences.vendors.items()
    }


def _differences_lines(differences: Differences) -> Iterator[str]:
    yield ""
    yield "## With the other policy"
    yield ""
    yield "| Vendor | Same | Changed | Added | Removed | Other reason |"
    yield "|---|---:|---:|---:|---:|---:|"
    for vendor, each in differences.vendors.items():
        events = (each.same, each.changed, each.added, each.removed, each.otherwise)
        yield f"| {vendor} | {' | '.join(f'{count:,}' for count in events)} |"
    if any(each.fields for each in differences.vendors.values()):
        yield ""
        yield "| Vendor | Field | Added | Removed | Changed |"
        yield "|---|---|---:|---:|---:|"
        for vendor, each in differences.vendors.items():
            for path, counts in sorted(each.fields.items()):
                yield (
                    f"| {vendor} | `{path}` | {counts['added']:,} | {counts['removed']:,} | "
                    f"{counts['changed']:,} |"
                )


def _rate(progress: Progress) -> float:
    return round(progress.records / progress.seconds, 1) if progress.seconds else 0.0
