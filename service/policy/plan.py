"""The compiled policy: what the hot path works from. Built once at start-up by service/policy/compiler.py."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from service.events.event import CallType
from service.events.paths import FieldPath
from service.policy.action_specs import ActionSpec, Guard
from service.policy.entities import Entity
from service.policy.vendor_names import VendorName


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one vendor does with one field.

    Attributes:
        path: The field's keys.
        dotted: The same as written in the tracking plan; the path in remarks and metrics.
        data_class: The field's class.
        guard: The tracking plan's guard of the field, None where it has none.
        spec: The action. A field whose action is `drop`, or that has none, has no rule at all.
        key_purpose: The purpose of the derived key, where the class has one.
    """

    path: FieldPath
    dotted: str
    data_class: str
    guard: Guard | None
    spec: ActionSpec
    key_purpose: str | None


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """The consent a vendor's events need, and what an absent consent object means."""

    category: str
    when_absent: Literal["allow", "deny"]


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a vendor's circuit breaker opens: at `gate_hits` hits in its last `per_events` events.

    `close_after` is the seconds after which it closes by itself, None where only an operator closes it.
    """

    gate_hits: int
    per_events: int
    close_after: int | None


@dataclass(frozen=True, slots=True)
class EntityPolicy:
    """How what detection finds in texts is judged for one vendor.

    Attributes:
        thresholds: For guessed entities, the lowest score that counts. Sorted, as the others are.
        allow: Words and phrases that spare a guess which covers no more than them.
        deny: Words and phrases that are always replaced, each with its entity.
    """

    thresholds: tuple[tuple[Entity, float], ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[tuple[str, Entity], ...] = ()


@dataclass(frozen=True, slots=True)
class VendorPlan:
    """One vendor's compiled policy.

    Attributes:
        vendor: Whose plan it is.
        topic: The output topic.
        integration: The vendor's name among the event's `integrations` switches.
        consent: The consent it needs.
        events: The tracked events it may get.
        tracked: The rules for each of these events, common fields included.
        calls: The rules for each other call type, common fields included.
        key_purposes: Data class to the purpose of its derived key; the HKDF info is
            `weir/v1/<vendor>/<purpose>`.
        breaker: When it gets nothing more for a while.
        entities: How findings in texts are judged for it.
    """

    vendor: VendorName
    topic: str
    integration: str
    consent: ConsentRule
    events: frozenset[str]
    tracked: Mapping[str, tuple[FieldRule, ...]]
    calls: Mapping[CallType, tuple[FieldRule, ...]]
    key_purposes: Mapping[str, str]
    breaker: BreakerRule
    entities: EntityPolicy = EntityPolicy()

    def rules(self, call: CallType, name: str | None) -> tuple[FieldRule, ...] | None:
        """The rules for a call, or None where the policy does not let it through at all."""
        if call is CallType.TRACK:
            return None if name is None else self.tracked.get(name)
        return self.calls.get(call)


@dataclass(frozen=True, slots=True)
class IdentityField:
    """A classified field whose value names or reaches the person the event is about."""

    path: FieldPath
    data_class: str


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """All vendors' plans.

    Attributes:
        vendors: The plans, in the order of VendorName.
        identity_fields: Every classified field, of any event or call, that holds an identity value of the
            event (persons' names, contacts, identifiers), whatever the vendors may get of it.
        fingerprint: SHA-256 of the canonical form of all files, lower-case hex; the `weir-policy` header.
    """

    vendors: tuple[VendorPlan, ...]
    identity_fields: tuple[IdentityField, ...]
    fingerprint: str

    def only(self, vendors: Container[VendorName]) -> "CompiledPolicy":
        """The same policy, by its fingerprint as well, as far as it concerns some vendors."""
        return replace(self, vendors=tuple(plan for plan in self.vendors if plan.vendor in vendors))
