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
from service.events.json_value import JsonObject
from service.policy.entities import Entity
from service.policy.plan import VendorPlan
from service.sanitize.collector import Collector
from service.sanitize.columns import Cell, Column, Leaves, encoded
from service.sanitize.outcomes import Outcome, Remark, Suppressed
from service.sanitize.payload_template import Gap, PayloadTemplate, slots_of
from service.sanitize.routing import not_now, says_nothing
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import Conversion, Node, Slot
from service.vendors.payload_schema import PayloadSchema

#: Sets of leaves for which a kind of event keeps templates; a set takes some 10 kB. Senders have few.
_LAYOUTS: Final = 512
#: Layouts for one set of leaves, which differ in which of the fields for one place hold the same.
_VARIANTS: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """One vendor: its place among all, its policy, its form and the schema of its payloads."""

    place: int
    plan: VendorPlan
    form: VendorForm
    schema: PayloadSchema


class _Comparison(NamedTuple):
    """Two values on whose equality a layout depends, by where they stand; a constant as it is written."""

    left: int | bytes
    right: int
    equal: bool

    def holds(self, in_json: Sequence[bytes]) -> bool:
        left = in_json[self.left] if isinstance(self.left, int) else self.left
        return (left == in_json[self.right]) is self.equal


class EventLayout(NamedTuple):
    """How every vendor's payload is made from the leaves of an event.

    Attributes:
        comparisons: What must hold of the values.
        converted: The leaves that some vendor wants in another form, by cell and place in it; they follow the
            leaves as they are.
        templates: Each vendor's template, or why it gets no payload.
    """

    comparisons: tuple[_Comparison, ...]
    converted: tuple[tuple[int, int, Conversion], ...]
    templates: tuple[PayloadTemplate | ShapeReason, ...]

    def encoded(self, cells: Sequence[Cell]) -> list[bytes]:
        """Everything that the templates pick from."""
        in_json = [*chain.from_iterable([cell.encoded for cell in cells])]
        in_json += [cells[cell].in_form(at, conversion) for cell, at, conversion in self.converted]
        return in_json

    def fits(self, in_json: Sequence[bytes]) -> bool:
        """Whether it is the layout for an event of which `encoded` gave this."""
        return all(comparison.holds(in_json) for comparison in self.comparisons)


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
        collector: Gives its fields to their columns.
    """

    def __init__(
        self,
        call: CallType,
        name: str | None,
        *,
        destinations: Sequence[Destination],
        outcomes: Sequence[Suppressed | None],
        collector: Collector,
        takers: Mapping[Column, Sequence[int]],
        leaves: Leaves,
    ) -> None:
        """Take which of the destinations take what each column gives, by their places among these."""
        self.call = call
        self.name = name
        self.destinations = tuple(destinations)
        self.outcomes = tuple(outcomes)
        self._quiet = self._routed({})
        self.collector = collector
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

    def layout(self, cells: Sequence[Cell]) -> tuple[EventLayout, list[bytes]]:
        """The layout for what became of an event's fields, and what its templates pick from."""
        rows = tuple([cell.row for cell in cells])
        variants = self._layouts.get(rows)
        if variants is None:
            variants = self._layouts[rows] = []
            if len(self._layouts) > _LAYOUTS:
                self._layouts.popitem(last=False)
        else:
            self._layouts.move_to_end(rows)
        for layout in variants:
            in_json = layout.encoded(cells)
            if layout.fits(in_json):
                return layout, in_json
        layout = _LayoutMaker(self, cells, self._leaves).layout()
        if len(variants) == _VARIANTS:
            variants.pop(0)
        variants.append(layout)
        return layout, layout.encoded(cells)


class _LayoutMaker:
    """Makes the templates of all vendors for the leaves of one event."""

    def __init__(self, plan: EventPlan, cells: Sequence[Cell], leaves: Leaves) -> None:
        self._plan = plan
        self._cells = cells
        self._leaves = leaves.of(cell.row for cell in cells)
        #: Cell and place in it, by the leaf's place among all.
        self._places = [
            (number, at) for number, cell in enumerate(cells) for at in range(leaves.width(cell.row))
        ]
        self._comparisons: list[_Comparison] = []
        self._converted: dict[tuple[int, Conversion], int] = {}

    def layout(self) -> EventLayout:
        templates = [
            self._template(taker, destination) for taker, destination in enumerate(self._plan.destinations)
        ]
        converted = [(*self._places[leaf], conversion) for leaf, conversion in self._converted]
        return EventLayout(tuple(self._comparisons), tuple(converted), tuple(templates))

    def _template(self, taker: int, destination: Destination) -> PayloadTemplate | ShapeReason:
        vendor, takers = destination.plan.vendor, self._plan.takers
        # In the order of the policy's rules, and of the members of what an action made.
        own = sorted(
            (
                at
                for at, (_, column, only) in enumerate(self._leaves)
                if taker in takers.get(column, ()) and (only is None or only == vendor)
            ),
            key=lambda at: self._leaves[at][0].field,
        )

        def same(node: Node, slot: Slot) -> bool:
            return self._same(node, slot, own)

        leaves = [self._leaves[at][0] for at in own]
        layout = destination.form.layout(self._plan.call, self._plan.name, leaves, same)
        if isinstance(layout, ShapeReason):
            return layout
        gaps = []
        for slot, place in slots_of(layout.payload):
            everyones = slot._replace(leaf=own[slot.leaf])
            gaps.append(Gap(self._source(everyones), everyones, leaves[slot.leaf], place))
        own_key = layout._replace(key=own[layout.key])
        return PayloadTemplate(destination.form, destination.schema, own_key, gaps)

    def _source(self, slot: Slot) -> int:
        """Where a slot's value stands among all that the templates pick from."""
        leaf, _, _ = self._leaves[slot.leaf]
        if leaf.nature in slot.conversion.untouched:
            return slot.leaf
        converted = self._converted.setdefault((slot.leaf, slot.conversion), len(self._converted))
        return len(self._leaves) + converted

    def _same(self, node: Node, slot: Slot, own: Sequence[int]) -> bool:
        if isinstance(node, dict | list):
            return False
        right = slot._replace(leaf=own[slot.leaf])
        left = node._replace(leaf=own[node.leaf]) if isinstance(node, Slot) else encoded(node)
        written = left if isinstance(left, bytes) else self._written(left)
        equal = written == self._written(right)
        place = left if isinstance(left, bytes) else self._source(left)
        self._comparisons.append(_Comparison(place, self._source(right), equal))
        return equal

    def _written(self, slot: Slot) -> bytes:
        cell, at = self._places[slot.leaf]
        return self._cells[cell].in_form(at, slot.conversion)
