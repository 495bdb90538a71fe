"""What becomes of a field's value: encoded once for all vendors that get the same of it.

A column stands for one way of treating one field. Vendors whose policies agree on a field share its column;
pseudonyms, which no two vendors may share, stand side by side in one. What a field's columns make of a value
that comes again is remembered (a cell), so far as it depends on nothing but the value and the keys.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

import orjson

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.pseudonymize import pseudonymizable
from service.actions.time_unit import TimeUnitAction
from service.detection.entity_rules import EntityRules
from service.detection.known_values import Probed, probed
from service.detection.spans import Span
from service.events.json_value import JsonValue
from service.events.timestamps import format_timestamp
from service.policy.entities import Entity
from service.policy.plan import FieldRule
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding
from service.pseudonyms.pseudonymizer import Pseudonymizer, message
from service.sanitize.gate import clean, strings
from service.vendors.layout import (
    DATE_TIME,
    MICROSECONDS,
    MILLISECONDS,
    SECONDS,
    SHORT,
    Conversion,
    Leaf,
    Nature,
    nature_of,
    nature_of_time,
    time_nature,
)
from service.vendors.registry import FIELD_CONVERSIONS

#: Values of which cells are remembered, of all fields together (some 100 MB at most); values that are known
#: to have come once; and the longest of them, in characters.
_REMEMBERED: Final = 65_536
_SEEN: Final = 131_072
_LONGEST_REMEMBERED: Final = 256
#: The field whose value is read as the event's time.
TIME: Final = "timestamp"
#: Fields of which hardly a value comes again.
_ALWAYS_NEW: Final = frozenset({TIME, "messageId"})
#: What stands for a value that JSON can't hold (half of a surrogate pair); no vendor's schema takes it.
_NO_JSON: Final = b"null"


class KeyVersion:
    """The vendors' versions of the keys in a span of event time, and what became of values under them.

    Attributes:
        pseudonymizers: Those of the vendors that have a key.
        memory: What is remembered.
        known: The cells that are remembered for each field, by its number.
    """

    def __init__(self, pseudonymizers: Mapping[VendorName, Pseudonymizer], fields: int) -> None:
        self.pseudonymizers = pseudonymizers
        self.memory = Memory()
        self.known = [self.memory.table() for _ in range(fields)]


class Leaves:
    """All leaves that events may have, by number: a set of numbers tells what an event looks like."""

    def __init__(self) -> None:
        self._leaves: list[tuple[Leaf, Column, VendorName | None]] = []
        self._codes: dict[tuple[object, ...], int] = {}
        self._rows: dict[tuple[int, ...], int] = {}
        self._codes_of: list[tuple[int, ...]] = []

    def code(
        self,
        column: "Column",
        nature: Nature,
        *,
        member: str | None = None,
        closed: bool,
        encoding: Encoding | None = None,
        vendor: VendorName | None = None,
    ) -> int:
        """The number of a leaf; of one vendor's only, or of all that share the column."""
        key = (column, nature, member, vendor)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._leaves)
            leaf = Leaf(column.rule.dotted, member, nature, closed, encoding)
            self._leaves.append((leaf, column, vendor))
        return code

    def row(self, codes: tuple[int, ...]) -> int:
        """The number that stands for several leaves in a row."""
        row = self._rows.get(codes)
        if row is None:
            row = self._rows[codes] = len(self._codes_of)
            self._codes_of.append(codes)
        return row

    def width(self, row: int) -> int:
        """How many leaves a row has."""
        return len(self._codes_of[row])

    def codes(self, rows: Iterable[int]) -> tuple[int, ...]:
        """The numbers of the leaves that several rows stand for."""
        return tuple(code for row in rows for code in self._codes_of[row])

    def of(self, rows: Iterable[int]) -> list[tuple[Leaf, "Column", VendorName | None]]:
        """The leaves that several rows stand for.

        Each with its column, and the one vendor that it is for, if it is.
        """
        return [self._leaves[code] for code in self.codes(rows)]


@dataclass(slots=True, eq=False, repr=False)
class Cell:
    """What became of a value.

    Attributes:
        row: The number that stands for its leaves.
        encoded: The leaves' values as JSON.
        values: The leaves' values.
        open: What is probed for identity values of the strings that Weir did not make itself.
        clean: Whether the gate's patterns find nothing in these.
        noted: What was replaced, by whom, and how often; without an entity, who refused the value.
        scanned: What is probed for identity values before the same becomes of a value again: its open strings
            and the texts that had to be searched.
        converted: Leaves' values in other forms, by the leaf's place.
    """

    row: int
    encoded: tuple[bytes, ...] = ()
    values: tuple[JsonValue, ...] = ()
    open: tuple[Probed, ...] = ()
    clean: bool = True
    noted: tuple[tuple["Column", Entity | None, int], ...] = ()
    scanned: tuple[Probed, ...] = ()
    converted: dict[tuple[int, Conversion], bytes] = field(default_factory=dict)

    def in_form(self, at: int, conversion: Conversion) -> bytes:
        """A leaf's value as some vendors want it, as JSON; made once."""
        key = (at, conversion)
        found = self.converted.get(key)
        if found is None:
            found = self.converted[key] = encoded(conversion.apply(self.values[at]))
        return found


class Memory:
    """What is remembered of a policy's fields in all: a sender of ever new values can't make it grow."""

    def __init__(self) -> None:
        self._tables: list[dict[Any, Cell]] = []
        self._kept = 0
        self._seen: set[int] = set()

    def table(self) -> dict[Any, Cell]:
        """A new table of cells by what they were made of."""
        self._tables.append({})
        return self._tables[-1]

    def remember(self, table: dict[Any, Cell], key: object, cell: Cell, *, at_once: bool = False) -> None:
        """Keep a cell, if its value has been seen before, or is likely to be seen again."""
        mark = hash((id(table), key))
        if not at_once and mark not in self._seen:
            if len(self._seen) == _SEEN:
                self._seen.clear()
            self._seen.add(mark)
            return
        if self._kept == _REMEMBERED:
            for each in self._tables:
                each.clear()  # what comes again is there again soon
            self._kept = 0
        self._kept += 1
        table[key] = cell


class Column:
    """One way of treating one field."""

    def __init__(self, rule: FieldRule, leaves: Leaves) -> None:
        self.rule = rule
        self._leaves = leaves
        self._nature_of = nature_of_time if rule.dotted == TIME else nature_of
        #: By nature and member; whether they are closed is the action's.
        self._rows: dict[tuple[Nature, str | None], int] = {}

    def _refused(self) -> Cell:
        return Cell(self._leaves.row(()), noted=((self, None, 1),))

    def _cell(self, result: JsonValue | RefusedType, *, closed: bool) -> Cell:
        """What becomes of what an action made of a value."""
        if result is REFUSED:
            return self._refused()
        if not isinstance(result, dict):
            return self._leaf(None, result, closed=closed)
        members = [(name, value) for name, value in result.items() if value is not None]
        return _joined(self._leaves, [self._leaf(name, value, closed=closed) for name, value in members])

    def _leaf(self, member: str | None, value: JsonValue, *, closed: bool) -> Cell:
        """What becomes of a value that is no object: the result itself, or a member of it."""
        in_json = encoded(value)
        nature = (self._nature_of if member is None else nature_of)(value)
        if in_json is _NO_JSON:
            nature = Nature.NO_VALUE
        row = self._row(nature, member, closed=closed)
        if closed or nature is Nature.NUMBER:
            return Cell(row, (in_json,), (value,))
        shown = _shown(value)
        return Cell(row, (in_json,), (value,), _open(shown), clean(shown))

    def _row(self, nature: Nature, member: str | None = None, *, closed: bool) -> int:
        row = self._rows.get((nature, member))
        if row is None:
            code = self._leaves.code(self, nature, member=member, closed=closed)
            row = self._rows[nature, member] = self._leaves.row((code,))
        return row


class ValueColumn(Column, ABC):
    """A field whose outcome depends on its value, and at most on the keys."""

    @abstractmethod
    def cell(self, value: JsonValue, version: KeyVersion) -> Cell:
        """What becomes of a value."""


class PlainColumn(ValueColumn):
    """A field whose outcome depends on its value alone."""

    def __init__(self, rule: FieldRule, leaves: Leaves, action: Action) -> None:
        super().__init__(rule, leaves)
        self._action = action

    def cell(self, value: JsonValue, version: KeyVersion) -> Cell:  # noqa: ARG002
        return self._cell(self._action.apply(value, _NO_CONTEXT), closed=self._action.closed)


class TimeColumn(ValueColumn):
    """The time of the event, cut to a unit: new with nearly every event, so that nothing is done twice."""

    def __init__(self, rule: FieldRule, leaves: Leaves, action: TimeUnitAction) -> None:
        super().__init__(rule, leaves)
        self._seconds = action.seconds

    def cell(self, value: JsonValue, version: KeyVersion) -> Cell:  # noqa: ARG002
        seconds = self._seconds(value)
        if seconds is None:
            return self._refused()
        text = format_timestamp(seconds)
        in_json = f'"{text}"'.encode("ascii")
        converted = {
            (0, SECONDS): b"%d" % seconds,
            (0, MILLISECONDS): b"%d" % (seconds * 1_000),
            (0, MICROSECONDS): b"%d" % (seconds * 1_000_000),
            (0, DATE_TIME): in_json,
        }
        return Cell(self._row(time_nature(seconds), closed=True), (in_json,), (text,), converted=converted)


class PseudonymTarget(NamedTuple):
    """One vendor's pseudonyms of a field."""

    vendor: VendorName
    purpose: str
    encoding: Encoding


class PseudonymColumn(ValueColumn):
    """A field of which several vendors get a pseudonym, each its own."""

    def __init__(self, rule: FieldRule, leaves: Leaves, targets: Sequence[PseudonymTarget]) -> None:
        super().__init__(rule, leaves)
        self._targets = [
            (target, self._code(target, Nature.SHORT_TEXT), self._code(target, Nature.MEDIUM_TEXT))
            for target in targets
        ]
        self._version: KeyVersion | None = None
        self._bound: list[tuple[Callable[[bytes], bytes], Encoding, int, int]] = []

    def cell(self, value: JsonValue, version: KeyVersion) -> Cell:
        if not isinstance(value, str | int) or not pseudonymizable(value):
            return self._refused()
        if version is not self._version:
            self._bind(version)
        made: list[str] = []
        codes: list[int] = []
        written = message(value)
        for mac, encoding, short, medium in self._bound:
            pseudonym = encoding(mac(written))
            made.append(pseudonym)
            codes.append(short if len(pseudonym) <= SHORT else medium)
        # Of letters, digits and signs without escapes.
        in_json = [f'"{pseudonym}"'.encode("ascii") for pseudonym in made]
        return Cell(self._leaves.row(tuple(codes)), tuple(in_json), tuple(made))

    def _bind(self, version: KeyVersion) -> None:
        """Take the keys of a version, once for all of its events in a row.

        A vendor without a key gets no pseudonym, and its place no leaf: it gets nothing of these events.
        """
        self._version = version
        self._bound = [
            (
                version.pseudonymizers[target.vendor].mac(
                    purpose=target.purpose, data_class=self.rule.data_class
                ),
                target.encoding,
                short,
                medium,
            )
            for target, short, medium in self._targets
            if target.vendor in version.pseudonymizers
        ]

    def _code(self, target: PseudonymTarget, nature: Nature) -> int:
        return self._leaves.code(self, nature, closed=True, encoding=target.encoding, vendor=target.vendor)


class ScanColumn(Column):
    """A field whose texts must be searched."""

    def __init__(
        self,
        rule: FieldRule,
        leaves: Leaves,
        action: Action,
        *,
        rules: EntityRules,
        vendor: VendorName | None,
        memory: Memory,
    ) -> None:
        """For one vendor where its keys take part, for all with these entity rules where none do."""
        super().__init__(rule, leaves)
        self._action = action
        self.rules = rules
        self.vendor = vendor
        self._memory = memory
        self._cells = memory.table()

    def essence(self, value: JsonValue) -> JsonValue:
        """What of a value to ask the other methods about; the same for all columns of one `family`."""
        return self._action.essence(value)

    @property
    def family(self) -> object:
        """Tells columns apart that may see another essence of a value."""
        return type(self._action).essence

    def texts(self, value: JsonValue) -> tuple[str, ...]:
        """The texts of a value that must be searched."""
        return self._action.texts(value)

    def remembered(self, value: JsonValue, hint: str | None) -> Cell | None:
        """What became of the value before, if nothing was found in its texts.

        It becomes of it again if none of the event's identity values stands there.
        """
        return self._cells.get((value, hint)) if isinstance(value, str) else None

    def cell(
        self,
        value: JsonValue,
        hint: str | None,
        settled: Mapping[str, tuple[Span, ...]],
        version: KeyVersion,
    ) -> Cell:
        """What becomes of the value with the spans that stand in its texts."""
        if self.vendor is not None and self.vendor not in version.pseudonymizers:
            return Cell(self._leaves.row(()))  # the vendor has no key, and gets nothing of the event
        entities: dict[Entity, int] = {}
        pseudonymizer = _NO_KEYS if self.vendor is None else version.pseudonymizers[self.vendor]
        context = ActionContext(pseudonymizer, settled, entities, set())
        result = self._action.apply(value, context)
        cell = self._cell(result, closed=self._action.closed)
        if result is not REFUSED:
            cell.noted = tuple((self, entity, count) for entity, count in entities.items())
        texts = self._action.texts(value)
        if isinstance(value, str) and len(value) <= _LONGEST_REMEMBERED and not any(map(settled.get, texts)):
            # What stands in an open text stands there whole: to ask for the one is enough.
            apart = [each for each in _open(texts) if not any(shown.holds(each) for shown in cell.open)]
            cell.scanned = (*cell.open, *apart)
            self._memory.remember(self._cells, (value, hint), cell)
        return cell


class Field:
    """What is done with one field.

    Attributes:
        number: Tells it from all others.
        dotted: Its path.
        columns: Its columns that need nothing but the value and keys.
        scanning: Those whose texts must be searched first, by what they see in a value.
        comes_again: Whether its values are likely to.
    """

    def __init__(
        self, number: int, columns: Sequence[ValueColumn], scanning: Sequence[ScanColumn], leaves: Leaves
    ) -> None:
        self.number = number
        self.dotted = [*columns, *scanning][0].rule.dotted
        self.columns = tuple(columns)
        families: dict[object, list[ScanColumn]] = {}
        for column in scanning:
            families.setdefault(column.family, []).append(column)
        self.scanning = tuple(map(tuple, families.values()))
        self.comes_again = self.dotted not in _ALWAYS_NEW
        #: Who and where somebody is comes again with each event of a session; what happened need not.
        self._of_session = not self.dotted.startswith(("properties.", "traits."))
        self._leaves = leaves
        self._make = self.columns[0].cell if len(columns) == 1 else self._cell

    def cell(self, value: JsonValue, version: KeyVersion) -> Cell:
        """What becomes of a value in the columns that need nothing else."""
        if not self.comes_again or not isinstance(value, str | int):
            return self._make(value, version)
        # By type, as 1 and True are one key of a dictionary and two values.
        key = value if isinstance(value, str) else (type(value), value)
        known = version.known[self.number]
        cell = known.get(key)
        if cell is None:
            cell = self._make(value, version)
            if not isinstance(value, str) or len(value) <= _LONGEST_REMEMBERED:
                version.memory.remember(known, key, cell, at_once=self._of_session)
        return cell

    def _cell(self, value: JsonValue, version: KeyVersion) -> Cell:
        return _joined(self._leaves, [column.cell(value, version) for column in self.columns])


def _joined(leaves: Leaves, cells: Sequence[Cell]) -> Cell:
    """What became of one value in several columns, as one."""
    return Cell(
        leaves.row(leaves.codes(cell.row for cell in cells)),
        tuple(chain.from_iterable(cell.encoded for cell in cells)),
        tuple(chain.from_iterable(cell.values for cell in cells)),
        tuple(chain.from_iterable(cell.open for cell in cells)),
        all(cell.clean for cell in cells),
        tuple(chain.from_iterable(cell.noted for cell in cells)),
    )


def _open(texts: Iterable[str]) -> tuple[Probed, ...]:
    """What is probed for identity values of texts; empty where none could stand there."""
    seen = probed(texts)
    return (seen,) if seen else ()


def encoded(value: JsonValue) -> bytes:
    """A value as JSON, or what no vendor's schema takes where JSON can't hold it."""
    try:
        # A copy: what orjson gives is kept in the kilobytes that it was written in.
        return bytes(memoryview(orjson.dumps(value)))
    except orjson.JSONEncodeError:
        return _NO_JSON


def _shown(value: JsonValue) -> set[str]:
    """Every string that a vendor may be given for a value: as it is, cut, joined."""
    if isinstance(value, str) and len(value) <= SHORT:
        return {value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return set()
    shown = set(strings(value))
    for conversion in FIELD_CONVERSIONS:
        shown.update(strings(conversion.apply(value)))
    return shown


class _NoKeys:
    """Stands where no keys take part."""

    key_version = ""

    def pseudonym(self, *_: object, **__: object) -> str:
        raise AssertionError("an action without a key purpose asked for a pseudonym")

    def mac(self, *_: object, **__: object) -> Callable[[bytes], bytes]:
        raise AssertionError("an action without a key purpose asked for a key")


_NO_KEYS: Final = _NoKeys()
_NO_CONTEXT: Final = ActionContext(_NO_KEYS, {}, {}, set())
