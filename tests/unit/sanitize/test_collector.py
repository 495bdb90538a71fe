"""The code that gives fields to their columns does what a plain walk would do, whatever keys are called."""

from collections.abc import Iterable, Mapping
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.actions.registry import build
from service.detection.entity_rules import EntityRules
from service.events.json_value import JsonObject, JsonValue
from service.events.paths import MISSING, FieldPath, lookup
from service.policy.action_specs import Guard, Keep, Scrub
from service.policy.plan import EntityPolicy, FieldRule
from service.pseudonyms.encodings import alphanumeric
from service.sanitize import collector
from service.sanitize.collector import Scans, write_collector
from service.sanitize.columns import Cell, Field, KeyVersion, Leaves, Memory, PlainColumn, ScanColumn
from service.sanitize.outcomes import Sent
from tests.unit.sanitize.conftest import MakeSanitizer, SmallPolicy, record

ODD: Final = (
    'say "hi"',
    "it's",
    '"""',
    "\\",
    "\\n",
    "li\nne",
    "car\rriage",
    "\u2028",
    "nul\0",
    "größe",
    "報告",
    "\U0001f600",
    "a b",
    "# no comment",
    "'); raise SystemExit  #",
    "{value}",
    "%s",
    "members_0",
    "version",
    "__class__",
)


def fields_of(paths: Iterable[FieldPath], *, scanned: bool = False) -> dict[FieldPath, Field]:
    """A field for each path, whose values are kept or, if they are to be scanned, scrubbed."""
    leaves = Leaves()
    fields = {}
    for number, path in enumerate(paths):
        if scanned and number % 2:
            rule = FieldRule(path, ".".join(path), "a.class", None, Scrub(), None)
            action, rules = build(rule, lambda _: alphanumeric), EntityRules(EntityPolicy())
            column = ScanColumn(rule, leaves, action, rules=rules, vendor=None, memory=Memory())
            fields[path] = Field(number, [], [column], leaves)
        else:
            guard = Guard(type="string", max_length=40)
            rule = FieldRule(path, ".".join(path), "a.class", None, Keep(guard=guard), None)
            plain = PlainColumn(rule, leaves, build(rule, lambda _: alphanumeric))
            fields[path] = Field(number, [plain], [], leaves)
    return fields


#: With the smaller bound, an object of which there are two fields is gone through by its own keys.
BOTH_WAYS: Final = pytest.mark.parametrize("many", [64, 1], ids=["asked for", "by its keys"])

#: What became of each field: its value as JSON, or that it was refused; or the value that is to be scanned.
Collected = Mapping[str, object]


def collected(fields: Mapping[FieldPath, Field], body: JsonObject) -> Collected:
    """What the written code gives; each field at most once."""
    cells: list[Cell] = []
    scans: Scans = []
    version = KeyVersion({}, len(fields))
    write_collector(fields).collect(body, version, version.known, cells, scans)
    leaves = next(iter(fields.values()))._leaves
    found: dict[str, object] = {}
    for cell in cells:
        if cell.noted:
            ((column, _, _),) = cell.noted
            dotted, outcome = column.rule.dotted, None
        else:
            ((leaf, _, _),) = leaves.of([cell.row])
            dotted, outcome = leaf.field, cell.encoded
        assert dotted not in found
        found[dotted] = outcome
    for columns, value in scans:
        assert columns[0].rule.dotted not in found
        found[columns[0].rule.dotted] = ("scan", value)
    return found


def walked(fields: Mapping[FieldPath, Field], body: JsonObject) -> Collected:
    """The same by looking up one path after the other."""
    version = KeyVersion({}, len(fields))
    found: dict[str, object] = {}
    for path, field in fields.items():
        value = lookup(body, path)
        if value is MISSING or value is None:
            continue
        if field.scanning:
            found[field.dotted] = ("scan", value)
        else:
            cell = field.cell(value, version)
            found[field.dotted] = None if cell.noted else cell.encoded
    return found


def nested(path: FieldPath, value: JsonValue) -> JsonObject:
    body = value
    for key in reversed(path):
        body = {key: body}
    assert isinstance(body, dict)
    return body


@BOTH_WAYS
@pytest.mark.parametrize("key", ODD)
def test_odd_keys_are_keys_and_nothing_else(key: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_MANY", many)
    fields = fields_of([("properties", key), ("properties", key, key), ("properties", "plain")])
    for path in fields:
        body = nested(path, "x")
        assert collected(fields, body) == walked(fields, body)
        assert collected(fields, body)[".".join(path)] == (b'"x"',)
    everything: JsonObject = {key: "one", "properties": {key: {key: "two"}, "plain": "three"}}
    assert len(collected(fields, everything)) == 3


@BOTH_WAYS
def test_a_key_with_a_dot_in_an_event_is_no_path(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_MANY", many)
    fields = fields_of([("properties", "a"), ("properties", "a", "b")])
    assert collected(fields, {"properties.a": "x", "properties": {"a.b": "x"}}) == {}


@BOTH_WAYS
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", {"a": (b'"x"',)}),
        ({"b": "y"}, {"a": None, "a.b": (b'"y"',)}),
        ({"b": {"c": "z"}}, {"a": None, "a.b": None, "a.b.c": (b'"z"',)}),
        ({}, {"a": None}),
        ({"b": None}, {"a": None}),
        ([{"b": "y"}], {"a": None}),
        (7, {"a": None}),
        (True, {"a": None}),
        (None, {}),
    ],
)
def test_a_field_may_hold_others_as_well(
    value: JsonValue, expected: Collected, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "_MANY", many)
    fields = fields_of([("a",), ("a", "b"), ("a", "b", "c"), ("e",)])
    assert collected(fields, {"a": value}) == walked(fields, {"a": value}) == expected


@BOTH_WAYS
@pytest.mark.parametrize("value", ["b", 7, 0.5, True, None, [], ["b"], [{"b": "x"}]])
def test_what_is_no_object_has_no_fields(
    value: JsonValue, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "_MANY", many)
    fields = fields_of([("a", "b", "c"), ("e",)])
    assert collected(fields, {"a": value, "e": "x"}) == {"e": (b'"x"',)}
    assert collected(fields, {"a": {"b": value}, "e": "x"}) == {"e": (b'"x"',)}


_KEYS: Final = st.sampled_from(["a", "b", "c", 'd"', "e.f"])
_PATHS: Final = st.sets(st.lists(_KEYS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=8).map(
    sorted
)
_BODIES: Final = st.dictionaries(
    _KEYS,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(0, 2)
        | st.floats(0, 1)
        | st.sampled_from(["", "x", "y" * 50]),
        lambda inner: st.dictionaries(_KEYS, inner, max_size=4) | st.lists(inner, max_size=2),
        max_leaves=12,
    ),
    max_size=4,
)


_FLAT: Final = st.sets(
    st.tuples(st.just("a"), _KEYS) | st.tuples(st.just("a"), _KEYS, st.just("b")), min_size=1
).map(sorted)


@given(paths=_PATHS, body=_BODIES, scanned=st.booleans())
@example(paths=[("a",), ("a", "b")], body={"a": {"b": "x"}}, scanned=True)
def test_the_code_does_what_a_plain_walk_does(
    paths: list[FieldPath], body: JsonObject, *, scanned: bool
) -> None:
    fields = fields_of(paths, scanned=scanned)
    assert collected(fields, body) == walked(fields, body)


@given(paths=_FLAT, body=_BODIES, scanned=st.booleans())
@example(paths=[("a", "a"), ("a", "b"), ("a", "b", "b")], body={"a": {"b": {"b": "x"}}}, scanned=True)
def test_the_code_for_many_fields_does_what_a_plain_walk_does(
    paths: list[FieldPath], body: JsonObject, *, scanned: bool
) -> None:
    fields = fields_of(paths, scanned=scanned)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collector, "_MANY", 1)
        assert collected(fields, body) == walked(fields, body)


def test_an_object_of_many_fields_is_gone_through_by_its_own_keys() -> None:
    few = fields_of(("properties", f"x{number}") for number in range(64))
    more = fields_of(("properties", f"x{number}") for number in range(65))
    body: JsonObject = {"properties": {"x3": "x", "x63": "y", "other": "z"}}
    assert (
        collected(few, body)
        == collected(more, body)
        == {
            "properties.x3": (b'"x"',),
            "properties.x63": (b'"y"',),
        }
    )
    assert ".keys()" not in write_collector(few).source
    assert ".keys()" in write_collector(more).source


def test_a_large_policy_gives_the_same_both_ways(
    make_sanitizer: MakeSanitizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As payloads, by a policy with more fields than the bound, in events whose keys come in any order."""
    policy = SmallPolicy(
        {
            **{
                f"properties.x{number}": {"class": "note", "type": "string", "max_length": 40}
                for number in range(70)
            },
            **{f"traits.y{number}": {"class": "text.short"} for number in range(70)},
        },
        {"note": "keep", "text.short": "scrub"},
    )
    names = {"y2": "ask Ottilie Brandner", "y9": "usr_5513xw", "x3": "not here"}
    records = [
        record({"x1": "one", "x69": "two", "y2": "not here"}, traits=names),
        record({"y2": "not here", "x69": "two", "x1": "one"}, traits=dict(reversed(names.items()))),
        record({"x5": {"x1": 1}, "x6": ["x"], "x7": None, "unknown": "x"}, traits="y2"),
        record({f"x{number}": "v" for number in range(70)}),
        record({"x5": 5}, traits={"y1": 7, "y3": None, "y4": {"y5": 1}}),
    ] * 3
    by_keys = make_sanitizer(policy).sanitize(records)
    monkeypatch.setattr(collector, "_MANY", 1_000)
    asked_for = make_sanitizer(policy).sanitize(records)
    assert by_keys.outcomes == asked_for.outcomes
    assert by_keys.remarks == asked_for.remarks
    assert by_keys.outcomes[0] == by_keys.outcomes[1]
    assert all(isinstance(outcome, Sent) for outcome in by_keys.outcomes[0])
    assert by_keys.remarks
