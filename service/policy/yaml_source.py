"""Reads a YAML file into plain values that remember where they stand.

Only the part of YAML that every reader takes the same way is let through. Of the rest (`no` and `on`, `1e3`,
dates, octal numbers, empty values, anchors, tags) each is a mistake with the way out in its message, because
a policy that one person reads as a word and a parser as `false` is worse than none.
"""

import re
from io import StringIO
from pathlib import Path
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

from service.policy.mistakes import Mistakes, Place

Value: TypeAlias = "Block | Items | str | int | float | bool"
Part: TypeAlias = str | int


class Block(dict[str, Value]):
    """A mapping that knows where it, its keys and its values stand.

    The places stay when a wrong value is taken out, so that a key that is wrong differs from one that is
    missing.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.key_places: dict[str, Place] = {}
        self.value_places: dict[str, Place] = {}


class Items(list[Value]):
    """A sequence that knows where it and its items stand, and whether a wrong item has been taken out."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.value_places: list[Place] = []
        self.is_spoiled = False


_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_NO_VALUES: Final = frozenset({"~", "null"})
_SWITCHES: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
#: What some YAML reader or other takes for a number or a date: exponents, other bases, sexagesimal numbers,
#: underscores, leading zeros, dates and times.
_NUMBER_LIKE: Final = re.compile(
    r"[-+]?\.?[0-9][0-9_]*([.:_][0-9_]*)*([eE][-+]?[0-9]+)?"
    r"|[-+]?0[xob][0-9a-fA-F_]+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"
)


def read(file: Path, shown_as: str, mistakes: Mistakes) -> Block | None:
    """Read a file whose document is a mapping; None where it can't be read at all.

    Args:
        file: The file.
        shown_as: Its name in messages.
        mistakes: Takes everything that is wrong.
    """
    top = Place(shown_as, 1, 1)
    try:
        text = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        mistakes.add(top, "there is no such file")
        return None
    except OSError as error:
        mistakes.add(top, f"can't be read: {error.strerror}")
        return None
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        mistakes.add(Place(shown_as, line, column), "not UTF-8: save the file in this encoding")
        return None
    root = _compose(text, top, mistakes)
    if root is None:
        return None
    value = _Converter(shown_as, mistakes).convert(root)
    if isinstance(value, Block):
        return value
    if value is not None:
        mistakes.add(_place(shown_as, root.start_mark), "the file must hold `key: value` pairs")
    return None


def _compose(text: str, top: Place, mistakes: Mistakes) -> Node | None:
    """The one document of a file, or None, with the reason noted."""
    documents = _documents(text, top, mistakes)
    if documents is None:
        return None
    if len(documents) > 1:
        mistakes.add(_place(top.file, documents[1].start_mark), "more than one document: remove the `---`")
        return None
    if not documents:
        mistakes.add(top, "the file is empty")
        return None
    return documents[0]


def _documents(text: str, top: Place, mistakes: Mistakes) -> list[Node] | None:
    try:
        if _note_refused_tokens(text, top.file, mistakes):
            return None
        return [node for node in YAML(typ="rt", pure=True).compose_all(StringIO(text)) if node is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        mistakes.add(_place(top.file, mark) if mark else top, _yaml_problem(text, error))
    except ReaderError as error:
        before = text[: error.position]
        place = Place(top.file, before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
        mistakes.add(place, "a control character that YAML does not allow")
    except (YAMLError, RecursionError, ValueError):
        mistakes.add(top, "not YAML")
    return None


def _note_refused_tokens(text: str, file: str, mistakes: Mistakes) -> bool:
    if not {"&", "*", "!"} & set(text):
        return False  # reading every token takes as long as reading the file
    refused = [
        token
        for token in YAML(typ="rt", pure=True).scan(StringIO(text))
        if isinstance(token, AnchorToken | AliasToken | TagToken)
    ]
    for token in refused:
        kind = "tags (!)" if isinstance(token, TagToken) else "anchors (&) and aliases (*)"
        mistakes.add(_place(file, token.start_mark), f"{kind} are not allowed: write the value out")
    return bool(refused)


def _yaml_problem(text: str, error: MarkedYAMLError) -> str:
    mark = error.problem_mark
    if mark is not None and mark.line < len(lines := text.splitlines()):
        indent = lines[mark.line][: len(lines[mark.line]) - len(lines[mark.line].lstrip())]
        if "\t" in indent:
            return "a tab is used to indent: use spaces"
    return f"not YAML: {error.problem or error.context}"


def _place(file: str, mark: StreamMark) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


class _Converter:
    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self._file = file
        self._mistakes = mistakes

    def convert(self, node: Node) -> "Value | None":
        """The node's value, without the parts that are wrong; None where nothing is left."""
        if isinstance(node, MappingNode):
            return self._block(node)
        if isinstance(node, SequenceNode):
            return self._items(node)
        assert isinstance(node, ScalarNode)
        return self._scalar(node)

    def _block(self, node: MappingNode) -> Block:
        block = Block(_place(self._file, node.start_mark))
        for key_node, value_node in node.value:
            place = _place(self._file, key_node.start_mark)
            key = self.convert(key_node)
            if key is None:
                continue
            if not isinstance(key, str):
                self._mistakes.add(place, "a key must be a word: put it in quotes")
                continue
            if key == "<<" and key_node.style is None:
                self._mistakes.add(place, "merge keys (<<) are not allowed: write the values out")
                continue
            if key in block.key_places:
                self._mistakes.add(
                    place, f"{key!r} stands here twice; first in line {block.key_places[key].line}"
                )
                continue
            block.key_places[key] = place
            if _is_empty(value_node):
                self._mistakes.add(place, f"{key!r} has no value")
                continue
            value = self.convert(value_node)
            if value is not None:
                block[key] = value
                block.value_places[key] = _place(self._file, value_node.start_mark)
        return block

    def _items(self, node: SequenceNode) -> Items:
        items = Items(_place(self._file, node.start_mark))
        for item_node in node.value:
            value = self.convert(item_node)
            if value is None:
                items.is_spoiled = True
                continue
            items.append(value)
            items.value_places.append(_place(self._file, item_node.start_mark))
        return items

    def _scalar(self, node: ScalarNode) -> str | int | float | bool | None:
        text: str = node.value
        if node.style is not None:  # in quotes, or a block of text
            return text
        if text in {"true", "false"}:
            return text == "true"
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
        doubt = _doubt(text)
        if doubt is not None:
            self._mistakes.add(_place(self._file, node.start_mark), doubt)
            return None
        return text


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.style is None and not node.value


def _doubt(text: str) -> str | None:
    """What is unclear about a word without quotes, if anything is."""
    if not text:
        return "an item is empty"
    if text.casefold() in _NO_VALUES:
        return f"{text} is no value: remove the key"
    if text.casefold() in _SWITCHES:
        return f'{text} means true or false to some readers of YAML: write "{text}", or true or false'
    if _NUMBER_LIKE.fullmatch(text):
        return (
            f"{text} is a number or a date to some readers of YAML: "
            f'write "{text}" if a word is meant, else a plain decimal number'
        )
    return None
