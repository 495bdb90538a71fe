"""What became of a value: which of its characters came through, and what stands in the place of the rest."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from enum import Enum
from typing import NamedTuple

import orjson

from service.events.json_value import JsonValue

_TOKEN = re.compile(r"<[A-Z_]+(?::[^>]*)?>|:id\b|\w+|\s+|[^\w\s]")
_WORD = re.compile(r"\w+")
#: Two texts with less in common than this (0 to 1) are not the same text before and after.
_ALIKE = 0.4


class Fate(Enum):
    """What became of a stretch of text."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


class Piece(NamedTuple):
    """A stretch of text and what became of it."""

    text: str
    fate: Fate


class Leaf(NamedTuple):
    """A value that holds no others, at its place in a JSON value."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The last key of the path, without signs."""
        return re.sub(r"[^a-z0-9]", "", self.path.rpartition(".")[2].lower())


def leaves(value: JsonValue, path: str = "") -> Iterator[Leaf]:
    """Every value that is no object, in order; a list of plain values counts as one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield Leaf(path, value)
    else:
        yield Leaf(path, orjson.dumps(value).decode())


def difference(before: str, after: str) -> list[Piece]:
    """How one text became the other, word by word: removed stretches stand before what replaced them."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("".join(old[a:b]), Fate.KEPT))
            continue
        if a < b:
            pieces.append(Piece("".join(old[a:b]), Fate.REMOVED))
        if c < d:
            pieces.append(Piece("".join(new[c:d]), Fate.ADDED))
    return pieces


def origin(after: Leaf, before: Iterable[Leaf]) -> Leaf | None:
    """The raw value that a payload's value was made from, as far as its name and its words tell.

    None for what has no word in common with any raw value, such as a pseudonym, but for a text of the same
    name that was scrubbed as a whole.
    """
    best, best_score = None, _ALIKE
    words = _WORD.findall(after.text)
    for leaf in before:
        alike = SequenceMatcher(None, _WORD.findall(leaf.text), words, autojunk=False).ratio()
        namesake = leaf.name == after.name and (alike > 0 or "<" in after.text)
        score = alike + namesake
        if score > best_score:
            best, best_score = leaf, score
    return best


def survivors(before: str, afters: Iterable[str]) -> list[Piece]:
    """A text with what came through in at least one of the others kept, and the rest removed."""
    kept = [False] * len(before)
    for after in afters:
        position = 0
        for text, fate in difference(before, after):
            if fate is Fate.ADDED:
                continue
            if fate is Fate.KEPT:
                kept[position : position + len(text)] = [True] * len(text)
            position += len(text)
    pieces: list[Piece] = []
    for letter, stays in zip(before, kept, strict=True):
        fate = Fate.KEPT if stays else Fate.REMOVED
        if pieces and pieces[-1].fate is fate:
            pieces[-1] = Piece(pieces[-1].text + letter, fate)
        else:
            pieces.append(Piece(letter, fate))
    return pieces
