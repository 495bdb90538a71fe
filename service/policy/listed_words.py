"""What may stand in a policy's allow and deny lists: words and phrases, and no more.

An allow list spares what models and name lists take for somebody's. It must never look like the way by which
an address, a number or a key gets out: those are always replaced, so an entry that has the form of one is
refused, because whoever wrote it expects what will not happen.
"""

import re
import unicodedata
from typing import Final

_LONGEST_DENIED: Final = 100
_LONGEST_ALLOWED: Final = 60
#: Of letters and digits together; in scripts other than Latin two are a name already.
_SHORTEST_DENIED: Final = 3
_SHORTEST_ALLOWED: Final = 2
#: Too few for a phone number, a card or an id.
_MOST_DIGITS: Final = 4
#: Longer words of an allow list are small letters, at most with a capital first: keys and tokens mix them.
_LONG_WORD: Final = 12
_LONGEST_WORD: Final = 24
_SIGNS: Final = frozenset(" -'.&+/#")
_BETWEEN_WORDS: Final = re.compile(r"[ \-'.&/#]+")
_IP_ADDRESS: Final = re.compile(r"(?:[0-9]+\.){3}[0-9]+")
_PLAIN_WORD: Final = re.compile(r"[^\W\d_][^\W\d_A-Z]*")
_TOKEN_PREFIX: Final = re.compile(r"(?:\b[srp]k|xox[a-z]|glpat)-", re.IGNORECASE)
_SPELT_EMAIL: Final = re.compile(r"\bat\b.*\bdot\b", re.IGNORECASE)


def why_not_denied(entry: str) -> str | None:
    """Why an entry can't stand in a deny list; None where it can."""
    return _why_no_phrase(entry, _SHORTEST_DENIED, _LONGEST_DENIED)


def why_not_allowed(entry: str) -> str | None:
    """Why an entry can't stand in an allow list; None where it can."""
    problem = _why_no_phrase(entry, _SHORTEST_ALLOWED, _LONGEST_ALLOWED)
    if problem is not None:
        return problem
    strange = next((sign for sign in entry if not _is_of_a_word(sign)), None)
    if strange == "@" or _SPELT_EMAIL.search(entry):
        return "e-mail addresses and handles are always replaced; allow words only"
    if strange is not None:
        return f"{strange!r} is in no word: an entry is letters, a few digits and the signs - ' . & + / #"
    if sum(map(str.isdigit, entry)) > _MOST_DIGITS or _IP_ADDRESS.search(entry):
        return (
            f"with four numbers or more than {_MOST_DIGITS} digits it may be a phone number, a card, an id "
            "or an address, which are always replaced; allow words only"
        )
    if _TOKEN_PREFIX.search(entry) or any(map(_is_token, _BETWEEN_WORDS.split(entry))):
        return "it has the form of a key or a token, which are always replaced; allow words only"
    return None if any(map(str.isalpha, entry)) else "it has no letter; allow words only"


def _why_no_phrase(entry: str, shortest: int, longest: int) -> str | None:
    if not entry.isprintable() or unicodedata.normalize("NFKC", entry) != entry:
        return "write it in plain letters, without control characters, ligatures and odd widths"
    if entry.split(" ") != entry.split():
        return "write one space between two words, and none around them"
    least = shortest if entry.isascii() else min(shortest, _SHORTEST_ALLOWED)
    if sum(map(str.isalnum, entry)) < least:
        return f"it has fewer than {least} letters and digits, and would be found everywhere"
    return f"it has more than {longest} characters" if len(entry) > longest else None


def _is_of_a_word(sign: str) -> bool:
    return sign.isalnum() or sign in _SIGNS or unicodedata.category(sign) in {"Mn", "Mc"}


def _is_token(word: str) -> bool:
    return len(word) > _LONGEST_WORD or (len(word) > _LONG_WORD and not _PLAIN_WORD.fullmatch(word))
