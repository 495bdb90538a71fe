"""The code that gives an event's fields to their columns, written for each kind of event at start-up.

What a general walk would ask of every field of every event (where it stands, who has it, whether it has
texts) is settled when the code is written; what is left is a line or two for each field.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from service.events.json_value import JsonObject, JsonValue
from service.events.paths import FieldPath
from service.sanitize.columns import Cell, Field, KeyVersion, ScanColumn

#: An object of which a policy has more fields than this is gone through by its own keys, of which an event
#: has but a few. Below, to ask for every field takes less time.
_MANY: Final = 64
_ARGUMENTS: Final = "version, known, cells, scans"

Scans: TypeAlias = list[tuple[tuple[ScanColumn, ...], JsonValue]]
#: Takes an event's body and the keys; adds what became of its fields, and what may have to be searched.
Collect: TypeAlias = Callable[[JsonObject, KeyVersion, Sequence[Mapping[Any, Cell]], list[Cell], Scans], None]


class Collector(NamedTuple):
    """The code for one kind of event: as a function, and as it is written."""

    collect: Collect
    source: str


class _Node:
    """A key of an event: the field it is, and the keys behind it."""

    def __init__(self) -> None:
        self.field: Field | None = None
        self.children: dict[str, _Node] = {}


def write_collector(fields: Mapping[FieldPath, Field]) -> Collector:
    """Write the code for an event with these fields."""
    root = _Node()
    for path, field in fields.items():
        node = root
        for key in path:
            node = node.children.setdefault(key, _Node())
        node.field = field
    writer = _Writer()
    body = list(writer.members(root, "body", 1)) or ["    pass"]
    source = "\n".join([*writer.functions, f"def collect(body, {_ARGUMENTS}):", *body, ""])
    exec(compile(source, "<collector>", "exec"), writer.names)  # noqa: S102  (written here; keys are literals)
    return Collector(writer.names["collect"], source)


class _Writer:
    """Writes code.

    Attributes:
        names: What the code calls by name.
        functions: Functions that it needs.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.functions: list[str] = []
        self._variables = 0
        self._tables = 0

    def members(self, node: _Node, variable: str, depth: int) -> Iterator[str]:
        """The lines for the fields behind a key, whose object is in a variable."""
        if len(node.children) > _MANY:
            yield from self._by_its_keys(node, variable, depth)
            return
        for key, child in sorted(node.children.items()):
            value = self._variable()
            yield f"{_indent(depth)}{value} = {variable}.get({key!r})"
            yield from self._value(child, value, depth)

    def _value(self, node: _Node, value: str, depth: int) -> Iterator[str]:
        if node.field is not None:
            yield f"{_indent(depth)}if {value} is not None:  # {node.field.dotted!r}"
            yield from self._field(node.field, value, depth + 1)
        if node.children:
            yield f"{_indent(depth)}if {value}.__class__ is dict:"
            yield from self.members(node, value, depth + 1)

    def _field(self, field: Field, value: str, depth: int) -> Iterator[str]:
        if field.columns:
            cell = f"field_{field.number}"
            self.names[cell] = field.cell
            made = f"{cell}({value}, version)"
            if field.comes_again:
                known = f"known[{field.number}].get({value}) if {value}.__class__ is str else None"
                made = f"({known}) or {made}"
            yield f"{_indent(depth)}cells.append({made})"
        for place, family in enumerate(field.scanning):
            columns = f"columns_{field.number}_{place}"
            self.names[columns] = family
            yield f"{_indent(depth)}scans.append(({columns}, {value}))"

    def _by_its_keys(self, node: _Node, variable: str, depth: int) -> Iterator[str]:
        table: dict[str, str] = {}
        self._tables += 1
        name = f"members_{self._tables}"
        for key, child in sorted(node.children.items()):
            function = f"{name}_{len(table)}"
            lines = [f"def {function}(value, {_ARGUMENTS}):", *self._value(child, "value", 1), ""]
            self.functions.append("\n".join(lines))
            table[key] = function
        self.functions.append(f"{name} = {{{', '.join(f'{key!r}: {table[key]}' for key in table)}}}\n")
        yield f"{_indent(depth)}for key in sorted({name}.keys() & {variable}.keys()):"
        yield f"{_indent(depth + 1)}{name}[key]({variable}[key], {_ARGUMENTS})"

    def _variable(self) -> str:
        self._variables += 1
        return f"value_{self._variables}"


def _indent(depth: int) -> str:
    return "    " * depth
