"""A vendor's layout as bytes with gaps: what is left to do for an event is to fill them.

Every leaf of an event is encoded once, for all vendors; a vendor whose conversion changes it has it encoded
apart, and vendors with the same conversion share that.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

import orjson

from service.events.json_value import JsonObject
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import Layout, Leaf, Node, Slot
from service.vendors.payload_schema import PayloadSchema, Place

#: Verdicts of the schema remembered for each place that does not take every value.
_VERDICTS: Final = 1024
_LONGEST_REMEMBERED: Final = 256  # bytes
#: Bytes of the largest payload that is kept as an example of valid ones.
_LARGEST_EXAMPLE: Final = 16_384

_Pick: TypeAlias = Callable[[Sequence[bytes]], tuple[bytes, ...]]


class Gap(NamedTuple):
    """A gap in a payload's bytes.

    Attributes:
        source: Where its bytes stand among an event's encoded values.
        slot: What it is, `leaf` being the leaf's position among all of the event's.
        leaf: The leaf.
        place: Where it is in the payload.
    """

    source: int
    slot: Slot
    leaf: Leaf
    place: Place

    @property
    def path(self) -> str:
        """The place without positions in lists, as it stands in gate hits."""
        return ".".join(step for step in self.place if isinstance(step, str))


class PayloadTemplate:
    """One vendor's payload for events with the same leaves.

    Attributes:
        gaps: All gaps, in order.
        searched: Those whose strings the gate searches.
        key: Where the record key stands among an event's encoded values.
    """

    def __init__(self, form: VendorForm, schema: PayloadSchema, layout: Layout, gaps: Sequence[Gap]) -> None:
        """Take a layout and its slots as gaps, in the order in which they stand in the layout."""
        self._max_bytes = form.max_bytes
        self._schema = schema
        self.gaps = tuple(gaps)
        self.searched = tuple((at, gap) for at, gap in enumerate(gaps) if not gap.slot.closed)
        self.key = layout.key
        numbers = iter(range(len(gaps)))
        mark = _mark(layout)
        text = orjson.dumps(layout.payload, default=lambda _: f"{mark}{next(numbers)}")
        pieces = re.split(rb'"(?:\\u0000){%d}([0-9]+)"' % len(mark), text)
        self._format = b"%b".join(piece.replace(b"%", b"%%") for piece in pieces[::2])
        assert [int(number) for number in pieces[1::2]] == [*range(len(gaps))]
        # Of one place alone, itemgetter would give no tuple; every payload has a time and an id.
        self._pick: _Pick = itemgetter(*(gap.source for gap in gaps))
        #: Gaps that take not every value of their leaf's nature, with what the schema said of some; None
        #: until a valid payload has been seen.
        self._guarded: list[tuple[int, Place, dict[bytes, bool]]] | None = None
        self._example: JsonObject = {}
        self._failed = False

    def payload(self, encoded: Sequence[bytes]) -> bytes | ShapeReason:
        """The payload with an event's encoded values, or why the vendor would not take it.

        The first payload is held against the schema; if it is valid, only what may differ in validity after
        it: the values of some gaps.
        """
        payload = self._format % self._pick(encoded)
        if len(payload) > self._max_bytes:
            return ShapeReason.PAYLOAD_TOO_LARGE
        if self._guarded is None or self._failed:
            return self.full_refusal(payload) or payload
        for source, place, verdicts in self._guarded:
            value = encoded[source]
            taken = verdicts.get(value)
            if taken is None:
                taken = self._schema.takes_at(self._example, place, orjson.loads(value))
                if len(verdicts) == _VERDICTS:
                    verdicts.clear()
                if len(value) <= _LONGEST_REMEMBERED:
                    verdicts[value] = taken
            if not taken:
                return ShapeReason.PAYLOAD_INVALID
        return payload

    def render_with(self, encoded: Sequence[bytes], others: dict[int, bytes]) -> bytes:
        """The payload with other bytes in some gaps; not held against anything."""
        chosen = list(self._pick(encoded))
        for at, other in others.items():
            chosen[at] = other
        return self._format % tuple(chosen)

    def full_refusal(self, payload: bytes) -> ShapeReason | None:
        """Why the vendor would not take a payload, by the whole schema; None where it would."""
        if len(payload) > self._max_bytes:
            return ShapeReason.PAYLOAD_TOO_LARGE
        parsed: JsonObject = orjson.loads(payload)
        if not self._schema.takes(parsed):
            return ShapeReason.PAYLOAD_INVALID
        if self._guarded is None and len(payload) <= _LARGEST_EXAMPLE:
            self._example = parsed
            self._guarded = [
                (gap.source, gap.place, {})
                for gap in self.gaps
                if not self._schema.takes_all_at(parsed, gap.place, gap.leaf, gap.slot.conversion)
            ]
        return None

    def distrust(self) -> None:
        """Take no payload for valid any more that was not held against the schema as a whole."""
        self._failed = True


def slots_of(node: Node, place: Place = ()) -> Iterator[tuple[Slot, Place]]:
    """The slots of a layout with their places, in the order in which they are written."""
    if isinstance(node, Slot):
        yield node, place
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from slots_of(child, (*place, key))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from slots_of(child, (*place, index))


def _mark(layout: Layout) -> str:
    """What slots stand as in a layout's JSON until that is taken apart: more nulls than any name has."""
    named = orjson.dumps(layout.payload, default=lambda _: None)
    nulls = 1
    while b'"' + b"\\u0000" * nulls in named:
        nulls += 1
    return "\0" * nulls
