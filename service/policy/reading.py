"""Turns a policy file into its model, and pydantic's errors into sentences with a place.

One mistake must not hide the next: the parts that are wrong are noted and taken out, and what is left is
validated again, until it holds or nothing can be left out any more.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.policy import models
from service.policy.closed_model import ClosedModel
from service.policy.mistakes import Mistakes, Place
from service.policy.yaml_source import Block, Items, Value, read

Model = TypeVar("Model", bound=ClosedModel)

_GENERALIZATIONS: Final = get_args(models.GeneralizationWord)
_ACTIONS: Final = ("keep", "drop", "pseudonymize", "scrub", "generalize", "mask")

#: What a name that stands under a key is a name of; anything else is an action.
_NOUNS: Final = {
    "generalize": "generalization",
    "pseudonymize": "entity",
    "mask": "entity",
    "thresholds": "entity",
    "deny": "entity",
    "calls": "call",
    "vendor": "vendor",
    "type": "type",
    "unit": "unit",
    "integration": "integration",
    "when_absent": "value",
}

_PATTERN_MEANINGS: Final = {
    models.CLASS_NAME: "a class is small letters and _, with dots between",
    models.DOTTED_PATH: "a field is keys with dots between, without spaces",
    models.LIST_NAME: "the name of a word list is small letters and _",
    models.TOPIC: "a topic is up to 249 of the characters A-Z a-z 0-9 . _ -",
    models.PURPOSE: "a purpose is small letters, digits and -, at most 32 characters",
    models.DURATION: "write a time such as 30m, 1h or 7d, or never",
}

_MEANINGS: Final = {
    "dict_type": "must be `key: value` pairs",
    "model_type": "must be `key: value` pairs",
    "model_attributes_type": "must be `key: value` pairs",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}

_BOUNDS: Final = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "more than"),
    "less_than": ("lt", "less than"),
}


@dataclass(frozen=True, slots=True)
class PolicyFile(Generic[Model]):
    """A file that could be read.

    Attributes:
        model: What holds of it.
        block: Its text's values, for their places.
        missing: Sections of the file that are missing or wrong as a whole; the model has empty ones instead.
    """

    model: Model
    block: Block
    missing: frozenset[str]

    def is_spoiled(self, *keys: str) -> bool:
        """Whether something wrong had to be taken out here, be it the key, its section or what it holds.

        What else would be found missing or unused because of it must not be reported as well.
        """
        section = keys[0]
        if section in self.missing or (section not in self.block and _lacks_keys(self.block)):
            return True
        value: Value = self.block
        for key in keys:
            if not isinstance(value, Block) or key not in value.key_places:
                return False
            if key not in value:
                return True
            value = value[key]
        return _is_spoiled(value)

    def keys_written(self, *way: str) -> frozenset[str]:
        """All keys of a block, also those that had to be taken out; none where the block is missing."""
        block: Value = self.block
        for key in way:
            block = block.get(key, "") if isinstance(block, Block) else ""
        return frozenset(block.key_places) if isinstance(block, Block) else frozenset()

    def key_place(self, *keys: str) -> Place:
        """Where a key stands."""
        *way, last = keys
        return self._block(way).key_places[last]

    def value_place(self, *keys: str) -> Place:
        """Where the value of a key stands."""
        *way, last = keys
        return self._block(way).value_places[last]

    def item_place(self, index: int, *keys: str) -> Place:
        """Where an item of a list stands."""
        *way, last = keys
        items = self._block(way)[last]
        assert isinstance(items, Items)
        return items.value_places[index]

    def _block(self, way: Iterable[str]) -> Block:
        block = self.block
        for key in way:
            inner = block[key]
            assert isinstance(inner, Block)
            block = inner
        return block


def read_policy_file(
    model: type[Model], file: Path, empty: Mapping[str, Any], mistakes: Mistakes
) -> PolicyFile[Model] | None:
    """Read and validate a file.

    Args:
        model: Its model.
        file: Where it is.
        empty: What takes the place of each required section that is missing.
        mistakes: Takes everything that is wrong.

    Returns:
        The file, or None where nothing of it can be used.
    """
    block = read(file, str(file), mistakes)
    if block is None:
        return None
    missing: set[str] = set()
    while True:
        try:
            holds = model.model_validate(_with_empty(block, empty, missing), context=mistakes)
        except ValidationError as error:
            details = error.errors(include_url=False)
            missing.update(
                str(detail["loc"][0])
                for detail in details
                if detail["type"] == "missing" and len(detail["loc"]) == 1
            )
            findings = [_Finding.of(block, detail) for detail in details]
            for finding in findings:
                finding.note(mistakes)
            _take_out(findings)
        else:
            return PolicyFile(holds, block, frozenset(missing))


def _with_empty(block: Block, empty: Mapping[str, Any], missing: Iterable[str]) -> Block:
    for key in missing:
        block[key] = empty[key]
    return block


def _lacks_keys(block: Block) -> bool:
    return not block.key_places.keys() <= block.keys()


def _is_spoiled(value: Value) -> bool:
    if isinstance(value, Block):
        return _lacks_keys(value) or any(_is_spoiled(inner) for inner in value.values())
    return isinstance(value, Items) and (value.is_spoiled or any(_is_spoiled(inner) for inner in value))


class _Step(NamedTuple):
    holder: Block | Items
    place: Place
    value: Value


def _step(value: Value, part: str | int) -> _Step | None:
    """From a value to what it holds under a key or index, if it holds anything there."""
    if isinstance(value, Block) and isinstance(part, str) and part in value:
        return _Step(value, value.value_places[part], value[part])
    if isinstance(value, Items) and isinstance(part, int):
        return _Step(value, value.value_places[part], value[part])
    return None


class _Finding(NamedTuple):
    """An error of pydantic's, and the spot in the file it speaks of.

    Attributes:
        way: The blocks and lists from the top of the file to the spot, each with the key in it.
        place: Where the spot is.
        value: What stands there.
        detail: The error.
    """

    way: list[tuple[Block | Items, Any]]
    place: Place
    value: Value
    detail: ErrorDetails

    @classmethod
    def of(cls, block: Block, detail: ErrorDetails) -> "_Finding":
        """Follow the error's location. Names of a union's branches, which are no keys, are skipped."""
        way: list[tuple[Block | Items, Any]] = []
        place, node = block.place, block
        value: Value = node
        for part in detail["loc"]:
            if part == "[key]" and way:
                holder, key = way[-1]
                assert isinstance(holder, Block)
                place, value = holder.key_places[key], key
            elif (step := _step(value, part)) is not None:
                way.append((step.holder, part))
                place, value = step.place, step.value
        return cls(way, place, value, detail)

    def note(self, mistakes: Mistakes) -> None:
        """Note the mistake in words that speak of the file, not of the model."""
        kind = self.detail["type"]
        context = self.detail.get("ctx", {})
        if kind == "missing":
            self._note_missing(mistakes)
        elif kind in {"literal_error", "enum"} and isinstance(self.value, str):
            known = re.findall(r"'([^']*)'", context["expected"])
            self._note_unknown(self.value, known, mistakes)
        elif kind == "union_tag_invalid":
            known = [tag for tag in re.findall(r"'([^']*)'", context["expected_tags"]) if tag != "word"]
            self._note_unknown(context["tag"], known, mistakes)
        elif kind == "union_tag_not_found":
            noun = self._noun()
            mistakes.add(self.place, f"{_a(noun)} must be a word, or one key with its parameters")
        else:
            mistakes.add(self.place, self._sentence())

    def entry(self) -> tuple[Block | Items | None, Any]:
        """The smallest part that can be left out."""
        if not self.way:
            return None, None
        depth = {"consent": 1, "actions": 2, "fields": 2}.get(self.way[0][1], len(self.way))
        return self.way[:depth][-1]

    def _note_missing(self, mistakes: Mistakes) -> None:
        assert isinstance(self.value, Block)
        key = str(self.detail["loc"][-1])
        if key not in self.value.key_places:  # else its empty value has been noted already
            mistakes.add(self.value.place, f"{key!r} is missing")

    def _note_unknown(self, name: str, known: list[str], mistakes: Mistakes) -> None:
        noun = self._noun()
        if noun == "action":
            known = list(_ACTIONS)
            if name in _GENERALIZATIONS:
                mistakes.add(self.place, f"unknown action {name!r}; did you mean {{generalize: {name}}}?")
                return
        if noun == "generalization":
            if name in _GENERALIZATIONS:
                mistakes.add(self.place, f"{name} takes no parameters: write `generalize: {name}`")
                return
            known = list(_GENERALIZATIONS)
        if name in known:
            mistakes.add(self.place, f"{name} needs parameters: write {{{name}: ...}}")
        else:
            mistakes.add(self.place, f"unknown {noun} {name!r}", name=name, known=known)

    def _sentence(self) -> str:
        kind = self.detail["type"]
        context = self.detail.get("ctx", {})
        if kind in {"string_type", "literal_error", "enum"}:
            if isinstance(self.value, Block | Items):
                return "must be a word"
            shown = str(self.value).lower() if isinstance(self.value, bool) else self.value
            return f'must be a word: write "{shown}" in quotes if it is one'
        if kind == "string_pattern_mismatch":
            return f"{str(self.value)!r} is not allowed here: {_PATTERN_MEANINGS[context['pattern']]}"
        if kind in _BOUNDS:
            key, words = _BOUNDS[kind]
            return f"must be {words} {context[key]:g}"
        return _MEANINGS.get(kind, self.detail["msg"])

    def _noun(self) -> str:
        keys = [key for _, key in self.way if isinstance(key, str)]
        if self.detail["loc"][-1] == "[key]":
            keys = keys[:-1]
        return _NOUNS.get(keys[-1], "action") if keys else "action"


def _take_out(findings: list[_Finding]) -> None:
    """Take out what is wrong; what can't do without it, such as an action, goes as a whole."""
    spots = {(id(holder), key): holder for holder, key in map(_Finding.entry, findings) if holder is not None}
    # From the end, so that an index still means the same item after another has gone.
    for (_, key), holder in sorted(spots.items(), key=lambda spot: str(spot[0][1]).zfill(9), reverse=True):
        if isinstance(holder, Block):
            holder.pop(key, None)
        else:
            del holder[key]
            del holder.value_places[key]
            holder.is_spoiled = True


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
