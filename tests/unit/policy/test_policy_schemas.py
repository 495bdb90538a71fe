"""The exported JSON Schemas: in step with the models, true of the shipped files, false of wrong ones."""

from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from ruamel.yaml import YAML

from service.policy.export_schemas import EXPORTED, schema_text
from service.schema_files import schema_path

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
SMALL_POLICY = ROOT / "tests" / "golden" / "policy"
PLAN_SCHEMA = "tracking_plan.v1.schema.json"
VENDOR_SCHEMA = "policy.v1.schema.json"

#: Mistakes that a schema can't know of: they take another file, another line, or more than JSON holds.
BEYOND_A_SCHEMA = {
    "action that is a number", "alias", "allowed and denied", "allowed e-mail address", "allowed numbers",
    "allowed pattern", "allowed token", "allowed twice", "denied identity", "denied letter", "denied twice",
    "masked and pseudonymized", "scrub without parameters", "threshold of what patterns find",
    "anchor", "anchored pattern", "another vendor's name",
    "bounds that fall", "breaker that hardly opens", "broken pattern", "class of no field",
    "control character", "date", "empty guard",
    "event twice", "exponent", "field classified twice", "field inside another", "field never reached",
    "field that is none", "guard of an action", "guard without meaning", "guards that exclude each other",
    "identity kept by an override", "infinity", "integration of another", "kept contact",
    "kept name with a guard", "kept text", "kept without a guard", "key twice", "list as a key",
    "list without an end", "merge key", "message id not in the plan", "minimum above maximum",
    "needless override", "needless purpose", "no bounds", "not YAML", "number as a key",
    "number without a maximum", "octal", "on as a word", "pseudonym without a purpose",
    "pseudonyms of entities without a purpose", "scrubbed name", "section twice", "sexagesimal", "tab", "tag",
    "time not cut", "topic of another", "True as a word", "two documents", "type alone", "type as a field",
    "underscores", "unknown class in actions", "unknown class in key_purposes", "unknown class of a field",
    "unknown event", "unknown field", "unknown identity class", "unknown word list", "user id dropped",
    "user id dropped by an override", "word list of no field",
}  # fmt: skip
CASES = YAML(typ="safe").load(ROOT / "tests" / "golden" / "policy_mistakes.yaml")


def schema_of(file: str) -> str:
    return PLAN_SCHEMA if file.endswith("tracking_plan.yaml") else VENDOR_SCHEMA


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = orjson.loads(schema_path(name).read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("name", EXPORTED)
def test_the_file_is_what_the_models_say(name: str) -> None:
    found = schema_path(name).read_text(encoding="utf-8")
    assert found == schema_text(name), "run: python -m service.policy.export_schemas"


@pytest.mark.parametrize(
    "file",
    [*sorted(CONFIG.rglob("*.yaml")), *sorted(SMALL_POLICY.rglob("*.yaml"))],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_files_without_mistakes_are_valid(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert list(validator(schema_of(file.name)).iter_errors(parsed(text))) == []


@pytest.mark.parametrize("file", sorted(CONFIG.rglob("*.yaml")), ids=lambda file: file.name)
def test_a_file_names_its_schema_to_editors(file: Path) -> None:
    first_line = file.read_text(encoding="utf-8").splitlines()[0]
    start, _, target = first_line.partition("$schema=")
    assert start == "# yaml-language-server: "
    assert (file.parent / target).resolve() == schema_path(schema_of(file.name)).resolve()


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["name"] not in BEYOND_A_SCHEMA], ids=lambda case: case["name"]
)
def test_mistakes_of_form_are_seen_by_an_editor_too(case: dict[str, Any]) -> None:
    text = (SMALL_POLICY / case["file"]).read_text(encoding="utf-8").replace(case["old"], case["new"], 1)
    assert list(validator(schema_of(case["file"])).iter_errors(parsed(text))) != []


def test_every_mistake_named_as_beyond_a_schema_exists() -> None:
    assert {case["name"] for case in CASES} >= BEYOND_A_SCHEMA


def test_a_schema_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"no schema nothing\.json"):
        schema_path("nothing.json")
