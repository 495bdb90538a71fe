"""Applying an action as the sanitizer does: built by the registry, with real keys."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.actions.action import ActionContext, RefusedType
from service.actions.registry import build
from service.detection.spans import Span
from service.events.json_value import JsonValue
from service.policy.action_specs import ActionSpec, Guard
from service.policy.entities import Entity
from service.policy.plan import FieldRule
from service.pseudonyms.encodings import alphanumeric
from service.pseudonyms.pseudonymizer import KeyedPseudonymizer

Findings = Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True)
class Applied:
    """The result of an action, and what it left in the context."""

    result: JsonValue | RefusedType
    entities: Mapping[Entity, int]
    generated: set[str]


def pseudonymizer() -> KeyedPseudonymizer:
    return KeyedPseudonymizer("k1", lambda purpose: purpose.encode().ljust(32, b"."))


def rule(spec: ActionSpec, guard: Guard | None = None, data_class: str = "identifier.user") -> FieldRule:
    return FieldRule(("properties", "x"), "properties.x", data_class, guard, spec, "user")


def applied(
    spec: ActionSpec,
    value: JsonValue,
    *,
    guard: Guard | None = None,
    findings: Findings | None = None,
    data_class: str = "identifier.user",
) -> Applied:
    """Apply an action. Without findings, detection has found nothing in any text the action asked for."""
    action = build(rule(spec, guard, data_class), lambda _: alphanumeric)
    texts: Findings = dict.fromkeys(action.texts(value), ()) | dict(findings or {})
    context = ActionContext(pseudonymizer(), texts, Counter(), set())
    return Applied(action.apply(value, context), context.entities, context.generated)


def texts(spec: ActionSpec, value: JsonValue) -> tuple[str, ...]:
    """What the action wants scanned."""
    return build(rule(spec), lambda _: alphanumeric).texts(value)


def spans(text: str, found: Sequence[tuple[str, Entity]]) -> tuple[Span, ...]:
    """The first occurrence of each stretch, as detection would give it."""
    return tuple(
        Span(text.index(part), text.index(part) + len(part), entity, 0.9, "test") for part, entity in found
    )
