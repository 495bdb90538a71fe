"""The event's own identity values, found by looking at everything it holds."""

from collections.abc import Iterable, Iterator

from service.detection.known_values import Identity, KnownValues, by_looks, identity, kind_of
from service.detection.spans import Span
from service.events.event import Event
from service.events.json_value import JsonValue
from service.events.paths import MISSING, lookup
from service.policy.plan import CompiledPolicy


class _KnownOnce(KnownValues):
    """Searches a text once for all vendors: half of the interpreter's time would go into nothing else."""

    def __init__(self, values: Iterable[Identity]) -> None:
        super().__init__(values)
        self._found: dict[str, tuple[Span, ...]] = {}

    def spans(self, text: str) -> tuple[Span, ...]:
        if text not in self._found:
            self._found[text] = super().spans(text)
        return self._found[text]


def known_values(event: Event, policy: CompiledPolicy) -> KnownValues:
    """The matcher of the event's own identity values."""
    return _KnownOnce(identities(event, policy))


def identities(event: Event, policy: CompiledPolicy) -> set[Identity]:
    """What the plan classifies as an identity value, and what looks like one."""
    found: set[Identity] = set()
    for field in policy.identity_fields:
        value = lookup(event.body, field.path)
        known = None if value is MISSING else identity(value, kind_of(field.data_class))
        if known is not None:
            found.add(known)
    found.update(_looking_like_one(event.body, "", ""))
    return found


def _looking_like_one(value: JsonValue, key: str, parent: str) -> Iterator[Identity]:
    """Values under a key, of an object under another one; the items of a list stand where the list does."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _looking_like_one(inner, name, key)
    elif isinstance(value, list):
        for item in value:
            yield from _looking_like_one(item, key, parent)
    else:
        yield from by_looks(value, key, parent)
