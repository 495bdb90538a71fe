"""A policy's words and phrases, found in a text whole, in any case, with or without accents."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from service.detection.lexicon import word_key
from service.detection.reading import Reading, fold

_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]+")
#: Scripts that put no space between words, or particles right behind them: each character counts as a word.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_SPACE: Final = re.compile(r"\s+")
#: Between two words of a denied phrase: `Project Nightjar` is `project-nightjar` as well.
_WIDEST_GAP: Final = 3

Meaning = TypeVar("Meaning")


class _Token(NamedTuple):
    """A word `text[start:end]`, its form in the lists, and what stands before it since the last one."""

    start: int
    end: int
    key: str
    gap: str


class _Phrase(NamedTuple, Generic[Meaning]):
    keys: tuple[str, ...]
    gaps: tuple[str, ...]
    meaning: Meaning


class ListedPhrases(Generic[Meaning]):
    """Words and phrases, each with what it means."""

    def __init__(self, entries: Iterable[tuple[str, Meaning]], *, loose: bool) -> None:
        """Take the entries; if `loose`, also with other signs or none between their words."""
        self._loose = loose
        self._by_first: dict[str, list[_Phrase[Meaning]]] = {}
        for entry, meaning in entries:
            first, *rest = _tokens(fold(entry).text)
            self._add(_Phrase((first.key, *(token.key for token in rest)), _gaps(rest), meaning))
            if loose and rest:
                self._add(_Phrase((first.key + "".join(token.key for token in rest),), (), meaning))

    def __bool__(self) -> bool:
        return bool(self._by_first)

    def find(self, reading: Reading) -> Iterator[tuple[int, int, Meaning]]:
        """Where an entry stands, in places of the reading's original, and its meaning. They may overlap."""
        tokens = list(_tokens(reading.text))
        for index, token in enumerate(tokens):
            for phrase in self._by_first.get(token.key, ()):
                last = index + len(phrase.keys)
                if tuple(each.key for each in tokens[index:last]) == phrase.keys and self._fit(
                    _gaps(tokens[index + 1 : last]), phrase.gaps
                ):
                    yield *reading.origin(token.start, tokens[last - 1].end), phrase.meaning

    def _add(self, phrase: _Phrase[Meaning]) -> None:
        self._by_first.setdefault(phrase.keys[0], []).append(phrase)

    def _fit(self, gaps: tuple[str, ...], listed: tuple[str, ...]) -> bool:
        return gaps == listed or (self._loose and all(len(gap) <= _WIDEST_GAP for gap in gaps))


def _gaps(tokens: Iterable[_Token]) -> tuple[str, ...]:
    return tuple(_SPACE.sub(" ", token.gap) for token in tokens)


def _tokens(text: str) -> Iterator[_Token]:
    before = 0
    for start, end in _words(text):
        yield _Token(start, end, word_key(text[start:end]), text[before:start])
        before = end


def _words(text: str) -> Iterator[tuple[int, int]]:
    if text.isascii():
        yield from (match.span() for match in _ASCII_WORD.finditer(text))
        return
    start: int | None = None
    for position, sign in enumerate(text):
        alone = _UNSPACED.match(sign) is not None
        inside = not alone and (
            sign.isalnum() or (start is not None and unicodedata.category(sign) in {"Mn", "Mc"})
        )
        if inside:
            start = position if start is None else start
            continue
        if start is not None:
            yield start, position
            start = None
        if alone:
            yield position, position + 1
    if start is not None:
        yield start, len(text)
