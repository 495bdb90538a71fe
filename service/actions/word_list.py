"""The actions' own lists of known words: files in `data/`, read once."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"


def folded(text: str) -> str:
    """A name as it is looked up: without case, accents and superfluous spaces."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.casefold().split())


@cache
def word_list(name: str) -> frozenset[str]:
    """The lines of a file, as they are written."""
    return frozenset(_lines(name))


@cache
def word_map(name: str) -> Mapping[str, str]:
    """The lines `name = meaning` of a file: folded name to meaning."""
    pairs = (line.split(" = ") for line in _lines(name))
    return {folded(word): meaning for word, meaning in pairs}


def _lines(name: str) -> Iterator[str]:
    for line in (_DATA / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line
