"""Whatever a policy file holds, loading ends in a policy or in a list of mistakes with their places."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from service.policy import load
from service.policy.compiler import parts_pattern
from service.policy.mistakes import PolicyMistakesError

SMALL_POLICY = Path(__file__).parents[1] / "golden" / "policy"
FILES = ("tracking_plan.yaml", "vendors/mixpanel.yaml")
TEXTS = {name: (SMALL_POLICY / name).read_text(encoding="utf-8") for name in FILES}
ENTITIES = {
    "thresholds": {"PERSON": 0.6},
    "allow": ["Madison", "Area 51"],
    "deny": {"SECRET": ["Nightjar"]},
}
PARSED = {name: {**YAML(typ="safe").load(text), "entities": ENTITIES} for name, text in TEXTS.items()}

WORDS = st.sampled_from(
    ["keep", "drop", "scrub", "mask", "generalize", "country", "time_unit", "measure", "properties.seats",
     "class", "type", "enum", "word", "integer", "pseudonymize", "PERSON", "ana@example.org", "", "no"]
) | st.text(max_size=8)  # fmt: skip
SCALARS = WORDS | st.integers(-5, 99999) | st.floats(allow_nan=False) | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def load_with(name: str, content: bytes) -> list[str]:
    """The mistakes found when a file of the small policy has other content."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(shutil.copytree(SMALL_POLICY, Path(folder) / "config"))
        (config / name).write_bytes(content)
        mistakes = []
        try:
            load(config)
        except PolicyMistakesError as error:
            mistakes = error.mistakes
        assert mistakes == sorted(set(mistakes))
        return [str(mistake).removeprefix(f"{config}/") for mistake in mistakes]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every key and index in a document, with what holds it."""
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    found = [(value, key) for key, _ in inner]
    for _, item in inner:
        if isinstance(item, dict | list):
            found += places(item)
    return found


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_value_in_any_place_is_taken_or_reported(name: str, data: st.DataObject) -> None:
    document = orjson.loads(orjson.dumps(PARSED[name]))
    holder, key = data.draw(st.sampled_from(places(document)))
    holder[key] = data.draw(VALUES)
    if isinstance(holder, dict) and data.draw(st.booleans()):
        holder[data.draw(WORDS)] = holder.pop(key)
    for mistake in load_with(name, orjson.dumps(document)):  # JSON is YAML
        assert re.match(r"[\w./]+\.yaml:[1-9]\d*:[1-9]\d*: .", mistake)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_text_in_any_line_is_taken_or_reported(name: str, data: st.DataObject) -> None:
    lines = TEXTS[name].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(st.text(st.characters(codec="utf-8"), max_size=20)) + data.draw(
        st.sampled_from(["", "\n", lines[at]])
    )
    load_with(name, "".join(lines).encode())


@given(st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_reported(content: bytes) -> None:
    assert load_with("vendors/mixpanel.yaml", content) != []


LISTS = st.lists(st.text("abc4.-x", min_size=1, max_size=4), min_size=1, max_size=6)


@given(words=LISTS, data=st.data())
def test_words_of_a_list_joined_by_a_separator_always_match(words: list[str], data: st.DataObject) -> None:
    """Provided that no word holds a separator itself, which would make its start another word's end."""
    words = [word for word in words if not set(word) & set(".-")] or ["a"]
    chosen = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=6))
    text = chosen[0] + "".join(data.draw(st.sampled_from("-_.:+/")) + word for word in chosen[1:])
    pattern = re.compile(parts_pattern(words), re.ASCII)
    assert pattern.fullmatch(text)
    assert pattern.fullmatch(text.upper())


@given(words=LISTS, text=st.text("abcdefg0123456789-_.:+/ ", max_size=24))
def test_what_matches_is_made_of_listed_words_and_few_digits(words: list[str], text: str) -> None:
    words = [word for word in words if word.isalpha()] or ["a"]
    if re.fullmatch(parts_pattern(words), text, re.ASCII):
        numbers = [part for part in re.split(r"[-_.:+/]", text) if part not in words]
        assert all(re.fullmatch(r"[0-9]{1,3}[a-z]?", number) for number in numbers)
        assert sum(character.isdigit() for character in text) <= 6
