"""Splits a text into words and says of each what kind of evidence it is for a name."""

import re
from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from service.detection.lexicon import Commonness, lexicon, word_key
from service.detection.word_lists import word_list

#: Combining marks that are parts of words: the `re` module's \\w leaves them out.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f"
    "\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a4d\u0a81-\u0acd\u0b01-\u0b4d\u0b82-\u0bcd\u0c00-\u0c4d\u0c81-\u0ccd"
    "\u0d00-\u0d4d\u0d82-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
_LETTER: Final = rf"(?:[^\W\d_]|[{_MARKS}])"
WORD: Final = re.compile(rf"[^\W\d_]{_LETTER}*(?:'{_LETTER}+)*")
#: The same in a text of ASCII alone: half the time.
_ASCII_WORD: Final = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")
_GENITIVE: Final = re.compile(r"'s?\Z", re.IGNORECASE)
_CAMEL: Final = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])")
#: Prefixes within a family name, whose second capital starts no new word.
_NAME_PREFIX: Final = re.compile(r"(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|Fitz|O'|D')[A-ZÀ-Þ][^A-ZÀ-Þ]+\Z")

#: Ends of family names, in word_key's form: Romanian, Turkish, Ukrainian, Georgian, Nordic, Greek,
#: Slavic, German, Persian, Tamil, Sinhala.
_FAMILY_ENDING: Final = re.compile(
    r"...(?:escu|eanu|oglu|enko|shvili|adze|sson|sdottir|opoulos|opoulou|ovic|evic|owski|"
    r"ewski|owska|ewska|czyk|wicz|ikova|enkova"
    r"|inska|inski|quist|stroem|mann|meier|zadeh|nathan|swamy|murthy|singhe|wardena|tunga|esh?vili)\Z"
)

PARTICLES: Final = frozenset(word_list("words", "particles"))

#: `Word` from its key on.
_Facts = tuple[str, Commonness | None, Commonness | None, bool, bool, bool, bool, bool, bool, bool, bool]


class Word(NamedTuple):
    """A word `text[start:end]` and what the lists know of it.

    Attributes:
        start: Where it starts.
        end: Where it ends, a genitive s left out.
        digits: A digit touches it.
        key: Its form in the lists.
        given: How common as a word, where it is a given name; else None.
        surname: The same for family names.
        known: It is a word of some language that is no name alone, or a product.
        particle: It may stand inside of a name: `van`.
        initial: A single letter.
        title: Written with a capital and small letters.
        upper: Written in capitals throughout (two or more).
        named: Some list of names has it.
        strong: It is a name and nothing else.
        unknown: No list has it.
    """

    start: int
    end: int
    digits: bool
    key: str
    given: Commonness | None
    surname: Commonness | None
    known: bool
    particle: bool
    initial: bool
    title: bool
    upper: bool
    named: bool
    strong: bool
    unknown: bool


def split_words(text: str) -> list[Word]:
    """The words in order; `MariaSilva` is two."""
    words: list[Word] = []
    for match in (_ASCII_WORD if text.isascii() else WORD).finditer(text):
        start, end = match.span()
        surface = match[0]
        if "'" in surface:
            genitive = _GENITIVE.search(surface)
            if genitive and genitive.start() > 1:
                end = start + genitive.start()
                surface = text[start:end]
        if surface.islower() or _NAME_PREFIX.match(surface):
            words.append(_word(text, start, end))
            continue
        edges = [start, *(start + camel.start() for camel in _CAMEL.finditer(surface)), end]
        words += [_word(text, left, right) for left, right in pairwise(edges)]
    return words


def _word(text: str, start: int, end: int) -> Word:
    digits = text[start - 1 : start].isdigit() or text[end : end + 1].isdigit()
    return Word(start, end, digits, *_facts(text[start:end]))


#: Words repeat: this halves the time of `split_words` (some 10 MB when full).
@lru_cache(maxsize=20_000)
def _facts(surface: str) -> _Facts:
    """What the lists and its letters say of a word, wherever it stands."""
    lists = lexicon()
    key = word_key(surface)
    given = lists.given.get(key)
    surname = lists.surnames.get(key)
    known = key in lists.vocabulary or key in lists.products or key in lists.places
    if given is None and surname is None and not known:
        for form in _other_forms(key):
            given, surname = lists.given.get(form), lists.surnames.get(form)
            if given is not None or surname is not None:
                break
    if given is None and surname is None and not known and "'" in key:
        known = _contracted(key)
    if given is None and surname is None and not known and _FAMILY_ENDING.search(key):
        surname = Commonness.NAME_ONLY
    particle, initial = key in PARTICLES, len(key) == 1
    named = given is not None or surname is not None
    return (
        key,
        given,
        surname,
        known,
        particle,
        initial,
        (surface[:1].isupper() or surface.rpartition("'")[2][:1].isupper()) and not surface[1:].isupper(),
        len(surface) > 1 and surface.isupper(),
        named,
        Commonness.NAME_ONLY in (given, surname),
        not (named or known or particle or initial),
    )


def _contracted(key: str) -> bool:
    """Whether it is a word with another's rest: `I'm`, `l'export`."""
    head, _, tail = key.rpartition("'")
    vocabulary = lexicon().vocabulary
    return len(tail) <= 2 or (len(head) <= 2 and tail in vocabulary)


def _other_forms(key: str) -> tuple[str, ...]:
    """Forms under which the lists may have a name: without d' or al-, out of a Slavic case ending."""
    if "'" in key:
        return (key.replace("'", ""), key.rpartition("'")[2])
    if len(key) > 3 and "\u0400" <= key[0] <= "\u04ff":
        stem, shorter = key[:-1], key[:-2]
        return (stem, stem + "а", stem + "я", stem + "й", shorter, shorter + "а", shorter + "й")
    if len(key) > 4 and key.startswith("ال"):
        return (key[2:],)
    return ()


def word_from(words: list[Word], position: int) -> int:
    """The first word that starts at a place of the text or after it; the number of words where none does."""
    return bisect_left(words, position, key=lambda word: word.start)
