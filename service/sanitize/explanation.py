"""Why each vendor gets what it gets of one event: field by field, for `weir explain`."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from service.actions.action import REFUSED
from service.detection.entity_rules import Exemption
from service.detection.spans import Advantage, Span
from service.events.event import Rejection
from service.events.json_value import JsonValue
from service.events.paths import FieldPath, parse_path
from service.policy.models import TrackingPlanFile, VendorFile
from service.policy.reach import action_for, classes_of, verb
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import Sent
from service.sanitize.trace import ScannedText, Trace

if TYPE_CHECKING:  # it brings spaCy and Presidio, for which no other command should wait
    from service.sanitize.sanitizer import Sanitizer

#: Read by routing, and no field that a vendor could get.
_ROUTING: Final = (("type",), ("event",), ("integrations",), ("context", "consent"))
#: A key that is a name somebody gave a field. Another may be a value: `{"ana@example.org": true}`.
_FIELD_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z_$-]{0,39}[0-9]{0,2}", re.ASCII)
HIDDEN_KEY: Final = ":key"


class Fate(StrEnum):
    """What a vendor gets of a field, or why it gets nothing."""

    SENT = "sent"
    NO_EVENT = "no_event"  # the vendor gets nothing of this event; its outcome says why
    ROUTING = "routing"
    UNCLASSIFIED = "unclassified"  # the tracking plan does not name the field
    NO_ACTION = "no_action"  # the vendor's file names no action for its class
    CLASS_DROPPED = "class_dropped"
    FIELD_DROPPED = "field_dropped"
    REFUSED = "refused"  # outside of its guard, or nothing the action can make sense of
    NULL = "null"


@dataclass(frozen=True, slots=True, repr=False)
class Treatment:
    """What became of a field for a vendor.

    Attributes:
        action: The action's name; None where there is none.
        fate: What the vendor gets, or why it gets nothing.
        value: What the action made of the value, if it is sent.
    """

    action: str | None
    fate: Fate
    value: JsonValue


class Verdict(StrEnum):
    """What became of a finding that counts."""

    STANDS = "stands"
    CUT = "cut"  # a part of it stands, the rest lies within stronger ones
    COVERED = "covered"


class Finding(NamedTuple):
    """A finding in a text, and what became of it for some vendors.

    Attributes:
        part: Which of the field's texts it is in: an address of a page has many.
        span: The finding.
        result: Whether it stands, or why it does not count.
        kept: The stretches that stand.
        winners: Stronger findings that it overlaps, each with its advantage.
        vendors: For whom it became so.
    """

    part: int
    span: Span
    result: Verdict | Exemption
    kept: tuple[Span, ...]
    winners: tuple[tuple[Span, Advantage], ...]
    vendors: tuple[VendorName, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ExplainedField:
    """A field of the event.

    Attributes:
        path: Its dotted path, as the tracking plan has it; without keys of the event that may be values.
        raw_path: The same with all keys.
        data_class: Its class.
        value: Its raw value.
        treatments: By vendor.
        texts: Those of its texts that were searched.
        findings: What was found in them, in order.
    """

    path: str
    raw_path: str
    data_class: str | None
    value: JsonValue
    treatments: Mapping[VendorName, Treatment]
    texts: tuple[str, ...]
    findings: tuple[Finding, ...]


class Explained(NamedTuple):
    """An event's way, and its fields in the event's order.

    Attributes:
        trace: Its way.
        name: The tracked event's name, if the tracking plan knows it: else it may be anything.
        fields: Its fields.
    """

    trace: Trace
    name: str | None
    fields: tuple[ExplainedField, ...]


def explain(
    sanitizer: "Sanitizer",
    plan: TrackingPlanFile,
    vendors: Mapping[VendorName, VendorFile],
    record: bytes,
) -> Explained | Rejection:
    """Explain one raw record.

    Args:
        sanitizer: Made from the same policy.
        plan: The tracking plan as it is written.
        vendors: The files of the vendors to explain it for.
        record: The record.
    """
    trace = sanitizer.trace(record)
    if isinstance(trace, Rejection):
        return trace
    classes = {parse_path(dotted): name for dotted, name in classes_of(plan, trace.event).items()}
    sent = {outcome.vendor for outcome in trace.outcomes if isinstance(outcome, Sent)}
    fields = []
    for path, value in _fields(trace.event.body, classes):
        data_class = classes.get(path)
        # A key with a dot in it names no classified field, whatever its path looks like.
        texts = [text for text in trace.texts if data_class is not None and text.field == ".".join(path)]
        fields.append(
            ExplainedField(
                path=".".join(path if path in classes or path in _ROUTING else map(_shown, path)),
                raw_path=".".join(path),
                data_class=data_class,
                value=value,
                treatments={
                    name: _treatment(trace, path, data_class, file, is_sent=name in sent)
                    for name, file in vendors.items()
                },
                texts=tuple(text.text for text in texts),
                findings=tuple(
                    finding
                    for part, text in enumerate(texts)
                    for finding in _findings(text, part, vendors.keys())
                ),
            )
        )
    name = trace.event.name
    return Explained(trace, name if name in plan.events else None, tuple(fields))


def _shown(key: str) -> str:
    return key if _FIELD_NAME.fullmatch(key) else HIDDEN_KEY


def _findings(scanned: ScannedText, part: int, vendors: Collection[VendorName]) -> Iterator[Finding]:
    """What was found in a text; what became the same for several vendors stands once."""
    found: dict[Finding, list[VendorName]] = {}
    for names, explanation in scanned.judged.items():
        chosen = [name for name in names if name in vendors]
        if not chosen:
            continue
        for span, exemption in explanation.exempt:
            found.setdefault(Finding(part, span, exemption, (), (), ()), []).extend(chosen)
        for span, kept, winners in explanation.rulings:
            verdict = Verdict.STANDS if not winners else Verdict.CUT if kept else Verdict.COVERED
            found.setdefault(Finding(part, span, verdict, kept, winners, ()), []).extend(chosen)
    for finding, judges in sorted(found.items(), key=lambda each: each[0].span):
        yield finding._replace(vendors=tuple(judges))


def _fields(body: JsonValue, classes: Mapping[FieldPath, str]) -> Iterator[tuple[FieldPath, JsonValue]]:
    """Every classified field, every other one that holds no fields itself, and what routing reads."""
    nodes: list[tuple[FieldPath, JsonValue]] = [((), body)]
    while nodes:
        path, node = nodes.pop()
        if isinstance(node, dict) and node and path not in classes and path not in _ROUTING:
            nodes += [((*path, key), value) for key, value in reversed(node.items())]
        elif path:
            yield path, node


def _treatment(
    trace: Trace, path: FieldPath, data_class: str | None, file: VendorFile, *, is_sent: bool
) -> Treatment:
    if path in _ROUTING or data_class is None:
        return Treatment(None, Fate.ROUTING if path in _ROUTING else Fate.UNCLASSIFIED, None)
    dotted = ".".join(path)
    action = verb(action_for(file, dotted, data_class))
    if not is_sent:
        return Treatment(action, Fate.NO_EVENT, None)
    if action == "drop":
        return Treatment(action, _why_dropped(file, dotted, data_class), None)
    value = trace.applied[file.vendor].get(dotted)
    if value is REFUSED or value is None:
        return Treatment(action, Fate.REFUSED if value is REFUSED else Fate.NULL, None)
    return Treatment(action, Fate.SENT, value)


def _why_dropped(file: VendorFile, dotted: str, data_class: str) -> Fate:
    if dotted in file.fields:
        return Fate.FIELD_DROPPED
    return Fate.CLASS_DROPPED if data_class in file.actions else Fate.NO_ACTION
