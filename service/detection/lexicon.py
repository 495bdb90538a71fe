"""What is known of single words: names, everyday words, places, products.

The lists come as plain files beside this one; data/README.md names their sources.
"""

import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Final

_UNACCENTED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ə": "e", "ŋ": "n"}
)


class Commonness(IntEnum):
    """How much a name is a word as well, in the languages the lists know."""

    NAME_ONLY = 0  # Priya
    RARE_WORD = 1  # Grace, Sandy
    EVERYDAY_WORD = 2  # Will, Mark, Price


def word_key(word: str) -> str:
    """The form in which words stand in the lists: case-folded, without accents."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFKD", folded)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_UNACCENTED)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The lists, by word_key.

    Attributes:
        given: Given names of many cultures.
        surnames: Family names of many cultures.
        vocabulary: Words that are no name alone, of some forty languages.
        places: Countries, US states and large cities; some are several words.
        products: Products, models and tools that are called like people.
    """

    given: dict[str, Commonness]
    surnames: dict[str, Commonness]
    vocabulary: frozenset[str]
    places: frozenset[str]
    products: frozenset[str]


def _lines(name: str) -> list[str]:
    text = (files("service.detection") / "data" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def lexicon() -> Lexicon:
    """The lists, read once a process (about 40 MB)."""
    given: dict[str, Commonness] = {}
    surnames: dict[str, Commonness] = {}
    for line in _lines("names.txt"):
        name, kinds = line.split("\t")
        commonness = Commonness(int(kinds[-1]))
        if "g" in kinds:
            given[name] = commonness
        if "s" in kinds:
            surnames[name] = commonness
    return Lexicon(
        given,
        surnames,
        frozenset(_lines("vocabulary.txt")),
        frozenset(_lines("places.txt")),
        frozenset(_lines("products.txt")),
    )
