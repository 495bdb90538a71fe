"""What another policy would change, by vendor and field. Paths and counts; never a value."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson

from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import BatchResult, DeadLettered, Outcome, RecordOutcomes, Sent

#: What stands for a list's items in a path.
_ITEMS: Final = "[]"


@dataclass(slots=True)
class VendorDifferences:
    """What changes for one vendor.

    Attributes:
        same: Events that it gets either way, byte for byte.
        changed: Events that it gets either way, with another key or payload.
        added: Events that only the other policy sends.
        removed: Events that only this policy sends.
        fields: For each path in payloads, how often the other policy adds, removes or changes it.
        otherwise: Events that neither sends, with another reason.
    """

    same: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    otherwise: int = 0
    fields: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether anything changes."""
        return bool(self.changed or self.added or self.removed or self.otherwise)


class Differences:
    """Compares outcomes of one policy with another's."""

    def __init__(self, vendors: tuple[VendorName, ...]) -> None:
        self.vendors = {vendor: VendorDifferences() for vendor in vendors}

    @property
    def any(self) -> bool:
        """Whether anything changes for any vendor."""
        return any(each.any for each in self.vendors.values())

    def add(self, ours: BatchResult, theirs: BatchResult) -> None:
        """Compare a batch's outcomes, record by record."""
        for mine, other in zip(ours.outcomes, theirs.outcomes, strict=True):
            for vendor, differences in self.vendors.items():
                _compare(_of(mine, vendor), _of(other, vendor), differences)


def _of(outcomes: RecordOutcomes, vendor: VendorName) -> Outcome | None:
    """A vendor's outcome; None where the policy does not know the vendor."""
    return next((each for each in outcomes if each.vendor in {vendor, None}), None)


def _compare(ours: Outcome | None, theirs: Outcome | None, differences: VendorDifferences) -> None:
    match ours, theirs:
        case Sent(), Sent():
            headers = _headers(ours), _headers(theirs)
            if (ours.topic, ours.key, ours.value, headers[0]) == (
                theirs.topic,
                theirs.key,
                theirs.value,
                headers[1],
            ):
                differences.same += 1
                return
            differences.changed += 1
            _note(differences, "record key", (ours.key,), (theirs.key,))
            _note(differences, "topic", (ours.topic,), (theirs.topic,))
            _note(differences, "headers", headers[0], headers[1])
            mine = _leaves(orjson.loads(ours.value))
            other = _leaves(orjson.loads(theirs.value))
            for path in mine.keys() | other.keys():
                _note(differences, path, mine.get(path, ()), other.get(path, ()))
        case _, Sent():
            differences.added += 1
        case Sent(), _:
            differences.removed += 1
        case _:
            if _reason(ours) != _reason(theirs):
                differences.otherwise += 1


def _headers(event: Sent) -> tuple[tuple[str, bytes], ...]:
    """Without the policy's, which always differs."""
    return tuple(header for header in event.headers if header[0] != "weir-policy")


def _note(
    differences: VendorDifferences, path: str, ours: tuple[object, ...], theirs: tuple[object, ...]
) -> None:
    if ours == theirs:
        return
    what = "added" if not ours else "removed" if not theirs else "changed"
    differences.fields.setdefault(path, Counter())[what] += 1


def _reason(outcome: Outcome | None) -> tuple[str, str] | None:
    if outcome is None or isinstance(outcome, Sent):
        return None
    return ("dead_lettered" if isinstance(outcome, DeadLettered) else "suppressed", outcome.reason)


def _leaves(payload: JsonValue) -> dict[str, tuple[object, ...]]:
    """What stands at each path of a payload; the items of a list share one."""
    found: dict[str, tuple[object, ...]] = {}
    for path, value in _walk(payload, ""):
        found[path] = (*found.get(path, ()), (type(value), value))
    return found


def _walk(value: JsonValue, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _walk(item, path + _ITEMS)
    else:
        yield path, value
