"""What becomes of a field's value: encoded once for all vendors that get the same of it.

A column stands for one way of treating one field. Vendors whose policies agree on a field share its column;
pseudonyms, which no two vendors may share, stand side by side in one. What a column makes of a value that
comes again is remembered (a cell), so far as it depends on nothing but the value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from service.pseudonyms.pseudonymizer import Pseudonymizer
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

#: The pseudonymizers of one key version, by vendor.
Keys = Mapping[VendorName, Pseudonymizer]


class Leaves:
    """All leaves that events may have, by number: a set of numbers tells what an event looks like."""

    def __init__(self) -> None:
        self._leaves: list[tuple[Leaf, Column, VendorName | None]] = []
        self._codes: dict[tuple[object, ...], int] = {}

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
            leaf = Leaf(column.dotted, member, nature, closed, encoding)
            self._leaves.append((leaf, column, vendor))
        return code

    def __getitem__(self, code: int) -> tuple[Leaf, "Column", VendorName | None]:
        """The leaf of a number, its column, and the one vendor that it is for, if it is."""
        return self._leaves[code]


@dataclass(slots=True, repr=False)
class Collected:
    """What the columns have made of one event.

    Attributes:
        codes: The leaves' numbers.
        encoded: The leaves' values as JSON.
        values: The leaves' values.
        open: What is probed for identity values of the strings that Weir did not make itself.
        clean: Whether the gate's patterns find nothing in these.
        refused: The columns that refused their value.
        entities: What was replaced in texts, and how often, by the column.
    """

    codes: list[int] = field(default_factory=list)
    encoded: list[bytes] = field(default_factory=list)
    values: list[JsonValue] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    clean: bool = True
    refused: list["Column"] = field(default_factory=list)
    entities: list[tuple["Column", Entity, int]] = field(default_factory=list)


class Cell(NamedTuple):
    """What a column made of a value; no codes where the column refused it.

    Attributes:
        open: What is probed for identity values of its open strings; empty where it has none.
        clean: Whether the gate's patterns find nothing in these.
        scanned: What is probed for identity values of the texts that had to be searched.
    """

    codes: tuple[int, ...] = ()
    encoded: tuple[bytes, ...] = ()
    values: tuple[JsonValue, ...] = ()
    open: str = ""
    clean: bool = True
    scanned: str = ""


class Column:
    """One way of treating one field."""

    def __init__(self, rule: FieldRule, leaves: Leaves) -> None:
        self.dotted = rule.dotted
        self.rule = rule
        self._leaves = leaves
        self._nature_of = nature_of_time if rule.dotted == _TIME else nature_of

    def _collect(self, cell: Cell, collected: Collected) -> None:
        if not cell.codes:
            collected.refused.append(self)
            return
        collected.codes += cell.codes
        collected.encoded += cell.encoded
        collected.values += cell.values
        if cell.open:
            collected.open.append(cell.open)
            if not cell.clean:
                collected.clean = False

    def _cell(self, result: JsonValue | RefusedType, *, closed: bool, scanned: str = "") -> Cell:
        """The cell of what an action made of a value."""
        if result is REFUSED:
            return Cell(scanned=scanned)
        members: Mapping[str | None, JsonValue] = {None: result}
        if isinstance(result, dict):
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
        return Cell(
            codes, tuple(in_json.values()), tuple(members.values()), probed(shown), clean(shown), scanned
        )


class PlainColumn(Column):
    """A field whose outcome depends on its value alone."""

    def __init__(self, rule: FieldRule, leaves: Leaves, action: Action) -> None:
        super().__init__(rule, leaves)
        self._action = action
        # By type, as 1 and True are one key of a dictionary and two values; 0.0 and -0.0 are of one type.
        self._cells: dict[type, dict[Any, Cell]] = {str: {}, int: {}, bool: {}}

    def put(self, value: JsonValue, collected: Collected) -> None:
        """Add what becomes of the value."""
        cells = self._cells.get(type(value))
        cell = None if cells is None else cells.get(value)
        if cell is None:
            cell = self._cell(self._action.apply(value, _NO_CONTEXT), closed=self._action.closed)
            if cells is not None and (not isinstance(value, str) or len(value) <= _LONGEST_REMEMBERED):
                _remember(cells, value, cell)
        self._collect(cell, collected)


class PseudonymTarget(NamedTuple):
    """One vendor's pseudonyms of a field."""

    vendor: VendorName
    purpose: str
    encoding: Encoding


class PseudonymColumn(Column):
    """A field of which several vendors get a pseudonym, each its own."""

    def __init__(self, rule: FieldRule, leaves: Leaves, targets: Sequence[PseudonymTarget]) -> None:
        super().__init__(rule, leaves)
        self._data_class = rule.data_class
        self._comes_again = rule.dotted != _EVENT_ID
        self._targets: list[tuple[PseudonymTarget, int, int]] = [
            (
                target,
                *(
                    leaves.code(self, nature, closed=True, encoding=target.encoding, vendor=target.vendor)
                    for nature in (Nature.SHORT_TEXT, Nature.MEDIUM_TEXT)
                ),
            )
            for target in targets
        ]
        self._cells: dict[tuple[str, str | int], Cell] = {}

    def put(self, value: JsonValue, collected: Collected, version: str, keys: Keys) -> None:
        """Add the value's pseudonyms under a key version."""
        if not isinstance(value, str | int) or not pseudonymizable(value):
            collected.refused.append(self)
            return
        if not self._comes_again:
            self._collect(self._pseudonyms(value, keys), collected)
            return
        key = (version, value)  # True, which would be 1 here, is not to be pseudonymized
        cell = self._cells.get(key)
        if cell is None:
            cell = self._pseudonyms(value, keys)
            if isinstance(value, int) or len(value) <= _LONGEST_REMEMBERED:
                _remember(self._cells, key, cell)
        self._collect(cell, collected)

    def _code(self, target: PseudonymTarget, nature: Nature) -> int:
        return self._leaves.code(self, nature, closed=True, encoding=target.encoding, vendor=target.vendor)

    def _pseudonyms(self, value: str | int, keys: Keys) -> Cell:
        codes: list[int] = []
        in_json: list[bytes] = []
        values: list[str] = []
        for (vendor, purpose, encoding), short, medium in self._targets:
            pseudonym = keys[vendor].pseudonym(
                value, purpose=purpose, data_class=self._data_class, encoding=encoding
            )
            codes.append(short if len(pseudonym) <= SHORT else medium)
            in_json.append(f'"{pseudonym}"'.encode("ascii"))  # of letters, digits and signs without escapes
            values.append(pseudonym)
        return Cell(tuple(codes), tuple(in_json), tuple(values))


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

    def texts(self, value: JsonValue) -> tuple[str, ...]:
        """The texts of a value that must be searched."""
        return self._action.texts(value)

    def remembered(self, value: JsonValue, hint: str | None, known: KnownValues) -> Cell | None:
        """What became of the value before, if nothing was found in it and nothing known stands there now."""
        cell = self._cells.get((value, hint)) if isinstance(value, str) else None
        return None if cell is None or (cell.scanned and known.may_stand_in((cell.scanned,))) else cell

    def put_again(self, cell: Cell, collected: Collected) -> None:
        """Add what became of the value before."""
        self._collect(cell, collected)

    def put(
        self,
        value: JsonValue,
        hint: str | None,
        settled: Mapping[str, tuple[Span, ...]],
        keys: Keys,
        collected: Collected,
    ) -> None:
        """Add what becomes of the value with the spans that stand in its texts."""
        entities: dict[Entity, int] = {}
        pseudonymizer = _NO_KEYS if self.vendor is None else keys[self.vendor]
        context = ActionContext(pseudonymizer, settled, entities, set())
        texts = self._action.texts(value)
        result = self._action.apply(value, context)
        cell = self._cell(result, closed=self._action.closed, scanned=probed(texts))
        if isinstance(value, str) and len(value) <= _LONGEST_REMEMBERED and not any(map(settled.get, texts)):
            _remember(self._cells, (value, hint), cell)
        self._collect(cell, collected)
        if cell.codes:
            collected.entities += [(self, entity, count) for entity, count in entities.items()]


def _remember(cells: dict[Any, Cell], key: object, cell: Cell) -> None:
    if len(cells) == _REMEMBERED:
        cells.clear()  # what comes again is there again soon
    cells[key] = cell


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


_NO_KEYS: Final = _NoKeys()
_NO_CONTEXT: Final = ActionContext(_NO_KEYS, {}, {}, set())
