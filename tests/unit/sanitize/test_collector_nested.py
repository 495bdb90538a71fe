"""Objects of many fields in others of many fields: each is gone through by its own keys alone."""

from service.actions.keep import KeepAction
from service.events.json_value import JsonObject
from service.events.paths import FieldPath
from service.policy.action_specs import Guard, Keep
from service.policy.plan import FieldRule
from service.sanitize.collector import Scans, write_collector
from service.sanitize.columns import Cell, Field, KeyVersion, Leaves, PlainColumn

MANY = 70


def fields(paths: list[FieldPath]) -> dict[FieldPath, Field]:
    leaves = Leaves()
    guard = Guard(type="word", max_length=20)
    made = {}
    for number, path in enumerate(paths):
        rule = FieldRule(path, ".".join(path), "category", guard, Keep(guard=None), None)
        made[path] = Field(number, [PlainColumn(rule, leaves, KeepAction(guard))], [], leaves)
    return made


def collected(paths: list[FieldPath], body: JsonObject) -> list[str]:
    version = KeyVersion({}, len(paths))
    cells: list[Cell] = []
    scans: Scans = []
    write_collector(fields(paths)).collect(body, version, version.known, cells, scans)
    return sorted(str(value) for cell in cells for value in cell.values)


def test_an_object_of_many_fields_in_another_gets_its_own_and_no_others() -> None:
    paths: list[FieldPath] = [("properties", f"x{number}") for number in range(MANY)]
    paths += [("properties", "deep", f"y{number}") for number in range(MANY)]
    body: JsonObject = {"properties": {"x1": "one", "y1": "no", "deep": {"y2": "two", "x3": "no"}}}
    assert collected(paths, body) == ["one", "two"]


def test_an_object_within_itself_has_an_end() -> None:
    paths: list[FieldPath] = [
        (*["deep"] * depth, f"x{number}") for depth in range(4) for number in range(MANY)
    ]
    body: JsonObject = {"x1": "a", "deep": {"x2": "b", "deep": {"deep": {"x3": "c", "deep": {"x4": "no"}}}}}
    assert collected(paths, body) == ["a", "b", "c"]
