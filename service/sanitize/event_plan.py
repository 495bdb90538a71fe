"""The compiled policy for one kind of event: a tracked event by its name, or another call type.

Made once at start-up for every kind that the policy names. It knows which columns a field goes into and
which vendors get what of them; and it keeps, for each set of leaves that events of the kind have had, every
vendor's payload as a template.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.policy.entities import Entity
from service.policy.plan import VendorPlan
from service.sanitize.columns import Cell, Column, Field, Leaves, encoded
from service.sanitize.field_tree import FieldTree
from service.sanitize.outcomes import Outcome, Remark, Suppressed
from service.sanitize.payload_template import Gap, PayloadTemplate, slots_of
from service.sanitize.routing import not_now, says_nothing
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import Conversion, Leaf, Node, Slot
from service.vendors.payload_schema import PayloadSchema

#: Sets of leaves for which a kind of event keeps templates; a set takes some 10 kB. Senders have few.
_LAYOUTS: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """One vendor: its place among all, its policy, its form and the schema of its payloads."""

    place: int
    plan: VendorPlan
    form: VendorForm
    schema: PayloadSchema


class _Comparison(NamedTuple):
    """Two values on whose equality a layout depends; a constant has no leaf."""

    left: Slot | None
    constant: JsonValue
    right: Slot
    equal: bool

    def holds(self, values: Sequence[JsonValue]) -> bool:
        left = self.constant if self.left is None else _converted(self.left, values)
        right = _converted(self.right, values)
        return (left == right and type(left) is type(right)) is self.equal


class EventLayout(NamedTuple):
    """How every vendor's payload is made from the leaves of an event.

    Attributes:
        comparisons: What must hold of the values.
        derived: The leaves that some vendor wants in another form; encoded, they follow the leaves.
        templates: Each vendor's template, or why it gets no payload.
    """

    comparisons: tuple[_Comparison, ...]
    derived: tuple[tuple[int, Conversion], ...]
    templates: tuple[PayloadTemplate | ShapeReason, ...]

    def holds(self, values: Sequence[JsonValue]) -> bool:
        """Whether it is the layout for an event with these values."""
        return all(comparison.holds(values) for comparison in self.comparisons)

    def encoded(self, cells: Sequence[Cell]) -> list[bytes]:
        """Everything that the templates pick from."""
        in_json = [*chain.from_iterable([cell.encoded for cell in cells])]
        if self.derived:
            values = _values(cells)
            in_json += [encoded(conversion.apply(values[at])) for at, conversion in self.derived]
        return in_json


class Route(NamedTuple):
    """Where an event goes.

    Attributes:
        outcomes: The outcomes that are settled, at their vendors' places; None where one is still to come.
        going: The destinations that get it, with their numbers among those of its kind.
    """

    outcomes: tuple[Outcome | None, ...]
    going: tuple[tuple[int, Destination], ...]


class EventPlan:
    """One kind of event.

    Attributes:
        destinations: The vendors that may get it.
        outcomes: The outcome for each of the others, at its place among all; None where one is still to come.
        tree: Where its fields stand, and what is done with each.
    """

    def __init__(
        self,
        call: CallType,
        name: str | None,
        *,
        destinations: Sequence[Destination],
        outcomes: Sequence[Suppressed | None],
        tree: FieldTree[Field],
        takers: Mapping[Column, Sequence[int]],
        leaves: Leaves,
    ) -> None:
        """Take which of the destinations take what each column gives, by their places among these."""
        self.call = call
        self.name = name
        self.destinations = tuple(destinations)
        self.outcomes = tuple(outcomes)
        self._quiet = self._routed({})
        self.tree = tree
        self.takers = takers
        self._leaves = leaves
        self._remarks: dict[tuple[Column, Entity | None], list[tuple[int, Remark]]] = {}
        self._layouts: OrderedDict[tuple[int, ...], list[EventLayout]] = OrderedDict()

    def route(self, body: JsonObject) -> Route:
        """The outcomes that an event's switches and consent settle, and the destinations that get it."""
        return self._quiet if says_nothing(body) else self._routed(body)

    def _routed(self, body: JsonObject) -> Route:
        outcomes: list[Outcome | None] = [*self.outcomes]
        going = []
        for taker, destination in enumerate(self.destinations):
            reason = not_now(body, destination.plan)
            if reason is None:
                going.append((taker, destination))
            else:
                outcomes[destination.place] = Suppressed(destination.plan.vendor, reason)
        return Route(tuple(outcomes), tuple(going))

    def note(self, cells: Iterable[Cell], route: Route, remarks: Counter[Remark]) -> None:
        """Count what was refused and replaced, for each of the destinations that get the event."""
        going = {taker for taker, _ in route.going}
        for cell in cells:
            for column, entity, count in cell.noted:
                for taker, remark in self._remarks_on(column, entity):
                    if taker in going:
                        remarks[remark] += count

    def _remarks_on(self, column: Column, entity: Entity | None) -> list[tuple[int, Remark]]:
        """The remarks on what a column did, for each that takes of it."""
        found = self._remarks.get((column, entity))
        if found is None:
            rule = column.rule
            found = self._remarks[column, entity] = [
                (taker, Remark(vendor, rule.dotted, rule.data_class, rule.spec.action, entity))
                for taker in self.takers[column]
                for vendor in (self.destinations[taker].plan.vendor,)
            ]
        return found

    def layout(self, cells: Sequence[Cell]) -> EventLayout:
        """The layout for what became of an event's fields."""
        rows = tuple([cell.row for cell in cells])
        variants = self._layouts.get(rows)
        if variants is None:
            variants = self._layouts[rows] = []
            if len(self._layouts) > _LAYOUTS:
                self._layouts.popitem(last=False)
        for layout in variants:
            if not layout.comparisons or layout.holds(_values(cells)):
                return layout
        maker = _LayoutMaker(self._leaves.of(rows), _values(cells))
        templates = tuple(
            maker.template(self, taker, destination) for taker, destination in enumerate(self.destinations)
        )
        layout = EventLayout(tuple(maker.comparisons), tuple(maker.derived), templates)
        variants.append(layout)
        return layout


class _LayoutMaker:
    """Makes the templates of all vendors for the leaves of one event."""

    def __init__(
        self, leaves: Sequence[tuple[Leaf, Column, str | None]], values: Sequence[JsonValue]
    ) -> None:
        self.comparisons: list[_Comparison] = []
        self.derived: dict[tuple[int, Conversion], int] = {}
        self._leaves = leaves
        self._values = values

    def template(
        self, plan: EventPlan, taker: int, destination: Destination
    ) -> PayloadTemplate | ShapeReason:
        vendor = destination.plan.vendor
        # In the order of the policy's rules, and of the members of what an action made.
        own = sorted(
            (
                at
                for at, (_, column, only) in enumerate(self._leaves)
                if taker in plan.takers.get(column, ()) and (only is None or only == vendor)
            ),
            key=lambda at: self._leaves[at][0].field,
        )
        leaves = [self._leaves[at][0] for at in own]

        def same(node: Node, slot: Slot) -> bool:
            return self._same(node, slot, own)

        layout = destination.form.layout(plan.call, plan.name, leaves, same)
        if isinstance(layout, ShapeReason):
            return layout
        gaps = []
        for slot, place in slots_of(layout.payload):
            leaf, everyones = leaves[slot.leaf], slot._replace(leaf=own[slot.leaf])
            gaps.append(Gap(self._source(everyones, leaf), everyones, leaf, place))
        return PayloadTemplate(
            destination.form, destination.schema, layout._replace(key=own[layout.key]), gaps
        )

    def _source(self, slot: Slot, leaf: Leaf) -> int:
        if leaf.nature in slot.conversion.untouched:
            return slot.leaf
        derived = self.derived.setdefault((slot.leaf, slot.conversion), len(self.derived))
        return len(self._leaves) + derived

    def _same(self, node: Node, slot: Slot, own: Sequence[int]) -> bool:
        if isinstance(node, dict | list):
            return False
        right = slot._replace(leaf=own[slot.leaf])
        left = node._replace(leaf=own[node.leaf]) if isinstance(node, Slot) else None
        constant = None if isinstance(node, Slot) else node
        equal = _Comparison(left, constant, right, equal=True).holds(self._values)
        self.comparisons.append(_Comparison(left, constant, right, equal))
        return equal


def _converted(slot: Slot, values: Sequence[JsonValue]) -> JsonValue:
    return slot.conversion.apply(values[slot.leaf])


def _values(cells: Iterable[Cell]) -> list[JsonValue]:
    return [value for cell in cells for value in cell.values]
