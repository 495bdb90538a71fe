"""What becomes of a field's value: encoded once for all vendors that get the same of it.

A column stands for one way of treating one field. Vendors whose policies agree on a field share its column;
pseudonyms, which no two vendors may share, stand side by side in one. What a field's columns make of a value
that comes again is remembered (a cell), so far as it depends on nothing but the value and the keys.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple

import orjson

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.pseudonymize import pseudonymizable
from service.detection.entity_rules import EntityRules
from service.detection.known_values import KnownValues, probed
from service.detection.spans import Span
from service.events.json_value import JsonValue
from service.policy.entities import Entity
from service.policy.plan import FieldRule
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding
from service.pseudonyms.pseudonymizer import Pseudonymizer, message
from service.sanitize.gate import clean, strings
from service.vendors.layout import SHORT, Leaf, Nature, nature_of, nature_of_time
from service.vendors.registry import FIELD_CONVERSIONS

#: Values that a column remembers, and the longest of them, in characters.
_REMEMBERED: Final = 4_096
_LONGEST_REMEMBERED: Final = 512
#: The field whose value is read as the event's time.
_TIME: Final = "timestamp"
#: The field of which no value comes again.
_EVENT_ID: Final = "messageId"
#: What stands for a value that JSON can't hold (half of a surrogate pair); no vendor's schema takes it.
_NO_JSON: Final = b"null"


@dataclass(frozen=True, slots=True, eq=False)
class KeyVersion:
    """One version of the keys, bound to the vendors: its id, and the pseudonymizers."""

    id: str
    pseudonymizers: Mapping[VendorName, Pseudonymizer]


class Leaves:
    """All leaves that events may have, by number: a set of numbers tells what an event looks like."""

    def __init__(self) -> None:
        self._leaves: list[tuple[Leaf, Column, VendorName | None]] = []
        self._codes: dict[tuple[object, ...], int] = {}
        self._together: dict[tuple[int, ...], int] = {}

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

    def together(self, codes: tuple[int, ...]) -> int:
        """The number that stands for several leaves in a row."""
        return self._together.setdefault(codes, len(self._together))

    def of(self, numbers: Iterable[int]) -> list[tuple[Leaf, "Column", VendorName | None]]:
        """The leaves that some numbers of rows stand for.

        Each with its column, and the one vendor that it is for, if it is.
        """
        rows = list(self._together)
        return [self._leaves[code] for number in numbers for code in rows[number]]


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
        scanned: What is probed for identity values of the texts that had to be searched.
    """

    row: int
    encoded: tuple[bytes, ...] = ()
    values: tuple[JsonValue, ...] = ()
    open: tuple[str, ...] = ()
    clean: bool = True
    noted: tuple[tuple["Column", Entity | None, int], ...] = ()
    scanned: tuple[str, ...] = ()


class _Made(NamedTuple):
    """What one column made of a value: its leaves' codes, JSON, values; see Cell for the rest."""

    codes: tuple[int, ...] = ()
    encoded: tuple[bytes, ...] = ()
    values: tuple[JsonValue, ...] = ()
    open: tuple[str, ...] = ()
    clean: bool = True
    noted: tuple[tuple["Column", Entity | None, int], ...] = ()


class Column:
    """One way of treating one field."""

    def __init__(self, rule: FieldRule, leaves: Leaves) -> None:
        self.rule = rule
        self._leaves = leaves
        self._nature_of = nature_of_time if rule.dotted == _TIME else nature_of

    def _refused(self) -> _Made:
        return _Made(noted=((self, None, 1),))

    def _made(self, result: JsonValue | RefusedType, *, closed: bool) -> _Made:
        """What becomes of what an action made of a value."""
        if result is REFUSED:
            return self._refused()
        if not isinstance(result, dict):
            in_one = encoded(result)
            nature = Nature.NO_VALUE if in_one is _NO_JSON else self._nature_of(result)
            codes: tuple[int, ...] = (self._leaves.code(self, nature, closed=closed),)
            if closed or nature is Nature.NUMBER:
                return _Made(codes, (in_one,), (result,))
            shown = list(_shown(result))
            return _Made(codes, (in_one,), (result,), _open(shown), clean(shown))
        members = {name: value for name, value in result.items() if value is not None}
        shown = [] if closed else [text for value in members.values() for text in _shown(value)]
        in_json = {name: encoded(value) for name, value in members.items()}
        codes = tuple(
            self._leaves.code(
                self,
                Nature.NO_VALUE if in_json[name] is _NO_JSON else self._nature_of(value),
                member=name,
                closed=closed,
            )
            for name, value in members.items()
        )
        return _Made(codes, tuple(in_json.values()), tuple(members.values()), _open(shown), clean(shown))


class ValueColumn(Column, ABC):
    """A field whose outcome depends on its value, and at most on the keys."""

    @abstractmethod
    def make(self, value: JsonValue, version: KeyVersion) -> _Made:
        """What becomes of a value."""


class PlainColumn(ValueColumn):
    """A field whose outcome depends on its value alone."""

    def __init__(self, rule: FieldRule, leaves: Leaves, action: Action) -> None:
        super().__init__(rule, leaves)
        self._action = action

    def make(self, value: JsonValue, version: KeyVersion) -> _Made:  # noqa: ARG002
        return self._made(self._action.apply(value, _NO_CONTEXT), closed=self._action.closed)


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

    def make(self, value: JsonValue, version: KeyVersion) -> _Made:
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
        return _Made(tuple(codes), tuple(in_json), tuple(made))

    def _bind(self, version: KeyVersion) -> None:
        """Take the keys of a version, once for all of its events in a row."""
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
        rules: EntityRules,
        vendor: VendorName | None,
    ) -> None:
        """For one vendor where its keys take part, for all with these entity rules where none do."""
        super().__init__(rule, leaves)
        self._action = action
        self.rules = rules
        self.vendor = vendor
        self._cells: dict[tuple[str, str | None], Cell] = {}

    def essence(self, value: JsonValue) -> JsonValue:
        """What of a value to ask the other methods about."""
        return self._action.essence(value)

    def texts(self, value: JsonValue) -> tuple[str, ...]:
        """The texts of a value that must be searched."""
        return self._action.texts(value)

    def remembered(self, value: JsonValue, hint: str | None, known: KnownValues) -> Cell | None:
        """What became of the value before, if nothing was found in it and nothing known stands there now."""
        cell = self._cells.get((value, hint)) if isinstance(value, str) else None
        return None if cell is None or known.may_stand_in(cell.scanned) else cell

    def cell(
        self,
        value: JsonValue,
        hint: str | None,
        settled: Mapping[str, tuple[Span, ...]],
        version: KeyVersion,
    ) -> Cell:
        """What becomes of the value with the spans that stand in its texts."""
        entities: dict[Entity, int] = {}
        pseudonymizer = _NO_KEYS if self.vendor is None else version.pseudonymizers[self.vendor]
        context = ActionContext(pseudonymizer, settled, entities, set())
        result = self._action.apply(value, context)
        cell = _cell(self._leaves, [self._made(result, closed=self._action.closed)])
        if result is not REFUSED:
            cell.noted = tuple((self, entity, count) for entity, count in entities.items())
        texts = self._action.texts(value)
        if isinstance(value, str) and len(value) <= _LONGEST_REMEMBERED and not any(map(settled.get, texts)):
            cell.scanned = _open(texts)
            _remember(self._cells, (value, hint), cell)
        return cell


class Field:
    """What is done with one field.

    Attributes:
        columns: Its columns that need nothing but the value and keys.
        scanning: Those whose texts must be searched first.
    """

    def __init__(
        self, columns: Sequence[ValueColumn], scanning: Sequence[ScanColumn], leaves: Leaves
    ) -> None:
        self.columns = tuple(columns)
        self.scanning = tuple(scanning)
        self._leaves = leaves
        self._comes_again = all(column.rule.dotted != _EVENT_ID for column in columns)
        self._version: KeyVersion | None = None
        # By type, as 1 and True are one key of a dictionary and two values; 0.0 and -0.0 are of one type.
        self._cells: dict[type, dict[Any, Cell]] = {}

    def cell(self, value: JsonValue, version: KeyVersion) -> Cell:
        """What becomes of a value in the columns that need nothing else."""
        if version is not self._version:
            self._version = version
            self._cells = {str: {}, int: {}, bool: {}}
        cells = self._cells.get(type(value))
        cell = None if cells is None else cells.get(value)
        if cell is not None:
            return cell
        cell = _cell(self._leaves, [column.make(value, version) for column in self.columns])
        if (
            self._comes_again
            and cells is not None
            and (not isinstance(value, str) or len(value) <= _LONGEST_REMEMBERED)
        ):
            _remember(cells, value, cell)
        return cell


def _cell(leaves: Leaves, parts: Sequence[_Made]) -> Cell:
    """What several columns have made of one value, as one."""
    if len(parts) == 1:
        (made,) = parts
    else:
        made = _Made(
            tuple(chain.from_iterable(part.codes for part in parts)),
            tuple(chain.from_iterable(part.encoded for part in parts)),
            tuple(chain.from_iterable(part.values for part in parts)),
            tuple(chain.from_iterable(part.open for part in parts)),
            all(part.clean for part in parts),
            tuple(chain.from_iterable(part.noted for part in parts)),
        )
    return Cell(leaves.together(made.codes), *made[1:])


def _remember(cells: dict[Any, Cell], key: object, cell: Cell) -> None:
    if len(cells) == _REMEMBERED:
        cells.clear()  # what comes again is there again soon
    cells[key] = cell


def _open(texts: Iterable[str]) -> tuple[str, ...]:
    """What is probed for identity values of texts; empty where none could stand there."""
    seen = probed(texts)
    return (seen,) if seen else ()


def encoded(value: JsonValue) -> bytes:
    """A value as JSON, or what no vendor's schema takes where JSON can't hold it."""
    try:
        return orjson.dumps(value)
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
